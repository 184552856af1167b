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
print(app.test_client().get("/sign-in").status_code, *sorted(found.name for found in service.core.registry.found))
"""
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
        icons = [name for name in names if name.endswith("icon.svg")]
        assert icons or "provider" not in str(names), wheel.name
    core = zipfile.ZipFile(wheels[0]).namelist()
    for wanted in ("web/templates/sign_in.html", "web/static/authenticator.css", "letters/code.txt", "letters/letter.html", "emulator/templates/picker.html", "py.typed"):
        assert f"authenticator/{wanted}" in core, wanted
    assert any("migrations/versions/" in name for name in core)


def test_the_core_runs_with_what_it_declares(clean_python: Path, tmp_path: Path) -> None:
    assert run(clean_python, "-c", START, folder=tmp_path).split() == ["200", "outbox"]
    run(clean_python.with_name("authenticator"), "--help", folder=tmp_path)


def test_each_plug_in_runs_with_what_it_declares(clean_python: Path, wheels: list[Path], tmp_path: Path) -> None:
    install = [clean_python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", ROOT / "constraints.txt"]
    run(*install, *wheels[1:], folder=tmp_path)
    run(clean_python, "-m", "pip", "check", folder=tmp_path)
    status, *found = run(clean_python, "-c", START, folder=tmp_path).split()
    assert status == "200"
    assert {"facebook", "google", "outbox", "password", "twitter"} <= set(found)
    assert "pytest" not in run(clean_python, "-m", "pip", "list", folder=tmp_path)
