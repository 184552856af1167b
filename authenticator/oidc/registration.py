"""Applications that register themselves (RFC 7591, OpenID Connect Registration), and look after that (RFC 7592)."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from authenticator.applications import Application
from authenticator.crypto import same
from authenticator.errors import AuthError
from authenticator.flows.applications import BY_SECRET, check_token
from authenticator.flows.client_metadata import described
from authenticator.flows.ownership import local_factor
from authenticator.http import guard
from authenticator.http.hygiene import strict_json
from authenticator.identifiers import network_of
from authenticator.limits import Limit

PER_HOUR: Final = 20  # registrations from one address
LOOKS_PER_MINUTE: Final = 60
OPERATORS: Final = ("trusted", "origins", "resources", "claims_in_id_token")  # words that only the operator may say
NOT_SENT_BACK: Final = ("registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at")


def blueprint() -> Blueprint:
    """/oauth/register."""
    routes = Blueprint("registration", __name__, url_prefix="/oauth/register")
    routes.add_url_rule("", "register", register, methods=["POST"])
    for method, view in (("GET", read), ("PUT", put), ("DELETE", remove)):
        routes.add_url_rule("/<client_id>", view.__name__, view, methods=[method])
    routes.register_error_handler(AuthError, refusal)
    return routes


def register() -> Response:
    """Register the application that the body describes; with the initial access token, if the operator set one."""
    _may_register()
    made = guard.service().register_application(_body(), registration="dynamic", by="application", client=guard.client())
    answer = _answer(made.application, made.token, made.secret)
    answer.status_code = 201
    return answer


def read(client_id: str) -> Response:
    """What is registered (RFC 7592 §2.1)."""
    return _answer(_holder(client_id), guard.bearer_token())


def put(client_id: str) -> Response:
    """Put the body in the place of what is registered (RFC 7592 §2.2)."""
    application, body, auth = _holder(client_id), _body(), guard.service()
    if body.pop("client_id", None) != application.id or any(name in body for name in NOT_SENT_BACK):
        raise AuthError("invalid_request", "Send the client_id, and none of what this service says about the registration.")
    secret = body.pop("client_secret", None)
    if secret is not None and not (isinstance(secret, str) and auth.check_client_secret(application, secret)):
        raise AuthError("invalid_request", "The client_secret is not this application's, and it can't be chosen.")
    changed, new = auth.put_application(application, body, by="application", client=guard.client()), ""
    if changed.auth_method in BY_SECRET and not changed.secrets:
        changed, new = auth.add_client_secret(changed, by="application", client=guard.client())
    return _answer(changed, guard.bearer_token(), new)


def remove(client_id: str) -> Response:
    """Remove the registration, and all that the application was given (RFC 7592 §2.3)."""
    guard.service().remove_application(_holder(client_id), by="application", client=guard.client())
    return Response(status=204)


def refusal(error: AuthError) -> Response:
    """A refusal in the words of RFC 7591 §3.2.2 and RFC 6750 §3.1; nothing of what was sent comes back in it."""
    name = {
        401: "invalid_token",
        403: "access_denied",
        404: "not_found",
        429: "temporarily_unavailable",
        503: "temporarily_unavailable",
    }.get(error.status, "invalid_client_metadata")
    if set(error.errors) == {"redirect_uris"}:
        name = "invalid_redirect_uri"
    faults = "; ".join(f"{field}: {' '.join(sentences)}" for field, sentences in error.errors.items() if field.isidentifier())
    answer = jsonify(error=name, error_description=faults or error.detail)
    answer.status_code = 400 if error.status == 422 else error.status
    if error.status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"' if guard.bearer_token() else "Bearer"
    if error.retry_after:
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def _may_register() -> None:
    """AuthError `not_found` where nobody may, `invalid_token` without the initial access token, `rate_limited`."""
    core = guard.service().core
    if core.oidc.registration == "off":
        raise AuthError("not_found", "Applications don't register themselves here. Ask the operator.")
    core.spend(Limit(f"register:{network_of(guard.client().address)}", PER_HOUR * local_factor(core, guard.client()), 3600))
    expected = core.oidc.registration_token.get_secret_value()
    if core.oidc.registration == "token" and not (expected and same(guard.bearer_token(), expected)):
        raise AuthError("invalid_token", "Registration needs the initial access token that the operator gives out.")


def _holder(client_id: str) -> Application:
    """The application whose registration access token this is; AuthError `invalid_token` for any other."""
    core = guard.service().core
    core.spend(Limit(f"registration:{network_of(guard.client().address)}", LOOKS_PER_MINUTE * local_factor(core, guard.client()), 60))
    found = guard.service().find_application(client_id) if not client_id.startswith("https:") else None
    if found is None or not check_token(found, guard.bearer_token()):
        raise AuthError("invalid_token", "This is not the registration access token of this application.")
    if not found.enabled:
        raise AuthError("forbidden", "The operator has disabled this application.")
    return found


def _body() -> dict[str, Any]:
    if request.mimetype != "application/json":
        raise AuthError("invalid_request", "Send the metadata as application/json.")
    return {name: value for name, value in strict_json(request.get_data()).items() if name not in OPERATORS}


def _answer(application: Application, token: str, secret: str = "") -> Response:
    """The registration as it stands (RFC 7591 §3.2.1). A secret is in it only when it is new: it is kept as a digest."""
    told = {name: value for name, value in described(application).items() if name not in OPERATORS}
    told |= {
        "client_id": application.id,
        "client_id_issued_at": int(application.created_at.timestamp()),
        "registration_access_token": token,
        "registration_client_uri": f"{guard.service().settings.public_url}/oauth/register/{application.id}",
    }
    if secret:
        told |= {"client_secret": secret, "client_secret_expires_at": 0}
    return jsonify(told)
