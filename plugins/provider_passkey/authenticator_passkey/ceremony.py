"""What a browser is asked to do with its authenticator: make a passkey, or sign with one. Each challenge is asked once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from authenticator.errors import ConfigurationError
from authenticator.plugin import Ask, AuthError, Field, Intent, Kit, Login, User, Visit
from authenticator_passkey.answers import LONGEST, packed
from authenticator_passkey.keys import ALGORITHMS, passkey
from authenticator_passkey.options import PasskeyOptions, belongs, origins, relying_party
from authenticator_passkey.verification import Asked

CREDENTIAL = Field("credential", "Passkey", "hidden", max_length=LONGEST)
LIFE = timedelta(minutes=5)  # WebAuthn Level 3 §15.1
CHALLENGE_BYTES = HANDLE_BYTES = 32
CREATE, GET = "create", "get"


@dataclass(frozen=True)
class Ceremonies:
    """Asks for ceremonies, and knows later what was asked. Bound to ceremony, person and session; the core adds the browser."""

    options: PasskeyOptions
    kit: Kit

    def __post_init__(self) -> None:
        if self.options.rp_id and not belongs(self.options.rp_id, self.kit.public_url):
            raise ConfigurationError(
                f"AUTHENTICATOR_PASSKEY_RP_ID must be the host of AUTHENTICATOR_PUBLIC_URL or a parent domain of it; {self.options.rp_id} is neither."
            )

    def create(self, visit: Visit, name: str, shown: str, **keep: Any) -> Ask:
        """Make a passkey for this person, on a device that has none of hers yet."""
        owned = visit.logins.of(visit.user) if visit.user else ()
        handle = next((passkey(login.secret).handle for login in owned), "") or packed(secrets.token_bytes(HANDLE_BYTES))
        challenge, kept = self._asked(CREATE, visit, visit.user)
        wanted = {
            "rp": {"id": self._rp_id(visit), "name": self.kit.service_name},
            "user": {"id": handle, "name": name, "displayName": shown},
            "challenge": challenge,
            "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in ALGORITHMS],
            "timeout": LIFE // timedelta(milliseconds=1),
            "excludeCredentials": [_described(login) for login in owned],
            "authenticatorSelection": {"residentKey": "required", "requireResidentKey": True, "userVerification": "required"},
            "attestation": "none",
            "extensions": {"credProps": True},
        }
        text = "Your browser asks for your fingerprint, your face or your screen lock, and keeps the passkey for you."
        return _ask("Create a passkey", text, CREATE, wanted, {**kept, **keep, "handle": handle})

    def get(self, visit: Visit, title: str, *, user: User | None = None, verified: bool = True) -> Ask:
        """Sign with a passkey: any, or one of this person's. Without `verified` a touch is enough."""
        challenge, kept = self._asked(GET, visit, user)
        owned = visit.logins.of(user) if user else ()
        wanted = {
            "rpId": self._rp_id(visit),
            "challenge": challenge,
            "timeout": LIFE // timedelta(milliseconds=1),
            "allowCredentials": [_described(login) for login in owned],
            "userVerification": "required" if verified else "preferred",
        }
        return _ask(
            title, "Your browser asks for your fingerprint, your face or your screen lock.", GET, wanted, {**kept, "verified": verified}
        )

    def asked(self, kind: str, visit: Visit, keep: Mapping[str, Any], *, user: User | None) -> Asked:
        """What the answer must fit; AuthError `challenge_expired` if it is late, or was asked of somebody else or for something else."""
        late = self.kit.clock.now() > datetime.fromisoformat(keep["until"])
        if late or keep["ceremony"] != kind or keep["bound"] != _bound(visit, user):
            raise AuthError("challenge_expired")
        where = origins(self.options, visit, self.kit.public_url)
        return Asked(keep["challenge"], self._rp_id(visit), where, keep.get("verified", True))

    def _rp_id(self, visit: Visit) -> str:
        return relying_party(self.options, visit, self.kit.public_url)

    def _asked(self, kind: str, visit: Visit, user: User | None) -> tuple[str, dict[str, Any]]:
        challenge = packed(secrets.token_bytes(CHALLENGE_BYTES))
        until = (self.kit.clock.now() + LIFE).isoformat()
        return challenge, {"ceremony": kind, "challenge": challenge, "until": until, "bound": _bound(visit, user)}


def _bound(visit: Visit, user: User | None) -> list[str]:
    inside = visit.intent in (Intent.LINK, Intent.CONFIRM) and visit.session
    return [visit.intent.value, user.id if user else "", inside.id if inside else ""]


def _ask(title: str, text: str, kind: str, wanted: Mapping[str, Any], keep: Mapping[str, Any]) -> Ask:
    options = {"ceremony": kind, "publicKey": wanted}
    return Ask((CREDENTIAL,), kind="passkey", title=title, text=text, options=options, once=True, keep=keep)


def _described(login: Login) -> dict[str, Any]:
    kept = passkey(login.secret)
    return {"type": "public-key", "id": kept.id, "transports": list(kept.transports)}
