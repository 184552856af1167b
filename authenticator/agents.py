"""What a User-Agent says about a device, in words that its owner knows it by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

PROGRAMS = {"curl", "Wget", "Python Requests", "Python aiohttp", "okhttp", "HTTPie", "PostmanRuntime", "Apache-HttpClient", "Java"}
NOISE = re.compile(r"^(Mobile |Headless)| Mobile( iOS| WebView)?$| iOS$")  # `Chrome Mobile iOS` is Chrome; the system is told beside it


@dataclass(frozen=True, slots=True)
class Agent:
    """`browser` and `system` as families (`Firefox`, `Windows`), either may be empty; `kind` is what to draw."""

    browser: str = ""
    system: str = ""
    kind: str = "unknown"


@lru_cache(maxsize=1024)
def describe(text: str) -> Agent:
    """The agent behind a User-Agent header. It is a hint for people: anybody may send any."""
    if not text:
        return Agent()
    from ua_parser import parse  # half a second and 5 MB, which only lists of sign-ins need

    found = parse(text[:300])
    browser = found.user_agent.family if found.user_agent else ""
    system = found.os.family if found.os else ""
    return Agent(_known(browser), _known(system), _kind(text, _known(browser), _known(system)))


def _known(family: str) -> str:
    return "" if family == "Other" else NOISE.sub("", family)


def _kind(text: str, browser: str, system: str) -> str:
    if browser in PROGRAMS or not (system or text.startswith("Mozilla/")):
        return "program"
    if "iPad" in text or ("Android" in text and "Mobile" not in text):
        return "tablet"
    if "Mobile" in text or "iPhone" in text:
        return "phone"
    return "computer" if system or browser else "unknown"
