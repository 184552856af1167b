"""Whether everybody can live here with the one way in that she has: by page and by program, from signing up to leaving and coming back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import pyotp
import pytest

from authenticator.clock import SetClock
from authenticator.testing.client import Answer, Browser, Page
from authenticator.testing.people import Outbox, SignInVia
from authenticator.testing.security_key import SecurityKey

NAMES = {"given_name": "Grace", "family_name": "Hopper"}
PASSWORD = "seven lanterns drift ashore"
EMAIL, PHONE = "grace@example.com", "+447400123456"  # what she signs up with
OTHER_EMAIL, OTHER_PHONE = "grace@example.org", "+447400654321"  # what she adds
VERIFY = "/sign-in/verify"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
REDIRECTS = ("google", "facebook", "twitter")
WAYS = ("password", "email", "phone", "passkey", *REDIRECTS)
TYPED = {"email": ("email", EMAIL), "phone": ("phone_number", PHONE)}


@pytest.fixture
def store_url(request: pytest.FixtureRequest, prepared_database: Callable[[str], str]) -> str:
    """The pages on one store and programs on the other: each story is long, and crosses all of the service."""
    return prepared_database("mongodb" if "program" in request.node.name else "sqlite")


class Grace:
    """Somebody with one way in, a browser, and a telephone with an authenticator app."""

    def __init__(self, way: str, client: Browser, outbox: Outbox, via: SignInVia, clock: SetClock) -> None:
        self.way, self.client, self.outbox, self.via, self.clock = way, client, outbox, via, clock
        self.key = SecurityKey(client.base)
        self.seed = ""

    def app_code(self) -> str:
        self.clock.advance(seconds=30)
        return str(pyotp.TOTP(self.seed).at(self.clock.now()))

    def code(self) -> str:
        return self.outbox.code(to=PHONE if self.way == "phone" else EMAIL)

    def wait(self) -> None:
        """So long that what touches the ways in asks for fresh proof, and that new codes may be sent."""
        self.clock.advance(minutes=16)

    def keep_link(self) -> str:
        """The link of the letter, or of the text on her phone, that keeps the account."""
        found = next(re.search(r"\S+/keep-account\?token=\S+", one["text"]) for one in self.outbox.all() if "keep-account" in one["text"])
        assert found
        return found[0]


# On the pages


class OnPages(Grace):
    """She clicks and types."""

    def enter(self, page: str = "/sign-in", browser: Browser | None = None) -> Page:
        """Sign in or up; the last page, which may ask for the second step."""
        browser = browser or self.client
        if self.way in REDIRECTS:
            done = self.via(self.way, EMAIL, browser).page
            return self._told(done.follow()) if page == "/sign-up" and done.path == VERIFY else done
        if self.way == "password":
            known = {"email": EMAIL, "password": PASSWORD}
            done = browser.submit(page, **known, **(NAMES if page == "/sign-up" else {}))
            return self._told(done.follow()) if page == "/sign-up" else done
        if self.way == "passkey":
            if page == "/sign-up":
                return self._touched(browser.submit("/sign-up/passkey", **NAMES).follow())
            return self._touched(
                browser.post("/sign-in", {"provider": "passkey", "csrf_token": browser.form("/sign-in", "provider").csrf}).follow()
            )
        field, value = TYPED[self.way]
        form = next(form for form in browser.get(f"{page}/{self.way}").forms if form.values.get("provider") == self.way)
        return self._told(browser.post(f"{page}/{self.way}", {**form.values, field: value}).follow())

    def _told(self, asked: Page) -> Page:
        return asked.browser.submit(asked, code=self.code())

    def _touched(self, asked: Page) -> Page:
        form = asked.form("credential")
        wanted = json.loads(form.data["passkey"])["publicKey"]
        return asked.browser.submit(asked, credential=self.key.get(wanted) if "rpId" in wanted else self.key.create(wanted))

    def prove(self, refused: Page) -> Page:
        """Answer the page that asks for fresh proof, with her own way in and her second step."""
        assert refused.status == 403, refused
        assert "Confirm that it is you" in refused
        begun = refused.browser.submit(refused, action=f"/account/confirm/{self.way}")
        if self.way in REDIRECTS:
            done = self.via.arrive(begun, EMAIL).page
        elif self.way == "password":
            done = refused.browser.submit(begun.follow(), password=PASSWORD)
        elif self.way == "passkey":
            done = self._touched(begun.follow())
        else:
            done = self._told(refused.browser.submit(begun.follow()).follow())
        if self.seed and self.way != "passkey":
            done = refused.browser.submit(done.follow(), code=self.app_code())
        assert done.path.startswith("/account"), done
        return done


@pytest.mark.parametrize("way", WAYS)
def test_she_lives_here_by_page(way: str, client: Browser, outbox: Outbox, sign_in_via: SignInVia, clock: SetClock) -> None:
    grace = OnPages(way, client, outbox, sign_in_via, clock)
    assert grace.enter("/sign-up").path == "/account"
    me = client.api("GET", "me").body["id"]
    client.submit("/account", action="/sign-out")
    assert not client.signed_in
    grace.clock.advance(minutes=16)
    assert grace.enter().path == "/account"
    assert client.api("GET", "me").body["id"] == me
    _changes_her_profile(grace)
    second = _adds_a_second_way(grace)
    _adds_addresses(grace)
    _sets_up_two_steps(grace)
    _sees_and_ends_sign_ins(grace)
    _signs_in_by(second, grace, me)
    _takes_it_along_and_leaves(grace, me)


def _changes_her_profile(grace: OnPages) -> None:
    changed = grace.client.submit("/account/profile", **{"name.display": "Amazing Grace", "salutation": "Dr."})
    assert changed.status == 303, changed
    assert "Amazing Grace" in grace.client.get("/account")
    grace.wait()
    refused = grace.client.submit("/account/profile", action="/account/profile/username", username="amazing.grace")
    assert grace.prove(refused).path == "/account/profile"
    assert grace.client.submit("/account/profile", action="/account/profile/username", username="amazing.grace").status == 303


def _adds_a_second_way(grace: OnPages) -> OnPages:
    """A passkey; who has one takes another provider."""
    other = "google" if grace.way == "passkey" else "passkey"
    second = OnPages(other, grace.client, grace.outbox, grace.via, grace.clock)
    grace.wait()
    grace.prove(grace.client.submit("/account", action=f"/account/link/{other}"))
    begun = grace.client.submit("/account", action=f"/account/link/{other}")
    done = second._touched(begun.follow()) if other == "passkey" else grace.via.arrive(begun, EMAIL).page
    assert done.status == 303, done
    assert "was added" in done.follow()
    return second


def _adds_addresses(grace: OnPages) -> None:
    for page, field, value in (("/account/emails", "email", OTHER_EMAIL), ("/account/phones", "phone_number", OTHER_PHONE)):
        grace.wait()
        done = grace.client.submit(page, action=page, **{field: value})
        if done.status == 403:
            grace.prove(done)
            done = grace.client.submit(page, action=page, **{field: value})
        assert done.status == 303, done
        proved = grace.client.submit(page, action="/verify", code=grace.outbox.code(to=value))
        assert proved.status == 303, proved
        assert "not confirmed" not in grace.client.get(page)


def _sets_up_two_steps(grace: OnPages) -> None:
    grace.wait()
    grace.prove(grace.client.submit("/account/two-step", action="/account/two-step/totp"))
    shown = grace.client.submit("/account/two-step", action="/account/two-step/totp").follow()
    seed = shown.html.split("<code>")[1].split("</code>")[0].replace(" ", "")
    grace.seed = seed
    assert grace.client.submit(shown, code=grace.app_code()).status == 200
    grace.client.submit("/account", action="/sign-out")
    grace.wait()
    done = grace.enter()
    if grace.way != "passkey":
        assert done.path == VERIFY, done
        done = grace.client.submit(done.follow(), code=grace.app_code())
    assert done.path == "/account"
    assert grace.client.signed_in


def _sees_and_ends_sign_ins(grace: OnPages) -> None:
    grace.wait()
    elsewhere = grace.client.browser(agent=FIREFOX)
    done = grace.enter(browser=elsewhere)
    if grace.way != "passkey":
        done = elsewhere.submit(done.follow(), code=grace.app_code())
    assert elsewhere.signed_in
    page = grace.client.get("/account/sessions")
    ends = [form.action for form in page.forms if form.action.endswith("/end")]
    assert ends
    for action in ends:
        grace.client.submit(page, action=action)
    assert not elsewhere.signed_in
    history = grace.client.get("/account/history")
    assert "A second step was added" in history
    assert "Firefox" in history


def _signs_in_by(second: OnPages, grace: OnPages, me: str) -> None:
    browser = grace.client.browser()
    done = second.enter(browser=browser)
    if second.way != "passkey":
        done = browser.submit(done.follow(), code=grace.app_code())
    assert done.path == "/account", done
    assert browser.api("GET", "me").body["id"] == me


def _takes_it_along_and_leaves(grace: OnPages, me: str) -> None:
    grace.wait()
    grace.prove(grace.client.submit("/account/data", action="/account/data/export"))
    document = json.loads(grace.client.submit("/account/data", action="/account/data/export").html)
    assert (document["profile"]["id"], document["profile"]["username"]) == (me, "amazing.grace")
    assert {OTHER_EMAIL, OTHER_PHONE} <= {one["value"] for one in document["contacts"]}
    assert grace.client.submit("/account/data", action="/account/data/delete", sure="1").status == 303
    assert not grace.client.signed_in
    link = grace.keep_link()
    assert "Your account is kept" in grace.client.submit(grace.client.get(link)).follow()
    grace.wait()
    done = grace.enter()
    if grace.way != "passkey":
        done = grace.client.submit(done.follow(), code=grace.app_code())
    assert done.path == "/account"
    assert grace.client.api("GET", "me").body["id"] == me


# By program


class ByProgram(Grace):
    """Her program calls the API."""

    access = refresh = ""

    def call(self, method: str, path: str, body: object = None, expect: int = 200) -> Answer:
        answer = self.client.api(method, path, body, token=self.access)
        assert answer.status == expect, (path, answer)
        return answer

    def begin(self, wish: str) -> Answer:
        """The first step: `sign-in`, `sign-up`, or with her token `me/identities` or `me/confirm`."""
        body: dict[str, str] = {}
        if self.way == "password":
            body = {"password": PASSWORD} | ({} if wish == "me/confirm" else {"email": EMAIL}) | (NAMES if wish == "sign-up" else {})
        elif wish == "sign-up" and self.way == "passkey":
            body = NAMES
        elif self.way in TYPED and wish != "me/confirm":
            body = dict([TYPED[self.way]])
        return self.client.api("POST", f"{wish}/{self.way}", body, token=self.access if wish.startswith("me/") else "")

    def go(self, wish: str = "sign-in", seed: str = "") -> Answer:
        """Until it is finished."""
        found = self.begin(wish)
        for _ in range(4):
            assert found.status < 300, found
            if found["status"] in ("complete", "linked"):
                return found
            challenge = found["challenge"]
            body = {
                "challenge": challenge["id"],
                **self._answered(found, challenge, seed or self.seed, new=wish in ("sign-up", "me/identities")),
            }
            found = self.client.api("POST", "sign-in/continue", body, token=self.access if wish.startswith("me/") else "")
        raise AssertionError(found)

    def _answered(self, found: Answer, challenge: dict[str, object], seed: str, *, new: bool) -> dict[str, str]:
        if found["status"] == "redirect":
            return dict(parse_qsl(urlsplit(self.via.choose(found["url"], EMAIL)).query))
        if challenge["kind"] == "passkey":
            wanted = challenge["options"]["publicKey"]  # type: ignore[index]
            return {"credential": self.key.create(wanted) if new else self.key.get(wanted)}
        if challenge["kind"] == "totp":
            self.clock.advance(seconds=30)
            return {"code": str(pyotp.TOTP(seed).at(self.clock.now()))}
        return {"code": self.code()} if challenge["kind"] == "code" else {}

    def take(self, done: Answer) -> None:
        self.access, self.refresh = done["access_token"], done["refresh_token"]

    def later(self) -> None:
        """Time passes; her program keeps itself signed in."""
        self.wait()
        self.take(self.client.api("POST", "token/refresh", {"refresh_token": self.refresh}))

    def fresh(self, refused: Callable[[], Answer]) -> None:
        """What wants fresh proof says so; she gives it."""
        self.later()
        answer = refused()
        assert (answer.status, answer.code) == (403, "step_up_required"), answer
        self.access = self.go("me/confirm")["access_token"]


@pytest.mark.parametrize("way", WAYS)
def test_she_lives_here_by_program(way: str, client: Browser, outbox: Outbox, sign_in_via: SignInVia, clock: SetClock) -> None:
    grace = ByProgram(way, client, outbox, sign_in_via, clock)
    me = grace.go("sign-up")["user"]["id"]
    grace.wait()
    grace.take(grace.go())
    assert grace.call("GET", "me")["id"] == me
    grace.call("PATCH", "me", {"name": {"given": "Amazing"}, "salutation": "Dr."})
    grace.fresh(lambda: grace.client.api("PATCH", "me", {"username": "amazing.grace"}, token=grace.access))
    assert grace.call("PATCH", "me", {"username": "amazing.grace"})["username"] == "amazing.grace"
    other = "google" if way == "passkey" else "passkey"
    second = ByProgram(other, client, outbox, sign_in_via, clock)
    grace.fresh(lambda: grace.client.api("POST", f"me/identities/{other}", {}, token=grace.access))
    second.access = grace.access
    assert second.go("me/identities")["linked"] == other
    for kind, field, value in (("emails", "email", OTHER_EMAIL), ("phones", "phone_number", OTHER_PHONE)):
        grace.fresh(lambda kind=kind, field=field, value=value: client.api("POST", f"me/{kind}", {field: value}, token=grace.access))
        added = grace.call("POST", f"me/{kind}", {field: value}, 201)
        assert grace.call("POST", f"me/{kind}/{added['id']}/verify", {"code": outbox.code(to=value)})["verified"]
    _two_steps_by_program(grace)
    _sign_ins_by_program(grace)
    grace.wait()
    assert second.go(seed=grace.seed)["user"]["id"] == me
    _leaves_by_program(grace, me)


def _two_steps_by_program(grace: ByProgram) -> None:
    grace.fresh(lambda: grace.client.api("POST", "me/factors/totp", token=grace.access))
    begun = grace.call("POST", "me/factors/totp")["challenge"]
    grace.seed = begun["options"]["secret"]
    done = grace.call("POST", "sign-in/continue", {"challenge": begun["id"], "code": grace.app_code()})
    assert (done["linked"], len(done["recovery_codes"])) == ("totp", 10)
    grace.call("POST", "sign-out", expect=204)
    grace.wait()
    grace.take(grace.go())
    amr = next(one for one in grace.call("GET", "me/sessions").body if one["current"])["amr"]
    assert ("mfa" in amr) is (grace.way not in ("email", "phone"))  # two codes are one kind of factor


def _sign_ins_by_program(grace: ByProgram) -> None:
    grace.wait()
    elsewhere = grace.go()
    grace.take(grace.client.api("POST", "token/refresh", {"refresh_token": grace.refresh}))
    grace.call("DELETE", f"me/sessions/{elsewhere['session_id']}", expect=204)
    assert grace.client.api("GET", "me", token=elsewhere["access_token"]).code == "token_revoked"
    kinds = {one["kind"] for one in grace.call("GET", "me/events?limit=200").body}
    assert {"signed_in", "confirmed", "identity_linked", "contact_proved", "factor_added", "username_changed", "session_ended"} <= kinds


def _leaves_by_program(grace: ByProgram, me: str) -> None:
    grace.fresh(lambda: grace.client.api("GET", "me/export", token=grace.access))
    document = grace.call("GET", "me/export").body
    assert (document["profile"]["id"], document["profile"]["username"]) == (me, "amazing.grace")
    grace.call("DELETE", "me", expect=202)
    assert grace.client.api("POST", "token/refresh", {"refresh_token": grace.refresh}).status == 401
    grace.client.submit(grace.client.get(grace.keep_link()))
    grace.wait()
    assert grace.go()["user"]["id"] == me
