"""Sign-in, sign-up, callback, next step and sign-out, as pages that work without JavaScript."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from authenticator.errors import AuthError
from authenticator.flows.outcomes import Challenge
from authenticator.http import csrf, errors_page, farewell, headers
from authenticator.http.cookies import STEP
from authenticator.http.errors_page import refused
from authenticator.http.guard import by_cookie, client, cookies, service
from authenticator.http.hygiene import one
from authenticator.models import Intent
from authenticator.service import Service
from authenticator.web import account, moves, ways

CALLBACK = ("state", "code", "error", "error_description", "iss")
START_AGAIN = frozenset({"challenge_expired"})
ELSEWHERE = "Open this link in the browser in which you began, or type the code of the same message there."


def blueprint() -> Blueprint:
    """The pages that need no account."""
    pages = Blueprint("pages", __name__)
    csrf.protect(pages, exempt=frozenset({"pages.callback"}))
    pages.add_url_rule("/", "home", _home, methods=["GET"])
    for name, intent in (("sign_in", Intent.SIGN_IN), ("sign_up", Intent.SIGN_UP)):
        path, options = "/" + name.replace("_", "-"), {"intent": intent}
        pages.add_url_rule(path, name, _ways, methods=["GET", "POST"], defaults=options)
        pages.add_url_rule(f"{path}/<provider>", f"{name}_with", _with, methods=["GET", "POST"], defaults=options)
    pages.add_url_rule("/sign-in/<provider>/callback", "callback", _callback, methods=["GET", "POST"])
    pages.add_url_rule("/sign-in/verify", "verify", _verify, methods=["GET", "POST"])
    pages.add_url_rule("/sign-out", "sign_out", _sign_out, methods=["POST"])
    return pages


def _home() -> Response:
    return make_response(redirect(url_for("account.show" if by_cookie() else "pages.sign_in"), 303))


def _ways(intent: Intent) -> Response:
    """GET /sign-in and /sign-up show every way; POST takes the form of the provider it names, or of the first."""
    auth = service()
    if request.method == "POST":
        first = next((entry.name for entry in auth.entries(intent) if entry.kind == "form"), "")
        return _answer(auth, one(request.form, "provider") or first, intent)
    gone = one(request.args, "signed_out") if "signed_out" in request.args else None
    if by_cookie():
        response = make_response(redirect(moves.wanted(auth) or url_for("account.show"), 303))
        cookies().set_door(response, cookies().session(request))  # without it a proxy would send her here again, for ever
        return response
    return ways.show(auth, intent, signed_out=gone if gone is None else moves.label(auth, gone))


def _with(provider: str, intent: Intent) -> Response:
    """GET starts a redirect provider, or shows a form provider's form; POST takes that form."""
    auth = service()
    away = moves.is_redirect(auth, provider)
    if request.method == "POST":
        return _answer(auth, provider, intent)
    if not away:
        return ways.show(auth, intent, tried=provider)
    try:
        return moves.go(auth, moves.begin(auth, provider, intent))
    except AuthError as error:
        return ways.show(auth, intent, error=error, tried=provider)


def _answer(auth: Service, provider: str, intent: Intent) -> Response:
    away = moves.is_redirect(auth, provider)
    try:
        return moves.go(auth, moves.begin(auth, provider, intent, answer=None if away else moves.answer()))
    except AuthError as error:
        return ways.show(auth, intent, error=error, tried=provider)


def _callback(provider: str) -> Response:
    """Where a provider sends the browser back. What was posted (form_post) comes again as GET, with the browser's Lax cookie."""
    auth = service()
    given = request.form if request.method == "POST" else request.args
    answer: dict[str, Any] = {name: one(given, name) for name in CALLBACK if name in given}
    moves.is_redirect(auth, provider)
    if request.method == "POST":
        return make_response(redirect(url_for("pages.callback", provider=provider, **answer), 303))
    try:
        outcome = auth.resume(answer.get("state", ""), csrf.browser(), answer, client=client(), provider=provider, signed=by_cookie())
        return moves.go(auth, outcome)
    except AuthError as error:
        return errors_page.show(error, 400) if error.code in START_AGAIN else _refused(auth, error)


def _refused(auth: Service, error: AuthError) -> Response:
    """Back to where it began: the account page of somebody signed in, else the sign-in page."""
    signed = by_cookie()
    return account.render(auth, signed, error=error) if signed else ways.show(auth, Intent.SIGN_IN, error=error, return_to=error.return_to)


def _verify() -> Response:
    """The next step of a conversation that waits for an answer. The link of a message fills in its form, and spends nothing."""
    auth = service()
    ticket, browser = cookies().step(request), csrf.browser()
    if request.method in csrf.SAFE:
        challenge = auth.pending(ticket, browser) if ticket else None
        link = one(request.args, "code")
        if challenge is not None and challenge.ask is not None:
            return make_response(_step(auth, challenge, link=link))
        if link and not by_cookie():
            return errors_page.show(AuthError("invalid_link", ELSEWHERE), 400)
        return make_response(redirect(url_for("pages.home"), 303))
    resend = "resend" in request.form
    try:
        outcome = auth.resume(ticket, browser, moves.answer(), client=client(), signed=by_cookie())
    except AuthError as error:
        return _step_refused(auth, ticket, browser, error)
    response = moves.go(auth, outcome)
    if resend and response.location:
        response.location = url_for("pages.verify", sent="again", **moves.carried(moves.wanted(auth)))
    return response


def _step_refused(auth: Service, ticket: str, browser: str, error: AuthError) -> Response:
    challenge = auth.pending(ticket, browser) if ticket else None
    if challenge is not None and challenge.ask is not None:
        return refused(_step(auth, challenge, error), error)
    response = _refused(auth, error)
    cookies().drop(response, STEP)
    return response


def _step(auth: Service, challenge: Challenge, error: AuthError | None = None, link: str = "") -> str:
    asked = challenge.ask
    assert asked is not None
    moves.may_end_at(auth, challenge.return_to)
    if asked.kind == "passkey":
        headers.allow_scripts()
    seen = [item for item in asked.fields if item.type != "hidden"]
    kept = {item.name: request.form.get(item.name, "") for item in asked.fields if item.type in ("text", "email", "tel", "checkbox")}
    facts: dict[str, Any] = {
        "asked": asked,
        "error": error,
        "values": kept,
        "signed": by_cookie(),
        "link": link if asked.kind == "code" else "",
        "resent": request.args.get("sent") == "again",
    }
    return render_template("verify.html", focus=seen[0].name if seen else "", **facts)


def _sign_out() -> Response:
    auth, signed = service(), by_cookie()
    name, frames = "", []
    if signed:
        frames = auth.sign_out(signed.session, client())
        name = signed.session.provider if moves.is_away(auth, signed.session.provider) else ""
    return farewell.show(frames, moves.wanted(auth) or url_for("pages.sign_in", signed_out=name))
