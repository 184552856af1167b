"""Bringing many accounts in, and writing all of them out: rows of texts, checked one by one, stored by the hundred."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from authenticator.errors import AuthError
from authenticator.flows.core import Core
from authenticator.identifiers import canonical_email, canonical_phone, canonical_username
from authenticator.kinds.base import Field, checked
from authenticator.models import Contact, LoginKey, Name, NewKey, Status, User, every

BATCH = 500
LONGEST_HASH = 1024
TEXTS = tuple(
    Field(name, name, required=False, max_length=length)
    for name, length in (
        ("email", 254),
        ("phone_number", 32),
        ("username", 64),
        ("given_name", 100),
        ("family_name", 100),
        ("display_name", 200),
        ("salutation", 50),
        ("locale", 35),
        ("country", 2),
        ("status", 16),
        ("created_at", 40),
        ("password_hash", LONGEST_HASH),
    )
)
COLUMNS = (*(field.name for field in TEXTS), "email_verified", "phone_number_verified", "identities", "attributes")
TRUE, FALSE = frozenset({"1", "true", "yes"}), frozenset({"", "0", "false", "no"})


@dataclass(frozen=True, slots=True)
class Fault:
    """A row that was left out: its line, and why. It repeats nothing of the row."""

    line: int
    reason: str


@dataclass(slots=True)
class Tally:
    """How an import went."""

    made: int = 0
    faults: int = 0


def bring_in(
    core: Core, rows: Iterable[tuple[int, Mapping[str, Any] | Fault]], *, told: Callable[[Fault], None], dry: bool = False
) -> Tally:
    """Make an account of each row, given with its line; one that is broken or taken is told, and the rest goes on.

    With `dry` everything is checked but nothing is written, so that only addresses taken already go unnoticed.
    """
    tally, batch = Tally(), list[tuple[int, User, Sequence[NewKey]]]()

    def refuse(fault: Fault) -> None:
        tally.faults += 1
        told(fault)

    for line, row in rows:
        if isinstance(row, Fault):
            refuse(row)
            continue
        try:
            batch.append((line, *person_of(core, row)))
        except AuthError as error:
            refuse(Fault(line, _why(error)))
        if len(batch) >= BATCH:
            tally.made += _store(core, batch, refuse, dry)
            batch.clear()
    tally.made += _store(core, batch, refuse, dry)
    if tally.made and not dry:
        core.history.record("user_imported", by="operator", number=str(tally.made))
    return tally


def _store(core: Core, batch: Sequence[tuple[int, User, Sequence[NewKey]]], refuse: Callable[[Fault], None], dry: bool) -> int:
    if dry or not batch:
        return len(batch)
    outcomes = core.store.create_users([(user, keys) for _, user, keys in batch])
    made = 0
    for (line, _, _), taken in zip(batch, outcomes, strict=True):
        if taken is None:
            made += 1
        else:
            refuse(Fault(line, f"This {_NOUNS.get(taken.provider, 'way to sign in')} belongs to another account."))
    return made


_NOUNS = {"email": "e-mail address", "phone": "phone number", "username": "user name"}


def person_of(core: Core, row: Mapping[str, Any]) -> tuple[User, Sequence[NewKey]]:
    """The user of a row, and her keys. AuthError `validation_failed` names the columns at fault."""
    unknown = [name for name in row if name not in COLUMNS]
    if unknown:
        raise _fault(unknown[0] if unknown[0].isidentifier() else "row", "There is no such column.")
    values = checked(TEXTS, {field.name: row[field.name] for field in TEXTS if row.get(field.name) is not None})
    now = core.clock.now()
    user_id = core.ids.new()
    contacts, keys = _contacts(core, row, values, now)
    keys += [*_username(values["username"]), *_password(core, values["password_hash"], user_id), *_identities(core, row.get("identities"))]
    if not keys:
        raise _fault("email", "Give at least an e-mail address, a phone number, a user name or an identity.")
    user = User(
        user_id,
        _moment(values["created_at"]) or now,
        now,
        status=_status(values["status"]),
        name=Name(values["given_name"], values["family_name"], values["display_name"]),
        salutation=values["salutation"],
        username=values["username"],
        contacts=tuple(contacts),
        country=values["country"].upper(),
        locale=values["locale"],
        attributes=_attributes(core, row.get("attributes")),
    )
    return user, keys


def _contacts(core: Core, row: Mapping[str, Any], values: Mapping[str, str], now: datetime) -> tuple[list[Contact], list[NewKey]]:
    contacts, keys = list[Contact](), list[NewKey]()
    if text := values["email"]:
        proved = now if _truth(row, "email_verified", usual=True) else None
        contacts.append(Contact(core.ids.new(), "email", canonical_email(text), text, proved, primary=True))
    if text := values["phone_number"]:
        proved = now if _truth(row, "phone_number_verified", usual=True) else None
        contacts.append(Contact(core.ids.new(), "phone", canonical_phone(text), text, proved, primary=True))
    for contact in contacts:
        keys.append(NewKey(LoginKey(contact.kind, contact.value), contact.shown, way_in=contact.kind in core.registry.providers))
    return contacts, keys


def _username(name: str) -> list[NewKey]:
    return [NewKey(LoginKey("username", canonical_username(name)), name, way_in=False)] if name else []


def _password(core: Core, kept: str, user_id: str) -> list[NewKey]:
    if not kept:
        return []
    provider = core.registry.secrets
    if provider is None:
        raise _fault("password_hash", "No provider of passwords is installed.")
    if not provider.recognises(kept):
        raise _fault("password_hash", "This is no hash of a kind that is known here.")
    return [NewKey(LoginKey(provider.name, user_id), secret=kept)]


def _identities(core: Core, wanted: Any) -> list[NewKey]:
    """`google:1123…;facebook:98…`, or a list of the same."""
    texts = [part for part in wanted.split(";") if part] if isinstance(wanted, str) else wanted or []
    keys = []
    for text in texts if isinstance(texts, list) else [None]:
        provider, colon, subject = text.partition(":") if isinstance(text, str) else ("", "", "")
        found = core.registry.providers.get(provider)
        if not colon or not subject or found is None or found.kind != "redirect" or len(subject) > 255:
            raise _fault("identities", "Write provider:subject, of providers that are installed here.")
        keys.append(NewKey(LoginKey(provider, subject)))
    return keys


def _attributes(core: Core, wanted: Any) -> dict[str, Any]:
    if not wanted:
        return {}
    if not isinstance(wanted, dict):
        raise _fault("attributes", "Write an object, {…}.")
    after, faults = core.attributes.changed({}, wanted, by_owner=False)
    if faults:
        raise _fault("attributes", next(iter(faults.values())))
    return after


def _truth(row: Mapping[str, Any], name: str, *, usual: bool) -> bool:
    value = row.get(name)
    if value is None:
        return usual
    text = str(value).strip().lower()
    if text not in TRUE | FALSE:
        raise _fault(name, "Write true or false.")
    return text in TRUE


def _status(text: str) -> Status:
    if text not in ("", "active", "suspended", "closed"):
        raise _fault("status", "Write active, suspended or closed.")
    return Status(text or "active")


def _moment(text: str) -> datetime | None:
    """RFC 3339; without an offset it is taken for UTC."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise _fault("created_at", "Write a time such as 2026-03-01T09:30:00Z.") from None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    if not 1970 <= at.year <= 2200:
        raise _fault("created_at", "Write a time such as 2026-03-01T09:30:00Z.")
    return at


def _fault(column: str, reason: str) -> AuthError:
    return AuthError("validation_failed", errors={column: (reason,)})


def _why(error: AuthError) -> str:
    return "; ".join(f"{name}: {reasons[0]}" for name, reasons in error.errors.items()) or error.detail


def write_out(core: Core, *, with_hashes: bool = False) -> Iterator[dict[str, Any]]:
    """Every account as a row that `bring_in` takes. Hashes of passwords come along only where they are asked for."""
    provider = core.registry.secrets
    for user in every(lambda after: core.store.users(after=after, limit=200)):
        yield row_of(core, user, provider.name if with_hashes and provider else "")


def row_of(core: Core, user: User, secrets_of: str = "") -> dict[str, Any]:
    """The row of an account; `secrets_of` names the provider whose hash comes along."""
    email, phone = user.contact("email"), user.contact("phone")
    logins = core.store.logins_of(user.id, secrets_of) if secrets_of else ()
    return {
        "email": email.shown if email else "",
        "phone_number": phone.value if phone else "",
        "username": user.username,
        "given_name": user.name.given,
        "family_name": user.name.family,
        "display_name": user.name.display,
        "salutation": user.salutation,
        "locale": user.locale,
        "country": user.country,
        "status": user.status.value,
        "created_at": user.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "password_hash": next((login.secret or "" for login in logins), ""),
        "email_verified": bool(email and email.proved_at),
        "phone_number_verified": bool(phone and phone.proved_at),
        "identities": "",
        "attributes": dict(user.attributes),
    }
