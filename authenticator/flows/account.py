"""A person's own profile: names, salutation, language, country, user name and the operator's attributes."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from babel import Locale, UnknownLocaleError, localedata

from authenticator.errors import AuthError
from authenticator.flows import usernames
from authenticator.flows.changes import change
from authenticator.flows.core import Core
from authenticator.flows.outcomes import Signed
from authenticator.kinds.base import Field, checked
from authenticator.limits import Limit
from authenticator.models import Client, Name, User

CHANGES_AN_HOUR: Final = 60
PROFILE: Final = (
    Field("name.given", "First name", required=False, autocomplete="given-name", max_length=100),
    Field("name.family", "Last name", required=False, autocomplete="family-name", max_length=100),
    Field("name.display", "What to call you", required=False, autocomplete="nickname", max_length=200),
    Field("salutation", "Salutation", required=False, autocomplete="honorific-prefix", max_length=50),
    Field("locale", "Language", required=False, autocomplete="language", max_length=35),
    Field("country", "Country", required=False, autocomplete="country", max_length=2),
)
_KNOWN: Final = {field.name: field for field in PROFILE}
# What Babel names beside the countries of ISO 3166-1: parts of some, groups of some, and codes for trials.
# Kosovo's XK is no official code, but there are people who live there.
_NO_COUNTRIES: Final = frozenset(["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"])


def update(core: Core, signed: Signed, changes: Mapping[str, Any], client: Client) -> User:
    """The user after these changes to her own profile; only what is named changes, and empty text clears it.

    `changes` has the fields of PROFILE (`name` as a mapping of its parts), `username`, and `attributes`, where null takes one away.
    Nothing is changed unless all of it fits. AuthError `validation_failed` names each field at fault; a user name asks for fresh proof.
    """
    core.spend(Limit(f"profile:{signed.user.id}", CHANGES_AN_HOUR, 3600))
    fields = checked_fields(changes)
    attributes = changes.get("attributes") or {}
    changed: list[str] = []

    def edit(found: User) -> User:
        after = _changed(core, found, fields, attributes)
        changed[:] = _difference(found, after)
        return after if changed else found

    user = signed.user
    edit(user)  # refuses before the user name is changed
    if "username" in changes:
        user = usernames.change(core, signed, changes["username"] or "", client)
    user = change(core, user, edit)
    if changed:  # the history tells what was changed, never to what
        core.history.record("profile_changed", user_id=user.id, client=client, fields=",".join(changed))
    return user


def checked_fields(changes: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a profile at hand by their full names, each as plain text; AuthError `validation_failed` names those at fault."""
    flat = {name: value for name, value in changes.items() if name not in ("name", "username", "attributes")}
    flat |= {f"name.{part}": value for part, value in (changes.get("name") or {}).items()}
    flat = {name: "" if value is None else value for name, value in flat.items()}
    fields = checked(tuple(_KNOWN[name] for name in flat if name in _KNOWN), flat)
    errors: dict[str, tuple[str, ...]] = {}
    if fields.get("locale"):
        fields["locale"] = language_tag(fields["locale"])
        if not fields["locale"]:
            errors["locale"] = ("This language is not known. Write it as en or pt-BR.",)
    if fields.get("country"):
        fields["country"] = fields["country"].upper()
        if fields["country"] not in countries():
            errors["country"] = ("This country is not known. Write it as two letters, such as NL.",)
    if errors:
        raise AuthError("validation_failed", errors=errors)
    return fields


def _changed(core: Core, user: User, fields: Mapping[str, str], attributes: Mapping[str, Any]) -> User:
    kept, faults = core.attributes.changed(user.attributes, attributes, by_owner=True) if attributes else (user.attributes, {})
    if faults:
        raise AuthError("validation_failed", errors={f"attributes.{name}".rstrip("."): (fault,) for name, fault in faults.items()})
    parts = {name.removeprefix("name."): value for name, value in fields.items() if name.startswith("name.")}
    plain = {name: value for name, value in fields.items() if "." not in name}
    name = Name(**{"given": user.name.given, "family": user.name.family, "display": user.name.display} | parts)
    return replace(user, name=name, attributes=kept, **plain)  # type: ignore[arg-type]


def _difference(before: User, after: User) -> list[str]:
    """The names of what is not the same."""
    return [name for name in ("name", "salutation", "locale", "country", "attributes") if getattr(before, name) != getattr(after, name)]


def language_tag(text: str) -> str:
    """A language as BCP 47 writes it (`pt-BR`), if it is one that Babel knows; else empty."""
    try:
        found = Locale.parse(text.replace("_", "-"), sep="-")
    except (ValueError, UnknownLocaleError):
        return ""
    return str(found).partition("@")[0].replace("_", "-") if localedata.exists(str(found)) and found.language != "root" else ""


@functools.cache
def languages() -> tuple[str, ...]:
    """Every language, without those of single countries."""
    return tuple(sorted(name for name in localedata.locale_identifiers() if name.isalpha() and name != "root"))


@functools.cache
def countries() -> frozenset[str]:
    """The countries of ISO 3166-1 by their two letters."""
    territories: dict[str, str] = dict(Locale("en").territories)
    return frozenset(code for code in territories if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES)
