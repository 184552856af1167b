"""Applications that sign people in here: registered, changed, disabled, removed, and their secrets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from authenticator.applications import OWN, Application, ClientSecret
from authenticator.crypto import digest, random_token, same
from authenticator.errors import AuthError
from authenticator.flows import client_documents, client_metadata
from authenticator.flows.core import Core
from authenticator.flows.entrusting import entrusted, require_held, require_let_in
from authenticator.limits import Limit
from authenticator.models import Client, Status, User, every
from authenticator.words import Words

LONGEST_ID = 128
SECRETS = 3  # alive at once
OWNED = 20  # applications of one person
CHANGES_BY_OWNER = 120  # an hour, of all of these together
TRIES = 5
ORIGINS_KEPT = 5.0  # seconds
PAGE = 200
BY_SECRET = ("client_secret_basic", "client_secret_post")


@dataclass(frozen=True)
class Registered:
    """A new application, with what is shown once: its secret, and the token of RFC 7592 where it came by dynamic registration."""

    application: Application
    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


def find(core: Core, client_id: str) -> Application | None:
    """The application of a client id; a metadata document is fetched where that is allowed. Disabled ones are found too.

    One whose owner is not active counts as disabled meanwhile. This service itself is no client, and nobody may pass for it.
    """
    if not client_id or len(client_id) > LONGEST_ID or not client_id.isprintable() or client_id == OWN:
        return None
    found = client_documents.find(core, client_id) if client_id.startswith("https:") else stored(core, client_id)
    if found is None or found.registration == "operator":
        return found
    return replace(found, open_resources=tuple(core.oidc.resources))


def stored(core: Core, client_id: str) -> Application | None:
    """An application that is registered, as it may be used now: who is shut out goes on by no application of hers."""
    found = core.store.application(client_id)
    if found is None or not found.enabled or not found.owner:
        return found
    owner = core.store.user_by_id(found.owner)
    return replace(found, enabled=owner is not None and owner.status is Status.ACTIVE)


def get(core: Core, client_id: str, *, owner: str | None = None) -> Application:
    """A registered application, of this owner if one is named; AuthError `not_found`."""
    found = core.store.application(client_id) if client_id != OWN else None
    if found is None or (owner is not None and found.owner != owner):
        raise AuthError("not_found")
    return found


def register(
    core: Core,
    metadata: Mapping[str, Any],
    *,
    owner: User | None = None,
    registration: Literal["operator", "owner", "dynamic"] | None = None,
    by: str = "operator",
    bounds: Collection[str] | None = None,
    client: Client | None = None,
) -> Registered:
    """Register what the metadata (RFC 7591 §2) say: the operator's, a person's own, or one that came by itself.

    AuthError `validation_failed` names the fields at fault; `forbidden` where people may not register, or have enough, and for
    an application that could do more here than whoever registers it, within the `bounds` of the token that she shows.
    """
    kind = registration or ("owner" if owner else "operator")
    if owner:
        _may_own(core, owner)
    now = core.clock.now()
    blank = Application(f"app_{random_token(128)}", "", now, now, owner=owner.id if owner else "", registration=kind)
    made = _settled(core, blank, metadata)
    require_held(core, by, bounds, made)
    secret, token = (random_token() if made.auth_method in BY_SECRET else ""), (random_token() if kind == "dynamic" else "")
    kept = (ClientSecret(digest(secret), now),) if secret else ()
    made = replace(made, secrets=kept, registration_token=digest(token) if token else "")
    if not core.store.add_application(made):
        raise AuthError("conflict")
    _note(core, "application_added", made, by, client)
    return Registered(made, secret, token)


def change(
    core: Core,
    application: Application,
    metadata: Mapping[str, Any],
    *,
    by: str,
    bounds: Collection[str] | None = None,
    client: Client | None = None,
) -> Application:
    """Change what the metadata name, and leave the rest."""

    def edit(found: Application) -> Application:
        known = client_metadata.described(found)
        if "redirect_uris" in metadata and client_metadata.has_usual_origins(found):
            known.pop("origins")  # they follow the addresses
        return entrusted(core, by, bounds, found, _settled(core, found, {**known, **metadata}))

    return _changed(core, application, edit, by, client)


def put(core: Core, application: Application, metadata: Mapping[str, Any], *, by: str, client: Client | None = None) -> Application:
    """Put these metadata in the place of all there were (RFC 7592 §2.2)."""
    return _changed(core, application, lambda found: entrusted(core, by, None, found, _settled(core, found, metadata)), by, client)


def enable(
    core: Core, application: Application, *, by: str, bounds: Collection[str] | None = None, client: Client | None = None
) -> Application:
    """Let a disabled application in again; AuthError `forbidden` for its owner where it was not she who shut it out."""

    def edit(found: Application) -> Application:
        if found.enabled:
            return found
        require_let_in(core, by, found)
        return entrusted(core, by, bounds, found, replace(found, enabled=True, disabled_by=""))

    return _changed(core, application, edit, by, client, kind="application_enabled")


def disable(core: Core, application: Application, *, by: str, client: Client | None = None) -> Application:
    """Shut an application out, and end all that it was given. One that its owner had shut out stays so until somebody else lets it in."""

    def edit(found: Application) -> Application:
        return replace(found, enabled=False, disabled_by=by) if found.enabled or by != found.owner else found

    done = _changed(core, application, edit, by, client, kind="application_disabled")
    core.store.end_given(application.id, "application_disabled", core.clock.now())
    return done


def remove(core: Core, application: Application, *, by: str, client: Client | None = None) -> None:
    """Remove an application, with all consents to it and all that it was given; AuthError `not_found` if it is gone already."""
    if not core.store.remove_application(application.id, core.clock.now()):
        raise AuthError("not_found")
    core.fleeting.drop("origins")
    _note(core, "application_removed", application, by, client)


def add_secret(
    core: Core, application: Application, *, by: str, bounds: Collection[str] | None = None, client: Client | None = None
) -> tuple[Application, str]:
    """One more secret, whose text is shown this once; the others go on working. AuthError `validation_failed` above three."""
    secret, now = random_token(), core.clock.now()

    def edit(found: Application) -> Application:
        alive = tuple(one for one in found.secrets if _alive(one, now))
        if found.auth_method not in BY_SECRET:
            raise AuthError("validation_failed", "This application proves who it is without a secret.")
        if len(alive) >= SECRETS:
            raise AuthError(
                "validation_failed", Words("There are %(number)s secrets already. Remove one that is no longer used.", number=SECRETS)
            )
        return entrusted(core, by, bounds, found, replace(found, secrets=(*alive, ClientSecret(digest(secret), now))))

    changed = _changed(core, application, edit, by, client, kind="application_secret_added")
    return changed, secret


def remove_secret(
    core: Core, application: Application, name: str, *, by: str, after: timedelta = timedelta(0), client: Client | None = None
) -> Application:
    """Let a secret end, at once or after a while; `name` is how its digest begins (`secret_name`). AuthError `not_found`."""
    now = core.clock.now()
    end = now + after

    def edit(found: Application) -> Application:
        if not any(secret_name(one) == name and _alive(one, now) for one in found.secrets):
            raise AuthError("not_found")
        ended = (replace(one, expires_at=min(end, one.expires_at or end)) if secret_name(one) == name else one for one in found.secrets)
        return replace(found, secrets=tuple(one for one in ended if _alive(one, now)))

    return _changed(core, application, edit, by, client, kind="application_secret_removed")


def secret_name(secret: ClientSecret) -> str:
    """What a secret is called in lists: the beginning of its digest, which helps nobody to guess it."""
    return secret.digest[:8]


def check_secret(core: Core, application: Application, text: str) -> bool:
    """Whether this is one of the application's living secrets; as slow for wrong ones as for right ones."""
    now, shown = core.clock.now(), digest(text)
    fits = [same(one.digest, shown) and _alive(one, now) for one in application.secrets]
    return any(fits)


def origins(core: Core) -> frozenset[str]:
    """Origins of the operator's enabled applications: one may return to them, and their pages may call the API. At most 5 s old."""
    return core.fleeting.of("origins", seconds=ORIGINS_KEPT, make=lambda: _origins(core))


def check_token(application: Application, text: str) -> bool:
    """Whether this is the registration access token of the application (RFC 7592 §3)."""
    return bool(application.registration_token) and same(application.registration_token, digest(text))


def _origins(core: Core) -> frozenset[str]:
    found = every(lambda after: core.store.applications(owner="", after=after, limit=PAGE))
    return frozenset(origin for one in found if one.enabled and one.registration == "operator" for origin in one.origins)


def _may_own(core: Core, owner: User) -> None:
    if not core.oidc.people_register:
        raise AuthError("forbidden", "The operator registers applications here. Ask for yours.")
    core.spend(Limit(f"applications:{owner.id}", OWNED, 86_400))
    if len(core.store.applications(owner=owner.id, limit=OWNED).items) >= OWNED:
        raise AuthError("forbidden", Words("You have %(number)s applications already. Remove one that you no longer need.", number=OWNED))


def _settled(core: Core, application: Application, metadata: Mapping[str, Any]) -> Application:
    """The application as the metadata say; what only the operator decides is left out for others."""
    settled = client_metadata.applied(core, application, metadata)
    client_documents.check_sector(core, application, settled)
    return settled if settled.auth_method in BY_SECRET else replace(settled, secrets=())


def _changed(
    core: Core,
    application: Application,
    edit: Callable[[Application], Application],
    by: str,
    client: Client | None,
    *,
    kind: str = "application_changed",
) -> Application:
    """Save what `edit` makes of the application, anew if somebody was faster; an edit that changes nothing saves nothing.

    AuthError `rate_limited` for an owner who changes hers without end: each time is written down, and may call an address that she named.
    """
    if by == application.owner:
        core.spend(Limit(f"application-changes:{by}", CHANGES_BY_OWNER, 3600))
    found: Application | None = application
    for _ in range(TRIES):
        if found is None:
            raise AuthError("not_found")
        new = edit(found)
        if new is found or new == found:
            return found
        new = replace(new, updated_at=core.clock.now())
        if core.store.save_application(new):
            core.fleeting.drop("origins")
            what = {"fields": ",".join(_difference(found, new))} if kind == "application_changed" else {}
            _note(core, kind, new, by, client, **what)
            return replace(new, version=new.version + 1)
        found = core.store.application(application.id)
    raise AuthError("conflict")


def _difference(before: Application, after: Application) -> list[str]:
    """The names of what is not the same."""
    names = (one.name for one in fields(Application) if one.name not in ("updated_at", "version"))
    return [name for name in names if getattr(before, name) != getattr(after, name)]


def _note(core: Core, kind: str, application: Application, by: str, client: Client | None, **what: str) -> None:
    """The event, in the history of its owner if it has one; what was changed, never to what."""
    core.history.record(kind, user_id=application.owner or None, client=client, application=application.id, by=by, **what)


def _alive(secret: ClientSecret, now: datetime) -> bool:
    return secret.expires_at is None or secret.expires_at > now
