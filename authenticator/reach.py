"""Which addresses a call may go to that somebody else asked for: public ones, on known ports, and inner ones only where they are opened."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from urllib.parse import SplitResult, urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOOPBACK = ("127.0.0.0/8", "::1/128")
GLOBAL = ipaddress.ip_network("2000::/3")  # all that IANA has given out for the public
# public by their number, and yet a way inside: relays, tunnels and translation to inner addresses, a cloud's own wire
NEVER = tuple(
    ipaddress.ip_network(one)
    for one in (
        "192.0.0.0/24",
        "192.88.99.0/24",
        "168.63.129.16/32",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "2620:4f:8000::/48",
    )
)
NAME = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
INNER_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home.arpa")  # RFC 6761, 6762, 8375


class Reach:
    """Decides before a call by its address, and at the connection by what the name turned out to be."""

    def __init__(self, ports: Iterable[int] = (443,), inner: Sequence[str] = ()) -> None:
        self._ports = frozenset(ports)
        self._inner: tuple[Network, ...] = tuple(ipaddress.ip_network(one) for one in inner)

    def allows(self, url: str) -> bool:
        """Whether such an address may be called at all. Names are looked up only when it is."""
        if not url.isascii() or not url.isprintable() or set(' \\"<>^`{|}#') & set(url):
            return False
        try:
            parts = urlsplit(url)
            port = {"https": 443, "http": 80}.get(parts.scheme, 0) if parts.port is None else parts.port
        except ValueError:
            return False
        if parts.username is not None or parts.password is not None or not url.startswith(f"{parts.scheme}://") or "@" in parts.netloc:
            return False
        return port > 0 and self._host_allowed(parts, port)

    def admits(self, address: str, port: int, *, secure: bool) -> bool:
        """Whether a connection may go to this very address."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return self._is_inner(found) or (secure and port in self._ports and is_public(found))

    def _host_allowed(self, parts: SplitResult, port: int) -> bool:
        host, secure = parts.hostname or "", parts.scheme == "https"
        if ":" in host or host.rpartition(".")[2][:1].isdigit():  # an address, and written as one only
            return self.admits(host, port, secure=secure)
        if not NAME.fullmatch(host):
            return False
        if self._inner:  # what the name stands for decides
            return True
        named_inside = host.lower().endswith(tuple(f".{one}" for one in INNER_NAMES)) or host.lower() in INNER_NAMES
        return secure and port in self._ports and not named_inside

    def _is_inner(self, address: Address) -> bool:
        return any(address in network for network in self._inner)


def is_public(address: Address) -> bool:
    """Whether everybody can reach this address, and nobody gets inside by it."""
    if isinstance(address, ipaddress.IPv6Address) and (address not in GLOBAL or address.scope_id):
        return False
    return address.is_global and not address.is_multicast and not any(address in network for network in NEVER)
