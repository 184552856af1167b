"""Whether authenticator-client builds, and works with nothing beside what it declares: no framework, and nothing of the service."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from authenticator.testing.databases import absent

ROOT = Path(__file__).parents[2]
TRY = """
import importlib.util, sys
import authenticator_client
for name in ("flask", "django", "fastapi", "authenticator"):
    assert importlib.util.find_spec(name) is None, name
    assert name not in sys.modules
try:
    authenticator_client.Verifier("https://localhost:9", "app_x").check("e30.e30.AAAA")
except authenticator_client.Refused as refused:
    print(refused.code)
"""

pytestmark = [pytest.mark.interop, pytest.mark.slow]


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def test_the_client_runs_with_what_it_declares(tmp_path: Path) -> None:
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT / "client", folder=tmp_path)
    assert built.returncode == 0, built.stderr
    wheel = next(tmp_path.glob("authenticator_client-*.whl"))
    names = zipfile.ZipFile(wheel).namelist()
    assert "authenticator_client/py.typed" in names
    assert not [name for name in names if "test" in Path(name).name]
    made = run(sys.executable, "-m", "venv", tmp_path / "clean", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    python = tmp_path / "clean" / "bin" / "python"
    got = run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", ROOT / "constraints.txt", wheel, folder=tmp_path)
    if got.returncode and "onnection" in got.stderr and "Could not find a version" not in got.stderr:
        absent(f"pip could not reach its index: {got.stderr[-300:]}")
    assert got.returncode == 0, got.stderr[-2000:]
    told = run(python, "-c", TRY, folder=tmp_path)
    assert (told.returncode, told.stdout.strip()) == (0, "invalid_token"), told.stderr
