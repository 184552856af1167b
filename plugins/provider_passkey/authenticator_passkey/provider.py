"""Sign-in with a passkey and nothing else: who unlocked the device has shown two factors at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from authenticator.identifiers import canonical_email
from authenticator.plugin import Ask, AuthError, Field, Identity, Intent, Kit, Proof, Provider, Turn, User, Visit
from authenticator_passkey.answers import Answer, read
from authenticator_passkey.ceremony import CREATE, GET, Ceremonies
from authenticator_passkey.keys import passkey
from authenticator_passkey.labels import label
from authenticator_passkey.options import PasskeyOptions
from authenticator_passkey.refusals import refused
from authenticator_passkey.verification import Asked, Cloned, asserted, registered

ICON = (Path(__file__).parent / "icon.svg").read_text()
GIVEN = Field("given_name", "First name", autocomplete="given-name", max_length=100)
FAMILY = Field("family_name", "Last name", autocomplete="family-name", max_length=100)
EMAIL = Field(
    "email",
    "E-mail",
    "email",
    required=False,
    autocomplete="email",
    max_length=254,
    help="So that we can reach you, and you can come back if you lose your devices.",
)
PERSON = (GIVEN, FAMILY, EMAIL)
TITLES = {Intent.SIGN_IN: "Sign in with a passkey", Intent.CONFIRM: "Confirm with a passkey"}
UNLOCKED = ("hwk", "user", "mfa")


class PasskeyProvider(Provider):
    """Passkeys that the device finds by itself, so nobody names an account first and no list can tell who has any (WebAuthn Level 3 §14.6.2)."""

    name, label, phrase = "passkey", "Passkey", "a passkey"
    icon = ICON
    Options = PasskeyOptions

    def __init__(self, options: PasskeyOptions, kit: Kit) -> None:
        super().__init__(options, kit)
        self._ceremonies = Ceremonies(options, kit)

    def start(self, visit: Visit) -> Turn:
        if visit.intent is Intent.SIGN_UP:
            return Ask(PERSON, title="Create your account")
        if visit.intent is Intent.LINK:
            return self._ceremonies.create(visit, *_names(visit.user))
        return self._ceremonies.get(visit, TITLES[visit.intent], user=_person(visit))

    def vet(self, visit: Visit, answer: Mapping[str, str]) -> None:
        if answer.get("email"):
            canonical_email(answer["email"])

    def resume(self, visit: Visit, keep: Mapping[str, Any], answer: Mapping[str, str]) -> Turn:
        if "ceremony" not in keep:
            return self._ask_newcomer(visit, answer)
        if visit.intent in (Intent.SIGN_UP, Intent.LINK):
            return self._registered(visit, keep, answer["credential"])
        given = read(answer["credential"], "authenticatorData", "signature")
        user = _person(visit)
        sign(visit, given, self._ceremonies.asked(GET, visit, keep, user=user), self.kit, user)
        return Proof(given.id, amr=UNLOCKED)

    def _ask_newcomer(self, visit: Visit, answer: Mapping[str, str]) -> Ask:
        shown = f"{answer['given_name']} {answer['family_name']}"
        person = {name: answer[name] for name in ("given_name", "family_name", "email")}
        return self._ceremonies.create(visit, answer["email"] or shown, shown, person=person)

    def _registered(self, visit: Visit, keep: Mapping[str, Any], text: str) -> Proof:
        given = read(text, "attestationObject")
        made = registered(given, self._ceremonies.asked(CREATE, visit, keep, user=_person(visit)), keep["handle"])
        if visit.logins.find(given.id):  # its id is no secret: whoever sends it again must never be taken for its owner
            raise AuthError("identity_taken", "This passkey is in use already. Create another one.")
        person = Identity(**keep.get("person", {}))
        named = label(visit.client.agent, made.aaguid)
        return Proof(given.id, person, UNLOCKED, made.text(), named, unproven=bool(person.email))


def sign(visit: Visit, given: Answer, asked: Asked, kit: Kit, user: User | None) -> None:
    """Move the counter of the passkey that signed on: anybody's, or this person's.

    AuthError `invalid_credentials` for a passkey that is unknown, that did not sign this, or that exists twice.
    """
    login = visit.logins.find(given.id)
    if login is None or (user and login.user.id != user.id):
        raise refused()
    before = passkey(login.secret)
    try:
        after = asserted(given, asked, before, named=user is not None)
    except Cloned:
        kit.log.warning("the counter of a passkey did not grow, so it was refused: two devices may have its key; user=%s", login.user.id)
        raise refused() from None
    if after != before and not visit.logins.swap_secret(login, after.text()) and after.count:
        raise refused()  # the same counter came twice at once


def _person(visit: Visit) -> User | None:
    """Whose ceremony this is: nobody's yet while somebody signs in or up, whoever else uses this browser."""
    return visit.user if visit.intent in (Intent.LINK, Intent.CONFIRM) else None


def _names(user: User | None) -> tuple[str, str]:
    """What the device shows of an account: a name that tells it from others, and the person's."""
    if user is None:
        return "", ""
    contact = user.contact("email")
    return user.username or (contact.shown if contact else user.label), user.label
