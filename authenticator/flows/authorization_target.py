"""Where an authorization request may be answered: the only addresses that this service ever leads a browser to for an application."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from authenticator.applications import Application
from authenticator.errors import AuthError
from authenticator.flows.authorization_request import Mode, Refusal, Target
from authenticator.flows.scopes import OPENID
from authenticator.words import Words

NOT_REGISTERED: Final = "The application wants to come back to an address that is not registered for it (redirect_uri)."
FOR_DEVELOPERS: Final = (
    "The application wants to come back to %(asked)s, which is not registered for it (redirect_uri). Registered: %(known)s. "
    "Open the application by the name that is registered, or register this address."
)
Given = Mapping[str, Sequence[str]]
LONGEST_URI: Final = 2048
LONGEST_STATE: Final = 4096
LOOPBACK: Final = re.compile(r"http://(127\.0\.0\.1|\[::1\]|localhost)(:\d{1,5})?(/[^#]*)?", re.ASCII)
MODES: Final[Mapping[str, Mode]] = {"query": "query", "fragment": "fragment", "form_post": "form_post"}


def find(application: Application, given: Given, *, developing: bool = False) -> Target:
    """AuthError `invalid_request`, to be shown on a page, for an address that is not registered (RFC 6749 §4.1.2.1); Refusal for the rest.

    A mode that may not be used, or one that is not known, is answered in the query. A developer is told which addresses on her
    own machine are meant; nothing else that a stranger may have written into a link is repeated on a page of ours.
    """
    sent = _single(given, "redirect_uri")
    if sent is None:
        raise AuthError("invalid_request", "The application sent this request with two addresses to come back to.")
    uri = _registered(application, sent, given, developing)
    states = given.get("state", ())
    state = states[0] if len(states) == 1 and len(states[0]) <= LONGEST_STATE else ""
    usual = Target(application.id, uri, sent, "query", state)
    wish = _single(given, "response_mode")
    if wish is not None and (wish or "query") not in MODES:
        raise Refusal("invalid_request", "This response_mode is not known. There are query, fragment and form_post.", usual)
    mode = MODES.get(wish or "query", "query")
    if mode not in modes_of(application):
        raise Refusal("invalid_request", "This response_mode is not for this application.", usual)
    return Target(application.id, uri, sent, mode, state)


def modes_of(application: Application) -> frozenset[str]:
    """The response modes that it may ask for: those registered, else what it is able to read.

    The server of an application with a secret never sees a fragment. Whoever wants a code to stay unread there, for a script to find it, asks
    for just that (“dirty dancing”).
    """
    registered = application.metadata.get("response_modes")
    if isinstance(registered, list | tuple) and registered:
        return frozenset(str(mode) for mode in registered) & MODES.keys()
    return frozenset(MODES) if application.public else frozenset({"query", "form_post"})


def fits(registered: str, sent: str) -> bool:
    """Whether the very address is registered; on the person's own machine its port may be another (RFC 8252 §7.3)."""
    if registered == sent:
        return True
    here, there = LOOPBACK.fullmatch(registered), LOOPBACK.fullmatch(sent)
    return bool(here and there and (here[1], here[3] or "") == (there[1], there[3] or "") and _is_port(there[2]))


def is_loopback(uri: str) -> bool:
    """Whether the address is of the person's own machine, in clear."""
    return bool(LOOPBACK.fullmatch(uri))


def _is_port(text: str | None) -> bool:
    return text is None or (text == f":{int(text[1:])}" and 0 < int(text[1:]) < 65_536)


def _single(given: Given, name: str) -> str | None:
    """The value of a parameter, empty if there is none; None if it comes twice."""
    values = given.get(name, ())
    return None if len(values) > 1 else (values[0] if values else "")


def _registered(application: Application, sent: str, given: Given, developing: bool) -> str:
    if not sent:
        scopes = " ".join(given.get("scope", ())).split(" ")
        if len(application.redirect_uris) == 1 and OPENID not in scopes:  # RFC 6749 §3.1.2.3; OpenID Connect Core wants it always
            return application.redirect_uris[0]
        raise AuthError("invalid_request", "The application did not say where to come back to (redirect_uri).")
    if len(sent) > LONGEST_URI or not any(fits(registered, sent) for registered in application.redirect_uris):
        known = ", ".join(application.redirect_uris) or "–"
        hers = developing and len(sent) <= LONGEST_URI and is_loopback(sent)
        raise AuthError("invalid_request", Words(FOR_DEVELOPERS, asked=sent, known=known) if hers else NOT_REGISTERED)
    return sent
