"""The overview of one's account: who is signed in and how, ways to sign in, and a token for programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for

from authenticator.errors import AuthError
from authenticator.flows.outcomes import Entry, Signed
from authenticator.http import csrf
from authenticator.http.errors_page import refused
from authenticator.http.guard import client
from authenticator.http.hygiene import one
from authenticator.http.texts import gettext as _
from authenticator.http.tokens import tokens
from authenticator.models import HeldKey, Intent, Session, User
from authenticator.service import Service
from authenticator.web import moves
from authenticator.web import portrait as portraits
from authenticator.web.portrait import Portrait
from authenticator.web.seated import for_signed

NEW = timedelta(days=14)  # how long an account is told what to do next
DONE = {
    "welcome": "Welcome! Your account is ready.",
    "linked": "This way to sign in was added.",
    "removed": "This way to sign in was removed.",
    "confirmed": "Thank you, that was you. You can go on now.",
}


@dataclass(frozen=True)
class Held:
    """A way to sign in that the person has, with the provider it belongs to."""

    key: HeldKey
    entry: Entry


@dataclass(frozen=True)
class AccountPage:
    """What the template `account.html` shows. `next` are things to do in a new account, each with where to do it."""

    user: User
    session: Session
    portrait: Portrait
    provider: str
    elsewhere: bool
    held: tuple[Held, ...]
    addable: tuple[Entry, ...]
    token_seconds: int
    me_url: str
    next: tuple[tuple[str, str], ...] = ()
    token: str = ""


def blueprint() -> Blueprint:
    """The pages of somebody signed in; anybody else is sent to sign in first."""
    pages = Blueprint("account", __name__, url_prefix="/account")
    csrf.protect(pages)
    seated = for_signed(render)
    pages.add_url_rule("", "show", seated(_show), methods=["GET"], strict_slashes=False)
    pages.add_url_rule("/token", "token", seated(_token), methods=["POST"])
    pages.add_url_rule("/link/<provider>", "link", seated(_link), methods=["POST"])
    pages.add_url_rule("/confirm/<provider>", "confirm", seated(_confirm), methods=["POST"])
    pages.add_url_rule("/unlink/<key_id>", "unlink", seated(_unlink), methods=["POST"])
    return pages


def _show(auth: Service, signed: Signed) -> Response:
    return render(auth, signed, message=_(DONE.get(one(request.args, "done"), "")))


def _token(auth: Service, signed: Signed) -> Response:
    return render(auth, signed, token=tokens().issue(signed))


def _link(auth: Service, signed: Signed, provider: str) -> Response:
    auth.require_fresh(signed)
    return moves.go(auth, moves.begin(auth, provider, Intent.LINK, signed=signed))


def _confirm(auth: Service, signed: Signed, provider: str) -> Response:
    return moves.go(auth, moves.begin(auth, provider, Intent.CONFIRM, signed=signed))


def _unlink(auth: Service, signed: Signed, key_id: str) -> Response:
    auth.unlink(signed, key_id, client())
    return make_response(redirect(url_for("account.show", done="removed"), 303))


def render(auth: Service, signed: Signed, *, error: AuthError | None = None, message: str = "", token: str = "") -> Response:
    """The page; with an error, its status."""
    entries = {entry.name: entry for entry in auth.entries(Intent.SIGN_IN)}
    keys = auth.identities(signed.user)
    mine = {key.provider for key in keys}
    addable = [entry for entry in auth.entries(Intent.LINK) if _can_be_added(entry, mine)]
    page = AccountPage(
        user=signed.user,
        session=signed.session,
        portrait=portraits.of(auth, signed.user),
        provider=moves.label(auth, signed.session.provider) or signed.session.provider,
        elsewhere=moves.is_away(auth, signed.session.provider),
        held=tuple(Held(key, entries.get(key.provider) or _absent(key.provider)) for key in keys),
        addable=tuple(addable),
        token_seconds=auth.settings.access_token_seconds,
        me_url=f"{auth.settings.public_url}/api/v1/me",
        next=_next(auth, signed.user, ways=len(keys), addable=bool(addable)),
        token=token,
    )
    body = render_template("account.html", page=page, error=error, message=message)
    return refused(body, error) if error else make_response(body)


def _next(auth: Service, user: User, *, ways: int, addable: bool) -> tuple[tuple[str, str], ...]:
    """What makes a new account safer, as far as it is not done."""
    if auth.core.clock.now() - user.created_at > NEW:
        return ()
    second = (_("add a second way to sign in"), "#ways") if ways < 2 and addable else None
    offered = "two_step.show" in current_app.view_functions and any(
        factor.available(user) for factor in auth.core.registry.factors.values()
    )
    steps = (_("turn on two-step sign-in"), url_for("two_step.show")) if offered and not user.factors else None
    return tuple(one for one in (second, steps) if one)


def _can_be_added(entry: Entry, mine: set[str]) -> bool:
    """One of each provider elsewhere, and any number of those that need a button only; what is typed has a page of its own."""
    return entry.name not in mine if entry.kind == "redirect" else not entry.typed


def _absent(provider: str) -> Entry:
    """A provider that is no longer installed; the way in is still listed, so that it can be removed."""
    return Entry(provider, provider, "redirect", "", (), False, provider)
