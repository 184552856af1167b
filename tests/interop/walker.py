"""A browser without a window for servers on real ports: it follows redirects from site to site, and fills in forms."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests

PATIENCE = 30


class Walker:
    """One browser. `at` is where it stands, `html` what it shows there; `been` are the paths that it came by since the last click."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.headers["User-Agent"] = "Walker/1.0"
        self.session.headers["Accept"] = "text/html"
        self.session.trust_env = False
        self.at, self.html, self.status = "", "", 0
        self.been: list[str] = []

    def go(self, url: str) -> Walker:
        """Type an address, or follow a link."""
        return self._arrive(self._send("GET", urljoin(self.at, url)))

    def submit(self, action: str, **fields: str) -> Walker:
        """Fill in the form of this page that goes there."""
        for form in self.forms():
            if urlsplit(form["action"] or self.at).path.endswith(action):
                target = urljoin(self.at, form["action"] or self.at)
                parts = urlsplit(self.at)
                sent = {**form["fields"], **fields}
                headers = {"Origin": f"{parts.scheme}://{parts.netloc}", "Sec-Fetch-Site": "same-origin"}
                return self._arrive(self._send("POST", target, data=sent, headers=headers))
        raise AssertionError(f"no form for {action} at {self.at} ({self.status}): {self.html[:1500]}")

    def forms(self) -> list[dict]:
        reader = _Forms()
        reader.feed(self.html)
        return reader.found

    def sign_in(self, email: str, password: str) -> Walker:
        """From the service's sign-in page on: the password, and consent where it is asked for, to where that leads."""
        assert urlsplit(self.at).path == "/sign-in", (self.at, self.html[:1000])
        self.submit("/sign-in" if self._has("/sign-in", "password") else "/sign-in/password", email=email, password=password)
        return self.submit("/consent", decision="allow") if any(form["action"].endswith("/consent") for form in self.forms()) else self

    def _has(self, action: str, field: str) -> bool:
        return any(urlsplit(form["action"] or self.at).path.endswith(action) and field in form["fields"] for form in self.forms())

    def _send(self, method: str, url: str, **more: object) -> requests.Response:
        return self.session.request(method, url, allow_redirects=False, timeout=PATIENCE, **more)

    def _arrive(self, answer: requests.Response) -> Walker:
        self.been = [urlsplit(answer.url).path]
        for _ in range(15):
            if not answer.is_redirect:
                self.at, self.html, self.status = answer.url, answer.text, answer.status_code
                return self
            assert answer.status_code in (302, 303), answer
            answer = self._send("GET", urljoin(answer.url, answer.headers["Location"]))
            self.been.append(urlsplit(answer.url).path)
        raise AssertionError(f"round and round: {self.been}")


class _Forms(HTMLParser):
    """The forms of a page, each with the values that are in it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append({"action": facts.get("action", ""), "fields": {}})
        elif tag == "input" and self.found and facts.get("name") and facts.get("type") not in ("radio", "checkbox", "submit"):
            self.found[-1]["fields"][facts["name"]] = facts.get("value", "")


def led_back(walker: Walker, url: str, callback: str, email: str, password: str) -> str:
    """Where the service leads a browser that comes with this URL and signs in: an address that nobody need listen at."""
    seen: list[str] = []

    def stop(answer: requests.Response, **_: object) -> requests.Response:
        if answer.headers.get("Location", "").startswith(callback):
            seen.append(answer.headers.pop("Location"))
        return answer

    walker.session.hooks["response"].append(stop)
    walker.go(url)
    if not seen:
        walker.sign_in(email, password)
    walker.session.hooks["response"].remove(stop)
    assert seen, (walker.at, walker.status, walker.html[:1500])
    return seen[0]
