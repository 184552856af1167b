"""An application in tests, which sends browsers to the authorization endpoint and reads what comes back."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

from authenticator.applications import Application
from authenticator.crypto import random_token
from authenticator.flows import codes
from authenticator.flows.codes import Code
from authenticator.service import Service

VERIFIER = "a-verifier-of-this-test-that-is-long-enough-for-pkce"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
CALLBACK = "https://shop.example/callback"


@dataclass
class Asking:
    """One registered application. `usual` are the parameters of its requests."""

    auth: Service
    application: Application
    usual: dict[str, str] = field(default_factory=dict)
    secret: str = field(default="", repr=False)

    @classmethod
    def of(cls, auth: Service, **facts: Any) -> Asking:
        """A new application with these facts; without any it is a confidential one of the operator, called Shop."""
        now = auth.core.clock.now()
        application = Application(**{"id": f"app_{random_token(128)}", "name": "Shop", "redirect_uris": (CALLBACK,), "created_at": now, "updated_at": now, **facts})  # fmt: skip
        assert auth.core.store.add_application(application)
        return cls(auth, application)

    def parameters(self, **other: str | None) -> dict[str, str]:
        """A good request with other parameters; None takes one away."""
        usual: dict[str, str | None] = {
            "client_id": self.application.id,
            "redirect_uri": self.application.redirect_uris[0],
            "response_type": "code",
            "scope": "openid",
            "state": "a state",
            "nonce": "a nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **self.usual,
        }
        return {name: value for name, value in {**usual, **other}.items() if value is not None}

    def change(self, **facts: Any) -> None:
        """Another registration from now on."""
        assert self.auth.core.store.save_application(replace(self.application, **facts))
        found = self.auth.core.store.application(self.application.id)
        assert found
        self.application = found

    def code(self, answer: dict[str, str]) -> Code:
        """What the code of an answer stands for; it is spent by that."""
        found = codes.take(self.auth.core, answer.get("code", ""))
        assert found is not None, answer
        return found


def answer(location: str, html: str = "") -> dict[str, str]:
    """The parameters of an answer: in the query, the fragment, or a form that posts itself."""
    if html:
        form = _Inputs()
        form.feed(html)
        return form.found
    parts = urlsplit(location)
    return {name: values[0] for name, values in parse_qs(parts.fragment or parts.query, keep_blank_values=True).items()}


class _Inputs(HTMLParser):
    """The fields of the form that posts an answer, and its `action`."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found["action"] = facts.get("action", "")
        if tag == "input":
            self.found[facts.get("name", "")] = facts.get("value", "")
