"""What is wrong with an application's metadata, field by field."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from authenticator.errors import AuthError
from authenticator.flows import client_names, client_uris
from authenticator.flows.client_keys import keys_fault
from authenticator.flows.client_words import CODE, EXCHANGE, ITSELF, Metadata, Rules
from authenticator.flows.core import Core
from authenticator.words import Words

SCOPE = re.compile(r"[!#-&(-\[\]-~]{1,100}")  # RFC 6749 §3.3, but for the apostrophe, with which strings end


@dataclass
class Faults:
    """What is wrong, by field, in the order in which it was found."""

    found: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, name: str, fault: str) -> None:
        if fault:
            self.found[name] = tuple(dict.fromkeys((*self.found.get(name, ()), fault)))

    def settle(self) -> None:
        """AuthError `validation_failed` if anything is."""
        if self.found:
            raise AuthError("validation_failed", errors=self.found)


def check(core: Core, said: Metadata, rules: Rules) -> None:
    """AuthError `validation_failed` unless all is well."""
    faults = Faults()
    _check_name(core, said, rules, faults)
    _check_addresses(core, said, faults)
    _check_other_addresses(said, faults)
    _check_grants(said, rules, faults)
    _check_keys(said, faults)
    if not all(SCOPE.fullmatch(scope) for scope in (said.scope or "").split(" ") if scope):
        faults.add("scope", "Write scopes with single spaces between them.")
    faults.settle()


def _check_name(core: Core, said: Metadata, rules: Rules, faults: Faults) -> None:
    name = "" if rules.ours and not said.client_name else said.name
    faults.add("client_name", client_names.fault(name))
    if not rules.ours and client_names.alike(name, core.settings.service_name):
        faults.add("client_name", "This is the name of this service. Choose another one.")


def _check_addresses(core: Core, said: Metadata, faults: Faults) -> None:
    native = said.application_type == "native" and said.public
    for name in ("redirect_uris", "post_logout_redirect_uris"):
        for uri in getattr(said, name):
            faults.add(name, client_uris.redirect_fault(uri, native=native))
    for name in ("logo_uri", "client_uri", "policy_uri", "tos_uri", "initiate_login_uri", "frontchannel_logout_uri"):
        if uri := getattr(said, name):
            faults.add(name, client_uris.page_fault(uri))
    for name in ("jwks_uri", "backchannel_logout_uri", "sector_identifier_uri", "logo_uri"):
        if (uri := getattr(said, name)) and not core.outside.allows(uri):
            faults.add(name, "This must be an https address that everybody can reach.")


def _check_other_addresses(said: Metadata, faults: Faults) -> None:
    homes = {client_uris.origin_of(uri) for uri in said.redirect_uris}
    if said.frontchannel_logout_uri and client_uris.origin_of(said.frontchannel_logout_uri) not in homes:
        faults.add("frontchannel_logout_uri", "This must have the scheme, host and port of one of the redirect addresses.")
    for origin in said.origins or ():
        faults.add("origins", client_uris.origin_fault(origin))
    for resource in said.resources:
        if not client_uris.origin_of(resource) or "#" in resource:
            faults.add("resources", "Each must be an https address without a fragment.")  # RFC 8707 §2
    for name, text in (
        ("software_id", said.software_id),
        ("software_version", said.software_version),
        *(("default_acr_values", one) for one in said.default_acr_values),
    ):
        if not text.isprintable():
            faults.add(name, "This must be one short line.")
    for contact in said.contacts:
        if not 0 < len(contact) <= client_uris.LONGEST or not contact.isprintable():
            faults.add("contacts", "Each must be one short line.")


def _check_grants(said: Metadata, rules: Rules, faults: Faults) -> None:
    if said.token_endpoint_auth_method not in rules.methods:
        faults.add("token_endpoint_auth_method", "This is not offered here.")
    if not said.grant_types or not set(said.grant_types) <= set(rules.grants):
        faults.add("grant_types", Words("There are only %(names)s.", names=", ".join(rules.grants)))
    if set(said.response_types) - {"code"} or (CODE in said.grant_types and not said.response_types):
        faults.add("response_types", "There is only code.")
    if CODE in said.grant_types and not said.redirect_uris:
        faults.add("redirect_uris", "Give at least one address to come back to.")
    if said.public and {ITSELF, EXCHANGE} & set(said.grant_types):
        faults.add("grant_types", "Only applications that prove who they are may have tokens of their own.")  # RFC 6749 §4.4
    if said.public and said.require_pkce is False:
        faults.add("require_pkce", "An application without a secret can't do without PKCE.")


def _check_keys(said: Metadata, faults: Faults) -> None:
    if said.jwks is not None and said.jwks_uri:
        faults.add("jwks", "Give either jwks or jwks_uri.")  # RFC 7591 §2
    if said.jwks is not None:
        faults.add("jwks", keys_fault(said.jwks))
    if said.by_key and said.jwks is None and not said.jwks_uri:
        faults.add("jwks", "Give the public keys that private_key_jwt is checked with, as jwks or jwks_uri.")
    hosts = {client_uris.host_of(uri) for uri in said.redirect_uris}
    if said.subject_type == "pairwise" and not said.sector_identifier_uri and len(hosts) > 1:
        faults.add("sector_identifier_uri", "Redirect addresses on several hosts need it for pairwise subjects.")
