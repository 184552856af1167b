"""/oauth/userinfo (OpenID Connect Core §5.3): what an application may know of the person whose token it holds."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from authenticator.errors import AuthError
from authenticator.flows.access import Issued
from authenticator.flows.scopes import OPENID
from authenticator.http import cors
from authenticator.http.guard import service
from authenticator.oidc import dpop, errors
from authenticator.oidc.errors import BadToken


def blueprint() -> Blueprint:
    """GET and POST /oauth/userinfo."""
    routes = Blueprint("oauth_userinfo", __name__)
    errors.install(routes)
    cors.install(routes)
    routes.add_url_rule("/oauth/userinfo", "userinfo", _userinfo, methods=["GET", "POST"])
    return routes


def _userinfo() -> Response:
    auth = service()
    issued, scheme = _issued()
    if OPENID not in issued.scopes:
        raise BadToken(scheme, "insufficient_scope", 403, OPENID)
    found = auth.userinfo(issued)
    if found is None:
        raise BadToken(scheme)
    application, claims = found
    if application.userinfo_algorithm:
        return Response(auth.signed_userinfo(application, claims), content_type="application/jwt")
    told: Any = dict(claims)
    return jsonify(told)


def _issued() -> tuple[Issued, str]:
    """The token of this request, with its key if it is bound, and the scheme it came by."""
    token, scheme = _token()
    issued = service().believed(token)
    if issued is None or not issued.session:
        raise BadToken(scheme)
    dpop.require(issued, token, scheme)
    try:
        service().require_open(issued.session)
    except AuthError as error:
        if error.status != 401:
            raise
        raise BadToken(scheme) from None
    return issued, scheme


def _token() -> tuple[str, str]:
    """In the header, or as a posted form's field (RFC 6750 §2); in one place, and never in the address."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    posted = request.form.getlist("access_token") if request.method == "POST" else []
    if len(posted) + bool(scheme) > 1:
        raise BadToken("Bearer", "invalid_request", 400)
    if posted:
        return posted[0], "Bearer"
    if scheme.lower() not in ("bearer", "dpop") or not token.strip():
        raise BadToken("")
    return token.strip(), "DPoP" if scheme.lower() == "dpop" else "Bearer"
