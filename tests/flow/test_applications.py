"""Applications: registered, changed, shut out and removed, with secrets that overlap."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from authenticator.applications import OWN, Application, Grant
from authenticator.clock import SetClock
from authenticator.errors import AuthError
from authenticator.flows import applications, client_metadata
from authenticator.models import Client, Session
from authenticator.service import Service
from authenticator.testing.people import AsUser

SHOP = {"client_name": "Shop", "redirect_uris": ["https://shop.example/callback"]}


@pytest.fixture
def auth_settings() -> dict[str, Any]:
    return {"OIDC_PEOPLE_REGISTER": "true"}


@pytest.fixture
def auth(auth_app: Flask) -> Service:
    found: Service = auth_app.extensions["authenticator"]
    return found


def shop(auth: Service, **more: Any) -> Application:
    return auth.register_application({**SHOP, **more}).application


def refused(auth: Service, code: str, metadata: dict[str, Any], **how: Any) -> set[str]:
    with pytest.raises(AuthError) as error:
        auth.register_application(metadata, **how)
    assert error.value.code == code
    return set(error.value.errors)


def given(auth: Service, user_id: str, client_id: str) -> Session:
    """What an application was given by somebody."""
    now = auth.core.clock.now()
    session = Session(
        f"grant-{client_id}",
        user_id,
        "password",
        ("pwd",),
        now,
        now,
        now + timedelta(days=1),
        Client(),
        kind="grant",
        application=client_id,
    )
    auth.core.store.open_session(session)
    return session


def test_an_application_is_found_by_its_client_id(auth: Service) -> None:
    made = shop(auth)
    assert auth.find_application(made.id) == made
    assert (made.name, made.scopes, made.require_pkce) == ("Shop", client_metadata.USUAL_SCOPES, True)
    event = auth.all_events().items[0]
    assert (event.kind, event.detail["application"], event.detail["by"]) == ("application_added", made.id, "operator")


def test_what_is_described_makes_the_same_application_again(auth: Service) -> None:
    made = shop(
        auth,
        scope="openid email reports:read",
        post_logout_redirect_uris=["https://shop.example/bye"],
        backchannel_logout_uri="https://shop.example/logout",
        origins=["https://www.shop.example"],
        id_token_signed_response_alg="ES256",
        subject_type="pairwise",
        access_token_seconds=60,
        default_max_age=0,
        contacts=["ops@shop.example"],
        default_acr_values=["1"],
        trusted=True,
    )
    assert client_metadata.applied(auth.core, made, client_metadata.described(made)) == made
    assert auth.change_application(made, {}) == made, "nothing changed, so nothing is saved"


def test_a_change_names_what_it_changes(auth: Service) -> None:
    made = shop(auth, origins=["https://www.shop.example"])
    changed = auth.change_application(made, {"client_name": "Better Shop"})
    assert (changed.name, changed.redirect_uris, changed.origins) == ("Better Shop", made.redirect_uris, made.origins)
    assert auth.find_application(made.id) == changed


def test_origins_follow_the_addresses_unless_the_operator_chose_them(auth: Service) -> None:
    made = shop(auth)
    assert auth.change_application(made, {"redirect_uris": ["https://new.example/cb"]}).origins == ("https://new.example",)


def test_two_changes_at_once_are_both_kept(auth: Service) -> None:
    made = shop(auth)
    auth.change_application(made, {"client_name": "Better Shop"})
    auth.change_application(made, {"logo_uri": "https://shop.example/logo.png"})
    found = auth.application(made.id)
    assert (found.name, found.logo_uri) == ("Better Shop", "https://shop.example/logo.png")


def test_a_secret_is_shown_once_and_kept_as_a_digest(auth: Service) -> None:
    registered = auth.register_application(SHOP)
    assert len(registered.secret) == 43, "256 bits"
    found = auth.application(registered.application.id)
    assert auth.check_client_secret(found, registered.secret)
    assert not auth.check_client_secret(found, registered.secret[:-1])
    assert not auth.check_client_secret(found, "")
    assert registered.secret not in repr(registered) + repr(found)
    assert not auth.register_application({**SHOP, "token_endpoint_auth_method": "none"}).secret


def test_secrets_take_over_from_each_other(auth: Service, clock: SetClock) -> None:
    registered = auth.register_application(SHOP)
    made, old = registered.application, applications.secret_name(registered.application.secrets[0])
    made, new = auth.add_client_secret(made)
    made = auth.remove_client_secret(made, old, after=timedelta(hours=1))
    assert auth.check_client_secret(made, registered.secret)
    assert auth.check_client_secret(made, new)
    clock.advance(hours=2)
    assert not auth.check_client_secret(made, registered.secret)
    assert auth.check_client_secret(made, new)
    with pytest.raises(AuthError, match="not_found"):
        auth.remove_client_secret(made, old)


def test_an_application_has_at_most_three_secrets(auth: Service) -> None:
    made = shop(auth)
    for _ in range(2):
        made, _ = auth.add_client_secret(made)
    with pytest.raises(AuthError, match="validation_failed"):
        auth.add_client_secret(made)
    made = auth.remove_client_secret(made, applications.secret_name(made.secrets[1]))
    auth.add_client_secret(made)


def test_an_application_without_secrets_gets_none(auth: Service) -> None:
    made = shop(auth, token_endpoint_auth_method="none")
    with pytest.raises(AuthError, match="validation_failed"):
        auth.add_client_secret(made)
    confidential = shop(auth)
    assert auth.change_application(confidential, {"token_endpoint_auth_method": "none"}).secrets == ()


def test_disabling_ends_all_that_was_given(auth: Service, as_user: AsUser) -> None:
    ada, made = as_user("ada@example.com"), shop(auth)
    session = given(auth, ada.id, made.id)
    disabled = auth.disable_application(made)
    assert not disabled.enabled
    with pytest.raises(AuthError, match="token_revoked"):
        auth.require_open(session.id)
    assert auth.signed_by_session(ada.session_id), "her own sign-in goes on"
    assert auth.enable_application(disabled).enabled


def test_removing_takes_consent_and_tokens_along(auth: Service, as_user: AsUser) -> None:
    ada, made, now = as_user("ada@example.com"), shop(auth), auth.core.clock.now()
    session = given(auth, ada.id, made.id)
    auth.core.store.save_grant(Grant(ada.id, made.id, now, now, ("openid",)))
    auth.remove_application(made)
    assert auth.find_application(made.id) is None
    assert auth.core.store.grants_of(ada.id) == ()
    with pytest.raises(AuthError, match="token_revoked"):
        auth.require_open(session.id)
    with pytest.raises(AuthError, match="not_found"):
        auth.remove_application(made)


def test_this_service_is_no_client_of_itself(auth: Service) -> None:
    assert auth.own_application().id == OWN
    assert auth.find_application(OWN) is None
    with pytest.raises(AuthError, match="not_found"):
        auth.application(OWN)


def test_only_the_operators_living_applications_may_be_returned_to(auth: Service, as_user: AsUser) -> None:
    ada = auth.find_user(as_user("ada@example.com").id)
    made = shop(auth)
    mallory = auth.register_application({"client_name": "Trap", "redirect_uris": ["https://trap.example/cb"]}, owner=ada)
    auth.register_application({"client_name": "Net", "redirect_uris": ["https://net.example/cb"]}, registration="dynamic")
    assert mallory.application.origins == ()
    assert auth.origins() == {"https://shop.example"}
    made = auth.disable_application(made)
    assert auth.origins() == frozenset()
    auth.enable_application(made)
    assert auth.origins() == {"https://shop.example"}


def test_a_persons_own_application_is_a_modest_one(auth: Service, as_user: AsUser) -> None:
    ada = auth.find_user(as_user("ada@example.com").id)
    wishes = {**SHOP, "scope": "openid email account users:read", "trusted": True, "origins": ["https://x.example"]}
    made = auth.register_application(wishes, owner=ada, by=ada.id).application
    assert (made.owner, made.registration, made.trusted, made.origins) == (ada.id, "owner", False, ())
    assert made.scopes == ("openid", "email")
    assert auth.application(made.id, owner=ada.id) == made
    with pytest.raises(AuthError, match="not_found"):
        auth.application(shop(auth).id, owner=ada.id)
    exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
    assert refused(auth, "validation_failed", {**SHOP, "grant_types": [exchange]}, owner=ada) == {"grant_types"}
    assert refused(auth, "validation_failed", {**SHOP, "client_name": "Authenticator"}, owner=ada) == {"client_name"}
    assert next(event.kind for event in auth.events(ada).items) == "application_added"


def test_a_person_has_so_many_applications_and_no_more(auth: Service, as_user: AsUser, clock: SetClock) -> None:
    ada = auth.find_user(as_user("ada@example.com").id)
    for _ in range(applications.OWNED):
        auth.register_application(SHOP, owner=ada)
    refused(auth, "rate_limited", SHOP, owner=ada)
    clock.advance(days=2)
    refused(auth, "forbidden", SHOP, owner=ada)


def test_people_register_only_where_the_operator_lets_them(auth: Service, as_user: AsUser) -> None:
    ada = auth.find_user(as_user("ada@example.com").id)
    object.__setattr__(auth.core, "oidc", auth.core.oidc.model_copy(update={"people_register": False}))
    assert refused(auth, "forbidden", SHOP, owner=ada) == set()


def test_her_applications_go_with_her_account(auth: Service, as_user: AsUser) -> None:
    ada = auth.find_user(as_user("ada@example.com").id)
    made = auth.register_application(SHOP, owner=ada).application
    auth.core.store.erase_user(ada.id, "gone", auth.core.clock.now())
    assert auth.find_application(made.id) is None
