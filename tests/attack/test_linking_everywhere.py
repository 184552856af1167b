"""LK-02, LK-07, LK-09, LK-10, LK-11: what holds for one way to sign in holds for every one, by page and by program."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pyotp
import pytest
from flask import Flask

from authenticator.app import create_app
from authenticator.clock import SetClock
from authenticator.emulator import Emulator
from authenticator.flows import leaving
from authenticator.models import LoginKey, Status
from authenticator.testing.client import Answer, Browser
from authenticator.testing.fixtures import SECRET
from authenticator.testing.people import Account, AsUser, Outbox, SignInVia
from authenticator.testing.security_key import SecurityKey

REDIRECTS = ("google", "facebook", "twitter")
CODES = {"email": "email", "phone": "phone_number"}
WAYS = ("password", *CODES, "passkey", *REDIRECTS)
PERSON = "grace@example.com"  # as the providers know her
PASSWORD = "seven lanterns drift ashore"
numbers = itertools.count(447_400_300_000)


@pytest.fixture
def store_kind(request: pytest.FixtureRequest) -> str:
    """A database for each test: the others in this folder keep theirs for a whole module."""
    return str(request.param)


@dataclass
class World:
    """The service, and somebody who can go every way into it."""

    app: Flask
    client: Browser
    outbox: Outbox
    via: SignInVia
    key: SecurityKey
    account: Account | None = None
    email: str = "ada@example.org"
    phone: str = field(default_factory=lambda: f"+{next(numbers)}")

    @property
    def core(self) -> Any:
        return self.app.extensions["authenticator"].core

    def begin(self, way: str, *, wish: str = "sign-in", token: str = "", client: Browser | None = None) -> Answer:
        """The first step of a conversation of this kind: `sign-in`, `sign-up`, `me/identities` or `me/confirm`."""
        body: dict[str, str] = {}
        if way == "password":
            body = {"password": PASSWORD} if wish == "me/confirm" else {"email": self.email, "password": PASSWORD}
        elif way in CODES and wish != "me/confirm":
            body = {CODES[way]: self._target(way)}
        return (client or self.client).api("POST", f"{wish}/{way}", body, token=token)

    def finish(self, way: str, begun: Answer, *, wish: str = "sign-in", token: str = "", client: Browser | None = None) -> Answer:
        """All that follows it, up to a second step."""
        if begun.status >= 400 or (begun["status"] != "challenge" and way not in REDIRECTS):
            return begun
        challenge = begun["challenge"]
        if way in CODES:
            fields = {"code": self.outbox.code(to=self._target(way))}
        elif way == "passkey":
            wanted = challenge["options"]["publicKey"]
            fields = {"credential": self.key.create(wanted) if wish in ("me/identities", "sign-up") else self.key.get(wanted)}
        elif way in REDIRECTS:
            fields = dict(parse_qsl(urlsplit(self.via.choose(begun["url"], PERSON)).query))
        else:
            return begun
        return (client or self.client).api("POST", "sign-in/continue", {"challenge": challenge["id"], **fields}, token=token)

    def go(self, way: str, **more: Any) -> Answer:
        for target in (self.email, self.phone):
            self.core.store.forgive([f"message:{target}"])
        return self.finish(way, self.begin(way, **more), **more)

    def _target(self, way: str) -> str:
        return self.email if way == "email" else self.phone

    def set_status(self, status: Status) -> None:
        service, account = self.app.extensions["authenticator"], self.member
        if status is Status.LEAVING:
            signed = service.signed_by_session(account.session_id)
            leaving.delete(self.core, signed, signed.session.client)
        else:
            service.change_status(service.user(account.id), status, why="attack test", by="operator")

    @property
    def member(self) -> Account:
        assert self.account
        return self.account

    def give(self, way: str) -> None:
        """Let the account have this way in."""
        token = self.member.access_token
        if way == "phone":
            added = self.client.api("POST", "me/phones", {"phone_number": self.phone}, token=token)
            proof = {"code": self.outbox.code(to=self.phone)}
            assert self.client.api("POST", f"me/phones/{added['id']}/verify", proof, token=token).status == 200
        elif way not in ("password", "email"):
            linked = self.go(way, wish="me/identities", token=token)
            assert linked.status == 200, linked
            assert linked["status"] == "linked"


@pytest.fixture
def world(auth_app: Flask, client: Browser, outbox: Outbox, sign_in_via: SignInVia) -> World:
    return World(auth_app, client, outbox, sign_in_via, SecurityKey(client.base))


@pytest.fixture
def member(world: World, as_user: AsUser) -> World:
    world.account = as_user(world.email, password=PASSWORD)
    return world


def set_up_app(world: World, clock: SetClock) -> Callable[[], str]:
    """TOTP for the account; a code of a new step each time."""
    token = world.member.access_token
    begun = world.client.api("POST", "me/factors/totp", token=token)
    app = pyotp.TOTP(begun["challenge"]["options"]["secret"])

    def code() -> str:
        clock.advance(seconds=30)
        return str(app.at(clock.now()))

    done = world.client.api("POST", "sign-in/continue", {"challenge": begun["challenge"]["id"], "code": code()}, token=token)
    assert done["status"] == "linked", done
    return code


def is_refused(answer: Answer) -> None:
    assert answer.status in (401, 403), answer
    assert answer.code in ("invalid_credentials", "account_suspended"), answer
    assert "access_token" not in answer.body


# LK-11: the second step, and the state of the account


@pytest.mark.parametrize("way", WAYS)
def test_lk_11_no_way_in_spares_the_second_step_or_overlooks_the_state(member: World, clock: SetClock, way: str) -> None:
    """CVE-2026-9091, CVE-2026-15616: enforced for all alike, before the second step and while it waits."""
    member.give(way)
    code = set_up_app(member, clock)
    done = member.go(way)
    if way == "passkey":  # an unlocked device has shown two factors by itself
        assert done["status"] == "complete"
    else:
        assert (done["status"], done["challenge"]["kind"]) == ("challenge", "totp"), done
        assert "access_token" not in done.body
        done = member.client.api("POST", "sign-in/continue", {"challenge": done["challenge"]["id"], "code": code()})
    assert done["user"]["id"] == member.member.id
    half = member.go(way)
    for status in (Status.SUSPENDED, Status.CLOSED):
        member.set_status(status)
        is_refused(member.go(way))
        if way != "passkey" and status is Status.SUSPENDED:
            is_refused(member.client.api("POST", "sign-in/continue", {"challenge": half["challenge"]["id"], "code": code()}))
        member.set_status(Status.ACTIVE)


@pytest.mark.parametrize("way", WAYS)
def test_lk_11_who_is_leaving_comes_back_by_no_way_in(member: World, way: str) -> None:
    """Only the link of the letter keeps the account; nobody makes a second one of its addresses meanwhile."""
    member.give(way)
    begun = member.begin(way) if way not in CODES else None
    member.set_status(Status.LEAVING)
    if begun is not None:
        is_refused(member.finish(way, begun) if way != "password" else member.go(way))
    is_refused(member.go(way))
    users = member.core.store.users().items
    member.go(way, wish="sign-up")
    assert member.core.store.users().items == users


# LK-10: a provider that was taken off


@pytest.fixture
def without(
    auth_app: Flask, store_url: str, emulator: Emulator, clock: SetClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Browser]]:
    """The service started anew with a shorter AUTHENTICATOR_PLUGINS, on the same store; a client of it."""
    apps: list[Flask] = []

    def started(way: str) -> Browser:
        plugins = [name for name in ("password", "email", "phone", "passkey", "totp", *REDIRECTS) if name != way]
        settings = {
            "ENVIRONMENT": "development",
            "DATABASE_URL": store_url,
            "DATA_DIR": str(tmp_path_factory.mktemp("data")),
            "SECRET_KEY": SECRET,
            "EMULATOR_URL": emulator.base_url,
            "HASH_MEMORY_KIB": 12_288,
            "HASH_PASSES": 1,
            "PLUGINS": plugins,
        }
        app = create_app({f"AUTHENTICATOR_{name}": value for name, value in settings.items()}, clock=clock, env_file=None)
        apps.append(app)
        return Browser(app)

    yield started
    for app in apps:
        app.extensions["authenticator"].core.errands.stop()
        app.extensions["authenticator"].core.store.close()


@pytest.mark.parametrize("way", WAYS)
def test_lk_10_a_provider_that_was_taken_off_finishes_nothing(
    member: World, without: Callable[[str], Browser], clock: SetClock, way: str
) -> None:
    """Not what was begun before, at its first, its last or its second step; nor anything new (CVE-2025-64717)."""
    member.give(way)
    token = member.member.access_token
    begun = {wish: member.begin(way, wish=wish, token=token if wish.startswith("me/") else "") for wish in ("sign-in", "sign-up")}
    if way not in ("password", *CODES):
        begun["me/identities"] = member.begin(way, wish="me/identities", token=token)
    if way not in REDIRECTS and way != "passkey":  # those have one step only
        code = set_up_app(member, clock)
    half = member.go(way)
    there = without(way)
    for wish, asked in begun.items():
        if asked.status >= 400 or asked["status"] == "complete":
            continue
        if way == "passkey" and wish == "sign-up":  # it has asked for a name only
            continue
        if way == "password":
            done = there.api("POST", "sign-in/continue", {"challenge": asked["challenge"]["id"], "code": "000000"})
        else:
            done = member.finish(way, asked, wish=wish, client=there, token=token if wish.startswith("me/") else "")
        assert (done.status, done.code) == (404, "unknown_provider"), (wish, done)
    if half["status"] == "challenge":
        done = there.api("POST", "sign-in/continue", {"challenge": half["challenge"]["id"], "code": code()})
        assert (done.status, done.code) == (404, "unknown_provider"), done
    for wish in ("sign-in", "sign-up", "me/identities", "me/confirm"):
        done = member.begin(way, wish=wish, client=there, token=token if wish.startswith("me/") else "")
        assert (done.status, done.code) == (404, "unknown_provider"), (wish, done)
    assert there.get(f"/sign-in/{way}").status == 404
    assert f"/sign-in/{way}" not in there.get("/sign-in").html
    assert not [one for one in there.api("GET", "providers").body if one["name"] == way]


# LK-07, LK-09: linking

LINKED = ("passkey", *REDIRECTS)


@pytest.mark.parametrize("way", LINKED)
def test_lk_09_linking_wants_fresh_proof_a_post_and_the_same_session(member: World, clock: SetClock, way: str, outbox: Outbox) -> None:
    """ASVS 5.0 7.5.1; by page and by program, when it begins and when it ends."""
    browser, token = member.member.browser(), member.member.access_token
    assert browser.get(f"/account/link/{way}").status == 405
    assert browser.post(f"/account/link/{way}").status == 403
    assert member.begin(way, wish="me/identities").status == 401
    other = member.client.api("POST", "sign-in/password", {"email": member.email, "password": PASSWORD})["access_token"]
    for thief in ("", other):
        asked = member.begin(way, wish="me/identities", token=token)
        assert member.finish(way, asked, wish="me/identities", token=thief).status == 401
    late = member.begin(way, wish="me/identities", token=token)
    assert late.status == 200, late
    clock.advance(seconds=290)
    token = member.client.api("POST", "token/refresh", {"refresh_token": member.member.refresh_token})["access_token"]
    clock.advance(seconds=20)
    done = member.finish(way, late, wish="me/identities", token=token)
    assert (done.status, done.code) in ((403, "step_up_required"), (401, "challenge_expired")), done
    done = member.begin(way, wish="me/identities", token=token)
    assert (done.status, done.code) == (403, "step_up_required")
    stale = browser.post(f"/account/link/{way}", {"csrf_token": browser.get("/account").form(action="/sign-out").csrf})
    assert stale.status == 403
    assert "/account/confirm/password" in stale.html
    ways = member.client.api("GET", "me/identities", token=token).body
    assert {one["provider"] for one in ways} == {"password", "email"}
    fresh = member.go("password", wish="me/confirm", token=token)["access_token"]
    assert member.go(way, wish="me/identities", token=fresh)["status"] == "linked"
    assert "way to sign in was added" in outbox.last(to=member.email)["subject"]


@pytest.mark.parametrize("way", [*LINKED, *CODES])
def test_lk_09_what_is_somebody_elses_is_never_linked(member: World, as_user: AsUser, way: str) -> None:
    """Nor moved, whatever is sent; the one who has it keeps it (CVE-2026-105207)."""
    member.give(way)
    eve = as_user("eve@example.net", password=PASSWORD)
    if way in CODES:
        taken = member.email if way == "email" else member.phone
        member.core.store.forgive([f"message:{taken}"])
        added = member.client.api("POST", f"me/{way}s", {CODES[way]: taken}, token=eve.access_token)
        assert added.status == 201, added
        codes = [one["code"] for one in member.outbox.all(to=taken) if "code" in one]
        tried = [
            member.client.api("POST", f"me/{way}s/{added['id']}/verify", {"code": code}, token=eve.access_token)
            for code in {*codes, "000000"}
        ]
        assert {(one.status, one.code) for one in tried} == {(401, "invalid_code")}
    else:
        done = member.go(way, wish="me/identities", token=eve.access_token) if way != "passkey" else again(member, eve)
        assert (done.status, done.code) == (409, "identity_taken"), done
    mine = {one["provider"] for one in member.client.api("GET", "me/identities", token=eve.access_token).body}
    assert mine == {"password", "email"}
    assert member.go(way)["user"]["id"] == member.member.id


def again(world: World, eve: Account) -> Answer:
    """The very passkey of somebody else, registered once more."""
    begun = world.begin("passkey", wish="me/identities", token=eve.access_token)
    thief = SecurityKey(world.client.base)
    credential = thief.create(begun["challenge"]["options"]["publicKey"], credential_id=world.key.credentials[0].id)
    fields = {"challenge": begun["challenge"]["id"], "credential": credential}
    return world.client.api("POST", "sign-in/continue", fields, token=eve.access_token)


def test_lk_09_ways_in_are_not_a_field_that_one_fills_in(member: World) -> None:
    """The table of ways in is written by no body of the API, whatever it is called there."""
    before = member.core.store.keys_of(member.member.id)
    for name in (
        "identities",
        "login_keys",
        "provider",
        "subject",
        "factors",
        "status",
        "email_verified",
        "permissions",
        "level",
        "type",
        "id",
    ):
        for method, path in (("PATCH", "me"), ("POST", "me/emails"), ("POST", "me/password"), ("POST", "sign-in/password")):
            done = member.client.api(method, path, {name: "google:1"}, token=member.member.access_token)
            assert done.status in (400, 422), (name, path, done)
    assert member.core.store.keys_of(member.member.id) == before


# LK-02: planted before the victim came

PLANTED = {"email": PERSON, "password": "the attacker's own password", "given_name": "M", "family_name": "M"}


@pytest.mark.parametrize("way", ["email", *REDIRECTS])
def test_lk_02_nothing_planted_on_an_address_survives_its_owner_s_arrival(world: World, as_user: AsUser, way: str) -> None:
    """Neither a half sign-up, nor an address on the attacker's list, nor a code of his (Sudhodanan and Paverd 2022)."""
    eve, world.email = as_user("eve@example.net", password=PASSWORD), PERSON
    attacker = world.client.browser()
    begun = attacker.api("POST", "sign-up/password", PLANTED)
    added = attacker.api("POST", "me/emails", {"email": PERSON}, token=eve.access_token)
    codes = {one["code"] for one in world.outbox.all(to=PERSON) if "code" in one}
    victim = world.go(way)
    if way == "facebook":  # which vouches for no address, so that she proves it here
        proof = {"challenge": victim["challenge"]["id"], "code": world.outbox.code(to=PERSON)}
        victim = world.client.api("POST", "sign-in/continue", proof)
    assert victim["status"] == "complete", victim
    assert victim["user"]["id"] != eve.id
    assert attacker.api("POST", "sign-in/password", {"email": PERSON, "password": PLANTED["password"]}).status == 401
    for code in codes:
        late = attacker.api("POST", f"me/emails/{added['id']}/verify", {"code": code}, token=eve.access_token)
        assert late.status in (401, 409), late
        late = attacker.api("POST", "sign-in/continue", {"challenge": begun["challenge"]["id"], "code": code})
        assert late.status in (401, 409), late
    mine = attacker.api("GET", "me/emails", token=eve.access_token).body
    assert [one["verified"] for one in mine if one["value"] == PERSON] == [False]
    assert world.go(way)["user"]["id"] == victim["user"]["id"]
    keys = world.core.store.keys_of(victim["user"]["id"])
    assert "password" not in {key.provider for key in keys}
    if way != "twitter":  # which tells no address
        assert world.core.store.find_login(LoginKey("email", PERSON)).user.id == victim["user"]["id"]


# BF-09: a password locked on purpose


def test_bf_09_while_the_password_is_locked_every_other_way_in_is_open(member: World) -> None:
    """ASVS 5.0 6.1.1: whoever guesses her password on purpose keeps nobody out."""
    for way in WAYS:
        member.give(way)
    wrong = {"email": member.email, "password": "not the password of anybody"}
    while member.client.api("POST", "sign-in/password", wrong).status != 429:
        pass
    assert member.go("password").code == "rate_limited"
    for way in WAYS[1:]:
        done = member.go(way)
        assert (done.status, done["status"]) == (200, "complete"), (way, done)
        assert done["user"]["id"] == member.member.id
    assert member.go("password").code == "rate_limited"
