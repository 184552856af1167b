"""Whether the commands of the documentation do what it says, and whether what it names is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import yaml

from authenticator.door.answers import IDENTITY
from authenticator.testing.databases import absent
from tests.interop.served import EMAIL, PASSWORD, Service

ROOT = Path(__file__).parents[2]
PLACE = "https://auth.example.com"
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
COMMAND = 'authenticator() { "$PYTHON" -m authenticator.cli --dev "$@"; }\nset -euo pipefail\n'

pytestmark = [pytest.mark.interop]


def bash(house: Service, script: str, **values: str) -> str:
    env = {**house._env, **values, "PYTHON": sys.executable}
    done = subprocess.run(["bash", "-c", COMMAND + script], cwd=house.folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (script, done.stdout, done.stderr)
    return done.stdout


@pytest.mark.slow
def test_the_page_on_permissions_does_what_it_says(house: Service) -> None:
    shutil.which("curl") or absent("needs curl")
    text = (ROOT / "docs/permissions.md").read_text()
    app, secret = house.application("Reports", "--redirect-uri", "https://app.example.com/callback")
    signed = requests.post(f"{house.url}/api/v1/sign-in/password", json={"email": EMAIL, "password": PASSWORD}, timeout=30).json()
    values = {"APP": app, "SECRET": secret, "USER_ID": signed["user"]["id"], "ACCESS_TOKEN": signed["access_token"]}
    declared, given, asked, taken = (block.replace(PLACE, house.url) for block in BLOCK.findall(text))
    bash(house, declared, **values)
    bash(house, given, **values)
    told = bash(house, asked, **values)
    reason = "The role editor of Reports gives reports:write for projects/*, until 2030-01-01 00:00 UTC."
    assert f"yes: {reason}" in told
    assert f"yes: {reason}" in text
    assert EMAIL in told or "Ada Lovelace" in told
    assert '"allowed":true' in told.replace(" ", "")
    assert "X-Auth-Permissions: reports:read" in told
    bash(house, taken, **values)
    assert "no:" in bash(house, "authenticator can ada@example.com reports:write projects/7 --application $APP || true", **values)


def test_every_test_that_the_page_on_openid_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/openid.md").read_text()))
    source = "\n".join(path.read_text() for folder in ("tests", "client") for path in (ROOT / folder).rglob("test_*.py") if path.is_file())
    assert len(named) > 30
    assert {name for name in named if f"def {name}(" not in source} == set()


def test_every_link_between_the_pages_leads_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())]
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []


def test_ingress_nginx_is_told_what_the_door_says(house: Service) -> None:
    """The headers are those with which ingress-nginx asks (its template sends X-Forwarded-Proto empty, and the URL in X-Original-URL)."""
    sample = yaml.safe_load((ROOT / "deploy/kubernetes/door.yaml").read_text())
    told = {name.rpartition("/")[2]: value for name, value in sample["metadata"]["annotations"].items()}
    assert told["auth-url"].endswith("/verify")
    assert tuple(told["auth-response-headers"].split(",")) == IDENTITY
    asked = {
        "Host": "authenticator.default.svc.cluster.local",
        "X-Original-URL": "https://app.example.com/reports",
        "X-Forwarded-Proto": "",
    }
    assert requests.get(f"{house.url}/verify", headers=asked, timeout=10).status_code == 401
    page = requests.get(f"{house.url}/sign-in", params={told["auth-signin-redirect-param"]: "https://app.example.com/reports"}, timeout=10)
    assert page.status_code == 200
    assert os.path.basename(told["auth-signin"]) == "sign-in"
