"""Second steps as a person and a program live with them: set up, asked for, swapped, lost, trusted, taken away."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pyotp
import pytest
from flask import Flask

from authenticator.applications import OWN, Assignment
from authenticator.clock import SetClock
from authenticator.service import Service
from authenticator.testing.client import Answer, Browser, Page
from authenticator.testing.people import Account, AsUser, Outbox, SignInVia

PAGE = "/account/two-step"
VERIFY = "/sign-in/verify"


class App:
    """An authenticator app on a telephone. Time passes while one looks for it, so that no code is the one from before."""

    def __init__(self, secret: str, clock: SetClock) -> None:
        self._codes, self._clock = pyotp.TOTP(secret), clock

    def code(self) -> str:
        self._clock.advance(seconds=30)
        return self._codes.at(self._clock.now())


def set_up(account: Account, clock: SetClock) -> tuple[App, list[str]]:
    """TOTP through the API, and the recovery codes that come with it."""
    begun = account.client.api("POST", "me/factors/totp", token=account.access_token)
    assert begun.status == 200, begun
    app = App(begun["challenge"]["options"]["secret"], clock)
    done = go_on(account.client, begun, token=account.access_token, code=app.code())
    assert (done["status"], done["linked"]) == ("linked", "totp"), done
    return app, done["recovery_codes"]


def go_on(client: Browser, begun: Answer, token: str = "", **answer: str) -> Answer:
    return client.api("POST", "sign-in/continue", {"challenge": begun["challenge"]["id"], **answer}, token=token)


def sign_in(account: Account) -> Answer:
    return account.client.api("POST", "sign-in/password", {"email": account.email, "password": account.password})


def claims(answer: Answer) -> dict[str, Any]:
    payload = answer["access_token"].split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return found


def confirm(account: Account, browser: Browser) -> Page:
    """Prove once more on the page that it is her, with the password alone."""
    asked = browser.post("/account/confirm/password", {"csrf_token": browser.get(PAGE).forms[0].csrf}).follow()
    return browser.submit(asked, **{name: value for name, value in fields_of(account).items() if name in asked.form("password").names})


def fields_of(account: Account) -> dict[str, str]:
    return {"email": account.email, "password": account.password}


# Set up


def test_a_person_sets_up_an_authenticator_app_on_the_page(as_user: AsUser, clock: SetClock, outbox: Outbox) -> None:
    ada = as_user()
    browser = ada.browser()
    page = browser.submit(PAGE, action="/two-step/totp").follow()
    assert "<svg" in page.html
    assert "style=" not in page.html
    secret = page.html.split("<code>")[1].split("</code>")[0]
    assert [len(group) for group in secret.split()] == [4] * 8
    app = App(secret.replace(" ", ""), clock)
    wrong = browser.submit(page, code="000000")
    assert wrong.status == 401
    assert secret in wrong
    codes = browser.submit(wrong, code=app.code())
    assert codes.status == 200
    listed = codes.html.split('<pre class="secret codes">')[1].split("</pre>")[0].split()
    assert [code[0] for code in listed] == list("0123456789")
    shown = browser.get(codes.links[-1])
    assert "It is set up" in shown
    assert secret not in shown.html
    assert listed[0] not in shown.html
    assert "A second step was set up" in outbox.last(to=ada.email)["subject"]


def test_nobody_sets_up_the_same_twice(as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    twin = ada.client.api("POST", "me/factors/totp", token=ada.access_token)
    set_up(ada, clock)
    again = ada.client.api("POST", "me/factors/totp", token=ada.access_token)
    assert (again.status, again.code) == (409, "conflict")
    late = pyotp.TOTP(twin["challenge"]["options"]["secret"]).at(clock.now())
    assert go_on(ada.client, twin, token=ada.access_token, code=late).code == "conflict"
    kinds = [one["name"] for one in ada.client.api("GET", "me/factors", token=ada.access_token)["factors"]]
    assert kinds == ["totp"]


def test_what_was_begun_with_a_token_goes_on_only_with_it(as_user: AsUser, clock: SetClock) -> None:
    ada, eve = as_user("ada@example.com"), as_user("eve@example.com")
    for token, code in (("", "invalid_token"), (eve.access_token, "invalid_token")):
        begun = ada.client.api("POST", "me/factors/totp", token=ada.access_token)
        right = pyotp.TOTP(begun["challenge"]["options"]["secret"]).at(clock.now())
        assert go_on(ada.client, begun, token=token, code=right).code == code
    for one in (ada, eve):
        assert one.client.api("GET", "me/factors", token=one.access_token)["factors"] == []


@pytest.mark.parametrize(
    ("name", "code"), [("nothing", "unknown_provider"), ("recovery_", "unknown_provider"), ("password", "unknown_provider")]
)
def test_only_a_second_step_that_is_here_can_be_set_up(as_user: AsUser, name: str, code: str) -> None:
    ada = as_user()
    assert ada.client.api("POST", f"me/factors/{name}", token=ada.access_token).code == code


# Asked for


def test_a_program_signs_in_with_two_steps_and_its_token_says_so(as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    assert claims(sign_in(ada))["acr"] == "1"
    app, _ = set_up(ada, clock)
    begun = sign_in(ada)
    assert (begun["status"], begun["challenge"]["kind"]) == ("challenge", "totp")
    assert begun["challenge"]["options"]["others"] == [{"name": "recovery", "label": "Recovery code"}]
    assert [field["name"] for field in begun["challenge"]["fields"]] == ["code"]
    done = go_on(ada.client, begun, code=app.code())
    assert done["status"] == "complete"
    assert (claims(done)["amr"], claims(done)["acr"]) == (["pwd", "otp", "mfa"], "2")
    clock.advance(hours=25)
    fresh = ada.client.api("POST", "token/refresh", {"refresh_token": done["refresh_token"]})
    assert (claims(fresh)["amr"], claims(fresh)["acr"]) == (["pwd", "otp", "mfa"], "1")
    assert claims(fresh)["auth_time"] == claims(done)["auth_time"]


def test_a_person_signs_in_with_two_steps_on_the_page(as_user: AsUser, client: Browser, clock: SetClock) -> None:
    ada = as_user()
    app, codes = set_up(ada, clock)
    page = ada.sign_in(client).follow()
    assert client.cookie("session") == ""
    wrong = client.submit(page, code="000000")
    assert wrong.status == 401
    other = client.post(VERIFY, {"csrf_token": wrong.forms[0].csrf, "use": "recovery"}).follow()
    assert "recovery code" in other
    back = client.post(VERIFY, {"csrf_token": other.forms[0].csrf, "use": "totp"}).follow()
    assert client.submit(back, code=app.code()).path == "/account"
    assert client.signed_in
    assert codes[0] not in client.get(PAGE).html


def test_switching_between_second_steps_wins_no_further_tries(as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    set_up(ada, clock)
    begun, answers = sign_in(ada), []
    for number in range(6):
        go_on(ada.client, begun, use=("recovery", "totp")[number % 2])
        answers.append(go_on(ada.client, begun, code="000000").code)
    assert answers == ["invalid_code"] * 5 + ["challenge_expired"]


def test_only_what_is_set_up_can_be_chosen(as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    app, _ = set_up(ada, clock)
    begun = sign_in(ada)
    for name in ("passkey", "nothing", "password"):
        assert go_on(ada.client, begun, use=name).code == "invalid_request"
    assert go_on(ada.client, begun, code=app.code())["status"] == "complete"


def test_a_provider_s_word_does_not_spare_the_second_step(
    as_user: AsUser, sign_in_via: SignInVia, clock: SetClock, client: Browser
) -> None:
    ada = as_user()
    sign_in_via.arrive(ada.browser().submit("/account", action="/account/link/google"), "grace@example.com")
    app, _ = set_up(ada, clock)
    page = sign_in_via("google", "grace@example.com").page
    assert page.path == VERIFY
    assert not client.signed_in
    client.submit(page.follow(), code=app.code())
    assert client.signed_in


# Recovery codes


def test_a_recovery_code_stands_in_once_however_it_is_typed(as_user: AsUser, clock: SetClock, outbox: Outbox) -> None:
    ada = as_user()
    _, codes = set_up(ada, clock)
    for typed, result in ((f" {codes[3].lower().replace('-', ' ')} ", "complete"), (codes[3], "invalid_code"), (codes[4], "complete")):
        begun = sign_in(ada)
        go_on(ada.client, begun, use="recovery")
        done = go_on(ada.client, begun, code=typed)
        assert (done.code or done["status"]) == result
    assert "8 of them are left" in outbox.last(to=ada.email)["text"]
    assert ada.client.api("GET", "me/factors", token=done["access_token"])["recovery_codes_left"] == 8
    kinds = [one["kind"] for one in ada.client.api("GET", "me/events", token=done["access_token"]).body]
    assert kinds.count("recovery_code_used") == 2
    assert "second_step_failed" in kinds


def test_a_new_set_kills_the_old_one(as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    _, old = set_up(ada, clock)
    new = ada.client.api("POST", "me/factors/recovery", token=ada.access_token)
    assert new.status == 201
    assert not set(new["recovery_codes"]) & set(old)
    for code, result in ((old[0], "invalid_code"), (new["recovery_codes"][0], "complete")):
        begun = sign_in(ada)
        go_on(ada.client, begun, use="recovery")
        done = go_on(ada.client, begun, code=code)
        assert (done.code or done["status"]) == result


def test_there_are_no_recovery_codes_without_a_second_step(as_user: AsUser) -> None:
    ada = as_user()
    assert ada.client.api("POST", "me/factors/recovery", token=ada.access_token).code == "conflict"


def test_new_codes_are_shown_on_the_page_once(as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    browser = ada.browser()
    set_up(ada, clock)
    shown = browser.submit(PAGE, action="/two-step/codes")
    code = shown.html.split('<pre class="secret codes">')[1].split()[0]
    assert code.startswith("0-")
    assert code not in browser.get(PAGE).html


# Taken away


def test_taking_the_last_one_away_takes_the_codes_and_the_trust_along(as_user: AsUser, clock: SetClock, outbox: Outbox) -> None:
    ada = as_user()
    browser = ada.browser()
    app, codes = set_up(ada, clock)
    trusting = ada.client.browser()
    trusting.submit(ada.sign_in(trusting).follow(), code=app.code(), trust="1")
    assert browser.submit(PAGE, action="/two-step/totp/remove").path == PAGE
    assert "now has no second step" in outbox.last(to=ada.email)["text"]
    left = ada.client.api("GET", "me/factors", token=ada.access_token).body
    assert (left["factors"], left["recovery_codes_left"], left["trusted_browsers"]) == ([], 0, 0)
    assert sign_in(ada)["status"] == "complete"
    set_up(ada, clock)
    begun = sign_in(ada)
    go_on(ada.client, begun, use="recovery")
    assert go_on(ada.client, begun, code=codes[0]).code == "invalid_code"


def test_taking_away_what_is_not_there_is_told(as_user: AsUser) -> None:
    ada = as_user()
    for name in ("totp", "recovery", "nothing"):
        assert ada.client.api("DELETE", f"me/factors/{name}", token=ada.access_token).status == 404


# Trusted browsers


def test_a_trusted_browser_is_not_asked_for_a_month_and_others_are(as_user: AsUser, client: Browser, clock: SetClock) -> None:
    ada = as_user()
    app, _ = set_up(ada, clock)
    asked = ada.sign_in(client).follow()
    before = client.cookie("browser")
    client.submit(asked, code=app.code(), trust="1")
    assert client.cookie("browser") not in ("", before)  # nobody can have planted what is trusted
    sign_out(client)
    assert ada.sign_in(client).path == "/account"
    assert ada.sign_in(client.browser()).path == VERIFY
    sign_out(client)
    clock.advance(days=31)
    assert ada.sign_in(client).path == VERIFY


def sign_out(browser: Browser) -> None:
    browser.submit("/account", action="/sign-out")
    assert not browser.signed_in


def test_trust_is_no_proof_of_two_factors(as_user: AsUser, client: Browser, clock: SetClock) -> None:
    ada = as_user()
    app, _ = set_up(ada, clock)
    client.submit(ada.sign_in(client).follow(), code=app.code(), trust="1")
    sign_out(client)
    ada.sign_in(client)
    current = next(one for one in client.api("GET", "me/sessions").body if one["current"])
    assert current["amr"] == ["pwd"]
    clock.advance(minutes=6)
    assert confirm(ada, client).path == VERIFY


def test_another_person_is_asked_in_a_browser_that_somebody_trusts(as_user: AsUser, client: Browser, clock: SetClock) -> None:
    ada, bob = as_user("ada@example.com"), as_user("bob@example.com")
    app, _ = set_up(ada, clock)
    set_up(bob, clock)
    client.submit(ada.sign_in(client).follow(), code=app.code(), trust="1")
    sign_out(client)
    assert bob.sign_in(client).path == VERIFY


def test_all_browsers_can_be_forgotten(as_user: AsUser, client: Browser, clock: SetClock) -> None:
    ada = as_user()
    app, _ = set_up(ada, clock)
    client.submit(ada.sign_in(client).follow(), code=app.code(), trust="1")
    assert "Every browser asks" in client.submit(PAGE, action="/two-step/forget").follow()
    sign_out(client)
    assert ada.sign_in(client).path == VERIFY
    client.submit(client.get(VERIFY), code=app.code(), trust="1")
    assert ada.client.api("DELETE", "me/devices", token=refreshed(ada))["forgotten"] == 1
    sign_out(client)
    assert ada.sign_in(client).path == VERIFY


def refreshed(account: Account) -> str:
    answer = account.client.api("POST", "token/refresh", {"refresh_token": account.refresh_token})
    account.refresh_token = answer["refresh_token"]
    return str(answer["access_token"])


class TestWhereTrustIsNotOffered:
    @pytest.fixture
    def auth_settings(self) -> dict[str, Any]:
        return {"TRUSTED_DEVICE_DAYS": 0}

    def test_a_made_up_wish_is_no_field(self, as_user: AsUser, client: Browser, clock: SetClock) -> None:
        ada = as_user()
        app, _ = set_up(ada, clock)
        asked = ada.sign_in(client).follow()
        assert "trust" not in asked.form("code").names
        assert client.submit(asked, code=app.code()).path == "/account"
        assert "Trusted browsers" not in client.get(PAGE)


# Proof once more


def test_a_program_proves_once_more_with_both_steps(as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    app, _ = set_up(ada, clock)
    clock.advance(minutes=6)
    token = refreshed(ada)
    assert ada.client.api("POST", "me/factors/recovery", token=token).code == "step_up_required"
    fields = confirm_fields(ada, token)
    begun = ada.client.api("POST", "me/confirm/password", fields, token=token)
    assert begun["challenge"]["kind"] == "totp"
    assert "trust" not in [field["name"] for field in begun["challenge"]["fields"]]
    assert ada.client.api("POST", "me/factors/recovery", token=token).code == "step_up_required"
    done = go_on(ada.client, begun, token=token, code=app.code())
    assert (done["status"], done["session_id"]) == ("complete", ada.session_id)
    assert "refresh_token" not in done.body
    assert (claims(done)["acr"], claims(done)["sid"]) == ("2", ada.session_id)
    assert ada.client.api("POST", "me/factors/recovery", token=done["access_token"]).status == 201
    assert refreshed(ada)


def confirm_fields(account: Account, token: str) -> dict[str, str]:
    """What the password provider wants of somebody signed in: an empty answer makes it say so."""
    told = account.client.api("POST", "me/confirm/password", {}, token=token)
    return {name: value for name, value in fields_of(account).items() if name in told["errors"]}


def test_a_program_adds_a_provider_to_an_account(as_user: AsUser, sign_in_via: SignInVia, client: Browser) -> None:
    ada = as_user()
    begun = client.api("POST", "me/identities/google", {}, token=ada.access_token)
    assert begun["status"] == "redirect"
    callback = sign_in_via.choose(begun["url"], "grace@example.com")
    done = go_on(client, begun, token=ada.access_token, **dict(parse_qsl(urlsplit(callback).query)))
    assert (done["status"], done["linked"]) == ("linked", "google")
    ways = [one["provider"] for one in client.api("GET", "me/identities", token=ada.access_token).body]
    assert "google" in ways


# New devices


def test_a_sign_in_from_a_new_device_is_told_once(as_user: AsUser, outbox: Outbox, client: Browser) -> None:
    ada = as_user()
    sign_in(ada)
    assert [one for one in outbox.all(ada.email) if "new device" in one["subject"]] == []
    firefox = client.browser(agent="Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0")
    for _ in range(2):
        ada.sign_in(firefox)
        told = [one for one in outbox.all(ada.email) if "new device" in one["subject"]]
        assert len(told) == 1
        sign_out(firefox)
    assert "Firefox" in told[0]["text"]
    kinds = [one["kind"] for one in client.api("GET", "me/events", token=ada.access_token).body]
    assert kinds.count("new_device") == 1


@pytest.mark.parametrize("door", ["page", "api", "command"])
def test_who_has_lost_every_second_step_is_let_in_by_an_administrator_who_knows_her(
    door: str, as_user: AsUser, clock: SetClock, auth_app: Flask, outbox: Outbox
) -> None:
    ada, chief = as_user("ada@example.com"), as_user("root@example.com")
    service: Service = auth_app.extensions["authenticator"]
    service.assign("operator", service.find_user(chief.id), Assignment(OWN, role="administrator"))
    set_up(ada, clock)
    hers = service.find_user(ada.id)
    assert sign_in(ada)["status"] == "challenge"
    here, browser = f"/admin/users/{ada.id}", chief.browser()
    if door == "page":
        unsure = browser.submit(here, action="/second-steps/remove")
        assert (unsure.status, 'id="sure-error"' in unsure.html) == (422, True)
        assert service.find_user(ada.id).factors
        assert "were removed" in browser.submit(here, action="/second-steps/remove", sure="1").follow()
    elif door == "api":
        assert chief.client.api("DELETE", f"users/{ada.id}/factors", token=chief.access_token).status == 204
        assert chief.client.api("DELETE", f"users/{ada.id}/factors", token=chief.access_token).status == 409
    else:
        service.remove_factors(hers, by="operator")
    assert not ada.client.signed_in
    again = sign_in(ada)
    assert again["status"] == "complete"
    assert service.factors(service.find_user(ada.id)).recovery_left == 0
    assert "second steps" in outbox.last("ada@example.com")["subject"]
    told = [event for event in service.events(hers).items if event.kind == "factor_removed"]
    assert [(event.detail["factor"], event.detail["by"]) for event in told] == [("totp", "operator" if door == "command" else chief.id)]
    assert ada.client.api("POST", "me/factors/totp", token=again["access_token"]).status == 200, "she sets one up anew"


def test_nobody_takes_the_second_step_of_who_may_more(as_user: AsUser, clock: SetClock, auth_app: Flask) -> None:
    clerk, chief = as_user("clerk@example.com"), as_user("root@example.com")
    service: Service = auth_app.extensions["authenticator"]
    service.assign("operator", service.find_user(clerk.id), Assignment(OWN, permission="users:write"))
    service.assign("operator", service.find_user(chief.id), Assignment(OWN, role="administrator"))
    set_up(chief, clock)
    for who in (chief, clerk):
        assert clerk.client.api("DELETE", f"users/{who.id}/factors", token=clerk.access_token).status == 403
    assert service.find_user(chief.id).factors == ("totp",)
