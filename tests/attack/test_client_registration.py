"""Attacks by applications that register themselves: rows OA-18 and OA-19 of the attack list, and the word of a document."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from joserfc.jwk import ECKey

from authenticator.applications import OWN
from authenticator.errors import AuthError, ConfigurationError
from authenticator.flows import client_keys, client_names, released
from authenticator.web_client import Answer, Unreachable, WebClient

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.attack.conftest import Builder, House

TOKEN = "initial-access-token-0123456789-abcdefgh"
SHORT = {"kty": "RSA", "e": "AQAB", "n": "w" * 171}  # 1024 bits
GOOD = {"client_name": "Shop", "redirect_uris": ["https://shop.example/callback"]}
PAGE = "https://mcp.example/client.json"
DOCUMENT = {"client_id": PAGE, "client_name": "MCP", "redirect_uris": ["http://127.0.0.1/callback"]}
HOSTILE_URIS = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "about:blank",
    "blob:https://shop.example/x",
    "http://shop.example/callback",
    "http://127.0.0.1.evil.example/cb",
    "https://shop.example/callback#fragment",
    "https://shop.example/callback#",
    "https://user:pass@shop.example/cb",
    "https://*.example/cb",
    "https://shop.example/../cb",
    "https://shop.example/%2e%2e/cb",
    "https://shop.example\\@evil.example/cb",
    "https://shop.example/a b",
    "https://shop.example/\r\nX: y",
    "//shop.example/cb",
    "/callback",
    "https:shop.example",
    "https://",
    "https:///cb",
    "https://shop.example:99999/cb",
    "https://ѕhop.example/cb",
    "com.example.app:/callback",
    "urn:ietf:wg:oauth:2.0:oob",
    "",
    "https://shop.example/" + "a" * 3000,
]
HOSTILE_METADATA: list[tuple[str, dict[str, Any]]] = [
    ("redirect_uris", {"redirect_uris": []}),
    ("redirect_uris", {"redirect_uris": "https://shop.example/callback"}),
    ("redirect_uris", {"redirect_uris": [1]}),
    ("redirect_uris", {"redirect_uris": [f"https://shop.example/{number}" for number in range(21)]}),
    ("client_name", {"client_name": "Sh\u202eop"}),
    ("client_name", {"client_name": "Sh\nop"}),
    ("client_name", {"client_name": "Gооgle"}),
    ("client_name", {"client_name": "Authenticator"}),
    ("client_name", {"client_name": "AUTHEN-TICATOR"}),
    ("client_name", {"client_name": "Authent\u0131cator"}),  # without the dot
    ("client_name", {"client_name": "Authentlcat0r"}),
    ("client_name", {"client_name": "\ua4eeuthor"}),  # Lisu A
    ("client_name", {"client_name": "\u1585uthor"}),  # Canadian syllabics
    ("client_name", {"client_name": "a" * 61}),
    ("client_name", {"client_name": "S" + "\u0301" * 5}),
    ("logo_uri", {"logo_uri": "javascript:alert(1)"}),
    ("logo_uri", {"logo_uri": "http://169.254.169.254/latest"}),
    ("jwks_uri", {"jwks_uri": "https://127.0.0.1/keys"}),
    ("client_uri", {"client_uri": "data:text/html,x"}),
    ("policy_uri", {"policy_uri": "http://shop.example/policy"}),
    ("backchannel_logout_uri", {"backchannel_logout_uri": "https://10.0.0.1/logout"}),
    ("frontchannel_logout_uri", {"frontchannel_logout_uri": "https://other.example/logout"}),
    ("grant_types", {"grant_types": ["implicit"]}),
    ("grant_types", {"grant_types": ["password"]}),
    ("grant_types", {"grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"]}),
    ("grant_types", {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"}),
    ("response_types", {"response_types": ["token"]}),
    ("response_types", {"response_types": ["code", "id_token token"]}),
    ("token_endpoint_auth_method", {"token_endpoint_auth_method": "client_secret_jwt"}),
    ("id_token_signed_response_alg", {"id_token_signed_response_alg": "none"}),
    ("id_token_signed_response_alg", {"id_token_signed_response_alg": "HS256"}),
    ("request_object_signing_alg", {"request_object_signing_alg": "none"}),
    ("sector_identifier_uri", {"subject_type": "pairwise", "redirect_uris": ["https://a.example/cb", "https://b.example/cb"]}),
    ("jwks", {"token_endpoint_auth_method": "private_key_jwt"}),
    ("jwks", {"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}}),
    ("jwks", {"jwks": {"keys": [ECKey.generate_key("P-256").as_dict(private=True)]}}),
    ("jwks", {"jwks": {"keys": [SHORT]}}),
    ("require_pkce", {"require_pkce": False, "token_endpoint_auth_method": "none"}),
]


class Web(WebClient):
    """The rest of the world, as far as a test needs it; which addresses were asked for."""

    def __init__(self, pages: dict[str, Any]) -> None:
        super().__init__()
        self.pages, self.asked = pages, []

    def get(self, url: str, **_: Any) -> Answer:
        self.asked.append(url)
        if url not in self.pages:
            raise Unreachable("nobody is there")
        return Answer(200, json.dumps(self.pages[url]).encode())


@pytest.fixture(scope="module")
def manor(build: Builder) -> House:
    """Production, where applications register themselves without a token."""
    return build(environment="production", public_url="https://auth.example", oidc_registration="open", oidc_documents="true")


@pytest.fixture
def web(manor: House, monkeypatch: pytest.MonkeyPatch) -> Web:
    web = Web({PAGE: DOCUMENT})
    web.allows = manor.service.core.outside.allows  # type: ignore[method-assign]
    old = manor.service.core.outside
    object.__setattr__(manor.service.core, "outside", web)
    manor.service.core.fleeting._kept.clear()
    manor.service.core.store.forgive(["documents", "documents:mcp.example"])
    if manor.service.find_application(PAGE):
        manor.service.core.store.remove_application(PAGE, manor.clock.now())
    manor.service.core.fleeting._kept.clear()
    web.asked.clear()
    monkeypatch.setattr(manor, "restore", lambda: object.__setattr__(manor.service.core, "outside", old), raising=False)
    return web


def register(house: House, metadata: Any, **headers: str) -> TestResponse:
    return house.visitor().post("/oauth/register", json=metadata, headers=headers)


def manage(house: House, method: str, made: Any, token: str, body: Any = None) -> TestResponse:
    path = made["registration_client_uri"].removeprefix(house.service.settings.public_url)
    return house.visitor().open(path, method=method, json=body, headers={"Authorization": f"Bearer {token}"})


def test_oa_18_nobody_registers_where_it_is_off(build: Builder) -> None:
    house = build()
    answer = register(house, GOOD)
    assert (answer.status_code, answer.json["error"]) == (404, "not_found")
    assert house.service.applications().items == ()


def test_oa_18_the_initial_access_token_is_needed_where_it_is_set(build: Builder) -> None:
    house = build(oidc_registration="token", oidc_registration_token=TOKEN)
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": f"Bearer {TOKEN}x"}):
        answer = register(house, GOOD, **headers)
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_token")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert register(house, GOOD, Authorization=f"Bearer {TOKEN}").status_code == 201
    assert len(house.service.applications().items) == 1


def test_oa_18_a_guessable_initial_access_token_is_none(build: Builder) -> None:
    for token in ("", "short"):
        with pytest.raises(ConfigurationError):
            build(oidc_registration="token", oidc_registration_token=token)


@pytest.mark.parametrize("uri", HOSTILE_URIS)
def test_oa_18_no_hostile_address_is_registered(manor: House, uri: str) -> None:
    for field in ("redirect_uris", "post_logout_redirect_uris"):
        answer = register(manor, {**GOOD, field: [*GOOD["redirect_uris"], uri], "application_type": "native"})
        assert answer.status_code == 400
        assert answer.json["error"] == ("invalid_redirect_uri" if field == "redirect_uris" else "invalid_client_metadata")
        assert "alert(1)" not in answer.text


@pytest.mark.parametrize(("field", "metadata"), HOSTILE_METADATA)
def test_oa_18_hostile_metadata_are_refused(manor: House, field: str, metadata: dict[str, Any]) -> None:
    answer = register(manor, {**GOOD, **metadata})
    assert answer.status_code == 400
    assert answer.json["error"] in ("invalid_redirect_uri", "invalid_client_metadata")
    assert field in answer.json["error_description"]


def test_oa_18_native_applications_may_have_a_scheme_of_their_own(manor: House) -> None:
    native = {"application_type": "native", "token_endpoint_auth_method": "none"}
    for uri in ("com.example.app:/callback", "http://127.0.0.1/cb", "http://[::1]:8123/cb", "http://localhost:1/cb"):
        assert register(manor, {**GOOD, **native, "redirect_uris": [uri]}).status_code == 201, uri
    for uri in ("javascript:/x", "myapp:/callback", "com.example.app://user@host/x", "data:/x"):
        assert register(manor, {**GOOD, **native, "redirect_uris": [uri]}).status_code == 400, uri


def test_oa_18_who_registers_herself_is_never_trusted_nor_of_this_house(manor: House) -> None:
    wishes = {
        "trusted": True,
        "origins": ["https://evil.example"],
        "resources": ["https://auth.example"],
        "scope": "openid users:write account",
    }
    made = register(manor, {**GOOD, **wishes, "client_id": OWN, "owner": "1", "registration": "operator", "enabled": True})
    assert made.status_code == 201
    found = manor.service.application(made.json["client_id"])
    assert (found.trusted, found.origins, found.resources, found.scopes, found.owner) == (False, (), (), ("openid",), "")
    assert manor.service.origins() == frozenset()
    assert manor.service.allowed_return("https://shop.example/x") == ""


def test_oa_18_no_page_inside_is_fetched_at_registration(manor: House, web: Web) -> None:
    register(manor, {**GOOD, "logo_uri": "https://shop.example/logo.png", "jwks_uri": "https://shop.example/keys"})
    assert web.asked == [], "nothing is fetched before it is needed"


def test_oa_18_twenty_registrations_an_hour_and_no_more(manor: House) -> None:
    program = manor.visitor("198.51.100.7")
    answers = [program.post("/oauth/register", json=GOOD).status_code for _ in range(22)]
    assert answers == [201] * 20 + [429] * 2
    assert manor.visitor("198.51.100.8").post("/oauth/register", json=GOOD).status_code == 201


def test_oa_18_only_the_registrations_own_token_reads_and_changes_it(manor: House) -> None:
    mine, other = register(manor, GOOD).json, register(manor, {**GOOD, "client_name": "Other"}).json
    for token in ("", "x", other["registration_access_token"], mine["client_secret"]):
        for method, body in (("GET", None), ("PUT", {**GOOD, "client_id": mine["client_id"]}), ("DELETE", None)):
            answer = manage(manor, method, mine, token, body)
            assert (answer.status_code, answer.json["error"]) == (401, "invalid_token")
    assert manage(manor, "GET", mine, mine["registration_access_token"]).json["client_name"] == "Shop"
    unknown = {"registration_client_uri": "https://auth.example/oauth/register/app_unknown"}
    assert manage(manor, "GET", unknown, mine["registration_access_token"]).status_code == 401


def test_oa_18_an_operators_application_is_not_managed_by_a_token(manor: House) -> None:
    made = manor.service.register_application(GOOD).application
    answer = manage(manor, "GET", {"registration_client_uri": f"https://auth.example/oauth/register/{made.id}"}, "")
    assert answer.status_code == 401


def test_oa_18_a_change_is_checked_like_a_registration(manor: House) -> None:
    made = register(manor, GOOD).json
    token, named = made["registration_access_token"], {**GOOD, "client_id": made["client_id"]}
    assert manage(manor, "PUT", made, token, {**named, "redirect_uris": ["javascript:alert(1)"]}).json["error"] == "invalid_redirect_uri"
    assert manage(manor, "PUT", made, token, GOOD).status_code == 400, "without its client_id"
    assert manage(manor, "PUT", made, token, {**named, "client_id": "app_other"}).status_code == 400
    assert manage(manor, "PUT", made, token, {**named, "client_secret": "chosen"}).status_code == 400
    assert manage(manor, "PUT", made, token, {**named, "registration_access_token": token}).status_code == 400
    changed = manage(manor, "PUT", made, token, {**named, "client_secret": made["client_secret"], "client_name": "New", "trusted": True})
    assert (changed.status_code, changed.json["client_name"]) == (200, "New")
    assert "client_secret" not in changed.json
    assert not manor.service.application(made["client_id"]).trusted


def test_oa_18_a_disabled_application_is_not_changed_and_a_removed_one_is_gone(manor: House) -> None:
    made = register(manor, GOOD).json
    token = made["registration_access_token"]
    manor.service.disable_application(manor.service.application(made["client_id"]))
    assert manage(manor, "PUT", made, token, {**GOOD, "client_id": made["client_id"]}).status_code == 403
    manor.service.enable_application(manor.service.application(made["client_id"]))
    assert manage(manor, "DELETE", made, token).status_code == 204
    assert manage(manor, "GET", made, token).status_code == 401
    assert manor.service.find_application(made["client_id"]) is None


def test_oa_18_secrets_and_tokens_are_kept_as_digests_only(manor: House) -> None:
    made = register(manor, GOOD).json
    kept = manor.dump()
    for secret in (made["client_secret"], made["registration_access_token"]):
        assert len(secret) >= 43
        assert secret.encode() not in kept


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'{"a":1,"a":2}', b"\xff", b"[" * 60_000, b'{"client_name":"\\ud800"}'])
def test_oa_18_no_body_breaks_registration(manor: House, body: bytes) -> None:
    answer = manor.visitor().post("/oauth/register", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json["error"] == "invalid_client_metadata"


def test_oa_18_what_was_registered_is_handed_back(manor: House) -> None:
    key = ECKey.generate_key("P-256").as_dict(private=False)
    said = {
        **GOOD,
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "scope": "openid email",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": {"keys": [key]},
        "application_type": "web",
        "subject_type": "pairwise",
        "id_token_signed_response_alg": "ES256",
        "userinfo_signed_response_alg": "EdDSA",
        "request_object_signing_alg": "PS256",
        "default_max_age": 0,
        "require_auth_time": True,
        "default_acr_values": ["2"],
        "initiate_login_uri": "https://shop.example/login",
        "post_logout_redirect_uris": ["https://shop.example/bye"],
        "backchannel_logout_uri": "https://shop.example/logout",
        "backchannel_logout_session_required": True,
        "frontchannel_logout_uri": "https://shop.example/out",
        "frontchannel_logout_session_required": True,
        "require_pushed_authorization_requests": True,
        "dpop_bound_access_tokens": True,
        "logo_uri": "https://shop.example/logo.png",
        "client_uri": "https://shop.example/",
        "policy_uri": "https://shop.example/policy",
        "tos_uri": "https://shop.example/tos",
        "contacts": ["ops@shop.example"],
        "software_id": "shop",
        "software_version": "1",
    }
    made = register(manor, said)
    assert made.status_code == 201
    assert {name: made.json[name] for name in said} == said
    assert "client_secret" not in made.json
    read = manage(manor, "GET", made.json, made.json["registration_access_token"]).json
    assert read == made.json


def test_oa_18_a_sector_is_what_its_document_lists(manor: House, web: Web) -> None:
    sector, uris = "https://sector.example/uris.json", ["https://a.example/cb", "https://b.example/cb"]
    wanted = {**GOOD, "redirect_uris": uris, "subject_type": "pairwise", "sector_identifier_uri": sector}
    assert register(manor, wanted).status_code == 400
    web.pages[sector] = uris[:1]
    assert register(manor, wanted).status_code == 400
    web.pages[sector] = {"redirect_uris": uris}
    assert register(manor, wanted).status_code == 400
    web.pages[sector] = uris
    made = register(manor, wanted)
    assert made.status_code == 201
    assert manor.service.application(made.json["client_id"]).sector == "sector.example"


DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
NATIVE = {"application_type": "native", "token_endpoint_auth_method": "none"}


@pytest.mark.parametrize(
    ("facts", "sector"),
    [
        ({"redirect_uris": ["https://bank.example/cb"]}, "bank.example"),
        ({"redirect_uris": ["https://bank.example/cb"], "grant_types": ["authorization_code", DEVICE]}, ""),
        ({"redirect_uris": [], "response_types": [], "grant_types": [DEVICE]}, ""),
        ({"redirect_uris": ["http://127.0.0.1/cb"], **NATIVE}, ""),
        ({"redirect_uris": ["https://localhost/cb"]}, ""),
        ({"redirect_uris": ["com.example.app://bank.example/cb"], **NATIVE}, ""),
    ],
)
def test_oa_18_a_stranger_shares_subjects_only_where_its_answers_go(manor: House, facts: dict[str, Any], sector: str) -> None:
    made = [register(manor, {**GOOD, "subject_type": "pairwise", **facts}).json["client_id"] for _ in range(2)]
    first, second = (manor.service.application(one) for one in made)
    assert (first.sector, second.sector) == (sector, sector)
    person = manor.service.find_user(manor.sign_up().id)
    subjects = {released.subject(manor.service.core, person, one) for one in (first, second)}
    assert len(subjects) == (1 if sector else 2)


@pytest.mark.parametrize(
    "facts",
    [
        {"redirect_uris": ["com.example.app:/callback"], **NATIVE},
        {"client_uri": "https://authenticator/"},
        {"redirect_uris": ["https://authenticator/callback"]},
        {"client_uri": f"https://{'a' * 60}.example/"},
        {"client_name": " "},
    ],
)
def test_oa_18_a_host_that_makes_no_good_name_is_none(manor: House, facts: dict[str, Any]) -> None:
    answer = register(manor, {"redirect_uris": GOOD["redirect_uris"], **facts})
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_client_metadata")
    assert answer.json["error_description"].startswith("client_name:")


def test_without_a_name_an_application_is_called_by_its_host(manor: House) -> None:
    assert register(manor, {"redirect_uris": ["https://shop.example/cb"]}).json["client_name"] == "shop.example"
    assert register(manor, {**GOOD, "client_name": "", "client_uri": "https://www.example/"}).json["client_name"] == "www.example"


@pytest.mark.parametrize(
    "name",
    ["Shop", "Ada's Shop", "Магазин", "Café №5", "ショップ Shop", "מכון", "Shop 日本", "ᏣᎳᎩ", "LINEマンガ", "人々", "Hawaiʻi", "Alışveriş"],
)
def test_names_of_all_languages_are_good_names(name: str) -> None:
    assert client_names.fault(client_names.tidy(name)) == ""


# OA-19


def test_oa_19_no_client_id_is_a_users_id(manor: House) -> None:
    person = manor.sign_up()
    made = [register(manor, {**GOOD, "client_id": person.id}).json["client_id"] for _ in range(3)]
    made.append(manor.service.register_application(GOOD).application.id)
    assert len(set(made)) == 4
    assert all(one.startswith("app_") and not one.isdecimal() for one in made)
    assert manor.service.user(made[0]) is None
    assert manor.service.find_application(person.id) is None


def test_oa_19_nobody_is_the_service_itself(manor: House) -> None:
    for client_id in (OWN, f"{OWN} ", "", "a" * 129, "x\x00", "x\n"):
        assert manor.service.find_application(client_id) is None


# documents


def test_a_document_is_the_client_that_it_names(manor: House, web: Web) -> None:
    found = manor.service.find_application(PAGE)
    assert found
    assert (found.name, found.auth_method, found.registration, found.trusted) == ("MCP", "none", "document", False)
    assert (found.require_pkce, found.origins) == (True, ())
    manor.service.find_application(PAGE)
    assert web.asked == [PAGE], "kept for some hours"


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "https://other.example/client.json"},
        {"client_id": PAGE + "/"},
        {"client_secret": "x"},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": []},
        {"grant_types": ["client_credentials"]},
        {"client_name": "Authenticator"},
        {"jwks_uri": "https://127.0.0.1/keys"},
        {"jwks": {"keys": [{**ECKey.generate_key("P-256").as_dict(private=False), "note": "x" * 17_000}]}},
    ],
)
def test_sf_03_a_document_that_is_no_good_is_nobody(manor: House, web: Web, change: dict[str, Any]) -> None:
    web.pages[PAGE] = {**DOCUMENT, **change}
    assert manor.service.find_application(PAGE) is None
    with pytest.raises(AuthError):
        manor.service.application(PAGE)
    manor.service.find_application(PAGE)
    assert web.asked == [PAGE], "a bad one is not asked for again at once"


def test_documents_are_taken_only_where_the_operator_wishes_it(house: House) -> None:
    web = Web({PAGE: DOCUMENT})
    object.__setattr__(house.service.core, "outside", web)
    assert house.service.find_application(PAGE) is None
    assert web.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "https://mcp.example",
        "https://mcp.example/",
        "http://mcp.example/client.json",
        "https://mcp.example/a/../client.json",
        "https://mcp.example/client.json#x",
        "https://u@mcp.example/client.json",
        "https://127.0.0.1/client.json",
        "https://localhost/client.json",
        "https://MCP.example/client.json",
        "https://mcp.example/" + "a" * 128,
    ],
)
def test_an_address_that_can_be_written_otherwise_is_no_client_id(manor: House, web: Web, url: str) -> None:
    web.pages[url] = {**DOCUMENT, "client_id": url}
    assert manor.service.find_application(url) is None
    assert web.asked == []


def test_a_document_is_read_again_after_some_hours_and_holds_for_a_day(manor: House, web: Web) -> None:
    found = manor.service.find_application(PAGE)
    web.pages[PAGE] = {**DOCUMENT, "client_name": "MCP 2"}
    manor.clock.advance(hours=7)
    manor.service.core.fleeting._kept.clear()
    again = manor.service.find_application(PAGE)
    assert found
    assert again
    assert (again.name, again.created_at) == ("MCP 2", found.created_at)
    del web.pages[PAGE]
    manor.clock.advance(hours=10)
    manor.service.core.fleeting._kept.clear()
    assert manor.service.find_application(PAGE) == again
    manor.clock.advance(hours=20)
    manor.service.core.fleeting._kept.clear()
    assert manor.service.find_application(PAGE) is None


def test_oa_18_a_document_speaks_for_no_sector_that_does_not_list_it(manor: House, web: Web) -> None:
    sector = "https://bank.example/sector.json"
    web.pages[PAGE] = {**DOCUMENT, "subject_type": "pairwise", "sector_identifier_uri": sector}
    web.pages[sector] = ["https://bank.example/callback"]
    assert manor.service.find_application(PAGE) is None
    web.pages[sector] = DOCUMENT["redirect_uris"]
    manor.service.core.fleeting._kept.clear()
    found = manor.service.find_application(PAGE)
    assert found
    assert found.sector == "bank.example"


def test_oa_18_strangers_can_not_have_any_number_of_documents_fetched_and_kept(manor: House, web: Web) -> None:
    manor.clock.advance(minutes=5)
    assert manor.service.find_application(PAGE)
    hosts = [f"https://host{number}.example" for number in range(20)]
    for host in hosts:
        for number in range(30):
            url = f"{host}/{number}"
            web.pages[url] = {**DOCUMENT, "client_id": url}
            with suppress(AuthError):
                manor.service.find_application(url)
    assert [sum(url.startswith(f"{host}/") for url in web.asked) for host in hosts[:2]] == [20, 20], "one host leaves some for others"
    assert len(web.asked) <= 101
    new = "https://another.example/client.json"
    answer = manor.visitor().get("/oauth/authorize", query_string={"client_id": new})
    assert (answer.status_code, answer.headers["Retry-After"].isdigit()) == (429, True)
    assert manor.service.find_application(PAGE), "who is known already is not held up"
    manor.clock.advance(minutes=2)
    web.pages[new] = {**DOCUMENT, "client_id": new}
    assert manor.service.find_application(new), "nor is anybody for long"


# published keys


def test_published_keys_are_fetched_once_and_again_for_an_unknown_one_at_most_once_a_minute(
    manor: House, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "https://shop.example/keys"
    old, new = (ECKey.generate_key("P-256", {"kid": kid}).as_dict(private=False) for kid in ("old", "new"))
    bad = [{"kty": "oct", "k": "c2VjcmV0"}, SHORT, {"kty": 1}, "x", {**new, "use": "enc"}]
    web.pages[url] = {"keys": [old, *bad]}
    made = manor.service.register_application({**GOOD, "jwks_uri": url, "token_endpoint_auth_method": "private_key_jwt"}).application
    kids = [key.kid for key in client_keys.keys_of(manor.service.core, made, "old").keys]
    assert kids == ["old"], "secret, short and encryption keys are left out"
    web.pages[url] = {"keys": [old, new]}
    for _ in range(5):
        client_keys.keys_of(manor.service.core, made, "new")
    assert web.asked == [url]
    age = manor.service.core.fleeting.age
    monkeypatch.setattr(manor.service.core.fleeting, "age", lambda *key: age(*key) + 61)
    assert [key.kid for key in client_keys.keys_of(manor.service.core, made, "new").keys] == ["old", "new"]
    del web.pages[url]
    assert len(client_keys.keys_of(manor.service.core, made, "third").keys) == 2, "while they can't be had, the former ones hold"


def test_keys_that_were_never_seen_are_told_as_away(manor: House, web: Web) -> None:
    made = manor.service.register_application({**GOOD, "jwks_uri": "https://gone.example/keys"}).application
    with pytest.raises(AuthError, match="provider_unavailable"):
        client_keys.keys_of(manor.service.core, made)
    assert web.asked == ["https://gone.example/keys"]
