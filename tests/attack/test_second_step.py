"""MF, LK-11, SE-02: second steps that are guessed, skipped, replayed, planted, weakened or taken away."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pyotp
import pytest
from flask import Flask

from authenticator.applications import OWN, Assignment
from authenticator.clock import Clock, SetClock
from authenticator.models import Status
from authenticator.testing.client import Answer, Browser
from authenticator.testing.people import Account, AsUser, Outbox, SignInVia

if TYPE_CHECKING:
    from tests.attack.conftest import Builder, House, Person

AtOnce = Callable[[list[Callable[[], Any]]], list[Any]]
PAGE = "/account/two-step"
VERIFY = "/sign-in/verify"


class App:
    """An authenticator app; `code` waits for the next step, so that it never says the same twice."""

    def __init__(self, secret: str, clock: SetClock) -> None:
        self.secret, self._clock = secret, clock

    def code(self, steps: int = 0) -> str:
        if not steps:
            self._clock.advance(seconds=30)
        return str(pyotp.TOTP(self.secret).at(self._clock.now() + timedelta(seconds=30 * steps)))


def set_up(account: Account, clock: SetClock) -> tuple[App, list[str]]:
    begun = account.client.api("POST", "me/factors/totp", token=account.access_token)
    app = App(begun["challenge"]["options"]["secret"], clock)
    done = go_on(account, begun, token=account.access_token, code=app.code())
    assert done["status"] == "linked", done
    return app, done["recovery_codes"]


def sign_in(account: Account) -> Answer:
    return account.client.api("POST", "sign-in/password", {"email": account.email, "password": account.password})


def go_on(account: Account, begun: Answer, token: str = "", **answer: str) -> Answer:
    return account.client.api("POST", "sign-in/continue", {"challenge": begun["challenge"]["id"], **answer}, token=token)


def by_recovery(account: Account, code: str) -> Answer:
    begun = sign_in(account)
    go_on(account, begun, use="recovery")
    return go_on(account, begun, code=code)


def result(answer: Answer) -> str:
    return answer.code or str(answer["status"])


def claims(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(answer["access_token"].split(".")[1] + "=="))
    return found


def core_of(app: Flask) -> Any:
    return app.extensions["authenticator"].core


# MF-01: replayed and mistimed codes


def test_mf_01_a_code_counts_once_and_only_around_its_time(as_user: AsUser, clock: SetClock) -> None:
    """ASVS 5.0 6.5.1, 6.5.5; RFC 6238 section 5.2."""
    ada = as_user()
    app, _ = set_up(ada, clock)
    for steps, taken in ((-3, False), (-2, False), (2, False), (3, False), (-1, True), (0, True), (1, True)):
        clock.advance(minutes=61)
        code = app.code(steps)
        assert result(go_on(ada, sign_in(ada), code=code)) == ("complete" if taken else "invalid_code"), steps
        if taken:
            assert result(go_on(ada, sign_in(ada), code=code)) == "invalid_code"


def test_mf_01_the_sender_s_idea_of_the_time_counts_for_nothing(as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    app, _ = set_up(ada, clock)
    old = app.code(-20)
    for headers in ({"Date": "Thu, 01 Jan 1970 00:00:00 GMT"}, {"X-Timestamp": "0"}):
        begun = sign_in(ada)
        body = {"challenge": begun["challenge"]["id"], "code": old}
        assert ada.client.api("POST", "sign-in/continue", body, headers=headers).code == "invalid_code"


# MF-03: guessing


def test_mf_03_a_challenge_takes_five_answers(as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    app, _ = set_up(ada, clock)
    begun = sign_in(ada)
    assert [go_on(ada, begun, code="000000").code for _ in range(5)] == ["invalid_code"] * 5
    assert go_on(ada, begun, code=app.code()).code == "challenge_expired"


def test_mf_03_new_challenges_and_patience_give_twenty_answers_an_hour(as_user: AsUser, clock: SetClock, auth_app: Flask) -> None:
    """The owner comes and goes meanwhile: her success must not give the guesser another try."""
    ada = as_user()
    app, codes = set_up(ada, clock)
    clock.advance(hours=2)
    end, looked_at, in_between = clock.now() + timedelta(minutes=58), 0, 0
    while clock.now() < end:
        begun = sign_in(ada)
        if begun.status == 200:
            guessed = [go_on(ada, begun, code="000000").code for _ in range(3)]
            assert set(guessed) <= {"invalid_code", "rate_limited"}
            looked_at += guessed.count("invalid_code")
        clock.advance(seconds=70)
        in_between += tried(ada, app) == "complete"
    assert in_between
    assert looked_at + in_between <= 20
    assert tried(ada, app) == "rate_limited"
    core_of(auth_app).store.forgive([f"account:password:user:{ada.id}"])
    refused = by_recovery(ada, codes[0])  # another second step is no way round it
    assert (refused.status, refused.code) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) > 0
    clock.advance(minutes=61)
    assert tried(ada, app) == "complete"


def tried(account: Account, app: App) -> str:
    """What comes of the owner's own sign-in."""
    begun = sign_in(account)
    return begun.code or result(go_on(account, begun, code=app.code()))


def test_mf_03_guesses_at_once_are_counted_one_by_one(as_user: AsUser, clock: SetClock, at_once: AtOnce, auth_app: Flask) -> None:
    ada = as_user()
    set_up(ada, clock)
    begun = []
    for _ in range(12):
        begun.append(sign_in(ada))
        core_of(auth_app).store.forgive([f"account:password:user:{ada.id}"])

    def guess(one: Answer) -> Callable[[], Answer]:
        body = {"challenge": one["challenge"]["id"], "code": "000000"}
        return lambda: ada.client.browser().api("POST", "sign-in/continue", body)

    answers = [answer.code for answer in at_once([guess(one) for one in begun])]
    assert set(answers) <= {"invalid_code", "rate_limited"}
    assert answers.count("invalid_code") <= 6


# MF-06: half a sign-in


def test_mf_06_half_a_sign_in_opens_nothing_at_any_door(as_user: AsUser, clock: SetClock, client: Browser, auth_app: Flask) -> None:
    """Every route, asked by a browser that has shown the password alone, answers as it answers a stranger."""
    ada = as_user()
    app, _ = set_up(ada, clock)
    before = len(core_of(auth_app).store.sessions_of(ada.id, clock.now()).items)
    assert ada.sign_in(client).path == VERIFY
    half, stranger = client, client.browser()
    tokens = half.get(VERIFY).forms[0].csrf, stranger.get("/sign-in").forms[0].csrf
    step = half.cookie("step")
    tried = 0
    for rule in auth_app.url_map.iter_rules():
        if rule.rule == VERIFY or rule.rule.endswith("static/<path:filename>"):
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: {"provider": "password", "name": "totp"}.get(found[1], "x"), rule.rule)
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            half.set_cookie("step", step)  # signing out took it away
            answers = [asked(who, method, path, token) for who, token in zip((half, stranger), tokens, strict=True)]
            assert answers[0] == answers[1], (method, path)
            tried += 1
    assert tried > 60
    assert len(core_of(auth_app).store.sessions_of(ada.id, clock.now()).items) == before
    half.set_cookie("step", step)
    assert half.submit(half.get(VERIFY), code=app.code()).path == "/account"


def asked(who: Browser, method: str, path: str, token: str) -> tuple[int, str, bool]:
    """What comes back: status, where it leads to, and whether it hands out a session or token."""
    more: dict[str, Any] = {}
    if path.startswith("/api/"):
        more = {"headers": {"Authorization": f"Bearer {who.cookie('step') or 'x'}"}, **({} if method == "GET" else {"json": {}})}
    elif method != "GET":
        more = {"data": {"csrf_token": token}}
    page = who._open(method, path, **more)
    opened = bool(who.cookie("session")) or "access_token" in str(page.json if "json" in (page.headers.get("Content-Type") or "") else "")
    return page.status, urlsplit(page.location).path, opened


@pytest.mark.parametrize("part", ["whole", "ticket", "binding"])
def test_mf_06_a_challenge_is_no_token(as_user: AsUser, clock: SetClock, part: str) -> None:
    ada = as_user()
    set_up(ada, clock)
    challenge = sign_in(ada)["challenge"]["id"]
    token = {"whole": challenge, "ticket": challenge.partition(".")[0], "binding": challenge.partition(".")[2]}[part]
    assert ada.client.api("GET", "me", token=token).code == "invalid_token"
    assert ada.client.api("POST", "token/refresh", {"refresh_token": challenge}).code == "invalid_token"
    assert ada.client.api("POST", "me/factors/recovery", token=token).code == "invalid_token"


# MF-08: recovery codes


def test_mf_08_codes_are_long_random_and_nowhere_in_a_dump(build: Builder, clock: SetClock) -> None:
    house = build(plugins=["password", "totp"])
    person = house.sign_up()
    codes = totp_in(house, person)[1]
    plain = [code.replace("-", "") for code in codes]
    assert all(re.fullmatch(r"[0-9][A-Z2-7]{16}", code) for code in plain)  # 80 bits after the slot
    assert len({code[1:] for code in plain}) == 10
    dump = house.dump()
    for code in (*codes, *plain, *(code[1:] for code in plain)):
        assert code.encode() not in dump


def totp_in(house: House, person: Person) -> tuple[pyotp.TOTP, list[str]]:
    begun = house.post("/me/factors/totp", {}, headers=person.bearer).json
    app = pyotp.TOTP(begun["challenge"]["options"]["secret"])
    body = {"challenge": begun["challenge"]["id"], "code": app.at(house.clock.now())}
    done = house.post("/sign-in/continue", body, headers=person.bearer).json
    assert done["status"] == "linked", done
    return app, done["recovery_codes"]


def test_mf_08_a_code_works_once_for_its_owner_alone(as_user: AsUser, clock: SetClock, outbox: Outbox) -> None:
    ada, eve = as_user("ada@example.com"), as_user("eve@example.com")
    _, hers = set_up(ada, clock)
    set_up(eve, clock)
    assert by_recovery(eve, hers[0]).code == "invalid_code"
    assert by_recovery(ada, hers[0][:-1]).code == "invalid_code"
    assert by_recovery(ada, hers[0][2:]).code == "invalid_code"
    assert result(by_recovery(ada, hers[0])) == "complete"
    assert by_recovery(ada, hers[0]).code == "invalid_code"
    assert "recovery code was used" in outbox.last(to=ada.email)["subject"]


def test_mf_08_of_many_who_send_one_code_at_once_one_gets_in(as_user: AsUser, clock: SetClock, at_once: AtOnce) -> None:
    ada = as_user()
    _, codes = set_up(ada, clock)
    begun = [sign_in(ada) for _ in range(4)]
    for one in begun:
        go_on(ada, one, use="recovery")

    def answer(one: Answer) -> Callable[[], Answer]:
        body = {"challenge": one["challenge"]["id"], "code": codes[0]}
        return lambda: ada.client.browser().api("POST", "sign-in/continue", body)

    assert [one.status for one in at_once([answer(one) for one in begun])].count(200) == 1


# MF-09: changing second steps


def test_mf_09_an_aged_session_changes_nothing(as_user: AsUser, clock: SetClock) -> None:
    """Not older than five minutes (ASVS 5.0 7.5.1, RFC 9470)."""
    ada = as_user()
    browser = ada.browser()
    begun = ada.client.api("POST", "me/factors/totp", token=ada.access_token)
    clock.advance(minutes=6)
    token = ada.client.api("POST", "token/refresh", {"refresh_token": ada.refresh_token})["access_token"]
    for method, path in (
        ("POST", "me/factors/totp"),
        ("POST", "me/factors/recovery"),
        ("DELETE", "me/factors/totp"),
        ("POST", "me/identities/google"),
    ):
        assert ada.client.api(method, path, {} if "identities" in path else None, token=token).code == "step_up_required", path
    late = pyotp.TOTP(begun["challenge"]["options"]["secret"]).at(clock.now())
    assert go_on(ada, begun, token=token, code=late).code == "step_up_required"
    csrf = browser.get(PAGE).forms[0].csrf
    for path in (f"{PAGE}/totp", f"{PAGE}/totp/remove", f"{PAGE}/codes"):
        page = browser.post(path, {"csrf_token": csrf})
        assert page.status == 403
        assert "Confirm that it is you" in page
    assert ada.client.api("GET", "me/factors", token=token)["factors"] == []


def test_mf_09_what_changes_is_told_and_the_key_is_never_shown_again(as_user: AsUser, clock: SetClock, outbox: Outbox) -> None:
    ada = as_user()
    browser = ada.browser()
    app, codes = set_up(ada, clock)
    shown = "".join(browser.get(path).html for path in (PAGE, "/account", "/account/activity"))
    shown += "".join(str(ada.client.api("GET", f"me/{path}", token=ada.access_token).body) for path in ("factors", "events", "identities"))
    shown += str([one["text"] for one in outbox.all()])
    for secret in (app.secret, *codes):
        assert secret not in shown
    ada.client.api("POST", "me/factors/recovery", token=ada.access_token)
    ada.client.api("DELETE", "me/factors/totp", token=ada.access_token)
    subjects = " ".join(one["subject"] for one in outbox.all(ada.email))
    for said in ("second step was set up", "New recovery codes", "second step was removed"):
        assert said in subjects


def test_mf_09_a_cookie_alone_changes_nothing_through_the_api(as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    set_up(ada, clock)
    browser = ada.client.browser()
    browser.set_cookie("session", core_cookie(ada, clock))
    for method, path in (
        ("POST", "me/factors/totp"),
        ("DELETE", "me/factors/totp"),
        ("POST", "me/factors/recovery"),
        ("DELETE", "me/devices"),
    ):
        assert browser.api(method, path).status == 401
    assert [one["name"] for one in browser.api("GET", "me/factors").body["factors"]] == ["totp"]


def core_cookie(account: Account, clock: SetClock) -> str:
    """The cookie of a session that has shown both steps."""
    browser = account.client.browser()
    secret = core_of(browser.app).store.logins_of(account.id, "totp")[0].secret
    browser.submit(account.sign_in(browser).follow(), code=App(json.loads(secret)["secret"], clock).code())
    return browser.cookie("session")


def test_mf_09_an_administrator_can_not_be_without_a_second_step(build: Builder) -> None:
    manor = build(environment="production", public_url="https://auth.example", plugins=["password", "totp"])
    person = manor.sign_up()
    totp_in(manor, person)

    manor.service.assign("operator", manor.service.find_user(person.id), Assignment(OWN, permission="users:read"))
    answer = manor.visitor().delete("/api/v1/me/factors/totp", headers=person.bearer)
    assert (answer.status_code, answer.json["code"]) == (409, "last_second_step")
    assert manor.post("/sign-in/password", {"email": person.email, "password": person.password}).json["status"] == "challenge"


# MF-10: what tokens say


def test_mf_10_tokens_tell_the_truth(as_user: AsUser, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """amr, acr and auth_time (ASVS 5.0 6.8.4)."""
    ada = as_user()
    assert (claims(sign_in(ada))["amr"], claims(sign_in(ada))["acr"]) == (["pwd"], "1")
    app, codes = set_up(ada, clock)
    begun = Clock().now()
    monkeypatch.setattr(Clock, "now", lambda _: begun)  # only the test moves it on: a slow machine takes a second to compare
    for done in (go_on(ada, sign_in(ada), code=app.code()), by_recovery(ada, codes[0])):
        said = claims(done)
        assert (said["amr"], said["acr"]) == (["pwd", "otp", "mfa"], "2")
        assert said["auth_time"] == int(clock.now().timestamp())


def test_mf_10_a_mailed_code_raises_no_assurance(as_user: AsUser, clock: SetClock, outbox: Outbox) -> None:
    """NIST SP 800-63B-4 section 3.1.3.1: neither alone nor as one of two."""
    ada = as_user()
    app, _ = set_up(ada, clock)
    begun = ada.client.api("POST", "sign-in/email", {"email": ada.email})
    second = go_on(ada, begun, code=outbox.code(to=ada.email))
    assert second["challenge"]["kind"] == "totp"
    said = claims(go_on(ada, second, code=app.code()))
    assert "mfa" not in said["amr"]
    assert said["acr"] == "1"


def test_mf_10_a_trusted_browser_counts_for_nothing_in_a_token(as_user: AsUser, clock: SetClock, client: Browser) -> None:
    ada = as_user()
    app, _ = set_up(ada, clock)
    client.submit(ada.sign_in(client).follow(), code=app.code(), trust="1")
    client.submit("/account", action="/sign-out")
    assert ada.sign_in(client).path == "/account"
    assert next(one["amr"] for one in client.api("GET", "me/sessions").body if one["current"]) == ["pwd"]
    assert result(sign_in(ada)) == "challenge"  # nor at another door


def test_mf_10_beside_text_messages_stands_something_better(as_user: AsUser) -> None:
    """ASVS 5.0 6.6.1."""
    ada = as_user()
    offered = {one["name"]: one["weak"] for one in ada.client.api("GET", "me/factors", token=ada.access_token)["available"]}
    assert offered["totp"] is False
    assert not [name for name, weak in offered.items() if weak and name != "sms"]
    page = ada.browser().get(PAGE)
    assert f"{PAGE}/totp" in page.html


# LK-11: the provider's word


@pytest.mark.parametrize("provider", ["google", "facebook", "twitter"])
def test_lk_11_a_provider_spares_nobody_the_second_step(
    as_user: AsUser, sign_in_via: SignInVia, clock: SetClock, client: Browser, provider: str
) -> None:
    ada = as_user("someone@example.com")
    sign_in_via.arrive(ada.browser().submit("/account", action=f"/account/link/{provider}"), "grace@example.com")
    app, _ = set_up(ada, clock)
    page = sign_in_via(provider, "grace@example.com").page
    assert page.path == VERIFY
    assert not client.signed_in
    client.submit(page.follow(), code=app.code())
    assert client.api("GET", "me").body["id"] == ada.id


@pytest.mark.parametrize("moment", ["before", "between"])
def test_lk_11_a_suspended_account_gets_in_by_no_step(
    as_user: AsUser, sign_in_via: SignInVia, clock: SetClock, client: Browser, auth_app: Flask, moment: str
) -> None:
    ada = as_user("someone@example.com")
    sign_in_via.arrive(ada.browser().submit("/account", action="/account/link/google"), "grace@example.com")
    app, _ = set_up(ada, clock)
    if moment == "before":
        suspend(auth_app, ada)
    page = sign_in_via("google", "grace@example.com").page
    if moment == "between":
        suspend(auth_app, ada)
        page = client.submit(page.follow(), code=app.code())
    assert page.status == 403
    assert not client.signed_in


def suspend(app: Flask, account: Account) -> None:
    service = app.extensions["authenticator"]
    service.change_status(service.find_user(account.id), Status.SUSPENDED, why="attack test", by="operator")


def test_lk_11_a_second_step_whose_plug_in_is_gone_still_keeps_the_account(as_user: AsUser, clock: SetClock, auth_app: Flask) -> None:
    """Uninstalling it must not open what it kept shut; recovery codes are what is left."""
    ada = as_user()
    _, codes = set_up(ada, clock)
    factors = core_of(auth_app).registry.factors
    gone = factors.pop("totp")
    try:
        begun = sign_in(ada)
        assert begun["challenge"]["kind"] == "recovery"
        assert go_on(ada, begun, use="totp").code == "invalid_request"
        assert result(go_on(ada, begun, code=codes[0])) == "complete"
        recovery = factors.pop("recovery")
        assert sign_in(ada).code == "forbidden"
        factors["recovery"] = recovery
    finally:
        factors["totp"] = gone


# SE-02: planted secrets


def test_se_02_a_planted_session_is_worth_nothing_after_any_step(as_user: AsUser, clock: SetClock, client: Browser) -> None:
    ada = as_user()
    app, _ = set_up(ada, clock)
    client.set_cookie("session", "planted" * 6)
    page = ada.sign_in(client).follow()
    assert client.cookie("session") == "planted" * 6  # nothing was made of it
    client.submit(page, code=app.code())
    first = client.cookie("session")
    assert first != "planted" * 6
    begun = client.post("/account/confirm/password", {"csrf_token": client.get("/account").forms[0].csrf}).follow()
    fields = {name: value for name, value in (("email", ada.email), ("password", ada.password)) if name in begun.form("password").names}
    second = client.submit(begun, **fields).follow()
    assert client.cookie("session") == first  # one step alone confirms nothing
    client.submit(second, code=app.code())
    assert client.cookie("session") not in ("", first)
    old = client.browser()
    for value in (first, "planted" * 6):
        old.set_cookie("session", value)
        assert not old.signed_in
    assert client.signed_in


def test_se_02_trust_can_not_be_planted(as_user: AsUser, clock: SetClock, client: Browser) -> None:
    """The attacker knows the password, and the browser's secret, because it was his before."""
    ada = as_user()
    app, _ = set_up(ada, clock)
    attacker = client.browser()
    attacker.get("/sign-in")
    client.set_cookie("browser", attacker.cookie("browser"))
    client.submit(ada.sign_in(client).follow(), code=app.code(), trust="1")
    assert ada.sign_in(attacker).path == VERIFY
    assert not attacker.signed_in


def test_se_02_a_conversation_of_another_browser_is_not_finished(as_user: AsUser, clock: SetClock, client: Browser) -> None:
    ada = as_user()
    app, _ = set_up(ada, clock)
    ada.sign_in(client)
    thief = client.browser()
    thief.get("/sign-in")
    thief.set_cookie("step", client.cookie("step"))
    thief.post(VERIFY, {"csrf_token": thief.get("/sign-in").forms[0].csrf, "code": app.code()})
    assert not thief.signed_in
