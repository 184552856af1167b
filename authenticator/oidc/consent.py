"""The page on which a person reads what an application asks for, and decides."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

from flask import Response, make_response, render_template

from authenticator.applications import Application
from authenticator.flows import permissions
from authenticator.flows.authorization_target import is_loopback
from authenticator.flows.authorization_tickets import Waiting
from authenticator.flows.consent import asked_for
from authenticator.flows.outcomes import Signed
from authenticator.flows.scopes import CLAIMS, OPENID, WORDS
from authenticator.http import headers
from authenticator.words import Words

IN_HER_NAME = "Act in your name at %(address)s"
CLAIM_WORDS = {
    "name": "See your name",
    "given_name": "See your given name",
    "family_name": "See your family name",
    "preferred_username": "See your user name",
    "picture": "See your picture",
    "locale": "See your language",
    "updated_at": "See when your profile changed last",
    "email": WORDS["email"],
    "email_verified": WORDS["email"],
    "phone_number": WORDS["phone"],
    "phone_number_verified": WORDS["phone"],
}


def show(application: Application, waiting: Waiting, signed: Signed) -> Response:
    """The page; its form may end where the application is answered, and its picture may be loaded."""
    headers.allow_form_to(waiting.asked.target.redirect_uri)
    logo = application.logo_uri if urlsplit(application.logo_uri).scheme == "https" else ""
    if logo:
        headers.allow_image(logo)
    facts = {
        "application": application,
        "logo": logo,
        "user": signed.user,
        "wanted": words(application, waiting.asked.scopes, waiting.asked.resources, waiting.asked.wanted_claims()),
        "host": host_of(waiting.asked.target.redirect_uri),
        "unproven": is_strangers(application),
        "described": host_of(application.id) if application.registration == "document" else "",
        "request_id": waiting.id,
    }
    return make_response(render_template("consent.html", **facts))


def words(application: Application, scopes: Collection[str], resources: Iterable[str], claims: Iterable[str] = ()) -> list[str]:
    """What is asked for, in words, each once. A permission stands in the words of who declared it."""
    declared = {item.name: item.text or item.name for item in application.permissions}
    known = {**declared, **permissions.PERMISSIONS, **WORDS}
    covered = {claim for scope in scopes for claim in CLAIMS.get(scope, ())}
    single = sorted(name for name in claims if name in CLAIM_WORDS and name not in covered)
    told = [known.get(scope, scope) for scope in scopes if scope != OPENID or len(scopes) == 1]
    elsewhere = (Words(IN_HER_NAME, address=address) for address in asked_for(application, resources))
    return list(dict.fromkeys([*told, *(CLAIM_WORDS[name] for name in single), *elsewhere]))


def is_strangers(application: Application) -> bool:
    """Whether nobody who runs this service has looked at it."""
    return application.registration != "operator"


def host_of(uri: str) -> str:
    """The host that an address leads to; empty for a program on the person's own device."""
    return "" if is_loopback(uri) or not uri.startswith(("http:", "https:")) else urlsplit(uri).netloc
