"""Whether e-mail and password do what their README says: accepted as typed, refused with a reason, hashed anew when the parameters change."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from authenticator_password import PasswordOptions
from authenticator_password.policy import check, exact
from flask import Flask

from authenticator.errors import AuthError
from authenticator.hashing import Argon2Hasher
from authenticator.models import LoginKey
from authenticator.testing.client import Answer, Browser
from authenticator.testing.people import PASSWORD, AsUser, Outbox

GOOD = "five quiet green teapots"
OPTIONS = PasswordOptions()


def sign_up(client: Browser, password: str, email: str = "ada@example.com") -> Answer:
    fields = {"email": email, "password": password, "given_name": "Ada", "family_name": "Lovelace"}
    return client.api("POST", "sign-up/password", fields)


def sign_in(client: Browser, password: str, email: str = "ada@example.com") -> Answer:
    return client.api("POST", "sign-in/password", {"email": email, "password": password})


def refusal(password: str, *context: str) -> str:
    with pytest.raises(AuthError) as caught:
        check(exact(password), OPTIONS, context)
    assert password not in str(caught.value)
    return caught.value.errors["password"][0]


# Through the service


def test_a_person_signs_up_and_signs_in(client: Browser, outbox: Outbox) -> None:
    asked = sign_up(client, GOOD)
    assert asked.status == 202
    assert sign_in(client, GOOD).code == "invalid_credentials"  # nothing exists before the address is proved
    code = {"challenge": asked["challenge"]["id"], "code": outbox.code(to="ada@example.com")}
    assert client.api("POST", "sign-in/continue", code)["user"]["email_verified"] is True
    assert sign_in(client, GOOD, "ADA@Example.com").status == 200
    assert sign_in(client, GOOD + " ").code == "invalid_credentials"
    assert sign_in(client, GOOD, "nobody@example.com").code == "invalid_credentials"


@pytest.mark.parametrize(
    "password", [GOOD + "x" * 232, "パスワードは安全な文字列です", "  two  spaces  at  both  ends  "], ids=["long", "Japanese", "spaces"]
)
def test_a_password_counts_as_it_was_typed(as_user: AsUser, client: Browser, password: str) -> None:
    as_user(password=password)
    assert sign_in(client, password).status == 200
    assert sign_in(client, password[:-1]).code == "invalid_credentials"
    assert sign_in(client, "?" + password[1:]).code == "invalid_credentials"


def test_two_keyboards_that_write_one_letter_in_two_ways_write_one_password(as_user: AsUser, client: Browser) -> None:
    password = "fünf grüne Teekännchen"
    as_user(password=unicodedata.normalize("NFD", password))
    assert sign_in(client, unicodedata.normalize("NFC", password)).status == 200


def test_a_hash_of_other_parameters_is_made_anew_when_its_owner_comes(as_user: AsUser, client: Browser, auth_app: Flask) -> None:
    core = auth_app.extensions["authenticator"].core
    key = LoginKey("password", as_user("ada@example.com").id)
    before = core.store.find_login(key).secret
    provider = core.registry.providers["password"]
    provider.kit = replace(provider.kit, hasher=Argon2Hasher(memory=13_000, time=1))
    assert sign_in(client, "something else").status == 401
    assert core.store.find_login(key).secret == before
    assert sign_in(client, PASSWORD).status == 200
    after = core.store.find_login(key).secret
    assert "m=13000" in after
    assert sign_in(client, PASSWORD).status == 200
    assert core.store.find_login(key).secret == after


@pytest.mark.parametrize("password", ["short", "password123", "Lovelace1815", "x" * 257])
def test_a_poor_password_is_refused_beside_its_field(client: Browser, outbox: Outbox, password: str) -> None:
    answer = sign_up(client, password)
    assert (answer.status, answer.code) == (422, "validation_failed")
    assert list(answer["errors"]) == ["password"]
    assert password not in str(answer.body)
    assert len(outbox) == 0


# The policy alone


@pytest.mark.parametrize("password", [GOOD, "correct horse battery staple", "kJ8#xq2!vT", "seven lanterns"])
def test_a_good_password_needs_no_special_characters(password: str) -> None:
    check(exact(password), OPTIONS, ["ada@example.com", "Ada", "Lovelace"])


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("seven77", "at least 8"),
        ("12345678", "everybody tries first"),
        ("PASSWORD", "everybody tries first"),
        ("iloveyou", "everybody tries first"),
        ("Wintergarten!", "too close"),
        ("wintergarten2026", "too close"),
        ("abcdefgh", "too easy"),
        ("aaaaaaaaaaaa", "too easy"),
    ],
)
def test_a_poor_password_is_refused_with_the_reason(password: str, reason: str) -> None:
    said = refusal(password, "wintergarten@example.com", "Wintergarten")
    assert reason in said or "everybody tries first" in said


def test_256_characters_are_allowed_and_no_more() -> None:
    assert exact("x" * 256)
    for password in ("x" * 257, "🙂" * 257, "x" * 100_000):
        with pytest.raises(AuthError) as caught:
            exact(password)
        assert caught.value.errors["password"] == ("Use at most 256 characters.",)


def test_an_operator_may_ask_for_more() -> None:
    with pytest.raises(AuthError):
        check(GOOD, PasswordOptions(min_length=30), [])
