"""Who is asking: address, browser and language of a request."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from flask import Request

from authenticator.models import Client

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Clients:
    """Reads the client from requests. X-Forwarded-For counts only from configured proxies (ASVS 5.0 4.1.3)."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        self._trusted: tuple[Network, ...] = tuple(ipaddress.ip_network(item) for item in trusted_proxies)

    def of(self, request: Request) -> Client:
        """Address, User-Agent (300 characters at most) and the languages wished for."""
        return Client(
            address=self._address(request.environ.get("REMOTE_ADDR") or "", request.headers.get("X-Forwarded-For", "")),
            agent=request.headers.get("User-Agent", "")[:300],
            locale=request.headers.get("Accept-Language", "")[:100],
        )

    def _address(self, peer: str, forwarded: str) -> str:
        """The nearest hop that is not one of our proxies, read from the right: what is left of it anybody may have written."""
        address = peer
        if not self._trusted or not self._is_trusted(peer):
            return address
        for hop in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
            if not _is_address(hop):
                break
            address = hop
            if not self._is_trusted(hop):
                break
        return address

    def _is_trusted(self, address: str) -> bool:
        if not address:  # a unix socket has no peer address: only our own proxy can reach it
            return True
        if not _is_address(address):
            return False
        found = ipaddress.ip_address(address)
        return any(found in network for network in self._trusted)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
