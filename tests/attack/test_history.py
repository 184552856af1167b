"""DT-03, DT-04, DT-05: what is written down of each act and by whom it may be read, what no log says, and keys that change."""

from __future__ import annotations

import base64
import io
import itertools
import json
import logging
import re
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

import pyotp
import pytest

from authenticator.applications import OWN, Assignment
from authenticator.errors import ConfigurationError
from authenticator.flows import leaving
from authenticator.flows.ownership import message_limits
from authenticator.models import Client
from tests.attack.test_session import is_signed_in, value_of, with_cookie

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from authenticator.events import Event
    from tests.attack.conftest import Builder, House, Person

PLUGINS = ["password", "email", "phone", "totp"]
NEW = "nine herons on a quiet river"
HERE, THERE = "198.51.100.20", "198.51.100.99"  # where she sits, and where the administrator does
WROTE = "a second's pause before the last line"
numbers = itertools.count(300_000)


@pytest.fixture(scope="module")
def house(build: Builder) -> House:
    return build(plugins=PLUGINS)


class Life:
    """A person and an administrator, who do one thing after the other; `did` is what the history gained by each."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.person, self.chief = house.sign_up(), house.sign_up()
        for permission in ("users:read", "users:write"):
            house.service.assign("operator", house.service.find_user(self.chief.id), Assignment(OWN, permission=permission))
        self.browser = house.visitor(HERE)
        self.secrets: list[str] = [self.person.password, self.person.access, self.person.refresh, self.person.email, NEW]
        self._seen = {event.id for event in self.all()}

    def all(self) -> list[Event]:
        store, after, found = self.house.service.core.store, None, []
        while True:
            page = store.events(after=after, limit=200)
            found += page.items
            after = page.next
            if not after:
                return found

    def gained(self) -> list[Event]:
        """The events since the last time this was asked, oldest first."""
        self.house.service.core.errands.flush()
        new = [event for event in self.all() if event.id not in self._seen]
        self._seen |= {event.id for event in new}
        return sorted(new, key=lambda event: int(event.id))

    def call(self, method: str, path: str, body: Any = None, *, who: Person | None = None, expect: int = 200, **more: Any) -> Any:
        who = who or self.person
        address = HERE
        if who is self.chief:
            address, new = THERE, self.house.refresh(who.refresh).json
            who = self.chief = replace(who, access=new["access_token"], refresh=new["refresh_token"])
        content = more or ({} if body is None else {"json": body})
        answer = self.house.visitor(address).open(f"/api/v1{path}", method=method, headers=who.bearer, **content)
        assert answer.status_code == expect, (path, answer.text)
        return answer.json if answer.data else None

    def rule(self, method: str, path: str, body: Any = None, *, expect: int = 200) -> Any:
        """What the administrator does to her account."""
        return self.call(method, f"/users/{self.person.id}{path}", body, who=self.chief, expect=expect)

    def open(self, path: str, body: Any, expect: int = 200) -> Any:
        """A call of somebody who is not signed in."""
        answer = self.house.post(path, body, address=HERE)
        assert answer.status_code == expect, (path, answer.text)
        return answer.json if answer.data else None

    def send(self, path: str, fields: dict[str, str], page: str, expect: int = 303) -> TestResponse:
        answer = self.browser.send_form(path, fields, page=page)
        assert answer.status_code == expect, (path, answer.text)
        return answer

    def code(self, target: str) -> str:
        self.house.service.core.messages.flush()
        code = next(one.code for one in reversed(self.house.sink.sent) if one.to == target and one.code)
        self.secrets.append(code)
        return code

    def link(self, path: str) -> str:
        """The token in the newest letter that links there; how many were sent is not what is tested here."""
        pattern = rf"/{path}\?token=([^&\s]+)"
        mails = reversed(self.house.mail_to(self.person.email))
        token = next(match[1] for one in mails if (match := re.search(pattern, one.link or one.text)))
        self.secrets.append(token)
        return token

    def forgive(self, *targets: str) -> None:
        """Let messages go there again: how many may is not what is tested here."""
        targets = (*targets, self.person.email)
        keys = {limit.key for to in targets for limit in message_limits(self.house.service.core, to, Client(address=HERE))}
        self.house.service.core.store.forgive(sorted(keys))

    def enter(self, password: str = "") -> None:
        """Sign in again by program."""
        fields = {"email": self.person.email, "password": password or self.person.password}
        done = self.open("/sign-in/password", fields)
        tokens = {"session": done["session_id"], "access": done["access_token"], "refresh": done["refresh_token"]}
        self.person = replace(self.person, password=fields["password"], **tokens)
        self.secrets += [self.person.access, self.person.refresh]


def picture() -> bytes:
    from PIL import Image

    target = io.BytesIO()
    Image.new("RGB", (32, 32), "teal").save(target, "PNG")
    return target.getvalue()


Act = tuple[str, Callable[[], Any], dict[str, int], str]


def story(life: Life) -> list[Act]:
    """What is done, which events it must leave, and who did it: `she`, `chief`, or `nobody` for who is not signed in."""
    kept: dict[str, Any] = {}
    number, other = f"+447400{next(numbers)}", f"{secrets.token_hex(6)}@example.org"
    life.secrets += [number, other]
    wrong = {"email": life.person.email, "password": "not the password of anybody"}

    def added(kind: str, field: str, target: str) -> None:
        life.forgive(target)
        kept[kind] = life.call("POST", f"/me/{kind}", {field: target}, expect=201)["id"]

    def proved(kind: str, target: str) -> None:
        life.call("POST", f"/me/{kind}/{kept[kind]}/verify", {"code": life.code(target)})

    def app_code() -> str:
        life.house.clock.advance(seconds=30)
        return str(pyotp.TOTP(kept["seed"]).at(life.house.clock.now()))

    def set_up() -> None:
        begun = life.call("POST", "/me/factors/totp")["challenge"]
        kept["seed"] = begun["options"]["secret"]
        done = life.call("POST", "/sign-in/continue", {"challenge": begun["id"], "code": app_code()})
        kept["codes"] = done["recovery_codes"]
        life.secrets += [kept["seed"], *kept["codes"]]

    def on_page(**second: str) -> None:
        life.send("/sign-in/password", {"email": life.person.email, "password": life.person.password}, "/sign-in")
        if second:
            life.send("/sign-in/verify", second, "/sign-in/verify")

    def by_recovery() -> None:
        life.send("/sign-in/password", {"email": life.person.email, "password": life.person.password}, "/sign-in")
        life.send("/sign-in/verify", {"use": "recovery"}, "/sign-in/verify")
        life.send("/sign-in/verify", {"code": kept["codes"][0]}, "/sign-in/verify")

    def wrong_step() -> None:
        life.send("/sign-in/password", {"email": life.person.email, "password": life.person.password}, "/sign-in")
        life.send("/sign-in/verify", {"code": f"{(int(app_code()) + 1) % 10**6:06d}"}, "/sign-in/verify", 401)

    def confirmed() -> None:
        life.send("/account/confirm/password", {}, "/account")
        life.send("/sign-in/verify", {"password": life.person.password}, "/sign-in/verify")

    def forgotten() -> None:
        life.forgive()
        life.open("/password/forgot", {"email": life.person.email}, 202)

    def reset() -> None:
        life.open("/password/reset", {"token": life.link("reset-password"), "new_password": NEW}, 204)

    def reused() -> None:
        first = life.person.refresh
        second = life.open("/token/refresh", {"refresh_token": first})["refresh_token"]
        life.open("/token/refresh", {"refresh_token": second})
        life.open("/token/refresh", {"refresh_token": first}, 401)

    def coded() -> None:
        life.forgive()
        begun = life.open("/sign-in/email", {"email": life.person.email})["challenge"]["id"]
        life.open("/sign-in/continue", {"challenge": begun, "code": life.code(life.person.email)})

    def uploaded() -> None:
        kept["avatar"] = life.call("POST", "/me/avatars", expect=201, data=picture(), content_type="image/png")["id"]

    def kept_after_all() -> None:
        life.send("/keep-account", {"token": life.link("keep-account")}, f"/keep-account?token={life.link('keep-account')}")

    def cancelled() -> None:
        token = life.link("cancel-change")
        life.send("/cancel-change", {"token": token}, f"/cancel-change?token={token}")

    def made() -> None:
        kept["made"] = life.call("POST", "/users", {"email": f"made-{other}", "invite": False}, who=life.chief, expect=201)["id"]

    def refused() -> None:
        fields = {"email": life.person.email, "password": life.person.password}
        life.open("/sign-in/password", fields, 401)

    one = {"signed_in": 1}
    return [
        ("a wrong password", lambda: life.open("/sign-in/password", wrong, 401), {"sign_in_failed": 1}, "nobody"),
        ("a wrong name", lambda: life.open("/sign-in/password", {**wrong, "email": f"x{other}"}, 401), {"sign_in_failed": 1}, "nobody"),
        ("sign-in by program", life.enter, {"signed_in": 1, "new_device": 1}, "she"),
        ("sign-in on the page", on_page, {"signed_in": 1, "new_device": 1}, "she"),
        ("confirming", confirmed, {"confirmed": 1}, "she"),
        ("a name", lambda: life.call("PATCH", "/me", {"name": {"given": "Augusta"}}), {"profile_changed": 1}, "she"),
        ("a user name", lambda: life.call("PATCH", "/me", {"username": f"ada{life.person.id[-7:]}"}), {"username_changed": 1}, "she"),
        ("a picture", uploaded, {"avatar_added": 1}, "she"),
        ("no picture", lambda: life.call("DELETE", f"/me/avatars/{kept['avatar']}", expect=204), {"avatar_removed": 1}, "she"),
        ("an address", lambda: added("emails", "email", other), {"contact_added": 1}, "she"),
        ("its proof", lambda: proved("emails", other), {"contact_proved": 1}, "she"),
        ("the main one", lambda: life.call("PATCH", f"/me/emails/{kept['emails']}", {"primary": True}), {"contact_made_primary": 1}, "she"),
        ("no address", lambda: life.call("DELETE", f"/me/emails/{kept['emails']}", expect=204), {"contact_removed": 1}, "she"),
        ("a number", lambda: added("phones", "phone_number", number), {"contact_added": 1}, "she"),
        ("its code", lambda: proved("phones", number), {"contact_proved": 1}, "she"),
        ("a number less", lambda: life.call("DELETE", f"/me/phones/{kept['phones']}", expect=204), {"contact_removed": 1}, "she"),
        ("an address too many", lambda: added("emails", "email", f"thief-{other}"), {"contact_added": 1}, "she"),
        ("taken back", cancelled, {"contact_removed": 1, "sessions_ended": 1}, "nobody"),
        ("a mailed code", coded, one, "she"),
        ("in again", life.enter, one, "she"),
        ("a new password", lambda: life.call("POST", "/me/password", {"current_password": life.person.password, "new_password": WROTE}, expect=204), {"password_changed": 1, "sessions_ended": 1}, "she"),
        ("in with it", lambda: life.enter(WROTE), one, "she"),
        ("a second step", set_up, {"factor_added": 1}, "she"),
        ("both steps", lambda: on_page(code=app_code(), trust="1"), {"signed_in": 1, "device_trusted": 1}, "she"),
        ("no trust", lambda: life.call("DELETE", "/me/devices"), {"devices_forgotten": 1}, "she"),
        ("out", lambda: life.send("/sign-out", {}, "/account"), {"signed_out": 1}, "she"),
        ("a wrong step", wrong_step, {"sign_in_failed": 1, "second_step_failed": 1}, "nobody"),
        ("a recovery code", by_recovery, {"signed_in": 1, "recovery_code_used": 1}, "she"),
        ("new codes", lambda: life.call("POST", "/me/factors/recovery", expect=201), {"recovery_codes_made": 1}, "she"),
        ("one step", lambda: life.call("DELETE", "/me/factors/totp", expect=204), {"factor_removed": 1}, "she"),
        ("an export", lambda: life.call("GET", "/me/export"), {"export_made": 1}, "she"),
        ("forgotten", forgotten, {"password_reset_asked": 1}, "nobody"),
        ("chosen anew", reset, {"password_reset": 1, "sessions_ended": 1}, "nobody"),
        ("back", lambda: life.enter(NEW), one, "she"),
        ("a thief", reused, {"refresh_reused": 1}, "nobody"),
        ("back again", life.enter, one, "she"),
        ("ended by itself", lambda: life.call("DELETE", f"/me/sessions/{life.person.session}", expect=204), {"session_ended": 1}, "she"),
        ("once more", life.enter, one, "she"),
        ("ended by the chief", lambda: life.rule("DELETE", f"/sessions/{life.person.session}", expect=204), {"session_ended": 1}, "chief"),
        ("still", life.enter, one, "she"),
        ("all ended by the chief", lambda: life.rule("DELETE", "/sessions"), {"sessions_ended": 1}, "chief"),
        ("suspended", lambda: life.rule("POST", "/status", {"status": "suspended", "reason": "Sent spam."}), {"status_changed": 1}, "chief"),
        ("refused", refused, {"sign_in_failed": 1}, "nobody"),
        ("let in", lambda: life.rule("POST", "/status", {"status": "active", "reason": "Sent none."}), {"status_changed": 1}, "chief"),
        ("somebody made", made, {"user_created": 1}, "chief"),
        ("invited", lambda: life.call("POST", f"/users/{kept['made']}/invite", who=life.chief, expect=202), {"user_invited": 1}, "chief"),
        ("reset required", lambda: (life.forgive(), life.rule("POST", "/require-reset", expect=202)), {"reset_required": 1}, "chief"),
        ("reset done", reset, {"password_reset": 1}, "nobody"),
        ("there", life.enter, one, "she"),
        ("deleted", lambda: life.call("DELETE", "/me", expect=202), {"deletion_asked": 1, "status_changed": 1}, "she"),
        ("kept", kept_after_all, {"deletion_undone": 1, "status_changed": 1}, "nobody"),
        ("home", life.enter, one, "she"),
        ("by program out", lambda: life.call("POST", "/sign-out", expect=204), {"signed_out": 1}, "she"),
    ]  # fmt: skip


Lived = tuple[Life, dict[str, tuple[list["Event"], Act]]]


def live(house: House) -> Lived:
    """A whole life: each act with the events that it left."""
    life = Life(house)
    return life, {act[0]: (act[1](), life.gained(), act)[1:] for act in story(life)}


@pytest.fixture(scope="module")
def lived(house: House) -> Lived:
    return live(house)


def test_dt_05_each_act_is_written_down_once_with_who_when_where_and_what(lived: Lived) -> None:
    """ASVS 5.0 16.2.1, 16.3.1 to 16.3.4."""
    life, left = lived
    assert len(left) > 45
    for name, (events, (_, _, wanted, who)) in left.items():
        assert Counter(event.kind for event in events) == wanted, name
        for event in events:
            assert event.at.tzinfo is UTC, name
            assert abs((event.at - life.house.clock.now()).total_seconds()) < 3600, name
            assert event.client.address == (THERE if who == "chief" else HERE), (name, event)
            assert event.detail.get("by", life.person.id) == (life.chief.id if who == "chief" else life.person.id), (name, event)
            if name not in ("a wrong name", "somebody made", "invited"):
                assert event.user_id == life.person.id, (name, event)
            written = json.dumps(dict(event.detail))
            assert not [secret for secret in life.secrets if secret in written], (name, event)


def test_dt_04_no_log_and_no_output_says_any_of_it(
    house: House, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Passwords, codes, links, tokens, seeds, cookies, addresses and numbers of a whole life (ASVS 5.0 16.2.5)."""
    caplog.set_level(logging.DEBUG)
    life, _ = live(house)
    cookie = value_of(house, house.browser_of(house.sign_up()))
    said = "\n".join([*(f"{record.getMessage()} {record.args} {record.exc_text}" for record in caplog.records), *capfd.readouterr()])
    words = [secret for secret in (*life.secrets, cookie) if not re.fullmatch(r"\d{6}", secret)]
    assert len(words) > 40
    assert [word for word in words if word in said] == []
    codes = set(life.secrets) - set(words)
    assert len(codes) >= 3
    assert [code for code in codes if re.search(rf"(?<![\d.]){code}(?!\d)", said)] == []


def test_dt_05_a_person_reads_what_happened_but_not_where_an_administrator_sat(lived: Lived) -> None:
    """GDPR Art. 15 (4): her own history is no file on those who look after her account."""
    life, _ = lived
    life.enter()
    shown = life.call("GET", "/me/events?limit=200")
    assert {"session_ended", "sessions_ended", "status_changed", "reset_required"} <= {
        one["kind"] for one in shown if "by" in one["detail"]
    }
    life.send("/sign-in/password", {"email": life.person.email, "password": life.person.password}, "/sign-in")
    for text in (json.dumps(shown), json.dumps(life.call("GET", "/me/export")), life.browser.get("/account/history").text):
        assert HERE in text
        assert THERE not in text
        assert life.chief.id not in text
    told = life.rule("GET", "/events?limit=200")
    assert {one["address"] for one in told if one["detail"].get("by") == life.chief.id} == {THERE}, "who audits must see it"


def test_dt_05_no_route_writes_or_erases_what_is_written(house: House) -> None:
    person = house.sign_up()
    for permission in ("users:read", "users:write"):
        house.service.assign("operator", house.service.find_user(person.id), Assignment(OWN, permission=permission))
    before = house.service.core.store.events_of(person.id).items
    for path in ("/me/events", "/events", f"/users/{person.id}/events", f"/me/events/{before[0].id}", f"/events/{before[0].id}"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = house.visitor().open(f"/api/v1{path}", method=method, json={"kind": "signed_in"}, headers=person.bearer)
            assert answer.status_code in (404, 405), (method, path)
    browser = house.browser_of(person)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = browser.open("/account/history", method=method, data={"csrf_token": browser.csrf("/account")})
        assert answer.status_code in (403, 405)
    assert {event.id for event in before} <= {event.id for event in house.service.core.store.events_of(person.id).items}
    verbs = {name for name in dir(house.service.core.store) if "event" in name and not name.startswith("_")}
    assert verbs == {"append_event", "events", "events_of"}, "a store that can change events is a route away from doing so"


# DT-03: keys


def key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def has_everything(house: House, life: dict[str, Any]) -> None:
    """All that was kept under an older key still opens."""
    person: Person = life["person"]
    assert house.get("/me", person.access).json["name"]["given"] == "Ada"
    assert is_signed_in(with_cookie(house, life["cookie"]))
    assert house.try_password(person.email, person.password).json["challenge"]["kind"] == "totp"
    contacts = house.get("/me/emails", person.access).json
    assert {one["value"] for one in contacts} == {person.email, life["waiting"]}
    assert len(house.get("/me/events", person.access).json) > 3
    assert len(house.get("/me/sessions", person.access).json) > 1
    assert house.get("/me/avatars", person.access).json
    assert house.visitor().get("/.well-known/jwks.json").json["keys"]


def populated(house: House) -> dict[str, Any]:
    person = house.sign_up()
    waiting = f"{secrets.token_hex(6)}@example.org"

    def post(path: str, body: Any = None) -> TestResponse:
        return house.visitor().post(f"/api/v1{path}", json=body, headers=person.bearer)

    added = post("/me/emails", {"email": waiting}).json["id"]
    assert house.visitor().post("/api/v1/me/avatars", data=picture(), content_type="image/png", headers=person.bearer).status_code == 201
    house.service.core.store.forgive([f"message:{person.email}"])
    assert post("/password/forgot", {"email": person.email}).status_code == 202
    reset = house.mail_to(person.email)[-1]
    cookie = value_of(house, house.browser_of(person))
    begun = post("/me/factors/totp").json["challenge"]
    seed = begun["options"]["secret"]
    code = pyotp.TOTP(seed).at(house.clock.now())
    assert post("/sign-in/continue", {"challenge": begun["id"], "code": code}).json["status"] == "linked"
    sign_up = house.begin_sign_up(f"late-{waiting}").json["challenge"]["id"]
    late = house.mail_to(f"late-{waiting}")[-1].code
    proof = house.mail_to(waiting)[-1].code
    half = house.try_password(person.email, person.password).json["challenge"]["id"]
    house.sink.broken = True
    post(f"/me/emails/{added}/verify", {"resend": False, "code": proof})
    house.service.core.messages.flush()
    house.sink.broken = False
    facts = {
        "cookie": cookie,
        "waiting": waiting,
        "added": added,
        "reset": reset,
        "sign_up": sign_up,
        "late": late,
        "seed": seed,
        "half": half,
    }
    return {"person": person, **facts}


def sealed_with(house: House, name: str) -> bool:
    """Whether anything in the database was sealed with the key of this name."""
    return f"{name}.".encode() in house.dump()


def test_dt_03_new_keys_seal_and_old_ones_open(build: Builder) -> None:
    """Two rotations, the first from the key that the service's secret gives; people, sessions, conversations and letters live on."""
    first = build(plugins=PLUGINS)
    life, one, two = populated(first), key(), key()
    second = build(url=first.url, plugins=PLUGINS, field_keys={"k2025": one})
    has_everything(second, life)
    assert not sealed_with(second, "k2026")
    newcomer = populated(second)
    assert sealed_with(second, "k2025")
    third = build(url=first.url, plugins=PLUGINS, field_keys={"k2025": one, "k2026": two})
    for known in (life, newcomer):
        has_everything(third, known)
        late = third.post("/sign-in/continue", {"challenge": known["sign_up"], "code": known["late"]})
        assert late.json["status"] == "complete", late.text
        third.clock.advance(seconds=60)
        code = pyotp.TOTP(known["seed"]).at(third.clock.now())
        assert third.post("/sign-in/continue", {"challenge": known["half"], "code": code}).json["status"] == "complete"
        token = re.search(r"token=(\S+)$", known["reset"].link)
        assert token
        assert third.post("/password/reset", {"token": token[1], "new_password": NEW}).status_code == 204
    assert third.sign_up().id
    assert sealed_with(third, "k2026"), "what is written now is sealed with the newest key"
    still = build(url=first.url, plugins=PLUGINS, field_keys={"k2025": one, "k2026": two})  # a process that was started before, or later
    assert still.try_password(newcomer["person"].email, NEW).json["challenge"]["kind"] == "totp"


def test_dt_03_letters_that_wait_are_carried_under_the_new_key(build: Builder) -> None:
    first = build(plugins=PLUGINS)
    email = f"{secrets.token_hex(6)}@example.org"
    first.sink.broken = True
    challenge = first.begin_sign_up(email).json["challenge"]["id"]
    first.service.core.messages.flush()
    second = build(url=first.url, plugins=PLUGINS, field_keys={"k2026": key()})
    second.clock.advance(minutes=2)
    second.service.core.errands.sweep()
    code = second.mail_to(email)[-1].code
    assert second.post("/sign-in/continue", {"challenge": challenge, "code": code}).json["status"] == "complete"


def test_dt_03_without_a_key_that_was_ever_used_the_service_does_not_start(build: Builder) -> None:
    """ASVS 5.0 13.3.4: neither with fewer keys, nor with another one of the same name, nor with another secret."""
    one, two = key(), key()
    house = build(plugins=PLUGINS, field_keys={"k2025": one, "k2026": two})
    house.sign_up()
    refusals: list[dict[str, Any]] = [
        {"field_keys": {"k2025": one}},
        {"field_keys": {}},
        {"field_keys": {"k2025": one, "k2026": key()}},
        {"field_keys": {"k2025": one, "k2027": two}},
    ]
    for settings in refusals:
        with pytest.raises(ConfigurationError, match="k2026") as refused:
            build(url=house.url, plugins=PLUGINS, **settings)
        assert one not in str(refused.value)
        assert two not in str(refused.value)
    assert build(url=house.url, plugins=PLUGINS, field_keys={"k2026": two, "k2025": one}).service.users().items


def test_dt_05_the_history_of_who_was_erased_names_nobody(lived: Lived) -> None:
    """DT-06: pseudonymised, with what happened and when, and without where."""
    life, _ = lived
    life.enter()
    core = life.house.service.core
    life.call("DELETE", "/me", expect=202)
    life.house.clock.advance(days=8)
    core.errands.sweep()
    core.errands.flush()
    name = leaving.pseudonym(core, life.person.id)
    mine = [event for event in life.all() if event.user_id == name]
    assert len(mine) > 45
    assert {(event.client.address, event.client.agent) for event in mine} == {("", "")}
    assert not [event for event in life.all() if life.person.id in json.dumps([event.user_id, dict(event.detail)])]
