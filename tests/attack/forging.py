"""Every place that takes a signed token, with what a good one there looks like, and the tools of a forger."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey, RSAKey

from authenticator.flows.signing import ORDER
from authenticator.testing.oauth import OAuthApp

if TYPE_CHECKING:
    from tests.attack.conftest import House, Person, Visitor

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"
BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PLACES = ("API", "verify", "userinfo", "introspection", "exchange", "id_token_hint", "sign-out hint", "client_assertion", "request", "DPoP")


def b64(raw: bytes | str | Mapping[str, Any]) -> str:
    text = json.dumps(raw, separators=(",", ":")) if isinstance(raw, Mapping) else raw
    return base64.urlsafe_b64encode(text.encode() if isinstance(text, str) else text).rstrip(b"=").decode()


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims, _ = token.split(".")
    return tuple(json.loads(base64.urlsafe_b64decode(f"{part}==")) for part in (header, claims))


def es256(key: ec.EllipticCurvePrivateKey, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """Signed with the lower of both signatures, as the service's own tokens are."""
    text = f"{b64(header)}.{b64(claims)}"
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{b64(r.to_bytes(32) + min(s, ORDER - s).to_bytes(32))}"


@dataclass
class Place:
    """One consumer. `facts` gives header and claims of a good token there, `sign` signs them rightly, `refuses` brings one to it."""

    name: str
    facts: Callable[[], tuple[dict[str, Any], dict[str, Any]]]
    sign: Callable[[Mapping[str, Any], Mapping[str, Any]], str]
    refuses: Callable[[str], bool]
    published: list[Mapping[str, Any]]  # the JWKs whose private halves are trusted here


@dataclass
class Forge:
    """A house with all those places."""

    house: House
    ada: Person
    browser: Visitor
    shop: OAuthApp
    keyed: OAuthApp
    tokens: Any
    key: Any

    @classmethod
    def of(cls, house: House) -> Forge:
        ada, key = house.sign_up(), ECKey.generate_key("P-256", {"kid": "k1"}, private=True)
        rsa = RSAKey.generate_key(2048, {"kid": "k2"}, private=True)
        browser, shop = house.browser_of(ada), OAuthApp.register(house.app, id_token_signed_response_alg="ES256")
        shop.change(grants=(*shop.application.grants, EXCHANGE))
        jwks = {"keys": [key.as_dict(private=False), rsa.as_dict(private=False)]}
        grants = ["client_credentials", "authorization_code"]
        keyed = OAuthApp.register(
            house.app, client_name="Keyed", token_endpoint_auth_method="private_key_jwt", jwks=jwks, grant_types=grants, scope="openid x:y"
        )
        house.service.keys.ready()
        shop.tokens(browser)
        keyed.authorize(browser, scope="openid")
        return cls(house, ada, browser, shop, keyed, shop.tokens(browser), key)

    def place(self, name: str) -> Place:
        ours, theirs = self._ours, self._theirs
        keys = self.house.service.keys.jwks()["keys"]
        if name in ("API", "verify"):
            return Place(name, lambda: parts(self.ada.access), ours, getattr(self, f"_{name.lower()}"), keys)
        if name in ("userinfo", "introspection", "exchange"):
            return Place(name, lambda: parts(self.tokens["access_token"]), ours, getattr(self, f"_{name}"), keys)
        if name in ("id_token_hint", "sign-out hint"):
            return Place(
                name, lambda: parts(self.tokens["id_token"]), ours, self._hint if name == "id_token_hint" else self._sign_out, keys
            )
        registered = list((self.keyed.application.jwks or {})["keys"])
        facts = {"client_assertion": self._assertion, "request": self._request, "DPoP": self._proof}[name]
        refuses = {"client_assertion": self._client, "request": self._authorize, "DPoP": self._bound}[name]
        return Place(name, facts, theirs, refuses, registered)

    def _ours(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        return es256(self.house.service.keys.current().private, header, claims)

    def _theirs(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        return es256(self.key.private_key, header, claims)

    def _now(self) -> int:
        return int(self.house.clock.now().timestamp())

    def _assertion(self) -> tuple[dict[str, Any], dict[str, Any]]:
        here, now = self.house.service.settings.public_url, self._now()
        named = {"iss": self.keyed.id, "sub": self.keyed.id, "aud": here, "jti": secrets.token_hex(8)}
        return {"alg": "ES256", "kid": "k1", "typ": "JWT"}, {**named, "iat": now, "exp": now + 60}

    def _request(self) -> tuple[dict[str, Any], dict[str, Any]]:
        app, now = self.keyed.application, self._now()
        asked = {"client_id": app.id, "response_type": "code", "redirect_uri": app.redirect_uris[0], "scope": "openid", "prompt": "none"}
        facts = {"iss": app.id, "aud": self.house.service.settings.public_url, "iat": now, "exp": now + 60, "code_challenge_method": "S256"}
        return {"alg": "ES256", "kid": "k1"}, {
            **asked,
            **facts,
            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "state": "s",
        }

    def _proof(self) -> tuple[dict[str, Any], dict[str, Any]]:
        url = f"{self.house.service.settings.public_url}/oauth/token"
        head = {"alg": "ES256", "typ": "dpop+jwt", "jwk": self.key.as_dict(private=False)}
        return head, {"htm": "POST", "htu": url, "iat": self._now(), "jti": secrets.token_hex(8)}

    def _api(self, text: str) -> bool:
        return self.house.visitor().get("/api/v1/me", headers={"Authorization": f"Bearer {text}"}).status_code in (401, 431)

    def _verify(self, text: str) -> bool:
        return self.house.visitor().get("/verify", headers={"Authorization": f"Bearer {text}"}).status_code in (401, 431)

    def _userinfo(self, text: str) -> bool:
        return self.shop.userinfo(text).status_code in (401, 431)

    def _introspection(self, text: str) -> bool:
        answer = self.shop.post("/oauth/introspect", token=text)
        return answer.json == {"active": False} if answer.status_code == 200 else answer.status_code in (400, 413)

    def _exchange(self, text: str) -> bool:
        answer = self.shop.token(EXCHANGE, subject_token=text, subject_token_type=ACCESS)
        return answer.status_code in (400, 413)

    def _hint(self, text: str) -> bool:
        if len(text) > 8_192:
            page = self.browser.get("/oauth/authorize", query_string={"client_id": self.shop.id, "id_token_hint": text})
            return page.status_code == 400 or "error=" in (page.location or "")
        answer, _ = self.shop.authorize(self.browser, id_token_hint=text, prompt="none")
        return "error" in answer

    def _sign_out(self, text: str) -> bool:
        """One that counts would lead on without asking, which ends the sign-in."""
        page = self.browser.get("/oauth/logout", query_string={"id_token_hint": text})
        return page.status_code in (400, 413) or "/oauth/logout/confirm" in page.text

    def _client(self, text: str) -> bool:
        answer = self.keyed.token("client_credentials", client_assertion_type=BEARER, client_assertion=text, client_secret=None)
        return answer.status_code in (400, 401, 413)

    def _authorize(self, text: str) -> bool:
        page = self.browser.get("/oauth/authorize", query_string={"client_id": self.keyed.id, "request": text})
        return page.status_code in (400, 413) or "error=" in (page.location or "")

    def _bound(self, text: str) -> bool:
        claims = {**self._assertion()[1]}
        text_of_client = es256(self.key.private_key, {"alg": "ES256", "kid": "k1"}, claims)
        asked = {"client_assertion_type": BEARER, "client_assertion": text_of_client, "client_secret": None}
        answer = self.keyed.token("client_credentials", headers={"DPoP": text}, **asked)
        return answer.status_code in (400, 431)


def encodings(jwk: Mapping[str, Any]) -> dict[str, bytes]:
    """A public key as everybody may have it, in all the ways in which one might take it for a secret."""
    key: Any = jwt.PyJWK(dict(jwk)).key
    encoding, form = serialization.Encoding, serialization.PublicFormat
    text = json.dumps(dict(jwk))
    found = {
        "PEM": key.public_bytes(encoding.PEM, form.SubjectPublicKeyInfo),
        "PEM without its line end": key.public_bytes(encoding.PEM, form.SubjectPublicKeyInfo).strip(),
        "DER": key.public_bytes(encoding.DER, form.SubjectPublicKeyInfo),
        "OpenSSH": key.public_bytes(encoding.OpenSSH, form.OpenSSH),
        "JWK": text.encode(),
        "JWK sorted": json.dumps(dict(jwk), sort_keys=True, separators=(",", ":")).encode(),
        "JWKS": json.dumps({"keys": [dict(jwk)]}).encode(),
        "the number": str(jwk.get("n") or jwk.get("x")).encode(),
    }
    if jwk["kty"] == "RSA":
        found |= {f"PKCS1 {name}": key.public_bytes(getattr(encoding, name), form.PKCS1) for name in ("PEM", "DER")}
    return found
