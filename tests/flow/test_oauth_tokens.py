"""Applications at the token endpoint: codes, refreshing, speaking for themselves, and what the tokens say."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from flask import Flask

from authenticator.applications import Assignment, Permission, Role
from authenticator.service import Service
from authenticator.testing.oauth import OAuthApp
from authenticator.testing.people import AsUser


@pytest.fixture
def auth(auth_app: Flask) -> Service:
    found: Service = auth_app.extensions["authenticator"]
    return found


@pytest.fixture
def shop(auth_app: Flask) -> OAuthApp:
    return OAuthApp.register(auth_app)


def read(shop: OAuthApp, token: str, audience: str = "") -> dict[str, Any]:
    """The claims of a token, checked as an application does it: with the published keys."""
    keys = jwt.PyJWKSet.from_dict(shop.call("GET", "/.well-known/jwks.json").json)
    header = jwt.get_unverified_header(token)
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    claims: dict[str, Any] = jwt.decode(
        token, keys[header["kid"]], [header["alg"]], audience=audience or shop.id, issuer=shop.auth.settings.public_url, options=options
    )
    return claims


def test_a_code_becomes_tokens_that_say_who_it_is(shop: OAuthApp, as_user: AsUser) -> None:
    ada = as_user()
    given = shop.tokens(ada.browser(), nonce="a nonce")
    assert (given["token_type"], given["expires_in"]) == ("Bearer", 120)
    assert given["scope"].split() == list(shop.application.scopes)
    access = read(shop, given["access_token"])
    assert jwt.get_unverified_header(given["access_token"])["typ"] == "at+jwt"
    assert (access["sub"], access["client_id"], access["scope"]) == (ada.id, shop.id, given["scope"])
    told = read(shop, given["id_token"])
    assert jwt.get_unverified_header(given["id_token"])["alg"] == "RS256"
    assert (told["sub"], told["aud"], told["azp"], told["nonce"], told["acr"]) == (ada.id, shop.id, shop.id, "a nonce", "1")
    assert told["auth_time"] == access["auth_time"]
    assert told["sid"] != access["sid"], "what other applications read tells them nothing of ours"


@pytest.mark.parametrize(("length", "told"), [(20, True), (64, False)])
def test_who_may_do_a_lot_has_a_token_that_is_good_everywhere(shop: OAuthApp, as_user: AsUser, length: int, told: bool) -> None:
    """All of it stands in there as far as servers take such a header; introspection always tells."""
    ada, auth = as_user(), shop.auth
    names = [f"reports:{number:03}".ljust(length, "x") for number in range(130)]
    shop.change(permissions=tuple(map(Permission, names)), roles=(Role("auditor", permissions=tuple(names)),))
    auth.assign("operator", auth.find_user(ada.id), Assignment(shop.id, "auditor"))
    token = shop.tokens(ada.browser())["access_token"]
    claims = read(shop, token, shop.id)
    assert len(token) <= 8000
    assert (claims.get("permissions") == names, claims["roles"]) == (told, ["auditor"])
    assert shop.userinfo(token).status_code == 200
    assert shop.introspect(token)["permissions"] == names
