"""An API with FastAPI that takes the access tokens of Authenticator. See README.md."""

import os
from typing import Annotated, Any

from authenticator_client import Verified, Verifier
from authenticator_client.fastapi import Bearer
from fastapi import Depends, FastAPI

app = FastAPI(title="Diary")
verifier = Verifier(os.environ["AUTHENTICATOR_ISSUER"], os.environ["AUTHENTICATOR_AUDIENCE"])


@app.get("/me")
def me(caller: Annotated[Verified, Depends(Bearer(verifier))]) -> dict[str, Any]:
    """Whoever has a good token."""
    return {"id": caller.subject, "scopes": sorted(caller.scopes), "permissions": sorted(caller.permissions)}


@app.get("/reports")
def reports(caller: Annotated[Verified, Depends(Bearer(verifier, permission="reports:read"))]) -> dict[str, Any]:
    """Only who may read reports."""
    return {"reports": ["It rained."], "for": caller.subject}
