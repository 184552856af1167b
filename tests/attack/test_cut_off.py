"""RF-08 and TK-05: what is cut off is cut off at every consumer; and a token's bounds hold at the door as in the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from joserfc.jwk import ECKey

from authenticator.applications import OWN, Assignment, Permission
from authenticator.errors import AuthError
from authenticator.flows import sessions
from authenticator.flows.outcomes import Signed
from authenticator.models import Client
from authenticator.testing.oauth import OAuthApp
from tests.attack.test_oauth_clients import proof
from tests.attack.test_oauth_token import ACCESS, EXCHANGE, made
from tests.attack.test_personal_tokens import bearer, make

if TYPE_CHECKING:
    from tests.attack.conftest import House, Person

SCOPE = "openid email account:read offline_access"


@pytest.fixture
def ada(house: House) -> Person:
    return house.sign_up()


def registered(house: House, **more: Any) -> OAuthApp:
    """An application whose tokens are for the API of this service."""
    return OAuthApp.register(house.app, **{"scope": SCOPE, "resources": [house.service.settings.token_audience], **more})


def let_in(house: House, app: OAuthApp, tokens: Any) -> dict[str, bool]:
    """Which consumers still take what the application was given; the refresh token is asked last, since that spends it."""
    access = bearer(tokens["access_token"])
    return {
        "API": house.visitor().get("/api/v1/me", headers=access).status_code == 200,
        "forward-auth": house.visitor().get("/verify", headers=access).status_code == 200,
        "userinfo": app.userinfo(tokens["access_token"]).status_code == 200,
        "introspection": app.post("/oauth/introspect", token=tokens["access_token"]).json.get("active", False),
        "introspection of the refresh token": app.post("/oauth/introspect", token=tokens["refresh_token"]).json.get("active", False),
        "refresh": app.refresh(tokens["refresh_token"]).status_code == 200,
    }


Cut = Callable[["House", "Person", OAuthApp], object]
CUTS: dict[str, Cut] = {
    "the person: all her sessions": lambda house, ada, _app: house.service.end_sessions(house.service.find_user(ada.id), "test", Client()),
    "the person: suspended": lambda house, ada, _app: house.suspend(ada),
    "the client: disabled": lambda house, _ada, app: house.service.disable_application(app.application),
    "the client: removed": lambda house, _ada, app: house.service.remove_application(app.application),
    "both: her consent": lambda house, ada, app: house.service.take_back(house.service.find_user(ada.id), app.id, Client()),
}


@pytest.mark.parametrize("cut", CUTS)
def test_rf_08_what_is_cut_off_is_cut_off_at_every_consumer_and_nothing_else_is(house: House, ada: Person, cut: str) -> None:
    app, other, bob = registered(house), registered(house, client_name="Other"), house.sign_up()
    browsers = [house.browser_of(ada), house.browser_of(bob)]
    hers, elsewhere, his = app.tokens(browsers[0]), other.tokens(browsers[0]), app.tokens(browsers[1])
    assert all(let_in(house, app, app.tokens(browsers[0])).values()), "else this shows nothing"
    CUTS[cut](house, ada, app)
    house.service.ended.look_again()
    assert not any(let_in(house, app, hers).values()), let_in(house, app, hers)
    assert all(let_in(house, other, elsewhere).values()) == (not cut.startswith("the person"))
    assert all(let_in(house, app, his).values()) == (not cut.startswith("the client"))


def test_rf_08_two_cut_offs_at_once_are_both_honoured_and_the_end_of_one_is_not_that_of_the_other(house: House, ada: Person) -> None:
    app = registered(house)
    tokens = app.tokens(house.browser_of(ada))
    disabled = house.service.disable_application(app.application)
    house.service.end_sessions(house.service.find_user(ada.id), "test", Client())
    app.application = house.service.enable_application(disabled or app.application)
    house.service.ended.look_again()
    assert not any(let_in(house, app, tokens).values())


def test_tk_05_a_first_party_token_is_of_a_sign_in_and_of_nothing_else(house: House, ada: Person) -> None:
    """Signed with the service's own key, but for a session that is an application's or a personal token's: those have bounds."""
    app = registered(house)
    app.tokens(house.browser_of(ada))
    make(house, ada, "openid")
    held = house.service.core.store.sessions_of(ada.id, house.clock.now(), kinds=("grant", "token")).items
    assert {session.kind for session in held} == {"grant", "token"}
    assert house.visitor().get("/verify", headers=bearer(made(house, ada.access))).status_code == 200, "what is forged below is good"
    for session in held:
        forged = made(house, ada.access, sid=session.id)
        assert house.visitor().delete("/api/v1/me/sessions", headers=bearer(forged)).status_code == 401, session.kind
        assert house.visitor().get("/verify", headers=bearer(forged)).status_code == 401, session.kind


def test_ap_02_a_token_proves_at_the_door_no_permission_that_is_not_among_its_scopes(house: House, ada: Person) -> None:
    user = house.service.find_user(ada.id)
    assert house.service.core.store.save_user(replace(user, assignments=(Assignment(OWN, permission="users:read"),)))
    app = registered(house)
    narrow = (make(house, ada, "openid"), app.tokens(house.browser_of(ada))["access_token"])
    for token in narrow:
        assert house.visitor().get("/verify", headers=bearer(token)).status_code == 200
        assert house.visitor().get("/verify?permission=users:read", headers=bearer(token)).status_code == 403
    wide = make(house, ada, "openid", "users:read")
    assert house.visitor().get("/verify?permission=users:read", headers=bearer(wide)).status_code == 200
    assert house.visitor().get("/verify?permission=users:read", headers=ada.bearer).status_code == 200


@pytest.mark.parametrize("kind", ["sign_in", "grant", "token"])
def test_ap_02_whatever_a_token_stands_for_its_scopes_bound_the_rights_of_its_person(house: House, ada: Person, kind: Any) -> None:
    """Behind the check at each endpoint there is this one, for the endpoint that forgot it."""
    auth = house.service
    user = replace(auth.find_user(ada.id), assignments=(Assignment(OWN, permission="users:read"),))
    session = auth.core.store.session_by_id(ada.session)
    assert session is not None
    auth.require_permission(Signed(user, session), "users:read")
    auth.require_permission(Signed(user, replace(session, kind=kind, scopes=("users:read",))), "users:read")
    for scopes in (("openid",), ("users:write", "account"), *([()] if kind != "sign_in" else [])):
        with pytest.raises(AuthError, match="forbidden"):
            auth.require_permission(Signed(user, replace(session, kind=kind, scopes=scopes)), "users:read")


def test_ap_02_an_applications_token_proves_nothing_of_another_application(house: House, ada: Person) -> None:
    """What one application was given is no key to the next one behind the same proxy."""
    app, other = registered(house), registered(house, client_name="Other")
    for one in (app, other):
        one.change(permissions=(Permission("reports:read"),))
    given = tuple(Assignment(one.id, permission="reports:read") for one in (app, other))
    assert house.service.core.store.save_user(replace(house.service.find_user(ada.id), assignments=given))
    token = app.tokens(house.browser_of(ada))["access_token"]

    def asked(application: str, token: str, permission: str = "&permission=reports:read") -> tuple[int, str]:
        answer = house.visitor().get(f"/verify?application={application}{permission}", headers=bearer(token))
        return answer.status_code, answer.headers["X-Auth-Permissions"]

    assert asked(other.id, ada.access) == (200, "reports:read")
    assert asked(app.id, token)[0] == 200
    assert asked(other.id, token) == (403, "")
    assert asked(other.id, token, "") == (200, "")


def test_ap_02_what_holds_a_grant_or_a_personal_token_is_never_fresh(house: House, ada: Person) -> None:
    """However young its sign-in is: nothing that asks for new proof is done by a program (RFC 9470)."""
    session = house.service.core.store.session_by_id(ada.session)
    assert session is not None
    sessions.require_fresh(house.service.core, session)
    for kind in ("grant", "token"):
        with pytest.raises(AuthError, match="step_up_required"):
            sessions.require_fresh(house.service.core, replace(session, kind=kind))


def test_ap_02_in_production_no_token_administers_that_was_made_without_two_factors(manor: House) -> None:
    person, auth = manor.sign_up(), manor.service
    user = replace(auth.find_user(person.id), assignments=(Assignment(OWN, permission="users:read"),))
    session = auth.core.store.session_by_id(person.session)
    assert session is not None
    wish = {"name": "t", "expires_at": manor.clock.now() + timedelta(days=1), "client": Client()}
    with pytest.raises(AuthError, match="step_up_required"):
        auth.make_token(Signed(user, session), scopes=("users:read",), **wish)
    proved = replace(session, amr=("pwd", "otp", "mfa"), mfa_at=manor.clock.now())
    assert auth.make_token(Signed(user, proved), scopes=("users:read",), **wish)[0].scopes == ("users:read",)


def test_oa_14_a_token_that_is_bound_to_a_key_is_exchanged_by_nobody(house: House, ada: Person) -> None:
    """Else whoever steals it gets one without the key."""
    key = ECKey.generate_key("P-256", private=True)
    app, browser = OAuthApp.register(house.app, grant_types=["authorization_code", EXCHANGE]), house.browser_of(ada)

    def swapped(token: str) -> int:
        return app.token(EXCHANGE, subject_token=token, subject_token_type=ACCESS).status_code

    bound = app.token(**app.code(browser), headers=proof(house, key, "POST", "/oauth/token")).json["access_token"]
    assert (swapped(app.tokens(browser)["access_token"]), swapped(bound)) == (200, 400)


def test_ap_02_the_door_names_no_permission_that_a_token_may_not_use(house: House, ada: Person) -> None:
    given = (Assignment(OWN, permission="users:read"), Assignment(OWN, permission="permissions:read"))
    assert house.service.core.store.save_user(replace(house.service.find_user(ada.id), assignments=given))
    for scopes, told in ((("openid",), ""), (("openid", "users:read"), "users:read")):
        answer = house.visitor().get("/verify", headers=bearer(make(house, ada, *scopes)))
        assert answer.headers["X-Auth-Permissions"] == told
