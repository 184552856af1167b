"""Who is asking: address, browser and language of a request."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from functools import lru_cache

from flask import Request

from authenticator.models import Client

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Clients:
    """Reads the client from requests. X-Forwarded-For counts only from configured proxies (ASVS 5.0 4.1.3)."""

    def __init__(self, trusted_proxies: Sequence[str], country_of: Callable[[str], str] = lambda _address: "") -> None:
        self._trusted: tuple[Network, ...] = tuple(ipaddress.ip_network(item) for item in trusted_proxies)
        self._country_of = lru_cache(4096)(country_of)
        self._is_trusted = lru_cache(1024)(self._belongs)

    def of(self, request: Request, device: str = "") -> Client:
        """Address and its country, User-Agent (300 characters at most) and the languages wished for."""
        headers = request.headers
        address = self._address(request.environ.get("REMOTE_ADDR") or "", headers.get("X-Forwarded-For", ""))
        return Client(
            address=address,
            agent=headers.get("User-Agent", "")[:300],
            locale=headers.get("Accept-Language", "")[:100],
            country=self._country_of(address),
            device=device,
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

    def trusts(self, peer: str) -> bool:
        """Whether this peer is one of our proxies, so that what it tells of the first request counts."""
        return bool(self._trusted) and self._is_trusted(peer)

    def _belongs(self, address: str) -> bool:
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
