"""Who owns an identity: the whole policy in one pure function, and the taking away of a way in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from authenticator.errors import AuthError
from authenticator.flows import claims
from authenticator.flows.core import Core
from authenticator.models import Client, User
from authenticator.storage.port import LastWayIn


class Decision(StrEnum):
    """What admission does with a proof."""

    ADMIT = "admit"
    ENROL = "enrol"
    PROVE = "prove"  # the e-mail address first
    LINK = "link"
    LINK_BY_EMAIL = "link_by_email"
    REFUSE_LINK_REQUIRED = "link_required"
    REFUSE_IDENTITY_TAKEN = "identity_taken"
    REFUSE_EMAIL_TAKEN = "email_taken"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the decision depends on. Owners are user ids, or None where nobody owns it."""

    signed_in: str | None
    subject_owner: str | None
    email_owner: str | None
    has_email: bool
    email_proven: bool
    may_link_by_email: bool = False


def decide(facts: Facts) -> Decision:
    """What becomes of a proof. The subject is the key, never the e-mail address; only a proven address has a say."""
    if facts.signed_in is not None:
        return _decide_for_member(facts)
    if facts.subject_owner is not None:
        return Decision.ADMIT
    if not facts.has_email:
        return Decision.ENROL
    if not facts.email_proven:
        return Decision.PROVE
    if facts.email_owner is None:
        return Decision.ENROL
    return Decision.LINK_BY_EMAIL if facts.may_link_by_email else Decision.REFUSE_LINK_REQUIRED


def _decide_for_member(facts: Facts) -> Decision:
    if facts.subject_owner == facts.signed_in:
        return Decision.ADMIT
    if facts.subject_owner is not None:
        return Decision.REFUSE_IDENTITY_TAKEN
    if facts.email_proven and facts.email_owner not in (None, facts.signed_in):
        return Decision.REFUSE_EMAIL_TAKEN
    return Decision.LINK


def unlink(core: Core, user: User, key_id: str, client: Client) -> None:
    """Take a way in away from its owner. AuthError `not_found` for anybody else's and for what is no way in.

    `last_sign_in_method` for the only one, and `conflict` for the last of those that are her second step as well, and for
    the claim to an address that is on her list: it goes with the address.
    """
    held = core.store.keys_of(user.id)
    key = next((key for key in held if key.id == key_id and key.way_in), None)
    if key is None:
        raise AuthError("not_found")
    if key.provider in user.factors and [other.provider for other in held].count(key.provider) == 1:
        raise AuthError("conflict", "This is your second step as well. Turn that off under two-step sign-in first.")
    if claims.is_listed(core, user, key):
        raise AuthError("conflict", "This is one of your addresses or numbers. Remove it from their list instead.")
    try:
        if not core.store.remove_login_key(user.id, key_id):
            raise AuthError("not_found")
    except LastWayIn:
        raise AuthError("last_sign_in_method") from None
    core.history.record("identity_unlinked", user_id=user.id, client=client, provider=key.provider)
