"""Whether signing keys are made once, announced before use, and forgotten after their last token."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import jwt
import pytest

from authenticator.app import create_app
from authenticator.clock import SetClock
from authenticator.errors import ConfigurationError
from authenticator.flows.keyring import ALGORITHMS, KeyRing
from authenticator.flows.signing import LiveKey
from authenticator.models import SigningKey
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


def test_a_key_is_read_from_its_text_once_however_often_it_is_published(ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    """To read an RSA key costs as much CPU time as fifty answers, and anybody may ask for the set."""
    read = []
    of = LiveKey.of
    monkeypatch.setattr(LiveKey, "of", lambda key: read.append(key.kid) or of(key))
    ring.ready()
    for _ in range(3):
        assert len(kids(ring)) == len(ALGORITHMS)
        for algorithm in ALGORITHMS:
            assert ring.sign({}, typ="JWT", algorithm=algorithm)
    assert sorted(read) == sorted(kids(ring))


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
    clock.advance(minutes=12)
    assert kids(ring) == [new]
    assert ring.public(old) is None
    assert ring.ever(old) is not None, "an ID token that comes back as a hint may be old"
    assert ring.ever("unknown") is None


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


def test_each_algorithm_has_keys_of_its_own_and_the_first_signs_at_once(ring: KeyRing, clock: SetClock) -> None:
    ring.ready()
    first = {algorithm: ring.current(algorithm).kid for algorithm in ALGORITHMS}
    assert sorted(kids(ring)) == sorted(first.values())
    new = ring.rotate(algorithm="RS256").kid
    assert ring.current("RS256").kid == first["RS256"]
    clock.advance(seconds=601)
    assert {algorithm: ring.current(algorithm).kid for algorithm in ALGORITHMS} == {**first, "RS256": new}


def test_what_is_signed_is_believed_with_the_published_key(ring: KeyRing) -> None:
    ring.ready()
    published = jwt.PyJWKSet.from_dict(ring.jwks())
    for algorithm in ALGORITHMS:
        token = ring.sign({"sub": "ada"}, typ="JWT", algorithm=algorithm)
        header = jwt.get_unverified_header(token)
        assert (header["typ"], header["kid"]) == ("JWT", ring.current(algorithm).kid)
        assert jwt.decode(token, published[header["kid"]], algorithms=[algorithm]) == {"sub": "ada"}
        assert ring.public(ring.current(algorithm).kid, algorithm) is not None
        assert ring.public(ring.current(algorithm).kid, "ES256" if algorithm != "ES256" else "RS256") is None, (
            "no key for another algorithm"
        )


def test_the_loser_of_a_race_for_a_first_key_gets_one_all_the_same(ring: KeyRing, service: Service, clock: SetClock) -> None:
    """Generations count through all algorithms: the winner's may be of another one."""
    store, add = service.core.store, service.core.store.add_signing_key
    other, raced = another(service, clock), []

    def slow(key: SigningKey) -> bool:
        if not raced:
            raced.append(key.generation)
            other.current("EdDSA")
        return add(key)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "add_signing_key", slow)
        assert ring.current("ES256").algorithm == "ES256"
    assert len(store.signing_keys()) == 2


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
