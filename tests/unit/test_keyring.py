"""Whether signing keys are made once, announced before use, and forgotten after their last token."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from authenticator.app import create_app
from authenticator.clock import SetClock
from authenticator.errors import ConfigurationError
from authenticator.flows.keyring import KeyRing
from authenticator.service import Service


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def service(tmp_path: Path, clock: SetClock) -> Iterator[Service]:
    settings = {"AUTHENTICATOR_ENVIRONMENT": "development", "AUTHENTICATOR_DATA_DIR": str(tmp_path), "AUTHENTICATOR_PLUGINS": ["password"]}
    app = create_app(settings, clock=clock, env_file=None)
    found: Service = app.extensions["authenticator"]
    yield found
    found.core.store.close()


@pytest.fixture
def ring(service: Service) -> KeyRing:
    return service.keys


def another(service: Service, clock: SetClock) -> KeyRing:
    """The ring of another process on the same store."""
    return KeyRing(service.core.store, clock, service.settings, service.core.history)


def kids(ring: KeyRing) -> list[str]:
    return [key["kid"] for key in ring.jwks()["keys"]]


def test_the_first_key_signs_at_once(ring: KeyRing) -> None:
    assert kids(ring) == [ring.current().kid]
    assert ring.current().kid == ring.current().kid


def test_two_processes_share_their_keys(ring: KeyRing, service: Service, clock: SetClock) -> None:
    other = another(service, clock)
    assert other.current().kid == ring.current().kid
    assert ring.public(other.current().kid) is not None


def test_a_new_key_waits_until_others_can_know_it(ring: KeyRing, clock: SetClock) -> None:
    old, new = ring.current().kid, ring.rotate().kid
    assert kids(ring) == [old, new]
    assert ring.current().kid == old
    clock.advance(seconds=601)
    assert ring.current().kid == new
    assert kids(ring) == [old, new], "tokens of the old one still live"
    clock.advance(minutes=10)
    assert kids(ring) == [new]
    assert ring.public(old) is None


def test_a_key_that_has_grown_old_announces_its_successor_once(ring: KeyRing, service: Service, clock: SetClock) -> None:
    old = ring.current().kid
    clock.advance(days=91)
    assert ring.current().kid == old
    assert another(service, clock).current().kid == old
    assert len(service.core.store.signing_keys()) == 2
    clock.advance(seconds=601)
    assert ring.current().kid != old


def test_a_key_of_another_process_is_found_without_waiting_for_the_next_reading(
    ring: KeyRing, service: Service, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring.current()
    made = another(service, clock).rotate(announced=timedelta(0))
    monkeypatch.setattr(ring, "_loaded", time.monotonic())
    assert ring.public(made.kid) is None, "an unknown kid must not ask the store each time"
    monkeypatch.setattr(ring, "_loaded", ring._loaded - 2)
    assert ring.public(made.kid) is not None


def test_the_published_set_holds_public_halves_only(ring: KeyRing) -> None:
    ring.current()
    for key in ring.jwks()["keys"]:
        assert "d" not in key
        assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")


def test_a_private_key_shows_in_no_repr(ring: KeyRing, service: Service) -> None:
    ring.current()
    key = service.core.store.signing_keys()[0]
    assert "PRIVATE" in key.private_pem
    assert "PRIVATE" not in repr(key)
    assert "private" not in repr(ring.current()).lower()


def test_a_clock_that_is_far_behind_is_said_so(ring: KeyRing, clock: SetClock) -> None:
    ring.current()
    clock.advance(days=-1)
    with pytest.raises(ConfigurationError, match="clock"):
        ring.current()
