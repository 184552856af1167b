"""Whether Google keeps what every OpenID provider must, and what is its own."""

from __future__ import annotations

from typing import Any

import pytest
from authenticator_google import Google

from authenticator.emulator import Emulator
from authenticator.testing.oidc_contract import OIDCContract, without
from authenticator.testing.people import SignInVia
from authenticator.testing.sights import asked_for, asks_for_a_code


class TestGoogle(OIDCContract):
    provider = Google

    def test_a_mailbox_that_google_does_not_run_is_proved_here(self, sign_in_via: SignInVia, emulator: Emulator) -> None:
        emulator.tamper = without("hd")
        assert asks_for_a_code(self.go(sign_in_via).page)

    def test_a_mailbox_at_gmail_is_google_s_own(self, sign_in_via: SignInVia, emulator: Emulator) -> None:
        emulator.tamper = lambda claims: without("hd")({**claims, "email": "ada@gmail.com"})
        assert self.go(sign_in_via).me["email"] == "ada@gmail.com"


class TestGoogleOfOneDomain:
    @pytest.fixture
    def auth_settings(self) -> dict[str, Any]:
        return {"GOOGLE_HOSTED_DOMAIN": "example.com"}

    def test_a_member_comes_in(self, sign_in_via: SignInVia) -> None:
        journey = sign_in_via("google", "ada")
        assert asked_for(journey.away)["hd"] == "example.com"
        assert journey.signed_in

    @pytest.mark.parametrize("change", [without("hd"), lambda claims: {**claims, "hd": "elsewhere.example"}], ids=["nobody's", "another's"])
    def test_only_the_signed_word_makes_a_member(self, sign_in_via: SignInVia, emulator: Emulator, change: Any) -> None:
        emulator.tamper = change
        journey = sign_in_via("google", "ada")
        assert journey.page.status == 403
        assert not journey.signed_in
        assert "example.com account" in journey.page
