"""What messages say: in the reader's language, as the operator wants them, and nothing that a stranger put in."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from authenticator.flows import letters
from authenticator.flows.letters import Letters
from authenticator.kit import Message
from authenticator.settings import Settings

LINK = "https://auth.example/reset-password?token=a&b"
FACTS = {
    "code": {"code": "012345", "link": LINK},
    "code_sign_in": {"code": "012345", "link": LINK},
    "already_member": {"link": LINK},
    "reset": {"code": "012345", "link": LINK, "seconds": 1800, "code_minutes": "5"},
    "reset_required": {"link": LINK, "seconds": 1800},
    "invite": {"link": LINK},
    "contact_added_warning": {"added": "a…@example.com", "link": LINK},
    "contact_code": {"code": "012345", "link": LINK, "seconds": 86_400, "code_minutes": "5"},
    "contact_taken": {"link": LINK},
    "notice": {"subject": "A way was added", "text": "%(way)s can now sign in.", "values": {"way": "Google"}, "link": LINK},
    "new_device": {"device": "Firefox on Linux", "at": datetime(2026, 11, 21, 7, 30, tzinfo=UTC), "place": "GB"},
    "deletion_asked": {"day": date(2026, 11, 28), "link": LINK},
    "erased": {},
}


def desk(folder: Path | None = None, **settings: object) -> Letters:
    return Letters(Settings(public_url="https://auth.example", service_name="Garden & Co", templates_dir=folder, **settings))


def letter(name: str, channel: str = "email", locale: str = "", folder: Path | None = None, **facts: object) -> Message:
    return desk(folder).write(name, channel, "ada@example.com", locale, **(FACTS[name] | facts))  # type: ignore[arg-type]


def test_every_letter_that_lies_in_the_folder_is_known_here() -> None:
    assert {path.name.removesuffix(".txt").removesuffix(".sms") for path in letters.TEXTS.glob("*.txt")} == set(FACTS)


@pytest.mark.parametrize("name", sorted(FACTS))
def test_a_letter_is_whole_as_text_and_dressed(name: str) -> None:
    found = letter(name)
    assert "Garden & Co" in found.subject
    assert "\n" not in found.subject
    assert found.text.strip()
    assert not found.text.startswith(("Subject", "Button"))
    assert "Garden &amp; Co" in found.html
    assert "<script" not in found.html
    assert "http" not in found.html.replace(LINK.replace("&", "&amp;"), "").replace("https://auth.example", ""), (
        "it loads nothing from elsewhere"
    )
    for part in filter(None, (found.code, found.link)):
        assert part in found.text, name
        assert part.replace("&", "&amp;") in found.html, name


@pytest.mark.parametrize("name", sorted(FACTS))
def test_a_letter_for_a_phone_is_short_and_has_no_subject(name: str) -> None:
    found = letter(name, "sms")
    assert (found.subject, found.html) == ("", "")
    assert len(found.text.replace(LINK, "")) <= 160
    assert found.code in found.text


def test_a_code_by_sms_is_bound_to_our_site_so_that_no_other_one_is_offered_it() -> None:
    assert letter("code", "sms").text.splitlines()[-1] == "@auth.example #012345"


def test_a_code_says_how_long_it_lives() -> None:
    assert "valid for 5 minutes" in letter("code").text
    assert "valid for 2 minutes" in letter("code", seconds=120).text
    assert (letter("code").seconds, letter("code", seconds=120).seconds, letter("erased").seconds) == (300, 120, 0)


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        ("de", "de"),
        ("de_AT", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr", "en"),
        ("", "en"),
        ("en;q=0.2, de", "de"),
        ("de;q=0,en", "en"),
    ],
)
def test_the_reader_is_written_to_in_her_language(wish: str, language: str) -> None:
    assert desk().language(wish) == language
    assert f'<html lang="{language}">' in letter("code", locale=wish).html


@pytest.mark.parametrize("wish", ["x" * 5000, ";;;,q=,", "de;q=x", "../../etc", "\x00", "de;q=nan"])
def test_a_strange_wish_gets_the_usual_language(wish: str) -> None:
    assert desk().language(wish) == "en"


def test_the_operator_s_language_is_the_usual_one() -> None:
    assert desk(locale="de").language("fr") == "de"


def test_times_are_told_in_the_reader_s_language() -> None:
    assert "November 21, 2026, 07:30 UTC" in letter("new_device").text
    assert "21. November 2026, 07:30 UTC" in letter("new_device", locale="de").text


# What others put in


EVIL = "<b>Mallory</b>{{ 7*7 }}%(x)s\r\nBcc: eve@example.com\u2028\u202ehttps://evil.example/"


def test_what_a_stranger_typed_is_nothing_but_text() -> None:
    found = letter("new_device", device=EVIL)
    line = next(line for line in found.text.splitlines() if "Mallory" in line)
    assert line == "Device: <b>Mallory</b>{{ 7*7 }}%(x)s Bcc: eve@example.com https evil.example/"
    assert "&lt;b&gt;Mallory&lt;/b&gt;{{ 7*7 }}" in found.html
    assert "<b>" not in found.html
    assert 'href="https://evil' not in found.html


def test_nobody_adds_a_header_through_a_subject() -> None:
    found = letter("notice", subject="Hello\r\nBcc: eve@example.com\n\nBody")
    assert "\n" not in found.subject
    assert "\r" not in found.subject
    assert found.subject.startswith("Garden & Co: Hello")


def test_a_notice_fills_in_only_what_it_was_given() -> None:
    assert "Google can now sign in." in letter("notice").text
    assert "100 % sure" in letter("notice", text="100 % sure", values={}).text


# The operator's own


def test_the_operator_s_letters_come_before_ours(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "erased.txt").write_text("Subject: Farewell\n\nIt was nice with you.\n")
    (tmp_path / "letters" / "letter.html").write_text("<main>{{ paragraphs|join('|') }}</main>")
    found = letter("erased", folder=tmp_path)
    assert (found.subject, found.text, found.html) == ("Farewell", "It was nice with you.\n", "<main>It was nice with you.</main>")
    assert "account" in letter("invite", folder=tmp_path).text


@pytest.mark.parametrize("broken", ["{% if %}", "Subject: x\n\n{{ nothing_of_the_kind }}", "{% include 'absent.txt' %}"])
def test_a_broken_letter_of_the_operator_does_not_stop_the_message(tmp_path: Path, broken: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "code.txt").write_text(broken)
    assert "012345" in letter("code", folder=tmp_path).text
    assert "the letter code of the operator can't be used" in caplog.text
    assert "012345" not in caplog.text
