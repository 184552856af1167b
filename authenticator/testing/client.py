"""A browser without a window, and what it sees: pages with their forms, and the API's answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

CSRF = "csrf_token"


@dataclass
class Form:
    """A form of a page: where it goes, the names of its fields, the values that are in it already, and its `data-` attributes."""

    action: str
    method: str = "post"
    names: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)

    @property
    def csrf(self) -> str:
        return self.values.get(CSRF, "")


class Page:
    """An answer as a person gets it: `status`, the `html` and its visible `text`, its `forms` and `links`, where it redirects to."""

    def __init__(self, browser: Browser, url: str, response: TestResponse) -> None:
        self.browser, self.url, self.response = browser, url, response
        self.status, self.headers, self.location = response.status_code, response.headers, response.location or ""
        self.html = response.get_data(as_text=True)

    @cached_property
    def _seen(self) -> _Reader:
        """Read when somebody looks: of many pages a test only wants the status."""
        seen = _Reader()
        if "html" in (self.response.content_type or ""):
            seen.feed(self.html)
        return seen

    @cached_property
    def text(self) -> str:
        return " ".join("".join(self._seen.words).split())

    @property
    def forms(self) -> list[Form]:
        return self._seen.forms

    @property
    def links(self) -> list[str]:
        return self._seen.links

    @property
    def json(self) -> Any:
        return self.response.get_json()

    @property
    def path(self) -> str:
        """The path that is shown or, for a redirect, that it leads to."""
        return urlsplit(self.location or self.url).path

    def form(self, *names: str, action: str = "") -> Form:
        """The first form with fields of these names, or whose action ends like this."""
        for form in self.forms:
            if set(names) <= {*form.names, *form.values} and form.action.partition("?")[0].endswith(action):
                return form
        raise AssertionError(f"no form with {', '.join(names) or action} on this page ({self.status}): {self.text[:500]}")

    def follow(self) -> Page:
        """Where it redirects to; the page itself if it does not."""
        return self.browser.get(self.location) if self.location else self

    def __contains__(self, words: str) -> bool:
        return words in self.text

    def __repr__(self) -> str:
        return f"<Page {self.status} {self.url} {self.location or self.text[:300]!r}>"


@dataclass(frozen=True)
class Answer:
    """What the API answers: the status, the JSON in it, the headers."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        """The code of a refusal; empty for none."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""

    def __getitem__(self, name: str) -> Any:
        return self.body[name]


class Browser:
    """One browser with its own cookies, at one address. It follows no redirect by itself: a test says when."""

    def __init__(self, app: Flask, *, address: str = "127.0.0.1", agent: str = "Testing/1.0", **headers: str) -> None:
        self.app = app
        self.base = str(app.extensions["authenticator"].settings.public_url)
        self.address = address
        self.headers = {"User-Agent": agent, **{name.replace("_", "-"): value for name, value in headers.items()}}
        self._client = app.test_client()

    @property
    def client(self) -> FlaskClient:
        """Flask's own client, which holds the cookies."""
        return self._client

    def browser(self, **facts: str) -> Browser:
        """Another browser, which shares nothing with this one but, unless another is given, its address."""
        return Browser(self.app, **{"address": self.address, **facts})

    def twin(self) -> Browser:
        """Another window of this browser: the same cookies, for requests at the same time."""
        twin = self.browser()
        for name in ("session", "browser", "step"):
            twin.set_cookie(name, self.cookie(name))
        return twin

    def get(self, url: str, **more: Any) -> Page:
        """A page of the service, by path or by whole URL."""
        return self._open("GET", url, **more)

    def post(self, url: str, data: Mapping[str, str] | None = None, **more: Any) -> Page:
        """Fields sent just like this: without the hidden ones that `submit` takes from the page."""
        return self._open("POST", url, data=dict(data or {}), **more)

    def form(self, url: str, *names: str) -> Form:
        """A form of the page at this URL."""
        return self.get(url).form(*names)

    def submit(self, page: Page | str, action: str = "", **fields: str) -> Page:
        """Fill in the form of the page that has these fields, or goes there, and send it with its hidden fields."""
        shown = self.get(page) if isinstance(page, str) else page
        form = shown.form(*fields, action=action)
        target = urljoin(shown.url, form.action) if form.action else shown.url
        if form.method == "get":
            return self._open("GET", target, query_string={**form.values, **fields})
        return self.post(target, {**form.values, **fields})

    def api(self, method: str, path: str, json: Any = None, token: str = "", **more: Any) -> Answer:
        """Ask the API; `path` is below /api/v1 unless it is a whole path."""
        url = path if path.startswith(("/api/", "/.well-known/", "http")) else f"/api/v1/{path.lstrip('/')}"
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        response = self._raw(
            method, url, headers={**headers, **more.pop("headers", {})}, **({} if json is None else {"json": json}), **more
        )
        body = response.get_json(silent=True) if response.data else None
        return Answer(response.status_code, body, dict(response.headers))

    def cookie(self, name: str) -> str:
        """The value of one of our cookies (`session`, `browser`, `step`); empty if there is none."""
        host = urlsplit(self.base).hostname or "localhost"
        for prefix in ("__Host-", ""):
            found = self._client.get_cookie(f"{prefix}auth_{name}", host)
            if found is not None:
                return str(found.value)
        return ""

    def set_cookie(self, name: str, value: str) -> None:
        """Have this value in one of our cookies; an empty one means not to have it."""
        host, prefix = urlsplit(self.base).hostname or "localhost", "__Host-" if self.base.startswith("https:") else ""
        if value:
            self._client.set_cookie(f"{prefix}auth_{name}", value, domain=host, secure=bool(prefix))
        else:
            self._client.delete_cookie(f"{prefix}auth_{name}", domain=host)

    @property
    def signed_in(self) -> bool:
        """Whether the account page shows, instead of sending to the sign-in page."""
        return self.get("/account").status == 200

    def _open(self, method: str, url: str, **more: Any) -> Page:
        return Page(self, url, self._raw(method, url, **more))

    def _raw(self, method: str, url: str, headers: Mapping[str, str] | None = None, **more: Any) -> TestResponse:
        path = url.removeprefix(self.base) or "/"
        environ = {"REMOTE_ADDR": self.address, **more.pop("environ_overrides", {})}
        return self._client.open(
            path, method=method, base_url=self.base, headers={**self.headers, **(headers or {})}, environ_overrides=environ, **more
        )


class _Reader(HTMLParser):
    """Collects what a person sees, and what forms and links hold."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._inside = False
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self._hidden += tag in ("script", "style")
        self.words.append(" ")
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "form":
            data = {name.removeprefix("data-"): value for name, value in found.items() if name.startswith("data-")}
            self.forms.append(Form(found.get("action", ""), found.get("method", "get").lower(), data=data))
            self._inside = True
        if self._inside and found.get("name") and tag in ("input", "button", "select", "textarea"):
            self._field(tag, found)

    def _field(self, tag: str, found: Mapping[str, str]) -> None:
        form, kind = self.forms[-1], found.get("type", "")
        form.names.append(found["name"])
        chosen = kind not in ("radio", "checkbox", "submit") or "checked" in found
        if tag == "input" and chosen:
            form.values[found["name"]] = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")
        self.words.append(" ")
        if tag == "form":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)
