"""Signing in with a service, and what an attacker does between the app, the browser and the service."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from authenticator_client import MemoryStore, Refused, SignIn, SQLiteStore, Store, Unavailable
from authenticator_client.requests_in import safe_path
from authenticator_client.sign_in import Arrived

from client.conftest import AUDIENCE

if TYPE_CHECKING:
    from client.conftest import Service

CALLBACK = "https://diary.example.com/auth/callback"


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "sign-ins.db")


@pytest.fixture
def app(service: Service, store: Store) -> SignIn:
    return SignIn(service.url, AUDIENCE, "a secret", store=store)


def asked(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def begin(app: SignIn, service: Service, browser: str = "browser", return_to: str = "/diary", **more: Any) -> dict[str, str]:
    """Leave for the service; the answer that a browser would bring back from a service where all went well."""
    sent = asked(app.begin(browser, CALLBACK, return_to))
    service.gives(sent["nonce"], **more)
    return {"code": "c1", "state": sent["state"], "iss": service.url}


def sign_in(app: SignIn, service: Service, **more: Any) -> Arrived:
    return app.finish("browser", begin(app, service, **more))


def refused(app: SignIn, query: dict[str, str], browser: str = "browser") -> str:
    with pytest.raises(Refused) as found:
        app.finish(browser, query)
    return found.value.code


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + seconds)


# A person


def test_somebody_signs_in(app: SignIn, service: Service) -> None:
    url = app.begin("browser", CALLBACK, "/diary?page=2", {"prompt": "login", "client_id": "other", "redirect_uri": "https://evil.example"})
    sent = asked(url)
    assert url.startswith(f"{service.url}/authorization?")
    assert (sent["client_id"], sent["redirect_uri"], sent["prompt"]) == (AUDIENCE, CALLBACK, "login")
    assert (sent["response_type"], sent["code_challenge_method"], sent["scope"]) == ("code", "S256", "openid profile email")
    assert len({sent["state"], sent["nonce"], sent["code_challenge"]}) == 3
    service.gives(sent["nonce"])
    arrived = app.finish("browser", {"code": "c1", "state": sent["state"], "iss": service.url})
    assert arrived.return_to == "/diary?page=2"
    assert (arrived.person.subject, arrived.person.name, arrived.person.email) == ("7", "Ada Lovelace", "ada@example.com")
    _, fields, auth = next(one for one in service.asked if one[0] == "/token")
    assert (fields["code"], fields["redirect_uri"], fields["grant_type"], auth[:6]) == ("c1", CALLBACK, "authorization_code", "Basic ")
    assert 43 <= len(fields["code_verifier"]) <= 128
    person = app.person(arrived.key, sure=True)
    assert person is not None
    assert person.may("diary:read")
    assert person.roles == {"writer"}


def test_an_address_that_is_not_proved_is_not_told(app: SignIn, service: Service) -> None:
    answer = begin(app, service)
    service.answers["/userinfo"] = 200, {"sub": "7", "email": "ada@example.com", "email_verified": False}
    assert app.finish("browser", answer).person.email == ""


def test_rights_are_asked_for_anew_every_two_minutes(app: SignIn, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived = sign_in(app, service)
    later(monkeypatch, 121)
    service.gives("", access={"permissions": []}, refresh="r2")
    for _ in range(3):
        person = app.person(arrived.key, sure=True)
        assert person is not None
        assert not person.may("diary:read")
    assert [fields["refresh_token"] for path, fields, _ in service.asked if path == "/token" and "refresh_token" in fields] == ["r1"]


def test_many_threads_refresh_once(app: SignIn, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived = sign_in(app, service)
    before = service.count("/token")
    later(monkeypatch, 121)
    service.gives("", refresh="r2")
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(app.person(arrived.key))) for _ in range(20)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len([person for person in found if person]) == 20
    assert service.count("/token") - before == 1


def test_who_was_signed_out_at_the_service_is_signed_out_here_at_the_next_refresh(
    app: SignIn, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived = sign_in(app, service)
    later(monkeypatch, 121)
    service.answers["/token"] = 400, {"error": "invalid_grant"}
    assert app.person(arrived.key) is None
    service.gives("")
    assert app.person(arrived.key) is None


def test_while_the_service_is_away_people_stay_signed_in_but_may_nothing(
    app: SignIn, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived = sign_in(app, service)
    service.away = True
    assert app.person(arrived.key, sure=True)
    later(monkeypatch, 121)
    assert app.person(arrived.key)
    with pytest.raises(Unavailable):
        app.person(arrived.key, sure=True)
    with pytest.raises(Unavailable):
        app.access_token(arrived.key)


def test_tokens_for_another_audience_give_no_rights_and_the_log_says_so_once(
    app: SignIn, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        arrived = sign_in(app, service, access={"aud": "https://api.example.com"})
        assert arrived.person.permissions == frozenset()
    assert caplog.text.count("it is for another application (aud). A registered --resource has to be named here too.") == 1


def test_a_service_that_hangs_holds_a_page_up_once_in_a_while(app: SignIn, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived = sign_in(app, service)
    later(monkeypatch, 121)
    service.away, before = True, service.count("/token")
    assert all(app.person(arrived.key) for _ in range(10))
    assert service.count("/token") == before + 1
    service.away = False
    service.gives("", refresh="r2")
    assert app.person(arrived.key, sure=True)


def test_a_refresh_whose_answer_can_t_be_checked_yet_is_not_lost(service: Service, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refresh token is spent then: shown again it would look like a theft, and end the sign-in."""
    arrived = sign_in(SignIn(service.url, AUDIENCE, "a secret", store=store), service)
    later(monkeypatch, 121)
    restarted, keys = SignIn(service.url, AUDIENCE, "a secret", store=store), service.answer("/jwks")
    service.answers["/jwks"] = 503, {}
    service.gives("", refresh="r2")
    assert restarted.person(arrived.key)
    with pytest.raises(Unavailable):
        restarted.person(arrived.key, sure=True)
    service.answers["/jwks"] = keys
    service.gives("", refresh="r3")
    assert SignIn(service.url, AUDIENCE, "a secret", store=store).person(arrived.key, sure=True)
    shown = [fields["refresh_token"] for path, fields, _ in service.asked if path == "/token" and "refresh_token" in fields]
    assert (shown[0], "r1" in shown[1:], shown[-1]) == ("r1", False, "r2")


def test_who_signs_out_while_another_process_refreshes_stays_out(service: Service, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (SignIn(service.url, AUDIENCE, "a secret", store=store) for _ in range(2))
    arrived = sign_in(one, service)
    later(monkeypatch, 121)
    service.gives("", refresh="r2")
    answer = service.answer
    service.answer = lambda path: (other.forget(arrived.key) if path == "/token" else None) or answer(path)  # type: ignore[func-returns-value, method-assign]
    assert one.person(arrived.key) is None
    assert other.person(arrived.key) is None


def test_without_a_refresh_token_rights_end_with_the_access_token(app: SignIn, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived = sign_in(app, service, refresh="")
    assert app.person(arrived.key, sure=True)
    later(monkeypatch, 121)
    assert app.person(arrived.key)
    assert app.person(arrived.key, sure=True) is None


def test_a_sign_in_ends_after_its_time(app: SignIn, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived = sign_in(app, service)
    later(monkeypatch, 12 * 3600 + 1)
    assert app.person(arrived.key) is None


def test_signing_out_ends_it_here_and_there(app: SignIn, service: Service) -> None:
    arrived = sign_in(app, service)
    sent = asked(app.sign_out(arrived.key, "https://diary.example.com/"))
    assert sent["post_logout_redirect_uri"] == "https://diary.example.com/"
    assert sent["id_token_hint"].count(".") == 2
    assert app.person(arrived.key) is None
    assert app.sign_out(arrived.key) == ""


# An attacker


def test_a_spent_state_cannot_be_used_again(app: SignIn, service: Service) -> None:
    answer = begin(app, service)
    app.finish("browser", answer)
    assert refused(app, answer) == "invalid_state"


def test_one_of_many_racing_answers_wins(app: SignIn, service: Service) -> None:
    answer, won, lost = begin(app, service), [], []

    def race() -> None:
        try:
            won.append(app.finish("browser", answer))
        except Refused as refusal:
            lost.append(refusal.code)

    threads = [threading.Thread(target=race) for _ in range(20)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert (len(won), set(lost)) == (1, {"invalid_state"})


def test_an_answer_in_a_foreign_browser_is_refused_and_spent(app: SignIn, service: Service) -> None:
    """Login CSRF: the attacker's own answer, handed to somebody else."""
    answer = begin(app, service)
    assert refused(app, answer, "another browser") == "wrong_browser"
    assert refused(app, answer) == "invalid_state"
    assert refused(app, begin(app, service), "") == "wrong_browser"
    assert service.count("/token") == 0


def test_a_state_is_good_for_ten_minutes(app: SignIn, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = begin(app, service)
    later(monkeypatch, 601)
    assert refused(app, answer) == "invalid_state"


@pytest.mark.parametrize("issuer", ["https://evil.example", "", None])
def test_an_answer_of_another_service_is_refused(app: SignIn, service: Service, issuer: str | None) -> None:
    """Mix-up (RFC 9207)."""
    answer = begin(app, service)
    changed = {name: value for name, value in (answer | {"iss": issuer}).items() if value is not None}
    assert refused(app, changed) == "wrong_issuer"
    assert service.count("/token") == 0


@pytest.mark.parametrize("state", ["", "x", "' OR 1=1 --", "\ud800", "x" * 10**6])
def test_a_state_that_is_none_is_refused(app: SignIn, service: Service, state: str) -> None:
    assert refused(app, begin(app, service) | {"state": state}) == "invalid_state"


def test_an_id_token_of_another_sign_in_is_refused(app: SignIn, service: Service) -> None:
    first = begin(app, service)
    stolen = service.answers["/token"]
    second = begin(app, service)
    service.answers["/token"] = stolen
    assert refused(app, second) == "invalid_id_token"
    assert app.finish("browser", first).key


@pytest.mark.parametrize(
    "changed",
    [{"nonce": None}, {"nonce": ""}, {"nonce": 7}, {"iss": "https://evil.example"}, {"aud": "other"}, {"aud": [AUDIENCE, "other"]}, {"aud": None}, {"azp": "other"},
     {"exp": 1}, {"exp": None}, {"iat": None}, {"iat": 10**11}, {"sub": None}, {"sub": ""}, {"sub": 7}, {"at_hash": "wrong"}, {"at_hash": None, "header": {"typ": "at+jwt"}},
     {"header": {"typ": "logout+jwt"}}, {"header": {"alg": "none"}}, {"header": {"kid": "es"}}],
    ids=str,
)  # fmt: skip
def test_an_id_token_that_is_not_for_this_sign_in_is_refused(app: SignIn, service: Service, changed: dict[str, Any]) -> None:
    assert refused(app, begin(app, service, **changed)) == "invalid_id_token"


def test_a_missing_id_token_is_refused(app: SignIn, service: Service) -> None:
    answer = begin(app, service)
    del service.answers["/token"][1]["id_token"]
    assert refused(app, answer) == "invalid_id_token"


def test_userinfo_about_somebody_else_is_refused(app: SignIn, service: Service) -> None:
    answer = begin(app, service)
    service.answers["/userinfo"] = 200, {"sub": "8", "name": "Mallory"}
    assert refused(app, answer) == "invalid_id_token"


def test_userinfo_that_does_not_answer_signs_nobody_in(app: SignIn, service: Service) -> None:
    answer = begin(app, service)
    service.answers["/userinfo"] = 503, {}
    with pytest.raises(Unavailable):
        app.finish("browser", answer)


def test_userinfo_adds_to_what_was_signed_and_changes_nothing_of_it(app: SignIn, service: Service) -> None:
    answer = begin(app, service, sid="hers", email="ada@example.com")
    service.answers["/userinfo"] = (
        200,
        {"sub": "7", "name": "Ada", "sid": "another", "email": "mallory@example.com", "email_verified": True},
    )
    person = app.finish("browser", answer).person
    assert (person.claims["sid"], person.claims["email"], person.claims["name"]) == ("hers", "ada@example.com", "Ada")


@pytest.mark.parametrize("began", ["", "browser"])
def test_who_has_no_secret_of_her_browser_is_let_in_nowhere(app: SignIn, service: Service, began: str) -> None:
    """An app that lost its session cookie begins and ends with nothing: that binds no answer to anybody."""
    sent = asked(app.begin(began, CALLBACK))
    service.gives(sent["nonce"])
    assert refused(app, {"code": "c1", "state": sent["state"], "iss": service.url}, "") == "wrong_browser"


def test_a_refresh_can_t_make_her_somebody_else(app: SignIn, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived = sign_in(app, service)
    later(monkeypatch, 121)
    service.gives("n", sub="8")
    assert app.person(arrived.key) is None


def test_a_sign_in_that_is_too_old_is_refused_where_a_fresh_one_was_asked_for(app: SignIn, service: Service) -> None:
    sent = asked(app.begin("browser", CALLBACK, asked={"max_age": "300"}))
    service.gives(sent["nonce"], auth_time=int(time.time()) - 400)
    assert refused(app, {"code": "c", "state": sent["state"], "iss": service.url}) == "invalid_id_token"


def test_an_error_is_told_without_what_it_says(app: SignIn, service: Service) -> None:
    assert refused(app, begin(app, service) | {"error": "access_denied", "error_description": "<script>"}) == "access_denied"
    assert refused(app, begin(app, service) | {"error": "<script>alert(1)</script>"}) == "invalid_request"


@pytest.mark.parametrize(
    "said", [(500, {}), (200, {}), (200, {"access_token": "x", "token_type": "DPoP"}), (401, {"error": "invalid_client"}), (302, {})]
)
def test_a_token_endpoint_that_fails_signs_nobody_in(app: SignIn, service: Service, said: tuple[int, Any]) -> None:
    answer = begin(app, service)
    service.answers["/token"] = said
    with pytest.raises(Unavailable):
        app.finish("browser", answer)


OUTSIDE = ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "/\n//evil.example", "///evil.example", "evil.example",
           "javascript:alert(1)", "", "/" + "x" * 3000, "/ /evil.example", " /x", "/x\r\nSet-Cookie: a=b", "/x\x00", "http:evil.example", "/\x7f/evil", None, 7, ["/"]]  # fmt: skip


@pytest.mark.parametrize("wanted", OUTSIDE, ids=str)
def test_nobody_is_sent_to_another_site_after_signing_in(wanted: Any) -> None:
    assert safe_path(wanted) == "/"


@pytest.mark.parametrize("wanted", ["/", "/diary", "/diary?a=b&c=//d", "/a//b", "/%2F%2Fevil.example", "/ü"])
def test_paths_of_the_app_are_kept(wanted: str) -> None:
    assert safe_path(wanted) == wanted


def test_the_tokens_are_found_under_no_name_that_the_store_shows(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "sign-ins.db"
    app = SignIn(service.url, AUDIENCE, "a secret", store=SQLiteStore(file))
    arrived = sign_in(app, service)
    assert file.stat().st_mode & 0o077 == 0
    assert arrived.key.encode() not in file.read_bytes()


# Logout tokens


def test_a_logout_token_ends_the_session_that_it_names(app: SignIn, service: Service) -> None:
    first, second = sign_in(app, service), sign_in(app, service, sid="s2")
    app.logged_out(service.logout_token(sub=None))
    assert app.person(first.key) is None
    assert app.person(second.key)


def test_a_logout_token_for_a_person_ends_all_of_hers_and_a_new_sign_in_holds(app: SignIn, service: Service) -> None:
    first, second = sign_in(app, service), sign_in(app, service, sid="s2")
    app.logged_out(service.logout_token(sid=None))
    assert app.person(first.key) is None
    assert app.person(second.key) is None
    assert app.person(sign_in(app, service).key)


EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.mark.parametrize(
    "changed",
    [{"iss": "https://evil.example"}, {"aud": "other"}, {"aud": None}, {"exp": 1}, {"exp": None}, {"iat": None}, {"iat": 1_700_000_000}, {"jti": None}, {"jti": ""},
     {"events": None}, {"events": []}, {"events": {EVENT: 7}}, {"events": {"other": {}}}, {"nonce": "n"}, {"sub": None, "sid": None}, {"sub": 7}, {"sid": ["s1"]},
     {"header": {"typ": "JWT"}}, {"header": {"typ": None}}, {"header": {"typ": "at+jwt"}}, {"header": {"alg": "none"}}],
    ids=str,
)  # fmt: skip
def test_lo_04_a_forged_logout_token_ends_nothing(app: SignIn, service: Service, changed: dict[str, Any]) -> None:
    arrived = sign_in(app, service)
    with pytest.raises(Refused):
        app.logged_out(service.logout_token(**changed))
    assert app.person(arrived.key)


def test_lo_04_a_logout_token_works_once_and_an_id_token_never(app: SignIn, service: Service) -> None:
    token = service.logout_token()
    app.logged_out(token)
    arrived = sign_in(app, service)
    for again in (token, service.id_token("n"), "", None):
        with pytest.raises(Refused):
            app.logged_out(again)
    assert app.person(arrived.key)


# The store


def test_a_text_is_taken_once_and_ends(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put("a", "1", 10)
    store.put("a", "2", 10)
    store.put("b", json.dumps({"ü": 1}), 10)
    assert (store.get("a"), store.take("a"), store.take("a"), store.get("a")) == ("2", "2", None, None)
    later(monkeypatch, 11)
    assert (store.get("b"), store.take("b")) == (None, None)


def test_the_memory_store_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authenticator_client.store.MOST", 10)
    store = MemoryStore()
    for number in range(100):
        store.put(str(number), "x", 60)
    assert [number for number in range(100) if store.get(str(number))] == list(range(90, 100))


def test_who_opens_sign_in_pages_by_the_thousand_signs_nobody_out(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authenticator_client.store.MOST", 50)
    app = SignIn(service.url, AUDIENCE, "a secret")
    people = [sign_in(app, service).key for _ in range(20)]
    for number in range(200):
        app.begin(f"browser {number}", CALLBACK)
    assert all(app.person(key) for key in people)
    assert sign_in(app, service).key
