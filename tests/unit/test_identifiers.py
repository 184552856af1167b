"""Whether every address and number has one form, and limits count networks."""

from __future__ import annotations

import random
import re

import pytest

from authenticator import identifiers
from authenticator.errors import AuthError
from authenticator.identifiers import canonical_email, canonical_phone, country_of_phone, is_loopback, network_of


@pytest.mark.parametrize(
    ("typed", "owned"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("JOSÉ@example.com", "josÉ@example.com"),
        ("Ada+list@example.com", "ada+list@example.com"),
        ("a.d.a@example.com", "a.d.a@example.com"),
        ("jose\u0301@example.com", "josé@example.com"),
        ("ada@sub.example.test", "ada@sub.example.test"),
    ],
)
def test_an_address_has_one_form(typed: str, owned: str) -> None:
    assert canonical_email(typed) == owned
    assert canonical_email(owned) == owned, "the form of the form is itself"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@[127.0.0.1]",
        "a b@example.com",
        "\u0430da@example.com",
        "ada@p\u0430ypal.example",
        "\uff41@example.com",
    ],
)
def test_what_is_no_mailbox_or_deceives_is_refused(typed: str) -> None:
    with pytest.raises(AuthError) as refusal:
        canonical_email(typed)
    assert refusal.value.code == "validation_failed"
    assert list(refusal.value.errors) == ["email"]


@pytest.mark.parametrize(
    "typed", ["иван@пример.example", "δοκιμή@παράδειγμα.example", "用户@例子.example", "ユーザー@例え.example", "사용자@예.example"]
)
def test_addresses_of_other_scripts_are_welcome(typed: str) -> None:
    assert canonical_email(typed).startswith(typed.partition("@")[0])


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("localhost", "unknown"),
    ],
)
def test_a_limit_counts_an_ipv4_address_or_an_ipv6_network(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("address", "here"), [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.1", False), ("", False), ("localhost", False)]
)
def test_this_machine_is_known_by_its_address(address: str, here: bool) -> None:
    assert is_loopback(address) is here


LABELS = (
    "example",
    "EXAMPLE",
    "a-b",
    "xn--bcher-kva",
    "aa--bb",
    "co",
    "local",
    "test",
    "localhost",
    "onion",
    "1a",
    "123",
    "a" * 63,
    "a" * 64,
)
TOPS = ("com", "ORG", "io", "de", "example", "invalid", "zz", "c0m")


def test_the_short_way_for_plain_addresses_agrees_with_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(7)
    tried = 0
    for _ in range(4_000):
        local = (
            "".join(chance.choice("abAB12._+-") for _ in range(chance.randint(1, 6)))
            if chance.random() < 0.95
            else "a" * chance.randint(60, 66)
        )
        address = f"{local}@{'.'.join([*chance.choices(LABELS, k=chance.randint(1, 2)), chance.choice(TOPS)])}"
        if not identifiers.PLAIN.fullmatch(address.lower()):
            continue
        tried += 1
        short = canonical_email(address)
        with monkeypatch.context() as patch:
            patch.setattr(identifiers, "PLAIN", re.compile("(?!)"))
            assert short == canonical_email(address)
    assert tried > 500


@pytest.mark.parametrize(
    ("typed", "region", "owned"),
    [
        ("+447400123456", "", "+447400123456"),
        ("+44 7400 123456", "", "+447400123456"),
        ("0044 7400 123456", "", "+447400123456"),
        ("+44 (0)7400-123456", "", "+447400123456"),
        ("07400 123456", "GB", "+447400123456"),
        ("07400 123456", "gb", "+447400123456"),
        ("+44 7400 123456", "DE", "+447400123456"),
        ("0044 7400 123456", "US", "+447400123456"),
        ("\uff0b\uff14\uff14 \uff17\uff14\uff10\uff10 \uff11\uff12\uff13\uff14\uff15\uff16", "", "+447400123456"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("0151 2345 6789", "DE", "+4915123456789"),
        ("06 1234 5678", "IT", "+390612345678"),
    ],
)
def test_a_phone_number_has_one_form(typed: str, region: str, owned: str) -> None:
    assert canonical_phone(typed, region) == owned
    assert canonical_phone(owned) == owned, "the form of the form is itself"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "07400 123456",
        "+44",
        "999",
        "+44 7400 12345",
        "+44 7400 1234567890",
        "+1 800 FLOWERS",
        "+44 7400 123456 ext. 5",
        "+44 7400 123456;phone-context=+1",
        "tel:+447400123456",
        "+44 7400 123456\x00",
        "+44 7400 12345\u0661",
        "+44 ७४०० १२३४५६",
        "+" + "4" * 200,
        "++447400123456",
    ],
)
def test_what_is_no_phone_number_is_refused(typed: str) -> None:
    with pytest.raises(AuthError) as refusal:
        canonical_phone(typed)
    assert refusal.value.code == "validation_failed"
    assert list(refusal.value.errors) == ["phone_number"]


@pytest.mark.parametrize(
    "typed",
    ["+44 909 8790000", "+44 844 4770000", "+1 900 555 0199", "+1 800 555 0199", "+44 70 1234 5678", "+44 55 1234 5678", "+8816 12345678"],
    ids=["premium", "shared cost", "premium in America", "toll-free", "personal", "company", "satellite"],
)
def test_a_number_at_which_messages_cost_more_is_refused(typed: str) -> None:
    with pytest.raises(AuthError) as refusal:
        canonical_phone(typed)
    assert "ordinary" in refusal.value.errors["phone_number"][0]


@pytest.mark.parametrize(
    ("number", "country"),
    [("+447400123456", "GB"), ("+12025550123", "US"), ("+12423571234", "BS"), ("+4915123456789", "DE"), ("+881612345678", ""), ("x", "")],
)
def test_a_number_tells_its_country(number: str, country: str) -> None:
    assert country_of_phone(number) == country
