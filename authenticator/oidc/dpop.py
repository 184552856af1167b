"""DPoP (RFC 9449): the key that an application shows to have, so that a token that is stolen is of no use without it."""

from __future__ import annotations

from flask import request

from authenticator.applications import Application
from authenticator.flows.access import Issued
from authenticator.flows.assertions import InvalidProofError
from authenticator.http.guard import base_url, service
from authenticator.oidc.errors import BadToken


def shown(application: Application) -> str:
    """The thumbprint of the key in this request's proof, or nothing if there is none.

    `InvalidProofError` for a bad one, and for none from an application whose tokens must be bound.
    """
    proofs = request.headers.getlist("DPoP")
    if not proofs and not application.bound_tokens:
        return ""
    if len(proofs) != 1:
        raise InvalidProofError()
    return service().proof(proofs[0], request.method, _here())


def require(issued: Issued, token: str, scheme: str) -> None:
    """BadToken unless a bound token comes with its key, and an unbound one without any (RFC 9449 §7)."""
    if scheme.lower() == "bearer":
        if issued.jkt:
            raise BadToken("DPoP")
        return
    proofs = request.headers.getlist("DPoP")
    try:
        key = service().proof(proofs[0], request.method, _here(), token) if len(proofs) == 1 else ""
    except InvalidProofError:
        raise BadToken("DPoP", "invalid_dpop_proof") from None
    if not key or key != issued.jkt:
        raise BadToken("DPoP", "invalid_dpop_proof")


def _here() -> str:
    return f"{base_url()}{request.path}"
