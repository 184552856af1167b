"""Does an OpenID provider believe only what it must? Against the emulator over real sockets."""

from __future__ import annotations

import base64
import logging
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from authenticator_google import Google
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from joserfc.jws import JWSRegistry

from authenticator.clock import SetClock
from authenticator.emulator import Emulator
from authenticator.errors import AuthError
from authenticator.kinds.base import Proof, Redirect, Visit
from authenticator.kinds.oauth import Tokens, Untrusted
from authenticator.kinds.oidc import OIDCProvider
from authenticator.kit import Kit
from authenticator.models import Intent
from authenticator.web_client import BadAnswer, WebClient

NONE = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
CALLBACK = "http://localhost:8000/sign-in/google/callback"
NOTHING: Any = None
VISIT = Visit(Intent.SIGN_IN, NOTHING, state="the-state", callback_url=CALLBACK, login_hint="ada@example.com")


def kit_for(emulator: Emulator, clock: SetClock) -> Kit:
    http = WebClient([emulator.base_url], read=1.0, total=2.0)
    log = logging.getLogger("test")
    return Kit("Test", "http://localhost:8000", clock, log, http, NOTHING, NOTHING, NOTHING, NOTHING, emulator.base_url)


@pytest.fixture(scope="module")
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(scope="module")
def server(clock: SetClock) -> Iterator[Emulator]:
    with Emulator([Google], clock=clock).serve() as emulator:
        yield emulator


@pytest.fixture
def emulator(server: Emulator) -> Emulator:
    server.auto, server.fault, server.tamper = True, "none", None
    return server


@pytest.fixture
def google(emulator: Emulator, clock: SetClock) -> Google:
    return Google(Google.Options(client_id="client", client_secret="secret"), kit_for(emulator, clock))


def there_and_back(provider: OIDCProvider, visit: Visit = VISIT, **form: str) -> tuple[dict[str, Any], dict[str, str]]:
    turn = provider.start(visit)
    assert isinstance(turn, Redirect)
    reply = requests.request("POST" if form else "GET", turn.url, data=form, allow_redirects=False, timeout=5)
    assert reply.status_code == 303, reply.text
    assert reply.headers["Location"].startswith(visit.callback_url + "?")
    return dict(turn.keep), dict(parse_qsl(urlsplit(reply.headers["Location"]).query))


def sign_in(provider: OIDCProvider, visit: Visit = VISIT, **form: str) -> Proof:
    keep, answer = there_and_back(provider, visit, **form)
    assert answer["state"] == visit.state
    proof = provider.resume(visit, keep, answer)
    assert isinstance(proof, Proof)
    return proof


def test_ada_signs_in(google: Google) -> None:
    proof = sign_in(google)
    assert proof.subject.isdigit()
    assert proof.identity.email == "ada@example.com"
    assert proof.identity.email_proven
    assert (proof.identity.given_name, proof.identity.family_name) == ("Ada", "Lovelace")
    assert proof.label == "ada@example.com"
    assert proof.amr == ()


def refusal(provider: OIDCProvider, code: str = "provider_failed", visit: Visit = VISIT, **form: str) -> AuthError:
    keep, answer = there_and_back(provider, visit, **form)
    with pytest.raises(AuthError) as caught:
        provider.resume(visit, keep, answer)
    assert caught.value.code == code
    assert caught.value.reference
    return caught.value


def signed(
    emulator: Emulator, claims: dict[str, Any], header: dict[str, Any] | None = None, key: Any = None, algorithm: str = "RS256"
) -> str:
    header = {"alg": algorithm, "kid": emulator.issuing.key.kid} | (header or {})
    return jwt.encode(header, claims, key or emulator.issuing.key, registry=JWSRegistry(algorithms=[algorithm], strict_check_header=False))


@pytest.fixture
def claims(emulator: Emulator, clock: SetClock) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    issuer = emulator.issuer_of(Google)
    return {"iss": issuer, "aud": "client", "sub": "42", "iat": now, "exp": now + 60, "nonce": "the-nonce", "azp": "client"}


def verify(provider: OIDCProvider, id_token: object) -> Any:
    return provider.verify(Tokens("test-access-token", {"id_token": id_token}), {"nonce": "the-nonce"})


ATTACKS: list[tuple[str, dict[str, Any]]] = [
    ("another issuer", {"iss": "https://accounts.evil.example"}),
    ("issuer with a slash", {"iss": "https://accounts.google.com/"}),
    ("issuer as a list", {"iss": ["accounts.google.com"]}),
    ("no issuer", {"iss": None}),
    ("another audience", {"aud": "other"}),
    ("audience by prefix", {"aud": "client2"}),
    ("no audience", {"aud": None}),
    ("empty audiences", {"aud": []}),
    ("audience as a map", {"aud": {"client": 1}}),
    ("two audiences, no azp", {"aud": ["client", "other"], "azp": None}),
    ("azp of another client", {"azp": "other"}),
    ("no expiry", {"exp": None}),
    ("expiry as text", {"exp": "9999999999"}),
    ("expiry as true", {"exp": True}),
    ("expired beyond the leeway", {"exp": -11}),
    ("no iat", {"iat": None}),
    ("from the future", {"iat": 20}),
    ("not yet valid", {"nbf": 20}),
    ("no nonce", {"nonce": None}),
    ("another nonce", {"nonce": "x"}),
    ("nonces in a list", {"nonce": ["the-nonce"]}),
    ("no subject", {"sub": None}),
    ("subject as a number", {"sub": 42}),
    ("at_hash of another token", {"at_hash": "x"}),
    ("at_hash as a list", {"at_hash": []}),
]


@pytest.mark.parametrize("change", [change for _, change in ATTACKS], ids=[name for name, _ in ATTACKS])
def test_an_id_token_with_one_wrong_claim_signs_nobody_in(
    google: Google, emulator: Emulator, claims: dict[str, Any], change: dict[str, Any]
) -> None:
    assert verify(google, signed(emulator, claims))["sub"] == "42"
    moments = {name: claims["iat"] + value for name, value in change.items() if name in ("exp", "iat", "nbf") and type(value) is int}
    forged = {name: value for name, value in (claims | change | moments).items() if value is not None}
    with pytest.raises(Untrusted):
        verify(google, signed(emulator, forged))


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "accounts.google.com"},
        {"aud": ["client"]},
        {"aud": ["client", "other"]},
        {"at_hash": "WXSA1LYsphIZPxnnP-TMOg"},
        {"exp": -5},
        {"iat": 9},
    ],
    ids=["old issuer", "one audience in a list", "two audiences with azp", "at_hash", "expired within the leeway", "a fast clock"],
)
def test_an_unusual_but_honest_id_token_is_believed(
    google: Google, emulator: Emulator, claims: dict[str, Any], change: dict[str, Any]
) -> None:
    moments = {name: claims["iat"] + value for name, value in change.items() if name in ("exp", "iat")}
    assert verify(google, signed(emulator, claims | change | moments))["sub"] == "42"


def test_a_signature_of_the_attacker_is_refused(google: Google, emulator: Emulator, claims: dict[str, Any]) -> None:
    own = RSAKey.generate_key(2048)
    public = own.as_dict(private=False)
    for header in (
        {},
        {"jwk": public},
        {"jku": "https://evil.example/jwks"},
        {"kid": "unknown"},
        {"kid": ""},
        {"crit": ["b64"], "b64": True},
    ):
        with pytest.raises(Untrusted):
            verify(google, signed(emulator, claims, header, own))


def test_an_unsigned_or_differently_signed_token_is_refused(google: Google, emulator: Emulator, claims: dict[str, Any]) -> None:
    honest = signed(emulator, claims)
    head, body, signature = honest.split(".")
    public = emulator.issuing.key.as_pem(private=False)
    flipped = signature[:10] + ("A" if signature[10] != "A" else "B") + signature[11:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hmac_key = OctKey.import_key(base64.b64encode(public))
    forged = [
        signed(emulator, claims, algorithm="RS384"),
        signed(emulator, claims, key=hmac_key, algorithm="HS256"),
        f"{NONE}.{body}.",
        f"{head}.{body}.",
        f"{head}.{body}.{flipped}",
        f"{head}.{signed(emulator, claims | {'sub': '43'}).split('.')[1]}.{signature}",
        f"{head}.{body}",
        f"{honest}.",
        f"{head}.{body}.{signature}.x.y",
        "",
        None,
        {"payload": body},
        ["a"],
    ]
    for text in forged:
        with pytest.raises((Untrusted, BadAnswer)):
            verify(google, text)


def test_a_token_signed_with_the_right_key_of_the_wrong_kind_is_refused(
    emulator: Emulator, clock: SetClock, claims: dict[str, Any]
) -> None:
    class Both(Google):
        algorithms = ("RS256", "ES256")

    provider = Both(Google.Options(client_id="client", client_secret="secret"), kit_for(emulator, clock))
    elliptic = ECKey.generate_key("P-256")
    with pytest.raises(Untrusted):
        verify(provider, signed(emulator, claims, key=elliptic, algorithm="ES256"))


def test_the_payload_must_be_one_plain_object(google: Google, emulator: Emulator) -> None:
    for payload in (b"[]", b"null", b'{"sub":"1","sub":"2"}', b"\xff", b"{"):
        token = jws.serialize_compact(
            {"alg": "RS256", "kid": emulator.issuing.key.kid}, payload, emulator.issuing.key, algorithms=["RS256"]
        )
        with pytest.raises((Untrusted, BadAnswer)):
            verify(google, token)


@pytest.mark.parametrize(
    "fault",
    ["expired_token", "wrong_nonce", "wrong_audience", "wrong_issuer", "foreign_key", "unsigned", "missing_id_token", "missing_subject",
     "wrong_callback_issuer", "html", "huge", "redirect"],
)  # fmt: skip
def test_a_lying_or_broken_issuer_signs_nobody_in(google: Google, fault: str) -> None:
    refusal(google, person="ada", fault=fault)


@pytest.mark.parametrize("fault", ["server_error", "slow"])
def test_an_issuer_in_trouble_is_temporary(google: Google, emulator: Emulator, fault: str) -> None:
    emulator.slow_seconds = 1.5
    refusal(google, "provider_unavailable", person="ada", fault=fault)


@pytest.mark.parametrize(("place", "fault"), [("keys", "html"), ("keys", "huge"), ("keys", "redirect"), ("keys", "server_error")])
def test_keys_that_cannot_be_had_sign_nobody_in(google: Google, emulator: Emulator, place: str, fault: str) -> None:
    emulator.fault = f"{fault}:{place}"
    refusal(google, "provider_unavailable" if fault == "server_error" else "provider_failed")
    emulator.fault = "none"
    assert sign_in(google).identity.email == "ada@example.com"


def test_a_broken_discovery_stops_the_start(google: Google, emulator: Emulator) -> None:
    emulator.fault = "html:discovery"
    with pytest.raises(AuthError, match="provider_failed"):
        google.start(VISIT)


def test_metadata_may_not_lead_away(google: Google, emulator: Emulator) -> None:
    good = requests.get(f"{emulator.issuer_of(Google)}/.well-known/openid-configuration", timeout=5).json()
    google.published._read(good)
    changes = [
        {"issuer": "https://evil.example"}, {"issuer": good["issuer"] + "/"}, {"token_endpoint": "https://oauth2.googleapis.com/token"},
        {"authorization_endpoint": "javascript:alert(1)"}, {"jwks_uri": f"{emulator.base_url}.evil.example/keys"}, {"jwks_uri": None}, {"token_endpoint": 1},
    ]  # fmt: skip
    for change in changes:
        with pytest.raises(BadAnswer):
            google.published._read(good | change)


def test_a_rotated_key_is_looked_up_once_a_minute(google: Google, emulator: Emulator, clock: SetClock) -> None:
    sign_in(google)
    refusal(google, person="ada", fault="rotated_key")
    clock.advance(seconds=61)
    assert sign_in(google, person="ada", fault="rotated_key").identity.email == "ada@example.com"


def test_the_withdrawn_key_is_forgotten(google: Google, emulator: Emulator, clock: SetClock) -> None:
    sign_in(google)
    stolen = emulator.issuing.key
    emulator.issuing.rotate()
    clock.advance(hours=1)
    now = int(clock.now().timestamp())
    claims = {"iss": emulator.issuer_of(Google), "aud": "client", "sub": "42", "iat": now, "exp": now + 60, "nonce": "the-nonce"}
    with pytest.raises(Untrusted):
        verify(google, signed(emulator, claims, {"kid": stolen.kid}, stolen))


def test_a_callback_without_its_promised_issuer_is_refused(google: Google) -> None:
    keep, answer = there_and_back(google)
    del answer["iss"]
    with pytest.raises(AuthError, match="provider_failed"):
        google.resume(VISIT, keep, answer)


@pytest.mark.parametrize(
    ("claims", "proven"),
    [
        ({"email": "a@gmail.com", "email_verified": True}, True), ({"email": "a@x.org", "email_verified": True, "hd": "x.org"}, True),
        ({"email": "a@x.org", "email_verified": True}, False), ({"email": "a@gmail.com", "email_verified": "true"}, False),
        ({"email": "a@gmail.com", "email_verified": 1}, False), ({"email": "a@gmail.com"}, False),
        ({"email": "a@gmail.com", "email_verified": "false"}, False), ({"email": "a@gmail.com.evil.example", "email_verified": True}, False),
        ({"email": "a@notgmail.com", "email_verified": True}, False),
    ],
)  # fmt: skip
def test_google_proves_only_mailboxes_that_it_runs(google: Google, claims: dict[str, Any], proven: bool) -> None:
    assert google.email_proven(claims) is proven


def test_only_the_signed_domain_opens_a_company(emulator: Emulator, clock: SetClock) -> None:
    def company(domain: str) -> Google:
        return Google(Google.Options(client_id="client", client_secret="secret", hosted_domain=domain), kit_for(emulator, clock))

    assert "hd=example.com" in company("example.com").start(VISIT).url  # type: ignore[union-attr]
    assert sign_in(company("example.com")).identity.email == "ada@example.com"
    assert "other.example" in refusal(company("other.example"), "forbidden").detail
    refusal(company("example.com"), "forbidden", person="alan", fault="none")


@pytest.mark.parametrize(("hint", "email"), [("alan@example.com", "alan@example.com"), ("nomail", ""), ("mallory", "ada@example.com")])
def test_an_unverified_or_missing_address_is_never_proven(google: Google, hint: str, email: str) -> None:
    proof = sign_in(google, replace(VISIT, login_hint=hint))
    assert (proof.identity.email, proof.identity.email_proven) == (email, False)


def test_userinfo_adds_to_the_signed_claims_and_must_be_about_her(emulator: Emulator, clock: SetClock) -> None:
    class Asking(Google):
        use_userinfo = True

    with Emulator([Asking], clock=clock).serve() as other:
        other.auto = True
        provider = Asking(Google.Options(client_id="client", client_secret="secret"), kit_for(other, clock))
        assert sign_in(provider).identity.email_proven
        refusal(provider, person="ada", fault="other_userinfo")
        refusal(provider, person="ada", fault="html:profile")


def test_the_log_names_step_and_reason_but_no_secret(google: Google, caplog: pytest.LogCaptureFixture) -> None:
    keep, answer = there_and_back(google, person="ada", fault="wrong_nonce")
    with caplog.at_level(logging.WARNING), pytest.raises(AuthError) as caught:
        google.resume(VISIT, keep, answer)
    assert f"provider=google step=verify reference={caught.value.reference} reason=nonce" in caplog.text
    for secret in (answer["code"], keep["verifier"], keep["nonce"], "secret", "ada@example.com"):
        assert secret not in caplog.text
        assert secret not in str(caught.value)
