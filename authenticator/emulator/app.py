"""The emulator's HTTP face: one catch-all route, and one function for each endpoint that a provider has."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus, urlsplit

from authlib.common.urls import add_params_to_uri
from flask import Flask, Response, jsonify, redirect, render_template, request
from werkzeug.exceptions import HTTPException

from authenticator.emulator.faults import FAULTS, breaks, is_fault
from authenticator.emulator.issuing import Refused
from authenticator.emulator.places import Place, places, urls
from authenticator.kinds.oauth import OAuthProvider
from authenticator.kinds.oidc import OIDCProvider
from authenticator.kinds.people import PEOPLE, Person

if TYPE_CHECKING:
    from authenticator.emulator.server import Emulator

POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
Answer = Any


def create_app(emulator: Emulator) -> Flask:
    """The WSGI application that answers for all of the emulator's providers."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 65536
    desk = Desk(emulator)
    app.add_url_rule("/", "index", lambda: redirect("/switches", 303))
    app.add_url_rule("/style.css", "style", lambda: Response(app.jinja_env.get_template("style.css").render(), mimetype="text/css"))
    app.add_url_rule("/switches", "switches", desk.switches, methods=["GET", "POST"])
    app.add_url_rule("/<path:place>", "place", desk.answer, methods=["GET", "POST"])
    app.register_error_handler(Refused, lambda error: (jsonify(error=error.error), error.status))
    app.after_request(_headers)
    return app


def _headers(response: Response) -> Response:
    response.headers.update(
        {
            "Content-Security-Policy": POLICY,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
    )
    return response


class Desk:
    """Answers requests with what an emulator knows."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._places = list(places(emulator.providers))
        self._endpoints: dict[str, Callable[[type[OAuthProvider]], Answer]] = {
            "authorize": self._authorize, "token": self._token, "profile": self._profile,
            "revoke": self._revoke, "keys": self._keys, "discovery": self._discovery,
        }  # fmt: skip

    def answer(self, place: str) -> Answer:
        """Whatever is served at `<host>/<path>`."""
        found = next((item for item in self._places if item.pattern.fullmatch(place)), None)
        if found is None:
            return jsonify(error="not_found"), 404
        try:
            return self._broken(breaks(self._emulator.fault, found.endpoint)) or self._endpoints[found.endpoint](found.provider)
        except Refused as refused:
            return self._error(found, refused)

    def _error(self, found: Place, refused: Refused) -> Answer:
        if found.endpoint == "authorize":  # never a redirect to an address that was not checked (RFC 6749 §4.1.2.1)
            return render_template("error.html", provider=found.provider, error=refused.error), 400
        return jsonify(found.provider.example_error(refused.error)), refused.status

    def _broken(self, how: str) -> Answer:
        """The answer of a provider that is not itself today."""
        if how == "slow":
            self._emulator.stopping.wait(self._emulator.slow_seconds)
        if how in ("slow", "server_error"):
            return jsonify(error="server_error"), 503
        if how == "redirect":
            return redirect("https://elsewhere.invalid/", 302)
        if how == "html":
            return Response("<!doctype html><title>Sorry</title><h1>We will be back soon</h1>")
        return Response((b" " * 65536 for _ in range(64)), mimetype="application/json") if how == "huge" else None

    # The authorization endpoint

    def _authorize(self, provider: type[OAuthProvider]) -> Answer:
        asked = request.args
        if not asked.get("client_id"):
            raise Refused("invalid_client")
        target = asked.get("redirect_uri", "")
        if urlsplit(target).scheme not in ("http", "https") or not urlsplit(target).hostname:
            raise Refused("invalid_redirect_uri")
        if error := _fault_of(asked, provider):
            return self._back(provider, error=error)
        chosen = request.form.get("person", "") if request.method == "POST" else ""
        if not chosen and (self._emulator.auto or asked.get("prompt") == "none"):
            chosen = _hinted(asked.get("login_hint", "")).key
        person = next((person for person in PEOPLE if person.key == chosen), None)
        if request.form.get("person") == "-" or (person and self._fault() == "denied"):
            return self._back(provider, error="access_denied")
        return self._grant(provider, person) if person else self._picker(provider)

    def _grant(self, provider: type[OAuthProvider], person: Person) -> Answer:
        asked = request.args
        code = self._emulator.issuing.code(
            provider=provider, person=person, fault=self._fault(), client_id=asked["client_id"], redirect_uri=asked["redirect_uri"],
            nonce=asked.get("nonce", ""), challenge=asked.get("code_challenge", ""),
        )  # fmt: skip
        return self._back(provider, code=code)

    def _fault(self) -> str:
        chosen = request.form.get("fault", "none")
        return chosen if chosen != "none" and is_fault(chosen) else self._emulator.fault

    def _back(self, provider: type[OAuthProvider], **answer: str) -> Answer:
        """Send the browser back with `state` and, for an issuer, `iss` (RFC 9207)."""
        if "state" in request.args:
            answer["state"] = request.args["state"]
        if issubclass(provider, OIDCProvider):
            answer["iss"] = "https://issuer.invalid" if self._fault() == "wrong_callback_issuer" else self._emulator.issuer_of(provider)
        return redirect(add_params_to_uri(request.args["redirect_uri"], list(answer.items())), 303)

    def _picker(self, provider: type[OAuthProvider]) -> Answer:
        first = _hinted(request.args.get("login_hint", ""))
        people = sorted(PEOPLE, key=lambda person: person is not first)
        faults = {name: fault for name, fault in FAULTS.items() if issubclass(provider, OIDCProvider) or not fault.oidc}
        return render_template("picker.html", provider=provider, people=people, faults=faults, everywhere=self._emulator.fault)

    # What programs call

    def _token(self, provider: type[OAuthProvider]) -> Answer:
        if request.method != "POST":
            raise Refused("invalid_request", 405)
        client_id, secret = _client(provider)
        if request.form.get("grant_type") != "authorization_code":
            raise Refused("unsupported_grant_type")
        grant = self._emulator.issuing.redeem(provider, request.form.to_dict(), client_id, secret)
        if broken := self._broken(breaks(grant.fault, "token")):
            return broken
        access = self._emulator.issuing.access_token(grant)
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": 3600, "scope": provider.scope}
        if issubclass(provider, OIDCProvider) and grant.fault != "missing_id_token":
            answer["id_token"] = self._emulator.issuing.id_token(grant, self._emulator.issuer_of(provider), access, self._emulator.tamper)
        return jsonify(answer)

    def _profile(self, provider: type[OAuthProvider]) -> Answer:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        proof = request.args.get(provider.app_proof, "") if provider.app_proof else ""
        grant = self._emulator.issuing.allowed(provider, token if scheme.lower() == "bearer" else "", proof)
        return self._broken(breaks(grant.fault, "profile")) or jsonify(self._emulator.issuing.profile(grant))

    def _revoke(self, provider: type[OAuthProvider]) -> Answer:
        self._emulator.issuing.revoke(request.form.get("token", ""))
        return "", 200

    def _keys(self, provider: type[OAuthProvider]) -> Answer:
        return jsonify(self._emulator.issuing.key_set())

    def _discovery(self, provider: type[OAuthProvider]) -> Answer:
        found = {name: self._emulator.moved(url) for name, url in urls(provider).items()}
        return jsonify(
            issuer=self._emulator.issuer_of(provider), authorization_endpoint=found["authorize"], token_endpoint=found["token"],
            userinfo_endpoint=found["profile"], jwks_uri=found["keys"], revocation_endpoint=found["revoke"],
            response_types_supported=["code"], subject_types_supported=["public"], id_token_signing_alg_values_supported=["RS256"],
            scopes_supported=provider.scope.split(), code_challenge_methods_supported=["S256"],
            token_endpoint_auth_methods_supported=[f"client_secret_{provider.token_auth}"], authorization_response_iss_parameter_supported=True,
        )  # fmt: skip

    # The switches

    def switches(self) -> Answer:
        """What holds for every sign-in: read it, or set it with JSON or the page's form."""
        if request.method == "POST":
            if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
                raise Refused("forbidden", 403)
            self._set(_sent())
        state = {"auto": self._emulator.auto, "fault": self._emulator.fault}
        if request.is_json or not request.accept_mimetypes.accept_html or request.accept_mimetypes.best == "application/json":
            return jsonify(state)
        if request.method == "POST":
            return redirect("/switches", 303)
        return render_template("switches.html", faults=FAULTS, people=PEOPLE, providers=self._emulator.providers, **state)

    def _set(self, wanted: dict[str, Any]) -> None:
        auto, fault = wanted.get("auto", self._emulator.auto), wanted.get("fault", self._emulator.fault)
        if not isinstance(auto, bool) or not is_fault(fault):
            raise Refused("invalid_request")
        self._emulator.auto, self._emulator.fault = auto, fault


def _sent() -> dict[str, Any]:
    if not request.is_json:
        return {"auto": "auto" in request.form, "fault": request.form.get("fault", "none")}
    try:
        body = request.get_json()
    except HTTPException:
        body = None
    if not isinstance(body, dict):
        raise Refused("invalid_request")
    return body


def _fault_of(asked: Any, provider: type[OAuthProvider]) -> str:
    """The error of an authorization request that may be told to the client (RFC 6749 §4.1.2.1, RFC 7636 §4.4.1)."""
    if asked.get("response_type") != "code":
        return "unsupported_response_type"
    challenge, method = asked.get("code_challenge", ""), asked.get("code_challenge_method", "")
    if provider.pkce and (len(challenge) != 43 or method != "S256"):
        return "invalid_request"
    if issubclass(provider, OIDCProvider) and "openid" not in asked.get("scope", "").split():
        return "invalid_scope"
    return ""


def _client(provider: type[OAuthProvider]) -> tuple[str, str]:
    """The client's id and secret, from where this provider wants them (RFC 6749 §2.3.1)."""
    if provider.token_auth == "post":
        client_id, secret = request.form.get("client_id", ""), request.form.get("client_secret", "")
    else:
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        try:
            pair = base64.b64decode(encoded if scheme.lower() == "basic" else "", validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            pair = ""
        client_id, secret = (unquote_plus(part) for part in (pair.partition(":")[0], pair.partition(":")[2]))
    if not client_id or not secret:
        raise Refused("invalid_client", 401)
    return client_id, secret


def _hinted(hint: str) -> Person:
    """The person that a hint means, by key or address; the first one if it means nobody."""
    return next((person for person in PEOPLE if hint in (person.key, person.email)), PEOPLE[0]) if hint else PEOPLE[0]
