"""What becomes of a proof: admitted, enrolled, linked, confirmed or refused; and the second step before a session."""

from __future__ import annotations

from dataclasses import dataclass, replace

from authenticator.errors import CODES, AuthError
from authenticator.flows import sessions
from authenticator.flows.core import Core
from authenticator.flows.linking import Decision, Facts
from authenticator.flows.linking import decide as policy
from authenticator.flows.notices import notify
from authenticator.flows.outcomes import Signed, SignedIn
from authenticator.flows.ownership import email_key
from authenticator.flows.ticket import Ticket
from authenticator.identifiers import canonical_email
from authenticator.kinds.base import Identity, Proof
from authenticator.kit import Logins
from authenticator.models import Client, Contact, Intent, Login, LoginKey, Name, NewKey, Status, User
from authenticator.storage.port import KeyTaken


@dataclass(frozen=True, slots=True)
class Found:
    """The decision, and what it was made from. `taken` says that the address to prove has an account."""

    decision: Decision
    login: Login | None = None
    email_owner: str | None = None
    taken: bool = False


@dataclass(frozen=True, slots=True)
class SecondStep:
    """The first proof is good, and this person has set up a factor that must follow."""

    user: User
    factor: str


def key_of(provider: str, proof: Proof, *, user_id: str = "") -> LoginKey:
    """The login key of a proof: provider and subject, never the e-mail address. A secret chosen at sign-up has its user's id for a subject."""
    subject = proof.subject or user_id
    if not subject or len(subject) > 1023:
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
        return _confirm(core, held, proof, found, signed)
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
    require_active(core, user, proof, client, held.provider)
    factor = next((name for name, factor in core.registry.factors.items() if factor.enrolled(user)), "")
    if factor:
        return SecondStep(user, factor)
    return sessions.open_for(core, user, held, proof.amr, client, forgive=held.counted)


def after_factor(core: Core, held: Ticket, proof: Proof, client: Client) -> SignedIn:
    """The second step is done: its subject must be the very person of the first."""
    if held.proof is None:
        raise AuthError("challenge_expired")
    login = core.store.find_login(key_of(held.provider, held.proof))
    if login is None or proof.subject != login.user.id:
        raise AuthError("invalid_code")
    require_active(core, login.user, held.proof, client, held.provider)
    amr = tuple(dict.fromkeys((*held.proof.amr, *proof.amr, "mfa")))
    return sessions.open_for(core, login.user, held, amr, client, forgive=(*held.counted, f"factor:{login.user.id}"))


def require_active(core: Core, user: User, proof: Proof, client: Client, provider: str) -> None:
    """Refuse an account that is not active, and whatever a plug-in refuses; a plug-in that fails refuses as well.

    After a password the answer is that of a wrong one, so that guessing shows nothing; whoever comes from a provider, or
    has received a code, has shown who he is and may know.
    """
    if user.status is not Status.ACTIVE:
        core.history.record("sign_in_refused", user_id=user.id, client=client, code="account_suspended")
        raise AuthError("invalid_credentials" if "pwd" in proof.amr else "account_suspended")
    refusal = _asked(core, "auth_check_sign_in", user=user, proof=proof, client=client)
    if refusal:
        core.history.record("sign_in_refused", user_id=user.id, client=client, code=refusal)
        raise AuthError(refusal)


def _enrol(core: Core, held: Ticket, proof: Proof, client: Client) -> SignedIn:
    if not core.settings.sign_up_open:
        raise AuthError("sign_up_closed")
    refusal = _asked(core, "auth_check_sign_up", identity=proof.identity, client=client)
    if refusal:
        raise AuthError(refusal)
    user, keys = new_user(core, held.provider, proof)
    signed_in, stored = sessions.draft(core, user, held, proof.amr, client)
    try:
        core.store.create_user(user, keys, stored)
    except KeyTaken:
        raise AuthError("email_taken" if proof.unproven else "identity_taken") from None
    core.history.record("user_created", user_id=user.id, client=client, provider=held.provider)
    sessions.told(core, signed_in, client)
    return replace(signed_in, created=True)


def new_user(core: Core, provider: str, proof: Proof) -> tuple[User, list[NewKey]]:
    """The user that a proof describes, and the keys to claim for it. Only a proven address becomes a contact."""
    now = core.clock.now()
    identity = proof.identity
    name = Name(identity.given_name, identity.family_name, identity.name)
    user_id = core.ids.new()
    label = proof.label or (identity.email if proof.subject else "")  # what belongs to the account is named after no address
    keys = [NewKey(key_of(provider, proof, user_id=user_id), label, proof.secret)]
    contacts: tuple[Contact, ...] = ()
    if identity.email and identity.email_proven:
        contacts = (Contact(core.ids.new(), "email", canonical_email(identity.email), identity.email, proved_at=now, primary=True),)
        keys.append(NewKey(email_key(identity.email), identity.email, way_in=False))
    user = User(user_id, now, now, name=name, contacts=contacts, locale=identity.locale, picture=identity.picture)
    return user, keys


def _link(core: Core, held: Ticket, proof: Proof, found: Found, client: Client, signed: Signed) -> SignedIn:
    sessions.require_fresh(core, signed.session)
    user = signed.user
    if found.decision is Decision.LINK:
        _claim(core, held.provider, proof, user, client)
    label = core.registry.providers[held.provider].label
    return SignedIn(user, signed.session, held.intent, return_to=held.return_to, linked=label)


def _claim(core: Core, provider: str, proof: Proof, user: User, client: Client) -> None:
    new = NewKey(key_of(provider, proof), proof.label or proof.identity.email, proof.secret)
    try:
        core.store.add_login_key(user.id, new, core.clock.now())
    except KeyTaken:
        raise AuthError("identity_taken") from None
    core.history.record("identity_linked", user_id=user.id, client=client, provider=provider)
    label = core.registry.providers[provider].label
    notify(core, user, "A way to sign in was added", f"{label} can now sign in to your account.")


def _link_by_email(core: Core, held: Ticket, proof: Proof, owner: str, client: Client) -> Login | None:
    user = core.store.user_by_id(owner)
    if user is None:
        raise AuthError("link_required")
    require_active(core, user, proof, client, held.provider)
    _claim(core, held.provider, proof, user, client)
    return core.store.find_login(key_of(held.provider, proof))


def _confirm(core: Core, held: Ticket, proof: Proof, found: Found, signed: Signed | None) -> SignedIn:
    if signed is None or found.login is None or found.login.user.id != signed.user.id:
        raise AuthError("invalid_credentials", "Confirm with a way to sign in that belongs to this account.")
    return sessions.renew(core, signed, held, proof.amr)


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
