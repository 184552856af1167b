"""One canonical form per e-mail address, phone number, user name and client address, so that twins cannot exist."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from authenticator.errors import AuthError

# alphabets whose letters pass for those of another (UTS 39 §4)
ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"})
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})  # names of the very machine that asks


# Most addresses are plain, and of these the library, which takes 40 µs, has nothing to say: letters and digits with single
# dots, hyphens, underscores or plus signs between them, labels without A-label or reserved hyphens, letters at the end.
PLAIN = re.compile(
    r"(?=[^@]{1,64}@)[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*@"
    r"(?:(?!..--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+(?:com|org|net|edu|io|dev|app|de|uk|fr|nl|ch|at|eu|example)"
)
PLAIN_LENGTH = 200  # characters, well inside the bound of 254
LONGEST = 320  # characters that the library is shown: it takes its time over long texts


def canonical_email(text: str) -> str:
    """The form under which an address is owned: A-Z lowered, the domain in IDNA A-labels (RFC 5891), nothing else changed.

    AuthError `validation_failed` for what is no mailbox. Accented and plain names stay different; the
    U-label and the A-label of a domain become one. Look-alikes that mix alphabets within a part are refused.
    """
    plain = text.lower()
    if len(text) <= PLAIN_LENGTH and text.isascii() and PLAIN.fullmatch(plain):
        return plain
    try:
        if len(text) > LONGEST:
            raise EmailNotValidError("too long")
        found = validate_email(text, check_deliverability=False, test_environment=True, allow_domain_literal=False)
        if any(_deceives(part) for part in (found.local_part, *found.domain.split("."))):
            raise EmailNotValidError("letters of several alphabets, or compatibility forms")
    except EmailNotValidError:
        raise AuthError("validation_failed", errors={"email": ("Enter an e-mail address such as ada@example.com.",)}) from None
    local = "".join(char.lower() if char.isascii() else char for char in found.local_part)
    return f"{local}@{found.ascii_domain.lower()}"


def _deceives(part: str) -> bool:
    if part.isascii():
        return False
    alphabets = {unicodedata.name(char, "").partition(" ")[0] for char in part if char.isalpha()}
    return len(alphabets & ALIKE) > 1 or unicodedata.normalize("NFKC", part) != part


# what people put between digits; letters would be dialled as digits, extensions can't be texted
PHONE = re.compile(r"\+?[0-9 ()./\u2010-\u2015-]{3,40}")
REACHABLE = frozenset({0, 1, 2, 6})  # PhoneNumberType: fixed line, mobile, either, and voice over IP
NOWHERE = "001"  # satellites and worldwide services: no country, and the price of premium numbers


def canonical_phone(text: str, region: str = "") -> str:
    """The form under which a number is owned: E.164, such as +447400123456. `region` (ISO 3166) is where a national number is meant.

    AuthError `validation_failed` for what is no number of a country, and for numbers at which calls or messages cost more
    than usual or reach no person: premium, shared-cost, toll-free, personal, pagers (toll fraud).
    """
    import phonenumbers  # 18 ms and the tables of the world, for those only who give a number

    plain = unicodedata.normalize("NFKC", text).strip() if len(text) <= 64 else ""
    if plain.startswith("00"):
        plain = f"+{plain[2:]}"
    try:
        if not PHONE.fullmatch(plain):
            raise phonenumbers.NumberParseException(phonenumbers.NumberParseException.NOT_A_NUMBER, "not a number")
        found = phonenumbers.parse(plain, region.upper() or None)
    except phonenumbers.NumberParseException:
        raise _no_number("Enter a phone number with its country code, such as +44 7400 123456.") from None
    if not phonenumbers.is_valid_number(found):
        raise _no_number("There is no such phone number. Check its digits and the country code.")
    if phonenumbers.number_type(found) not in REACHABLE or phonenumbers.region_code_for_number(found) == NOWHERE:
        raise _no_number("This number can't be used here. Enter an ordinary mobile or landline number.")
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)


def country_of_phone(number: str) -> str:
    """The country (ISO 3166 alpha-2) of a number in E.164; empty for none."""
    import phonenumbers  # as above

    try:
        found = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return ""
    return "" if found in (None, NOWHERE) else found


def shown_phone(number: str) -> str:
    """A number in E.164 as people write it, +44 7400 123456."""
    import phonenumbers  # as above

    return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _no_number(reason: str) -> AuthError:
    return AuthError("validation_failed", errors={"phone_number": (reason,)})


@lru_cache(1024)
def network_of(address: str) -> str:
    """What counts as one address in a limit: an IPv4 address, or the /64 of an IPv6 one (RFC 4291 §2.5.4)."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


@lru_cache(1024)
def is_loopback(address: str) -> bool:
    """Whether the address is this very machine."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


# the alphabets of living languages (UAX 31 table 5), as Unicode's names of their letters begin
ALPHABETS = frozenset(
    re.findall(
        "[A-Z]+",
        "LATIN CYRILLIC GREEK ARMENIAN GEORGIAN HEBREW ARABIC THAANA DEVANAGARI BENGALI GURMUKHI GUJARATI ORIYA TAMIL TELUGU KANNADA "
        "MALAYALAM SINHALA THAI LAO TIBETAN MYANMAR ETHIOPIC KHMER HANGUL HIRAGANA KATAKANA CJK",
    )
)
TOGETHER = (frozenset({"HIRAGANA", "KATAKANA", "CJK"}), frozenset({"HANGUL", "CJK"}))  # how Japanese and Korean are written
LEFTWARD = frozenset({"HEBREW", "ARABIC", "THAANA"})
LATIN_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzæœøðþłđħŋə")  # and these with accents; others (dotless i, alpha) pass for them
PASSING = frozenset("асеорхуіјѕһԁԛԝӏαγινορσυօսհոզցյ")  # Cyrillic, Greek and Armenian letters that pass for a-z (UTS 39)
UNSEEN = frozenset("\u115f\u1160\u17b4\u17b5\u3164\uffa0")  # letters by name, invisible on a page
NAME_LENGTH = range(3, 33)


def canonical_username(text: str) -> str:
    """The form under which a user name is owned: compatibility forms and case folded away (after RFC 8265 §3.3).

    AuthError `validation_failed` for anything but 3 to 32 letters and digits with single dots, hyphens and underscores
    between them, at least one letter, of one alphabet, and none that are there to pass for another (UTS 39).
    """
    plain = _folded(text.strip()) if len(text) <= 2 * NAME_LENGTH.stop else ""
    if len(plain) not in NAME_LENGTH:
        raise _no_name("Use 3 to 32 characters.")
    parts = re.split(r"[._-]", plain)
    letters = [char for char in "".join(parts) if char not in "0123456789"]
    if not all(parts) or _folded(plain) != plain or not all(_is_letter(char) for char in letters):
        raise _no_name("Use letters, digits, and single dots, hyphens or underscores between them.")
    if not letters or unicodedata.category(plain[0]).startswith("M"):
        raise _no_name("Use at least one letter.")
    if _misleads(letters, plain):
        raise _no_name("Use the letters of one alphabet, and none that look like those of another.")
    return plain


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _is_letter(char: str) -> bool:
    return char == "ー" or (unicodedata.category(char) in ("Ll", "Lo", "Mn", "Mc") and char not in UNSEEN)


def _misleads(letters: list[str], plain: str) -> bool:
    alphabets = {re.split("[ -]", unicodedata.name(char, ""), maxsplit=1)[0] for char in letters}
    if not alphabets <= ALPHABETS or not (len(alphabets) == 1 or any(alphabets <= script for script in TOGETHER)):
        return True
    if alphabets == {"LATIN"}:
        return not all(unicodedata.normalize("NFD", char)[0] in LATIN_LETTERS for char in letters)
    return set(letters) <= PASSING or bool(alphabets & LEFTWARD and len(letters) < len(plain))


def _no_name(reason: str) -> AuthError:
    return AuthError("validation_failed", errors={"username": (reason,)})
