"""The way back to an account: a link or a code to an address of its owner, by which a new password is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from authenticator.aliases import alias_of
from authenticator.crypto import digest
from authenticator.errors import AuthError
from authenticator.flows import claims, contacts, onetime, ownership, passwords, sessions
from authenticator.flows.changes import change
from authenticator.flows.core import Core
from authenticator.flows.notices import notify
from authenticator.flows.onetime import OneTime
from authenticator.kinds import codes
from authenticator.kinds.base import Field, checked
from authenticator.kit import Message
from authenticator.models import Client, Contact, LoginKey, Status, User

RESET, INVITE = passwords.RESETS
ASKED: Final = "forgot"
RESET_SECONDS: Final = 1800  # NIST SP 800-63B-4 §4.2.1.2 allows a day
INVITE_SECONDS: Final = 7 * 86_400
NOBODY: Final = Contact("0", "email", "nobody@example.com", "nobody@example.com")
WHO: Final = Field("email", "E-mail or user name", autocomplete="username", max_length=254)
NOTICE: Final = "Your password was set anew by a link or code sent to you, and you were signed out everywhere."


@dataclass(frozen=True, slots=True)
class Way:
    """Whose new password a link leads to, and through which of her addresses. `invited` for the first one of a new account."""

    user: User
    contact: Contact
    invited: bool


def ask(core: Core, text: str, client: Client, *, browser: str = "") -> None:
    """Send a link and a code to whoever this address, number or user name belongs to. Nobody else learns whether there is such a person.

    Unknown, suspended and leaving accounts cost the same and get nothing (ASVS 5.0 6.3.8). `browser` is the secret of the one that
    will be told again what was typed. AuthError `rate_limited`; `validation_failed` for what can't be anybody.
    """
    passwords.provider_of(core)
    alias = _alias(text, client)
    aimed, here = ownership.message_limits(core, alias.subject, client)
    core.spend(aimed, here)
    user = _holder(core, alias)
    contact = _reached(core, user, alias) if user else None
    if user and contact and contact.value != alias.subject:  # by a user name: the mailbox has its own limit, which nobody is told of
        over = core.store.count_attempts([ownership.message_limit(core, contact.value)], core.clock.now())
        contact = None if over else contact
    facts = _facts(user, contact) if user and contact else {}
    subject = user.id if user and contact else f"nobody:{alias}"
    to, locale = contact or NOBODY, (user.locale if user else "") or client.locale
    _issue(core, subject, facts, lambda made: _letter(core, "reset", to, locale, made, RESET_SECONDS), sent=bool(facts))
    core.history.record("password_reset_asked", user_id=user.id if facts and user else None, client=client)
    if browser:
        core.store.issue_ticket(ASKED, digest(browser), {"who": text}, core.clock.now() + timedelta(seconds=RESET_SECONDS))


def asked(core: Core, browser: str) -> str:
    """What was typed in this browser to have a code sent; nothing if that is too long ago."""
    found = core.store.read_ticket(ASKED, digest(browser), core.clock.now())
    return str(found["who"]) if found else ""


def look(core: Core, token: str) -> Way:
    """Whom a link is for, without spending it; AuthError `invalid_link`."""
    return _way(core, token)[1]


def reset(core: Core, new: str, client: Client, *, token: str = "", who: str = "", code: str = "") -> User:
    """Set a new password by the token of a link, or by a code and what was typed to have it sent. It opens no session.

    AuthError `invalid_link`, `invalid_code`, `rate_limited`; `validation_failed`, which leaves link and code good.
    """
    return _by_link(core, token, new, client) if token else _by_code(core, who, code, new, client)


def _by_link(core: Core, token: str, new: str, client: Client) -> User:
    purpose, way = _way(core, token)
    kept = passwords.chosen(passwords.provider_of(core), way.user, new)
    _claim(core, way)
    onetime.redeem_link(core, purpose, token)
    return _finish(core, way, kept, client)


def _by_code(core: Core, text: str, code: str, new: str, client: Client) -> User:
    provider, alias = passwords.provider_of(core), _alias(text, client)
    given = checked((codes.CODE,), {"code": code})["code"]
    user = _holder(core, alias)
    subject = user.id if user else f"nobody:{alias}"
    way = _behind(core, onetime.look_code(core, RESET, subject, given), invited=False)
    if way is None:
        raise codes.wrong()
    kept = passwords.chosen(provider, way.user, new)
    _claim(core, way)
    onetime.take_code(core, RESET, subject, given)
    return _finish(core, way, kept, client)


def invite(core: Core, user: User, *, by: str, client: Client | None = None) -> None:
    """Mail a link that lives for seven days, by which the owner of a new account chooses her password; using it proves the address."""
    contact = _writable(core, user)
    _issue(
        core,
        user.id,
        _facts(user, contact),
        lambda made: _letter(core, "invite", contact, user.locale, made, INVITE_SECONDS),
        purpose=INVITE,
        seconds=INVITE_SECONDS,
    )
    core.history.record("user_invited", user_id=user.id, client=client, by=by)


def require_reset(core: Core, user: User, *, by: str, client: Client | None = None) -> None:
    """Let nobody in with the present password: sessions end, and a link to a new one is mailed. The operator never chooses it."""
    contact = _writable(core, user)
    user = change(core, user, lambda found: found if found.must_reset else replace(found, must_reset=True))
    sessions.end_all(core, user, "reset_required", client or Client(), by=by)
    _issue(core, user.id, _facts(user, contact), lambda made: _letter(core, "reset_required", contact, user.locale, made, RESET_SECONDS))
    core.history.record("reset_required", user_id=user.id, client=client, by=by)


def _finish(core: Core, way: Way, kept: str, client: Client) -> User:
    """Everything ends that somebody may have begun in her name: sessions, trust in browsers, addresses that wait to be proved."""
    provider, user = passwords.provider_of(core), way.user
    passwords.keep(core, provider, user, passwords.login_of(core, provider, user), kept)
    user = passwords.settle(core, user, "password_reset", client)
    user = _without_pending(core, user, way.contact)
    core.history.record("password_reset", user_id=user.id, client=client)
    notify(core, user, "Your password was changed", NOTICE)
    return user


def _claim(core: Core, way: Way) -> None:
    """Who has read the message owns the address, if that was not shown before; AuthError `email_taken`, `phone_taken`."""
    if not way.contact.proved_at:
        claims.claim(core, way.user, LoginKey(way.contact.kind, way.contact.value), way.contact.shown)


def _without_pending(core: Core, user: User, reached: Contact) -> User:
    """The user with this address proved, and without those that she, or somebody in her name, only began to add."""
    keys = {one.id: LoginKey(one.kind, one.value) for one in user.contacts if not one.proved_at}
    owners = core.store.owners(list(keys.values())) if keys else {}
    pending = {contact_id for contact_id, key in keys.items() if owners.get(key) != user.id}
    for contact_id in pending:
        onetime.withdraw(core, contacts.PROVE, f"{user.id}:{contact_id}")
    now = core.clock.now()

    def tidy(found: User) -> User:
        left = tuple(
            replace(one, proved_at=one.proved_at or now) if one.id == reached.id else one for one in found.contacts if one.id not in pending
        )
        return replace(found, contacts=left) if left != found.contacts else found

    return change(core, user, tidy)


def _issue(
    core: Core,
    subject: str,
    facts: Mapping[str, Any],
    letter: Callable[[OneTime], Message],
    *,
    sent: bool = True,
    purpose: str = RESET,
    seconds: int = RESET_SECONDS,
) -> None:
    """Make the link, and keep its letter with it. A letter to nobody is written all the same, so that it takes as long."""
    if sent:
        onetime.issue(core, purpose, subject, facts, seconds, letter=letter)
    else:
        letter(onetime.issue(core, purpose, subject, facts, seconds))


def _letter(core: Core, name: str, to: Contact, locale: str, made: OneTime, seconds: int) -> Message:
    link = f"{core.settings.public_url}/reset-password?token={made.link_token}"
    if name == "reset" and to.kind == "phone":
        return core.letters.write(name, "sms", to.value, locale, code=made.code)
    code = made.code if name == "reset" else ""
    minutes = str(core.settings.code_seconds // 60)
    return core.letters.write(name, to.channel, to.value, locale, seconds=seconds, code=code, code_minutes=minutes, link=link)


def _alias(text: str, client: Client) -> LoginKey:
    return alias_of(checked((WHO,), {"email": text})["email"], client.country)


def _holder(core: Core, alias: LoginKey) -> User | None:
    """Whoever holds the alias and may come back; one trip more than the claim takes, also where there is nobody."""
    user = core.store.user_by_id(core.store.owners([alias]).get(alias, NOBODY.id))
    return user if user and user.status is Status.ACTIVE else None


def _reached(core: Core, user: User, alias: LoginKey) -> Contact | None:
    """Where to write: to the address or number that was typed; for a user name to the main address, or else number."""
    typed = next((one for one in user.contacts if (one.kind, one.value) == (alias.provider, alias.subject)), None)
    if typed or alias.provider != "username":
        return typed if typed and core.messages.carries(typed.channel) else None
    proved = [one for one in user.contacts if one.proved_at and core.messages.carries(one.channel)]
    return min(proved, key=lambda one: (one.kind != "email", not one.primary), default=None)


def _writable(core: Core, user: User) -> Contact:
    """Where the operator's letters go: an address before a number, the main one first, proved or not."""
    if user.status is not Status.ACTIVE:
        raise AuthError("conflict", "This account is not active. Reactivate it first.")
    passwords.provider_of(core)
    found = [one for one in user.contacts if core.messages.carries(one.channel)]
    if not found:
        raise AuthError("validation_failed", "This account has no address to write to.")
    return min(found, key=lambda one: (one.kind != "email", not one.primary))


def _facts(user: User, contact: Contact) -> dict[str, str]:
    return {"user_id": user.id, "contact_id": contact.id, "value": contact.value}


def _way(core: Core, token: str) -> tuple[str, Way]:
    for purpose in (RESET, INVITE):
        try:
            way = _behind(core, onetime.look(core, purpose, token), invited=purpose == INVITE)
        except AuthError as error:
            if error.code != "invalid_link":
                raise
            continue
        if way:
            return purpose, way
    raise AuthError("invalid_link")


def _behind(core: Core, facts: Mapping[str, Any], *, invited: bool) -> Way | None:
    """None if the address is not hers any more, or the account may not come back."""
    user = core.store.user_by_id(str(facts.get("user_id", NOBODY.id)))
    contact = next((one for one in user.contacts if (one.id, one.value) == (facts["contact_id"], facts["value"])), None) if user else None
    return Way(user, contact, invited) if user and contact and user.status is Status.ACTIVE else None
