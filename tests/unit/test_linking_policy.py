"""Whether the linking policy decides as its table says, in every case there is."""

from __future__ import annotations

from itertools import product

import pytest

from authenticator.flows.linking import Decision, Facts, decide

ADA, BOB = "ada", "bob"
D = Decision
EVERY = [
    Facts(signed, subject, owner, has_email, proven, by_email)
    for signed, subject, owner, has_email, proven, by_email in product(
        (None, ADA), (None, ADA, BOB), (None, ADA, BOB), (True, False), (True, False), (True, False)
    )
    if has_email or (owner is None and not proven)
]


@pytest.mark.parametrize(
    ("subject", "email", "owner", "decision"),
    [
        (ADA, "none", None, D.ADMIT),
        (ADA, "unproven", None, D.ADMIT),
        (ADA, "proven", ADA, D.ADMIT),
        (ADA, "proven", BOB, D.ADMIT),
        (None, "none", None, D.ENROL),
        (None, "proven", None, D.ENROL),
        (None, "proven", BOB, D.REFUSE_LINK_REQUIRED),
        (None, "unproven", None, D.PROVE),
        (None, "unproven", BOB, D.PROVE),  # whoever reads that mailbox decides, and known and unknown look alike
    ],
)
def test_a_stranger(subject: str | None, email: str, owner: str | None, decision: Decision) -> None:
    assert decide(Facts(None, subject, owner, email != "none", email == "proven")) is decision


@pytest.mark.parametrize(
    ("subject", "email", "owner", "decision"),
    [
        (None, "none", None, D.LINK),
        (None, "unproven", None, D.LINK),
        (None, "unproven", BOB, D.LINK),  # what nobody has shown says nothing
        (None, "proven", None, D.LINK),
        (None, "proven", ADA, D.LINK),
        (None, "proven", BOB, D.REFUSE_EMAIL_TAKEN),
        (ADA, "none", None, D.ADMIT),
        (ADA, "proven", ADA, D.ADMIT),
        (ADA, "proven", BOB, D.ADMIT),
        (BOB, "none", None, D.REFUSE_IDENTITY_TAKEN),
        (BOB, "proven", ADA, D.REFUSE_IDENTITY_TAKEN),
        (BOB, "proven", BOB, D.REFUSE_IDENTITY_TAKEN),
    ],
)
def test_somebody_signed_in_as_ada(subject: str | None, email: str, owner: str | None, decision: Decision) -> None:
    assert decide(Facts(ADA, subject, owner, email != "none", email == "proven")) is decision


@pytest.mark.parametrize("facts", EVERY, ids=str)
def test_no_case_lets_anybody_into_what_is_another_s(facts: Facts) -> None:
    decision = decide(facts)
    if decision is D.ADMIT:
        assert facts.subject_owner is not None
        assert facts.signed_in in (None, facts.subject_owner)
    if decision is D.LINK:
        assert facts.signed_in is not None
        assert facts.subject_owner is None
    if decision is D.ENROL:
        assert facts.signed_in is facts.subject_owner is None
        assert facts.email_proven or not facts.has_email
    if decision is D.LINK_BY_EMAIL:
        assert facts.may_link_by_email
        assert facts.email_proven
        assert facts.signed_in is facts.subject_owner is None
        assert facts.email_owner is not None


@pytest.mark.parametrize("facts", EVERY, ids=str)
def test_an_unproven_address_changes_nothing_but_that_it_is_proved_first(facts: Facts) -> None:
    if facts.email_proven or not facts.has_email:
        return
    without = Facts(facts.signed_in, facts.subject_owner, None, has_email=False, email_proven=False)
    decision = decide(facts)
    assert decision is (D.PROVE if decide(without) is D.ENROL else decide(without))


def test_only_a_provider_that_the_operator_named_links_by_address() -> None:
    assert decide(Facts(None, None, BOB, True, True, may_link_by_email=True)) is D.LINK_BY_EMAIL
    assert decide(Facts(None, None, BOB, True, True)) is D.REFUSE_LINK_REQUIRED
    assert decide(Facts(None, None, BOB, True, False, may_link_by_email=True)) is D.PROVE
