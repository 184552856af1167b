"""Attacks by request objects and addresses of requests: OA-16 of the attack list, and pushed requests (RFC 9126)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc import jwe, jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from authenticator.models import Client
from authenticator.testing.asking import CALLBACK, Asking, answer
from tests.attack.costs import costing_little

KEY = ECKey.generate_key("P-256", {"kid": "one", "use": "sig"}, private=True)
OTHER = ECKey.generate_key("P-256", {"kid": "one", "use": "sig"}, private=True)


@pytest.fixture(scope="module")
def shop(house: Any) -> Asking:
    return Asking.of(house.service, jwks={"keys": [KEY.as_dict(private=False)]})


@pytest.fixture(scope="module")
def browser(house: Any, shop: Asking) -> Any:
    browser = house.browser_of(house.sign_up())
    path = browser.get("/oauth/authorize", query_string=shop.parameters()).location
    browser.send_form("/oauth/authorize/consent", {"request": path.partition("request=")[2], "decision": "allow"}, page=path)
    return browser


@pytest.fixture(autouse=True)
def nobody_is_called(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a request names is not fetched."""

    def called(*_args: Any, **_more: Any) -> None:
        raise AssertionError("an address was fetched")

    monkeypatch.setattr(type(house.service.core.outside), "get", called)


def inside(shop: Asking, **other: Any) -> dict[str, Any]:
    now = int(shop.auth.core.clock.now().timestamp())
    facts = {
        **shop.parameters(state="inside"),
        "iss": shop.application.id,
        "aud": shop.auth.settings.public_url,
        "iat": now,
        "exp": now + 60,
    }
    return {name: value for name, value in {**facts, **other}.items() if value is not None}


def signed(facts: Mapping[str, Any], *, key: Any = KEY, alg: str = "ES256", **header: Any) -> str:
    return jwt.encode({"alg": alg, "kid": "one", **header}, dict(facts), key, algorithms=[alg])


def ask(browser: Any, shop: Asking, text: str, **beside: str | None) -> Any:
    return browser.get("/oauth/authorize", query_string={**shop.parameters(state=None, **beside), "request": text})


def error(page: Any) -> str:
    assert page.status_code == 303, page.text
    assert page.location.startswith(f"{CALLBACK}?")
    return answer(page.location).get("error", "")


def test_a_signed_request_is_taken_at_its_word(browser: Any, shop: Asking) -> None:
    back = answer(ask(browser, shop, signed(inside(shop))).location)
    assert "code" in back
    assert back["state"] == "inside"
    lone = browser.get("/oauth/authorize", query_string={"client_id": shop.application.id, "request": signed(inside(shop))})
    assert "code" in answer(lone.location)


def test_numbers_and_objects_stand_in_it_as_such(browser: Any, shop: Asking) -> None:
    text = signed(inside(shop, max_age=10_000, claims={"id_token": {"acr": None}}))
    assert shop.code(answer(ask(browser, shop, text).location)).claims == {"id_token": {"acr": None}}


def unsigned(facts: Mapping[str, Any]) -> str:
    parts = ({"alg": "none"}, facts)
    return ".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


def spelled(facts: Mapping[str, Any], **raw: str) -> str:
    """Signed as JSON in which these values stand just so."""
    members = {name: json.dumps(value) for name, value in facts.items()} | raw
    body = ",".join(f"{json.dumps(name)}:{value}" for name, value in members.items())
    return jws.serialize_compact({"alg": "ES256", "kid": "one"}, f"{{{body}}}", KEY, algorithms=["ES256"])


def encrypted(text: str) -> str:
    return jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, text, OctKey.import_key(b"k" * 32))


FORGED = {
    "unsigned": lambda shop: unsigned(inside(shop)),
    "of another key": lambda shop: signed(inside(shop), key=OTHER),
    "by the public key as a secret": lambda shop: signed(inside(shop), key=OctKey.import_key(b"s" * 32), alg="HS256"),
    "of another family": lambda shop: signed(inside(shop), key=RSAKey.generate_key(2048), alg="RS256"),
    "encrypted": lambda shop: encrypted(signed(inside(shop))),
    "with its own key": lambda shop: signed(inside(shop), key=OTHER, jwk=OTHER.as_dict(private=False)),
    "with an address of keys": lambda shop: signed(inside(shop), key=OTHER, jku="https://evil.example/jwks"),
    "another typ": lambda shop: signed(inside(shop), typ="at+jwt"),
    "for another service": lambda shop: signed(inside(shop, aud="https://other.example")),
    "of another client": lambda shop: signed(inside(shop, iss="app_other")),
    "for another client": lambda shop: signed(inside(shop, client_id="app_other")),
    "too old": lambda shop: signed(inside(shop, exp=1)),
    "from the future": lambda shop: signed(inside(shop, nbf=9_999_999_999)),
    "an assertion": lambda shop: signed({**inside(shop), "sub": shop.application.id}),
    "with another inside": lambda shop: signed(inside(shop, request="x")),
    "with an address inside": lambda shop: signed(inside(shop, request_uri="https://evil.example")),
    "odd values": lambda shop: signed(inside(shop, scope={"$ne": [1]}, prompt=[1])),
    "half a character": lambda shop: spelled(inside(shop), login_hint='"\\ud800"'),
    "a name twice": lambda shop: spelled(inside(shop), login_hint='"one","login_hint":"two"'),
    "no number": lambda shop: spelled(inside(shop), exp="NaN"),
    "a list": lambda _shop: signed({}).split(".")[0] + ".W10.AAAA",
    "no JWT": lambda _shop: "x.y.z",
    "nothing of it": lambda _shop: "....",
}


@pytest.mark.parametrize("how", FORGED)
def test_oa_16_no_other_object_is_believed(browser: Any, shop: Asking, how: str) -> None:
    """RFC 9101 §5 and §10, CVE-2026-9793."""
    assert error(ask(browser, shop, FORGED[how](shop))) == "invalid_request_object"


def test_oa_16_what_stands_beside_it_must_not_differ(browser: Any, shop: Asking) -> None:
    for beside in ({"scope": "openid profile"}, {"nonce": "other"}, {"response_type": "token"}):
        assert error(ask(browser, shop, signed(inside(shop)), **beside)) == "invalid_request_object"


def test_oa_16_what_only_stands_beside_it_counts_for_nothing(browser: Any, shop: Asking) -> None:
    code = shop.code(answer(ask(browser, shop, signed(inside(shop, nonce=None)), nonce="smuggled").location))
    assert code.nonce == ""


def test_oa_16_an_address_inside_is_checked_like_any(browser: Any, shop: Asking) -> None:
    text = signed(inside(shop, redirect_uri="https://evil.example/"))
    for beside in ({}, {"redirect_uri": "https://evil.example/"}, {"redirect_uri": None}):
        page = ask(browser, shop, text, **beside)
        assert "evil.example" not in (page.location or "")
    lone = browser.get("/oauth/authorize", query_string={"client_id": shop.application.id, "request": text})
    assert (lone.status_code, lone.location) == (400, None)


def test_oa_16_who_has_no_key_sends_no_object(house: Any, browser: Any, shop: Asking) -> None:
    plain = Asking.of(house.service)
    assert error(ask(browser, plain, unsigned(inside(plain)))) == "request_not_supported"


def test_oa_16_the_registered_algorithm_is_the_only_one(house: Any, browser: Any) -> None:
    strict = Asking.of(house.service, jwks={"keys": [KEY.as_dict(private=False)]}, request_object_algorithm="RS256")
    assert error(ask(browser, strict, signed(inside(strict)))) == "invalid_request_object"


@pytest.mark.parametrize(
    "uri", ["https://evil.example/r", "http://127.0.0.1/", "file:///etc/passwd", "urn:x", "//evil.example", "urn:ietf:params:oauth:other:x"]
)
def test_oa_16_no_request_is_fetched(browser: Any, shop: Asking, uri: str) -> None:
    assert error(browser.get("/oauth/authorize", query_string=shop.parameters(request_uri=uri))) == "request_uri_not_supported"


def pushed(shop: Asking) -> str:
    return str(shop.auth.push_authorization(shop.application, {name: [value] for name, value in shop.parameters().items()}, Client()))


def bring(browser: Any, client_id: str, uri: str) -> Any:
    return browser.get("/oauth/authorize", query_string={"client_id": client_id, "request_uri": uri, "redirect_uri": CALLBACK})


def test_a_pushed_request_is_good_once_and_for_one_client(house: Any, browser: Any, shop: Asking) -> None:
    """RFC 9126 §4: not again, not by another client, not after 60 seconds."""
    name = pushed(shop)
    assert "code" in answer(bring(browser, shop.application.id, name).location)
    other = Asking.of(house.service)
    late = pushed(shop)
    for client_id, uri in ((shop.application.id, name), (other.application.id, pushed(shop)), (shop.application.id, f"{name[:-1]}x")):
        page = bring(browser, client_id, uri)
        assert (page.status_code, page.location) == (400, None)
    house.clock.advance(seconds=61)
    assert bring(browser, shop.application.id, late).status_code == 400


def test_a_pushed_request_brought_many_times_at_once_is_good_once(house: Any, browser: Any, shop: Asking, at_once: Any) -> None:
    name = pushed(shop)
    cookies = "; ".join(f"{item}={browser.get_cookie(item).value}" for item in ("auth_session", "auth_browser"))
    query = {"client_id": shop.application.id, "request_uri": name}

    def send() -> str:
        return house.visitor().get("/oauth/authorize", query_string=query, headers={"Cookie": cookies}).location or ""

    assert len([one for one in at_once([send] * 8) if "code=" in one]) == 1


@pytest.mark.parametrize("bomb", [
    [("scope", "a" * 1_000_000)],
    [("scope", " ".join(f"s{number}" for number in range(10_000)))],
    [(f"p{number}", "x") for number in range(5_000)],
    [("state", "s" * 50_000)],
    [("claims", '{"userinfo":' * 2_000)],
    [("request", "a." * 20_000)],
])  # fmt: skip
def test_oa_21_nothing_that_is_pushed_costs_more_than_its_refusal(house: Any, bomb: list[tuple[str, str]]) -> None:
    public = Asking.of(house.service, auth_method="none")
    names = {name for name, _ in bomb}
    given = [*((name, value) for name, value in public.parameters().items() if name not in names), *bomb]
    visitor = house.visitor()
    with costing_little():
        page = visitor.post("/oauth/par", data=urlencode(given), content_type="application/x-www-form-urlencoded")
    assert page.status_code in (400, 413), page.text
    assert page.json["error"]
