"""An application made of its metadata, the same wherever they come from; and its metadata, to hand back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, Final

from authenticator.applications import Application
from authenticator.flows import client_uris
from authenticator.flows.client_checks import check
from authenticator.flows.client_words import CODE, DEVICE, RULES, Metadata, Rules, read
from authenticator.flows.core import Core
from authenticator.identifiers import LOCAL_HOSTS

USUAL_SCOPES: Final = ("openid", "profile", "email", "offline_access")
KEPT: Final = (  # registered and handed back as they are; few of them are looked at here
    "application_type",
    "token_endpoint_auth_signing_alg",
    "sector_identifier_uri",
    "require_auth_time",
    "default_acr_values",
    "initiate_login_uri",
    "software_id",
    "software_version",
)
_SAME = (
    "jwks",
    "jwks_uri",
    "subject_type",
    "default_max_age",
    "backchannel_logout_uri",
    "frontchannel_logout_uri",
    "logo_uri",
    "client_uri",
    "policy_uri",
    "tos_uri",
)


def applied(core: Core, application: Application, metadata: Mapping[str, Any]) -> Application:
    """The application with all that it is said to be; AuthError `validation_failed` names each field at fault.

    What is not said takes its usual value. Which rules hold depends on `application.registration`.
    """
    rules, said = RULES[application.registration], read(metadata)
    check(core, said, rules)
    settled = replace(
        application,
        name=said.name,
        grants=tuple(dict.fromkeys(said.grant_types)),
        scopes=_scopes(said, rules),
        auth_method=said.token_endpoint_auth_method,
        require_pkce=_pkce(said, application.registration),
        require_pushed=said.require_pushed_authorization_requests,
        id_token_algorithm=said.id_token_signed_response_alg,
        userinfo_algorithm=said.userinfo_signed_response_alg,
        request_object_algorithm=said.request_object_signing_alg,
        sector=_sector(said, rules, application),
        bound_tokens=said.dpop_bound_access_tokens,
        backchannel_session=said.backchannel_logout_session_required,
        frontchannel_session=said.frontchannel_logout_session_required,
        metadata={name: getattr(said, name) for name in KEPT if getattr(said, name)},
        redirect_uris=tuple(said.redirect_uris),
        post_logout_redirect_uris=tuple(said.post_logout_redirect_uris),
        contacts=tuple(said.contacts),
    )
    same: dict[str, Any] = {name: getattr(said, name) for name in _SAME}
    return replace(settled, **same, **(_ours(said) if rules.ours else {}))


def described(application: Application) -> dict[str, Any]:
    """The metadata of an application in the words of RFC 7591; `applied` makes the same application of it again."""
    plain = {one.name: getattr(application, one.name) for one in fields(application)}
    lists = ("redirect_uris", "post_logout_redirect_uris", "contacts", "origins", "resources")
    told = {
        **application.metadata,
        **{name: list(plain[name]) for name in lists},
        **{name: plain[name] for name in (*_SAME, "require_pkce", "claims_in_id_token", "trusted")},
        "access_token_seconds": application.access_token_seconds,
        "refresh_token_days": application.refresh_token_days,
        "client_name": application.name,
        "grant_types": list(application.grants),
        "response_types": ["code"] if CODE in application.grants else [],
        "scope": " ".join(application.scopes),
        "token_endpoint_auth_method": application.auth_method,
        "id_token_signed_response_alg": application.id_token_algorithm,
        "userinfo_signed_response_alg": application.userinfo_algorithm,
        "request_object_signing_alg": application.request_object_algorithm,
        "require_pushed_authorization_requests": application.require_pushed,
        "dpop_bound_access_tokens": application.bound_tokens,
        "backchannel_logout_session_required": application.backchannel_session,
        "frontchannel_logout_session_required": application.frontchannel_session,
    }
    return {name: value for name, value in told.items() if value not in (None, "")}


def _scopes(said: Metadata, rules: Rules) -> tuple[str, ...]:
    if said.scope is None:
        return tuple(rules.scopes) if rules.scopes is not None else USUAL_SCOPES
    wanted = tuple(dict.fromkeys(scope for scope in said.scope.split(" ") if scope))
    return wanted if rules.scopes is None else tuple(scope for scope in wanted if scope in rules.scopes)


def _pkce(said: Metadata, registration: str) -> bool:
    """Required, but where the operator or owner says otherwise; a confidential one that registered itself by OpenID Connect never heard of it."""
    if said.require_pkce is None:
        return said.public or registration != "dynamic"
    return said.public or said.require_pkce


def _sector(said: Metadata, rules: Rules, before: Application) -> str:
    """The host that its pairwise subjects belong to; nothing where none is shown to be its own, so that they are nobody else's.

    What a device is given goes past all addresses: a stranger could name those of anybody. Nor does he move into another sector,
    since what he was given before goes on.
    """
    first = next((uri for uri in said.redirect_uris if uri.startswith("https:")), "")
    host = client_uris.host_of(said.sector_identifier_uri or first)
    moves = bool(before.name) and before.sector != host
    return "" if host in LOCAL_HOSTS or (not rules.ours and (moves or DEVICE in said.grant_types)) else host


def has_usual_origins(application: Application) -> bool:
    """Whether its origins are just those of its redirect addresses."""
    return application.origins == _origins_of(application.redirect_uris)


def _origins_of(uris: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(origin for origin in map(client_uris.origin_of, uris) if origin))


def _ours(said: Metadata) -> dict[str, Any]:
    """What only the operator decides. Without a wish an application's pages are where browsers are led back to."""
    return {
        "trusted": said.trusted,
        "origins": _origins_of(said.redirect_uris) if said.origins is None else tuple(dict.fromkeys(said.origins)),
        "resources": tuple(said.resources),
        "claims_in_id_token": said.claims_in_id_token,
        "access_token_seconds": said.access_token_seconds,
        "refresh_token_days": said.refresh_token_days,
    }
