"""People in tests: their mail, their accounts, and their way to a provider and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Flask

from authenticator.emulator import Emulator
from authenticator.kinds.people import PEOPLE
from authenticator.testing.client import Browser, Page

PASSWORD = "five quiet green teapots"
PATIENCE = 30  # seconds for the emulator: its own slowness is part of some tests


class Outbox:
    """The messages of a service in development, once all that were accepted have been delivered."""

    def __init__(self, app: Flask) -> None:
        self._core = app.extensions["authenticator"].core

    def all(self, to: str = "") -> list[dict[str, Any]]:
        """Every message, or those to one address, newest first."""
        self._core.messages.flush()
        messages: list[dict[str, Any]] = self._core.registry.senders["outbox"].messages()
        return [message for message in messages if not to or message["to"] == to]

    def last(self, to: str = "") -> dict[str, Any]:
        """The newest one."""
        messages = self.all(to)
        assert messages, f"no message to {to or 'anybody'}"
        return messages[0]

    def code(self, to: str = "") -> str:
        """The code in the newest message that has one."""
        codes = [message["code"] for message in self.all(to) if "code" in message]
        assert codes, f"no code for {to or 'anybody'}"
        return str(codes[0])

    def __len__(self) -> int:
        return len(self.all())


@dataclass
class Account:
    """Somebody with an account and a password; the tokens are those that she got when she signed up."""

    email: str
    password: str = field(repr=False)
    user: Mapping[str, Any]
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    session_id: str
    client: Browser = field(repr=False)

    @property
    def id(self) -> str:
        return str(self.user["id"])

    def sign_in(self, browser: Browser) -> Page:
        """Sign in with her password, on the page."""
        return browser.submit("/sign-in", email=self.email, password=self.password)

    def browser(self, **facts: str) -> Browser:
        """A new browser in which she is signed in."""
        browser = self.client.browser(**facts)
        page = self.sign_in(browser)
        assert page.status == 303, page
        return browser


class AsUser:
    """Makes people: called with an e-mail address and names, it signs her up with the API and the mailed code."""

    def __init__(self, client: Browser, outbox: Outbox) -> None:
        self._client, self._outbox = client, outbox

    def __call__(
        self, email: str = "ada@example.com", *, password: str = PASSWORD, given_name: str = "Ada", family_name: str = "Lovelace"
    ) -> Account:
        fields = {"email": email, "password": password, "given_name": given_name, "family_name": family_name}
        asked = self._client.api("POST", "sign-up/password", fields)
        assert asked.status == 202, asked
        code = self._outbox.code(to=email.lower())
        done = self._client.api("POST", "sign-in/continue", {"challenge": asked["challenge"]["id"], "code": code})
        assert done.status in (200, 201), done
        found = {name: done[name] for name in ("user", "access_token", "refresh_token", "session_id")}
        return Account(email=email, password=password, client=self._client, **found)


@dataclass(frozen=True)
class Journey:
    """One way to a provider and back. `away` is the URL there, `callback` the one back, `page` the answer at its end.

    Both URLs are empty where it did not come that far.
    """

    page: Page
    away: str = ""
    callback: str = ""

    @property
    def signed_in(self) -> bool:
        return bool(self.page.browser.signed_in)

    @property
    def me(self) -> dict[str, Any]:
        """The account that she is now signed in to, as the API tells it."""
        answer = self.page.browser.api("GET", "me")
        assert answer.status == 200, (self.page, answer)
        return dict(answer.body)


class SignInVia:
    """Walks to a provider and back; `leave` and `choose` are its two halves, for tests that stop between them."""

    def __init__(self, client: Browser, emulator: Emulator) -> None:
        self._client, self._emulator = client, emulator

    def __call__(
        self, provider: str, person: str = "ada@example.com", browser: Browser | None = None, *, fault: str = "none", return_to: str = ""
    ) -> Journey:
        """Sign in as this person (an address or a key of the emulator's people) under this fault of the emulator."""
        browser = browser or self._client
        if fault.partition(":")[2] in ("keys", "discovery"):  # these are asked by no sign-in in particular
            self._emulator.fault = fault
        gone = self.leave(provider, browser, return_to=return_to)
        return self.arrive(gone, person, fault=fault)

    def leave(self, provider: str, browser: Browser | None = None, **query: str) -> Page:
        """Click the provider's button; the page that comes is its redirect."""
        query = {name: value for name, value in query.items() if value}
        return (browser or self._client).get(f"/sign-in/{provider}", query_string=query)

    def arrive(self, gone: Page, person: str = "ada@example.com", *, fault: str = "none") -> Journey:
        """From the redirect on: choose a person, come back."""
        away = self.away(gone)
        if not away:
            return Journey(gone)
        callback = self.choose(away, person, fault=fault)
        return Journey(gone.browser.get(callback), away, callback)

    def away(self, gone: Page) -> str:
        """The provider's URL to which the page sends the browser, by redirect or, after a form, by a link."""
        there = [url for url in (gone.location, *gone.links) if url.startswith(f"{self._emulator.base_url}/") and "state=" in url]
        return there[0] if there else ""

    def choose(self, away: str, person: str = "ada@example.com", *, fault: str = "none") -> str:
        """Choose a person in the emulator; the callback to which it sends the browser."""
        fields = {"person": key_of(person), "fault": fault}
        answer = requests.post(away, data=fields, allow_redirects=False, timeout=PATIENCE)
        target = answer.headers.get("Location", "")
        assert urlsplit(target).path.endswith("/callback"), (answer.status_code, target, answer.text[:500])
        return target


def key_of(person: str) -> str:
    """The emulator's key of a person, who may be named by her address."""
    known = next((one.key for one in PEOPLE if one.email == person), person)
    return str(known)
