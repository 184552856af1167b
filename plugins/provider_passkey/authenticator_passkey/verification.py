"""Whether a ceremony holds (WebAuthn Level 3 §7.1 and §7.2): the library verifies, and here is what it leaves to its caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from authenticator.crypto import same
from authenticator_passkey.answers import Answer, packed, require_client, unpacked
from authenticator_passkey.cbor import end_of
from authenticator_passkey.keys import ALGORITHMS, Passkey, is_taken
from authenticator_passkey.refusals import malformed, refused, unsuitable

HEAD = 37  # bytes of authenticator data before what is attested: hash, flags, counter
BACKUP_ELIGIBLE, BACKED_UP, ATTESTED, EXTENDED = 0x08, 0x10, 0x40, 0x80


class Cloned(Exception):
    """The signature is good and the counter is not: two devices have this key (WebAuthn Level 3 §6.1.1)."""


@dataclass(frozen=True)
class Asked:
    """What a ceremony must answer to; `verified` wants a person who unlocked her device, not only one who touched it."""

    challenge: str
    rp_id: str
    origins: list[str]
    verified: bool = True


def registered(answer: Answer, asked: Asked, handle: str) -> Passkey:
    """The new passkey. AuthError `invalid_request` for what can't be read or was not asked for, `invalid_credentials` for what does not hold."""
    require_client(answer.client, "webauthn.create", asked.challenge, asked.origins)
    attestation = _attestation(answer.parts["attestationObject"])
    head, cose = _attested(attestation["authData"], answer.id)
    if not is_taken(_decoded(cose)) or answer.resident is False:
        raise unsuitable()
    from webauthn import verify_registration_response  # takes 300 ms, and few requests need it
    from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography
    from webauthn.helpers.cose import COSEAlgorithmIdentifier

    try:
        decoded_public_key_to_cryptography(decode_credential_public_key(cose))  # a point that is on its curve
        done = verify_registration_response(
            credential=answer.for_library(),
            expected_challenge=unpacked(asked.challenge),
            expected_rp_id=asked.rp_id,
            expected_origin=asked.origins,
            require_user_verification=asked.verified,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(item) for item in ALGORITHMS],
        )
    except Exception:  # the library has a dozen of its own, and malformed keys bring others
        raise refused() from None
    return Passkey(
        answer.id,
        packed(cose),
        handle,
        done.sign_count,
        done.user_verified,
        bool(head[32] & BACKUP_ELIGIBLE),
        done.credential_backed_up,
        answer.transports,
        done.aaguid,
    )


def asserted(answer: Answer, asked: Asked, key: Passkey, *, named: bool) -> Passkey:
    """The passkey as it is to be kept from now on. AuthError `invalid_credentials`; Cloned.

    Where nobody was `named` before, the device must say whose passkey it is.
    """
    require_client(answer.client, "webauthn.get", asked.challenge, asked.origins)
    head = answer.parts["authenticatorData"]
    _require_plain(head)
    if (answer.handle or not named) and not same(answer.handle, key.handle):
        raise refused()
    from webauthn import verify_authentication_response  # takes 300 ms, and few requests need it

    try:
        done = verify_authentication_response(
            credential=answer.for_library(),
            expected_challenge=unpacked(asked.challenge),
            expected_rp_id=asked.rp_id,
            expected_origin=asked.origins,
            credential_public_key=unpacked(key.public_key),
            credential_current_sign_count=0,
            require_user_verification=asked.verified,
        )
    except Exception:
        raise refused() from None
    if bool(head[32] & BACKUP_ELIGIBLE) != key.eligible:
        raise refused()
    if (done.new_sign_count or key.count) and done.new_sign_count <= key.count:
        raise Cloned
    return replace(key, count=done.new_sign_count, backed_up=done.credential_backed_up)


def _attestation(data: bytes) -> Mapping[str, Any]:
    """The attestation object. None was asked for, so there is none, or the new key's own signature (§5.1.3)."""
    found = _decoded(data)
    statement = found.get("attStmt")
    if set(found) != {"fmt", "attStmt", "authData"} or not isinstance(statement, dict) or not isinstance(found["authData"], bytes):
        raise malformed()
    none, own = found["fmt"] == "none" and not statement, found["fmt"] == "packed" and set(statement) == {"alg", "sig"}
    if not (none or own):
        raise unsuitable()
    return found


def _attested(data: bytes, credential: str) -> tuple[bytes, bytes]:
    """Head and COSE key of authenticator data that holds exactly one new credential, the one that the browser named."""
    start = HEAD + 18
    if len(data) < start or not data[32] & ATTESTED:
        raise malformed()
    begins = start + int.from_bytes(data[HEAD + 16 : start], "big")
    if packed(data[start:begins]) != credential:
        raise malformed()
    ends = _end(data, begins)
    if (_end(data, ends) if data[32] & EXTENDED else ends) != len(data):
        raise malformed()
    return data[:HEAD], data[begins:ends]


def _require_plain(data: bytes) -> None:
    """Authenticator data of a sign-in: the head, and extensions if it says so."""
    if len(data) < HEAD or data[32] & ATTESTED or (_end(data, HEAD) if data[32] & EXTENDED else HEAD) != len(data):
        raise malformed()


def _decoded(data: bytes) -> Mapping[Any, Any]:
    if _end(data) != len(data):
        raise malformed()
    import cbor2  # comes with webauthn

    try:
        found = cbor2.loads(data)
    except Exception:
        raise malformed() from None
    if not isinstance(found, dict):
        raise malformed()
    return found


def _end(data: bytes, at: int = 0) -> int:
    try:
        return end_of(data, at)
    except ValueError:
        raise malformed() from None
