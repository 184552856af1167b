"""An endpoint of the API: one entry in a table registers the route, checks the body, and feeds the document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from flask import Blueprint, Response, request
from pydantic import BaseModel, ValidationError

from authenticator.errors import AuthError
from authenticator.flows.scopes import ACCOUNT, READ_ACCOUNT
from authenticator.http import guard
from authenticator.http.hygiene import strict_json
from authenticator.web import idempotency

Access = Literal["open", "bearer", "session", "application"]
_SENTENCES: Final = {
    "missing": "Please fill this in.",
    "extra_forbidden": "There is no such field here.",
    "string_type": "This must be text.",
    "bool_type": "This must be true or false.",
    "string_too_long": "This is too long.",
    "too_long": "These are too many.",
}


@dataclass(frozen=True)
class Query:
    """A query parameter; `schema` is JSON Schema."""

    name: str
    text: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True)
class Endpoint:
    """A method and path (`/me/sessions/{id}`) with its view, whose docstring documents it.

    `answers` maps a status to the shape of its body, None for none. `problems` are the codes of its own refusals.
    `access`: `bearer` takes an access token only, `session` also the session cookie of a browser, `application` also what
    applications prove themselves by, which `asker` checks.
    `scope` is what an application's token or a personal one needs: for one's own account (`/me…`) `account:read` to read and `account`
    to change, elsewhere the permission that it asks for; without any it is closed to them.
    `idempotent` endpoints make something and understand an Idempotency-Key. `upload` names the media types of a body that is a file;
    UPLOADS in http/hygiene.py lets it be larger.
    """

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    view: Callable[..., Response]
    group: str
    answers: Mapping[int, type[BaseModel] | None]
    problems: tuple[str, ...] = ()
    body: type[BaseModel] | None = None
    body_required: bool = True
    access: Access = "open"
    query: tuple[Query, ...] = ()
    example: Mapping[str, Any] | None = None
    idempotent: bool = False
    upload: tuple[str, ...] = ()
    scope: str = ""
    asker: Callable[[], None] | None = None

    @property
    def name(self) -> str:
        return self.view.__name__

    @property
    def needed_scope(self) -> str:
        """The scope that a token with bounds must have."""
        if self.scope or not self.path.startswith("/me"):
            return self.scope or guard.OWN_ONLY
        return READ_ACCOUNT if self.method == "GET" else ACCOUNT

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in braces."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        return re.sub(r"{(\w+)}", r"<\1>", self.path)


def register(blueprint: Blueprint, endpoints: Iterable[Endpoint]) -> None:
    """Add every endpoint's route."""
    for endpoint in endpoints:
        blueprint.add_url_rule(endpoint.rule, endpoint.name, _bound(endpoint), methods=[endpoint.method])


def _bound(endpoint: Endpoint) -> Callable[..., Response]:
    """The view with its body, once it is known that the asker's token is good: who may not ask is told nothing else."""
    model, required = endpoint.body, endpoint.body_required
    view = idempotency.once(endpoint.view) if endpoint.idempotent else endpoint.view

    def with_body(**path: str) -> Response:
        if endpoint.access == "bearer":
            guard.bearer()
        if endpoint.asker:
            endpoint.asker()
        elif endpoint.access != "open":
            guard.require_scope(endpoint.needed_scope)
        if model is None:
            return view(**path)
        sent = request.get_data()
        return view(body=checked(model, strict_json(sent) if sent or required else {}), **path)

    return with_body


def checked(model: type[BaseModel], raw: Mapping[str, Any]) -> BaseModel:
    """The body in its shape; AuthError `invalid_request` for a wrong type, `validation_failed` for the rest. No value is repeated."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
    errors: dict[str, tuple[str, ...]] = {}
    for fault in faults:
        name = str(fault["loc"][0]) if fault["loc"] else ""
        errors[name] = (_SENTENCES.get(fault["type"], "This is not valid."),)
    wrong_type = any(fault["type"].endswith("_type") for fault in faults)
    raise AuthError("invalid_request" if wrong_type else "validation_failed", errors=errors)
