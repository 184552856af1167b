"""Whether e-mail and password do what their README says: accepted as typed, refused with a reason, hashed anew when the parameters change."""

from __future__ import annotations

import base64
import hashlib
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from authenticator_password import PasswordOptions
from authenticator_password.policy import check, exact
from flask import Flask

from authenticator.errors import AuthError
from authenticator.hashing import Argon2Hasher
from authenticator.models import LoginKey, NewKey
from authenticator.testing.client import Answer, Browser
from authenticator.testing.people import PASSWORD, AsUser, Outbox
from authenticator.web_client import WebClient

GOOD = "five quiet green teapots"
PADDED = "nine herons on a quiet river"
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


def test_any_name_of_a_person_signs_her_in(as_user: AsUser, client: Browser, auth_app: Flask) -> None:
    core = auth_app.extensions["authenticator"].core
    ada, now = as_user(), core.clock.now()
    for key in (LoginKey("phone", "+447400123456"), LoginKey("username", "countess"), LoginKey("email", "ada@example.org")):
        core.store.add_login_key(ada.id, NewKey(key, way_in=False), now)
    for name in ("ADA@example.com", "+44 7400 123456", "Countess", " countess ", "ada@example.org"):
        assert sign_in(client, PASSWORD, name).status == 200, name
        assert sign_in(client, "not hers at all", name).code == "invalid_credentials", name
    for name in ("+44 7400 999999", "somebody", "7"):
        assert sign_in(client, PASSWORD, name).status in (401, 422), name


def test_failures_under_each_of_her_names_are_counted_together(as_user: AsUser, client: Browser, auth_app: Flask) -> None:
    core, ada = auth_app.extensions["authenticator"].core, as_user()
    core.store.add_login_key(ada.id, NewKey(LoginKey("username", "countess"), way_in=False), core.clock.now())
    tried = [sign_in(client, "not hers at all", name).status for name in ("countess", "ada@example.com") * 3]
    assert tried == [401] * 6
    assert sign_in(client, PASSWORD, "countess").code == "rate_limited"
    assert sign_in(client, PASSWORD).code == "rate_limited"


def test_an_imported_hash_is_made_anew_at_the_first_sign_in(as_user: AsUser, client: Browser, auth_app: Flask) -> None:
    core = auth_app.extensions["authenticator"].core
    key = LoginKey("password", as_user().id)
    held = core.store.find_login(key)
    foreign = hashlib.pbkdf2_hmac("sha256", b"open sesame", b"seasalt", 1000)
    assert core.store.swap_secret(held.key.id, held.secret, f"pbkdf2_sha256$1000$seasalt${base64.b64encode(foreign).decode()}")
    assert sign_in(client, "something else").status == 401
    assert sign_in(client, "open sesame").status == 200  # below today's rules, and hers all the same
    assert core.store.find_login(key).secret.startswith("$argon2id$")
    assert sign_in(client, "open sesame").status == 200


# The list of breached passwords


class Range(BaseHTTPRequestHandler):
    """Answers like the range API: GOOD was seen, PADDED stands in the padding, with a count of 0."""

    asked: ClassVar[list[tuple[str, str | None]]] = []
    status = 200

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Add-Padding"]))
        lines = [f"{sha1(GOOD)[5:]}:12", f"{sha1(PADDED)[5:].lower()}:0", "0" * 35 + ":3", "nonsense", ""]
        body = "\r\n".join(lines).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def sha1(password: str) -> str:
    return hashlib.sha1(password.encode()).hexdigest().upper()


@pytest.fixture
def range_api(auth_app: Flask) -> Iterator[type[Range]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Range)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"
    provider = auth_app.extensions["authenticator"].core.registry.providers["password"]
    provider.options = PasswordOptions.model_construct(**{**provider.options.model_dump(), "breached_url": f"{base}/range/"})
    provider.kit = replace(provider.kit, http=WebClient((base,)))
    Range.asked, Range.status = [], 200
    yield Range
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_breached_password_is_refused_and_the_list_learns_five_digits(client: Browser, outbox: Outbox, range_api: type[Range]) -> None:
    answer = sign_up(client, GOOD)
    assert answer.status == 422
    assert "stolen elsewhere" in answer["errors"]["password"][0]
    assert len(outbox) == 0
    assert range_api.asked == [(f"/range/{sha1(GOOD)[:5]}", "true")]
    assert sign_up(client, "four herons on a quiet river").status == 202


def test_padding_counts_for_nothing(client: Browser, range_api: type[Range]) -> None:
    assert sign_up(client, PADDED).status == 202
    assert len(range_api.asked) == 1


@pytest.mark.parametrize("trouble", ["status", "down"])
def test_while_the_list_is_away_passwords_pass_and_the_log_says_so(
    client: Browser, range_api: type[Range], auth_app: Flask, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    if trouble == "status":
        range_api.status = 503
    else:
        provider = auth_app.extensions["authenticator"].core.registry.providers["password"]
        provider.options = PasswordOptions.model_construct(
            **{**provider.options.model_dump(), "breached_url": "https://127.0.0.1:1/range/"}
        )
    assert sign_up(client, GOOD).status == 202
    assert "list of breached passwords" in caplog.text
    assert GOOD not in caplog.text
    assert sha1(GOOD)[:5] not in caplog.text


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
