"""OA-12, OA-13, OA-20: who is no client, assertions that are replayed or meant for others, and proofs of keys that are none."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from joserfc.jwk import ECKey, RSAKey

from authenticator.testing.oauth import OAuthApp

if TYPE_CHECKING:
    from tests.attack.conftest import Builder, House, Visitor

ITSELF = {"grant_types": ["client_credentials"], "redirect_uris": [], "scope": "reports:read reports:write"}
RSA = RSAKey.generate_key(2048, private=True)
BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(scope="module")
def robot(house: House) -> OAuthApp:
    return OAuthApp.register(house.app, client_name="Robot", **ITSELF)


@pytest.fixture(scope="module")
def key() -> Any:
    return ECKey.generate_key("P-256", {"kid": "k1"}, private=True)


@pytest.fixture(scope="module")
def keyed(house: House, key: Any) -> OAuthApp:
    jwks = {"keys": [key.as_dict(private=False)]}
    return OAuthApp.register(house.app, client_name="Keyed", token_endpoint_auth_method="private_key_jwt", jwks=jwks, **ITSELF)


@pytest.fixture(scope="module")
def browser(house: House) -> Visitor:
    return house.browser_of(house.sign_up())


def is_no_client(answer: Any) -> bool:
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client"), answer.text
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    return True


def test_oa_12_who_does_not_show_to_be_the_client_is_none(robot: OAuthApp) -> None:
    wrong = {
        "no secret": {"client_id": robot.id},
        "nobody": {},
        "a wrong secret, basic": {"headers": {"Authorization": robot.basic("wrong")}},
        "its digest": {"headers": {"Authorization": robot.basic(hashlib.sha256(robot.secret.encode()).hexdigest())}},
        "the right secret by the wrong method": {"client_id": robot.id, "client_secret": robot.secret},
        "an unknown client": {"headers": {"Authorization": "Basic " + base64.b64encode(b"app_unknown:x").decode()}},
        "this service itself": {"headers": {"Authorization": "Basic " + base64.b64encode(b"authenticator:x").decode()}},
        "no base64": {"headers": {"Authorization": "Basic %%%"}},
        "no colon": {"headers": {"Authorization": "Basic " + base64.b64encode(robot.id.encode()).decode()}},
        "another client_id beside it": {"headers": {"Authorization": robot.basic()}, "client_id": "app_other"},
    }
    for parameters in wrong.values():
        assert is_no_client(robot.token("client_credentials", alone=True, **parameters)), parameters
    assert robot.token("client_credentials").status_code == 200


def test_oa_12_a_secret_in_the_address_or_two_methods_at_once_are_refused(robot: OAuthApp) -> None:
    here = {"grant_type": "client_credentials"}
    for query in (f"client_id={robot.id}&client_secret={robot.secret}", "x=1", f"access_token={robot.secret}"):
        answer = robot.call("POST", f"/oauth/token?{query}", data=here, headers={"Authorization": robot.basic()})
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    answer = robot.token("client_credentials", client_id=robot.id, client_secret=robot.secret)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    answer = robot.token("client_credentials", client_assertion_type=BEARER, client_assertion="x")
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_oa_12_a_public_client_may_not_speak_for_itself_and_a_disabled_one_not_at_all(house: House) -> None:
    public = OAuthApp.register(house.app, client_name="Public", token_endpoint_auth_method="none")
    public.change(grants=("client_credentials", "authorization_code"))
    assert public.token("client_credentials").json["error"] == "unauthorized_client"
    assert is_no_client(public.token("client_credentials", client_secret="x"))
    assert is_no_client(public.post("/oauth/introspect", token="x"))
    gone = OAuthApp.register(house.app, client_name="Gone", **ITSELF)
    token = gone.token("client_credentials").json["access_token"]
    assert gone.introspect(token)["active"]
    house.service.disable_application(gone.application)
    assert is_no_client(gone.token("client_credentials"))
    other = OAuthApp.register(house.app, client_name="Other", **ITSELF)
    assert other.introspect(token) == {"active": False}


def test_oa_12_secrets_can_not_be_tried_out(house: House, robot: OAuthApp) -> None:
    client = house.app.test_client(use_cookies=False)
    client.environ_base["REMOTE_ADDR"] = "203.0.113.77"
    codes = [
        client.post("/oauth/token", data={"grant_type": "client_credentials"}, headers={"Authorization": robot.basic("wrong")}).status_code
        for _ in range(25)
    ]
    assert codes == [401] * 20 + [429] * 5


def assertion(app: OAuthApp, key: Any, *, algorithm: str = "ES256", header: Any = None, **claims: Any) -> str:
    now = int(app.auth.core.clock.now().timestamp())
    here = app.auth.settings.public_url
    usual = {"iss": app.id, "sub": app.id, "aud": here, "iat": now, "exp": now + 60, "jti": secrets.token_hex(8), **claims}
    signing = key if isinstance(key, str | bytes) or key is None else key.private_key
    return jwt.encode(
        {name: value for name, value in usual.items() if value is not None}, signing, algorithm, {"kid": "k1", **(header or {})}
    )


def assert_by(app: OAuthApp, text: str, **more: Any) -> Any:
    return app.token("client_credentials", client_assertion_type=BEARER, client_assertion=text, client_secret=None, **more)


def test_oa_13_an_assertion_is_good_once_on_all_nodes(house: House, build: Builder, keyed: OAuthApp, key: Any) -> None:
    second = build(url=house.url)
    there = OAuthApp(second.app, keyed.application)
    text = assertion(keyed, key)
    assert assert_by(keyed, text).status_code == 200
    assert is_no_client(assert_by(keyed, text))
    assert is_no_client(assert_by(there, text))
    assert assert_by(there, assertion(keyed, key, aud=f"{keyed.auth.settings.public_url}/oauth/token")).status_code == 200


def test_oa_13_what_is_no_assertion_of_this_client(house: House, keyed: OAuthApp, key: Any) -> None:
    thief = ECKey.generate_key("P-256", {"kid": "k1"}, private=True)
    public = key.as_pem(private=False).decode()
    now = int(house.clock.now().timestamp())
    other = OAuthApp.register(house.app, client_name="Other", **ITSELF)
    here = house.service.settings.public_url
    wrong = {
        "another key": assertion(keyed, thief),
        "none": assertion(keyed, None, algorithm="none"),
        "an HMAC": jwt.api_jws.encode(b"{}", "a secret that is long enough for this", "HS256"),
        "another audience": assertion(keyed, key, aud="https://elsewhere.example"),
        "a prefix of ours": assertion(keyed, key, aud=here[:-1]),
        "ours and another": assertion(keyed, key, aud=[here, "https://elsewhere.example"]),
        "no audience": assertion(keyed, key, aud=None),
        "another issuer": assertion(keyed, key, iss=other.id),
        "another subject": assertion(keyed, key, sub=other.id),
        "no end": assertion(keyed, key, exp=None),
        "too long a life": assertion(keyed, key, exp=now + 900),
        "over": assertion(keyed, key, exp=now - 60),
        "not begun": assertion(keyed, key, nbf=now + 120),
        "an end that is a text": jwt.api_jws.encode(b'{"exp":"9999999999"}', key.private_key, "ES256"),
        "no id": assertion(keyed, key, jti=None),
        "an id that is a number": assertion(keyed, key, jti=5),
        "an id that is half a character": assertion(keyed, key, jti="\ud800"),
        "a proof of a key": assertion(keyed, key, header={"typ": "dpop+jwt"}),
        "an access token": assertion(keyed, key, header={"typ": "at+jwt"}),
        "its own key along": assertion(keyed, thief, header={"jwk": thief.as_dict(private=False), "kid": "k2"}),
        "a megabyte": assertion(keyed, key, more="x" * 40_000),
        "nothing": "x",
        "dots": "..",
    }
    for what, text in wrong.items():
        answer = assert_by(keyed, text)
        assert answer.status_code == 400 if what == "a megabyte" else is_no_client(answer), what
    assert public
    assert is_no_client(keyed.token("client_credentials", client_assertion_type="x", client_assertion=assertion(keyed, key)))
    assert is_no_client(assert_by(other, assertion(keyed, key), alone=True, client_id=other.id))
    assert assert_by(keyed, assertion(keyed, key)).status_code == 200


def proof(house: House, key: Any, method: str, path: str, token: str = "", *, header: Any = None, **claims: Any) -> dict[str, str]:
    ath = {"ath": base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()} if token else {}
    now = int(house.clock.now().timestamp())
    usual = {"htm": method, "htu": f"{house.service.settings.public_url}{path}", "iat": now, "jti": secrets.token_hex(8), **ath, **claims}
    head = {"typ": "dpop+jwt", "jwk": key.as_dict(private=False), **(header or {})}
    return {"DPoP": jwt.encode({name: value for name, value in usual.items() if value is not None}, key.private_key, "ES256", head)}


def faults(house: House, key: Any, method: str, path: str, token: str = "") -> dict[str, dict[str, str]]:
    other, now = ECKey.generate_key("P-256", private=True), int(house.clock.now().timestamp())
    return {
        "another method": proof(house, key, "PUT", path, token),
        "another address": proof(house, key, method, "/oauth/elsewhere", token),
        "another host": proof(house, key, method, path, token, htu=f"https://evil.example{path}"),
        "old": proof(house, key, method, path, token, iat=now - 90),
        "from the future": proof(house, key, method, path, token, iat=now + 90),
        "a time as text": proof(house, key, method, path, token, iat=str(now)),
        "no id": proof(house, key, method, path, token, jti=None),
        "an id that is half a character": proof(house, key, method, path, token, jti="\ud800"),
        "a key of another kind": proof(house, key, method, path, token, header={"jwk": RSA.as_dict(private=False)}),
        "another type": proof(house, key, method, path, token, header={"typ": "JWT"}),
        "a private key": proof(house, key, method, path, token, header={"jwk": key.as_dict(private=True)}),
        "another's key named": proof(house, key, method, path, token, header={"jwk": other.as_dict(private=False)}),
        "no key": proof(house, key, method, path, token, header={"jwk": None}),
        "a key by address": proof(house, key, method, path, token, header={"jwk": None, "jku": "https://evil.example/jwks"}),
        "no proof": {"DPoP": "x"},
    }


def test_oa_20_a_proof_of_another_request_or_key_is_none(house: House, key: Any) -> None:
    bound = OAuthApp.register(house.app, client_name="Bound", dpop_bound_access_tokens=True, **ITSELF)
    for what, headers in {**faults(house, key, "POST", "/oauth/token"), "none": {}}.items():
        answer = bound.token("client_credentials", headers=headers)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_dpop_proof"), what
    once = proof(house, key, "POST", "/oauth/token")
    given = bound.token("client_credentials", headers=once)
    assert given.json["token_type"] == "DPoP"
    assert bound.introspect(given.json["access_token"])["cnf"] == {"jkt": key.thumbprint()}
    assert bound.token("client_credentials", headers=once).json["error"] == "invalid_dpop_proof", "a proof counts once"


@pytest.mark.parametrize("written", ["{here}/oauth/token?x=1#y", "HTTP://LOCALHOST/oauth/token", "http://localhost:80/oauth/token"])
def test_a_proof_may_write_the_address_in_another_way(house: House, robot: OAuthApp, key: Any, written: str) -> None:
    """RFC 9449 §4.3: without query and fragment, and alike by RFC 3986 §6.2.2 and §6.2.3."""
    shown = proof(house, key, "POST", "/oauth/token", htu=written.format(here=house.service.settings.public_url))
    assert robot.token("client_credentials", headers=shown).json["token_type"] == "DPoP"


@pytest.mark.parametrize(
    "written", ["http://localhost:8/oauth/token", "http://localhost:x/oauth/token", "http://[/oauth/token", "/oauth/token", ""]
)
def test_oa_20_a_proof_for_another_address_is_none(house: House, robot: OAuthApp, key: Any, written: str) -> None:
    answer = robot.token("client_credentials", headers=proof(house, key, "POST", "/oauth/token", htu=written))
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_dpop_proof")


def test_oa_20_a_bound_token_is_of_no_use_without_its_key(house: House, browser: Visitor, key: Any) -> None:
    public = OAuthApp.register(house.app, client_name="Bound", token_endpoint_auth_method="none")
    here = "/oauth/userinfo"
    tokens = public.token(**public.code(browser), headers=proof(house, key, "POST", "/oauth/token")).json
    token = tokens["access_token"]
    assert public.userinfo(token).status_code == 401, "no bearer's token"
    for what, headers in faults(house, key, "GET", here, token).items():
        answer = public.userinfo(token, scheme="DPoP", headers=headers)
        assert answer.status_code == 401, what
        assert "invalid_dpop_proof" in answer.headers["WWW-Authenticate"]
    other = ECKey.generate_key("P-256", private=True)
    for wrong in (proof(house, other, "GET", here, token), proof(house, key, "GET", here), proof(house, key, "GET", here, "another"), {}):
        assert public.userinfo(token, scheme="DPoP", headers=wrong).status_code == 401
    assert public.userinfo(token, scheme="DPoP", headers=proof(house, key, "GET", here, token)).status_code == 200
    for stolen in ({}, proof(house, other, "POST", "/oauth/token")):
        assert public.refresh(tokens["refresh_token"], headers=stolen).json["error"] == "invalid_grant"
    assert public.refresh(tokens["refresh_token"], headers=proof(house, key, "POST", "/oauth/token")).status_code == 200
    plain = public.tokens(browser)["access_token"]
    assert public.userinfo(plain, scheme="DPoP", headers=proof(house, key, "GET", here, plain)).status_code == 401
