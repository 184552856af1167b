"""Do Facebook and X sign the right person in, and nobody else? Against the emulator over real sockets."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from authenticator_facebook import Facebook
from authenticator_google import Google
from authenticator_twitter import Twitter

from authenticator.clock import Clock
from authenticator.emulator import Emulator
from authenticator.errors import AuthError
from authenticator.kinds.base import Identity, Proof, Redirect, Visit
from authenticator.kinds.oauth import OAuthProvider, Tokens, Untrusted, clean_identity, clean_subject
from authenticator.kinds.people import PEOPLE
from authenticator.kit import Kit
from authenticator.models import Intent
from authenticator.web_client import WebClient

NOTHING: Any = None
VISIT = Visit(
    Intent.SIGN_IN, NOTHING, state="the-state", callback_url="http://localhost:8000/sign-in/x/callback", login_hint="ada@example.com"
)
BOTH = pytest.mark.parametrize("cls", [Facebook, Twitter])


def kit_for(base: str) -> Kit:
    http = WebClient([base], read=1.0, total=2.0)
    return Kit("Test", "http://localhost:8000", Clock(), logging.getLogger("test"), http, NOTHING, NOTHING, NOTHING, NOTHING, base)


def made(cls: type[OAuthProvider], base: str = "", **options: str) -> Any:
    return cls(cls.Options(**{"client_id": "id:1/ä", "client_secret": "s:é+ %"} | options), kit_for(base))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with Emulator([Facebook, Twitter]).serve() as emulator:
        yield emulator


@pytest.fixture
def emulator(server: Emulator) -> Emulator:
    server.auto, server.fault, server.tamper = True, "none", None
    return server


def there_and_back(provider: OAuthProvider, visit: Visit = VISIT, **form: str) -> tuple[dict[str, Any], dict[str, str]]:
    turn = provider.start(visit)
    assert isinstance(turn, Redirect)
    reply = requests.request("POST" if form else "GET", turn.url, data=form, allow_redirects=False, timeout=5)
    assert reply.status_code == 303, reply.text
    return dict(turn.keep), dict(parse_qsl(urlsplit(reply.headers["Location"]).query))


def sign_in(provider: OAuthProvider, visit: Visit = VISIT) -> Proof:
    keep, answer = there_and_back(provider, visit)
    proof = provider.resume(visit, keep, answer)
    assert isinstance(proof, Proof)
    return proof


def refusal(provider: OAuthProvider, keep: dict[str, Any], answer: Any) -> AuthError:
    with pytest.raises(AuthError) as caught:
        provider.resume(VISIT, keep, answer)
    assert caught.value.reference
    return caught.value


def query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def test_ada_signs_in_with_facebook_but_proves_no_address(emulator: Emulator) -> None:
    proof = sign_in(made(Facebook, emulator.base_url))
    assert proof.subject == PEOPLE[0].subject("facebook")
    assert (proof.identity.email, proof.identity.email_proven) == ("ada@example.com", False)
    assert (proof.identity.given_name, proof.identity.family_name, proof.identity.name) == ("Ada", "Lovelace", "Ada Lovelace")


def test_ada_signs_in_with_x_and_proves_her_address(emulator: Emulator) -> None:
    proof = sign_in(made(Twitter, emulator.base_url))
    assert proof.subject == PEOPLE[0].subject("twitter")
    assert (proof.identity.email, proof.identity.email_proven, proof.identity.name) == ("ada@example.com", True, "Ada Lovelace")


@pytest.mark.parametrize("hint", ["alan", "mallory", "nomail"])
def test_x_gives_no_address_that_is_not_confirmed(emulator: Emulator, hint: str) -> None:
    proof = sign_in(made(Twitter, emulator.base_url), replace(VISIT, login_hint=hint))
    assert (proof.identity.email, proof.identity.email_proven) == ("", False)
    assert proof.label


def test_mallory_with_adas_address_is_somebody_else(emulator: Emulator) -> None:
    provider = made(Facebook, emulator.base_url)
    ada, mallory = sign_in(provider), sign_in(provider, replace(VISIT, login_hint="mallory"))
    assert ada.identity.email == mallory.identity.email
    assert ada.subject != mallory.subject
    assert not mallory.identity.email_proven


def test_the_browser_is_sent_to_the_real_place() -> None:
    turn = made(Twitter).start(VISIT)
    assert turn.url.startswith("https://x.com/i/oauth2/authorize?response_type=code&client_id=")
    asked = query(turn.url)
    assert asked["scope"] == "users.read tweet.read users.email"
    assert (asked["state"], asked["redirect_uri"], asked["code_challenge_method"]) == ("the-state", VISIT.callback_url, "S256")
    assert turn.keep["verifier"] not in turn.url
    facebook = made(Facebook, version="v25.0").start(VISIT)
    assert facebook.url.startswith("https://www.facebook.com/v25.0/dialog/oauth?")
    assert query(facebook.url)["scope"] == "email,public_profile"
    assert "code_challenge" not in query(facebook.url)


def test_pkce_and_every_secret_are_fresh_each_time() -> None:
    provider = made(Twitter)
    first, second = provider.start(VISIT), provider.start(VISIT)
    assert first.keep["verifier"] != second.keep["verifier"]
    assert 43 <= len(first.keep["verifier"]) <= 128
    fixed = {"verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "redirect_uri": "https://a.example/cb"}
    assert "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" in provider.authorization(VISIT, fixed)  # RFC 7636, appendix B


def test_hint_and_prompt_are_handed_on_and_nothing_else_is() -> None:
    asked = query(made(Twitter).start(replace(VISIT, login_hint="a&b=c", prompt="none")).url)
    assert (asked["login_hint"], asked["prompt"]) == ("a&b=c", "none")
    assert "b" not in asked
    assert "prompt" not in query(made(Twitter).start(replace(VISIT, prompt="other")).url)


def test_known_signatures_of_the_client() -> None:
    basic = made(Twitter, client_id="client-id", client_secret="client-secret")
    assert basic._authenticated("u", {}, "a=b")[1] == {"Authorization": "Basic Y2xpZW50LWlkOmNsaWVudC1zZWNyZXQ="}
    assert (
        made(Facebook, client_secret="fb-app-secret")._proof("fb-access-token")
        == "7d2917057c7c0eaf5980e744c46bb3a3dd07a1f5d3cb3a9c5b30431c45a2a9fb"
    )


def test_facebook_wants_the_proof_of_the_app_secret(emulator: Emulator) -> None:
    provider = made(Facebook, emulator.base_url)
    keep, answer = there_and_back(provider)
    tokens = provider.exchange(answer["code"], keep)
    url = provider.endpoint("profile")
    bare = requests.get(url, headers={"Authorization": f"Bearer {tokens.access}"}, timeout=5)
    assert bare.status_code == 400
    assert isinstance(bare.json()["error"], dict)
    assert provider.fetch(url, tokens)["name"] == "Ada Lovelace"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("access_denied", "provider_denied"), ("user_denied", "provider_denied"), ("login_required", "provider_denied"),
        ("server_error", "provider_unavailable"), ("temporarily_unavailable", "provider_unavailable"),
        ("invalid_scope", "provider_failed"), ("<script>alert(1)</script>", "provider_failed"), ("x" * 5000, "provider_failed"),
    ],
)  # fmt: skip
def test_a_refusal_at_the_provider_is_told_in_our_own_words(caplog: pytest.LogCaptureFixture, error: str, code: str) -> None:
    keep = dict(made(Twitter).start(VISIT).keep)
    found = refusal(made(Twitter), keep, {"error": error, "error_description": "<b>call +1 555</b>", "state": "the-state"})
    assert found.code == code
    assert "<" not in found.detail
    assert "<" not in caplog.text
    assert "555" not in caplog.text + found.detail
    assert found.reference in caplog.text


@pytest.mark.parametrize("answer", [{}, {"state": "the-state"}, {"code": ""}, {"code": ["a", "b"]}, {"code": None}])
def test_a_callback_without_a_code_is_refused(answer: Any) -> None:
    assert refusal(made(Twitter), {"verifier": "v", "redirect_uri": "u"}, answer).code == "invalid_request"


def test_foreign_parameters_in_the_callback_do_no_harm(emulator: Emulator) -> None:
    provider = made(Facebook, emulator.base_url)
    keep, answer = there_and_back(provider)
    assert isinstance(
        provider.resume(VISIT, keep, answer | {"iss": "https://x.example", "utm_source": "x", "granted_scopes": "email"}), Proof
    )


@BOTH
def test_a_spent_code_cannot_be_used_again(emulator: Emulator, cls: type[OAuthProvider]) -> None:
    provider = made(cls, emulator.base_url)
    keep, answer = there_and_back(provider)
    assert isinstance(provider.resume(VISIT, keep, answer), Proof)
    assert refusal(provider, keep, answer).code == "provider_failed"


def test_a_stolen_code_is_worthless_without_its_verifier(emulator: Emulator) -> None:
    provider = made(Twitter, emulator.base_url)
    keep, answer = there_and_back(provider)
    assert refusal(provider, keep | {"verifier": "x" * 43}, answer).code == "provider_failed"


@BOTH
@pytest.mark.parametrize("place", ["token", "profile"])
@pytest.mark.parametrize(
    ("fault", "code"),
    [("html", "provider_failed"), ("huge", "provider_failed"), ("redirect", "provider_failed"), ("server_error", "provider_unavailable")],
)
def test_a_broken_answer_signs_nobody_in(
    emulator: Emulator, caplog: pytest.LogCaptureFixture, cls: type[OAuthProvider], place: str, fault: str, code: str
) -> None:
    provider = made(cls, emulator.base_url)
    keep, answer = there_and_back(provider, person="ada", fault=f"{fault}:{place}")
    assert refusal(provider, keep, answer).code == code
    assert f"step={'exchange' if place == 'token' else 'profile'}" in caplog.text
    assert answer["code"] not in caplog.text


@BOTH
def test_nobody_without_a_subject_signs_in(emulator: Emulator, cls: type[OAuthProvider]) -> None:
    provider = made(cls, emulator.base_url)
    keep, answer = there_and_back(provider, person="ada", fault="missing_subject")
    assert refusal(provider, keep, answer).code == "provider_failed"


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": []}, {"data": {"id": {"$ne": 1}}}, {"data": {"id": ""}}, {"errors": [{}]}])
def test_a_profile_of_any_shape_is_a_refusal_not_a_crash(monkeypatch: pytest.MonkeyPatch, emulator: Emulator, body: Any) -> None:
    provider = made(Twitter, emulator.base_url)
    keep, answer = there_and_back(provider)
    monkeypatch.setattr(emulator.issuing, "profile", lambda _: body)
    assert refusal(provider, keep, answer).code == "provider_failed"


@pytest.mark.parametrize(
    "answer",
    [{}, {"access_token": "", "token_type": "bearer"}, {"access_token": 1, "token_type": "bearer"}, {"access_token": "a b", "token_type": "bearer"},
     {"access_token": "a\r\nX: y", "token_type": "bearer"}, {"access_token": "a"}, {"access_token": "a", "token_type": "mac"},
     {"access_token": "a", "token_type": "bearer", "error": "invalid_grant"}],
)  # fmt: skip
def test_an_odd_token_answer_is_refused(monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]) -> None:
    provider = made(Twitter)
    reply = type("Reply", (), {"status": 200, "object": lambda _: answer})()
    monkeypatch.setattr(provider.kit.http, "post", lambda *_, **__: reply)
    with pytest.raises(Untrusted):
        provider.exchange("code", {"verifier": "v", "redirect_uri": "u"})


@pytest.mark.parametrize("value", [None, "", " ", "x" * 256, "a\n", "a\x00", " a", True, 1.5, [], {}, "\u200b"])
def test_odd_subjects_are_nobody(value: object) -> None:
    with pytest.raises(Untrusted):
        clean_subject(value)


def test_numbers_are_good_subjects() -> None:
    assert (clean_subject(42), clean_subject("042")) == ("42", "042")


def test_an_identity_is_cleaned_before_anybody_sees_it() -> None:
    odd: Any = Identity(
        email="a@b@c",
        email_proven=True,
        given_name="A\u202eda\x00",
        family_name=7,
        name="n" * 500,
        picture="javascript:alert(1)",  # type: ignore[arg-type]
    )
    clean = clean_identity(odd)
    assert clean == Identity(given_name="Ada", name="n" * 200)
    truthy: Any = "true"
    assert not clean_identity(Identity(email="a@b.example", email_proven=truthy)).email_proven


@pytest.mark.parametrize("cls", [Facebook, Twitter, Google])
@pytest.mark.parametrize("person", PEOPLE)
def test_examples_are_read_back_as_the_same_person(cls: type[OAuthProvider], person: Any) -> None:
    provider, body = made(cls), cls.example(person)
    identity = clean_identity(provider.identity(body))
    assert clean_subject(provider.subject(body)) == person.subject(cls.name)
    assert identity.name == person.name
    assert identity.email in (person.email, "")
    assert not identity.email_proven or person.email_verified


@pytest.mark.parametrize("cls", [Facebook, Twitter, Google])
def test_icons_carry_no_script_and_no_style(cls: type[OAuthProvider]) -> None:
    assert cls.icon.startswith("<svg ")
    for word in ("<script", "style", "onload", "href", "<foreignObject"):
        assert word not in cls.icon


def test_tokens_do_not_show_in_a_trace() -> None:
    assert "secret-token" not in repr(Tokens("secret-token", {"refresh_token": "secret-token"}))
