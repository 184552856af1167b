"""One's own password: chosen for the first time, or changed for another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from authenticator.crypto import digest, random_token
from authenticator.errors import AuthError
from authenticator.flows import onetime, sessions
from authenticator.flows.changes import change as changed
from authenticator.flows.core import Core
from authenticator.flows.devices import untrusted
from authenticator.flows.notices import notify
from authenticator.flows.outcomes import Signed
from authenticator.kinds.base import SecretProvider
from authenticator.limits import Backoff, Limit
from authenticator.models import (
    Client,
    Login,
    LoginKey,
    NewKey,
    Session,
    User,
)
from authenticator.storage.port import KeyTaken

NEW, CURRENT = "new_password", "current_password"
RESETS = ("reset", "invite")  # what mailed links to a new password are for
CHANGES_AN_HOUR = 20


def change(core: Core, signed: Signed, current: str, new: str, client: Client, *, in_browser: bool) -> str:
    """Set a new password; every other sign-in and all trust in browsers end, and the owner is told (ASVS 5.0 6.2.3, 7.4.3).

    Who has a password must show it, and with a second step also fresh proof; who has none, fresh proof. Returns the new value of
    a browser's session cookie, empty for a program. AuthError `invalid_credentials`, `validation_failed`, `step_up_required`.
    """
    provider, user = provider_of(core), signed.user
    held = login_of(core, provider, user)
    if held is None or user.factors:
        sessions.require_fresh(core, signed.session)
    if held is None:
        _require_name(user)
    core.spend(Limit(f"password-changes:{user.id}", CHANGES_AN_HOUR, 3600))
    kept = chosen(provider, user, new)
    if held:
        _require_current(core, provider, held, current)
    keep(core, provider, user, held, kept)
    settle(core, user, "password_changed", client, keep=signed.session.id)
    core.history.record("password_changed", user_id=user.id, client=client, session=signed.session.id)
    notify(core, user, "Your password was changed" if held else "A password was set", CHANGED if held else ADDED)
    return _new_cookie(core, signed.session) if in_browser else ""


CHANGED = "The password of your account was changed. Other sign-ins were ended."
ADDED = "Your account has a password now, which can sign in to it. Other sign-ins were ended."


def are_used(core: Core) -> bool:
    """Whether there are passwords here at all."""
    return core.registry.secrets is not None


def provider_of(core: Core) -> SecretProvider:
    """The provider of passwords; AuthError `unknown_provider` where none is installed."""
    found = core.registry.secrets
    if found is None:
        raise AuthError("unknown_provider")
    return found


def login_of(core: Core, provider: SecretProvider, user: User) -> Login | None:
    """The password of a user, if she has one."""
    return core.store.find_login(LoginKey(provider.name, user.id))


def tries_of(provider: SecretProvider, user: User) -> Backoff:
    """What failures with this user's password are counted under, at every door."""
    return Backoff(f"account:{provider.name}:user:{user.id}")


def chosen(provider: SecretProvider, user: User, new: str) -> str:
    """What to keep of a new password; AuthError `validation_failed` beside `new_password` if it is not good enough."""
    hints = (user.name.given, user.name.family, user.name.display, user.username, *(contact.value for contact in user.contacts))
    with _told_beside(NEW):
        return provider.chosen(new, [hint for hint in hints if hint])


def keep(core: Core, provider: SecretProvider, user: User, held: Login | None, kept: str) -> None:
    """Put the new secret in the place of the old one, or add it; AuthError `conflict` if somebody was faster."""
    if held:
        done = core.store.swap_secret(held.key.id, held.secret, kept)
    else:
        try:
            core.store.add_login_key(user.id, NewKey(LoginKey(provider.name, user.id), secret=kept), core.clock.now())
            done = True
        except KeyTaken:
            done = False
    if not done:
        raise AuthError("conflict")


def settle(core: Core, user: User, reason: str, client: Client, *, keep: str | None = None) -> User:
    """What follows from a new password: other sessions end, browsers are not trusted any more, mailed links to a new one are worthless."""
    sessions.end_all(core, user, reason, client, keep=keep)
    core.store.forgive([tries_of(provider_of(core), user).key])
    for purpose in RESETS:
        onetime.withdraw(core, purpose, user.id)
    return changed(core, user, _settled)


def _settled(user: User) -> User:
    calm = untrusted(user)
    return replace(calm, must_reset=False) if calm.must_reset else calm


def _require_name(user: User) -> None:
    if not user.username and not any(contact.proved_at for contact in user.contacts):
        reason = "Add an e-mail address, a phone number or a user name first: it is what you type beside the password."
        raise AuthError("validation_failed", reason, errors={NEW: (reason,)})


def _require_current(core: Core, provider: SecretProvider, held: Login, current: str) -> None:
    """Counted like a sign-in with it, so that a stolen session is no better place to guess."""
    wrong = AuthError(
        "invalid_credentials", "Your current password is not right.", errors={CURRENT: ("Your current password is not right.",)}
    )
    if not current:
        raise wrong
    core.spend(tries_of(provider, held.user))
    with _told_beside(CURRENT):
        if not provider.fits(current, held.secret):
            raise wrong


def _new_cookie(core: Core, session: Session) -> str:
    cookie = random_token()
    if not core.store.renew_session(session.id, cookie=digest(cookie), auth_time=session.auth_time, amr=session.amr):
        raise AuthError("token_revoked")
    return cookie


@contextmanager
def _told_beside(field: str) -> Iterator[None]:
    """The provider speaks of its own field; the form here calls it otherwise."""
    try:
        yield
    except AuthError as error:
        if error.code != "validation_failed":
            raise
        raise AuthError(error.code, errors={field: next(iter(error.errors.values()), ())}) from None
