"""One canonical form per e-mail address and client address, so that twins cannot exist."""

from __future__ import annotations

import ipaddress
import re
import unicodedata

from email_validator import EmailNotValidError, validate_email

from authenticator.errors import AuthError

# alphabets whose letters pass for those of another (UTS 39 §4)
ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"})


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


def is_loopback(address: str) -> bool:
    """Whether the address is this very machine."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
