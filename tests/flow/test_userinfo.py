"""What applications learn of people: by scope, signed where they wish it, under another subject where that is agreed."""

from __future__ import annotations

import jwt
import pytest
from flask import Flask

from authenticator.testing.oauth import OAuthApp
from authenticator.testing.people import AsUser


def test_each_scope_releases_its_claims_and_no_more(auth_app: Flask, as_user: AsUser) -> None:
    ada = as_user()
    app = OAuthApp.register(auth_app)
    browser = ada.browser()
    little = app.userinfo(app.tokens(browser, scope="openid")["access_token"]).json
    assert little == {"sub": ada.id}
    more = app.userinfo(app.tokens(browser, scope="openid email profile")["access_token"]).json
    assert (more["email"], more["email_verified"], more["given_name"]) == (ada.email, True, "Ada")
    answer = app.userinfo(app.tokens(browser, scope="email")["access_token"])
    assert (answer.status_code, answer.json["error"]) == (403, "insufficient_scope")


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_signed_userinfo_and_pairwise_subjects(auth_app: Flask, as_user: AsUser, algorithm: str) -> None:
    ada = as_user()
    one = OAuthApp.register(auth_app, subject_type="pairwise", userinfo_signed_response_alg=algorithm)
    two = OAuthApp.register(auth_app, client_name="Two", subject_type="pairwise", redirect_uris=["https://two.example/cb"])
    tokens = one.tokens(ada.browser())
    answer = one.userinfo(tokens["access_token"])
    assert answer.content_type == "application/jwt"
    keys = jwt.PyJWKSet.from_dict(one.call("GET", "/.well-known/jwks.json").json)
    key = keys[jwt.get_unverified_header(answer.data)["kid"]]
    told = jwt.decode(answer.data, key, algorithms=[algorithm], audience=one.id, issuer=one.auth.settings.public_url)
    said = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    other = two.userinfo(two.tokens(ada.browser())["access_token"]).json["sub"]
    assert told["sub"] == said["sub"]
    assert len({told["sub"], other, ada.id}) == 3
