"""OA-14, OA-17, RF-01, RF-04, RF-05, RF-07, TK-01 to TK-09 for applications: tokens that want more, tell more or live longer than they may."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from authenticator.flows.signing import ORDER
from authenticator.models import Client
from authenticator.testing.oauth import CALLBACK, OAuthApp
from tests.attack.costs import costing_little

if TYPE_CHECKING:
    from tests.attack.conftest import House, Person, Visitor

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"
MACHINE = {"grant_types": ["client_credentials"], "redirect_uris": [], "scope": "reports:read reports:write"}


@pytest.fixture(scope="module")
def shop(house: House) -> OAuthApp:
    return OAuthApp.register(house.app)


@pytest.fixture(scope="module")
def ada(house: House) -> Person:
    return house.sign_up()


@pytest.fixture(scope="module")
def browser(house: House, ada: Person) -> Visitor:
    return house.browser_of(ada)


def refused(answer: Any, error: str = "invalid_grant") -> bool:
    assert (answer.status_code, answer.json["error"]) == (400, error), answer.text
    return True


def test_rf_01_a_spent_refresh_token_ends_the_family_and_its_owner_is_told(
    house: House, shop: OAuthApp, browser: Visitor, ada: Person
) -> None:
    first = shop.tokens(browser)
    second = shop.refresh(first["refresh_token"]).json
    third = shop.refresh(second["refresh_token"]).json
    assert refused(shop.refresh(first["refresh_token"]))
    assert refused(shop.refresh(third["refresh_token"]))
    for tokens in (first, second, third):
        assert shop.userinfo(tokens["access_token"]).status_code == 401
        assert shop.introspect(tokens["access_token"]) == {"active": False}
    assert "refresh_reused" in {event.kind for event in house.service.events(house.service.find_user(ada.id), limit=20).items}
    assert any("for safety" in message.subject for message in house.mail_to(ada.email))


def test_rf_04_a_refresh_token_is_for_one_client_who_shows_itself(house: House, shop: OAuthApp, browser: Visitor) -> None:
    token = shop.tokens(browser)["refresh_token"]
    other = OAuthApp.register(house.app, client_name="Other")
    assert refused(other.refresh(token))
    assert shop.token("refresh_token", refresh_token=token, alone=True, client_id=shop.id).json["error"] == "invalid_client"
    for forged in (token[:-1] + ("A" if token[-1] != "A" else "B"), token.partition(".")[0] + ".x", "x", "." * 300, "é.é"):
        assert refused(shop.refresh(forged))
    assert shop.refresh(token).status_code == 200, "none of that has ended it"


def test_rf_04_scopes_and_resources_only_get_fewer(house: House, browser: Visitor) -> None:
    apis = ["https://a.example", "https://b.example"]
    wide = OAuthApp.register(house.app, client_name="Wide", resources=apis, scope="openid profile email offline_access")
    tokens = wide.tokens(browser, scope="openid email", resource="https://a.example")
    token = tokens["refresh_token"]
    assert refused(wide.refresh(token, scope="openid profile"), "invalid_scope")
    assert refused(wide.refresh(token, scope="openid email users:write"), "invalid_scope")
    assert refused(wide.refresh(token, resource="https://b.example"), "invalid_target")
    narrow = wide.refresh(token, scope="openid").json
    assert (narrow["scope"], wide.introspect(narrow["access_token"])["aud"]) == ("openid", "https://a.example")
    assert wide.refresh(narrow["refresh_token"]).json["scope"] == "openid email", "what was agreed stays agreed"
    code = wide.code(browser, scope="openid", resource="https://a.example")
    assert refused(wide.token(**code, resource="https://b.example"), "invalid_target")


def test_rf_04_it_ends_with_the_person_her_consent_her_sign_in_and_the_application(house: House) -> None:
    ends: dict[str, Callable[[Person, Visitor, OAuthApp], Any]] = {
        "suspended": lambda person, _browser, _app: house.suspend(person),
        "consent": lambda person, _browser, app: house.service.take_back(house.service.find_user(person.id), app.id, Client()),
        "signed out": lambda _person, browser, _app: browser.send_form("/sign-out", {}, page="/account"),
        "everywhere": lambda person, _browser, _app: house.service.end_sessions(house.service.find_user(person.id), "test", Client()),
    }
    for what, end in ends.items():
        person = house.sign_up()
        app, browser = OAuthApp.register(house.app, client_name="Ending"), house.browser_of(person)
        scope = "openid" if what == "signed out" else "openid offline_access"
        tokens = app.tokens(browser, scope=scope)
        end(person, browser, app)
        assert refused(app.refresh(tokens["refresh_token"])), what
        assert app.introspect(tokens["access_token"]) == {"active": False}, what
    app = OAuthApp.register(house.app, client_name="Ending")
    tokens = app.tokens(house.browser_of(house.sign_up()))
    house.service.disable_application(app.application)
    assert app.refresh(tokens["refresh_token"]).status_code == 401
    assert app.userinfo(tokens["access_token"]).status_code == 401


def test_rf_04_after_thirty_days_it_is_over_however_often_it_was_used(build: Any) -> None:
    house = build()
    app = OAuthApp.register(house.app)
    token = app.tokens(house.browser_of(house.sign_up()))["refresh_token"]
    for _ in range(29):
        house.clock.advance(days=1)
        token = app.refresh(token).json["refresh_token"]
    house.clock.advance(days=1, minutes=1)
    assert refused(app.refresh(token))


def test_rf_05_an_application_gives_up_its_own_tokens_and_nobody_elses(house: House, shop: OAuthApp, browser: Visitor) -> None:
    other = OAuthApp.register(house.app, client_name="Other")
    tokens = shop.tokens(browser)
    for token in (*(tokens[name] for name in ("access_token", "refresh_token", "id_token")), "x", "." * 999, "é"):
        answer = other.revoke(token)
        assert (answer.status_code, answer.json) == (200, {})
    assert shop.userinfo(tokens["access_token"]).status_code == 200
    assert shop.post("/oauth/revoke", alone=True, token=tokens["refresh_token"]).status_code == 401
    assert shop.post("/oauth/revoke", alone=True, token=tokens["refresh_token"], client_id=shop.id).status_code == 401
    assert refused(shop.post("/oauth/revoke"), "invalid_request")
    assert shop.revoke(tokens["refresh_token"]).status_code == 200
    assert shop.userinfo(tokens["access_token"]).status_code == 401
    assert shop.introspect(tokens["access_token"]) == {"active": False}
    again = shop.tokens(browser)
    assert shop.revoke(again["access_token"]).status_code == 200
    assert refused(shop.refresh(again["refresh_token"]))
    robot = OAuthApp.register(house.app, client_name="Robot", **MACHINE)
    token = robot.token("client_credentials").json["access_token"]
    assert robot.introspect(token)["active"]
    robot.revoke(token)
    assert robot.introspect(token) == {"active": False}


def test_rf_07_only_by_post_only_with_a_refresh_token_and_a_lost_answer_leaves_one_family(shop: OAuthApp, browser: Visitor) -> None:
    tokens = shop.tokens(browser)
    asked = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        answer = shop.call(method, "/oauth/token", query_string=asked, headers={"Authorization": shop.basic()})
        assert answer.status_code == 405, method
    for name in ("access_token", "id_token"):
        assert refused(shop.refresh(tokens[name]))
    lost, again = shop.refresh(tokens["refresh_token"]).json, shop.refresh(tokens["refresh_token"]).json
    assert lost["refresh_token"] == again["refresh_token"], "the very same successor"


def test_oa_14_an_application_has_for_itself_what_it_registered_and_nothing_of_people(house: House) -> None:
    robot = OAuthApp.register(house.app, client_name="Robot", **{**MACHINE, "scope": "reports:read openid email account users:read"})
    assert robot.token("client_credentials").json["scope"] == "reports:read"
    for scope in ("reports:write", "openid", "account", "users:read", "reports:read users:write", "*"):
        assert refused(robot.token("client_credentials", scope=scope), "invalid_scope")
    assert refused(robot.token("client_credentials", resource=house.service.settings.token_audience), "invalid_target")
    token = robot.token("client_credentials").json["access_token"]
    assert robot.userinfo(token).status_code == 401
    assert house.get("/me", token).status_code == 401, "the API here is for people"


def test_dt_05_who_acts_for_her_by_exchange_stands_in_her_history_once(house: House, browser: Visitor, ada: Person) -> None:
    api = "https://api.example"
    front = OAuthApp.register(house.app, client_name="Front", resources=[api])
    back = OAuthApp.register(house.app, client_name="Back", resources=[api], grant_types=[EXCHANGE], redirect_uris=[])
    token = front.tokens(browser, scope="openid")["access_token"]
    for _ in range(3):
        assert back.token(EXCHANGE, subject_token=token, subject_token_type=ACCESS).status_code == 200
        house.service.core.fleeting._kept.clear()  # another process
    found = [event for event in house.service.events(house.service.find_user(ada.id)).items if event.detail.get("application") == back.id]
    assert [(event.kind, event.detail["through"], event.client.address[:7]) for event in found] == [
        ("application_used", front.id, "198.19.")
    ]


def test_oa_14_an_exchanged_token_is_never_wider_nor_for_others(house: House, browser: Visitor, ada: Person) -> None:
    back = OAuthApp.register(
        house.app,
        client_name="Back",
        grant_types=["client_credentials", EXCHANGE],
        redirect_uris=[],
        scope="openid reports:read reports:write",
        resources=["https://back.example", "https://store.example"],
    )
    front = OAuthApp.register(
        house.app, client_name="Front", scope="openid email reports:read", resources=["https://back.example", "https://x.example"]
    )

    def swap(token: str, **more: Any) -> Any:
        return back.token(EXCHANGE, subject_token=token, subject_token_type=ACCESS, **more)

    token = front.tokens(browser, resource="https://back.example")["access_token"]
    given = swap(token, resource="https://store.example")
    assert given.status_code == 200, given.text
    assert given.json["issued_token_type"] == ACCESS
    assert set(given.json["scope"].split()) == {"openid", "reports:read"}
    told = back.introspect(given.json["access_token"])
    assert (told["sub"], told["aud"], told["act"]) == (ada.id, "https://store.example", {"sub": back.id})
    assert told["exp"] <= front.introspect(token)["exp"]
    assert "refresh_token" not in given.json
    for scope in ("reports:write", "email", "account", "users:read"):
        assert refused(swap(token, scope=scope), "invalid_scope")
    for target in ("https://x.example", house.service.settings.token_audience, "authenticator", front.id):
        assert refused(swap(token, resource=target), "invalid_target")
        assert refused(swap(token, audience=target), "invalid_target")
    assert refused(swap(front.tokens(browser, resource="https://x.example")["access_token"]), "invalid_request"), "made for somebody else"
    assert refused(front.token(EXCHANGE, subject_token=token, subject_token_type=ACCESS), "unauthorized_client")
    for wrong in (ada.access, ada.refresh, "x", front.tokens(browser)["id_token"], back.token("client_credentials").json["access_token"]):
        assert refused(swap(wrong), "invalid_request")
    assert refused(back.token(EXCHANGE, subject_token=token, subject_token_type="urn:x"), "invalid_request")
    front.revoke(token)
    assert back.introspect(given.json["access_token"]) == {"active": False}, "it ends with what it came of"
    assert swap(token).status_code in (400, 401)


def test_oa_14_a_role_that_is_taken_away_is_gone_at_once_where_one_asks(house: House, browser: Visitor, ada: Person) -> None:
    from dataclasses import replace

    from authenticator.applications import Assignment, Permission, Role

    app = OAuthApp.register(house.app, client_name="Reports")
    app.change(permissions=(Permission("reports:read"),), roles=(Role("reader", permissions=("reports:read",)),))
    store = house.service.core.store
    user = house.service.find_user(ada.id)
    assert store.save_user(replace(user, assignments=(Assignment(app.id, role="reader"),)))
    tokens = app.tokens(browser)
    told = app.introspect(tokens["access_token"])
    assert (told["permissions"], told["roles"]) == (["reports:read"], ["reader"])
    said = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert (said["permissions"], said["roles"]) == (["reports:read"], ["reader"])
    assert store.save_user(replace(house.service.find_user(ada.id), assignments=()))
    told = app.introspect(tokens["access_token"])
    assert (told["permissions"], told["roles"]) == ([], [])
    fresh = jwt.decode(app.refresh(tokens["refresh_token"]).json["access_token"], options={"verify_signature": False})
    assert "permissions" not in fresh


def test_oa_17_only_those_concerned_learn_of_a_token(house: House, shop: OAuthApp, browser: Visitor, ada: Person) -> None:
    api = OAuthApp.register(house.app, client_name="API", **{**MACHINE, "resources": ["https://a.example"]})
    front = OAuthApp.register(house.app, client_name="Front", resources=["https://a.example"])
    tokens = front.tokens(browser)
    assert api.introspect(tokens["access_token"])["sub"] == ada.id, "it is for this one"
    for token in (*(tokens[name] for name in ("access_token", "refresh_token", "id_token")), ada.access, ada.refresh, "x", "é", "." * 50):
        answer = shop.post("/oauth/introspect", token=token)
        assert (answer.status_code, answer.json) == (200, {"active": False}), "foreign"
        for hint in ("access_token", "refresh_token", "x"):
            assert shop.post("/oauth/introspect", token=token, token_type_hint=hint).json == {"active": False}
    assert api.introspect(tokens["refresh_token"]) == {"active": False}
    assert front.introspect(tokens["refresh_token"])["active"]
    for alone in ({}, {"client_id": shop.id}, {"headers": {"Authorization": f"Bearer {tokens['access_token']}"}}):
        answer = front.post("/oauth/introspect", alone=True, token=tokens["access_token"], **alone)
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
    house.clock.advance(seconds=140)
    assert front.introspect(tokens["access_token"]) == {"active": False}


# TK: what is no access token, at every place that takes one


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def made(house: House, good: str, *, header: Any = None, **claims: Any) -> str:
    """A token with other claims, signed with the service's own key, as only a thief of that could."""
    key = house.service.keys.current()
    facts = {**jwt.decode(good, options={"verify_signature": False}), **claims}
    head = {"typ": "at+jwt", "kid": key.kid, **(header or {})}
    body = json.dumps({name: value for name, value in facts.items() if value is not None}).encode()
    from authenticator.flows.signing import lower

    return lower(jwt.api_jws.encode(body, key.private, "ES256", {name: value for name, value in head.items() if value is not None}))


def forgeries(house: House, shop: OAuthApp, ada: Person, tokens: Any) -> dict[str, str]:
    good = tokens["access_token"]
    head, body, signature = good.split(".")
    keys, now = house.service.keys, int(house.clock.now().timestamp())
    found: dict[str, str] = {}
    for alg in ("none", "None", "NONE", "nOnE", "", "HS256"):
        found[f"TK-01 {alg}"] = f"{b64(json.dumps({'alg': alg, 'typ': 'at+jwt', 'kid': keys.current().kid}).encode())}.{body}."
    public = keys.current().public
    formats = serialization.PublicFormat.SubjectPublicKeyInfo
    for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER):
        secret = public.public_bytes(encoding, formats)
        import hashlib
        import hmac

        text = f"{b64(json.dumps({'alg': 'HS256', 'typ': 'at+jwt', 'kid': keys.current().kid}).encode())}.{body}"
        found[f"TK-02 {encoding}"] = f"{text}.{b64(hmac.digest(secret, text.encode(), hashlib.sha256))}"
    for name, value in {"kid": "../../etc/passwd", "jku": "https://evil.example", "x5u": "https://evil.example", "crit": ["x"]}.items():
        found[f"TK-03 {name}"] = (
            made(house, good, header={name: value}) if name in ("kid", "crit") else made(house, good, header={name: value, "kid": "x"})
        )
    found |= {f"TK-05 {name}": tokens[name] for name in ("id_token", "refresh_token")}
    found["TK-05 a first-party refresh token"] = ada.refresh
    claims = jwt.decode(good, options={"verify_signature": False})
    for kind in ("JWT", "logout+jwt", "dpop+jwt", "secevent+jwt", None):
        found[f"TK-05 {kind}"] = made(house, good, header={"typ": kind})
    found["TK-05 an ES256 token of another kind"] = keys.sign(claims, typ="JWT")
    found["TK-05 a key of another algorithm"] = keys.sign(claims, typ="at+jwt", algorithm="RS256")
    for name in ("iss", "aud", "sub", "client_id", "jti", "exp", "iat", "nbf", "sid"):
        found[f"TK-07 no {name}"] = made(house, good, **{name: None})
        found[f"TK-07 {name} a list"] = made(house, good, **{name: [[claims[name]]]})
        found[f"TK-07 {name} an object"] = made(house, good, **{name: {"a": 1}})
    for name in ("exp", "iat", "nbf"):
        for value in (str(claims[name]), float(claims[name]), -1, True, 10**30, now + 10**6):
            found[f"TK-07 {name} {value!r}"] = made(house, good, **{name: value})
    found["TK-07 over"] = made(house, good, iat=now - 300, nbf=now - 300, exp=now - 180)
    found["TK-07 issuer with a slash"] = made(house, good, iss=claims["iss"] + "/")
    found["TK-07 no scope"] = made(house, good, scope=None)
    found["TK-08 a bomb"] = good + "A" * 12_000
    raw = base64.urlsafe_b64decode(signature + "==")
    high = raw[:32] + (ORDER - int.from_bytes(raw[32:])).to_bytes(32)
    for name, value in {
        "zeros": bytes(64),
        "the other s": high,
        "short": raw[:63],
        "long": raw + b"\0",
        "order": ORDER.to_bytes(32) * 2,
    }.items():
        found[f"TK-09 {name}"] = f"{head}.{body}.{b64(value)}"
    return found


def test_tk_01_to_09_no_forgery_is_taken_by_any_consumer_of_applications_tokens(
    house: House, shop: OAuthApp, browser: Visitor, ada: Person
) -> None:
    """Userinfo, introspection and exchange; the API has tests of its own."""
    tokens = shop.tokens(browser)
    shop.change(grants=(*shop.application.grants, EXCHANGE))
    assert shop.userinfo(tokens["access_token"]).status_code == 200
    assert shop.userinfo(made(house, tokens["access_token"])).status_code == 200, "what the forgeries below are made of is good"
    for what, token in forgeries(house, shop, ada, tokens).items():
        with costing_little():
            assert shop.userinfo(token).status_code in (401, 431), what
            active = shop.post("/oauth/introspect", token=token)
            if what not in ("TK-05 refresh_token", "TK-07 no sid"):
                assert active.json.get("active", False) is False, what
            swapped = shop.token(EXCHANGE, subject_token=token, subject_token_type=ACCESS)
            assert swapped.status_code == 400, what


def test_tk_05_no_token_of_an_application_opens_the_api_without_audience_and_scope(house: House, shop: OAuthApp, browser: Visitor) -> None:
    tokens = shop.tokens(browser)
    for token in tokens.values():
        if isinstance(token, str):
            assert house.get("/me", token).status_code == 401
    assert CALLBACK in shop.application.redirect_uris


def test_tk_11_a_token_in_the_address_is_refused(shop: OAuthApp, browser: Visitor) -> None:
    token = shop.tokens(browser)["access_token"]
    assert shop.call("GET", f"/oauth/userinfo?access_token={token}").status_code == 400
    posted = shop.call("POST", "/oauth/userinfo", data={"access_token": token})
    assert posted.status_code == 200
    both = shop.call("POST", "/oauth/userinfo", data={"access_token": token}, headers={"Authorization": f"Bearer {token}"})
    assert (both.status_code, both.json["error"]) == (400, "invalid_request")
    assert shop.call("GET", "/oauth/userinfo").headers["WWW-Authenticate"] == "Bearer"
