"""The two-verb conversation: Ask, Redirect, Proof, and the plug-ins that hold it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from authenticator.errors import AuthError
from authenticator.foreign_hashes import recognised
from authenticator.kit import Kit, Logins
from authenticator.models import Client, Intent, Session, User
from authenticator.words import Words

FieldType = Literal["text", "email", "tel", "password", "code", "checkbox", "hidden"]


@dataclass(frozen=True, slots=True)
class Field:
    """One thing to fill in. Labels and help are message ids; transports translate them.

    `autocomplete` is the HTML token that lets browsers and password managers help.
    """

    name: str
    label: str
    type: FieldType = "text"
    required: bool = True
    autocomplete: str = "off"
    max_length: int = 256
    help: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Fields to fill in. `keep` is what the plug-in wants back with the answer; nobody else sees it.

    `kind` tells programs what is asked for (`form`, `code`, `totp`, `passkey`); `title` and `text` tell people.
    `options` is public. `resend` says that the answer may be the wish for a new code instead. `once` allows a single
    answer: after a wrong one the conversation is over (WebAuthn Level 3 §13.4.3).
    """

    fields: tuple[Field, ...]
    kind: str = "form"
    title: str = ""
    text: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    resend: bool = False
    once: bool = False
    keep: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the browser to `url`; it comes back to the callback with this visit's `state`."""

    url: str
    keep: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a provider says about a person.

    `email_proven` and `phone_proven` only where this provider has shown that the mailbox or number is hers.
    """

    email: str = ""
    email_proven: bool = False
    phone: str = ""
    phone_proven: bool = False
    given_name: str = ""
    family_name: str = ""
    name: str = ""
    picture: str = ""
    locale: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """Who this is: `subject` is stable and unique within the provider (OpenID Connect Core §2, `sub`).

    `secret` is stored with the login key when this proof enrols somebody. `amr` holds RFC 8176 words.
    A proof with `mfa` in it counts as two factors by itself, so no second step follows.
    `label` is what the owner sees in her list of ways in. `unproven` says that nothing is shown yet: the core first has
    the identity's e-mail address proved by a mailed code (a password chosen at sign-up). The subject is then empty and
    becomes the id of the user: such a secret belongs to the account, whatever its addresses are.
    """

    subject: str
    identity: Identity = Identity()
    amr: tuple[str, ...] = ()
    secret: str | None = field(default=None, repr=False)
    label: str = ""
    unproven: bool = False


Turn = Ask | Redirect | Proof


@dataclass(frozen=True, slots=True)
class Visit:
    """What a plug-in may know about the conversation it is in.

    `state` is the one-time value to send through a redirect; `callback_url` is where the browser comes back.
    `user` is the signed-in person when she links or confirms, or whose second step this is. `logins` finds
    this plug-in's own login keys. `door` is `web` for a browser, which may follow links, and `api` for a program.
    """

    intent: Intent
    logins: Logins
    client: Client = Client()
    state: str = ""
    callback_url: str = ""
    login_hint: str = ""
    prompt: str = ""
    user: User | None = None
    session: Session | None = None
    door: Literal["web", "api"] = "web"


class PluginOptions(BaseModel):
    """The settings of one plug-in, read from `AUTHENTICATOR_<PLUGIN>_<FIELD>`; subclass it and describe each field."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Plugin:
    """What every plug-in has: a name, a label for people, options, and a kit of what it may touch."""

    name: ClassVar[str]
    label: ClassVar[str]
    Options: ClassVar[type[PluginOptions]] = PluginOptions

    def __init__(self, options: Any, kit: Kit) -> None:
        self.options = options
        self.kit = kit


class Conversation(Plugin):
    """Whatever holds a conversation: `start`, then `resume` until there is a Proof."""

    def start(self, visit: Visit) -> Turn:
        """The first turn."""
        raise NotImplementedError(f"{type(self).__name__} needs start(visit)")

    def resume(self, visit: Visit, keep: Mapping[str, Any], answer: Mapping[str, str]) -> Turn:
        """The next turn: `keep` is what the last one kept, `answer` the checked fields or the callback's parameters."""
        raise NotImplementedError(f"{type(self).__name__} needs resume(visit, keep, answer)")


class Provider(Conversation):
    """A way to say who you are. `kind` is `form` or `redirect`; `icon` is the text of an SVG file; the lowest `rank` is shown first."""

    kind: ClassVar[Literal["form", "redirect"]] = "form"
    rank: ClassVar[int] = 50
    phrase: ClassVar[str] = ""  # what a sentence calls it ("Continue with a passkey"), where the label does not fit in
    icon: ClassVar[str] = ""
    intents: ClassVar[frozenset[Intent]] = frozenset(Intent)

    @property
    def emulated(self) -> bool:
        """Whether the development emulator stands in for the real provider."""
        return False

    def vet(self, visit: Visit, answer: Mapping[str, str]) -> None:
        """Refuse an answer that can't be right, cheaply, before anything is counted, hashed or sent."""

    def guarded(self, visit: Visit, answer: Mapping[str, str]) -> str:
        """Whom this answer tries to be, known here or not: failures are counted and slowed down under it. Empty: nobody.

        At sign-up it is the address that a message will go to.
        """
        return ""

    def vouched(self, email: str, secret: str) -> Proof:
        """A proof made by the operator's word, for `authenticator users add`."""
        raise AuthError("invalid_request", Words("Accounts for %(way)s can't be made by the operator.", way=self.label))


class SecretProvider(Provider):
    """A provider whose proof is something that the person knows and chooses herself (a password): one secret an account."""

    def chosen(self, secret: str, hints: Sequence[str]) -> str:
        """What to keep for a newly chosen secret; AuthError `validation_failed` with the reason if it is not good enough.

        `hints` are words that it must not be made of: the person's own names and addresses.
        """
        raise NotImplementedError(f"{type(self).__name__} needs chosen(secret, hints)")

    def fits(self, secret: str, kept: str | None) -> bool:
        """Whether this is the secret behind what was kept. None takes as long, and never fits."""
        raise NotImplementedError(f"{type(self).__name__} needs fits(secret, kept)")

    def recognises(self, kept: str) -> bool:
        """Whether this, brought from elsewhere, is something that `fits` can check: as a rule, a hash of a password."""
        return recognised(kept)


class Factor(Conversation):
    """A second step. Its subject is the user, so its Proof's subject must be the user's id.

    With the intent LINK the two verbs set it up: the Proof's secret is kept under the factor's own login key
    (`totp:<user id>`, no way in); without a secret only its name is noted. With any other intent they ask for it.
    `weak` factors (a code by SMS) are asked for last, and told to be the weakest.
    """

    weak: ClassVar[bool] = False
    icon: ClassVar[str] = ""

    def enrolled(self, user: User) -> bool:
        """Whether this person has set this factor up."""
        return self.name in user.factors

    def available(self, user: User) -> bool:
        """Whether this person could set it up now (a code by SMS needs a proved number)."""
        return True


def checked(fields: tuple[Field, ...], answer: Mapping[str, Any]) -> dict[str, str]:
    """The answer as text per field, in NFC; AuthError `validation_failed` names each field at fault.

    Only text is taken (an operator such as {"$ne": null} is not text), only known fields, and no control
    characters (ASVS 5.0 2.2.1). Passwords are left exactly as they are: their provider normalises them.
    """
    wrong_type = sorted(name for name, value in answer.items() if not isinstance(value, str))
    if wrong_type:
        raise AuthError(
            "invalid_request",
            "Every field must be text.",
            errors={name: ("This must be text.",) for name in wrong_type if isinstance(name, str)},
        )
    known = {item.name for item in fields}
    errors: dict[str, tuple[str, ...]] = {name: ("There is no such field here.",) for name in answer if name not in known}
    values: dict[str, str] = {}
    for item in fields:
        raw = answer.get(item.name, "")
        value, fault = _checked_one(item, raw)
        if fault:
            errors[item.name] = (fault,)
        values[item.name] = value
    if errors:
        raise AuthError("validation_failed", errors=errors)
    return values


def _checked_one(item: Field, raw: str) -> tuple[str, str]:
    try:
        raw.encode()
    except UnicodeEncodeError:
        return "", "This is not valid text."
    if item.type == "checkbox":
        return ("1", "") if raw else ("", "")
    if item.type == "hidden":  # made by our own script or page: as long as its own bound allows, and plain
        return (raw, "") if raw and len(raw) <= item.max_length else ("", "Please fill this in." if item.required else "")
    if item.type == "password":
        return raw, "" if raw or not item.required else "Please fill this in."
    value = unicodedata.normalize("NFC", raw).strip()
    if item.required and not value:
        return "", "Please fill this in."
    if len(value) > item.max_length:
        return "", Words("Use at most %(number)s characters.", number=item.max_length)
    if any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for char in value):
        return "", "Leave out invisible characters."
    return value, ""
