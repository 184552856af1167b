"""How an authorization request is answered: in the query, the fragment or a form, always with `iss` and `state` (RFC 9207)."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, make_response, redirect, render_template

from authenticator.flows.authorization_request import Refusal, Target
from authenticator.http import headers
from authenticator.http.guard import service


def code(target: Target, value: str, name: str) -> Response:
    """The code, at the application called `name`."""
    return _answer(target, {"code": value}, name)


def refused(refusal: Refusal, name: str = "") -> Response:
    """A refusal, at the application."""
    return _answer(refusal.target, {"error": refusal.error, "error_description": refusal.description}, name)


def _answer(target: Target, said: dict[str, str], name: str) -> Response:
    """By 303, so that no browser repeats what was posted here (RFC 9700 §4.12)."""
    parameters = said | ({"state": target.state} if target.state else {}) | {"iss": service().settings.public_url}
    if target.mode == "form_post":
        headers.allow_form_to(target.redirect_uri)
        headers.allow_scripts()
        return make_response(render_template("form_post.html", url=target.redirect_uri, parameters=parameters, name=name))
    return make_response(redirect(_with(target, parameters), 303))


def _with(target: Target, parameters: dict[str, str]) -> str:
    """The registered address with its own query, if it has one, and the parameters (RFC 6749 §3.1.2)."""
    query = urlencode(parameters)
    if target.mode == "fragment":
        return f"{target.redirect_uri}#{query}"
    uri = target.redirect_uri
    mark = "?" if "?" not in uri else "" if uri.endswith(("?", "&")) else "&"
    return f"{uri}{mark}{query}"
