"""/oauth/authorize: where applications send browsers, and how it goes on there until a code is given (RFC 6749 §3.1)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from authenticator.applications import Application
from authenticator.errors import AuthError
from authenticator.flows.authorization_request import Asked, Refusal
from authenticator.flows.authorization_steps import Progress, Step
from authenticator.flows.authorization_tickets import Waiting
from authenticator.flows.outcomes import Signed
from authenticator.http import csrf, errors_page, texts
from authenticator.http.guard import by_cookie, client, service
from authenticator.http.hygiene import one
from authenticator.oidc import answers, consent
from authenticator.service import Service

LONGEST_QUERY = 24_576  # bytes
LONGEST_ADDRESS = 4_096  # what every server and proxy takes


def blueprint() -> Blueprint:
    """The endpoint, which others may post to, and our own pages behind it."""
    pages = Blueprint("authorize", __name__, url_prefix="/oauth/authorize")
    csrf.protect(pages, exempt=frozenset({"authorize.ask"}))
    pages.before_request(_told_to_nobody)
    pages.add_url_rule("", "ask", _ask, methods=["GET", "POST"])
    pages.add_url_rule("/continue", "go_on", _go_on, methods=["GET"])
    pages.add_url_rule("/account", "choose", _choose, methods=["POST"])
    pages.add_url_rule("/consent", "decide", _decide, methods=["POST"])
    return pages


def _told_to_nobody() -> Response | None:
    """Nothing happens for HEAD: a code is for who reads the answer."""
    return Response() if request.method == "HEAD" else None


def _ask() -> Response:
    """An application's request, by GET or by POST: what was posted comes again as GET, with the browser's Lax cookies."""
    try:
        if len(request.environ.get("QUERY_STRING", "")) > LONGEST_QUERY:
            raise AuthError("invalid_request", "The application sent a request that is too long.")
        if request.method == "POST":
            return _as_get()
        auth = service()
        application, asked = auth.authorization_asked(request.args.to_dict(flat=False))
        return _follow(auth, application, asked, None)
    except Refusal as refusal:
        return answers.refused(refusal)
    except AuthError as error:
        return _page(error)


def _as_get() -> Response:
    """The parameters in an address, or kept as if they had been pushed where that would become too long."""
    query = urlencode([(name, value) for name, values in request.form.lists() for value in values])
    if len(query) > LONGEST_ADDRESS:
        auth = service()
        application, asked = auth.authorization_asked(request.form.to_dict(flat=False))
        query = urlencode({"client_id": application.id, "request_uri": auth.keep_posted(asked, client())})
    return make_response(redirect(f"{url_for('authorize.ask')}?{query}", 303))


def _go_on() -> Response:
    """Back from signing in, or from one of the pages on the way."""
    auth = service()
    try:
        application, waiting = auth.awaited(one(request.args, "request"), csrf.browser())
        return _follow(auth, application, waiting.asked, waiting)
    except AuthError as error:
        return _page(error)


def _choose() -> Response:
    """The account that she is signed in to is the one to go on with."""
    auth, signed = service(), by_cookie()
    try:
        _, waiting = auth.awaited(one(request.form, "request"), csrf.browser())
        if signed is not None:
            auth.chosen_account(waiting, signed)
    except AuthError as error:
        return _page(error)
    return make_response(redirect(_address(waiting), 303))


def _decide() -> Response:
    """She agrees, or does not; by a form of ours alone (ASVS 5.0 10.7.1)."""
    auth, signed = service(), by_cookie()
    try:
        application, waiting = auth.awaited(one(request.form, "request"), csrf.browser())
        asked, decision = waiting.asked, one(request.form, "decision")
        if decision == "deny":
            auth.answered(waiting)
            return answers.refused(Refusal("access_denied", "The person did not agree.", asked.target), application.name)
        if signed is None or decision != "allow":
            return make_response(redirect(_address(waiting), 303))
        return _agreed(auth, application, waiting, signed)
    except AuthError as error:
        return _page(error)


def _agreed(auth: Service, application: Application, waiting: Waiting, signed: Signed) -> Response:
    """What she agreed to counts only when nothing but her consent was missing."""
    asked = waiting.asked
    try:
        step = auth.authorization_step(application, asked, signed, Progress(waiting.progress.chosen, True, waiting.progress.factors_since))
    except Refusal as refusal:
        auth.answered(waiting)
        return answers.refused(refusal, application.name)
    if step is not Step.DONE:
        return make_response(redirect(_address(waiting), 303))
    auth.agree(signed, application, asked, client())
    return _given(auth, application, asked, waiting, signed)


def _given(auth: Service, application: Application, asked: Asked, waiting: Waiting | None, signed: Signed) -> Response:
    """The code. Only with it the request is answered: where something breaks before, she tries again."""
    code = auth.give_code(signed, application, asked, client())
    auth.answered(waiting)
    return answers.code(asked.target, code, application.name)


def _follow(auth: Service, application: Application, asked: Asked, waiting: Waiting | None) -> Response:
    """The next step of a request: its answer, or the page that comes before."""
    signed = by_cookie()
    progress = waiting.progress if waiting else Progress()
    try:
        step = auth.authorization_step(application, asked, signed, progress)
    except Refusal as refusal:
        auth.answered(waiting)
        return answers.refused(refusal, application.name)
    if step is Step.DONE and signed is not None:
        return _given(auth, application, asked, waiting, signed)
    if waiting is None:
        waiting = auth.await_person(asked, csrf.browser(), client())
        if step is not Step.SIGN_IN:
            return make_response(redirect(_address(waiting), 303))
    return _show(auth, application, waiting, step, signed)


def _show(auth: Service, application: Application, waiting: Waiting, step: Step, signed: Signed | None) -> Response:
    back = _address(waiting)
    if signed is None:
        page = "pages.sign_up" if "create" in waiting.asked.prompt else "pages.sign_in"
        hint: dict[str, Any] = {"login_hint": waiting.asked.login_hint} if waiting.asked.login_hint else {}
        return make_response(redirect(url_for(page, return_to=request.script_root + back, **hint), 303))
    if step is Step.CONFIRM:
        auth.ask_for_proof(waiting)
        return make_response(redirect(url_for("confirm.show", return_to=back), 303))
    if step is Step.CONSENT:
        return consent.show(application, waiting, signed)
    return make_response(
        render_template(
            "select_account.html",
            application=application,
            user=signed.user,
            request_id=waiting.id,
            back=back,
            another=step is Step.ANOTHER,
        )
    )


def _address(waiting: Waiting) -> str:
    """Where it goes on; the address says in which language, and so do the pages that lead back there."""
    return url_for("authorize.go_on", request=waiting.id, ui_locales=texts.first_of(waiting.asked.ui_locales) or None)


def _page(error: AuthError) -> Response:
    """What is wrong with a request, for the person: nobody is led anywhere (RFC 6749 §4.1.2.1)."""
    return errors_page.show(error, 400 if error.status < 429 else None)
