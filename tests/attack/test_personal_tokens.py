"""TK-05 and AP rows on tokens with bounds: what is no access token opens nothing, and what has bounds opens no more than they say."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from authenticator.applications import OWN, Application, Assignment
from authenticator.flows.scopes import covers
from authenticator.http.guard import OWN_ONLY, TOO_NARROW
from authenticator.web.api import ENDPOINTS

if TYPE_CHECKING:
    from tests.attack.conftest import House, Person

GUARDED = [endpoint for endpoint in ENDPOINTS if endpoint.access != "open"]
DOORS = [(endpoint.method, "/api/v1" + re.sub(r"{\w+}", "x", endpoint.path)) for endpoint in GUARDED] + [("GET", "/verify")]
TAKE_JSON = {door for endpoint, door in zip(GUARDED, DOORS, strict=False) if endpoint.body}
SCOPES = [
    ("openid",),
    ("account:read",),
    ("account",),
    ("users:read",),
    ("users:read", "users:write"),
    ("openid", "profile", "email", "phone"),
]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def make(house: House, person: Person, *scopes: str) -> str:
    """A personal access token of somebody who may give away all of these."""
    service = house.service
    for scope in scopes:
        if scope.startswith("users:"):
            service.assign("operator", service.find_user(person.id), Assignment(OWN, permission=scope))
    ends = (house.clock.now() + timedelta(days=1)).isoformat()
    made = house.post("/me/tokens", {"name": "test", "scopes": scopes, "expires_at": ends}, headers=person.bearer)
    assert made.status_code == 201, made.text
    return str(made.json["token"])


def application_token(house: House, person: Person, *scopes: str, **change: Any) -> str:
    """A token that an application was given for this service."""
    service = house.service
    store, now = service.core.store, service.core.clock.now()
    store.add_application(Application("app_t", "T", now, now))
    parent = store.session_by_id(person.session)
    assert parent
    family = replace(
        parent,
        id=f"family{now.timestamp()}",
        refresh=None,
        kind="grant",
        application="app_t",
        parent=parent.id,
        scopes=("openid", "account"),
    )
    if not store.session_by_id(family.id):
        store.open_session(family)
    at = int(now.timestamp())
    claims = {
        "iss": service.settings.public_url,
        "aud": service.settings.token_audience,
        "sub": person.id,
        "client_id": "app_t",
        "sid": family.id,
    }
    claims |= {"iat": at, "nbf": at, "exp": at + 120, "jti": f"j{now.timestamp()}", "scope": " ".join(scopes)}
    return service.keys.sign({**claims, **change}, typ=str(change.pop("typ", "at+jwt")))


KINDS: dict[str, Callable[[House, Person], str]] = {
    "ID token": lambda house, one: house.service.keys.sign(_claims(house, one), typ="JWT"),
    "ID token, RS256": lambda house, one: house.service.keys.sign(_claims(house, one), typ="at+jwt", algorithm="RS256"),
    "ID token, EdDSA": lambda house, one: house.service.keys.sign(_claims(house, one), typ="at+jwt", algorithm="EdDSA"),
    "logout token": lambda house, one: house.service.keys.sign(_claims(house, one), typ="logout+jwt"),
    "proof of a key": lambda house, one: house.service.keys.sign(_claims(house, one), typ="dpop+jwt"),
    "client's assertion": lambda house, one: house.service.keys.sign(
        _claims(house, one) | {"sub": "app_t"}, typ="client-authentication+jwt"
    ),
    "refresh token": lambda _, one: one.refresh,
    "session's id": lambda _, one: one.session,
    "session's cookie": lambda house, one: _cookie(house, one),
    "a person's token without its mark": lambda house, one: make(house, one, "account").removeprefix("pat_"),
    "the mark alone": lambda *_: "pat_",
    "the mark and a cookie": lambda house, one: "pat_" + _cookie(house, one),
    "token of a mail": lambda house, one: _mailed(house, one),
    "for another audience": lambda house, one: application_token(house, one, "account", aud="https://api.example"),
    "bound to a key": lambda house, one: application_token(house, one, "account", cnf={"jkt": "x"}),
    "of another application's family": lambda house, one: application_token(house, one, "account", client_id="app_other"),
    "of an application that says it is ours": lambda house, one: application_token(house, one, "account", client_id="authenticator"),
    "without scope": lambda house, one: application_token(house, one, "account", scope=None),
    "without a session": lambda house, one: application_token(house, one, "account", sid=""),
}


def _claims(house: House, person: Person) -> dict[str, Any]:
    settings, at = house.service.settings, int(house.clock.now().timestamp())
    named = {
        "iss": settings.public_url,
        "aud": settings.token_audience,
        "sub": person.id,
        "sid": person.session,
        "jti": "j",
        "type": "access",
    }
    return {**named, "client_id": "authenticator", "iat": at, "nbf": at, "exp": at + 120}


def _cookie(house: House, person: Person) -> str:
    browser = house.browser_of(person)
    found = browser.get_cookie("auth_session", "localhost")
    assert found
    return str(found.value)


def _mailed(house: House, person: Person) -> str:
    house.post("/password/forgot", {"email": person.email})
    link = next(message.link for message in reversed(house.mail_to(person.email)) if message.link)
    return re.split(r"[/=#]", link)[-1]


@pytest.mark.parametrize("kind", KINDS)
def test_tk_05_what_is_no_access_token_of_ours_opens_no_door(house: House, kind: str) -> None:
    """A9.2.2, RFC 8725 §3.11: every kind of token at every door."""
    person = house.sign_up()
    token = KINDS[kind](house, person)
    for method, path in DOORS:
        body = {"json": {}} if (method, path) in TAKE_JSON else {}
        answer = house.visitor().open(path, method=method, headers=bearer(token), **body)
        refused = (401,) if kind != "of another application's family" else (401, 403, 422)  # its scopes fit, and a body comes first
        assert answer.status_code in refused, (method, path, answer.status, answer.text)


def test_tk_05_the_forge_makes_tokens_that_pass_when_nothing_is_wrong(house: House) -> None:
    person = house.sign_up()
    assert house.get("/me", application_token(house, person, "account:read")).status_code == 200
    assert house.visitor().get("/verify", headers=bearer(application_token(house, person, "openid"))).headers["X-Auth-User"] == person.id


@pytest.mark.parametrize("scopes", SCOPES, ids=" ".join)
@pytest.mark.parametrize("made", [make, application_token], ids=["personal", "application"])
def test_ap_02_a_token_opens_no_more_than_its_scopes_say(house: House, made: Callable[..., str], scopes: tuple[str, ...]) -> None:
    """Every endpoint by every set of scopes: too narrow is 403 before anything is looked at."""
    person = house.sign_up()
    token = made(house, person, *scopes)
    for endpoint, (method, path) in zip(GUARDED, DOORS, strict=False):
        if endpoint.asker:
            continue
        answer = house.visitor().open(path, method=method, headers=bearer(token), **({"json": {}} if endpoint.body else {}))
        found = answer.get_json(silent=True)
        told = found.get("detail") if isinstance(found, dict) else None
        assert answer.status_code < 500, (method, path, answer.text)
        if covers(scopes, endpoint.needed_scope):
            assert told != TOO_NARROW, (method, path)
            assert answer.status_code != 401, (method, path, answer.text)
        else:
            assert (answer.status_code, told) == (403, TOO_NARROW), (method, path, answer.text)


def test_ap_02_keys_proofs_and_sign_ins_are_for_no_token_with_bounds() -> None:
    """Whatever makes a credential, takes one away, or asks for fresh proof."""
    own = {(one.method, one.path) for one in GUARDED if one.needed_scope == OWN_ONLY}
    wanted = {
        ("POST", "/me/password"),
        ("POST", "/me/tokens"),
        ("DELETE", "/me/tokens/{id}"),
        ("DELETE", "/me/grants/{client_id}"),
        ("POST", "/me/factors/{name}"),
        ("DELETE", "/me/factors/{name}"),
        ("POST", "/me/factors/recovery"),
        ("POST", "/me/confirm/{provider}"),
        ("POST", "/me/identities/{provider}"),
        ("DELETE", "/me/identities/{id}"),
        ("DELETE", "/me/sessions/{id}"),
        ("DELETE", "/me/sessions"),
        ("POST", "/me/emails"),
        ("DELETE", "/me/emails/{id}"),
        ("GET", "/me/export"),
        ("DELETE", "/me"),
        ("POST", "/sign-out"),
    }
    assert wanted <= own, wanted - own


def test_ap_01_nobody_deletes_the_token_of_somebody_else(house: House) -> None:
    ada, eve = house.sign_up(), house.sign_up()
    token = make(house, ada, "account:read")
    its_id = house.get("/me/tokens", ada.access).json[0]["id"]
    for found in (its_id, ada.session, eve.session, "x"):
        assert house.visitor().delete(f"/api/v1/me/tokens/{found}", headers=eve.bearer).status_code == 404
    assert house.get("/me", token).status_code == 200


def test_ap_06_the_text_of_a_token_is_stored_and_told_nowhere(house: House) -> None:
    person = house.sign_up()
    token = make(house, person, "account:read")
    house.get("/me", token)
    house.service.core.errands.flush()
    assert token.encode() not in house.dump()
    for path in ("/me/tokens", "/me/export", "/me/events", "/me/sessions"):
        assert token not in house.get(path, person.access).text
    assert all(token not in str(message) for message in house.mail_to(person.email))


@pytest.mark.parametrize("end", ["suspended", "reset", "session"])
def test_se_03_a_token_ends_with_its_owner(house: House, end: str) -> None:
    person = house.sign_up()
    token = make(house, person, "account:read", "openid")
    assert house.get("/me", token).status_code == 200
    if end == "suspended":
        house.suspend(person)
    elif end == "reset":
        house.service.require_reset(house.service.find_user(person.id), by="operator")
    else:
        its_id = house.get("/me/tokens", person.access).json[0]["id"]
        house.visitor().delete(f"/api/v1/me/tokens/{its_id}", headers=person.bearer)
    assert house.get("/me", token).status_code == 401
    assert house.visitor().get("/verify", headers=bearer(token)).status_code == 401


def test_a_token_is_no_session_cookie_and_no_page_takes_it(house: House) -> None:
    person = house.sign_up()
    token = make(house, person, "account")
    for headers in ({"Cookie": f"auth_session={token}"}, bearer(token)):
        assert house.visitor().get("/account", headers=headers).status_code == 303
    for path in ("/api/v1/me", "/verify"):
        assert house.visitor().get("/verify", headers=bearer(token)).status_code == 200
        assert house.visitor().get(path, headers={"Cookie": f"auth_session={token}"}).status_code == 401


def test_ap_02_a_right_that_was_taken_back_is_gone_from_the_token_too(house: House) -> None:
    person = house.sign_up()
    token = make(house, person, "users:read")
    assert house.get("/users", token).status_code == 200
    house.service.unassign("operator", house.service.find_user(person.id), Assignment(OWN, permission="users:read"))
    assert house.get("/users", token).status_code == 403


@pytest.mark.parametrize("scope", ["permissions:write", "applications:write"])
def test_ap_02_a_token_makes_nothing_that_may_do_more_than_itself(house: House, scope: str) -> None:
    """A stolen key of an administrator: neither does its thief's account become one, nor an application of his."""
    root, thief = house.sign_up(), house.sign_up()
    house.service.assign("operator", house.service.find_user(root.id), Assignment(OWN, role="administrator"))
    key = bearer(make(house, root, scope))
    app = {"client_name": "Help", "redirect_uris": ["https://help.example/back"]}
    wide = house.service.register_application({**app, "scope": "openid users:read"}).application
    attempts: list[tuple[str, str, Any]] = [
        ("POST", f"/users/{thief.id}/permissions", {"role": "administrator"}),
        ("POST", f"/users/{thief.id}/permissions", {"permission": "users:read"}),
        ("POST", "/roles", {"name": "wide", "permissions": ["users:read", scope]}),
    ]
    if scope == "applications:write":
        attempts = [
            ("POST", "/applications", {**app, "trusted": True, "scope": f"openid {scope} users:write"}),
            ("POST", "/applications", {**app, "scope": "openid account"}),
            ("PATCH", f"/applications/{wide.id}", {"redirect_uris": ["https://evil.example/back"]}),
            ("POST", f"/applications/{wide.id}/secrets", None),
        ]
    for method, path, body in attempts:
        answer = house.visitor().open(f"/api/v1{path}", method=method, headers=key, **({} if body is None else {"json": body}))
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden"), (path, answer.text)
        mine = house.visitor().open(f"/api/v1{path}", method=method, headers=root.bearer, **({} if body is None else {"json": body}))
        assert mine.status_code in (200, 201), "which she may do herself"
    narrow = {"permission": scope} if scope == "permissions:write" else {**app, "scope": f"openid {scope}"}
    path = f"/users/{thief.id}/permissions" if scope == "permissions:write" else "/applications"
    assert house.visitor().post(f"/api/v1{path}", json=narrow, headers=key).status_code == 201
