"""Whether npm's openid-client and oauth4webapi, both certified, sign people in to the service as it is."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.interop.served import EMAIL, PASSWORD, Service, node, npm_packages
from tests.interop.walker import Walker, led_back

CALLBACK = "https://app.example.com/callback"
METHODS = {"openid-client": "client_secret_basic", "oauth4webapi": "client_secret_post"}

pytestmark = [pytest.mark.interop, pytest.mark.slow]


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
@pytest.mark.parametrize("library", list(METHODS))
def test_somebody_signs_in_stays_and_is_signed_out(house: Service, library: str, algorithm: str) -> None:
    program = node()
    npm_packages()
    registered = house.application(library, "--redirect-uri", CALLBACK, "--auth-method", METHODS[library], "--id-token-alg", algorithm)
    command = [program, Path(__file__).with_name("clients.mjs"), library, house.url, *registered, CALLBACK]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        begun = client.stdout.readline()
        assert begun, client.communicate()
        back = led_back(Walker(), json.loads(begun)["url"], CALLBACK, EMAIL, PASSWORD)
        told, faults = client.communicate(f"{back}\n", timeout=60)
    assert client.returncode == 0, faults
    found = json.loads(told)
    assert found["claims"]["iss"] == house.url
    assert found["person"]["sub"] == found["claims"]["sub"]
    assert (found["person"]["email"], found["person"]["email_verified"], found["person"]["name"]) == (EMAIL, True, "Ada Lovelace")
    assert (found["alive"], found["dead"]) == (True, "invalid_grant")
    assert found.get("verified", found["claims"]["sub"]) == found["claims"]["sub"]
