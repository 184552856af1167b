"""What becomes of a proof: admitted, enrolled, linked, confirmed or refused; and the second step before a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from authenticator.crypto import digest, random_token
from authenticator.errors import CODES, AuthError
from authenticator.flows import devices, factors, ownership, recovery_codes, second_step, sessions
from authenticator.flows.core import Core
from authenticator.flows.linking import Decision, Facts
from authenticator.flows.linking import decide as policy
from authenticator.flows.notices import notify
from authenticator.flows.outcomes import Signed, SignedIn
from authenticator.flows.ownership import email_key
from authenticator.flows.ticket import Ticket
from authenticator.kinds.base import Identity, Proof
from authenticator.kit import Logins
from authenticator.models import Client, Intent, Login, LoginKey, Name, NewKey, Status, User
from authenticator.storage.port import KeyTaken
from authenticator.words import Words

LONGEST_SUBJECT = 1400  # characters: the longest id of a passkey has 1,023 bytes, in base64url


@dataclass(frozen=True, slots=True)
class Found:
    """The decision, and what it was made from. `taken` says that the address to prove has an account."""

    decision: Decision
    login: Login | None = None
    email_owner: str | None = None
    taken: bool = False


@dataclass(frozen=True, slots=True)
class SecondStep:
    """The first proof is good, and this person must show a second factor."""

    user: User


def key_of(provider: str, proof: Proof, *, user_id: str = "") -> LoginKey:
    """The login key of a proof: provider and subject, never the e-mail address. A secret chosen at sign-up has its user's id for a subject."""
    subject = proof.subject or user_id
    if not subject or len(subject) > LONGEST_SUBJECT:
        raise AuthError("provider_failed")
    return LoginKey(provider, subject)


def decide(core: Core, held: Ticket, proof: Proof, signed: Signed | None, logins: Logins) -> Found:
    """Read who owns what, and ask the policy."""
    if proof.unproven:
        return _decide_unproven(core, proof)
    key_of(held.provider, proof)
    login = logins.find(proof.subject)
    signed = _member(held, signed, login)
    email = proof.identity.email
    owner = _email_owner(core, email) if email and (signed is not None or login is None) else None
    facts = Facts(
        signed_in=signed.user.id if signed else None,
        subject_owner=login.user.id if login else None,
        email_owner=owner,
        has_email=bool(email),
        email_proven=proof.identity.email_proven,
        may_link_by_email=held.provider in core.settings.dangerous_link_by_email,
    )
    return Found(policy(facts), login, owner, taken=owner is not None)


def _member(held: Ticket, signed: Signed | None, login: Login | None) -> Signed | None:
    """The person who links or confirms, in the very session that she began it in.

    A sign-in has none; where another tab has signed in meanwhile, it must be the same person, or nothing changes.
    """
    if held.intent in (Intent.LINK, Intent.CONFIRM):
        if signed is None or signed.session.id != held.session:
            raise AuthError("invalid_token", "Sign in again, then repeat this.")
        return signed
    if signed is not None and (login is None or login.user.id != signed.user.id):
        raise AuthError("invalid_token", "You are signed in as somebody else here. Sign out first, then repeat this.")
    return None


def _decide_unproven(core: Core, proof: Proof) -> Found:
    """A sign-up by address: proved first; afterwards it may only enrol, never admit to what was there.

    Once proved, nothing is looked up: the claim to the keys decides.
    """
    if proof.identity.email_proven:
        return Found(Decision.ENROL)
    return Found(Decision.PROVE, taken=_email_owner(core, proof.identity.email) is not None)


def _email_owner(core: Core, email: str) -> str | None:
    key = email_key(email)
    return core.store.owners([key]).get(key)


def carry_out(core: Core, held: Ticket, proof: Proof, found: Found, client: Client, signed: Signed | None) -> SignedIn | SecondStep:
    """Do what was decided."""
    if held.intent is Intent.CONFIRM:
        return _confirm(core, held, proof, found, client, signed)
    if found.decision in (Decision.REFUSE_LINK_REQUIRED, Decision.REFUSE_IDENTITY_TAKEN, Decision.REFUSE_EMAIL_TAKEN):
        raise AuthError(found.decision.value)
    if held.intent is Intent.LINK and signed is not None:
        return _link(core, held, proof, found, client, signed)
    if found.decision is Decision.ENROL:
        return _enrol(core, held, proof, client)
    if found.decision is Decision.LINK_BY_EMAIL and found.email_owner:
        found = replace(found, login=_link_by_email(core, held, proof, found.email_owner, client))
    if found.login is None:
        raise AuthError("invalid_credentials")
    return _admit(core, held, proof, found.login.user, client)


def _admit(core: Core, held: Ticket, proof: Proof, user: User, client: Client) -> SignedIn | SecondStep:
    require_active(core, held, user, proof, client)
    if second_step.is_due(core, held, user, proof, client):
        return SecondStep(user)
    return _open(core, user, held, proof.amr, client)


def after_factor(core: Core, held: Ticket, proof: Proof, client: Client, user: User | None, signed: Signed | None) -> SignedIn:
    """The second step is done: its subject must be the very person of the first, who still has the key of the first proof."""
    if held.proof is None or user is None:
        raise AuthError("challenge_expired")
    if proof.subject != user.id:
        raise AuthError("invalid_code")
    if (held.intent is Intent.CONFIRM or signed) and (signed is None or signed.user.id != user.id):
        raise AuthError("invalid_token", "You are signed in as somebody else here. Sign out first, then repeat this.")
    require_active(core, held, user, held.proof, client)
    if held.factor == recovery_codes.NAME:
        factors.recovery_code_used(core, user, client)
    amr = second_step.amr_of(held.proof, proof)
    held = replace(held, counted=(*held.counted, second_step.counters(user)[0].key))
    if held.intent is Intent.CONFIRM and signed:
        if signed.session.id != held.session:
            raise AuthError("invalid_token", "Sign in again, then repeat this.")
        return _confirmed(core, held, amr, client, signed)
    return _trusting(core, _open(core, user, held, amr, client), held, client)


def _open(core: Core, user: User, held: Ticket, amr: Sequence[str], client: Client) -> SignedIn:
    signed_in = sessions.open_for(core, user, held, amr, client, forgive=held.counted)
    return replace(signed_in, user=devices.seen(core, user, client, held.door))


def _trusting(core: Core, signed_in: SignedIn, held: Ticket, client: Client) -> SignedIn:
    """The browser gets a new secret with the trust, so that nobody can have planted the one that is trusted."""
    if not held.trust or held.door != "web":
        return signed_in
    secret = random_token()
    try:
        user = devices.trust(core, signed_in.user, client, digest(secret))
    except AuthError as error:  # she is signed in all the same
        core.log.warning("a browser could not be trusted: %s", error.code)
        return signed_in
    return replace(signed_in, user=user, browser=secret)


def require_active(core: Core, held: Ticket, user: User, proof: Proof, client: Client) -> None:
    """Refuse an account that is not active, and whatever a plug-in refuses; a plug-in that fails refuses as well.

    After a password the answer is that of a wrong one, so that guessing shows nothing; whoever comes from a provider, or
    has received a code, has shown who he is and may know.
    """
    if user.status is not Status.ACTIVE:
        _refused(core, held, user, client, "account_suspended")
        raise AuthError("invalid_credentials" if "pwd" in proof.amr else "account_suspended")
    refusal = _asked(core, "auth_check_sign_in", user=user, proof=proof, client=client)
    if refusal:
        _refused(core, held, user, client, refusal)
        raise AuthError(refusal)


def _refused(core: Core, held: Ticket, user: User, client: Client, code: str) -> None:
    """Tell why somebody who proved who she is was not let in; written down unless the attempt stands in the history already."""
    event = core.history.event("sign_in_refused", at=held.event, user_id=user.id, client=client, provider=held.provider, code=code)
    if not held.event:
        core.store.append_event(event)
    core.history.tell(event)


def _enrol(core: Core, held: Ticket, proof: Proof, client: Client) -> SignedIn:
    if not core.settings.sign_up_open:
        raise AuthError("sign_up_closed")
    refusal = _asked(core, "auth_check_sign_up", identity=proof.identity, client=client)
    if refusal:
        raise AuthError(refusal)
    user, keys = new_user(core, held.provider, proof)
    language = user.locale or core.letters.spoken(client.locale)  # that of the page on which she signed up
    user = replace(user, locale=language, devices=devices.first(client, held.door, core.clock.now()))
    signed_in, stored = sessions.draft(core, user, held, proof.amr, client)
    created = core.history.event("user_created", user_id=user.id, client=client, provider=held.provider)
    try:
        core.store.create_user(user, keys, stored, event=created)
    except KeyTaken:
        raise AuthError("email_taken" if proof.unproven else "identity_taken") from None
    core.history.tell(created)
    core.history.tell(sessions.signing_in(core, stored))
    return replace(signed_in, created=True)


def new_user(core: Core, provider: str, proof: Proof) -> tuple[User, list[NewKey]]:
    """The user that a proof describes, and the keys to claim for it. Only a proven address becomes a contact."""
    now = core.clock.now()
    identity = proof.identity
    name = Name(identity.given_name, identity.family_name, identity.name)
    user_id = core.ids.new()
    label = proof.label or (identity.email if proof.subject else "")  # what belongs to the account is named after no address
    keys = [NewKey(key_of(provider, proof, user_id=user_id), label, proof.secret)]
    contacts = ownership.proved_contacts(core, identity)
    keys += ownership.claims_to(core, contacts, but=keys[0].key)
    country = ownership.country_of(contacts)
    user = User(user_id, now, now, name=name, contacts=contacts, country=country, locale=identity.locale, picture=identity.picture)
    return user, keys


def _link(core: Core, held: Ticket, proof: Proof, found: Found, client: Client, signed: Signed) -> SignedIn:
    sessions.require_fresh(core, signed.session)
    user = signed.user
    if found.decision is Decision.LINK:
        _claim(core, held.provider, proof, user, client)
    return SignedIn(user, signed.session, held.intent, return_to=held.return_to, linked=held.provider)


def _claim(core: Core, provider: str, proof: Proof, user: User, client: Client) -> None:
    new = NewKey(key_of(provider, proof), proof.label or proof.identity.email, proof.secret)
    try:
        core.store.add_login_key(user.id, new, core.clock.now())
    except KeyTaken:
        raise AuthError("identity_taken") from None
    core.history.record("identity_linked", user_id=user.id, client=client, provider=provider)
    label = Words(core.registry.providers[provider].label)
    notify(core, user, "A way to sign in was added", "%(way)s can now sign in to your account.", way=label)


def _link_by_email(core: Core, held: Ticket, proof: Proof, owner: str, client: Client) -> Login | None:
    user = core.store.user_by_id(owner)
    if user is None:
        raise AuthError("link_required")
    require_active(core, held, user, proof, client)
    _claim(core, held.provider, proof, user, client)
    return core.store.find_login(key_of(held.provider, proof))


def _confirm(core: Core, held: Ticket, proof: Proof, found: Found, client: Client, signed: Signed | None) -> SignedIn | SecondStep:
    if signed is None or found.login is None or found.login.user.id != signed.user.id:
        raise AuthError("invalid_credentials", "Confirm with a way to sign in that belongs to this account.")
    if second_step.is_due(core, held, signed.user, proof, client):
        return SecondStep(signed.user)
    return _confirmed(core, held, proof.amr, client, signed)


def _confirmed(core: Core, held: Ticket, amr: Sequence[str], client: Client, signed: Signed) -> SignedIn:
    core.store.forgive(held.counted)
    core.history.record("confirmed", user_id=signed.user.id, client=client, provider=held.provider, session=signed.session.id)
    return sessions.renew(core, signed, held, amr)


def _asked(core: Core, hook: str, **facts: Identity | User | Proof | Client) -> str:
    """The refusal code of a plug-in's check, or nothing; a check that raises, or says what is no code, refuses."""
    try:
        refusal = getattr(core.registry.hooks, hook)(**facts)
    except Exception:
        core.log.exception("a plug-in failed in %s, so it refuses", hook)
        return "forbidden"
    if refusal is None:
        return ""
    return refusal if refusal in CODES else "forbidden"
