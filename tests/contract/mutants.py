"""Providers and a core that were broken on purpose, one fault each, and which test of the contract has to notice it.

`test_mutants.py` runs them; by itself pytest does not collect this file.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest
from authenticator_google import Google

from authenticator.flows import admission, ticket
from authenticator.flows.linking import Decision
from authenticator.kinds import oauth, oidc
from authenticator.kinds.base import Identity, Redirect, Turn, Visit
from authenticator.kinds.oauth import Tokens
from authenticator.testing.oidc_contract import OIDCContract


class Mutant(OIDCContract):
    """`noticed` names the tests, without `test_`, that must fail; all others must pass."""

    noticed: ClassVar[tuple[str, ...]]
    patches: ClassVar[tuple[tuple[Any, str, Any], ...]] = ()

    @classmethod
    def asked(cls) -> tuple[str, ...]:
        return ("token",)  # how an endpoint is asked is the same for all of them

    @pytest.fixture(autouse=True)
    def planted(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        with monkeypatch.context() as patched:
            for where, name, instead in self.patches:
                patched.setattr(where, name, instead)
            yield


class Blind(Google):
    """Sees some claims as they should be, whatever they are."""

    def seen(self, claims: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        return {}

    def _check(self, claims: Mapping[str, Any], nonce: str) -> None:
        super()._check({**claims, **self.seen(claims, nonce)}, nonce)


class TestStateOfAnyBrowser(Mutant):
    provider = Google
    patches = ((ticket, "same", lambda one, other: True),)
    noticed = ("a_callback_in_another_browser_is_refused",)


def _read_only(core: Any, ticket_id: str, binding: str) -> Any:
    return ticket._held(core.store.read_ticket(ticket.KIND, ticket.digest(ticket_id), core.clock.now()), ticket_id, binding)


class TestStateNotSpent(Mutant):
    provider = Google
    patches = ((ticket, "take", _read_only),)
    noticed = ("a_spent_state_cannot_be_used_again", "a_refusal_spends_the_state_too", "of_callbacks_at_once_one_wins")


class TestStateForEver(Mutant):
    provider = Google
    patches = ((ticket, "LIFE", ticket.LIFE * 100),)
    noticed = ("a_state_that_is_too_old_is_refused",)


class TestNonceUnchecked(Mutant):
    class provider(Blind):
        def seen(self, claims: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
            return {"nonce": nonce}

    noticed = ("a_token_of_another_sign_in_is_refused", "a_token_of_no_sign_in_in_particular_is_refused")


class TestNonceAlwaysTheSame(Mutant):
    class provider(Google):
        def authorization(self, visit: Visit, keep: Mapping[str, str]) -> str:
            keep["nonce"] = "the-nonce-of-everybody-and-all"  # type: ignore[index]
            return super().authorization(visit, keep)

    noticed = ("each_sign_in_has_a_nonce_of_its_own",)


class TestAudienceUnchecked(Mutant):
    class provider(Blind):
        def seen(self, claims: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
            return {"aud": self.options.client_id, "azp": self.options.client_id}

    noticed = (
        "a_token_for_another_client_is_refused",
        "a_token_for_nobody_is_refused",
        "a_token_for_several_clients_names_the_one_it_was_given_to",
        "a_token_given_to_another_client_is_refused",
    )


class TestAuthorizedPartyUnchecked(Mutant):
    class provider(Blind):
        def seen(self, claims: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
            return {"azp": self.options.client_id}

    noticed = ("a_token_for_several_clients_names_the_one_it_was_given_to", "a_token_given_to_another_client_is_refused")


class TestIssuerUnchecked(Mutant):
    class provider(Blind):
        def seen(self, claims: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
            return {"iss": self.place(self.issuer)}

    noticed = ("a_token_of_another_issuer_is_refused", "a_token_without_an_issuer_is_refused")


class TestIssuerOfTheCallbackUnchecked(Mutant):
    class provider(Google):
        def check_callback(self, answer: Mapping[str, str]) -> None:
            pass

    noticed = ("a_callback_of_another_issuer_is_refused", "a_callback_without_its_issuer_is_refused_where_the_issuer_promised_it")


class TestExpiryIgnored(Mutant):
    class provider(Blind):
        def seen(self, claims: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
            return {"exp": 2**33}

    noticed = ("an_expired_token_is_refused", "a_token_that_never_expires_is_refused")


class TestTimeOfIssueIgnored(Mutant):
    class provider(Blind):
        def seen(self, claims: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
            return {"iat": 1}

    noticed = ("a_token_from_the_future_is_refused",)


class _Alike(str):
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


class TestAccessTokenNotCompared(Mutant):
    provider = Google
    patches = ((oidc, "half_hash", lambda access: _Alike()),)
    noticed = ("a_token_for_another_access_token_is_refused",)


class TestTokenOptional(Mutant):
    class provider(Google):
        def verify(self, tokens: Tokens, keep: Mapping[str, Any]) -> Mapping[str, Any]:
            return super().verify(tokens, keep) if "id_token" in tokens.answer else {}

        def profile(self, tokens: Tokens, claims: Mapping[str, Any]) -> Mapping[str, Any]:
            return claims or self.fetch(self.endpoint("profile"), tokens)

    noticed = ("a_sign_in_without_an_id_token_is_refused",)


def _payload(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text.split(".")[1] + "=="))
    return found


class TestSignatureUnchecked(Mutant):
    class provider(Google):
        def _signed(self, text: str) -> dict[str, Any]:
            return _payload(text)

    noticed = (
        "an_unsigned_token_is_refused",
        "a_token_signed_with_somebody_elses_key_is_refused",
        "a_key_that_the_issuer_does_not_publish_is_refused",
    )


class TestUnsignedTaken(Mutant):
    class provider(Google):
        def _signed(self, text: str) -> dict[str, Any]:
            return _payload(text) if text.endswith(".") else super()._signed(text)

    noticed = ("an_unsigned_token_is_refused",)


class TestUserinfoOfAnybody(Mutant):
    class provider(Google):
        use_userinfo = True

        def profile(self, tokens: Tokens, claims: Mapping[str, Any]) -> Mapping[str, Any]:
            return {**self.fetch(self.endpoint("profile"), tokens), **claims}

    noticed = ("what_userinfo_says_about_somebody_else_never_counts",)


class TestAddressBelieved(Mutant):
    class provider(Google):
        def email_proven(self, claims: Mapping[str, Any]) -> bool:
            return True

    noticed = ("an_unverified_address_is_not_trusted", "only_true_says_that_an_address_is_verified")


class TestTextIsTrue(Mutant):
    class provider(Google):
        def email_proven(self, claims: Mapping[str, Any]) -> bool:
            return bool(claims.get("email_verified"))

    noticed = ("only_true_says_that_an_address_is_verified",)


class TestAddressAsSubject(Mutant):
    class provider(Google):
        def subject(self, profile: Mapping[str, Any]) -> Any:
            return profile.get("email") or profile.get("sub")

    noticed = (
        "the_subject_is_the_key_and_an_address_is_not",
        "the_same_address_with_another_subject_does_not_get_in",
        "a_subject_that_is_none_is_refused",
        "what_userinfo_says_about_somebody_else_never_counts",
    )


class TestAnySubject(Mutant):
    provider = Google
    patches = ((oauth, "clean_subject", str),)
    noticed = ("a_subject_that_is_none_is_refused",)


class TestPkceDropped(Mutant):
    class provider(Google):
        pkce = False

    noticed = ("pkce_binds_the_code_to_the_sign_in",)


class TestSecretLogged(Mutant):
    class provider(Google):
        def exchange(self, code: str, keep: Mapping[str, Any]) -> Tokens:
            self.kit.log.debug("with %s", self.options.client_secret.get_secret_value())
            return super().exchange(code, keep)

    noticed = ("secrets_are_in_no_log_and_on_no_page",)


class TestCodeLogged(Mutant):
    class provider(Google):
        def exchange(self, code: str, keep: Mapping[str, Any]) -> Tokens:
            self.kit.log.info("the code is %s", code)
            return super().exchange(code, keep)

    noticed = ("secrets_are_in_no_log_and_on_no_page",)


class TestNamesSwapped(Mutant):
    class provider(Google):
        def identity(self, profile: Mapping[str, Any]) -> Identity:
            known = super().identity(profile)
            return Identity(known.email, known.email_proven, known.family_name, known.given_name, known.name, known.picture)

    noticed = ("a_person_signs_in_and_is_who_the_example_says",)


def _linked_by_address(facts: Any) -> Decision:
    if facts.subject_owner is None and facts.email_owner is not None:
        return Decision.LINK_BY_EMAIL
    return _policy(facts)


_policy = admission.policy


class TestAccountTakenByAddress(Mutant):
    provider = Google
    patches = ((admission, "policy", _linked_by_address),)
    noticed = ("an_account_with_the_same_address_is_not_taken_over", "the_same_address_with_another_subject_does_not_get_in")


class TestSuspensionForgotten(Mutant):
    provider = Google
    patches = ((admission, "require_active", lambda *facts: None),)
    noticed = ("a_suspended_person_stays_out",)


class TestLessAskedFor(Mutant):
    class provider(Google):
        def start(self, visit: Visit) -> Turn:
            turn = super().start(visit)
            assert isinstance(turn, Redirect)
            return Redirect(turn.url.replace("scope=openid+email+profile", "scope=openid"), turn.keep)

    noticed = ("the_request_carries_what_protects_it",)
