"""Which addresses an application may register: where browsers are led, and what else it names (RFC 6749 §3.1.2, RFC 8252)."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from authenticator.identifiers import LOCAL_HOSTS

LONGEST = 2000
ODD = "\\\"'<>^`{|}\x7f"  # in no address as RFC 3986 writes it, but for the apostrophe, with which strings end
MOST = 20  # addresses of one kind
# a scheme of one's own has a domain's name backwards in it (RFC 8252 §7.1), which no scheme that runs or reads anything has
PRIVATE = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?|[0-9a-f:.]+")


def redirect_fault(uri: str, *, native: bool) -> str:
    """What is wrong with an address to lead browsers back to; empty for a good one. `native` applications may have schemes of their own."""
    parts = _split(uri)
    if parts is None:
        return "Each must be one whole address without spaces, such as https://app.example/callback."
    if "#" in uri:
        return "No address may have a fragment (#)."
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL_HOSTS):
        return "" if _has_host(parts) else "Each address needs a host in lower case, and neither a user nor a wildcard."
    if native and PRIVATE.fullmatch(parts.scheme):
        return "" if not parts.netloc or _has_host(parts) else "A scheme of your own is followed by /path."
    if parts.scheme == "http":
        return "Use https; http is for this machine only (127.0.0.1, [::1], localhost)."
    return "Use https, or http for this machine; only public native applications may have schemes such as com.example.app:/callback."


def page_fault(uri: str) -> str:
    """What is wrong with the address of a page or picture that people may be led to; empty for a good one."""
    parts = _split(uri)
    if parts is None or not _has_host(parts) or not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL_HOSTS)):
        return "This must be an https address such as https://app.example/about."
    return ""


def origin_fault(origin: str) -> str:
    """What is wrong with an origin; empty for a good one."""
    return "" if origin_of(origin) == origin else "Each must be an origin such as https://app.example, without a path."


def origin_of(uri: str) -> str:
    """The origin of an address as browsers write it; empty for an address without one (RFC 6454)."""
    parts = _split(uri)
    if parts is None or parts.scheme not in ("https", "http") or not _has_host(parts) or page_fault(f"{parts.scheme}://{parts.netloc}/"):
        return ""
    usual = parts.port == {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{parts.netloc.rpartition(':')[0] if usual else parts.netloc}"


def host_of(uri: str) -> str:
    """The host of an address; empty for one without."""
    parts = _split(uri)
    return (parts.hostname or "") if parts else ""


def _split(uri: str) -> SplitResult | None:
    """The parts of an absolute address that everybody reads alike; None for any other."""
    if not 0 < len(uri) <= LONGEST or not uri.isascii() or any(char <= " " or char in ODD for char in uri):
        return None
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    steps = re.split(r"[/?#]", parts.path.lower().replace("%2e", "."))
    return parts if uri.startswith(f"{parts.scheme}:") and parts.scheme and not {".", ".."} & set(steps) else None


def _has_host(parts: SplitResult) -> bool:
    """Whether there is a host and nothing but it: no user, no upper case that browsers would change, no star."""
    host = parts.hostname or ""
    port = "" if parts.port is None else f":{parts.port}"
    written = f"[{host}]" if ":" in host else host
    return bool(HOST.fullmatch(host)) and parts.netloc == f"{written}{port}" and parts.port != 0
