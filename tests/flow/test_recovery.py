"""Stories of people who have forgotten their password, have none, or are invited to choose their first."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from authenticator.clock import SetClock
from authenticator.flows import recovery
from authenticator.flows.accounts import NewPerson
from authenticator.flows.core import Core
from authenticator.models import LoginKey
from authenticator.testing.client import Answer, Browser
from authenticator.testing.people import AsUser, Outbox, SignInVia

NEW = "nine herons on a quiet river"
ADA = "ada@example.com"


@pytest.fixture
def core(auth_app: Flask) -> Core:
    found: Core = auth_app.extensions["authenticator"].core
    return found


def sign_in(client: Browser, password: str, who: str = ADA) -> Answer:
    return client.browser().api("POST", "sign-in/password", {"email": who, "password": password})


def forgot(client: Browser, who: str = ADA) -> Answer:
    return client.browser().api("POST", "password/forgot", {"email": who})


def reset(client: Browser, password: str = NEW, **by: str) -> Answer:
    return client.browser().api("POST", "password/reset", {"new_password": password, **by})


def token(message: dict[str, Any]) -> str:
    found = re.search(r"/reset-password\?token=(\S+)", message["link"])
    assert found, message
    return found[1]


def test_a_person_chooses_a_new_password_by_the_mailed_link(as_user: AsUser, client: Browser, outbox: Outbox) -> None:
    ada = as_user()
    browser, inside = client.browser(), ada.browser()
    asking = browser.get("/sign-in")
    assert "/forgot-password" in asking.links
    sent = browser.submit("/forgot-password", email="ADA@example.com")
    assert (sent.status, sent.path) == (303, "/reset-password")
    mail = outbox.last(to=ADA)
    assert mail["link"].startswith(f"{client.base}/reset-password?token=")
    page = browser.get(mail["link"])
    assert (page.status, ADA in page.html) == (200, True)
    done = browser.submit(page, new_password=NEW)
    assert (done.status, "Sign in with your new password" in done.follow()) == (303, True)
    assert not browser.signed_in
    assert not inside.signed_in
    assert sign_in(client, ada.password).code == "invalid_credentials"
    assert sign_in(client, NEW).status == 200
    assert "Your password was changed" in outbox.last(to=ADA)["subject"]


def test_a_person_types_the_code_into_the_browser_that_waits(as_user: AsUser, client: Browser, outbox: Outbox) -> None:
    as_user()
    browser = client.browser()
    waiting = browser.submit("/forgot-password", email=ADA).follow()
    assert waiting.form("email", "code", "new_password").values["email"] == ADA
    wrong = browser.submit(waiting, email=ADA, code="000000x", new_password=NEW)
    assert (wrong.status, "That code is not right" in wrong) == (401, True)
    assert NEW not in wrong.html
    poor = browser.submit(wrong, email=ADA, code=outbox.code(to=ADA), new_password="lovelace")
    assert (poor.status, "too close to your name" in poor) == (422, True)
    done = browser.submit(poor, email=ADA, code=outbox.code(to=ADA), new_password=NEW)
    assert (done.status, done.path) == (303, "/reset-password")
    assert sign_in(client, NEW).status == 200


def test_a_program_resets_by_link_and_by_code(as_user: AsUser, client: Browser, outbox: Outbox) -> None:
    as_user()
    assert forgot(client).status == 202
    assert reset(client, token=token(outbox.last(to=ADA))).status == 204
    assert sign_in(client, NEW).status == 200
    assert forgot(client).status == 202
    assert reset(client, "five more quiet herons", email=ADA, code=outbox.code(to=ADA)).status == 204
    assert sign_in(client, "five more quiet herons").status == 200


@pytest.mark.parametrize("by", [{"token": "x.y"}, {"token": "x" * 200}])
def test_a_link_that_is_none_is_refused(client: Browser, by: dict[str, str]) -> None:
    answer = reset(client, **by)
    assert (answer.status, answer.code) == (400, "invalid_link")


def test_a_dead_link_leads_to_asking_for_a_new_one(as_user: AsUser, client: Browser, outbox: Outbox, clock: SetClock) -> None:
    as_user()
    forgot(client)
    link = outbox.last(to=ADA)["link"]
    clock.advance(minutes=31)
    page = client.browser().get(link)
    assert (page.status, "not valid any more" in page) == (400, True)
    assert page.form("email").action.endswith("/forgot-password")


def test_a_poor_password_leaves_the_link_good(as_user: AsUser, client: Browser, outbox: Outbox) -> None:
    as_user()
    forgot(client)
    browser = client.browser()
    page = browser.get(outbox.last(to=ADA)["link"])
    again = browser.submit(page, new_password="password1")
    assert (again.status, "everybody tries first" in again) == (422, True)
    assert browser.submit(again, new_password=NEW).status == 303


def test_somebody_with_only_google_gets_a_password_this_way(sign_in_via: SignInVia, client: Browser, outbox: Outbox) -> None:
    assert sign_in_via("google").signed_in
    assert sign_in(client, NEW).code == "invalid_credentials"
    forgot(client)
    assert reset(client, token=token(outbox.last(to=ADA))).status == 204
    assert sign_in(client, NEW).status == 200


def test_somebody_with_only_a_phone_gets_a_code_by_sms(core: Core, client: Browser, outbox: Outbox) -> None:
    service_user = recovery_user(core, phone="+447400123456")
    assert forgot(client, "+44 7400 123456").status == 202
    text = outbox.last(to="+447400123456")
    assert text["channel"] == "sms"
    assert text["code"] in text["text"]
    assert reset(client, email="+44 7400 123456", code=text["code"]).status == 204
    assert sign_in(client, NEW, "+447400123456")["user"]["id"] == service_user


def recovery_user(core: Core, **facts: str) -> str:
    from authenticator.flows import accounts

    verified = {f"{name}_verified": True for name in facts}
    return accounts.create(core, NewPerson(**facts, **verified), by="operator").id  # type: ignore[arg-type]


def test_a_user_name_leads_to_the_main_address(as_user: AsUser, core: Core, client: Browser, outbox: Outbox) -> None:
    ada = as_user()
    done = client.api("PATCH", "me", {"username": "countess"}, token=ada.access_token)
    assert done.status == 200, done
    forgot(client, "Countess")
    assert reset(client, token=token(outbox.last(to=ADA))).status == 204
    assert sign_in(client, NEW, "countess").status == 200


@pytest.mark.parametrize("who", ["nobody@example.com", "nobody", "+447400999999"])
def test_nobody_is_told_that_an_account_does_not_exist(client: Browser, outbox: Outbox, who: str) -> None:
    answer = forgot(client, who)
    assert (answer.status, answer.body) == (202, {})
    assert len(outbox) == 0


def test_what_is_no_name_at_all_is_said_beside_the_field(client: Browser) -> None:
    assert forgot(client, "a b@c").code == "validation_failed"
    page = client.submit("/forgot-password", email="a b@c")
    assert page.status == 422
    assert page.form("email").values["email"] == "a b@c"


def test_an_invited_person_chooses_her_first_password_and_proves_her_address(
    core: Core, client: Browser, outbox: Outbox, clock: SetClock
) -> None:
    from authenticator.flows import accounts

    user = accounts.create(core, NewPerson(email="Grace@example.com"), by="operator")
    recovery.invite(core, user, by="operator")
    mail = outbox.last(to="grace@example.com")
    clock.advance(days=6, hours=23)
    browser = client.browser()
    page = browser.get(mail["link"])
    assert "An account has been prepared for you" in page
    assert browser.submit(page, new_password=NEW).status == 303
    signed = sign_in(client, NEW, "grace@example.com")
    assert signed["user"]["email_verified"] is True
    assert browser.get(mail["link"]).status == 400
    kinds = [event.kind for event in core.store.events_of(user.id).items]
    assert {"user_invited", "password_reset"} <= set(kinds)


def test_an_invitation_lives_for_seven_days_and_the_newest_works(core: Core, client: Browser, outbox: Outbox, clock: SetClock) -> None:
    from authenticator.flows import accounts

    user = accounts.create(core, NewPerson(email="grace@example.com"), by="operator")
    recovery.invite(core, user, by="operator")
    first = token(outbox.last(to="grace@example.com"))
    recovery.invite(core, user, by="operator")
    assert reset(client, token=first).code == "invalid_link"
    clock.advance(days=7, seconds=1)
    assert reset(client, token=token(outbox.last(to="grace@example.com"))).code == "invalid_link"


def test_an_operator_asks_for_a_new_password_and_never_chooses_it(as_user: AsUser, core: Core, client: Browser, outbox: Outbox) -> None:
    ada = as_user()
    inside = ada.browser()
    user = core.store.user_by_id(ada.id)
    assert user
    recovery.require_reset(core, user, by="operator")
    assert not inside.signed_in
    refused = sign_in(client, ada.password)
    assert (refused.status, refused.code) == (403, "reset_required")
    assert sign_in(client, "something else altogether").code == "invalid_credentials"
    mail = outbox.last(to=ADA)
    assert "asks you to choose a new password" in mail["text"]
    assert reset(client, token=token(mail)).status == 204
    assert sign_in(client, NEW).status == 200
    after = core.store.user_by_id(ada.id)
    assert after
    assert not after.must_reset


def test_a_reset_keeps_what_else_signs_her_in(sign_in_via: SignInVia, core: Core, client: Browser, outbox: Outbox) -> None:
    journey = sign_in_via("google")
    forgot(client)
    reset(client, token=token(outbox.last(to=ADA)))
    assert {key.provider for key in core.store.keys_of(journey.me["id"] if journey.signed_in else owner(core))} >= {"google", "password"}
    assert sign_in_via("google", browser=client.browser()).signed_in


def owner(core: Core) -> str:
    key = LoginKey("email", ADA)
    return core.store.owners([key])[key]


def test_without_the_password_provider_there_is_no_way_back_by_password(client: Browser, core: Core) -> None:
    core.registry.providers.pop("password")
    assert client.get("/forgot-password").status == 404
    assert forgot(client).status == 404
