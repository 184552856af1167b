"""From the parameters of an authorization request to validated facts: RFC 6749 §4.1.1, RFC 7636, RFC 8707, OpenID Connect Core §3.1.2."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from authenticator.applications import Application
from authenticator.errors import AuthError
from authenticator.flows import applications, authorization_claims, authorization_object, authorization_target
from authenticator.flows.authorization_request import Asked, Refusal, Target
from authenticator.flows.authorization_target import Given
from authenticator.flows.core import Core
from authenticator.flows.keyring import KeyRing
from authenticator.flows.scopes import ACCOUNT, OFFLINE, OPENID, READ_ACCOUNT
from authenticator.flows.sessions import ACR
from authenticator.words import Words

PUSHED: Final = "urn:ietf:params:oauth:request_uri:"
PROMPTS: Final = frozenset({"none", "login", "consent", "select_account", "create"})
LONGEST: Final = 2048  # characters of a value
LONGER: Final[Mapping[str, int]] = {"request": authorization_object.LONGEST, "claims": 4096, "id_token_hint": 8192, "state": 4096}
MOST_PARAMETERS: Final = 60
MOST_SCOPES: Final = 40
MOST_RESOURCES: Final = 10
MOST_LOCALES: Final = 10  # further ones are not looked at
CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # SHA-256 in base64url
NUMBER: Final = re.compile(r"\d{1,9}", re.ASCII)
SEVERAL: Final = frozenset({"resource"})  # may come more than once


@dataclass(frozen=True)
class Request:
    """The parameters of a request, each once, with the application they are of."""

    application: Application
    target: Target
    values: Mapping[str, str]
    resources: tuple[str, ...]

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    def words(self, name: str) -> tuple[str, ...]:
        """A parameter that is a list with spaces between."""
        return tuple(dict.fromkeys(word for word in self.get(name).split(" ") if word))

    def fault(self, error: str, description: str) -> Refusal:
        return Refusal(error, description, self.target)

    def invalid(self, description: str) -> Refusal:
        return self.fault("invalid_request", description)


def application_of(core: Core, given: Given) -> Application:
    """The application that asks; AuthError `invalid_request`, to be shown on a page, if there is no such one."""
    ids = given.get("client_id", ())
    found = applications.find(core, ids[0]) if len(ids) == 1 else None
    if found is None or not found.enabled:
        raise AuthError("invalid_request", "The application that sent you here is not registered, or has been switched off (client_id).")
    return found


def read(core: Core, keys: KeyRing, application: Application, given: Given, *, pushed: bool = False) -> Asked:
    """The facts of a valid request, whose parameters come as lists of values.

    AuthError, for a page, where nobody may be led back; Refusal for what is answered to the application. Unknown parameters are ignored.
    """
    given = {name: tuple(value for value in values if value) for name, values in given.items()}  # an empty one is none (RFC 6749 §3.1)
    given = {name: values for name, values in given.items() if values}
    if "request" in given:
        given = _of_object(core, application, given)
    target = authorization_target.find(application, given, developing=core.settings.development)
    request = _once(application, target, given)
    if "request_uri" in request.values:
        raise request.fault("request_uri_not_supported", "Only the request_uri of a pushed request is read.")
    if application.require_pushed and not pushed:
        raise request.invalid("This application must push its requests (RFC 9126).")
    return _asked(core, keys, request)


def _of_object(core: Core, application: Application, given: Given) -> Given:
    """The parameters inside the request object. Before it is trusted, its faults are told where the parameters beside it say."""

    def fault(description: str, error: str = "invalid_request_object") -> Exception:
        try:
            target = authorization_target.find(application, given)
        except Refusal as refusal:
            return refusal
        except AuthError:
            return AuthError(
                "invalid_request",
                Words("The application sent a request that can't be read. For its developers: %(fault)s", fault=description),
            )
        return Refusal(error, description, target)

    if len(given["request"]) != 1 or "request_uri" in given:
        raise fault("Send one request, or one request_uri.", "invalid_request")
    if application.jwks is None and not application.jwks_uri:
        raise fault("This application has no registered key that could sign requests.", "request_not_supported")
    return authorization_object.opened(core, application, given, fault)


def _once(application: Application, target: Target, given: Given) -> Request:
    """The parameters; each may come once, and is bounded (RFC 6749 §3.1)."""
    values = {name: found[0] for name, found in given.items() if name not in SEVERAL}
    request = Request(application, target, values, tuple(given.get("resource", ())))
    if len(given) > MOST_PARAMETERS or any(len(found) > 1 for name, found in given.items() if name not in SEVERAL):
        raise request.invalid("A parameter comes twice, or there are too many.")
    if any(len(value) > LONGER.get(name, LONGEST) for name, value in values.items()):
        raise request.invalid("A parameter is too long.")
    return request


def _asked(core: Core, keys: KeyRing, request: Request) -> Asked:
    _check_grant(request)
    scopes = _scopes(request)
    prompt = _prompt(request)
    claims = authorization_claims.read(request.get("claims"), request.application, request.invalid) if OPENID in scopes else {}
    return Asked(
        target=request.target,
        asked_at=core.clock.now(),
        scopes=scopes,
        nonce=request.get("nonce"),
        code_challenge=_challenge(request),
        prompt=prompt,
        max_age=_max_age(request),
        acr_values=_acr_values(request, claims),
        acr_essential=authorization_claims.essential_acr(claims),
        subject=_subject(core, keys, request, claims),
        login_hint=request.get("login_hint")[:320],
        ui_locales=request.words("ui_locales")[:MOST_LOCALES],
        claims=claims,
        resources=_resources(request),
        jkt=_thumbprint(request),
    )


def _check_grant(request: Request) -> None:
    """Only the code is given out here, and only to who may redeem it (RFC 9700 §2.1.2)."""
    if not request.get("response_type"):
        raise request.invalid("response_type is missing; it must be code.")
    if request.get("response_type") != "code":
        raise request.fault("unsupported_response_type", "The only response_type is code.")
    if "authorization_code" not in request.application.grants:
        raise request.fault("unauthorized_client", "This application is not registered for authorization codes.")


def _scopes(request: Request) -> tuple[str, ...]:
    """The scopes, in the order of asking. Without any it is those of the application that concern no account here (RFC 6749 §3.3)."""
    registered = request.application.scopes
    wanted = request.words("scope") or tuple(one for one in registered if one not in (OPENID, OFFLINE, ACCOUNT, READ_ACCOUNT))
    if not wanted or len(wanted) > MOST_SCOPES or not set(wanted) <= set(registered):
        raise request.fault("invalid_scope", "A scope is unknown, or not registered for this application; or there is none.")
    if "refresh_token" in request.application.grants:
        return wanted
    return tuple(scope for scope in wanted if scope != OFFLINE)  # OpenID Connect Core §11


def _prompt(request: Request) -> frozenset[str]:
    prompt = frozenset(request.words("prompt"))
    if not prompt <= PROMPTS or ("none" in prompt and len(prompt) > 1):
        raise request.invalid("prompt is none, or some of login, consent, select_account and create.")
    return prompt


def _challenge(request: Request) -> str:
    """The S256 challenge (RFC 7636 §4.3). A confidential application may be registered without; then nonce or state keeps codes apart."""
    challenge, method = request.get("code_challenge"), request.get("code_challenge_method")
    if not challenge:
        if method or request.application.public or request.application.require_pkce:
            raise request.invalid("code_challenge is missing: send one with code_challenge_method=S256 (PKCE).")
        if not request.get("nonce") and not request.get("state"):
            raise request.invalid("Send a code_challenge (PKCE), or at least nonce or state.")
        return ""
    if method != "S256" or not CHALLENGE.fullmatch(challenge):
        raise request.invalid("code_challenge must be a SHA-256 in base64url, with code_challenge_method=S256.")
    return challenge


def _max_age(request: Request) -> int | None:
    text = request.get("max_age")
    if not text:
        return request.application.default_max_age
    if not NUMBER.fullmatch(text):
        raise request.invalid("max_age is a number of seconds.")
    return int(text)


def _acr_values(request: Request, claims: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Those known here; where the request names none and no claim `acr` either, the registered ones (OpenID Connect Registration §2)."""
    usual = () if "acr" in claims.get("id_token", {}) else request.application.metadata.get("default_acr_values", ())
    return tuple(value for value in request.words("acr_values") or usual if value in ACR)


def _subject(core: Core, keys: KeyRing, request: Request, claims: Mapping[str, Mapping[str, Any]]) -> str:
    """Whom the request is for; empty for anybody."""
    token = request.get("id_token_hint")
    hinted = authorization_claims.hinted(keys, token, request.application, core.settings.public_url, request.invalid) if token else ""
    wanted = authorization_claims.subjects(claims) | ({hinted} if hinted else frozenset())
    if len(wanted) > 1:
        raise request.invalid("id_token_hint and claims are about more than one person.")
    return next(iter(wanted), "")


def _resources(request: Request) -> tuple[str, ...]:
    """RFC 8707 §2: those that are registered for the application."""
    wanted = tuple(dict.fromkeys(request.resources))
    if len(wanted) > MOST_RESOURCES or not set(wanted) <= {*request.application.resources, *request.application.open_resources}:
        raise request.fault("invalid_target", "A resource is not registered for this application.")
    return wanted


def _thumbprint(request: Request) -> str:
    jkt = request.get("dpop_jkt")
    if jkt and not CHALLENGE.fullmatch(jkt):
        raise request.invalid("dpop_jkt must be the SHA-256 thumbprint of a key, in base64url.")
    return jkt
