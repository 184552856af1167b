"""Long lists in the administrators' pages: looked through for what is asked, some of them at a time, and how each thing is addressed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import quote, unquote

from authenticator.applications import OWN, Application
from authenticator.errors import AuthError
from authenticator.models import Page, User
from authenticator.service import Service

LOOKED_AT = 1000  # items an answer

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Looked(Generic[R]):
    """What was found, among how many, and the cursor from which to go on (empty at the end)."""

    found: list[R]
    at: int = 0
    further: str = ""


def look_through(page_after: Callable[[str | None], Page[T]], choose: Callable[[T], R | None], after: str | None) -> Looked[R]:
    """What `choose` makes of the next thousand items, and leaves out where that is None."""
    found: list[R] = []
    seen = 0
    while seen < LOOKED_AT:
        listed = page_after(after)
        seen += len(listed.items)
        found += [chosen for item in listed.items if (chosen := choose(item)) is not None]
        after = listed.next
        if after is None:
            break
    return Looked(found, seen, after or "")


def user(auth: Service, wanted: str) -> User | None:
    """Whoever is called exactly so: by id, e-mail address, phone number or @username."""
    try:
        return auth.find_user(wanted)
    except AuthError:
        return None


def applications(auth: Service, wanted: str, after: str | None) -> Looked[Application]:
    """Applications in whose name, id or addresses these letters are; without any, the next fifty."""
    if not wanted:
        page = auth.applications(after=after, limit=50)
        return Looked([item for item in page.items if item.id != OWN], len(page.items), page.next or "")
    letters = wanted.casefold()

    def fits(item: Application) -> Application | None:
        parts = (item.id, item.name, *item.redirect_uris)
        return item if item.id != OWN and any(letters in part.casefold() for part in parts) else None

    return look_through(lambda start: auth.applications(after=start, limit=200), fits, after)


def key_of(application: Application) -> str:
    """An application's id as one part of an address: that of a metadata document is an address itself, with slashes."""
    return quote(application.id, safe="")


def id_behind(key: str) -> str:
    """The id that stands in an address as this key."""
    return unquote(key)
