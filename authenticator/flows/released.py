"""What an application learns of a person: her subject, and the claims that she agreed to."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from authenticator.applications import Application
from authenticator.crypto import base64url, derive_key, keyed_token
from authenticator.flows import scopes
from authenticator.flows.core import Core
from authenticator.models import Session, User

NOTED_EVERY: Final = timedelta(minutes=10)


def subject(core: Core, user: User, application: Application) -> str:
    """The `sub` of a person: her id; for an application with pairwise subjects another one for each sector (OpenID Connect Core §8.1)."""
    if application.subject_type != "pairwise":
        return user.id
    return base64url(_pairwise(core).encrypt(user.id.encode(), [sector(application).encode()]))


def whose(core: Core, subject: str, application: Application) -> str | None:
    """The id of the user whom this application knows by that subject; None for what was never a subject of its sector."""
    if application.subject_type != "pairwise":
        return subject
    try:
        sealed = base64.urlsafe_b64decode(subject.encode("ascii") + b"=" * (-len(subject) % 4))
        return _pairwise(core).decrypt(sealed, [sector(application).encode()]).decode()
    except (InvalidTag, ValueError):
        return None


def _pairwise(core: Core) -> AESSIV:
    """Encrypts alike each time (RFC 5297), so that a subject stays the same and we alone know whose it is."""
    return AESSIV(derive_key(core.secret, "pairwise"))


def sector(application: Application) -> str:
    """The host whose applications share pairwise subjects; an application without one shares them with none."""
    return application.sector or application.id


def sid_for(core: Core, session_id: str, application: Application) -> str:
    """The `sid` that an application knows a sign-in by: always the same one, and another application's is no help to find it."""
    return keyed_token(derive_key(core.secret, "sid"), session_id, application.id)


def signed_in(family: Session) -> str:
    """The sign-in that a family came of; one without stands for itself."""
    return family.parent or family.id


def claims_for(core: Core, user: User, granted: Sequence[str], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The claims about a person that these scopes release, and the single ones that were asked for and agreed to (Core §5.1, §5.4, §5.5).

    What she has not filled in is left out.
    """
    wanted = {claim for scope in granted for claim in scopes.CLAIMS.get(scope, ())} | set(asked)
    known = _standard(core, user)
    return {claim: known[claim] for claim in known if claim in wanted and known[claim] not in ("", None)}


def singly(application: Application, claims: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    """The single claims that were asked for by `userinfo` or `id_token`, of those scopes for which the application is registered now."""
    may = {claim for scope in application.scopes for claim in scopes.CLAIMS.get(scope, ())}
    return {name: wish for name, wish in (claims.get(part) or {}).items() if name in may}


def further(core: Core, user: User, audience: str, granted: Sequence[str], taken: Iterable[str]) -> dict[str, Any]:
    """What plug-ins add to an access token; ValueError for a claim that the core or another plug-in gives."""
    hook = core.registry.hooks.auth_claims
    if not hook.get_hookimpls():
        return {}
    merged: dict[str, Any] = {}
    for claims in hook(user=user, audience=audience, scopes=tuple(granted)):
        clash = (set(taken) | set(merged)) & set(claims or {})
        if clash:
            raise ValueError(f"two plug-ins, or a plug-in and the core, give the claims {', '.join(sorted(clash))}")
        merged |= claims or {}
    return merged


def note_read(core: Core, user: User, application: Application, granted: Sequence[str]) -> None:
    """Let the person see what the application read, and when: soon, and at most every ten minutes."""
    names = tuple(name for name in granted if name in scopes.CLAIMS or name == scopes.OPENID)
    place = ("read", user.id, application.id, *names)
    if core.fleeting.age(*place) < NOTED_EVERY.total_seconds():
        return
    core.fleeting.keep(*place, value=True)
    now: datetime = core.clock.now()
    core.errands.aside("grants", lambda: core.store.note_read(user.id, application.id, names, now))


def _standard(core: Core, user: User) -> dict[str, Any]:
    email, phone, name = user.contact("email"), user.contact("phone"), user.name
    facts: dict[str, Any] = {
        "name": name.shown,
        "given_name": name.given,
        "family_name": name.family,
        "preferred_username": user.username,
        "picture": _absolute(core, user.picture),
        "locale": user.locale,
        "updated_at": int(user.updated_at.timestamp()),
    }
    if email:
        facts |= {"email": email.shown, "email_verified": email.proved_at is not None}
    if phone:
        facts |= {"phone_number": phone.value, "phone_number_verified": phone.proved_at is not None}
    return facts


def _absolute(core: Core, picture: str) -> str:
    return f"{core.settings.public_url}{picture}" if picture.startswith("/") else picture
