"""A dependency for FastAPI: who called, by the bearer token, and whether she may."""

from __future__ import annotations

from fastapi import HTTPException, Request
from fastapi.openapi.models import HTTPBearer as Scheme
from fastapi.security.base import SecurityBase

from authenticator_client.errors import Refused, Unavailable
from authenticator_client.requests_in import away, bearer, challenge
from authenticator_client.verifier import Verified, Verifier


class Bearer(SecurityBase):
    """`Depends(Bearer(verifier, permission="reports:read"))` is the `Verified` token: 401 without a good one, 403 without the right.

    It is a plain function to FastAPI, so a fetch of keys, once in ten minutes, waits in a thread and holds nobody else up.
    """

    def __init__(self, verifier: Verifier, *, permission: str = "", scope: str = "") -> None:
        self.verifier, self.permission, self.scope = verifier, permission, scope
        self.model = Scheme(bearerFormat="JWT")
        self.scheme_name = "Authenticator"

    def __call__(self, request: Request) -> Verified:
        try:
            return bearer(self.verifier, request.headers.get("Authorization"), self.permission, self.scope)
        except Refused as refused:
            status, header = challenge(refused)
            raise HTTPException(status, refused.code, headers={"WWW-Authenticate": header}) from None
        except Unavailable as fault:
            away(fault)
            raise HTTPException(503, "temporarily_unavailable") from None
