"""Whether a person with nothing but a phone number gets an account and comes back, and the second step by text message holds."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from authenticator_phone import Phone, PhoneOptions, Sms
from flask import Flask

from authenticator.clock import SetClock
from authenticator.errors import AuthError
from authenticator.kinds.codes import hint, proved
from authenticator.models import Client, Contact, Intent, LoginKey, NewKey, Status, User
from authenticator.plugin import Visit
from authenticator.testing.client import Answer, Browser
from authenticator.testing.people import Account, AsUser, Outbox

NUMBER, HERS = "+447400123456", "+447400654321"


def begin(client: Browser, number: str = NUMBER, *, wish: str = "sign-in", **fields: str) -> str:
    """Ask for a code as a program; the challenge."""
    answer = client.api("POST", f"{wish}/phone", {"phone_number": number, **fields})
    assert answer.status == (202 if wish == "sign-up" else 200), answer
    assert answer["challenge"]["kind"] == "code"
    return str(answer["challenge"]["id"])


def finish(client: Browser, challenge: str, code: str) -> Answer:
    return client.api("POST", "sign-in/continue", {"challenge": challenge, "code": code})


def sign_up(client: Browser, outbox: Outbox, number: str = NUMBER, **fields: str) -> Answer:
    done = finish(client, begin(client, number, wish="sign-up", **fields), outbox.code(to=number))
    assert done.status in (200, 201), done
    return done


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


# Who comes in


def test_a_person_with_only_a_phone_signs_up_and_is_who_she_said(client: Browser, outbox: Outbox) -> None:
    user = sign_up(client, outbox, given_name="Ada", family_name="Lovelace")["user"]
    assert (user["phone_number"], user["phone_number_verified"], user["country"]) == (NUMBER, True, "GB")
    assert (user["email"], user["name"]["given"], user["name"]["family"]) == (None, "Ada", "Lovelace")


def test_she_signs_in_and_out_again_as_a_program(client: Browser, outbox: Outbox) -> None:
    first = sign_up(client, outbox)
    again = finish(client, begin(client), outbox.code(to=NUMBER))
    assert again["user"]["id"] == first["user"]["id"]
    assert client.api("POST", "sign-out", token=again["access_token"]).status == 204
    assert client.api("GET", "me", token=again["access_token"]).code == "token_revoked"


def test_she_signs_up_in_and_out_on_the_pages(client: Browser, outbox: Outbox) -> None:
    for page in ("/sign-up", "/sign-in"):
        shown = client.get(f"{page}/phone")
        form = next(form for form in shown.forms if form.values.get("provider") == "phone")
        asked = client.post(page, {**form.values, "phone_number": "07400 123456", "country": "GB"}).follow()
        assert "Check your phone" in asked
        assert client.submit(asked, code=outbox.code(to=NUMBER)).status == 303
        account = client.get("/account")
        assert "+44 7400 123456" in account
        client.submit(account, action="/sign-out")
        assert not client.signed_in


@pytest.mark.parametrize("typed", ["+44 (0)7400-123456", "0044 7400 123456", "+44 7400 123456"])
def test_a_number_typed_in_any_way_is_the_same_person(client: Browser, outbox: Outbox, typed: str) -> None:
    first = sign_up(client, outbox)
    again = finish(client, begin(client, typed), outbox.code(to=NUMBER))
    assert again["user"]["id"] == first["user"]["id"]


def prove_number(client: Browser, outbox: Outbox, token: str, number: str = NUMBER) -> None:
    """Add a number to an account, as a program does."""
    added = client.api("POST", "me/phones", {"phone_number": number}, token)
    assert added.status == 201, added
    proved = client.api("POST", f"me/phones/{added['id']}/verify", {"code": outbox.code(to=number)}, token)
    assert proved.status in (200, 204), proved


def test_a_number_added_to_an_account_and_proved_there_signs_in(as_user: AsUser, client: Browser, outbox: Outbox) -> None:
    ada = as_user()
    prove_number(client, outbox, ada.access_token)
    assert finish(client, begin(client), outbox.code(to=NUMBER))["user"]["id"] == ada.id


def add_number(core: Any, user_id: str, number: str) -> None:
    """The same past all pages and limits."""
    now = core.clock.now()
    user = core.store.user_by_id(user_id)
    core.store.add_login_key(user_id, NewKey(LoginKey("phone", number), number), now)
    contact = Contact(core.ids.new(), "phone", number, number, proved_at=now, primary=True)
    assert core.store.save_user(replace(user, contacts=(*user.contacts, contact)))


def test_a_known_and_an_unknown_number_are_asked_alike(client: Browser, outbox: Outbox) -> None:
    sign_up(client, outbox)
    known, unknown = (client.api("POST", "sign-in/phone", {"phone_number": number}) for number in (NUMBER, HERS))
    for answer in (known, unknown):
        answer["challenge"].pop("id")
        answer["challenge"].pop("expires_in")
    assert known["challenge"]["options"] == {"sent_to": "+44…56"}
    assert str(known.body).replace(NUMBER, HERS).replace("+44…56", "+44…21") == str(unknown.body)


def test_a_suspended_person_stays_out(client: Browser, outbox: Outbox, auth_app: Flask) -> None:
    service = auth_app.extensions["authenticator"]
    user = service.user(sign_up(client, outbox)["user"]["id"])
    service.change_status(user, Status.SUSPENDED, why="a test", by="operator")
    assert finish(client, begin(client), outbox.code(to=NUMBER)).code == "account_suspended"


# The code


def test_a_new_code_kills_the_one_before(client: Browser, outbox: Outbox) -> None:
    challenge = begin(client)
    first = outbox.code(to=NUMBER)
    resent = client.api("POST", "sign-in/continue", {"challenge": challenge, "resend": True})["challenge"]["id"]
    second = outbox.code(to=NUMBER)
    if first != second:  # one in a million
        assert finish(client, resent, first).code == "invalid_code"
    assert finish(client, resent, second).status == 200


def test_after_five_wrong_codes_the_right_one_is_no_longer_taken(client: Browser, outbox: Outbox) -> None:
    challenge, code = begin(client), outbox.code(to=NUMBER)
    assert [finish(client, challenge, wrong(code)).code for _ in range(5)] == ["invalid_code"] * 5
    assert finish(client, challenge, code).code == "challenge_expired"


def test_a_code_grows_old(client: Browser, outbox: Outbox, clock: SetClock) -> None:
    challenge, code = begin(client), outbox.code(to=NUMBER)
    clock.advance(seconds=301)
    assert finish(client, challenge, code).code == "invalid_code"


def test_a_code_read_aloud_to_another_browser_is_of_no_use_there(client: Browser, outbox: Outbox) -> None:
    begin(client)
    code = outbox.code(to=NUMBER)
    other = begin(client.browser(), HERS)
    assert finish(client, other, code).code == "invalid_code"


def test_of_answers_at_once_one_wins(client: Browser, outbox: Outbox, auth_app: Flask) -> None:
    challenge, code, gate = begin(client), outbox.code(to=NUMBER), Barrier(4)

    def answer(browser: Browser) -> int:
        gate.wait(30)
        return finish(browser, challenge, code).status

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(answer, [client.browser() for _ in range(4)]))
    assert statuses == [200, 401, 401, 401]
    assert len(auth_app.extensions["authenticator"].users().items) == 1


def test_a_text_message_has_no_link(client: Browser, outbox: Outbox) -> None:
    form = next(form for form in client.get("/sign-in/phone").forms if form.values.get("provider") == "phone")
    client.post("/sign-in", {**form.values, "phone_number": NUMBER})
    message = outbox.last(to=NUMBER)
    assert message["channel"] == "sms"
    assert "link" not in message


# Which numbers


@pytest.mark.parametrize("number", ["", "07400 123456", "+44 909 8790000", "+8816 12345678", "1 800 FLOWERS", "+44 7400 123456; DROP"])
def test_a_number_that_codes_must_not_go_to_is_refused_beside_its_field(client: Browser, outbox: Outbox, number: str) -> None:
    answer = client.api("POST", "sign-in/phone", {"phone_number": number})
    assert (answer.status, list(answer["errors"])) == (422, ["phone_number"])
    assert len(outbox) == 0


def test_a_country_helps_with_a_number_that_has_none(client: Browser, outbox: Outbox) -> None:
    begin(client, "07400 123456", country="gb")
    assert outbox.last(to=NUMBER)


class TestFewCountries:
    @pytest.fixture
    def auth_settings(self) -> dict[str, Any]:
        return {"PHONE_COUNTRIES": "gb,IE", "PHONE_DEFAULT_COUNTRY": "GB"}

    def test_codes_go_only_to_the_countries_that_the_operator_lists(self, client: Browser, outbox: Outbox) -> None:
        begin(client, "07400 123456")
        answer = client.api("POST", "sign-in/phone", {"phone_number": "+12025550123"})
        assert answer["errors"] == {"phone_number": ["Numbers of this country can't be used here."]}
        assert len(outbox) == 1


def test_a_number_of_another_country_than_the_address_is_told_to_the_log_and_lets_in(
    auth_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    kit = auth_app.extensions["authenticator"].core.registry.providers["phone"].kit
    visit = Visit(Intent.SIGN_IN, logins=None, client=Client("203.0.113.7", country="US"))  # type: ignore[arg-type]
    with caplog.at_level(logging.INFO):
        proof = Phone(PhoneOptions(), kit).proof(visit, {"to": NUMBER})
    assert proof.subject == NUMBER
    assert "a number of GB was proved from US" in caplog.text
    assert NUMBER not in caplog.text


# Confirming, and the second step


def test_a_person_with_only_a_phone_confirms_with_a_code(client: Browser, outbox: Outbox, clock: SetClock) -> None:
    form = next(form for form in client.get("/sign-in/phone").forms if form.values.get("provider") == "phone")
    client.submit(client.post("/sign-in", {**form.values, "phone_number": NUMBER}).follow(), code=outbox.code(to=NUMBER))
    clock.advance(minutes=20)
    csrf = next(form.csrf for form in client.get("/account").forms if form.csrf)
    page = client.post("/account/confirm/phone", {"csrf_token": csrf}).follow()
    page = client.submit(page).follow()
    assert NUMBER in page
    assert client.submit(page, code=outbox.code(to=NUMBER)).status == 303


def continued(client: Browser, challenge: Any, token: str = "", **fields: Any) -> Answer:
    return client.api("POST", "sign-in/continue", {"challenge": challenge["id"], **fields}, token)


def set_up(client: Browser, outbox: Outbox, ada: Account) -> Answer:
    """Text messages as the second step, as a program sets them up."""
    prove_number(client, outbox, ada.access_token)
    (offered,) = [one for one in client.api("GET", "me/factors", token=ada.access_token)["available"] if one["name"] == "sms"]
    assert offered["weak"]
    begun = client.api("POST", "me/factors/sms", {}, ada.access_token)
    assert begun["challenge"]["options"]["sent_to"] == "+44…56"
    return continued(client, begun["challenge"], ada.access_token, code=outbox.code(to=NUMBER))


def test_a_program_confirms_with_a_code_too(client: Browser, outbox: Outbox) -> None:
    token = sign_up(client, outbox)["access_token"]
    asked = client.api("POST", "me/confirm/phone", {}, token)
    sent = continued(client, asked["challenge"], token)
    done = continued(client, sent["challenge"], token, code=outbox.code(to=NUMBER))
    assert done["status"] == "complete"


def test_after_the_password_a_code_goes_to_the_number_that_was_set_up(as_user: AsUser, client: Browser, outbox: Outbox) -> None:
    ada = as_user()
    done = set_up(client, outbox, ada)
    assert len(done["recovery_codes"]) == 10
    answer = client.api("POST", "sign-in/password", {"email": ada.email, "password": ada.password})
    challenge, code = answer["challenge"], outbox.code(to=NUMBER)
    assert "access_token" not in answer.body
    assert challenge["options"]["sent_to"] == "+44…56"
    assert [text for text in (NUMBER, code) if text in str(answer.body)] == []
    assert continued(client, challenge, code=code, phone_number=HERS).code == "validation_failed"
    assert continued(client, challenge, code=wrong(code)).code == "invalid_code"
    assert continued(client, challenge, code=code)["user"]["id"] == ada.id
    assert not outbox.all(to=HERS)


def test_who_gets_no_message_takes_a_recovery_code_instead(as_user: AsUser, client: Browser, outbox: Outbox) -> None:
    ada = as_user()
    codes = set_up(client, outbox, ada)["recovery_codes"]
    known = {"email": ada.email, "password": ada.password}
    for asked in ("sms", "recovery"):  # the fourth message in a quarter of an hour is one too many
        challenge = client.api("POST", "sign-in/password", known)["challenge"]
        assert ("sent_to" in challenge["options"]) is (asked == "sms")
    assert continued(client, challenge, code=codes[0])["user"]["id"] == ada.id


def test_the_second_step_keeps_the_number_that_was_proved(auth_app: Flask, as_user: AsUser, outbox: Outbox) -> None:
    core, ada = auth_app.extensions["authenticator"].core, as_user()
    factor: Sms = core.registry.factors["sms"]
    assert factor.weak
    assert not factor.available(core.store.user_by_id(ada.id))
    add_number(core, ada.id, NUMBER)
    user = core.store.user_by_id(ada.id)
    assert factor.available(user)
    visit = Visit(Intent.LINK, logins=None, state="x" * 43, user=user)  # type: ignore[arg-type]
    ask: Any = factor.start(visit)
    assert ask.text == hint(NUMBER)
    proof: Any = factor.resume(visit, ask.keep, {"code": outbox.code(to=NUMBER)})
    assert (proof.subject, proof.secret, proof.amr) == (ada.id, NUMBER, ("sms",))


def test_a_number_that_is_not_proved_gets_no_code(auth_app: Flask, as_user: AsUser, outbox: Outbox) -> None:
    core, ada = auth_app.extensions["authenticator"].core, as_user()
    user: User = core.store.user_by_id(ada.id)
    user = replace(user, contacts=(*user.contacts, Contact("c", "phone", NUMBER, NUMBER)))
    assert proved(user, "sms") is None
    before = len(outbox)
    with pytest.raises(AuthError):
        core.registry.factors["sms"].start(Visit(Intent.LINK, logins=None, state="x" * 43, user=user))  # type: ignore[arg-type]
    assert len(outbox) == before


def test_a_number_that_codes_of_the_second_step_go_to_stays(as_user: AsUser, client: Browser, outbox: Outbox) -> None:
    ada = as_user()
    set_up(client, outbox, ada)
    (phone,) = client.api("GET", "me/phones", token=ada.access_token).body
    refused = client.api("DELETE", f"me/phones/{phone['id']}", token=ada.access_token)
    assert (refused.status, refused.code) == (409, "conflict")
    assert client.api("DELETE", "me/factors/sms", token=ada.access_token).status == 204
    assert client.api("DELETE", f"me/phones/{phone['id']}", token=ada.access_token).status == 204
