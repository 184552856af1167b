"""Records that an earlier version wrote are still read, and what need not be kept is not written."""

from __future__ import annotations

import json
from dataclasses import replace

from authenticator.applications import Grant
from authenticator.events import Event
from authenticator.models import Client
from authenticator.storage import records
from authenticator.storage.sealing import Sealer
from authenticator.testing.store_contract import NOW, a_session, a_user

SEALER = Sealer(b"s" * 32)


def test_a_person_without_second_steps_takes_no_more_room_than_before() -> None:
    plain = a_user(factors=(), assignments=(), devices=(), must_reset=False, erase_at=None)
    kept = records.user_record(plain, SEALER)
    assert set(json.loads(SEALER.open("users/u1", "person", kept["person"]))) == {
        *("name", "salutation", "username", "contacts", "country", "locale", "picture", "attributes"),
    }
    assert records.user_of(kept, SEALER) == plain


def test_a_session_from_before_countries_were_noted_is_still_read() -> None:
    kept = records.session_record(a_session(seen_at=None, mfa_at=None), SEALER)
    kept["client"] = SEALER.seal("sessions/s1", "client", json.dumps(["203.0.113.77", "CanaryBrowser/1.0", "en"]))
    found = records.session_of(kept, SEALER)
    assert found == a_session(seen_at=None, mfa_at=None, client=Client("203.0.113.77", "CanaryBrowser/1.0", "en"))


def test_an_event_from_before_countries_were_noted_is_still_read() -> None:
    event = Event("e1", "signed_in", NOW, "u1", Client("203.0.113.77", "CanaryBrowser/1.0", "en"))
    kept = records.event_record(event, SEALER)
    kept["facts"] = SEALER.seal("events/e1", "facts", json.dumps({"client": ["203.0.113.77", "CanaryBrowser/1.0", "en"], "detail": {}}))
    assert records.event_of(kept, SEALER) == event


def test_what_knows_a_browser_again_is_not_kept_with_its_sessions() -> None:
    session = replace(a_session(), client=Client("203.0.113.77", "a", "en", "GB", "device-mark"))
    kept = records.session_record(session, SEALER)
    assert b"device-mark" not in SEALER.open("sessions/s1", "client", kept["client"])
    assert records.session_of(kept, SEALER).client.device == ""


def test_a_grant_from_before_audiences_were_agreed_to_is_still_read() -> None:
    grant = Grant("u1", "app_1", NOW, NOW, ("openid",), ("email",), version=1)
    kept = records.grant_record(grant, SEALER)
    assert records.grant_of(kept, SEALER) == grant
    kept["facts"] = SEALER.seal("grants/u1/app_1", "facts", json.dumps([["openid"], ["email"]]))
    assert records.grant_of(kept, SEALER) == grant
