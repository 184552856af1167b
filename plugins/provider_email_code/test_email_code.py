"""Whether a mailed code or link signs in whoever reads the mailbox, in the browser that waits, and nobody else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask

from authenticator.clock import SetClock
from authenticator.models import Status
from authenticator.testing.client import Answer, Browser, Page
from authenticator.testing.people import AsUser, Outbox

ADA = "ada@example.com"


def begin(client: Browser, email: str = ADA, *, wish: str = "sign-in") -> str:
    """Ask for a code as a program; the challenge."""
    answer = client.api("POST", f"{wish}/email", {"email": email})
    assert answer.status == (202 if wish == "sign-up" else 200), answer
    assert answer["challenge"]["kind"] == "code"
    return str(answer["challenge"]["id"])


def finish(client: Browser, challenge: str, code: str) -> Answer:
    return client.api("POST", "sign-in/continue", {"challenge": challenge, "code": code})


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def begin_on_page(browser: Browser, email: str = ADA) -> Page:
    page = browser.get("/sign-in/email")
    form = next(form for form in page.forms if form.values.get("provider") == "email")
    sent = browser.post("/sign-in", {**form.values, "email": email})
    assert sent.path == "/sign-in/verify", sent
    return sent.follow()


def link_to(outbox: Outbox, email: str = ADA) -> str:
    return str(outbox.last(to=email)["link"])


# Who comes in


@pytest.mark.parametrize("wish", ["sign-in", "sign-up"])
def test_a_new_address_becomes_an_account_and_comes_again(client: Browser, outbox: Outbox, wish: str) -> None:
    done = finish(client, begin(client, "Ada@Example.com", wish=wish), outbox.code(to=ADA))
    assert (done["user"]["email"], done["user"]["email_verified"]) == (ADA, True)
    again = finish(client, begin(client), outbox.code(to=ADA))
    assert again["user"]["id"] == done["user"]["id"]


def test_who_signed_up_with_a_password_signs_in_with_a_code(as_user: AsUser, client: Browser, outbox: Outbox) -> None:
    ada = as_user(ADA)
    assert finish(client, begin(client), outbox.code(to=ADA))["user"]["id"] == ada.id


def test_the_token_says_that_a_code_was_shown(client: Browser, outbox: Outbox) -> None:
    done = finish(client, begin(client), outbox.code(to=ADA))
    me = client.api("GET", "me", token=done["access_token"])
    assert me["email"] == ADA


def test_a_known_and_an_unknown_address_are_asked_alike(as_user: AsUser, client: Browser, outbox: Outbox) -> None:
    as_user(ADA)
    known, unknown = (client.api("POST", "sign-in/email", {"email": email}) for email in (ADA, "eve@example.com"))
    assert known.status == unknown.status
    for answer in (known, unknown):
        answer["challenge"].pop("id")
        answer["challenge"].pop("expires_in")
    assert known["challenge"]["options"] == {"sent_to": "a…@example.com"}
    assert str(known.body).replace(ADA, "eve@example.com").replace("a…@", "e…@") == str(unknown.body)
    assert outbox.last(to=ADA)["subject"][6:] == outbox.last(to="eve@example.com")["subject"][6:]


def test_no_account_is_made_before_the_code(client: Browser, auth_app: Flask) -> None:
    begin(client)
    assert not auth_app.extensions["authenticator"].users().items


class TestClosed:
    @pytest.fixture
    def auth_settings(self) -> dict[str, Any]:
        return {"SIGN_UP_OPEN": False}

    def test_where_sign_up_is_closed_only_members_come_in(self, client: Browser, outbox: Outbox, auth_app: Flask) -> None:
        auth_app.extensions["authenticator"].add_user(ADA)
        assert finish(client, begin(client), outbox.code(to=ADA)).status == 200
        stranger = finish(client, begin(client, "eve@example.com"), outbox.code(to="eve@example.com"))
        assert (stranger.status, stranger.code) == (403, "sign_up_closed")
        assert len(auth_app.extensions["authenticator"].users().items) == 1


def test_a_suspended_person_stays_out_and_learns_why_only_with_the_code(
    as_user: AsUser, client: Browser, outbox: Outbox, auth_app: Flask
) -> None:
    service, ada = auth_app.extensions["authenticator"], as_user(ADA)
    service.change_status(service.user(ada.id), Status.SUSPENDED, why="a test", by="operator")
    challenge = begin(client)
    assert finish(client, challenge, wrong(outbox.code(to=ADA))).code == "invalid_code"
    assert finish(client, challenge, outbox.code(to=ADA)).code == "account_suspended"


@pytest.mark.parametrize("email", ["", "ada", "ada@", "a\u0430@example.com", "ada@example.com\nBcc: x@example.com"])
def test_what_is_no_address_is_refused_beside_its_field(client: Browser, outbox: Outbox, email: str) -> None:
    answer = client.api("POST", "sign-in/email", {"email": email})
    assert (answer.status, list(answer["errors"])) == (422, ["email"])
    assert len(outbox) == 0


# The code


def test_a_new_code_kills_the_one_before(client: Browser, outbox: Outbox) -> None:
    challenge = begin(client)
    first = outbox.code(to=ADA)
    resent = client.api("POST", "sign-in/continue", {"challenge": challenge, "resend": True})
    second = outbox.code(to=ADA)
    if first != second:  # one in a million
        assert finish(client, resent["challenge"]["id"], first).code == "invalid_code"
    assert finish(client, resent["challenge"]["id"], second).status == 200


def test_after_five_wrong_codes_the_right_one_is_no_longer_taken(client: Browser, outbox: Outbox) -> None:
    challenge, code = begin(client), outbox.code(to=ADA)
    assert [finish(client, challenge, wrong(code)).code for _ in range(5)] == ["invalid_code"] * 5
    assert finish(client, challenge, code).code == "challenge_expired"


def test_a_code_is_of_use_once(client: Browser, outbox: Outbox) -> None:
    challenge, code = begin(client), outbox.code(to=ADA)
    assert finish(client, challenge, code).status == 200
    assert finish(client, challenge, code).code == "challenge_expired"
    assert finish(client, begin(client), code).code == "invalid_code"


def test_a_code_grows_old(client: Browser, outbox: Outbox, clock: SetClock) -> None:
    challenge, code = begin(client), outbox.code(to=ADA)
    clock.advance(seconds=299)
    late = begin(client)
    assert finish(client, late, outbox.code(to=ADA)).status == 200
    clock.advance(seconds=2)
    assert finish(client, challenge, code).code == "invalid_code"


def test_a_code_asked_for_late_lives_as_long_as_any_other(client: Browser, outbox: Outbox, clock: SetClock) -> None:
    challenge = begin(client)
    clock.advance(minutes=9)
    resent = client.api("POST", "sign-in/continue", {"challenge": challenge, "resend": True})["challenge"]
    clock.advance(minutes=4)
    assert finish(client, resent["id"], outbox.code(to=ADA)).status == 200


def test_a_code_of_one_conversation_fits_no_other(client: Browser, outbox: Outbox) -> None:
    mine, code = begin(client), outbox.code(to=ADA)
    hers = begin(client, "eve@example.com")
    assert finish(client, hers, code).code == "invalid_code"
    assert finish(client, mine, code)["user"]["email"] == ADA


def test_of_answers_at_once_one_wins(client: Browser, outbox: Outbox, auth_app: Flask) -> None:
    challenge, code, gate = begin(client), outbox.code(to=ADA), Barrier(4)

    def answer(browser: Browser) -> int:
        gate.wait(30)
        return finish(browser, challenge, code).status

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(answer, [client.browser() for _ in range(4)]))
    assert statuses == [200, 401, 401, 401]
    assert len(auth_app.extensions["authenticator"].users().items) == 1


def test_two_sign_ups_of_one_address_at_once_make_one_account(client: Browser, outbox: Outbox, auth_app: Flask) -> None:
    challenges = []
    for _ in range(3):
        challenge = begin(client, wish="sign-up")
        challenges.append((challenge, outbox.code(to=ADA)))
    gate = Barrier(3)

    def answer(part: tuple[str, str]) -> int:
        gate.wait(30)
        return finish(client.browser(), *part).status

    with ThreadPoolExecutor(3) as pool:
        statuses = list(pool.map(answer, challenges))
    assert set(statuses) <= {200, 201, 409}
    assert min(statuses) < 300
    assert len(auth_app.extensions["authenticator"].users().items) == 1


# The link


def test_the_link_signs_in_the_browser_that_waits_with_one_click(client: Browser, outbox: Outbox) -> None:
    begin_on_page(client)
    page = client.get(link_to(outbox))
    assert "Continue as a…@example.com" in page
    assert not client.signed_in
    done = client.submit(page, code=page.form("code", action="/sign-in/verify").values["code"])
    assert done.status == 303, done
    assert client.signed_in


def test_to_open_the_link_spends_nothing(client: Browser, outbox: Outbox) -> None:
    begin_on_page(client)
    for _ in range(10):
        assert client.get(link_to(outbox)).status == 200
    assert client.submit("/sign-in/verify", code=outbox.code(to=ADA)).status == 303
    assert client.signed_in


def test_the_link_in_another_browser_says_where_to_go(client: Browser, outbox: Outbox) -> None:
    begin_on_page(client)
    other = client.browser()
    page = other.get(link_to(outbox))
    assert page.status == 400
    assert "in the browser in which you began" in page
    begin_on_page(other, "eve@example.com")
    page = other.get(link_to(outbox))
    assert other.submit(page, code=page.form("code").values["code"]).status == 401
    assert not other.signed_in


def test_the_link_leads_to_where_the_person_wanted_to_go(client: Browser, outbox: Outbox) -> None:
    page = client.get("/sign-in/email", query_string={"return_to": "/account?x=1"})
    form = next(form for form in page.forms if form.values.get("provider") == "email")
    client.post("/sign-in", {**form.values, "email": ADA})
    opened = client.get(link_to(outbox))
    assert client.submit(opened, code=opened.form("code").values["code"]).location.endswith("/account?x=1")


def test_an_old_link_dies_with_its_code(client: Browser, outbox: Outbox) -> None:
    page = begin_on_page(client)
    old = link_to(outbox)
    client.submit(page, resend="1")
    stale = client.get(old)
    assert client.submit(stale, code=stale.form("code").values["code"]).status == 401
    fresh = client.get(link_to(outbox))
    assert client.submit(fresh, code=fresh.form("code").values["code"]).status == 303


def test_a_program_gets_no_link(client: Browser, outbox: Outbox) -> None:
    begin(client)
    assert "link" not in outbox.last(to=ADA)
    assert "http" not in outbox.last(to=ADA)["text"]


def test_a_sign_up_with_a_password_may_be_finished_by_link_too(client: Browser, outbox: Outbox) -> None:
    fields = {"given_name": "Ada", "family_name": "Lovelace", "email": ADA, "password": "five quiet green teapots"}
    client.submit("/sign-up", **fields)
    page = client.get(link_to(outbox))
    assert client.submit(page, code=page.form("code").values["code"]).status == 303
    assert client.signed_in


# Confirming


def test_a_person_without_a_password_confirms_with_a_code(client: Browser, outbox: Outbox, clock: SetClock) -> None:
    begin_on_page(client)
    client.submit("/sign-in/verify", code=outbox.code(to=ADA))
    clock.advance(minutes=20)
    asked = client.submit("/account", action="/account/confirm/email") if _asks(client) else _confirm(client)
    page = asked.follow()
    assert "you will receive a code" in page
    page = client.submit(page).follow()
    assert client.submit(page, code=outbox.code(to=ADA)).status == 303
    session = client.get("/account")
    assert session.status == 200


def _asks(client: Browser) -> bool:
    return any(form.action.endswith("/account/confirm/email") for form in client.get("/account").forms)


def _confirm(client: Browser) -> Page:
    csrf = next(form.csrf for form in client.get("/account").forms if form.csrf)
    return client.post("/account/confirm/email", {"csrf_token": csrf})
