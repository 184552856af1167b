"""ID tokens (OpenID Connect Core §2): who signed in, when and how, for one application."""

from __future__ import annotations

from typing import Any, Final

from authenticator.crypto import half_hash
from authenticator.flows import access, released
from authenticator.flows.core import Core
from authenticator.flows.granting import Given
from authenticator.flows.keyring import KeyRing

_HASHES: Final = {"RS256": "sha256", "ES256": "sha256", "EdDSA": "sha512"}


def issue(core: Core, keys: KeyRing, given: Given, access_token: str) -> str:
    """The ID token that goes with an access token, as the application has them signed."""
    application, user, family = given.application, given.user, given.family
    assert user is not None
    assert family is not None
    now = int(core.clock.now().timestamp())
    asked = released.singly(application, given.claims, "id_token")
    scopes = given.scopes if application.claims_in_id_token else ()
    claims: dict[str, Any] = {
        **released.claims_for(core, user, scopes, asked),
        "iss": core.settings.public_url,
        "sub": released.subject(core, user, application),
        "aud": application.id,
        "azp": application.id,
        "iat": now,
        "exp": now + access.ID_SECONDS,
        "auth_time": int(family.auth_time.timestamp()),
        "acr": given.acr or "1",
        "amr": list(family.amr),
        "sid": released.sid_for(core, released.signed_in(family), application),
        "at_hash": half_hash(access_token, _HASHES[application.id_token_algorithm]),
    }
    if given.nonce:
        claims["nonce"] = given.nonce
    return keys.sign(claims, typ="JWT", algorithm=application.id_token_algorithm)
