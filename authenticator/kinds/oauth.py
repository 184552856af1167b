"""Providers that speak OAuth 2.0: the authorization-code flow with state, PKCE and single-use secrets (RFC 6749, 7636, 9207, 9700)."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from pydantic import Field as Option
from pydantic import SecretStr

from authenticator.crypto import random_token
from authenticator.errors import AuthError
from authenticator.kinds.base import Identity, PluginOptions, Proof, Provider, Redirect, Turn, Visit
from authenticator.kinds.people import Person
from authenticator.web_client import BadAnswer, Unreachable

PROMPTS = frozenset({"none", "login", "consent", "select_account"})
CANCELLED = frozenset(
    {"access_denied", "user_denied", "user_cancelled_login", "user_cancelled_authorize", "consent_required", "login_required"}
)
TEMPORARY = frozenset({"temporarily_unavailable", "server_error"})
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Untrusted(Exception):
    """Something in a provider's answer is not as it must be. The text goes to the log only."""


class OAuthOptions(PluginOptions):
    """What every such provider needs from the operator."""

    client_id: str = Option(min_length=1, description="The client id that the provider's console shows for your application.")
    client_secret: SecretStr = Option(min_length=1, description="The client secret from the same place.")


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave. It is used for this one sign-in and then forgotten."""

    access: str = field(repr=False)
    answer: Mapping[str, Any] = field(repr=False)


class OAuthProvider(Provider):
    """A provider as facts: where its endpoints are, what to ask for, and how to read its profile.

    The URLs are the real ones, and may name options: `https://graph.example/{version}/me`. `scope` is written with
    spaces and sent with `scope_separator`. `app_proof` names a parameter that carries HMAC-SHA-256 of the access
    token under the client secret. `issuer` is what `iss` in the callback must be, where the provider has one.
    """

    kind = "redirect"
    Options: ClassVar[type[PluginOptions]] = OAuthOptions
    options: Any
    issuer: ClassVar[str] = ""
    authorize_url: ClassVar[str] = ""
    token_url: ClassVar[str] = ""
    profile_url: ClassVar[str] = ""
    revoke_url: ClassVar[str] = ""
    scope: ClassVar[str] = ""
    scope_separator: ClassVar[str] = " "
    pkce: ClassVar[bool] = True
    token_auth: ClassVar[Literal["post", "basic"]] = "post"
    app_proof: ClassVar[str] = ""

    # What a provider supplies

    def authorize_params(self, visit: Visit) -> Mapping[str, str]:
        """Further parameters of the authorization request."""
        return {}

    def profile_params(self) -> Mapping[str, str]:
        """Further parameters of the profile call."""
        return {}

    def subject(self, profile: Mapping[str, Any]) -> Any:
        """The stable id of this person at this provider: never an e-mail address or a name that can change hands."""
        return profile.get("id")

    def identity(self, profile: Mapping[str, Any]) -> Identity:
        """What the profile says about the person."""
        raise NotImplementedError(f"{type(self).__name__} needs identity(profile)")

    @classmethod
    def example(cls, person: Person) -> dict[str, Any]:
        """What this provider would answer for that person: the inverse of `identity`. The emulator and the tests live on it."""
        raise NotImplementedError(f"{cls.__name__} needs example(person)")

    @classmethod
    def example_error(cls, error: str) -> dict[str, Any]:
        """How this provider's endpoints say that something is wrong (RFC 6749 §5.2)."""
        return {"error": error, "error_description": "Said by the emulator."}

    # The conversation

    @property
    def emulated(self) -> bool:
        return bool(self.kit.emulator_url)

    def start(self, visit: Visit) -> Turn:
        """Send the browser to the provider. Verifier and nonce stay here."""
        keep = {"redirect_uri": visit.callback_url, "verifier": random_token(), "nonce": random_token()}
        with self.step("authorize"):
            return Redirect(self.authorization(visit, keep), keep)

    def authorization(self, visit: Visit, keep: Mapping[str, str]) -> str:
        """The URL of the authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3)."""
        scope = self.scope.replace(" ", self.scope_separator)
        params = {"redirect_uri": keep["redirect_uri"], "scope": scope, "state": visit.state, **self.request(visit, keep)}
        return str(prepare_grant_uri(self.endpoint("authorize"), self.options.client_id, "code", **params))

    def request(self, visit: Visit, keep: Mapping[str, str]) -> dict[str, str]:
        """The parameters beyond RFC 6749's own."""
        params = dict(self.authorize_params(visit))
        if visit.login_hint:
            params["login_hint"] = visit.login_hint
        if visit.prompt in PROMPTS:
            params["prompt"] = visit.prompt
        if self.pkce:
            params |= {"code_challenge": create_s256_code_challenge(keep["verifier"]), "code_challenge_method": "S256"}
        return params

    def resume(self, visit: Visit, keep: Mapping[str, Any], answer: Mapping[str, str]) -> Turn:
        """Turn the callback's parameters into a proof; whatever else they hold is nobody's business."""
        with self.step("callback"):
            self.check_callback(answer)
        code = self.code(answer)
        with self.step("exchange"):
            tokens = self.exchange(code, keep)
        with self.step("verify"):
            claims = self.verify(tokens, keep)
        with self.step("profile"):
            profile = self.profile(tokens, claims)
            subject, identity = clean_subject(self.subject(profile)), clean_identity(self.identity(profile))
        # No `amr`: RFC 8176 has no word for "another service said so", and how she proved it there is unknown here.
        return Proof(subject, identity, label=identity.email or identity.name)

    def check_callback(self, answer: Mapping[str, str]) -> None:
        """`iss` must be the issuer that the browser was sent to, errors included (RFC 9207 §2.4); Untrusted if not."""
        if self.issuer and "iss" in answer and answer["iss"] != self.place(self.issuer):
            raise Untrusted("iss in the callback is another issuer")

    def code(self, answer: Mapping[str, str]) -> str:
        """The authorization code; AuthError for a refusal by the person or by the provider."""
        error = answer.get("error")
        if error:
            meaning = "provider_denied" if error in CANCELLED else "provider_unavailable" if error in TEMPORARY else "provider_failed"
            raise self.refused("callback", f"error {known_word(error)}", meaning)
        code = answer.get("code")
        if not isinstance(code, str) or not code:
            raise self.refused("callback", "neither code nor error", "invalid_request")
        return code

    def exchange(self, code: str, keep: Mapping[str, Any]) -> Tokens:
        """Redeem the code, once: it is never tried again (RFC 6749 §4.1.3)."""
        more = {"code_verifier": keep["verifier"]} if self.pkce else {}
        body = prepare_token_request("authorization_code", code=code, redirect_uri=keep["redirect_uri"], **more)
        url, headers, body = self._authenticated(self.endpoint("token"), dict(FORM), body)
        reply = self.kit.http.post(url, headers=headers, body=body)
        answer = reply.object()
        if answer.get("error") or reply.status >= 400:
            if answer.get("error") in ("temporarily_unavailable", "server_error"):
                raise Unreachable(f"error {answer['error']}")
            raise Untrusted(f"status {reply.status}, error {known_word(answer.get('error'))}")
        access, token_type = answer.get("access_token"), answer.get("token_type")
        if not isinstance(access, str) or not re.fullmatch(r"[\x21-\x7e]+", access):
            raise Untrusted("no access token")
        if not isinstance(token_type, str) or token_type.lower() != "bearer":
            raise Untrusted("the token is no bearer token")
        return Tokens(access, answer)

    def _authenticated(self, url: str, headers: dict[str, str], body: str) -> tuple[str, dict[str, str], str]:
        client_id, secret = self.options.client_id, self.options.client_secret.get_secret_value()
        if self.token_auth == "basic":  # both are form-encoded first (RFC 6749 §2.3.1)
            client_id, secret = quote(client_id, safe=""), quote(secret, safe="")
        signed: tuple[str, dict[str, str], str] = ClientAuth(client_id, secret, f"client_secret_{self.token_auth}").prepare(
            "POST", url, headers, body
        )
        return signed

    def verify(self, tokens: Tokens, keep: Mapping[str, Any]) -> Mapping[str, Any]:
        """Signed facts that came with the tokens; plain OAuth has none."""
        return {}

    def profile(self, tokens: Tokens, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask the provider who this is."""
        return self.fetch(self.endpoint("profile"), tokens, self.profile_params())

    def fetch(self, url: str, tokens: Tokens, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """GET a JSON object with the access token."""
        proof = {self.app_proof: self._proof(tokens.access)} if self.app_proof else {}
        reply = self.kit.http.get(url, headers={"Authorization": f"Bearer {tokens.access}"}, params={**(params or {}), **proof})
        if reply.status >= 400:
            raise Untrusted(f"status {reply.status}")
        return reply.object()

    def _proof(self, access: str) -> str:
        return hmac.new(self.options.client_secret.get_secret_value().encode(), access.encode(), hashlib.sha256).hexdigest()

    # Where things are, and what to say when they are not

    def endpoint(self, name: str) -> str:
        """Where `authorize`, `token` or `profile` is served."""
        return self.place(getattr(self, f"{name}_url"))

    def place(self, url: str) -> str:
        """A URL of the class with the options filled in, moved to the emulator where that stands in."""
        words = {name: value for name, value in self.options if isinstance(value, str | int)}
        return self.kit.moved(url.format_map(words))

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Tag whatever fails inside; an exception that nobody foresaw is a refusal too."""
        try:
            yield
        except AuthError as error:
            error.reference = error.reference or self._told(name, error.code)
            raise
        except Unreachable as error:
            raise self.refused(name, str(error), "provider_unavailable") from None
        except (BadAnswer, Untrusted) as error:
            raise self.refused(name, str(error)) from None
        except Exception as error:  # a provider's answer can have any shape; its text may be private
            raise self.refused(name, f"unexpected {type(error).__name__}") from None

    def refused(self, step: str, reason: str, code: str = "provider_failed") -> AuthError:
        """The error to raise: its reference is in the log with step and reason, and only it is shown."""
        return AuthError(code, reference=self._told(step, reason))

    def _told(self, step: str, reason: str) -> str:
        reference = random_token(64)
        self.kit.log.warning("provider=%s step=%s reference=%s reason=%s", self.name, step, reference, reason)
        return reference


def known_word(error: object) -> str:
    """An error code of a provider if it looks like one, for the log: free text is not written there."""
    return error if isinstance(error, str) and re.fullmatch(r"[a-z][a-z_]{1,40}", error) else "of another form"


def clean_subject(value: object) -> str:
    """A subject as text; Untrusted if it is missing, blank, too long or anything but text and whole numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value or len(value) > 255 or not value.isprintable() or value != value.strip():
        raise Untrusted("no usable subject")
    return value


def clean_identity(identity: Identity) -> Identity:
    """The same without what is not text, invisible characters, and addresses that are none. Only True proves an e-mail."""
    email = identity.email if isinstance(identity.email, str) else ""
    email = email if re.fullmatch(r"[^\s@]{1,64}@[^\s@]{1,255}", email) and email.isprintable() else ""
    picture = identity.picture if isinstance(identity.picture, str) else ""
    return Identity(
        email=email,
        email_proven=bool(email) and identity.email_proven is True,
        given_name=_clean(identity.given_name),
        family_name=_clean(identity.family_name),
        name=_clean(identity.name),
        picture=picture if re.fullmatch(r"https://[\x21-\x7e]{3,2040}", picture) else "",
        locale=_clean(identity.locale)[:35],
    )


def _clean(value: object) -> str:
    if not isinstance(value, str):
        return ""
    text = unicodedata.normalize("NFC", value)
    return "".join(char for char in text if unicodedata.category(char)[0] not in "C" and char not in "\u2028\u2029").strip()[:200]
