"""TK: forged, confused, malformed and oversized access tokens at an app's own verifier, and the keys behind the good ones."""

from __future__ import annotations

import contextlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from authenticator_client import Introspection, Issuer, Refused, Unavailable, Verifier, web
from authenticator_client import keys as keys_module
from authenticator_client.keys import key_of
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from client.conftest import AUDIENCE, ORDER, b64

if TYPE_CHECKING:
    from client.conftest import Service


@pytest.fixture
def verifier(service: Service) -> Verifier:
    return Verifier(service.url, AUDIENCE)


def refused(verifier: Verifier, token: Any) -> str:
    begun = time.monotonic()
    with pytest.raises(Refused) as found:
        verifier.check(token)
    assert time.monotonic() - begun < 2
    assert not isinstance(token, str) or len(token) < 20 or token not in str(found.value)
    return found.value.code


def test_tk_00_a_good_token_passes_with_each_kind_of_key(service: Service, verifier: Verifier) -> None:
    """Otherwise every other test here would pass for the wrong reason."""
    for kid in service.keys:
        found = verifier.check(service.sign(service.claims(), kid=kid))
        assert (found.subject, found.client, found.session) == ("7", AUDIENCE, "s1")
        assert found.scopes == {"openid", "email"}
        assert found.may("diary:read")
        assert not found.may("diary:write")
        assert found.roles == {"writer"}
        assert found.claims["jti"]
    assert service.count("/jwks") == service.count("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize(
    "spelling", ["none", "None", "NONE", "nOnE", "", " none", None, 0, [], ["none"], ["ES256"], {"a": 1}, "HS256", "ES384", "PS256"]
)
def test_tk_01_a_token_without_a_signature_that_we_take_is_refused(service: Service, verifier: Verifier, spelling: Any) -> None:
    head, body, signature = service.sign(service.claims(), json.dumps({"alg": spelling, "kid": "es", "typ": "at+jwt"})).split(".")
    for token in (f"{head}.{body}.", f"{head}.{body}", f"{head}.{body}.{signature}", f"{head}.{body}.AA"):
        assert refused(verifier, token) == "invalid_token"


def test_tk_01_an_empty_or_missing_signature_is_refused(service: Service, verifier: Verifier) -> None:
    good = service.access_token()
    head = good.rpartition(".")[0]
    for token in (
        "",
        ".",
        "..",
        head,
        f"{head}.",
        f"{head}..",
        f"{head}.=",
        f"{good}=",
        f"{good}\n",
        f" {good}",
        f"{good}.x",
        None,
        7,
        b"x",
    ):
        assert refused(verifier, token) == "invalid_token"


@pytest.mark.parametrize("kid", ["es", "rs", "ed"])
def test_tk_02_a_token_signed_with_the_public_key_as_secret_is_refused(service: Service, verifier: Verifier, kid: str) -> None:
    public, encoding, form = service.keys[kid].public_key(), serialization.Encoding, serialization.PublicFormat
    pem = public.public_bytes(encoding.PEM, form.SubjectPublicKeyInfo)
    secrets = [
        pem,
        pem.strip(),
        public.public_bytes(encoding.DER, form.SubjectPublicKeyInfo),
        json.dumps(service.jwk(kid)).encode(),
        kid.encode(),
        b"",
    ]
    for algorithm, digest in (("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")):
        text = f"{b64({'alg': algorithm, 'kid': kid, 'typ': 'at+jwt'})}.{b64(service.claims())}"
        for secret in secrets:
            assert refused(verifier, f"{text}.{b64(hmac.digest(secret, text.encode(), digest))}") == "invalid_token"


@pytest.mark.parametrize("kid", ["es", "rs", "ed"])
def test_tk_02_a_key_checks_only_its_own_algorithm(service: Service, verifier: Verifier, kid: str) -> None:
    for other in ("es", "rs", "ed"):
        token = service.sign(service.claims(), {"kid": other}, kid=kid)
        assert other == kid or refused(verifier, token) == "invalid_token"


def test_tk_02_a_good_signature_under_the_name_of_another_algorithm_is_refused(service: Service, verifier: Verifier) -> None:
    """RFC 8725 §3.1: what the header says and what the key is for must agree, even where the signature would do."""
    for kid, named in (("es", "RS256"), ("es", "EdDSA"), ("rs", "ES256"), ("ed", "ES256")):
        assert refused(verifier, service.sign(service.claims(), {"alg": named}, kid=kid)) == "invalid_token"


def test_tk_03_keys_that_a_token_brings_along_are_not_looked_at(service: Service, verifier: Verifier) -> None:
    mine = ec.generate_private_key(ec.SECP256R1())
    jwk = jwt.get_algorithm_by_name("ES256").to_jwk(mine.public_key(), as_dict=True)
    service.keys["mine"] = mine
    verifier.check(service.access_token())  # the keys are known now, so any further request is the attacker's doing
    del service.keys["mine"]
    before = len(service.asked)
    for brought in (
        {"jwk": jwk},
        {"jku": f"{service.url}/evil"},
        {"x5u": f"{service.url}/evil"},
        {"x5c": ["MIIB"]},
        {"jwk": {**jwk, "kid": "es"}},
    ):
        service.keys["es"], kept = mine, service.keys["es"]
        token = service.sign(service.claims(), brought)
        service.keys["es"] = kept
        assert refused(verifier, token) == "invalid_token"
    for kid in ("../../../dev/null", "/etc/passwd", "' OR 1=1 --", f"{service.url}/evil", "", {"a": 1}, ["es"], None, 0, "mine2"):
        assert refused(verifier, service.sign(service.claims(), {"kid": kid})) == "invalid_token"
    assert len(service.asked) == before


@pytest.mark.parametrize("header", [{"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"b64": False, "crit": ["b64"]}])
def test_tk_03_a_header_that_must_be_understood_is_refused(service: Service, verifier: Verifier, header: dict[str, Any]) -> None:
    assert refused(verifier, service.sign(service.claims(), header)) == "invalid_token"


@pytest.mark.parametrize(
    "kind", ["JWT", None, "", "logout+jwt", "dpop+jwt", "at+JWT", "AT+JWT", "jwt", 7, ["at+jwt"], "secevent+jwt", "at+jwt "]
)
def test_tk_05_tokens_of_another_kind_are_refused(service: Service, verifier: Verifier, kind: Any) -> None:
    assert refused(verifier, service.sign(service.claims(), {"typ": kind})) == "invalid_token"


def test_tk_05_id_and_logout_tokens_are_no_access_tokens(service: Service, verifier: Verifier) -> None:
    for token in (service.id_token("n"), service.logout_token(), "opaque", service.sign(service.claims(cnf={"jkt": "x"}))):
        assert refused(verifier, token) == "invalid_token"


FAR = 10**18
MUTATIONS: list[dict[str, Any]] = [
    *({"iss": value} for value in (None, "", "http://127.0.0.1", ["x"], 7, {"a": 1})),
    *({"aud": value} for value in (None, "", "app_diar", "app_diaryx", "APP_DIARY", "app_diary/", [], ["other"], [7, "app_diary"], {"app_diary": 1}, 7, ["app_diary"] * 17)),
    *({claim: value} for claim in ("exp", "iat") for value in (None, "1", 1.5, -1, FAR, True, [1], {"a": 1}, 0)),
    {"nbf": "1"}, {"nbf": FAR}, {"nbf": 1.5}, {"nbf": True},
    *({claim: value} for claim in ("sub", "jti", "client_id") for value in (None, "", 7, ["7"], {"a": 1})),
    *({claim: value} for claim in ("sid", "scope") for value in (7, ["x"], {"a": 1})),
    *({claim: value} for claim in ("permissions", "roles") for value in ("diary:write", 7, [7], {"diary:write": 1}, [["x"]])),
]  # fmt: skip


@pytest.mark.parametrize("changed", MUTATIONS, ids=str)
def test_tk_07_claims_are_compared_exactly(service: Service, verifier: Verifier, changed: dict[str, Any]) -> None:
    assert refused(verifier, service.access_token(**changed)) == "invalid_token"


def test_tk_07_issuer_in_another_spelling_is_another_issuer(service: Service, verifier: Verifier) -> None:
    for issuer in (f"{service.url}/", service.url.upper(), service.url[:-1], f"{service.url}.evil.example", [service.url]):
        assert refused(verifier, service.access_token(iss=issuer)) == "invalid_token"


def test_tk_07_a_token_for_several_audiences_is_for_each(service: Service, verifier: Verifier) -> None:
    assert verifier.check(service.access_token(aud=["https://api.example.com", AUDIENCE])).subject == "7"


def test_tk_07_clocks_may_differ_by_ten_seconds_and_no_more(service: Service, verifier: Verifier) -> None:
    now = int(time.time())
    verifier.check(service.access_token(iat=now - 100, nbf=now - 100, exp=now - 5))
    verifier.check(service.access_token(iat=now + 5, nbf=now + 5))
    assert refused(verifier, service.access_token(iat=now - 100, nbf=now - 100, exp=now - 15)) == "token_expired"
    assert refused(verifier, service.access_token(iat=now + 20, exp=now + 100)) == "invalid_token"
    assert refused(verifier, service.access_token(nbf=now + 20)) == "invalid_token"


def test_tk_07_a_token_that_was_remembered_still_ends(service: Service, verifier: Verifier, monkeypatch: pytest.MonkeyPatch) -> None:
    token = service.access_token()
    verifier.check(token)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 140)
    assert refused(verifier, token) == "token_expired"


def test_tk_08_bombs_are_refused_at_once(service: Service, verifier: Verifier) -> None:
    verifier.check(service.access_token())
    deep = "[" * 3000 + "]" * 3000
    bombs = ["x" * 10**6, f"{'A' * 10**6}.e.e", "." * 10**6, f"{b64(deep)}.e30.AAAA", f"{b64('{' * 300)}.e30.AAAA", service.sign(deep),
             service.sign('{"a":1,"a":2}'), service.sign('{"exp": NaN}'), service.sign('{"exp": 1e999}'), service.sign("[]"), service.sign("null"),
             service.sign(service.claims(), {"x": "y" * 4000}), service.sign(service.claims(x="y" * 9000)), f"{b64({'alg': 'PBES2-HS256+A128KW', 'p2c': 10**9})}.a.b.c.d",
             f"{b64({'alg': 'dir', 'enc': 'A128GCM', 'zip': 'DEF'})}..a.b.c", service.sign('{"sub": "\ud800"}'.encode("utf-8", "surrogatepass").decode("latin-1"))]  # fmt: skip
    for bomb in bombs:
        begun = time.monotonic()
        assert refused(verifier, bomb) == "invalid_token"
        assert time.monotonic() - begun < 0.3


@pytest.mark.parametrize("more", ['"sub": "8"', '"x": NaN', '"x": Infinity'])
def test_tk_08_claims_that_two_readers_may_read_differently_are_refused(service: Service, verifier: Verifier, more: str) -> None:
    assert refused(verifier, service.sign(f"{json.dumps(service.claims())[:-1]}, {more}}}")) == "invalid_token"


def test_tk_09_signatures_at_the_edges_are_refused(service: Service, verifier: Verifier) -> None:
    text = service.sign(service.claims()).rpartition(".")[0]
    r, s = decode_dss_signature(service.keys["es"].sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    s = min(s, ORDER - s)
    good = b64(r.to_bytes(32) + s.to_bytes(32))
    assert Verifier(service.url, AUDIENCE).check(f"{text}.{good}")
    pairs = [
        (0, 0),
        (0, 1),
        (1, 0),
        (r, 0),
        (0, s),
        (ORDER, ORDER),
        (r, ORDER),
        (r, ORDER - s),
        (s, r),
        (r, s + 1),
        (2**256 - 1, s),
        (ORDER - 1, ORDER - 1),
    ]
    for left, right in pairs:
        assert refused(verifier, f"{text}.{b64(left.to_bytes(32) + right.to_bytes(32))}") == "invalid_token"
    raw = r.to_bytes(32) + s.to_bytes(32)
    der = service.keys["es"].sign(text.encode(), ec.ECDSA(hashes.SHA256()))
    last = good[:-1] + chr(ord(good[-1]) + 1)
    for tail in (b64(der), b64(raw[:-1]), b64(raw + b"\0"), b64(b"\0" + raw), last, f"{good[:-1]}+", good + "A", good[:-1]):
        assert refused(verifier, f"{text}.{tail}") == "invalid_token"


@pytest.mark.parametrize("kind", ["P-384", "secp256k1", "RSA", "RSA 1024", "other P-256"])
def test_tk_09_a_key_of_another_kind_signs_nothing_here(service: Service, verifier: Verifier, kind: str) -> None:
    text = service.sign(service.claims()).rpartition(".")[0]
    if kind.startswith("RSA"):
        size = 1024 if "1024" in kind else 2048
        signature = rsa.generate_private_key(65537, size).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    else:
        curve = {"P-384": ec.SECP384R1, "secp256k1": ec.SECP256K1}.get(kind, ec.SECP256R1)()
        r, s = decode_dss_signature(ec.generate_private_key(curve).sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(48) + s.to_bytes(48) if kind == "P-384" else r.to_bytes(32) + min(s, ORDER - s).to_bytes(32)
    assert refused(verifier, f"{text}.{b64(signature)}") == "invalid_token"


SMALL_POINTS = [
    "01" + "00" * 31,
    "00" * 32,
    "ec" + "ff" * 30 + "7f",
    "ed" + "ff" * 30 + "7f",
    "ee" + "ff" * 30 + "7f",
    "01" + "00" * 30 + "80",
    "00" * 31 + "80",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]


@pytest.mark.parametrize("point", SMALL_POINTS)
def test_tk_09_a_key_of_small_order_is_never_taken(point: str) -> None:
    """Under such a key signatures can be made without the private half."""
    assert key_of({"kty": "OKP", "crv": "Ed25519", "kid": "x", "x": b64(bytes.fromhex(point))}) is None


def test_tk_09_keys_that_are_weak_or_for_something_else_are_not_taken(service: Service) -> None:
    weak = jwt.get_algorithm_by_name("RS256").to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True)
    good = service.jwk("es")
    assert key_of(good)
    others: list[Any] = [
        {**weak, "kid": "w"}, {**good, "use": "enc"}, {**good, "alg": "HS256"}, {**good, "alg": "RS256"}, {**good, "kid": 7}, {**good, "crv": "P-384"},
        {**good, "x": "AA"}, {**good, "x": 7}, {**good, "d": "AA"}, {"kty": "oct", "k": "AAAA", "kid": "o"}, {**good, "kty": ["EC"]}, {**good, "crv": ["P-256"]}, [], None, "x", {},
    ]  # fmt: skip
    for jwk in others:
        assert key_of(jwk) is None, jwk


class Clock:
    """The monotonic clock of the keys, which a test moves."""

    def __init__(self) -> None:
        self.now = time.monotonic()

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return time.time()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(keys_module, "time", made)
    return made


def test_tk_10_a_flood_of_unknown_keys_asks_the_service_once_a_minute(service: Service, verifier: Verifier, clock: Clock) -> None:
    verifier.check(service.access_token())
    flood = [service.sign(service.claims(), {"kid": f"unknown-{number}"}) for number in range(100)]
    for minute in range(3):
        for token in flood:
            assert refused(verifier, token) == "invalid_token"
        assert service.count("/jwks") == 1 + minute
        clock.now += 61


def test_tk_10_a_flood_while_the_service_is_away_asks_it_once_a_minute_too(service: Service, verifier: Verifier, clock: Clock) -> None:
    verifier.check(service.access_token())
    service.away, clock.now = True, clock.now + 700
    token = service.sign(service.claims(), {"kid": "unknown"})
    for _ in range(50):
        assert refused(verifier, token) == "invalid_token"
    assert service.count("/jwks") == 2


def test_tk_10_a_new_key_is_found_by_many_threads_with_one_request(service: Service, verifier: Verifier, clock: Clock) -> None:
    verifier.check(service.access_token())
    service.keys["es2"], clock.now = ec.generate_private_key(ec.SECP256R1()), clock.now + 61
    token, found, faults = service.sign(service.claims(), kid="es2"), [], []

    def check() -> None:
        try:
            found.append(verifier.check(token))
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=check) for _ in range(20)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert (len(found), faults, service.count("/jwks")) == (20, [], 2)


def test_tk_10_known_keys_serve_while_the_service_is_away_but_not_for_ever(service: Service, verifier: Verifier, clock: Clock) -> None:
    verifier.check(service.access_token())
    service.away, clock.now = True, clock.now + 23 * 3600
    assert verifier.check(service.access_token())
    clock.now += 2 * 3600
    with pytest.raises(Unavailable):
        verifier.check(service.access_token())


def test_tk_10_a_key_that_was_withdrawn_is_forgotten(service: Service, verifier: Verifier, clock: Clock) -> None:
    token = service.access_token()
    verifier.check(token)
    service.keys["es"], clock.now = ec.generate_private_key(ec.SECP256R1()), clock.now + 601
    verifier.check(service.access_token())
    assert refused(Verifier(verifier.issuer, AUDIENCE), token) == "invalid_token"


def test_a_service_that_does_not_answer_lets_nobody_in(service: Service, verifier: Verifier) -> None:
    service.away = True
    with pytest.raises(Unavailable):
        verifier.check(service.access_token())


def at_once(number: int, ask: Callable[[], Any]) -> list[Any]:
    """What so many threads get that ask one after the other, 10 ms apart: an answer, or the fault."""
    found: list[Any] = []

    def one() -> None:
        try:
            found.append(ask())
        except Unavailable as fault:
            found.append(fault)

    threads = [threading.Thread(target=one) for _ in range(number)]
    for thread in threads:
        thread.start()
        time.sleep(0.01)
    [thread.join() for thread in threads]
    return found


def test_the_first_requests_wait_for_the_one_that_asks_the_service(service: Service) -> None:
    issuer, answer = Issuer(service.url), service.answer
    service.answer = lambda path: time.sleep(0.2) or answer(path)  # type: ignore[func-returns-value, method-assign]
    assert at_once(8, lambda: issuer.endpoint("token_endpoint")) == [f"{service.url}/token"] * 8
    assert service.count("/.well-known/openid-configuration") == 1


def test_a_service_that_hangs_is_waited_for_once_and_not_by_each_in_turn(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "READ_SECONDS", 0.3)
    service.answer = lambda _: time.sleep(0.6) or (200, {})  # type: ignore[func-returns-value, method-assign]
    issuer, begun = Issuer(service.url), time.monotonic()
    verifier, token = Verifier(issuer, AUDIENCE), service.access_token()
    assert all(isinstance(one, Unavailable) for one in at_once(6, lambda: verifier.check(token)) + at_once(6, lambda: issuer.endpoint("x")))
    assert time.monotonic() - begun < 1.5
    assert service.count("/.well-known/openid-configuration") == 1


def test_an_answer_that_drips_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "READ_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            there, _ = server.accept()
            with there, contextlib.suppress(OSError):
                there.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
                for _ in range(100):
                    there.sendall(b" ")
                    time.sleep(0.1)

        thread = threading.Thread(target=drip)
        thread.start()
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="too slowly"):
            web.get(f"http://127.0.0.1:{server.getsockname()[1]}/jwks")
        assert time.monotonic() - begun < 2
        thread.join()


def test_a_password_for_the_host_in_netrc_does_not_take_the_place_of_the_token(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login ada password secret\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    web.get(f"{service.url}/userinfo", token="t")
    web.post(f"{service.url}/token", {})
    assert [sent for _, _, sent in service.asked] == ["Bearer t", ""]


def test_an_issuer_that_is_spelt_otherwise_is_told_so(service: Service) -> None:
    with pytest.raises(Unavailable, match=f"calls itself '{service.url}'"):
        Verifier(f"{service.url}/", AUDIENCE).check(service.access_token())


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"jwks_uri": "http://evil.example/jwks"},
        {"jwks_uri": 7},
        {"token_endpoint": "javascript:x"},
    ],
)
def test_sf_03_a_service_that_speaks_for_another_is_not_believed(service: Service, verifier: Verifier, changed: dict[str, Any]) -> None:
    good = service.answer("/.well-known/openid-configuration")[1]
    service.answers["/.well-known/openid-configuration"] = 200, good | changed
    with pytest.raises(Unavailable):
        verifier.check(service.access_token())


@pytest.mark.parametrize(
    "said", [(200, b"x" * (2 << 20)), (302, {}), (200, []), (200, b"{"), (200, {"keys": "x"}), (200, {"keys": []}), (500, {})]
)
def test_sf_02_key_sets_that_are_none_are_not_believed(service: Service, verifier: Verifier, said: tuple[int, Any]) -> None:
    service.answers["/jwks"] = said
    with pytest.raises(Unavailable):
        verifier.check(service.access_token())
    assert service.count("/elsewhere") == 0


def test_sf_02_a_key_set_without_end_is_not_read(service: Service, verifier: Verifier) -> None:
    good = json.dumps(service.answer("/jwks")[1]).encode()
    service.answers["/jwks"] = 200, good + b" " * (2 << 20)
    with pytest.raises(Unavailable):
        verifier.check(service.access_token())


@pytest.mark.parametrize(
    "url",
    [
        "http://auth.example.com",
        "ftp://x",
        "auth.example.com",
        "https://",
        "https://u:p@x",
        "https://x/#f",
        "javascript:alert(1)",
        "https://x\\y",
        "file:///etc/passwd",
        "",
    ],
)
def test_only_https_is_asked_but_on_this_machine(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|https"):
        Verifier(url, AUDIENCE)


def test_a_verifier_without_an_audience_can_t_be_made(service: Service) -> None:
    with pytest.raises(ValueError, match="audience"):
        Verifier(service.url, "")


def test_a_denylist_is_asked_about_remembered_tokens_too(service: Service) -> None:
    revoked: set[str] = set()
    verifier = Verifier(service.url, AUDIENCE, revoked=lambda _, found: found.session in revoked)
    token = service.access_token()
    verifier.check(token)
    revoked.add("s1")
    assert refused(verifier, token) == "token_revoked"


def test_introspection_ends_a_token_within_its_seconds(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = Issuer(service.url)
    verifier = Verifier(issuer, AUDIENCE, revoked=Introspection(issuer, "app one", "s:cret", seconds=1))
    token = service.access_token()
    service.answers["/introspection"] = 200, {"active": True}
    for _ in range(5):
        verifier.check(token)
    assert service.count("/introspection") == 1
    assert next(auth for path, _, auth in service.asked if path == "/introspection") == "Basic YXBwK29uZTpzJTNBY3JldA=="
    service.answers["/introspection"] = 200, {"active": False}
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 1.1)
    assert refused(verifier, token) == "token_revoked"


@pytest.mark.parametrize("said", [(500, {}), (401, {"error": "invalid_client"}), (200, {}), (200, {"active": "true"}), (200, b"no")])
def test_introspection_that_fails_lets_nobody_in(service: Service, said: tuple[int, Any]) -> None:
    service.answers["/introspection"] = said
    verifier = Verifier(service.url, AUDIENCE, revoked=Introspection(Issuer(service.url), "a", "b"))
    with pytest.raises(Unavailable):
        verifier.check(service.access_token())
