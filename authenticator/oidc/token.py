"""/oauth/token (RFC 6749 §3.2): what applications hand in, and which tokens they get for it."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime
from typing import Any, Final

from authlib.oauth2.rfc6749 import BaseGrant, TokenEndpointMixin
from authlib.oauth2.rfc6749.errors import InvalidRequestError, UnauthorizedClientError
from flask import Blueprint, Response, request

from authenticator.applications import Application
from authenticator.flows.client_words import CODE, DEVICE, EXCHANGE, ITSELF, REFRESH
from authenticator.flows.exchange import ACCESS_TOKEN, JWT
from authenticator.flows.granting import Given
from authenticator.http import cors
from authenticator.http.guard import client, service
from authenticator.oidc import client_auth, dpop, errors
from authenticator.oidc.server import EXTENSION, FormRequest, Server, server


def blueprint() -> Blueprint:
    """POST /oauth/token."""
    routes = Blueprint("oauth_token", __name__)
    errors.install(routes)
    cors.install(routes)
    routes.add_url_rule("/oauth/token", "token", _token, methods=["POST"])
    routes.record_once(lambda state: state.app.extensions.setdefault(EXTENSION, build()))
    return routes


def build() -> Server:
    """The server with its grants and the ways in which applications authenticate."""
    made = Server()
    client_auth.install(made)
    for grant in GRANTS:
        made.register_grant(grant)
    return made


def _token() -> Response:
    asked = FormRequest(request)
    asked.check()
    if not asked.value("grant_type"):
        raise InvalidRequestError("grant_type is missing.")
    code = asked.value("code")
    with service().redeeming.arrived(code) if code else nullcontext():
        answer: Response = server().create_token_response(asked)  # which nobody may keep, as its headers say (RFC 6749 §5.1)
    return answer


class OurGrant(BaseGrant, TokenEndpointMixin):  # type: ignore[misc]
    """A kind of grant whose state is all in the flows."""

    request: FormRequest
    server: Server

    def validate_token_request(self) -> None:
        """The application, which must be registered for this grant, and the key that it shows."""
        self.application = client_auth.authenticated(self.server, self.request)
        if self.GRANT_TYPE not in self.application.grants:
            raise UnauthorizedClientError("The client is not registered for this grant_type.")
        self.jkt = dpop.shown(self.application)

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        return 200, service().tokens_of(self.given(self.application, self.jkt)), self.TOKEN_RESPONSE_HEADER

    def given(self, application: Application, jkt: str) -> Given:
        """What the request comes to."""
        raise NotImplementedError

    def required(self, name: str) -> str:
        """A parameter; InvalidRequestError if it is missing."""
        if not self.request.value(name):
            raise InvalidRequestError(f"{name} is missing.")
        return self.request.value(name)


class CodeGrant(OurGrant):
    """RFC 6749 §4.1.3, RFC 7636 §4.5."""

    GRANT_TYPE = CODE
    arrived: datetime

    def given(self, application: Application, jkt: str) -> Given:
        return service().redeem_code(
            application,
            self.required("code"),
            redirect_uri=self.request.value("redirect_uri"),
            verifier=self.request.value("code_verifier"),
            resources=self.request.values("resource"),
            jkt=jkt,
            client=client(),
            arrived=self.arrived,
        )

    def validate_token_request(self) -> None:
        self.arrived = service().core.clock.now()
        super().validate_token_request()


class RefreshGrant(OurGrant):
    """RFC 6749 §6."""

    GRANT_TYPE = REFRESH

    def given(self, application: Application, jkt: str) -> Given:
        token, resources = self.required("refresh_token"), self.request.values("resource")
        return service().refresh_for(application, token, scope=self.request.wish, resources=resources, jkt=jkt, client=client())


class OwnGrant(OurGrant):
    """RFC 6749 §4.4."""

    GRANT_TYPE = ITSELF

    def given(self, application: Application, jkt: str) -> Given:
        return service().give_itself(application, scope=self.request.wish, resources=self.request.values("resource"), jkt=jkt)


class DeviceGrant(OurGrant):
    """RFC 8628 §3.4."""

    GRANT_TYPE = DEVICE

    def given(self, application: Application, jkt: str) -> Given:
        return service().redeem_device(application, self.required("device_code"), jkt=jkt, client=client())


class ExchangeGrant(OurGrant):
    """RFC 8693 §2.1: an access token of ours for another one."""

    GRANT_TYPE = EXCHANGE

    def given(self, application: Application, jkt: str) -> Given:
        if self.required("subject_token_type") not in (ACCESS_TOKEN, JWT):
            raise InvalidRequestError("The subject_token must be an access token.")
        if self.request.value("requested_token_type") not in ("", ACCESS_TOKEN, JWT):
            raise InvalidRequestError("Only access tokens are given.")
        if self.request.value("actor_token"):
            raise InvalidRequestError("The client itself is who acts; actor_token is not read.")
        targets = (*self.request.values("resource"), *self.request.values("audience"))
        token, wish = self.required("subject_token"), self.request.wish
        return service().exchange(application, token, scope=wish, targets=targets, jkt=jkt, client=client())


GRANTS: Final = (CodeGrant, RefreshGrant, OwnGrant, DeviceGrant, ExchangeGrant)
