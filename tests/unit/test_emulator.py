"""Is the emulator as careful as a real provider, and does it do what its switches say?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from authenticator_facebook import Facebook
from authenticator_google import Google
from authenticator_twitter import Twitter

from authenticator.clock import SetClock
from authenticator.emulator import FAULTS, Emulator

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
ASKED = {
    "response_type": "code", "client_id": "client", "redirect_uri": "http://localhost:8000/cb", "scope": "openid email", "state": "s",
    "nonce": "n", "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256",
}  # fmt: skip
REDEEM = {
    "grant_type": "authorization_code",
    "redirect_uri": ASKED["redirect_uri"],
    "code_verifier": VERIFIER,
    "client_id": "client",
    "client_secret": "s",
}


@pytest.fixture(scope="module")
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(scope="module")
def server(clock: SetClock) -> Iterator[Emulator]:
    with Emulator([Google, Facebook, Twitter], clock=clock).serve() as emulator:
        yield emulator


@pytest.fixture
def emulator(server: Emulator) -> Emulator:
    server.auto, server.fault, server.tamper = False, "none", None
    return server


def authorize(
    emulator: Emulator, form: dict[str, str] | None = None, place: str = "accounts.google.com/authorize", **change: str | None
) -> requests.Response:
    params = {name: value for name, value in (ASKED | change).items() if value is not None}
    return requests.request(
        "POST" if form else "GET", f"{emulator.base_url}/{place}", params=params, data=form, allow_redirects=False, timeout=5
    )


def answer_of(reply: requests.Response) -> dict[str, str]:
    assert reply.status_code == 303, reply.text
    return dict(parse_qsl(urlsplit(reply.headers["Location"]).query))


def redeem(emulator: Emulator, **change: str) -> requests.Response:
    return requests.post(f"{emulator.base_url}/accounts.google.com/token", data=REDEEM | change, timeout=5)


def test_the_page_names_everybody_and_says_that_it_is_not_real(emulator: Emulator) -> None:
    page = authorize(emulator)
    assert page.status_code == 200
    assert "Development emulator" in page.text
    assert "no real Google account is involved" in page.text
    people = re.findall(r'name="person" value="(\w+)"', page.text)
    assert people == ["ada", "grace", "alan", "nomail", "mallory"]
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "style-src 'self'" in page.headers["Content-Security-Policy"]
    assert requests.get(f"{emulator.base_url}/style.css", timeout=5).headers["Content-Type"].startswith("text/css")


@pytest.mark.parametrize("hint", ["grace", "grace@example.com"])
def test_the_hinted_person_comes_first(emulator: Emulator, hint: str) -> None:
    assert re.findall(r'name="person" value="(\w+)"', authorize(emulator, login_hint=hint).text)[0] == "grace"


def test_only_openid_providers_offer_openid_faults(emulator: Emulator) -> None:
    assert 'value="wrong_nonce"' in authorize(emulator).text
    other = authorize(emulator, place="www.facebook.com/v26.0/dialog/oauth").text
    assert 'value="wrong_nonce"' not in other
    assert 'value="slow"' in other


def test_a_chosen_person_goes_back_with_code_state_and_issuer(emulator: Emulator) -> None:
    answer = answer_of(authorize(emulator, {"person": "grace"}))
    assert answer["state"] == "s"
    assert answer["iss"] == f"{emulator.base_url}/accounts.google.com"
    assert redeem(emulator, code=answer["code"]).json()["token_type"] == "Bearer"


@pytest.mark.parametrize(("form", "change"), [({"person": "-"}, {}), ({"person": "ada", "fault": "denied"}, {})])
def test_a_person_can_say_no(emulator: Emulator, form: dict[str, str], change: dict[str, str]) -> None:
    answer = answer_of(authorize(emulator, form, **change))
    assert (answer["error"], answer["state"], "code" in answer) == ("access_denied", "s", False)


def test_prompt_none_and_auto_ask_nobody(emulator: Emulator) -> None:
    assert "code" in answer_of(authorize(emulator, prompt="none", login_hint="nomail"))
    emulator.auto = True
    assert "code" in answer_of(authorize(emulator))


@pytest.mark.parametrize(
    "change",
    [{"client_id": None}, {"client_id": ""}, {"redirect_uri": None}, {"redirect_uri": "javascript:alert(1)"}, {"redirect_uri": "/cb"}],
)
def test_a_bad_client_or_address_is_told_on_a_page(emulator: Emulator, change: dict[str, Any]) -> None:
    page = authorize(emulator, **change)
    assert page.status_code == 400
    assert "Location" not in page.headers


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"), ({"response_type": None}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"), ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"), ({"scope": "email"}, "invalid_scope"),
    ],
)  # fmt: skip
def test_a_bad_request_goes_back_as_an_error(emulator: Emulator, change: dict[str, Any], error: str) -> None:
    assert answer_of(authorize(emulator, {"person": "ada"}, **change))["error"] == error


@pytest.mark.parametrize(
    "change",
    [
        {"code": "x"},
        {"redirect_uri": "http://localhost:8000/cb/"},
        {"code_verifier": "x" * 43},
        {"code_verifier": ""},
        {"client_id": "other"},
    ],
)
def test_a_code_is_worth_nothing_to_others_and_then_nothing_at_all(emulator: Emulator, change: dict[str, str]) -> None:
    code = answer_of(authorize(emulator, {"person": "ada"}))["code"]
    refused = redeem(emulator, **({"code": code} | change))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    if "code" not in change:
        assert redeem(emulator, code=code).status_code == 400


def test_a_code_lives_a_minute_and_once(emulator: Emulator, clock: SetClock) -> None:
    code = answer_of(authorize(emulator, {"person": "ada"}))["code"]
    assert redeem(emulator, code=code).status_code == 200
    assert redeem(emulator, code=code).status_code == 400
    late = answer_of(authorize(emulator, {"person": "ada"}))["code"]
    clock.advance(seconds=61)
    assert redeem(emulator, code=late).status_code == 400


@pytest.mark.parametrize(("change", "status"), [({"client_secret": ""}, 401), ({"client_id": ""}, 401), ({"grant_type": "password"}, 400)])
def test_a_client_must_say_who_it_is(emulator: Emulator, change: dict[str, str], status: int) -> None:
    assert redeem(emulator, code="c", **change).status_code == status


def test_x_wants_basic_and_facebook_does_not_know_it(emulator: Emulator) -> None:
    token = f"{emulator.base_url}/api.x.com/2/oauth2/token"
    assert requests.post(token, data=REDEEM, timeout=5).json()["error"] == "invalid_client"
    assert requests.post(token, data=REDEEM, auth=("client", "s"), timeout=5).json()["error"] == "invalid_grant"
    facebook = requests.post(
        f"{emulator.base_url}/graph.facebook.com/v26.0/oauth/access_token",
        data={"grant_type": "authorization_code"},
        auth=("c", "s"),
        timeout=5,
    )
    assert facebook.status_code == 401
    assert facebook.json()["error"]["type"] == "OAuthException"


def test_a_code_of_one_provider_does_not_work_at_another(emulator: Emulator) -> None:
    code = answer_of(authorize(emulator, {"person": "ada"}))["code"]
    url = f"{emulator.base_url}/api.x.com/2/oauth2/token"
    assert requests.post(url, data=REDEEM | {"code": code}, auth=("client", "s"), timeout=5).status_code == 400


def test_a_revoked_token_opens_nothing(emulator: Emulator) -> None:
    code = answer_of(authorize(emulator, {"person": "ada"}))["code"]
    bearer = {"Authorization": f"Bearer {redeem(emulator, code=code).json()['access_token']}"}
    base = f"{emulator.base_url}/accounts.google.com"
    assert requests.get(f"{base}/profile", headers=bearer, timeout=5).json()["name"] == "Ada Lovelace"
    assert requests.post(f"{base}/revoke", data={"token": bearer["Authorization"].partition(" ")[2]}, timeout=5).status_code == 200
    assert requests.get(f"{base}/profile", headers=bearer, timeout=5).status_code == 401
    assert requests.get(f"{base}/profile", timeout=5).status_code == 401


def test_switches_can_be_read_and_set_by_programs(emulator: Emulator) -> None:
    url = f"{emulator.base_url}/switches"
    assert requests.get(url, headers={"Accept": "application/json"}, timeout=5).json() == {"auto": False, "fault": "none"}
    assert requests.post(url, json={"auto": True, "fault": "html:profile"}, timeout=5).json() == {"auto": True, "fault": "html:profile"}
    assert (emulator.auto, emulator.fault) == (True, "html:profile")
    assert requests.post(url, json={"fault": "none"}, timeout=5).json() == {"auto": True, "fault": "none"}


@pytest.mark.parametrize(
    "body", [b'{"auto": "yes"}', b'{"fault": "other"}', b'{"fault": "denied:token"}', b'{"fault": null}', b"[]", b"{", b"null"]
)
def test_an_unknown_switch_is_refused(emulator: Emulator, body: bytes) -> None:
    reply = requests.post(f"{emulator.base_url}/switches", data=body, headers={"Content-Type": "application/json"}, timeout=5)
    assert reply.status_code == 400
    assert (emulator.auto, emulator.fault) == (False, "none")


def test_switches_can_be_set_on_their_page_but_not_from_another_site(emulator: Emulator) -> None:
    url, html = f"{emulator.base_url}/switches", {"Accept": "text/html"}
    assert "Google, Facebook, X" in requests.get(url, headers=html, timeout=5).text
    assert requests.post(url, data={"fault": "slow"}, headers=html | {"Sec-Fetch-Site": "cross-site"}, timeout=5).status_code == 403
    assert emulator.fault == "none"
    assert requests.post(url, data={"auto": "on", "fault": "denied"}, headers=html, timeout=5).status_code == 200
    assert (emulator.auto, emulator.fault) == (True, "denied")
    assert answer_of(authorize(emulator))["error"] == "access_denied"


def test_a_slow_answer_ends_with_the_emulator() -> None:
    emulator = Emulator([Twitter])
    emulator.slow_seconds, emulator.fault = 600, "slow"
    with emulator.serve() as running, pytest.raises(requests.Timeout):
        requests.post(f"{running.base_url}/api.x.com/2/oauth2/token", timeout=0.2)


def test_a_tampering_test_signs_what_it_likes(emulator: Emulator) -> None:
    seen: list[dict[str, Any]] = []
    emulator.tamper = lambda claims: seen.append(claims) or claims | {"sub": "x"}  # type: ignore[func-returns-value]
    redeem(emulator, code=answer_of(authorize(emulator, {"person": "ada"}))["code"])
    assert seen[0]["nonce"] == "n"


@pytest.mark.parametrize("path", ["nowhere", "accounts.google.com/", "accounts.google.com/other", "www.facebook.com/v26.0/x/dialog/oauth"])
def test_there_is_nothing_elsewhere(emulator: Emulator, path: str) -> None:
    assert requests.get(f"{emulator.base_url}/{path}", timeout=5).status_code == 404


def test_every_fault_has_a_name_for_people() -> None:
    assert all(fault.label for fault in FAULTS.values())
