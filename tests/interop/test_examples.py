"""Whether the examples run: each app is started as its page says, and somebody signs in, looks around, and signs out."""

from __future__ import annotations

import base64
import hashlib
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from authenticator.testing.databases import absent
from authenticator.testing.servers import free_port
from tests.interop.served import EMAIL, PASSWORD, Service, node, npm_packages, program
from tests.interop.walker import Walker, led_back

EXAMPLES = Path(__file__).parents[2] / "examples"
SECRET = {"SECRET_KEY": "only for this test, and for no longer than it takes"}

pytestmark = [pytest.mark.interop, pytest.mark.slow]


@pytest.fixture(scope="module")
def door_port() -> int:
    return free_port(1)


@pytest.fixture(scope="module")
def service(door_port: int) -> Iterator[Service]:
    origins = f'["http://localhost:{door_port}"]'
    with Service(TRUSTED_PROXIES="127.0.0.1", RETURN_ORIGINS=origins) as made:
        made.person()
        yield made


def registered(service: Service, port: int) -> dict[str, str]:
    """A new application at this port, as the examples' pages tell to register it: what goes into its environment."""
    home = f"http://localhost:{port}"
    told = f"{home}/auth/backchannel-logout"
    client_id, secret = service.application(
        "Diary", "--redirect-uri", f"{home}/auth/callback", "--post-logout", f"{home}/", "--backchannel", told
    )
    facts = {"AUTHENTICATOR_ISSUER": service.url, "AUTHENTICATOR_CLIENT_ID": client_id, "AUTHENTICATOR_CLIENT_SECRET": secret}
    return facts | SECRET | {"PORT": str(port)}


def permit(service: Service, client_id: str) -> None:
    service.cli("permissions", "add", "reports:read", "--application", client_id)
    service.cli("users", "grant", EMAIL, "reports:read", "--application", client_id)


def signs_in(walker: Walker, home: str) -> None:
    """From the app's page to the service's sign-in, and back to the same page."""
    walker.go(f"{home}/diary").sign_in(EMAIL, PASSWORD)
    assert "/auth/callback" in walker.been, walker.been
    assert (walker.at, walker.status) == (f"{home}/diary", 200), walker.html
    assert "Ada Lovelace" in walker.html


def signs_out(walker: Walker, service: Service, home: str) -> None:
    """Out of the app and, without a question, out of the service: the next visit asks for the password again."""
    walker.go(f"{home}/").submit("/auth/sign-out")
    assert walker.at == f"{home}/", (walker.at, walker.html[:500])
    walker.go(f"{home}/diary")
    assert walker.at.startswith(f"{service.url}/sign-in"), walker.at


def is_told(walker: Walker, service: Service, home: str) -> None:
    """Who signs out at the service itself is signed out of the app a moment later, by the back channel."""
    walker.go(f"{service.url}/account").submit("/sign-out")
    end = time.monotonic() + 20
    while "Hello" in walker.go(f"{home}/").html:
        assert time.monotonic() < end, "the app was not told"
        time.sleep(0.1)


def test_the_flask_app(service: Service) -> None:
    port = free_port()
    env = registered(service, port)
    command = [sys.executable, "-m", "flask", "run", "--port", str(port)]
    with program("flask", command, port, folder=EXAMPLES / "flask_app", env=env) as home:
        walker = Walker()
        signs_in(walker, home)
        assert "It rained." in walker.html
        assert walker.go(f"{home}/reports").status == 403
        assert requests.get(f"{home}/api/entries", timeout=10).status_code == 401
        permit(service, env["AUTHENTICATOR_CLIENT_ID"])
        signs_out(walker, service, home)
        walker.sign_in(EMAIL, PASSWORD)
        assert "The reports" in walker.go(f"{home}/reports").html
        assert (
            requests.post(
                f"{home}/auth/sign-out", cookies=walker.session.cookies, headers={"Origin": "https://evil.example"}, timeout=10
            ).status_code
            == 403
        )
        is_told(walker, service, home)


def test_the_django_app(service: Service) -> None:
    port = free_port()
    env = registered(service, port)
    permit(service, env["AUTHENTICATOR_CLIENT_ID"])
    command = [sys.executable, "app.py", "runserver", str(port), "--noreload"]
    with program("django", command, port, folder=EXAMPLES / "django_app", env=env) as home:
        walker = Walker()
        signs_in(walker, home)
        assert "The reports" in walker.go(f"{home}/reports").html
        assert requests.get(f"{home}/api/entries", timeout=10).status_code == 401
        assert (
            requests.post(
                f"{home}/auth/sign-out", cookies=walker.session.cookies, headers={"Origin": "https://evil.example"}, timeout=10
            ).status_code
            == 403
        )
        signs_out(walker, service, home)


def test_the_fastapi_app(service: Service) -> None:
    """A program on somebody's desk signs in by her browser, and calls the API."""
    port, back = free_port(), "http://127.0.0.1/callback"
    audience = f"http://localhost:{port}"
    client_id, _ = service.application("Desk", "--public", "--redirect-uri", back, "--resource", audience)
    env = {"AUTHENTICATOR_ISSUER": service.url, "AUTHENTICATOR_AUDIENCE": audience}
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)]
    with program("fastapi", command, port, folder=EXAMPLES / "fastapi_app", env=env, path="/docs") as home:

        def asks(path: str, token: str) -> requests.Response:
            return requests.get(f"{home}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=10)

        token = by_hand(service, client_id, back.replace("127.0.0.1", f"127.0.0.1:{free_port()}"))
        found = asks("/me", token)
        assert found.status_code == 200, found.text
        assert (found.json()["permissions"], "openid" in found.json()["scopes"]) == ([], True)
        assert asks("/reports", token).status_code == 403
        forged = token[:-3] + ("BBA" if token[-3] == "A" else "AAA")
        assert (asks("/me", "").status_code, asks("/me", forged).status_code) == (401, 401)
        permit(service, client_id)
        assert asks("/reports", by_hand(service, client_id, back)).json()["reports"] == ["It rained."]


def by_hand(service: Service, client_id: str, redirect_uri: str) -> str:
    """An access token by authorization code and PKCE, without a library."""
    verifier = "a-verifier-of-this-test-that-is-long-enough-for-pkce"
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"response_type": "code", "client_id": client_id, "redirect_uri": redirect_uri, "scope": "openid", "state": "x",
             "code_challenge": challenge, "code_challenge_method": "S256"}  # fmt: skip
    back = led_back(Walker(), f"{service.url}/oauth/authorize?{urlencode(asked)}", redirect_uri, EMAIL, PASSWORD)
    code = parse_qs(urlsplit(back).query)["code"][0]
    fields = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    given = requests.post(f"{service.url}/oauth/token", data=fields, timeout=10)
    assert given.status_code == 200, given.text
    return str(given.json()["access_token"])


def test_the_express_app(service: Service, tmp_path: Path) -> None:
    packages, port = npm_packages(), free_port()
    (tmp_path / "node_modules").symlink_to(packages)
    shutil.copy(EXAMPLES / "express_app" / "app.mjs", tmp_path)
    with program("express", [node(), "app.mjs"], port, folder=tmp_path, env=registered(service, port)) as home:
        walker = Walker()
        signs_in(walker, home)
        assert "It rained." in walker.html
        assert requests.get(f"{home}/api/entries", timeout=10).status_code == 401
        signs_out(walker, service, home)


def test_the_app_behind_nginx(service: Service, door_port: int, tmp_path: Path) -> None:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin") or absent("needs nginx")
    example, inner = EXAMPLES / "behind_nginx", door_port + 1
    text = (example / "nginx.conf").read_text()
    for old, new in ((":5004", door_port), (":5005", inner), (":8000", service.port)):
        assert old in text
        text = text.replace(old, f":{new}")
    (tmp_path / "nginx.conf").write_text(text)
    tmp_path.chmod(0o755)
    with (
        program("app", [sys.executable, "app.py", str(inner)], inner, folder=example, env={}),
        program("nginx", [nginx, "-p", tmp_path, "-c", "nginx.conf"], door_port, folder=tmp_path, env={}) as home,
    ):
        walker = Walker().go(f"{home}/diary?day=1&page=2")
        assert walker.at.startswith(f"{service.url}/sign-in")
        walker.sign_in(EMAIL, PASSWORD)
        assert walker.at == f"{home}/diary?day=1&page=2"
        assert "The diary of Ada Lovelace (user " in walker.html
        assert "at /diary?day=1&page=2" in walker.html
        forged = walker.session.get(f"{home}/", headers={"X-Auth-Name": "Mallory", "X-Auth-User": "1"}, timeout=10)
        assert "Mallory" not in forged.text
        assert "Ada Lovelace" in forged.text
        walker.go(f"{service.url}/account").submit("/sign-out")
        assert walker.go(f"{home}/diary").at.startswith(f"{service.url}/sign-in")
