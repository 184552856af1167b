"""What still stands between an authorization request and its code: sign in, choose an account, prove it anew, agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from authenticator.applications import Application
from authenticator.flows import consent, granting
from authenticator.flows.authorization_request import Asked, Refusal
from authenticator.flows.core import Core
from authenticator.flows.outcomes import Signed
from authenticator.flows.released import subject
from authenticator.flows.sessions import ACR, acr_of
from authenticator.models import Session


class Step(Enum):
    """What the browser shows next."""

    SIGN_IN = "sign_in"
    ANOTHER = "another"  # the request is for somebody else than who is signed in
    SELECT = "select"
    CONFIRM = "confirm"
    CONSENT = "consent"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Progress:
    """What the person has done for a request: the account that she chose, whether she has just agreed, since when two factors are asked for."""

    chosen: str = ""
    agreed: bool = False
    factors_since: datetime | None = None


def following(core: Core, asked: Asked, application: Application, signed: Signed | None, progress: Progress) -> Step:
    """The next step; Refusal where it may not be shown (prompt=none), or where what is asked for can't be had (OpenID Connect Core §3.1.2.6)."""
    step = _sign_in(core, asked, application, signed, progress)
    if signed is None or (step is not Step.DONE and not asked.quiet):
        return step
    if step is not Step.DONE:
        raise Refusal("login_required", "The person must sign in, and prompt=none lets no page be shown.", asked.target)
    if not granting.holds(core, signed.user, asked.scopes):
        raise Refusal("access_denied", "A scope stands for a permission that this person does not hold.", asked.target)
    if not _must_agree(core, asked, application, signed, progress):
        return Step.DONE
    if asked.quiet:
        raise Refusal("consent_required", "The person must agree first, and prompt=none lets no page be shown.", asked.target)
    return Step.CONSENT


def _sign_in(core: Core, asked: Asked, application: Application, signed: Signed | None, progress: Progress) -> Step:
    """The next step until it is clear who she is; DONE for none."""
    if signed is None:
        if asked.quiet:
            raise Refusal("login_required", "Nobody is signed in, and prompt=none lets no page be shown.", asked.target)
        return Step.SIGN_IN
    if asked.subject and subject(core, signed.user, application) != asked.subject:
        return Step.ANOTHER
    here = asked.shown_since(signed.session)
    if "select_account" in asked.prompt and not here and progress.chosen != signed.user.id:
        return Step.SELECT
    if not here and _must_be_fresh(core, asked, signed.session):
        return Step.CONFIRM
    return _factors(core, asked, signed, progress)


def _must_be_fresh(core: Core, asked: Asked, session: Session) -> bool:
    age = (core.clock.now() - session.auth_time).total_seconds()
    return "login" in asked.prompt or (asked.max_age is not None and age > asked.max_age)


def _factors(core: Core, asked: Asked, signed: Signed, progress: Progress) -> Step:
    """Whether two factors must be shown first. They are asked for once; what is essential and can't be had is refused (RFC 9470 §5)."""
    essential = bool(asked.acr_essential)
    wanted = asked.acr_essential or asked.acr_values
    if not wanted or _meets(acr_of(signed.session, core.clock.now()), wanted):
        return Step.DONE
    tried = progress.factors_since is not None and signed.session.auth_time >= progress.factors_since
    able = ACR[1] in wanted and bool(signed.user.factors) and not tried
    if able and not (asked.quiet and not essential):
        return Step.CONFIRM
    if essential:
        raise Refusal("unmet_authentication_requirements", "This person can't sign in as acr demands.", asked.target)
    return Step.DONE


def _meets(shown: str, wanted: tuple[str, ...]) -> bool:
    """Whether what was shown is one of the values, or more than one of them."""
    return any(value in ACR and shown >= value for value in wanted)


def _must_agree(core: Core, asked: Asked, application: Application, signed: Signed, progress: Progress) -> bool:
    if progress.agreed:
        return False
    if "consent" in asked.prompt or consent.unproven(application, asked.target.redirect_uri):
        return True
    return not consent.consented(core, signed.user, application, asked.scopes, asked.wanted_claims(), asked.resources)
