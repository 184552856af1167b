"""AP-02, OA-10, OA-14, OA-18: what somebody may come to who registers an application of her own."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

import pytest

from authenticator.applications import Application, Assignment
from authenticator.flows import applications, released, roles
from authenticator.models import Status
from authenticator.testing.oauth import OAuthApp

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.attack.conftest import Builder, House, Person, Visitor

TOOLS = "https://mcp.example.com"
HOME = "https://game.example/back"
PKCE = {"code_challenge": "a" * 43, "code_challenge_method": "S256"}
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture(scope="module")
def town(build: Builder) -> House:
    """A service at which anybody registers applications, which may ask for one audience of the operator's."""
    return build(oidc_people_register="true", oidc_registration="open", oidc_resources=TOOLS, oidc_documents="true")


@pytest.fixture
def mallory(town: House) -> Person:
    return town.sign_up()


def call(town: House, method: str, path: str, who: Person, body: Any = None) -> TestResponse:
    return town.visitor().open(f"/api/v1{path}", method=method, headers=who.bearer, **({} if body is None else {"json": body}))


def her_own(town: House, who: Person, **more: Any) -> OAuthApp:
    """An application that somebody registered by the API."""
    made = call(town, "POST", "/applications", who, {"client_name": "Game", "redirect_uris": [HOME], **more})
    assert made.status_code == 201, made.text
    return OAuthApp(town.app, town.service.application(made.json["client_id"]), made.json["client_secret"] or "")


def test_ap_02_nobody_lets_her_application_in_that_somebody_else_has_shut_out(town: House, mallory: Person) -> None:
    app, service = her_own(town, mallory), town.service
    here = f"/applications/{app.id}"
    assert call(town, "PATCH", here, mallory, {"enabled": False}).status_code == 200
    assert call(town, "PATCH", here, mallory, {"enabled": True}).status_code == 200, "what she shut out herself, she lets in"
    for before in (True, False):
        assert call(town, "PATCH", here, mallory, {"enabled": before}).status_code == 200
        service.disable_application(service.application(app.id))
        for change in ({"enabled": True}, {"enabled": False}, {"enabled": True, "client_name": "Toy"}):
            call(town, "PATCH", here, mallory, change)
            assert not service.application(app.id).enabled, change
        refused = call(town, "PATCH", here, mallory, {"enabled": True})
        assert (refused.status_code, refused.json["code"]) == (403, "forbidden")
        service.enable_application(service.application(app.id))
    kinds = [event.kind for event in service.events(service.find_user(mallory.id)).items]
    assert {"application_disabled", "application_enabled"} <= set(kinds), "and the history says what was done"


def agreed_to(town: House, who: Person) -> list[Any]:
    """What somebody let applications have, as she may read it."""
    return list(town.get("/me/grants", who.access).json)


def ask(browser: Visitor, app: OAuthApp, **other: str) -> Any:
    """The page, or the answer, that a browser is led to by a request for nothing but who she is."""
    usual = {"client_id": app.id, "response_type": "code", "redirect_uri": HOME, "scope": "openid", "state": "x"}
    return browser.get("/oauth/authorize", query_string={**usual, **PKCE, **other})


def test_oa_10_who_lets_an_application_know_her_lets_it_act_nowhere(town: House, mallory: Person) -> None:
    """An audience that is open to strangers is asked for by name, each time it is new, whatever else was agreed to."""
    app, ada = her_own(town, mallory), town.sign_up()
    browser = town.browser_of(ada)
    app.tokens(browser, scope="openid")
    assert ask(browser, app).location.startswith(HOME), "this much she has agreed to"
    assert "error=consent_required" in ask(browser, app, resource=TOOLS, prompt="none").location
    asked = ask(browser, app, resource=TOOLS)
    assert asked.location.startswith("/oauth/authorize/continue")
    assert f"Act in your name at {TOOLS}" in browser.get(asked.location).text
    assert [one["resources"] for one in agreed_to(town, ada)] == [[]]
    tokens = app.tokens(browser, scope="openid", resource=TOOLS)
    assert town.service.believed(tokens["access_token"]).audience == (TOOLS,)
    assert [one["resources"] for one in agreed_to(town, ada)] == [[TOOLS]]
    assert TOOLS in browser.get("/account/applications").text
    assert ask(browser, app, resource=TOOLS).location.startswith(HOME), "and is asked no more"


def test_oa_14_nor_does_it_come_to_one_at_the_token_endpoint(town: House, mallory: Person) -> None:
    app, ada = her_own(town, mallory), town.sign_up()
    browser = town.browser_of(ada)
    refused = app.token(**app.code(browser, scope="openid offline_access"), resource=TOOLS)
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_target")
    tokens = app.tokens(browser, scope="openid offline_access")
    refused = app.refresh(tokens["refresh_token"], resource=TOOLS)
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_target")
    assert app.refresh(tokens["refresh_token"]).status_code == 200


def test_oa_14_nor_by_a_device(town: House, mallory: Person) -> None:
    app, ada = her_own(town, mallory, grant_types=[DEVICE], response_types=[]), town.sign_up()
    browser = town.browser_of(ada)
    begun = app.post("/oauth/device", scope="openid", resource=TOOLS).json
    page = browser.send_form("/device", {"user_code": begun["user_code"]}, page="/device")
    assert f"Act in your name at {TOOLS}" in page.text
    assert "Nobody here has checked this application" in page.text
    seal = re.search(r'name="seal" value="([^"]+)"', page.text)
    assert seal
    browser.send_form("/device/decide", {"user_code": begun["user_code"], "seal": seal[1], "decision": "allow"}, page="/device")
    assert [one["resources"] for one in agreed_to(town, ada)] == [[TOOLS]]
    given = app.token(DEVICE, device_code=begun["device_code"]).json
    assert town.service.believed(given["access_token"]).audience == (TOOLS,)


def test_ap_02_rights_that_somebody_gave_herself_are_told_to_nobody_elses_api(town: House, mallory: Person) -> None:
    """She declares a permission in an application of her own, which reads like one of the operator's, and gives it to herself."""
    app, tools = her_own(town, mallory), OAuthApp.register(town.app, client_name="Tools", resources=[TOOLS])
    for path, body in (
        (f"/applications/{app.id}/permissions", {"name": "tools:admin"}),
        ("/roles", {"application": app.id, "name": "administrator", "permissions": ["tools:admin"]}),
        (f"/users/{mallory.id}/permissions", {"application": app.id, "role": "administrator"}),
    ):
        assert call(town, "POST", path, mallory, body).status_code == 201
    browser = town.browser_of(mallory)
    own, theirs = (app.tokens(browser, scope="openid", **wish)["access_token"] for wish in ({}, {"resource": TOOLS}))
    assert town.service.believed(own).claims["permissions"] == app.introspect(own)["permissions"] == ["tools:admin"]
    for told in (town.service.believed(theirs).claims, tools.introspect(theirs), app.introspect(theirs)):
        assert told["aud"] == TOOLS
        assert not {"permissions", "roles"} & told.keys()


def test_oa_18_whose_word_a_document_is_stands_where_she_agrees(town: House) -> None:
    """Its name may be anybody's, and where it is answered is her own machine: what is proved is the host that it came from."""
    now = town.clock.now()
    facts = {"registration": "document", "auth_method": "none", "redirect_uris": (HOME,), "refreshed_at": now}
    app = Application("https://evil.example/bank.json", "Your Bank", now, now, **facts)
    assert town.service.core.store.add_application(app)
    browser = town.browser_of(town.sign_up())
    page = browser.get(ask(browser, OAuthApp(town.app, app)).location).text
    assert "Your Bank" in page
    assert "What it says of itself comes from evil.example." in page


def doors(town: House, app: OAuthApp, tokens: Any, browser: Visitor) -> dict[str, int]:
    """What an application meets where it is known, by the status of each answer."""
    question = {"user_id": "x", "permission": "reports:read"}
    return {
        "authorize": ask(browser, app).status_code,
        "refresh": app.refresh(tokens["refresh_token"]).status_code,
        "itself": app.token("client_credentials").status_code,
        "push": app.post(
            "/oauth/par", **{"response_type": "code", "redirect_uri": HOME, "scope": "openid", "nonce": "x", **PKCE}
        ).status_code,
        "userinfo": app.userinfo(tokens["access_token"]).status_code,
        "introspect": app.post("/oauth/introspect", token=tokens["access_token"]).status_code,
        "may": app.call("POST", "/api/v1/authorize", json=question, headers={"Authorization": app.basic()}).status_code,
    }


GOOD = {"authorize": 303, "refresh": 200, "itself": 200, "push": 201, "userinfo": 200, "introspect": 200, "may": 200}
SHUT = {"authorize": 400, "refresh": 401, "itself": 401, "push": 401, "userinfo": 401, "introspect": 401, "may": 401}


@pytest.mark.parametrize("status", [Status.SUSPENDED, Status.CLOSED, Status.LEAVING])
def test_se_03_who_is_shut_out_goes_on_by_no_application_of_hers(town: House, mallory: Person, status: Status) -> None:
    grants = ["authorization_code", "refresh_token", "client_credentials"]
    app, browser = her_own(town, mallory, grant_types=grants), town.browser_of(town.sign_up())
    tokens = app.tokens(browser, scope="openid offline_access")
    assert doors(town, app, tokens, browser) == GOOD
    service = town.service
    service.change_status(service.find_user(mallory.id), status, why="test", by="operator")
    tokens = {**tokens, "refresh_token": "x"}
    assert doors(town, app, tokens, browser) == SHUT
    service.change_status(service.find_user(mallory.id), Status.ACTIVE, why="test", by="operator")
    tokens = app.tokens(browser, scope="openid offline_access")
    assert doors(town, app, tokens, browser) == GOOD, "and nothing of it is lost when she comes back"


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.SUSPENDED])
def test_se_03_nor_does_the_door_open_for_what_it_gave(town: House, mallory: Person, status: Status) -> None:
    app, friend = her_own(town, mallory), town.sign_up()
    user = town.service.find_user(friend.id)
    town.service.declare_permission("operator", app.application, "play:all")
    town.service.assign("operator", user, Assignment(app.id, permission="play:all"))
    town.service.change_status(town.service.find_user(mallory.id), status, why="test", by="operator")
    answer = town.browser_of(friend).get(f"/verify?application={app.id}&permission=play:all")
    may = status is Status.ACTIVE
    assert (answer.status_code, answer.headers["X-Auth-Permissions"]) == ((200, "play:all") if may else (403, ""))


def test_rl_12_nobody_fills_the_store_with_names_that_are_none(town: House) -> None:
    before = town.rows()["attempts"]
    for number in range(30):
        for path, data in (("/oauth/token", {"grant_type": "client_credentials"}), ("/oauth/introspect", {"token": "x"})):
            secret = {"client_id": f"app_made_up_{number}", "client_secret": "x"}
            assert town.visitor("192.0.2.9").post(path, data={**data, **secret}).status_code in (401, 429)
        basic = base64.b64encode(f"app_made_up_{number}:x".encode()).decode()
        question = {"user_id": "x", "permission": "reports:read"}
        asked = town.visitor("192.0.2.9").post("/api/v1/authorize", json=question, headers={"Authorization": f"Basic {basic}"})
        assert asked.status_code in (401, 429)
    assert town.rows()["attempts"] - before <= 2


def test_rl_12_an_address_has_so_many_requests_kept_and_no_more(build: Builder) -> None:
    """Without signing in, or proving anything: each would stay for half an hour."""
    inn = build(sign_ins_per_minute=1, oidc_registration="open")
    app = OAuthApp.register(inn.app, client_name="Inn", token_endpoint_auth_method="none", redirect_uris=[HOME])
    proved = OAuthApp.register(inn.app, client_name="Host", redirect_uris=[HOME])
    browser, before = inn.visitor("192.0.2.7"), inn.rows()["tickets"]
    found = [ask(browser, app) for _ in range(8)]
    form = {"response_type": "code", "redirect_uri": HOME, "scope": "openid", "nonce": "x", **PKCE}
    found += [browser.post("/oauth/par", data={**form, "client_id": app.id}) for _ in range(6)]
    found += [browser.post("/oauth/authorize", data={**form, "client_id": app.id, "state": "x" * 4000, "login_hint": "x" * 2000})]
    assert [one.status_code for one in found] == [303] * 8 + [201] * 2 + [429] * 5
    assert all(one.headers["Retry-After"].isdigit() for one in found[-5:])
    assert inn.rows()["tickets"] - before == 10
    there = {"Authorization": proved.basic()}
    assert browser.post("/oauth/par", data=form, headers=there).status_code == 201, "a server sends those of many people"
    assert ask(inn.visitor("192.0.2.8"), app).status_code == 303
    inn.clock.advance(minutes=2)
    assert ask(browser, app).status_code == 303


def test_rl_12_nobody_changes_her_application_without_end(town: House, mallory: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each change is written down for good, and one of the addresses that she names may be called each time."""
    monkeypatch.setattr(applications, "CHANGES_BY_OWNER", 5)
    monkeypatch.setattr(roles, "CHANGES_BY_OWNER", 5)
    here = f"/applications/{her_own(town, mallory).id}"
    named = [call(town, "PATCH", here, mallory, {"client_name": f"Game {number}"}).status_code for number in range(8)]
    declared = [call(town, "POST", f"{here}/permissions", mallory, {"name": f"game:{number}"}).status_code for number in range(8)]
    assert (named, declared) == ([200] * 5 + [429] * 3, [201] * 5 + [429] * 3)
    assert call(town, "DELETE", here, mallory).status_code == 204, "but she may take it away"
    town.clock.advance(hours=1, seconds=1)


def test_oa_19_nobody_moves_in_with_a_neighbour_to_know_people_by_her_subjects(town: House, mallory: Person) -> None:
    """What was given for an address of her own goes on after she names somebody else's: that makes her no part of that sector."""
    pairwise = {"subject_type": "pairwise", "scope": "openid offline_access"}
    bank = OAuthApp.register(town.app, client_name="Bank", redirect_uris=["https://bank.example/cb"], **pairwise)
    browser = town.browser_of(town.sign_up())
    known = bank.introspect(bank.tokens(browser)["access_token"])["sub"]
    app = her_own(town, mallory, **pairwise)
    given = app.tokens(browser)
    here = f"/applications/{app.id}"
    for change in ({"redirect_uris": ["https://bank.example/cb"]}, {"client_name": "Bank"}):
        assert call(town, "PATCH", here, mallory, change).status_code == 200
        assert app.userinfo(given["access_token"]).json["sub"] != known
        given = app.refresh(given["refresh_token"]).json
        assert app.introspect(given["access_token"])["sub"] != known


@pytest.mark.parametrize(
    "first", [{"redirect_uris": ["http://127.0.0.1/cb"]}, {"grant_types": ["authorization_code", DEVICE]}, {}], ids=str
)
def test_oa_19_nor_by_how_she_began(town: House, mallory: Person, first: dict[str, Any]) -> None:
    """Whose answers went elsewhere, or past all addresses, at any time, is alone for good."""
    there = {"redirect_uris": ["https://bank.example/cb"], "grant_types": ["authorization_code", "refresh_token"]}
    app = her_own(town, mallory, subject_type="pairwise", **{**there, **first} if first else {})
    for change in (*([there] if first else []), {"redirect_uris": [HOME]}, there):
        assert call(town, "PATCH", f"/applications/{app.id}", mallory, change).status_code == 200
        assert released.sector(town.service.application(app.id)) != "bank.example"


def test_dt_05_who_gives_rights_in_an_application_of_her_own_passes_for_no_administrator(town: House, mallory: Person) -> None:
    """In the history of somebody else, whom such a line would alarm or mislead."""
    app, ada = her_own(town, mallory), town.sign_up()
    assert call(town, "POST", f"/applications/{app.id}/permissions", mallory, {"name": "game:play"}).status_code == 201
    gift = {"application": app.id, "permission": "game:play"}
    assert call(town, "POST", f"/users/{ada.id}/permissions", mallory, gift).status_code == 201
    told = next(one for one in town.get("/me/events", ada.access).json if one["kind"] == "permissions_changed")
    assert (told["detail"]["by"], told["address"]) == ("owner", None)
    page = town.browser_of(ada).get("/account/history").text
    assert "by whoever registered an application" in page
    assert "by an administrator" not in page
