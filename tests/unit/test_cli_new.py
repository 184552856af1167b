"""`authenticator new provider`: what it writes is a plug-in whose tests are green."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from authenticator.cli import main


def new(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["new", "provider", *words])
    return result.exit_code, result.output


@pytest.mark.parametrize("name", ["Acme", "2fast", "a-b", "class", "../evil", "x", "google", "hash", "é"])
def test_a_name_that_cannot_be_a_plugin_s_is_refused(name: str, tmp_path: Path) -> None:
    code, told = new(name, "--folder", str(tmp_path / "there"))
    assert code == 2
    assert "Choose another" in told or "Use small letters" in told
    assert not (tmp_path / "there").exists()


def test_what_is_there_already_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    assert new("acme", "--folder", str(tmp_path))[0] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["oidc", "oauth"])
def test_a_new_provider_passes_its_tests_at_once(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    code, told = new("acme_id", f"--{kind}", "--folder", str(folder))
    assert code == 0, told
    assert f"pip install pytest -e {folder} && pytest {folder}" in told, "make run brings no pytest"
    module = (folder / "authenticator_acme_id" / "__init__.py").read_text()
    assert len(module.splitlines()) <= 40
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AUTHENTICATOR_", "PYTEST_", "COV_"))}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-W", "error", str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env | {"PYTHONPATH": str(folder)}, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed" in ran.stdout


@pytest.mark.parametrize("kind", ["oidc", "oauth"])
def test_a_new_provider_is_clean(kind: str, tmp_path: Path) -> None:
    new("acme_id", f"--{kind}", "--folder", str(tmp_path))
    settings = Path(__file__).parents[2] / "pyproject.toml"
    for command in (["check", "--ignore", "S105"], ["format", "--check"]):
        ran = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "--config", str(settings), str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout
