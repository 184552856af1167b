"""Whether the repository keeps its own rules: what is generated is true, and nothing in it belongs to one machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).relative_to(ROOT).as_posix()
PLUGINS = sorted(path.parent for pattern in ("provider_*", "plugins/*") for path in ROOT.glob(f"{pattern}/pyproject.toml"))
MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(?:root|work|home|Users)/[\w.]")
REGISTRY = re.compile(r"pypi\.org/simple|pythonhosted\.org|registry\.npmjs|deb\.debian\.org|index-url|_authToken|/simple/", re.IGNORECASE)


def tracked() -> Iterator[Path]:
    """Every text file under version control, or, in an unpacked archive, every file of the source folders."""
    if shutil.which("git") and (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
        paths = [ROOT / name for name in listed if name]
    else:
        paths = [path for path in ROOT.rglob("*") if not {".venv", "node_modules", "var"} & set(path.relative_to(ROOT).parts)]
    for path in paths:
        if path.is_file() and b"\0" not in path.read_bytes()[:4096]:
            yield path


def generated(option: str, tmp_path: Path) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith("AUTHENTICATOR_")}
    command = [sys.executable, "-m", "authenticator.cli", "config", option]
    return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True).stdout


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


# What is generated


@pytest.mark.parametrize(("file", "option"), [("docs/settings.md", "--markdown"), (".env.sample", "--sample")])
def test_generated_pages_are_those_of_the_code(file: str, option: str, tmp_path: Path) -> None:
    assert (ROOT / file).read_text() == generated(option, tmp_path), f"{file} is old: run `make docs`"


def test_every_plugin_is_installed_for_development() -> None:
    wanted = (ROOT / "requirements-dev.txt").read_text().splitlines()
    listed = {line for line in wanted if line.startswith("-e ./") and not line.startswith("-e ./client[")}
    assert {f"-e ./{folder.relative_to(ROOT).as_posix()}" for folder in PLUGINS} == listed


def test_constraints_hold_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+", line)] == []
    assert [line for line in lines if line.lower().startswith("flask-authenticator")] == []


# What belongs to one machine


def test_nothing_names_a_path_of_one_machine_or_a_registry_s_address() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked()
        if path.relative_to(ROOT).as_posix() != HERE
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if MACHINE_PATH.search(line) or REGISTRY.search(line)
    ]
    assert found == []


def test_no_secret_file_is_under_version_control() -> None:
    names = {path.name for path in tracked()}
    assert not names & {".env", "secret_key", ".npmrc", "pip.conf", "id_rsa"}


# Shape


def test_no_file_of_the_core_outgrows_300_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "authenticator").rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 300
    }
    assert {name: lines for name, lines in long.items() if "migrations" not in name} == {}


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_has_its_files(folder: Path) -> None:
    kind, _, name = folder.name.partition("_")
    module = folder / f"authenticator_{name}" / "__init__.py"
    assert module.is_file()
    assert (folder / "README.md").is_file()
    assert (folder / f"test_{name}.py").is_file()
    if kind == "provider":
        assert (module.parent / "icon.svg").is_file()
        assert len(module.read_text().splitlines()) <= 60


def test_every_target_of_the_makefile_says_what_it_does() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    assert phony is not None
    targets = re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE)
    assert sorted(phony[1].split()) == sorted(targets)
    told = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(f"make {target} " in told for target in targets)


# Ways to run it


def test_compose_needs_nothing_edited() -> None:
    text, services = (ROOT / "docker-compose.yml").read_text(), compose()["services"]
    assert "${" not in text
    assert "env_file" not in text
    assert set(services) >= {"authenticator", "mongo", "redis", "mail"}
    service = services["authenticator"]
    assert service["environment"]["AUTHENTICATOR_ENVIRONMENT"] == "development"
    assert not [name for name in service["environment"] if "SECRET" in name or "KEY" in name]
    assert {port.rpartition(":")[2] for port in service["ports"]} == {"8000", "8001"}
    assert "--reload" in service["command"]
    assert all(port.startswith("127.0.0.1:") for item in services.values() for port in item.get("ports", ()))
    named = {volume.split(":")[0] for item in services.values() for volume in item.get("volumes", ()) if not volume.startswith(".")}
    assert named == set(compose()["volumes"])


def test_the_image_runs_as_nobody_special() -> None:
    text = (ROOT / "Dockerfile").read_text()
    stages = {line.split()[-1]: part for part in text.split("\nFROM ")[1:] for line in [part.splitlines()[0]]}
    assert set(stages) == {"build", "development", "run"}
    assert compose()["services"]["authenticator"]["build"]["target"] in stages
    for name in ("development", "run"):
        assert "\nUSER 10001:10001\n" in stages[name]
    assert "HEALTHCHECK" in stages["run"]
    assert "/healthz" in stages["run"]
    folders = re.findall(r'ARG PLUGINS="([^"]+)"', text)
    assert all((ROOT / folder / "pyproject.toml").is_file() for line in folders for folder in line.split())


def test_the_kubernetes_sample_is_whole() -> None:
    deployment, service = yaml.safe_load_all((ROOT / "deploy/kubernetes/authenticator.yaml").read_text())
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["envFrom"] == [{"secretRef": {"name": "authenticator"}}]
    assert service["spec"]["selector"] == deployment["spec"]["template"]["metadata"]["labels"]


def test_nginx_takes_its_sample(tmp_path: Path) -> None:
    nginx = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
    if nginx is None:
        if os.environ.get("CI"):
            pytest.fail("nginx is not installed; .ci/run installs it")
        pytest.skip("nginx is not installed")
    certificate(tmp_path)
    sample = (ROOT / "deploy/nginx/authenticator.conf").read_text()
    sample = re.sub(r"(ssl_certificate\s+)\S+;", rf"\1{tmp_path}/cert.pem;", sample)
    sample = re.sub(r"(ssl_certificate_key\s+)\S+;", rf"\1{tmp_path}/key.pem;", sample)
    (tmp_path / "site.conf").write_text(sample.replace("listen 80;", "listen 18080;").replace("listen 443 ", "listen 18443 "))
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; "
        + "".join(f"{kind}_temp_path {tmp_path}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        + f"include {tmp_path}/site.conf; }}"
    )
    told = subprocess.run(
        [nginx, "-t", "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert "[warn]" not in told.stderr


def certificate(folder: Path) -> None:
    """A key and a certificate for nobody, so that nginx can read some."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "auth.example.com")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1)).sign(
        key, hashes.SHA256()
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))


def test_ci_ends_with_the_tests() -> None:
    lines = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line.strip()]
    assert " make test " in lines[-1]
    assert lines[-1].startswith("timeout --signal=INT"), "a run that never ends tells nobody why"
    assert "set -euo pipefail" in lines
    assert os.access(ROOT / ".ci/run", os.X_OK)
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    job = workflow["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run", "make check"]
