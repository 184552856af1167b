"""What every OpenID provider must keep besides: whatever is wrong with an ID token, nobody is signed in (OpenID Connect Core §3.1.3.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from flask import Flask

from authenticator.clock import SetClock
from authenticator.emulator import Emulator
from authenticator.kinds.oidc import OIDCProvider
from authenticator.testing.client import Browser
from authenticator.testing.contract import ProviderContract
from authenticator.testing.people import Outbox, SignInVia
from authenticator.testing.sights import asked_for, asks_for_a_code, changed

Claims = dict[str, Any]
NO_SUBJECTS = ("", " ", "x" * 256, 1.5, None, ["42"], "a\nb")
OTHER_HASH = "WXSA1LYsphIZPxnnP-TMOg"
NOT_TRUE = ("true", 1, None, [True], {"value": True})


class OIDCContract(ProviderContract):
    """As ProviderContract; the emulator signs what this provider's `example` says."""

    provider: ClassVar[type[OIDCProvider]]

    def refuse(self, sign_in_via: SignInVia, fault: str) -> None:
        """Under this fault of the emulator nobody is signed in."""
        self.refused(self.go(sign_in_via, fault).page, 401)

    def refuse_claims(self, sign_in_via: SignInVia, emulator: Emulator, change: Callable[[Claims], Claims]) -> None:
        """With the claims changed like this, and signed by the issuer's own key, nobody is signed in."""
        emulator.tamper = change
        self.refused(self.go(sign_in_via).page, 401)

    # The token as a whole

    def test_a_sign_in_without_an_id_token_is_refused(self, sign_in_via: SignInVia) -> None:
        self.refuse(sign_in_via, "missing_id_token")

    def test_an_unsigned_token_is_refused(self, sign_in_via: SignInVia) -> None:
        self.refuse(sign_in_via, "unsigned")

    def test_a_token_signed_with_somebody_elses_key_is_refused(self, sign_in_via: SignInVia) -> None:
        self.refuse(sign_in_via, "foreign_key")

    def test_a_key_that_the_issuer_does_not_publish_is_refused(
        self, sign_in_via: SignInVia, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        published = emulator.issuing.key_set()
        monkeypatch.setattr(emulator.issuing, "key_set", lambda: published)
        emulator.issuing.rotate()
        self.refuse(sign_in_via, "none")

    def test_a_new_key_of_the_issuer_is_found(self, sign_in_via: SignInVia, outbox: Outbox, clock: SetClock, client: Browser) -> None:
        assert self.enter(self.go(sign_in_via), outbox).signed_in
        clock.advance(minutes=2)  # keys are not asked for more often than once a minute
        assert self.go(sign_in_via, "rotated_key", client.browser()).signed_in

    # Whom it is for, and from whom

    def test_a_token_for_another_client_is_refused(self, sign_in_via: SignInVia) -> None:
        self.refuse(sign_in_via, "wrong_audience")

    def test_a_token_for_nobody_is_refused(self, sign_in_via: SignInVia, emulator: Emulator) -> None:
        self.refuse_claims(sign_in_via, emulator, without("aud"))

    def test_a_token_for_several_clients_names_the_one_it_was_given_to(self, sign_in_via: SignInVia, emulator: Emulator) -> None:
        self.refuse_claims(sign_in_via, emulator, lambda claims: without("azp")({**claims, "aud": [claims["aud"], "another-client"]}))

    def test_a_token_given_to_another_client_is_refused(self, sign_in_via: SignInVia, emulator: Emulator) -> None:
        self.refuse_claims(sign_in_via, emulator, with_claims(azp="another-client"))

    def test_a_token_of_another_issuer_is_refused(self, sign_in_via: SignInVia) -> None:
        self.refuse(sign_in_via, "wrong_issuer")

    def test_a_token_without_an_issuer_is_refused(self, sign_in_via: SignInVia, emulator: Emulator) -> None:
        self.refuse_claims(sign_in_via, emulator, without("iss"))

    def test_a_callback_of_another_issuer_is_refused(self, sign_in_via: SignInVia) -> None:
        self.refuse(sign_in_via, "wrong_callback_issuer")

    def test_a_callback_without_its_issuer_is_refused_where_the_issuer_promised_it(self, sign_in_via: SignInVia, client: Browser) -> None:
        away = sign_in_via.away(sign_in_via.leave(self.provider.name))
        self.refused(client.get(changed(sign_in_via.choose(away), iss=None)), 401)

    # When, and in which sign-in

    def test_an_expired_token_is_refused(self, sign_in_via: SignInVia) -> None:
        self.refuse(sign_in_via, "expired_token")

    def test_a_token_that_never_expires_is_refused(self, sign_in_via: SignInVia, emulator: Emulator) -> None:
        self.refuse_claims(sign_in_via, emulator, without("exp"))

    def test_a_token_from_the_future_is_refused(self, sign_in_via: SignInVia, emulator: Emulator) -> None:
        self.refuse_claims(sign_in_via, emulator, lambda claims: {**claims, "iat": claims["iat"] + 600})

    def test_a_token_of_another_sign_in_is_refused(self, sign_in_via: SignInVia) -> None:
        self.refuse(sign_in_via, "wrong_nonce")

    def test_a_token_of_no_sign_in_in_particular_is_refused(self, sign_in_via: SignInVia, emulator: Emulator) -> None:
        self.refuse_claims(sign_in_via, emulator, without("nonce"))

    def test_each_sign_in_has_a_nonce_of_its_own(self, sign_in_via: SignInVia) -> None:
        first, second = (asked_for(sign_in_via.away(sign_in_via.leave(self.provider.name))) for _ in range(2))
        assert first["nonce"] != second["nonce"]
        assert len(first["nonce"]) >= 22
        assert "openid" in first["scope"].split()

    def test_a_token_for_another_access_token_is_refused(self, sign_in_via: SignInVia, emulator: Emulator) -> None:
        self.refuse_claims(sign_in_via, emulator, with_claims(at_hash=OTHER_HASH))

    # About whom

    def test_a_subject_that_is_none_is_refused(self, sign_in_via: SignInVia, emulator: Emulator) -> None:
        for subject in NO_SUBJECTS:
            self.refuse_claims(sign_in_via, emulator, with_claims(sub=subject))

    def test_what_userinfo_says_about_somebody_else_never_counts(self, sign_in_via: SignInVia, outbox: Outbox, auth_app: Flask) -> None:
        journey = self.enter(self.go(sign_in_via, "other_userinfo"), outbox)
        if self.provider.use_userinfo:
            self.refused(journey.page, 401)
        else:  # it was not even asked
            assert journey.signed_in
            assert self.login(auth_app) is not None

    def test_only_true_says_that_an_address_is_verified(
        self, sign_in_via: SignInVia, emulator: Emulator, client: Browser, clock: SetClock
    ) -> None:
        for flag in NOT_TRUE:
            emulator.tamper = with_claims(email_verified=flag)
            journey = self.go(sign_in_via, browser=client.browser())
            assert asks_for_a_code(journey.page) or journey.me["email"] is None, flag
            clock.advance(minutes=20)  # only so many codes go to one address at a time


def with_claims(**changes: Any) -> Callable[[Claims], Claims]:
    """Gives these claims other values."""
    return lambda claims: {**claims, **changes}


def without(*names: str) -> Callable[[Claims], Claims]:
    """Takes these claims away."""
    return lambda claims: {name: value for name, value in claims.items() if name not in names}
