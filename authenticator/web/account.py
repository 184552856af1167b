"""The account page: who is signed in and how, ways to sign in, and a token for programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from authenticator.errors import AuthError
from authenticator.flows.outcomes import Entry, Signed
from authenticator.models import HeldKey, Intent, Session, User
from authenticator.service import Service
from authenticator.web import csrf, moves
from authenticator.web.guard import by_cookie, service
from authenticator.web.texts import gettext as _
from authenticator.web.tokens import tokens

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
    """What the template `account.html` shows. `confirm` lists the ways to prove once more that it is her."""

    user: User
    session: Session
    monogram: str
    provider: str
    elsewhere: bool
    held: tuple[Held, ...]
    addable: tuple[Entry, ...]
    token_seconds: int
    me_url: str
    confirm: tuple[Entry, ...] = ()
    error: AuthError | None = None
    message: str = ""
    token: str = ""


def blueprint() -> Blueprint:
    """The pages of somebody signed in; anybody else is sent to sign in first."""
    pages = Blueprint("account", __name__, url_prefix="/account")
    csrf.protect(pages)
    pages.add_url_rule("", "show", _for_signed(_show), methods=["GET"], strict_slashes=False)
    pages.add_url_rule("/token", "token", _for_signed(_token), methods=["POST"])
    pages.add_url_rule("/link/<provider>", "link", _for_signed(_link), methods=["POST"])
    pages.add_url_rule("/confirm/<provider>", "confirm", _for_signed(_confirm), methods=["POST"])
    pages.add_url_rule("/unlink/<key_id>", "unlink", _for_signed(_unlink), methods=["POST"])
    return pages


def _for_signed(view: Callable[..., Response]) -> Callable[..., Response]:
    """Hand the signed-in person to the view; its refusals are told on the account page."""

    def seated(**parts: str) -> Response:
        auth, signed = service(), by_cookie()
        if signed is None:
            return make_response(redirect(url_for("pages.sign_in", return_to=url_for("account.show")), 303))
        try:
            return view(auth, signed, **parts)
        except AuthError as error:
            return render(auth, signed, error=error)

    return seated


def _show(auth: Service, signed: Signed) -> Response:
    return render(auth, signed, message=_(DONE.get(moves.one(request.args, "done"), "")))


def _token(auth: Service, signed: Signed) -> Response:
    return render(auth, signed, token=tokens().issue(signed))


def _link(auth: Service, signed: Signed, provider: str) -> Response:
    auth.require_fresh(signed)
    return moves.go(auth, moves.begin(auth, provider, Intent.LINK, signed=signed))


def _confirm(auth: Service, signed: Signed, provider: str) -> Response:
    return moves.go(auth, moves.begin(auth, provider, Intent.CONFIRM, signed=signed))


def _unlink(auth: Service, signed: Signed, key_id: str) -> Response:
    auth.unlink(signed, key_id)
    return make_response(redirect(url_for("account.show", done="removed"), 303))


def render(auth: Service, signed: Signed, *, error: AuthError | None = None, message: str = "", token: str = "") -> Response:
    """The page; with an error, its status. `step_up_required` adds the ways to confirm."""
    entries = {entry.name: entry for entry in auth.entries(Intent.SIGN_IN)}
    keys = [key for key in auth.identities(signed.user) if key.way_in]
    mine = {key.provider for key in keys}
    addable = [entry for entry in auth.entries(Intent.LINK) if _can_be_added(entry, mine)]
    asked = error is not None and error.code == "step_up_required"
    page = AccountPage(
        user=signed.user,
        session=signed.session,
        monogram=monogram(signed.user.label),
        provider=moves.label(auth, signed.session.provider) or signed.session.provider,
        elsewhere=moves.is_away(auth, signed.session.provider),
        held=tuple(Held(key, entries.get(key.provider) or _absent(key.provider)) for key in keys),
        addable=tuple(addable),
        token_seconds=auth.settings.access_token_seconds,
        me_url=f"{auth.settings.public_url}/api/v1/me",
        confirm=tuple(entry for entry in auth.entries(Intent.CONFIRM) if entry.name in mine) if asked else (),
        error=error,
        message=message,
        token=token,
    )
    body = render_template("account.html", page=page)
    return moves.refused(body, error) if error else make_response(body)


def _can_be_added(entry: Entry, mine: set[str]) -> bool:
    """One of each provider elsewhere, and any number of those that need a button only; what is typed has a page of its own."""
    return entry.name not in mine if entry.kind == "redirect" else not entry.typed


def monogram(label: str) -> str:
    """One or two letters that stand for a name."""
    words = label.split("@")[0].replace(".", " ").replace("_", " ").split()
    picked = [words[0], words[-1]] if len(words) > 1 else words
    return "".join(word[0] for word in picked).upper() or "?"


def _absent(provider: str) -> Entry:
    """A provider that is no longer installed; the way in is still listed, so that it can be removed."""
    return Entry(provider, provider, "redirect", "", (), False, provider)
