"""Personal access tokens: keys that a person makes for her own programs, with an end and with bounds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from authenticator.crypto import digest, random_token
from authenticator.errors import AuthError
from authenticator.flows import permissions, scopes, sessions
from authenticator.flows.core import Core
from authenticator.flows.notices import notify
from authenticator.flows.outcomes import Signed
from authenticator.models import Client, Session, User
from authenticator.words import Words

PREFIX: Final = "pat_"  # by which a secret that was published by mistake is recognised
MOST: Final = 50
LONGEST: Final = timedelta(days=366)
LONGEST_NAME: Final = 60
ALWAYS: Final = (scopes.OPENID, "profile", "email", "phone", scopes.READ_ACCOUNT, scopes.ACCOUNT)


def may_give(core: Core, user: User) -> tuple[str, ...]:
    """The scopes that this person may give to a token: her account, and what she may do here to those of others."""
    return (*ALWAYS, *sorted(permissions.held_here(core, user).permissions))


def make(core: Core, signed: Signed, *, name: str, wanted: Sequence[str], expires_at: datetime, client: Client) -> tuple[Session, str]:
    """A new token and its text, which is shown this once. Asks for fresh proof, and for two factors where it lets administer.

    AuthError `validation_failed` with the fields at fault, `conflict` for more than fifty, `token_revoked` where the sign-in has just ended.
    """
    sessions.require_fresh(core, signed.session)
    name = " ".join(name.split())
    wanted = tuple(dict.fromkeys(wanted))
    _require_sound(core, signed.user, name, wanted, expires_at)
    for scope in wanted:
        if scope not in ALWAYS:
            permissions.require(core, signed, scope)
    now = core.clock.now()
    if len(all_of(core, signed.user)) >= MOST:
        raise AuthError("conflict", Words("You have %(number)s tokens already. Delete one that is not used any more.", number=MOST))
    text = PREFIX + random_token()
    proof = signed.session
    session = Session(
        id=random_token(128),
        user_id=signed.user.id,
        provider=proof.provider,
        amr=proof.amr,
        auth_time=proof.auth_time,
        created_at=now,
        expires_at=expires_at,
        client=client,
        cookie=digest(text),
        mfa_at=proof.mfa_at,
        kind="token",
        scopes=wanted,
        name=name,
    )
    event = core.history.event("token_made", user_id=signed.user.id, client=client, session=session.id, name=name, scopes=" ".join(wanted))
    core.store.open_session(session, event=event)
    _require_open(core, proof, session)
    core.history.tell(event)
    text_of_notice = (
        "A personal access token “%(name)s” was made for your account. If that was not you, delete it and change your password."
    )
    notify(core, signed.user, "A personal access token was made", text_of_notice, name=name)
    return session, text


def all_of(core: Core, user: User) -> Sequence[Session]:
    """The tokens of this person that are not over, newest first."""
    return core.store.sessions_of(user.id, core.clock.now(), kinds=("token",), limit=200).items


def remove(core: Core, user: User, token_id: str, client: Client) -> None:
    """End one of this person's tokens; AuthError `not_found` for anything else."""
    session = core.store.session_by_id(token_id)
    if session is None or session.user_id != user.id or session.kind != "token":
        raise AuthError("not_found")
    if not core.store.close_session(session.id, "ended_by_owner", core.clock.now()):
        raise AuthError("not_found")
    core.history.record("token_removed", user_id=user.id, client=client, session=session.id, name=session.name)
    notify(core, user, "A personal access token was deleted", "The personal access token “%(name)s” was deleted.", name=session.name)


def _require_open(core: Core, proof: Session, token: Session) -> None:
    """Look once more, now that whoever ends all sessions finds the token: before, nobody could, and it would outlive them."""
    stored, now = core.store.session_by_id(proof.id), core.clock.now()
    if stored is None or not stored.is_open(now):
        core.store.close_session(token.id, "sign_in_ended", now)
        raise AuthError("token_revoked")


def _require_sound(core: Core, user: User, name: str, wanted: Sequence[str], expires_at: datetime) -> None:
    errors: dict[str, tuple[str, ...]] = {}
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        errors["name"] = (Words("Give it a name of at most %(number)s characters.", number=LONGEST_NAME),)
    if not wanted or not set(wanted) <= set(may_give(core, user)):
        errors["scopes"] = ("Choose what it may do, of what you may do yourself.",)
    if not core.clock.now() < expires_at <= core.clock.now() + LONGEST:
        errors["expires_at"] = ("Choose a day within a year from now.",)
    if errors:
        raise AuthError("validation_failed", errors=errors)
