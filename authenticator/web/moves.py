"""Where the browser goes next: from the outcome of a step to an answer, with its cookies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for

from authenticator.errors import AuthError
from authenticator.flows.outcomes import Away, Begin, Outcome, Pending, Signed, SignedIn
from authenticator.http import guard, headers
from authenticator.http.cookies import STEP
from authenticator.http.csrf import FIELD, browser
from authenticator.http.hygiene import one
from authenticator.models import Intent
from authenticator.service import Service

OURS = frozenset({FIELD, "provider", "return_to"})
DONE = {Intent.LINK: "linked", Intent.CONFIRM: "confirmed"}


def begin(
    service: Service,
    provider: str,
    intent: Intent,
    *,
    answer: Mapping[str, str] | None = None,
    signed: Signed | None = None,
    factor: bool = False,
) -> Outcome:
    """Begin a conversation for this browser; with `factor`, `provider` names a second step to set up."""
    return service.begin(
        Begin(
            provider=provider,
            intent=intent,
            client=guard.client(),
            door="web",
            browser=browser(),
            answer=answer,
            return_to=wanted(service),
            login_hint=one(request.values, "login_hint"),
            prompt=one(request.values, "prompt"),
            signed=signed,
            base_url=guard.base_url(),
            factor=factor,
        )
    )


def go(service: Service, outcome: Outcome) -> Response:
    """The answer to an outcome: the next form, the provider, or the end of it."""
    if isinstance(outcome, Pending):
        response = make_response(redirect(url_for("pages.verify", **carried(wanted(service))), 303))
        guard.cookies().set_step(response, outcome.challenge.id)
        return response
    if isinstance(outcome, Away):
        return _away(service, outcome)
    return _arrived(service, outcome)


def _away(service: Service, outcome: Away) -> Response:
    """A link simply leads on. After a form a page does: browsers hold a form's redirects against `form-action`."""
    if request.method in ("GET", "HEAD"):
        return make_response(redirect(outcome.url, 302))
    name = (request.view_args or {}).get("provider") or one(request.form, "provider")
    return make_response(render_template("away.html", url=outcome.url, provider=label(service, name)))


def _arrived(service: Service, outcome: SignedIn) -> Response:
    if outcome.intent in DONE:
        target = service.allowed_return(outcome.return_to) or url_for("account.show", done=DONE[outcome.intent])
    else:
        target = service.allowed_return(outcome.return_to) or (
            url_for("account.show", done="welcome") if outcome.created else url_for("account.show")
        )
    response = recovery_codes(outcome.recovery_codes, back=target) if outcome.recovery_codes else make_response(redirect(target, 303))
    if outcome.cookie:
        guard.cookies().set_session(response, outcome.cookie)
    if outcome.browser:
        service.browser_renewed(outcome.return_to, guard.cookies().browser(request), outcome.browser)
        guard.cookies().set_browser(response, outcome.browser)
    guard.cookies().drop(response, STEP)
    return response


def recovery_codes(codes: Sequence[str], *, back: str) -> Response:
    """The page that shows new recovery codes: as the answer itself, because no address may hold them."""
    return make_response(render_template("recovery_codes.html", codes=codes, back=back))


def wanted(service: Service) -> str:
    """The request's `return_to` if it may be followed; a page with forms may then end there too."""
    return may_end_at(service, one(request.values, "return_to"))


def may_end_at(service: Service, url: str) -> str:
    """The URL if it may be followed, also by a form of this page."""
    target = service.allowed_return(url)
    if target:
        headers.allow_form_to(service.leads_to(target, guard.cookies().browser(request)) if target.startswith("/") else target)
    return target


def carried(return_to: str, login_hint: str = "") -> dict[str, Any]:
    """What links between the pages hand on."""
    return {name: value for name, value in (("return_to", return_to), ("login_hint", login_hint)) if value}


def answer() -> dict[str, str]:
    """The form's fields that are the provider's."""
    return {name: one(request.form, name) for name in request.form if name not in OURS}


def label(service: Service, provider: str) -> str:
    """What people call a provider; nothing for one that is not here."""
    found = service.core.registry.providers.get(provider)
    return found.label if found else ""


def is_redirect(service: Service, provider: str) -> bool:
    """Whether this provider is one that the browser is sent to."""
    found = service.core.registry.providers.get(provider)
    if found is None:
        raise AuthError("unknown_provider")
    return found.kind == "redirect"


def is_away(service: Service, provider: str) -> bool:
    """The same, and no for one that is not here."""
    return provider in service.core.registry.providers and is_redirect(service, provider)
