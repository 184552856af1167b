"""Signing in, staying signed in and signing out: authorization code with PKCE, state, nonce and `iss`, without any framework."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from authenticator_client import web
from authenticator_client.errors import Refused, Unavailable, showable
from authenticator_client.id_token import IdTokens
from authenticator_client.issuer import Issuer
from authenticator_client.jws import LEEWAY, base64url
from authenticator_client.person import Person, SignedIn
from authenticator_client.requests_in import safe_path
from authenticator_client.store import MemoryStore, Store
from authenticator_client.verifier import Verifier

PENDING_SECONDS: Final = 600
SESSION_SECONDS: Final = 12 * 3600
SCOPES: Final = ("openid", "profile", "email")
AGAIN_SECONDS: Final = 5.0  # while the service does not answer, pages wait for it no more often than that
_log = logging.getLogger("authenticator_client")
_EARLY: Final = 5  # seconds before its end in which an access token is renewed, so that it does not end on its way


class Arrived(NamedTuple):
    """A sign-in that is finished: the key to keep in the browser's session, who it is, and the path that she wanted."""

    key: str
    person: Person
    return_to: str


class SignIn:
    """The way of one application through the sign-in of one service.

    Two secrets go into the browser's session and nothing else: `browser`, to which sign-ins that are under way are bound (`new_secret`), and
    the key of a finished one. Tokens stay in `store`, under the digest of that key.
    """

    def __init__(
        self,
        issuer: str | Issuer,
        client_id: str,
        client_secret: str = "",
        *,
        scopes: Sequence[str] = SCOPES,
        resource: str = "",
        store: Store | None = None,
        session_seconds: int = SESSION_SECONDS,
    ) -> None:
        self.issuer = issuer if isinstance(issuer, Issuer) else Issuer(issuer)
        self.client_id = client_id
        self.store: Store = store if store is not None else MemoryStore()
        self.verifier = Verifier(self.issuer, resource or client_id, remember=0)
        self._secret, self._resource, self._session_seconds = client_secret, resource, session_seconds
        self._scope = " ".join(dict.fromkeys(("openid", *scopes)))
        self._id_tokens = IdTokens(self.issuer, client_id)
        self._away_until, self._told_of_rights = float("-inf"), False
        self._locks = [threading.Lock() for _ in range(64)]

    # Signing in

    def begin(self, browser: str, redirect_uri: str, return_to: str = "/", asked: Mapping[str, str] | None = None) -> str:
        """The URL to send the browser to. `asked` are further parameters: `prompt`, `max_age`, `login_hint`, `acr_values` …"""
        further = dict(asked or {})
        state, nonce, verifier = new_secret(), new_secret(), new_secret()
        pending = {
            "browser": _digest(browser),
            "nonce": nonce,
            "verifier": verifier,
            "redirect_uri": redirect_uri,
            "return_to": safe_path(return_to),
            "max_age": int(further["max_age"]) if "max_age" in further else None,
        }
        self.store.put(_name("state", state), json.dumps(pending), PENDING_SECONDS)
        fields = {
            **further,
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "scope": self._scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": base64url(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        } | self._target()
        place = self.issuer.endpoint("authorization_endpoint")
        return f"{place}{'&' if '?' in place else '?'}{urlencode(fields)}"

    def finish(self, browser: str, query: Mapping[str, str]) -> Arrived:
        """Take the answer that the browser brings back. Whatever comes of it, its state is spent; Refused if it is not good."""
        state = query.get("state", "")
        kept = self.store.take(_name("state", state)) if state else None
        if kept is None:
            raise Refused("invalid_state", "This sign-in is over, or did not begin here. Please sign in again.")
        pending = json.loads(kept)
        if not browser or not hmac.compare_digest(pending["browser"], _digest(browser)):
            raise Refused("wrong_browser", "This sign-in began in another browser. Please sign in again.")
        named = self.issuer.metadata().get("authorization_response_iss_parameter_supported") is True
        if query.get("iss", None if named else self.issuer.url) != self.issuer.url:
            raise Refused("wrong_issuer", "The answer came from another service (RFC 9207).")
        if "error" in query:
            raise Refused(showable(query["error"]), "The sign-in was not finished.")
        return self._arrive(pending, query.get("code", ""))

    def _arrive(self, pending: Mapping[str, Any], code: str) -> Arrived:
        given = self._token(
            grant_type="authorization_code", code=code, redirect_uri=pending["redirect_uri"], code_verifier=pending["verifier"]
        )
        access = str(given.get("access_token", ""))
        claims = self._id_tokens.check(given.get("id_token"), nonce=pending["nonce"], access_token=access, max_age=pending["max_age"])
        now = time.time()
        signed = SignedIn({}, "", 0.0, "", str(given["id_token"]), now, now + self._session_seconds)
        self._take_over(signed, given)
        signed.claims = self._told(access, claims)
        key = new_secret()
        self._keep(key, signed)
        return Arrived(key, signed.person, pending["return_to"])

    def _told(self, access_token: str, claims: dict[str, Any]) -> dict[str, Any]:
        """The claims of the ID token, and what userinfo adds about the same person (OpenID Connect Core §5.3.2)."""
        if not self.issuer.metadata().get("userinfo_endpoint"):
            return claims
        status, told = web.get(self.issuer.endpoint("userinfo_endpoint"), token=access_token)
        if status != 200:
            raise Unavailable(f"the service answers {status} where it should say who signed in")
        if told.get("sub") != claims["sub"]:
            raise Refused("invalid_id_token", "The service does not say the same about who signed in.")
        return {**told, **claims}

    # Staying signed in

    def person(self, key: str, *, sure: bool = False) -> Person | None:
        """Who is signed in with this key, None for nobody.

        Every two minutes the service is asked whether it still holds, and what she may do. While it does not answer she stays
        signed in, but is trusted with nothing: `sure` raises Unavailable then. With `sure`, somebody whose rights can't be looked
        up any more (there was no refresh token) is nobody.
        """
        signed = self._fresh(key, sure=sure)
        return signed.person if signed else None

    def access_token(self, key: str) -> str:
        """A good access token to call APIs with; empty for nobody. Unavailable while none is to be had."""
        signed = self._fresh(key, sure=True)
        return signed.access_token if signed else ""

    def _fresh(self, key: str, *, sure: bool) -> SignedIn | None:
        signed = self._kept(key)
        if signed is None or _is_fresh(signed):
            return signed
        if not signed.refresh_token:
            return None if sure else signed
        with self._lock_of(key):
            return self._renewed(key, sure=sure)

    def _renewed(self, key: str, *, sure: bool) -> SignedIn | None:
        """The sign-in with new tokens, which one thread fetches for all that wait."""
        signed = self._kept(key)
        if signed is None or _is_fresh(signed) or (time.monotonic() < self._away_until and not sure):
            return signed
        spent = signed.refresh_token
        try:
            given = self._token(grant_type="refresh_token", refresh_token=signed.refresh_token)
            self._take_over(signed, given)
            if "id_token" in given:
                signed.claims |= self._id_tokens.renewed(given["id_token"], signed.claims)
                signed.id_token = str(given["id_token"])
        except Refused:
            self.store.take(_name("session", key))
            return None
        except Unavailable:
            self._away_until = time.monotonic() + AGAIN_SECONDS
            if signed.refresh_token != spent:
                self._keep_renewed(key, signed)  # the old one shown again would look like a theft
            if sure:
                raise
            return signed
        return self._keep_renewed(key, signed)

    def _keep_renewed(self, key: str, signed: SignedIn) -> SignedIn | None:
        """Keep it unless somebody signed out meanwhile, in another process."""
        if self.store.get(_name("session", key)) is None:
            return None
        self._keep(key, signed)
        return signed

    def _kept(self, key: str) -> SignedIn | None:
        text = self.store.get(_name("session", key)) if key else None
        if text is None:
            return None
        signed = SignedIn.of(text)
        ended = [self.store.get(_name("ended", name)) for name in self._marks(signed.claims)]
        if signed.until < time.time() or any(at is not None and float(at) >= signed.since for at in ended):
            self.store.take(_name("session", key))
            return None
        return signed

    def _take_over(self, signed: SignedIn, given: Mapping[str, Any]) -> None:
        """Keep the tokens of an answer, and the rights that are in them. An access token that is not for us (opaque, or for an API) has none."""
        signed.refresh_token = str(given.get("refresh_token", signed.refresh_token))
        signed.access_token, life = str(given["access_token"]), given.get("expires_in")
        try:
            verified = self.verifier.check(signed.access_token)
        except Refused as refused:
            if not self._told_of_rights:
                self._told_of_rights = True
                _log.warning("Access tokens give no permissions here: %s. A registered --resource has to be named here too.", refused)
            signed.permissions, signed.roles = [], []
        else:
            signed.permissions, signed.roles = sorted(verified.permissions), sorted(verified.roles)
        signed.access_until = time.time() + (life if isinstance(life, int) and 0 < life <= 3600 else 60)

    # Signing out

    def sign_out(self, key: str, return_to: str = "") -> str:
        """Forget the sign-in here; the URL at which the service ends its own (RP-initiated logout), empty if it has none.

        `return_to` is a URL that was registered to come back to.
        """
        signed = self._kept(key)
        self.forget(key)
        place = self.issuer.metadata().get("end_session_endpoint")
        if signed is None or not place:
            return ""
        fields = {"id_token_hint": signed.id_token, "client_id": self.client_id}
        return f"{place}?{urlencode(fields | ({'post_logout_redirect_uri': return_to} if return_to else {}))}"

    def logged_out(self, logout_token: object) -> None:
        """End the sign-ins that a logout token names; Refused if it is not good (OpenID Connect Back-Channel Logout)."""
        claims = self._id_tokens.logged_out(logout_token)
        if self.store.get(_name("logout", claims["jti"])) is not None:
            raise Refused("invalid_logout_token", "this logout token was used already")
        self.store.put(_name("logout", claims["jti"]), "", claims["exp"] - time.time() + 2 * LEEWAY)
        mark = self._marks(claims)[0]
        self.store.put(_name("ended", mark), str(time.time()), self._session_seconds)

    def forget(self, key: str) -> None:
        """End the sign-in with this key here."""
        if key:
            with self._lock_of(key):  # or a refresh that is under way would bring it back
                self.store.take(_name("session", key))

    @staticmethod
    def _marks(claims: Mapping[str, Any]) -> list[str]:
        """The names under which an end is written down: the session's, then the person's."""
        return [f"{claim}:{claims[claim]}" for claim in ("sid", "sub") if claims.get(claim)]

    # What is sent and kept

    def _token(self, **fields: str) -> dict[str, Any]:
        auth = web.basic(self.client_id, self._secret) if self._secret else None
        sent = fields | self._target() | ({} if auth else {"client_id": self.client_id})
        status, given = web.post(self.issuer.endpoint("token_endpoint"), sent, auth)
        if status == 200 and isinstance(given.get("access_token"), str) and str(given.get("token_type", "")).lower() == "bearer":
            return given
        if given.get("error") in ("invalid_client", "unauthorized_client"):
            raise Unavailable("the service does not know this application, or not with this secret")
        if status in (400, 401) and isinstance(given.get("error"), str):
            raise Refused(showable(given["error"]), "The service gives no tokens.")
        raise Unavailable(f"the service answers {status} where it should give tokens")

    def _target(self) -> dict[str, str]:
        return {"resource": self._resource} if self._resource else {}

    def _lock_of(self, key: str) -> threading.Lock:
        return self._locks[hash(key) % len(self._locks)]

    def _keep(self, key: str, signed: SignedIn) -> None:
        self.store.put(_name("session", key), signed.text(), max(signed.until - time.time(), 0))


def _is_fresh(signed: SignedIn) -> bool:
    return time.time() < signed.access_until - _EARLY


def new_secret() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(32)


def _name(kind: str, secret: str) -> str:
    return f"{kind}:{_digest(secret)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
