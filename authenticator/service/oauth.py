"""The part of the facade that serves applications: tokens given, read, looked up and taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from authlib.oauth2.base import OAuth2Error

from authenticator.applications import Application
from authenticator.flows import access, assertions, device, exchange, granting, id_tokens, inspecting
from authenticator.flows.access import Issued
from authenticator.flows.device import Asked, Begun
from authenticator.flows.granting import Given
from authenticator.flows.keyring import KeyRing
from authenticator.flows.outcomes import Signed
from authenticator.flows.redeeming import Redeeming
from authenticator.models import Client
from authenticator.service.facade import Facade


class OAuth(Facade):
    """What applications may ask for. Refusals of the standards are Authlib's errors."""

    keys: KeyRing

    @cached_property
    def redeeming(self) -> Redeeming:
        """Who redeems which code right now, in this process."""
        return Redeeming(self.core)

    def client_refused(self, client_id: str, client: Client) -> None:
        """Count an application that did not show that it is itself; AuthError `rate_limited` after too many."""
        assertions.refused(self.core, client_id, client)

    def asserted_client(self, assertion: str) -> str:
        """Whom a signed assertion claims to be of; nothing is proved by that."""
        return assertions.named(assertion)

    def asserts(self, application: Application, assertion: str, here: frozenset[str]) -> bool:
        """Whether the application signed this assertion for one of these addresses, for the first time."""
        return assertions.holds(self.core, application, assertion, here)

    def proof(self, text: str, method: str, url: str, token: str = "") -> str:
        """The thumbprint of the key behind a DPoP proof; `InvalidProofError`."""
        return assertions.proof(self.core, text, method, url, token)

    def redeem_code(self, application: Application, code: str, **more: Any) -> Given:
        """What an authorization code stands for; see `Redeeming.redeem`."""
        return self._looking(lambda: self.redeeming.redeem(application, code, **more))

    def refresh_for(
        self, application: Application, token: str, *, scope: str | None, resources: Sequence[str], jkt: str, client: Client
    ) -> Given:
        """What a refresh token stands for, with its successor."""
        return self._looking(
            lambda: granting.refresh(self.core, application, token, scope=scope, resources=resources, jkt=jkt, client=client)
        )

    def give_itself(self, application: Application, *, scope: str | None, resources: Sequence[str], jkt: str) -> Given:
        """What an application may do without a person."""
        return granting.for_itself(application, scope=scope, resources=resources, jkt=jkt)

    def exchange(
        self, application: Application, subject_token: str, *, scope: str | None, targets: Sequence[str], jkt: str, client: Client
    ) -> Given:
        """A narrower token for the same person."""
        issued = access.believed(self.core, self.keys, subject_token)
        if issued and issued.session:
            self.ended.require_open(issued.session)
        return exchange.exchange(self.core, self.keys, application, subject_token, scope=scope, targets=targets, jkt=jkt, client=client)

    def begin_device(self, application: Application, *, scope: str | None, resources: Sequence[str], client: Client) -> Begun:
        """The codes for a device."""
        return device.begin(self.core, application, granting.narrower(application.scopes, scope), resources, client)

    def device_asked(self, signed: Signed, user_code: str, client: Client) -> Asked:
        """What the device with this code wants."""
        return device.look(self.core, signed, user_code, client)

    def device_decided(self, signed: Signed, user_code: str, seal: str, client: Client, *, allow: bool) -> Application:
        """The person's answer to the device."""
        return device.decide(self.core, signed, user_code, seal, client, allow=allow)

    def redeem_device(self, application: Application, device_code: str, *, jkt: str, client: Client) -> Given:
        """What the device was given, once."""
        return device.redeem(self.core, application, device_code, jkt=jkt, client=client)

    def tokens_of(self, given: Given) -> dict[str, Any]:
        """The answer of the token endpoint (RFC 6749 §5.1)."""
        token = access.issue(self.core, self.keys, given)
        answer = {
            "access_token": token,
            "token_type": "DPoP" if given.jkt else "Bearer",
            "expires_in": access.seconds_of(self.core, given),
            "scope": " ".join(given.scopes),
        }
        if given.refresh_token:
            answer["refresh_token"] = given.refresh_token
        if given.act:
            answer["issued_token_type"] = exchange.ACCESS_TOKEN
        elif access.wants_id_token(given):
            answer["id_token"] = id_tokens.issue(self.core, self.keys, given, token)
        return answer

    def believed(self, token: str) -> Issued | None:
        """An access token of an application that is good by itself; its session may have ended."""
        return access.believed(self.core, self.keys, token)

    def userinfo(self, issued: Issued) -> tuple[Application, Mapping[str, Any]] | None:
        """What the application of this token may know of its person, as it stands now; None if nothing any more."""
        return inspecting.userinfo(self.core, issued)

    def signed_userinfo(self, application: Application, claims: Mapping[str, Any]) -> str:
        """The same as a signed token for the application (OpenID Connect Core §5.3.2)."""
        told = {**claims, "iss": self.core.settings.public_url, "aud": application.id}
        return self.keys.sign(told, typ="JWT", algorithm=application.userinfo_algorithm)

    def introspect(self, application: Application, token: str) -> dict[str, Any]:
        """What a token says now, to an application that it concerns (RFC 7662)."""
        return inspecting.introspect(self.core, self.keys, application, token)

    def revoke_for(self, application: Application, token: str, client: Client) -> None:
        """Take back a token of this application; nothing happens for any other (RFC 7009)."""
        if inspecting.revoke(self.core, self.keys, application, token, client):
            self.ended.look_again()

    @contextmanager
    def _ended_here(self) -> Iterator[None]:
        try:
            yield
        except OAuth2Error:
            self.ended.look_again()
            raise

    def _looking(self, given: Any) -> Given:
        """A refusal may have ended something: then this process knows at once."""
        with self._ended_here():
            found: Given = given()
            return found
