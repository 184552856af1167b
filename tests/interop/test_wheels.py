"""Whether each package builds, and runs with nothing beside what it declares, in an environment that has only that."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from authenticator.testing.databases import absent

ROOT = Path(__file__).parents[2]
PROJECTS = [
    ROOT,
    *(folder for folder in sorted([*ROOT.glob("provider_*"), *ROOT.glob("plugins/*")]) if (folder / "pyproject.toml").exists()),
]
START = """
from importlib.metadata import entry_points
from authenticator.app import create_app
app = create_app({"AUTHENTICATOR_ENVIRONMENT": "development", "AUTHENTICATOR_DATA_DIR": "data", "AUTHENTICATOR_EMULATOR_URL": "http://127.0.0.1:9"}, env_file=None)
service = app.extensions["authenticator"]
client = app.test_client()
assert client.get("/.well-known/openid-configuration").json["token_endpoint"] == service.settings.public_url + "/oauth/token"
assert client.get("/verify").status_code == 401
print(client.get("/sign-in").status_code, *sorted(found.name for found in service.core.registry.found))
"""
JOURNEY = """
import pyotp
from authenticator.app import create_app
from authenticator.clock import SetClock
from authenticator.testing.client import Browser
from authenticator.testing.people import PASSWORD, AsUser, Outbox
from authenticator.testing.security_key import SecurityKey

clock = SetClock()
app = create_app({"AUTHENTICATOR_ENVIRONMENT": "development", "AUTHENTICATOR_DATA_DIR": "data"}, clock=clock, env_file=None)
client, outbox = Browser(app), Outbox(app)
ada = AsUser(client, outbox)("ada@example.com")
print("with a password:", client.api("POST", "sign-in/password", {"email": ada.email, "password": PASSWORD})["status"])
for name, asked, to in (("email", {"email": ada.email}, ada.email), ("phone", {"phone_number": "+447400123456"}, "+447400123456")):
    challenge = client.api("POST", f"sign-in/{name}", asked)["challenge"]["id"]
    print(f"with {name}:", client.api("POST", "sign-in/continue", {"challenge": challenge, "code": outbox.code(to=to)})["status"])
begun = client.api("POST", "me/factors/totp", token=ada.access_token)["challenge"]
code = pyotp.TOTP(begun["options"]["secret"]).at(clock.now())
print("with an app:", client.api("POST", "sign-in/continue", {"challenge": begun["id"], "code": code}, token=ada.access_token)["status"])
key = SecurityKey("http://localhost:8000")
asked = client.api("POST", "sign-up/passkey", {"given_name": "Grace", "family_name": "Hopper"})["challenge"]
made = client.api("POST", "sign-in/continue", {"challenge": asked["id"], "credential": key.create(asked["options"]["publicKey"])})
print("with a passkey:", made["status"])
print("auf Deutsch:", "Anmelden" in Browser(app, Accept_Language="de").get("/sign-in"))
core = app.extensions["authenticator"].core
core.errands.stop()
core.store.close()
"""
PLUGINS = {"email", "facebook", "google", "outbox", "passkey", "password", "phone", "sms", "totp", "twitter"}
HELD = (
    "web/templates/sign_in.html",
    "web/templates/consent.html",
    "web/templates/form_post.html",
    "web/static/form_post.js",
    "http/guard.py",
    "oidc/authorize.py",
    "door/gate.py",
    "service/oauth.py",
    "web/static/authenticator.css",
    "web/static/passkey.js",
    "web/translations/de/LC_MESSAGES/authenticator.mo",
    "letters/code.txt",
    "letters/code.sms.txt",
    "letters/letter.html",
    "emulator/templates/picker.html",
    "cli/skeleton/pyproject.toml.txt",
    "storage/sql/migrations/alembic.ini",
    "py.typed",
)
PATIENCE = 300

pytestmark = [pytest.mark.interop, pytest.mark.slow]


def run(*command: str | Path, folder: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Every distribution, built as for a release; the core comes first."""
    folder = tmp_path_factory.mktemp("wheels")
    for project in PROJECTS:
        run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, project, folder=project)
    return sorted(folder.glob("*.whl"), key=lambda file: (not file.name.startswith("flask_authenticator-"), file.name))


@pytest.fixture(scope="module")
def clean_python(tmp_path_factory: pytest.TempPathFactory, wheels: list[Path]) -> Path:
    """A Python with the core and what it declares, and nothing else."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", folder, folder=folder)
    python = folder / "bin" / "python"
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", ROOT / "constraints.txt", wheels[0]]
    done = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode and "Could not find a version" not in done.stderr and "onnection" in done.stderr:
        absent(f"pip could not reach its index: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr[-3000:]
    return python


def test_each_package_builds_and_holds_what_it_needs(wheels: list[Path]) -> None:
    assert len(wheels) == len(PROJECTS)
    for wheel in wheels:
        names = zipfile.ZipFile(wheel).namelist()
        assert not [name for name in names if Path(name).name.startswith("test_")], wheel.name
        assert any(name.endswith("entry_points.txt") for name in names), wheel.name
    core, *plugins = (zipfile.ZipFile(wheel) for wheel in wheels)
    assert [name for name in HELD if f"authenticator/{name}" not in core.namelist()] == []
    assert any("migrations/versions/" in name for name in core.namelist())
    for plugin in plugins:
        declared = plugin.read(next(name for name in plugin.namelist() if name.endswith("METADATA"))).decode()
        assert "Requires-Dist: flask-authenticator" in declared, plugin.filename
        assert "AUTHENTICATOR_" in declared or "Nothing needs to be set" in declared, f"{plugin.filename}: its page tells no setting"


def test_each_plug_in_brings_its_icon(wheels: list[Path]) -> None:
    assert [wheel.name for wheel in wheels[1:] if not any(name.endswith("icon.svg") for name in zipfile.ZipFile(wheel).namelist())] == []


def test_the_core_runs_with_what_it_declares(clean_python: Path, tmp_path: Path) -> None:
    assert run(clean_python, "-c", START, folder=tmp_path).split() == ["200", "outbox", "recovery"]
    run(clean_python.with_name("authenticator"), "--help", folder=tmp_path)


def test_each_plug_in_runs_with_what_it_declares(clean_python: Path, wheels: list[Path], tmp_path: Path) -> None:
    install = [clean_python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", ROOT / "constraints.txt"]
    (tmp_path / "journey").mkdir()
    run(*install, *wheels[1:], folder=tmp_path)
    run(clean_python, "-m", "pip", "check", folder=tmp_path)
    status, *found = run(clean_python, "-c", START, folder=tmp_path).split()
    assert status == "200"
    assert set(found) >= PLUGINS
    told = run(clean_python, "-c", JOURNEY, folder=tmp_path / "journey").splitlines()
    assert told == [
        "with a password: complete",
        "with email: complete",
        "with phone: complete",
        "with an app: linked",
        "with a passkey: complete",
        "auf Deutsch: True",
    ]
    assert "pytest" not in run(clean_python, "-m", "pip", "list", folder=tmp_path)
