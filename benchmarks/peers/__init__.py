"""OpenID providers that are not ours, installed for a run and measured with the same requests in the same minutes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import RSAKey

from benchmarks import openid, servers

HERE = Path(__file__).parent
NODE_PEER = "oidc-provider@9"
DJANGO_PEER = ("django-oauth-toolkit>=3", "Django>=5", "gunicorn>=27", "cryptography")
CANAILLE = ("canaille[oidc,sqlite,front]", "gunicorn>=27")
GUNICORN = ("--worker-class", "gthread", "--threads", "4", "--keep-alive", "65", "--no-control-socket", "--log-level", "warning")


class NotHere(Exception):
    """A peer that can't be installed on this machine."""


@contextmanager
def oidc_provider(folder: Path) -> Iterator[openid.Issuer]:
    """npm's oidc-provider in one Node process; it keeps everything in memory, which costs it nothing for a database."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if not npm or not node:
        raise NotHere("oidc-provider needs npm and node")
    _run([npm, "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", NODE_PEER], folder)
    script = shutil.copy(HERE / "oidc_provider.mjs", folder)
    with servers.Program([node, script, "{port}", openid.CLIENT, openid.SECRET, openid.BACK], folder) as server:
        browser, base = requests.Session(), f"http://127.0.0.1:{server.port}"
        place = f"{base}/auth?{openid.authorization()}"
        for _ in range(8):
            answer = browser.get(place, allow_redirects=False, timeout=10)
            place = requests.compat.urljoin(place, answer.headers["Location"])
            if place.startswith(openid.BACK):
                break
        cookie = "; ".join(f"{item.name}={item.value}" for item in browser.cookies if item.name.startswith("_session"))
        yield openid.Issuer(server, "/auth", "/token", [cookie], openid.CLIENT, 303)


@contextmanager
def toolkit(folder: Path) -> Iterator[openid.Issuer]:
    """django-oauth-toolkit on SQLite; its client secrets unhashed, or PBKDF2 would be all that is seen."""
    key = rsa.generate_private_key(65537, 3072).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with _python_peer(folder, DJANGO_PEER, "toolkit", key) as (server, cookie):
        yield openid.Issuer(server, "/o/authorize/", "/o/token/", [cookie], f"{openid.CLIENT}_own", 302)


@contextmanager
def canaille(folder: Path) -> Iterator[openid.Issuer]:
    """Canaille on SQLite: Flask and Authlib, as we are."""
    key = json.dumps(RSAKey.generate_key(3072, private=True).as_dict(private=True))
    with _python_peer(folder, CANAILLE, "canaille_app", key, path="/.well-known/openid-configuration") as (server, cookie):
        yield openid.Issuer(server, "/oauth/authorize", "/oauth/token", [cookie], openid.CLIENT, 302)


@contextmanager
def _python_peer(folder: Path, packages: Sequence[str], module: str, key: str, *, path: str = "/") -> Iterator[tuple[servers.Program, str]]:
    """A peer in a virtual environment of its own, under gunicorn with our own options; and the cookie of somebody signed in there."""
    python = folder / "venv" / "bin" / "python"
    _run([sys.executable, "-m", "venv", "venv"], folder)
    _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages], folder)
    settings = {"PEER_DATABASE": str(folder / "peer.db"), "PEER_KEY": key, "PYTHONPATH": str(HERE)}
    made = _run([str(python), str(HERE / f"{module}.py"), openid.CLIENT, openid.SECRET, openid.BACK], folder, settings)
    command = [str(python), "-m", "gunicorn", "--bind", "127.0.0.1:{port}", *GUNICORN, f"{module}:application"]
    with servers.Program(command, folder, settings, children=1, path=path) as server:
        yield server, made.strip().splitlines()[-1]


PEERS: Mapping[str, Callable[[Path], AbstractContextManager[openid.Issuer]]] = {
    "oidc-provider": oidc_provider,
    "django-oauth-toolkit": toolkit,
}


def _run(command: Sequence[str], folder: Path, settings: Mapping[str, str] | None = None) -> str:
    """What a command prints; NotHere with the end of its complaint."""
    begun = time.monotonic()
    try:
        done = subprocess.run(
            command, cwd=folder, env={**servers.plain_environment(), **(settings or {})}, capture_output=True, text=True, timeout=300
        )
    except subprocess.TimeoutExpired:
        raise NotHere(f"{Path(command[0]).name} took more than {time.monotonic() - begun:.0f} s") from None
    if done.returncode:
        raise NotHere(f"{Path(command[0]).name}: {done.stderr.strip()[-300:]}")
    return done.stdout
