"""Accounts are brought in and written out by the command line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from authenticator.app import create_app
from authenticator.cli import context, main
from authenticator.service import Service

SECRET = "kqH2v1cS0Wn8b7LxYz3fRt5uJp9aMd4e"
BCRYPT = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"  # of "U*U"
Run = Callable[..., Result]


@pytest.fixture
def settings(store_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "AUTHENTICATOR_ENVIRONMENT": "development",
        "AUTHENTICATOR_DATABASE_URL": store_url,
        "AUTHENTICATOR_DATA_DIR": str(tmp_path / "data"),
        "AUTHENTICATOR_SECRET_KEY": SECRET,
        "AUTHENTICATOR_HASH_MEMORY_KIB": "12288",
        **{f"AUTHENTICATOR_{name}_CLIENT_{part}": "x" for name in ("GOOGLE", "FACEBOOK") for part in ("ID", "SECRET")},
    }


@pytest.fixture
def app(settings: dict[str, str]) -> Iterator[Flask]:
    yield from opened(settings)


def opened(settings: dict[str, str]) -> Iterator[Flask]:
    app = create_app(settings, env_file=None)
    yield app
    app.extensions["authenticator"].core.store.close()


@pytest.fixture
def service(app: Flask) -> Service:
    found: Service = app.extensions["authenticator"]
    return found


@pytest.fixture
def run(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Run:
    def command(*words: str, on: Flask = app) -> Result:
        monkeypatch.setattr(context, "application", lambda: on)
        result = CliRunner().invoke(main, ["users", *words])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return command


def lines(file: Path, *rows: Any) -> str:
    file.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return str(file)


def test_broken_rows_are_told_and_the_rest_goes_on(run: Run, service: Service, tmp_path: Path) -> None:
    file = lines(
        tmp_path / "people.jsonl",
        {"email": "one@example.com", "given_name": "One"},
        "{not json",
        {"email": "no address"},
        {"email": "one@EXAMPLE.com"},
        ["a", "list"],
        {"email": "two@example.com", "colour": "red"},
        {"phone_number": "+442079460018", "username": "three", "status": "suspended"},
        {"given_name": "Nobody"},
        {"email": "four@example.com", "password_hash": "5f4dcc3b5aa765d61d8327deb882cf99"},
        {"email": "five@example.com", "created_at": "yesterday"},
        {"email": 6},
    )
    done = run("import", file)
    assert done.exit_code == 1
    assert "2 accounts were made, 9 rows were left out." in done.output
    assert [line.split(":")[0] for line in done.output.splitlines() if line.startswith("line ")] == [
        "line 2",
        "line 3",
        "line 5",
        "line 6",
        "line 8",
        "line 9",
        "line 10",
        "line 11",
        "line 4",
    ]
    assert "no address" not in done.output
    assert "5f4dcc3b" not in done.output
    assert service.find_user("one@example.com").name.given == "One"
    assert service.find_user("+442079460018").status == "suspended"
    assert service.find_user("@three").username == "three"


def test_a_rehearsal_writes_nothing(run: Run, service: Service, tmp_path: Path) -> None:
    done = run("import", "--dry-run", lines(tmp_path / "people.jsonl", {"email": "one@example.com"}))
    assert "1 accounts would be made" in done.output
    assert service.users().items == ()


def test_a_password_from_elsewhere_signs_in_and_is_hashed_anew(run: Run, app: Flask, service: Service, tmp_path: Path) -> None:
    def sign_in(password: str) -> int:
        fields = {"email": "old@example.com", "password": password}
        return app.test_client().post("/api/v1/sign-in/password", json=fields).status_code

    run("import", lines(tmp_path / "people.jsonl", {"email": "old@example.com", "password_hash": BCRYPT}))
    assert sign_in("U*V") == 401
    assert sign_in("U*U") == 200
    user = service.find_user("old@example.com")
    (login,) = service.core.store.logins_of(user.id, "password")
    assert (login.secret or "").startswith("$argon2id$")
    assert sign_in("U*U") == 200


def test_what_is_written_out_can_be_brought_in_again(run: Run, service: Service, tmp_path: Path, settings: dict[str, str]) -> None:
    people = [
        {"email": "ada@example.com", "given_name": "Ada", "family_name": 'L, "the" first', "password_hash": BCRYPT},
        {"email": "eve@example.com", "given_name": '=HYPERLINK("x")', "email_verified": False, "phone_number": "+442079460018"},
    ]
    run("import", lines(tmp_path / "people.jsonl", *people))
    out = tmp_path / "out.csv"
    assert run("export", "--format", "csv", "--with-password-hashes", "--output", str(out)).exit_code == 0
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [row["email"] for row in rows] == ["ada@example.com", "eve@example.com"]
    assert rows[0]["password_hash"] == BCRYPT
    assert rows[1]["given_name"] == '\'=HYPERLINK("x")'
    assert rows[1]["phone_number"] == "'+442079460018"
    assert out.stat().st_mode & 0o077 == 0
    assert run("export", "--output", str(out)).exit_code == 1
    for elsewhere in opened({**settings, "AUTHENTICATOR_DATABASE_URL": f"sqlite:///{tmp_path / 'fresh.db'}"}):
        done = run("import", str(out), on=elsewhere)
        assert "2 accounts were made, 0 rows" in done.output, done.output
        eve = elsewhere.extensions["authenticator"].find_user("eve@example.com")
        assert (eve.name.given, eve.contacts[0].proved_at) == ('=HYPERLINK("x")', None)


def test_hashes_stay_unless_they_are_asked_for(run: Run, tmp_path: Path) -> None:
    run("import", lines(tmp_path / "people.jsonl", {"email": "ada@example.com", "password_hash": BCRYPT}))
    shown = run("export").stdout
    assert "ada@example.com" in shown
    assert "$2b$" not in shown


def test_csv_with_broken_rows(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text('\ufeffemail,given_name\na@example.com,"Two\nlines"\nb@example.com\nc@example.com,C\n', encoding="utf-8")
    done = run("import", str(file))
    assert "1 accounts were made, 2 rows were left out." in done.output
    assert "line 2: " in done.output
    assert "line 4: There should be 2 cells." in done.output


def test_attributes_that_are_no_json_are_told(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("email,attributes\na@example.com,{not json\nb@example.com,\n")
    done = run("import", str(file))
    assert "1 accounts were made, 1 rows were left out." in done.output
    assert "line 2: attributes: " in done.output


def test_identities_of_other_providers_come_along(run: Run, service: Service, tmp_path: Path) -> None:
    file = lines(
        tmp_path / "people.jsonl",
        {"email": "ada@example.com", "identities": ["google:1123", "facebook:77"]},
        {"email": "bob@example.com", "identities": "google:1123"},
        {"email": "eve@example.com", "identities": "myspace:1"},
    )
    done = run("import", file)
    assert "1 accounts were made, 2 rows were left out." in done.output
    assert "line 2: This way to sign in belongs to another account." in done.output
    ways = {key.provider for key in service.identities(service.find_user("ada@example.com"))}
    assert {"google", "facebook"} <= ways
