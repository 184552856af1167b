"""The facade for the browser's half of the OpenID provider: requests, what they wait for, consent, codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

from authenticator.applications import Application
from authenticator.errors import AuthError
from authenticator.flows import authorization_steps, authorization_target, authorization_tickets, authorizing, codes, consent, sessions
from authenticator.flows.authorization_request import Asked, Refusal
from authenticator.flows.authorization_steps import Progress, Step
from authenticator.flows.authorization_tickets import Waiting
from authenticator.flows.codes import Code
from authenticator.flows.keyring import KeyRing
from authenticator.flows.outcomes import Signed
from authenticator.flows.scopes import OFFLINE
from authenticator.models import Client
from authenticator.service.facade import Facade

CONTINUE = "/oauth/authorize/continue"


@dataclass(frozen=True)
class Authorizing(Facade):
    """What pages and endpoints ask for on the way to a code."""

    keys: KeyRing

    def authorization_asked(self, given: Mapping[str, Sequence[str]]) -> tuple[Application, Asked]:
        """The application that asks, and what; a pushed request is spent by it.

        AuthError where nobody may be led back to the application; Refusal for what is answered to it.
        """
        application = authorizing.application_of(self.core, given)
        uris = given.get("request_uri", ())
        if len(uris) == 1 and uris[0].startswith(authorizing.PUSHED):
            asked = authorization_tickets.pulled(self.core, uris[0].removeprefix(authorizing.PUSHED), application.id)
            return application, _still(application, asked)
        return application, authorizing.read(self.core, self.keys, application, given)

    def push_authorization(self, application: Application, given: Mapping[str, Sequence[str]], client: Client, *, jkt: str = "") -> str:
        """Keep a request that this application, which has proved itself, pushes; its `request_uri`. Errors as above.

        The code is bound to the key that it showed to have with that, if any (RFC 9449 §10.1).
        """
        asked = authorizing.read(self.core, self.keys, application, given, pushed=True)
        if jkt and asked.jkt not in ("", jkt):
            raise Refusal("invalid_request", "dpop_jkt and the DPoP proof name two keys.", asked.target)
        if application.public or application.registration != "operator":
            authorization_tickets.count(self.core, client)
        return authorizing.PUSHED + authorization_tickets.push(self.core, replace(asked, jkt=jkt or asked.jkt))

    def keep_posted(self, asked: Asked, client: Client) -> str:
        """Keep a request that was posted and is too long for an address; its `request_uri`."""
        authorization_tickets.count(self.core, client)
        return authorizing.PUSHED + authorization_tickets.push(self.core, asked)

    def authorization_step(self, application: Application, asked: Asked, signed: Signed | None, progress: Progress) -> Step:
        """What comes next; Refusal where that may not be shown, or can't be had."""
        return authorization_steps.following(self.core, asked, application, signed, progress)

    def await_person(self, asked: Asked, browser: str, client: Client) -> Waiting:
        """Keep the request for this browser while its person signs in, proves or chooses something; AuthError `rate_limited`."""
        authorization_tickets.count(self.core, client)
        return authorization_tickets.begin(self.core, asked, browser)

    def awaited(self, request_id: str, browser: str) -> tuple[Application, Waiting]:
        """The request that waits; AuthError `challenge_expired` if it is not this browser's, or no more."""
        waiting = authorization_tickets.look(self.core, request_id, browser)
        application = authorizing.application_of(self.core, {"client_id": [waiting.asked.target.client_id]})
        _still(application, waiting.asked)
        return application, waiting

    def chosen_account(self, waiting: Waiting, signed: Signed) -> None:
        """This is the account that she wants to go on with."""
        progress = replace(waiting.progress, chosen=signed.user.id)
        authorization_tickets.keep(self.core, replace(waiting, progress=progress))

    def ask_for_proof(self, waiting: Waiting) -> None:
        """From now on a proof counts that two factors were asked for."""
        if waiting.progress.factors_since is None:
            progress = replace(waiting.progress, factors_since=self.core.clock.now())
            authorization_tickets.keep(self.core, replace(waiting, progress=progress))

    def answered(self, waiting: Waiting | None) -> None:
        """The request is answered now, and nothing but a second click on the same button is answered after that."""
        if waiting is not None:
            authorization_tickets.finish(self.core, waiting)

    def browser_renewed(self, return_to: str, old: str, new: str) -> None:
        """A browser got a new secret: the request that it goes on with at `return_to` is bound to that from here on."""
        if request_id := request_in(return_to):
            try:
                waiting = authorization_tickets.look(self.core, request_id, old)
            except AuthError:
                return
            authorization_tickets.keep(self.core, authorization_tickets.rebound(waiting, new))

    def leads_to(self, return_to: str, browser: str) -> str:
        """Where a browser that goes on at `return_to` may end: the address of the application that waits; empty for none."""
        request_id = request_in(return_to)
        if not request_id:
            return ""
        try:
            return authorization_tickets.look(self.core, request_id, browser).asked.target.redirect_uri
        except AuthError:
            return ""

    def agree(self, signed: Signed, application: Application, asked: Asked, client: Client) -> None:
        """She lets the application have what it asks for."""
        consent.agree(self.core, signed.user, application, asked.scopes, asked.wanted_claims(), asked.resources, client=client)

    def give_code(self, signed: Signed, application: Application, asked: Asked, client: Client) -> str:
        """A code for what was agreed."""
        if consent.vouched_for(application):
            consent.agree(self.core, signed.user, application, asked.scopes, asked.wanted_claims(), client=client, by="operator")
        session, target = signed.session, asked.target
        code = Code(
            client_id=application.id,
            redirect_uri=target.sent_uri,
            user_id=signed.user.id,
            session_id=session.id,
            scopes=asked.scopes,
            claims=asked.claims,
            resources=asked.resources,
            nonce=asked.nonce,
            code_challenge=asked.code_challenge,
            auth_time=int(session.auth_time.timestamp()),
            amr=session.amr,
            acr=sessions.acr_of(session, self.core.clock.now()),
            offline=OFFLINE in asked.scopes,
            jkt=asked.jkt,
        )
        return codes.issue(self.core, code)


def request_in(return_to: str) -> str:
    """The id of the request that a page of ours leads on to; empty for none."""
    if CONTINUE not in return_to:
        return ""
    parts = urlsplit(return_to)
    return parse_qs(parts.query).get("request", [""])[0] if parts.path.endswith(CONTINUE) and not parts.netloc else ""


def _still(application: Application, asked: Asked) -> Asked:
    """The request, if it may still be answered where it says: the application may have changed meanwhile."""
    target = asked.target
    if target.redirect_uri not in application.redirect_uris and not any(
        authorization_target.fits(uri, target.redirect_uri) for uri in application.redirect_uris
    ):
        raise AuthError("invalid_request", authorization_target.NOT_REGISTERED)
    return asked
