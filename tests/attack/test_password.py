"""PW: attacks on passwords, their rules, their hashes and the secrets of the service itself."""

from __future__ import annotations

import re
import threading
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from authenticator.app import create_app
from authenticator.errors import ConfigurationError
from authenticator.models import LoginKey

if TYPE_CHECKING:
    from tests.attack.conftest import Builder, House

LONG = " Over the Hills and far away, seven quiet herons watched the slow grey river turn towards the open sea."


def test_pw_01_a_password_is_never_altered_before_the_check(house: House) -> None:
    """ASVS 5.0 6.2.8."""
    person = house.sign_up(password=LONG)
    altered = {LONG[:64], LONG[:72], LONG.encode()[:72].decode(), LONG.lower(), LONG.swapcase(), LONG.strip(), LONG + " ", LONG[:-1]}
    for other in altered - {LONG}:
        house.service.core.store.forgive([f"account:password:user:{person.id}"])
        assert house.try_password(person.email, other).status_code == 401, other
    assert house.try_password(person.email, LONG).status_code == 200


GOOD = {
    "64 characters": "wandering otters collect bright pebbles beneath the cold moonli",
    "128 characters": "the lighthouse keeper counts every ship twice before supper, " * 3,
    "spaces": "  maple kettle orbit ribbon  ",
    "emoji": "🦦🪨🌊 otter pebble wave 🌙",
    "no digit, no capital": "quiet lanterns drift ashore",
    "another script": "静かな灯籠が夜の岸へ流れていく",
}
COMMON = [
    "password",
    "password1",
    "123456789",
    "12345678",
    "qwertyuiop",
    "iloveyou",
    "princess",
    "sunshine",
    "football",
    "baseball",
    "superman",
    "batman123",
    "trustno1",
    "letmein123",
    "welcome1",
    "dragon123",
    "monkey123",
    "master123",
    "starwars",
    "whatever",
]


@pytest.mark.parametrize("kind", GOOD)
def test_pw_02_a_good_password_of_any_kind_is_accepted(house: House, kind: str) -> None:
    assert house.begin_sign_up(f"good{len(kind)}{kind[:2]}@example.com", GOOD[kind][:256]).status_code == 202


@pytest.mark.parametrize("password", ["short7!", "a", *COMMON])
def test_pw_02_a_short_or_common_password_is_refused_with_a_reason(house: House, password: str) -> None:
    answer = house.begin_sign_up("weak@example.com", password)
    assert answer.status_code == 422
    assert answer.json["errors"]["password"][0]


@pytest.mark.parametrize(
    "password",
    [
        "Authenticator",
        "authenticator1",
        "Rosalind.Franklin@example.com",
        "rosalind.franklin",
        "FranklinRosalind",
        "Rosalind1952",
        "Franklin!!",
    ],
)
def test_pw_02_a_password_made_of_names_around_it_is_refused(house: House, password: str) -> None:
    answer = house.begin_sign_up("rosalind.franklin@example.com", password, given_name="Rosalind", family_name="Franklin")
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["password"])


def test_pw_03_a_password_typed_on_another_keyboard_still_fits(house: House) -> None:
    """NFC and NFD are the same characters to the person who types them (NIST SP 800-63B-4 §3.1.1.2)."""
    composed = unicodedata.normalize("NFC", "crème brûlée après la forêt")
    person = house.sign_up(password=unicodedata.normalize("NFD", composed))
    assert house.try_password(person.email, composed).status_code == 200
    assert house.try_password(person.email, unicodedata.normalize("NFD", composed)).status_code == 200


def test_pw_03_each_character_counts_once(house: House) -> None:
    seven, many = "ж" * 3 + "щьюя", "ж щьюя эхо " * 20
    assert house.begin_sign_up("cyrillic@example.com", seven).status_code == 422
    assert house.begin_sign_up("cyrillic@example.com", many[:220]).status_code == 202


class CountingHasher:
    """Says how often somebody wanted to hash."""

    def __init__(self) -> None:
        self.asked = 0

    def hash(self, password: str) -> str:
        self.asked += 1
        return "$argon2id$none"

    def verify(self, hashed: str | None, password: str) -> bool:
        self.asked += 1
        return False

    def outdated(self, hashed: str) -> bool:
        return False


@pytest.mark.parametrize(
    ("password", "status"),
    [
        ("x" * 257, 422),
        ("ж" * 600, 422),
        ("🦦" * 257, 422),
        ("x" * 1025, 422),
        ("e\u0301" * 5000, 422),
        ("x" * 102_400, 413),
        ("x" * 1_048_576, 413),
    ],
    ids=["257 characters", "1200 bytes", "257 emoji", "1025 bytes", "combining marks", "100 KiB", "1 MiB"],
)
@pytest.mark.parametrize("door", ["sign-in", "sign-up"])
def test_pw_04_a_very_long_password_is_refused_before_it_is_hashed(
    house: House, door: str, password: str, status: int, monkeypatch: Any
) -> None:
    hasher, provider = CountingHasher(), house.service.core.registry.providers["password"]
    monkeypatch.setattr(provider, "kit", _with_hasher(provider.kit, hasher))
    answer = house.begin_sign_up("long@example.com", password) if door == "sign-up" else house.try_password("long@example.com", password)
    assert answer.status_code == status
    assert hasher.asked == 0
    page = house.visitor()
    fields = {"email": "long@example.com", "password": password, "given_name": "A", "family_name": "B"}
    if door == "sign-in":
        fields = {"email": "long@example.com", "password": password}
    assert page.send_form(f"/{door}/password", fields, page=f"/{door}").status_code == status
    assert hasher.asked == 0


@pytest.mark.parametrize("size", [257, 1025, 70_000, 1_048_576], ids=["257", "1025", "70 KB", "1 MiB"])
@pytest.mark.parametrize("door", ["change", "change, the current one", "reset by link", "reset by code"])
def test_pw_04_a_very_long_password_is_refused_before_it_is_hashed_where_it_is_changed(
    house: House, door: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, long = house.sign_up(), "x" * size
    assert house.post("/password/forgot", {"email": person.email}).status_code == 202
    mail = house.mail_to(person.email)[-1]
    hasher, provider = CountingHasher(), house.service.core.registry.providers["password"]
    monkeypatch.setattr(provider, "kit", _with_hasher(provider.kit, hasher))
    path, body = {
        "change": ("/me/password", {"current_password": person.password, "new_password": long}),
        "change, the current one": ("/me/password", {"current_password": long, "new_password": "seven quiet herons"}),
        "reset by link": ("/password/reset", {"token": mail.link.partition("token=")[2], "new_password": long}),
        "reset by code": ("/password/reset", {"email": person.email, "code": mail.code, "new_password": long}),
    }[door]
    answer = house.post(path, body, headers=person.bearer)
    assert answer.status_code == (422 if size < 65_536 else 413)
    assert hasher.asked == (1 if door == "change, the current one" and size < 65_536 else 0)  # of the new one, which is not too long


def _with_hasher(kit: Any, hasher: Any) -> Any:
    from dataclasses import replace

    return replace(kit, hasher=hasher)


def test_pw_05_a_flood_of_sign_ins_is_turned_away_and_the_rest_goes_on(build: Builder, at_once: Any, monkeypatch: Any) -> None:
    house = build(hash_patience_seconds=0.05, hash_slots=1)
    hasher = house.service.core.registry.providers["password"].kit.hasher
    release, held = threading.Event(), threading.Semaphore(0)
    running: list[int] = []
    most: list[int] = []

    def slow(hashed: str, password: str) -> bool:
        running.append(1)
        most.append(len(running))
        held.release()
        release.wait(20)
        running.pop()
        return False

    monkeypatch.setattr(hasher, "_matches", slow)
    flood = [lambda number=number: house.try_password(f"flood{number}@example.com", "no such password") for number in range(30)]
    answers = at_once(flood)
    assert held.acquire(timeout=1)
    healthy = house.visitor().get("/healthz").status_code
    release.set()
    assert {answer.status_code for answer in answers} == {503}
    assert all(int(answer.headers["Retry-After"]) >= 1 and answer.json["code"] == "busy" for answer in answers)
    assert healthy == 200
    assert max(most) == 1, "more hashes at once than slots"
    monkeypatch.undo()
    monkeypatch.setattr(hasher, "_patience", 30)
    assert house.try_password("flood1@example.com", "no such password").status_code == 401


def test_pw_05_what_was_turned_away_is_not_hashed_later(build: Builder) -> None:
    """The queue of a flood must not keep the processor busy after everybody has left."""
    house = build(hash_patience_seconds=0.05, hash_slots=1)
    hasher = house.service.core.registry.providers["password"].kit.hasher
    gate, done = threading.Event(), []
    hasher._start(lambda: gate.wait(20))
    for number in range(5):
        assert house.try_password(f"late{number}@example.com", "no such password").status_code == 503
    queued = hasher._pool._work_queue.qsize()
    gate.set()
    hasher._start(lambda: done.append(1)).result(5)
    assert done
    assert hasher._pool._work_queue.qsize() == 0
    assert queued <= 5


@pytest.mark.parametrize("current", ["missing", "empty", "wrong"])
@pytest.mark.parametrize("door", ["json", "html"])
def test_pw_06_a_stolen_session_alone_changes_no_password(house: House, door: str, current: str) -> None:
    """ASVS 5.0 6.2.3."""
    person = house.sign_up()
    body = {"new_password": "nine herons on a quiet river"} | {
        "empty": {"current_password": ""},
        "wrong": {"current_password": "x y z"},
    }.get(current, {})
    if door == "json":
        answer = house.post("/me/password", body, headers=person.bearer)
    else:
        answer = house.browser_of(person).send_form("/account/password", body, page="/account/password")
    assert answer.status_code == 401
    assert house.try_password(person.email, person.password).status_code == 200
    assert house.get("/me", person.access).status_code == 200


def test_pw_06_a_changed_password_ends_every_other_sign_in_and_is_told(house: House) -> None:
    """ASVS 5.0 6.3.7, 7.4.3."""
    person = house.sign_up()
    here, stolen, other = house.browser_of(person), house.browser_of(person), house.sign_in(person)
    before = len(house.mail_to(person.email))
    body = {"current_password": person.password, "new_password": "nine herons on a quiet river"}
    assert here.send_form("/account/password", body, page="/account/password").status_code == 303
    assert here.get("/account").status_code == 200
    assert stolen.get("/account").status_code == 303
    assert house.get("/me", other.access).status_code == 401
    assert house.refresh(other.refresh).status_code == 401
    assert any("password was changed" in mail.subject for mail in house.mail_to(person.email)[before:])


def test_pw_06_the_cookie_from_before_the_change_is_dead(house: House) -> None:
    person = house.sign_up()
    browser = house.browser_of(person)
    thief = house.visitor()
    thief.set_cookie("auth_session", browser.get_cookie("auth_session").value)
    assert thief.get("/account").status_code == 200
    body = {"current_password": person.password, "new_password": "nine herons on a quiet river"}
    assert browser.send_form("/account/password", body, page="/account/password").status_code == 303
    assert thief.get("/account").status_code == 303


def test_pw_06_the_way_to_the_change_is_closed_to_other_sites(house: House) -> None:
    person = house.sign_up()
    browser = house.browser_of(person)
    body = {"current_password": person.password, "new_password": "nine herons on a quiet river"}
    assert browser.post("/account/password", data=body).status_code == 403
    assert browser.post("/api/v1/me/password", json=body).status_code == 401
    assert house.try_password(person.email, person.password).status_code == 200


def test_pw_07_passwords_are_kept_as_strong_hashes_and_nothing_else(build: Builder) -> None:
    """OWASP Password Storage; the parameters are the service's own defaults here."""
    house = build(hash_memory_kib=19_456, hash_passes=2)
    canary = "canary lantern 8f3k zebra quartz"
    person = house.sign_up(password=canary)
    begun = house.begin_sign_up("waiting@example.com", canary)  # a conversation that waits, with the password's hash in it
    assert begun.status_code == 202
    secret = _secret(house, person.email)
    found = re.fullmatch(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)", secret)
    assert found, secret
    assert int(found[1]) >= 19_456
    assert int(found[2]) >= 2
    assert len(found[4]) * 3 // 4 >= 16
    assert len(found[5]) * 3 // 4 >= 32
    dump = house.dump()
    for text in (canary, secret, "$argon2id$", person.email, "waiting@example.com", "Byron", person.refresh, person.access):
        assert text.encode() not in dump, text
    assert secret != _secret(house, house.sign_up(password=canary).email), "two people with one password share a hash"


def test_pw_07_an_old_hash_is_made_anew_at_the_next_sign_in(build: Builder) -> None:
    old = build(hash_passes=1)
    person = old.sign_up()
    before = _secret(old, person.email)
    new = build(url=old.url, hash_passes=3)
    assert new.try_password(person.email, "another password").status_code == 401
    assert _secret(new, person.email) == before
    assert new.try_password(person.email, person.password).status_code == 200
    assert ",t=3," in _secret(new, person.email)
    assert new.try_password(person.email, person.password).status_code == 200


def _secret(house: House, email: str) -> str:
    login = house.service.core.store.find_login(LoginKey("password", house.service.find_user(email).id))
    assert login
    assert login.secret
    return login.secret


@pytest.mark.parametrize("secret", ["", "secret", "changeme", "0" * 64, "password" * 5, "ab" * 40, "dev"])
def test_pw_08_production_does_not_start_with_no_or_a_poor_secret(tmp_path: Path, secret: str) -> None:
    settings = {"AUTHENTICATOR_ENVIRONMENT": "production", "AUTHENTICATOR_DATA_DIR": str(tmp_path), "AUTHENTICATOR_SECRET_KEY": secret}
    settings |= {"AUTHENTICATOR_PLUGINS": ["password"], "AUTHENTICATOR_PUBLIC_URL": "https://auth.example"}
    with pytest.raises(ConfigurationError, match="openssl rand"):
        create_app(settings, env_file=None)
    assert not list(tmp_path.rglob("secret_key")), "production made itself a secret"


def test_pw_08_each_development_server_makes_its_own_secret_for_its_owner_only(tmp_path: Path) -> None:
    texts = []
    for name in ("one", "two"):
        folder = tmp_path / name
        app = create_app(
            {"AUTHENTICATOR_ENVIRONMENT": "development", "AUTHENTICATOR_DATA_DIR": str(folder), "AUTHENTICATOR_PLUGINS": ["password"]},
            env_file=None,
        )
        app.extensions["authenticator"].core.store.close()
        file = folder / "secrets" / "secret_key"
        assert file.stat().st_mode & 0o077 == 0
        texts.append(file.read_text())
    assert texts[0] != texts[1]
    assert all(len(text) >= 43 for text in texts)


@pytest.mark.parametrize(
    "name", ["admin", "root", "administrator", "admin@example.com", "admin@localhost", "test@example.com", "user@example.com"]
)
def test_pw_08_there_is_no_account_that_nobody_made(house: House, name: str) -> None:
    for password in ("admin", "password", "changeme", "authenticator", name, ""):
        house.service.core.store.forgive([f"account:password:{name}"])
        assert house.try_password(name, password).status_code in (401, 422)


def test_pw_08_a_new_house_is_empty(build: Builder) -> None:
    assert build().rows().get("users", 0) == 0
