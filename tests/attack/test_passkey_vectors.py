"""WN-02: what WebAuthn Level 3 §16 publishes as right is taken."""

from __future__ import annotations

import json
from dataclasses import dataclass

import cbor2
import pytest
from authenticator_passkey.answers import Answer, read
from authenticator_passkey.keys import Passkey, is_taken
from authenticator_passkey.verification import Asked, asserted, registered

from authenticator.errors import AuthError
from authenticator.testing.security_key import packed

HANDLE = packed(b"\x01" * 32)


@dataclass(frozen=True)
class Vector:
    """One ceremony as it is published: hexadecimal, at https://example.org."""

    challenge: str
    credential: str
    parts: dict[str, str]

    @property
    def asked(self) -> Asked:
        return Asked(packed(bytes.fromhex(self.challenge)), "example.org", ["https://example.org"], verified=False)

    def answer(self) -> Answer:
        name = packed(bytes.fromhex(self.credential))
        response = {part: packed(bytes.fromhex(text)) for part, text in self.parts.items()}
        text = json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})
        return read(text, *(part for part in self.parts if part != "clientDataJSON"))


# §16.2: ES256, no attestation
NONE = "f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4"
NONE_CREATED = Vector(
    "00c30fb78531c464d2b6771dab8d7b603c01162f2fa486bea70f283ae556e130",
    NONE,
    {
        "clientDataJSON": (
            "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a22414d4d507434557878475453746e63647134313759447742466938767049612d7077386f4f755657345441222c"
            "226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d6179206265"
            "20657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a20426b5165446a646354427258426941774a544c453551227d"
        ),
        "attestationObject": (
            "a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a1f0020"
            "f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56b87a2fca66"
            "334b03458abf879717c12cc68ed73290af2e2664796b9220"
        ),
    },
)
NONE_USED = Vector(
    "39c0e7521417ba54d43e8dc95174f423dee9bf3cd804ff6d65c857c9abf4d408",
    NONE,
    {
        "clientDataJSON": (
            "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a224f63446e55685158756c5455506f334a5558543049393770767a7a59425039745a63685879617630314167222c226f7269"
            "67696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73657d"
        ),
        "authenticatorData": "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000",
        "signature": (
            "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87"
        ),
    },
)
# §16.3: ES256, signed by the new key itself
SELF_CREATED = Vector(
    "7869c2b772d4b58eba9378cf8f29e26cf935aa77df0da89fa99c0bdc0a76f7e5",
    "455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58c",
    {
        "clientDataJSON": (
            "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a2265476e4374334c55745936366b336a506a796e6962506b31716e666644616966715a774c33417032392d55222c22"
            "6f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520"
            "657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a205539685458764b453255526b4d6e625f307859485667227d"
        ),
        "attestationObject": (
            "a363666d74667061636b65646761747453746d74a263616c672663736967584630440220067a20754ab925005dbf378097c92120031581c73228d1fb4f5b881bcd7da98302207fc7b147558c7c0eba3af18bd9d121"
            "fa3d3a26d17fe3f220272178f473b6006d68617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b55d00000000df850e09db6afbdfab51697791506cfc0020455e"
            "f34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58ca5010203262001215820eb151c8176b225cc651559fecf07af450fd85802046656b34c18f6cf193843c5225820927b8aa427a2be1b8834"
            "d233a2d34f61f13bfd44119c325d5896e183fee484f2"
        ),
    },
)
# §16.14: ES256 with an attestation by Apple; its key and its use
APPLE_KEY = (
    "a50102032620012158208a3d5b1b4c543a706bf6e4b00afedb3c930b690dd286934fe2911f779cc7761a"
    "225820f728e1aa3b0ff66692192daa776b83ddf8e3340d2d9a0eabdfc324eb3e2f136c"
)
APPLE_USED = Vector(
    "d3eb2964641e26fed023403a72dde093b19c4ba9008c3f9dd83fcfd347a66d05",
    "9c4a5886af9283d9be3e9ec55978dedfdce2e3b365cab193ae850c16238fafb8",
    {
        "clientDataJSON": (
            "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a22302d73705a4751654a76375149304136637433676b37476353366b416a442d6432445f503030656d625155222c226f7269"
            "67696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73657d"
        ),
        "authenticatorData": "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50900000000",
        "signature": (
            "3046022100ee35db795ce28044e1f8231d68b3d79a9882f7415aa35c1b5ac74d24251073c8022100dcc65691650a412d0ceef843710c09827acf26c7845bddac07eec95863e7fc4c"
        ),
    },
)


def test_wn_02_a_published_registration_and_its_use_are_taken() -> None:
    key = registered(NONE_CREATED.answer(), NONE_CREATED.asked, HANDLE)
    assert (key.id, key.verified, key.eligible, key.backed_up) == (packed(bytes.fromhex(NONE)), False, True, True)
    assert asserted(NONE_USED.answer(), NONE_USED.asked, key, named=True).count == 0


def test_wn_02_a_published_registration_that_signs_for_itself_is_taken() -> None:
    asked = Asked(SELF_CREATED.asked.challenge, "example.org", ["https://example.org"])
    assert registered(SELF_CREATED.answer(), asked, HANDLE).verified


def test_wn_02_a_published_use_of_an_attested_key_is_taken() -> None:
    assert is_taken(cbor2.loads(bytes.fromhex(APPLE_KEY)))
    key = Passkey(packed(bytes.fromhex(APPLE_USED.credential)), packed(bytes.fromhex(APPLE_KEY)), HANDLE, eligible=True)
    assert asserted(APPLE_USED.answer(), APPLE_USED.asked, key, named=True).count == 0


def test_wn_02_what_is_published_without_an_unlocked_device_makes_no_passkey_here() -> None:
    asked = Asked(NONE_CREATED.asked.challenge, "example.org", ["https://example.org"])
    with pytest.raises(AuthError) as caught:
        registered(NONE_CREATED.answer(), asked, HANDLE)
    assert caught.value.code == "invalid_credentials"
