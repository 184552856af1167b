"""Whether hashing is strong, bounded, and the same work for nobody as for somebody."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from authenticator.errors import AuthError
from authenticator.hashing import Argon2Hasher, NullHasher


@pytest.fixture(scope="module")
def hasher() -> Argon2Hasher:
    return Argon2Hasher(memory=12_288, time=1)


def test_a_password_fits_its_own_hash_and_no_other(hasher: Argon2Hasher) -> None:
    hashed = hasher.hash("right")
    assert hashed.startswith("$argon2id$v=19$m=12288,t=1,p=1$")
    assert hasher.verify(hashed, "right")
    assert not hasher.verify(hashed, "wrong")
    assert not hasher.verify(hashed, "")
    assert hashed != hasher.hash("right")


@pytest.mark.parametrize("hashed", ["", "x", "$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA", "$2b$12$" + "a" * 53, "$null$right"])
def test_a_broken_hash_fits_nothing(hasher: Argon2Hasher, hashed: str) -> None:
    assert not hasher.verify(hashed, "right")


def test_nobody_has_any_password_and_costs_the_same_work(hasher: Argon2Hasher, monkeypatch: pytest.MonkeyPatch) -> None:
    work: list[str] = []
    matches = hasher._matches
    monkeypatch.setattr(hasher, "_matches", lambda hashed, password: work.append(hashed[:30]) or matches(hashed, password))
    assert not hasher.verify(None, "nobody has this password")
    assert not hasher.verify(hasher.hash("right"), "wrong")
    assert work == [work[0]] * 2


def test_a_hash_of_other_parameters_is_outdated(hasher: Argon2Hasher) -> None:
    assert not hasher.outdated(hasher.hash("right"))
    assert Argon2Hasher(memory=12_288, time=2).outdated(hasher.hash("right"))


def test_the_usual_parameters_are_those_of_owasp() -> None:
    assert Argon2Hasher().hash("x").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_who_waits_too_long_is_turned_away_and_told_when_to_come_back() -> None:
    hasher = Argon2Hasher(memory=12_288, time=1, slots=1, patience=0.02)
    gate = threading.Event()
    hasher._start(lambda: gate.wait(10))
    with pytest.raises(AuthError) as refusal:
        hasher.hash("late")
    assert (refusal.value.code, refusal.value.status) == ("busy", 503)
    assert refusal.value.retry_after
    gate.set()
    hasher._start(lambda: None).result(5)
    patient = Argon2Hasher(memory=12_288, time=1, slots=1)
    assert patient.verify(patient.hash("later"), "later")


def test_no_more_hashes_run_at_once_than_there_are_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = Argon2Hasher(memory=12_288, time=1, slots=2)
    together, lock, most = [0], threading.Lock(), [0]
    busy = threading.Barrier(2)

    def slow(hashed: str, password: str) -> bool:
        with lock:
            together[0] += 1
            most[0] = max(most[0], together[0])
        busy.wait(10)
        with lock:
            together[0] -= 1
        return False

    monkeypatch.setattr(hasher, "_matches", slow)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: hasher.verify(None, "x"), range(8)))
    assert most == [2]


def test_the_null_hasher_tells_passwords_apart() -> None:
    hasher = NullHasher()
    assert hasher.verify(hasher.hash("right"), "right")
    assert not hasher.verify(hasher.hash("right"), "wrong")
    assert not hasher.verify(None, "right")
    assert not hasher.outdated("x")


def test_a_flood_is_turned_away_at_once_and_the_queue_empties_again() -> None:
    hasher = Argon2Hasher(memory=12_288, time=1, queue=2, patience=60)
    gate, begun = threading.Event(), threading.Event()
    refused: list[str] = []

    def verify() -> None:
        try:
            hasher.verify(None, "x")
        except AuthError as error:
            refused.append(error.code)

    blocked = threading.Thread(target=lambda: hasher._run(hasher._start(lambda: begun.set() or gate.wait(60))))
    blocked.start()
    assert begun.wait(20)
    waiting = [threading.Thread(target=verify) for _ in range(2)]
    for thread in waiting:
        thread.start()
    while hasher._waiting < 3:
        threading.Event().wait(0.001)
    verify()
    assert refused == ["busy"]
    gate.set()
    for thread in (blocked, *waiting):
        thread.join(20)
    verify()
    assert refused == ["busy"]
