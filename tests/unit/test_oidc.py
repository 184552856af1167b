"""Does an OpenID provider believe only what it must? Against the emulator over real sockets."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from authenticator_google import Google

from authenticator.clock import SetClock
from authenticator.emulator import Emulator
from authenticator.kinds.base import Proof, Redirect, Visit
from authenticator.kinds.oidc import OIDCProvider
from authenticator.kit import Kit
from authenticator.models import Intent
from authenticator.web_client import WebClient

CALLBACK = "http://localhost:8000/sign-in/google/callback"
NOTHING: Any = None
VISIT = Visit(Intent.SIGN_IN, NOTHING, state="the-state", callback_url=CALLBACK, login_hint="ada@example.com")


def kit_for(emulator: Emulator, clock: SetClock) -> Kit:
    http = WebClient([emulator.base_url], read=1.0, total=2.0)
    log = logging.getLogger("test")
    return Kit("Test", "http://localhost:8000", clock, log, http, NOTHING, NOTHING, NOTHING, NOTHING, emulator.base_url)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def emulator(clock: SetClock) -> Iterator[Emulator]:
    emulator = Emulator([Google], clock=clock)
    emulator.auto = True
    with emulator.serve():
        yield emulator


@pytest.fixture
def google(emulator: Emulator, clock: SetClock) -> Google:
    return Google(Google.Options(client_id="client", client_secret="secret"), kit_for(emulator, clock))


def there_and_back(provider: OIDCProvider, visit: Visit = VISIT, **form: str) -> tuple[dict[str, Any], dict[str, str]]:
    turn = provider.start(visit)
    assert isinstance(turn, Redirect)
    reply = requests.request("POST" if form else "GET", turn.url, data=form, allow_redirects=False, timeout=5)
    assert reply.status_code == 303, reply.text
    assert reply.headers["Location"].startswith(visit.callback_url + "?")
    return dict(turn.keep), dict(parse_qsl(urlsplit(reply.headers["Location"]).query))


def sign_in(provider: OIDCProvider, visit: Visit = VISIT, **form: str) -> Proof:
    keep, answer = there_and_back(provider, visit, **form)
    assert answer["state"] == visit.state
    proof = provider.resume(visit, keep, answer)
    assert isinstance(proof, Proof)
    return proof


def test_ada_signs_in(google: Google) -> None:
    proof = sign_in(google)
    assert proof.subject.isdigit()
    assert proof.identity.email == "ada@example.com"
    assert proof.identity.email_proven
    assert (proof.identity.given_name, proof.identity.family_name) == ("Ada", "Lovelace")
    assert proof.label == "ada@example.com"
    assert proof.amr == ()
