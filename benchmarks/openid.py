"""G14: what an application's token costs, by each way of getting one; and the same of OpenID providers that are not ours."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from authenticator.applications import Application, ClientSecret, Grant
from authenticator.crypto import digest
from benchmarks import servers
from benchmarks.goals import Stage
from benchmarks.load import form, request
from benchmarks.measure import Bench, Spread
from benchmarks.subject import read
from benchmarks.table import Row

CLIENT = "app_benchmark"
SECRET = "benchmark-secret-of-more-than-forty-three-characters"
BACK = "http://localhost:9/callback"
SCOPES = ("openid", "profile", "email", "offline_access")
VERIFIER = "v" * 64
LIMITS = {"client credentials": 3.5, "code flow, both requests": 12.0, "refresh of an application": 5.5}
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class Issuer:
    """An OpenID provider under load: where its endpoints are, the cookies of people who are signed in and have
    agreed, the client for client credentials, and the status with which it redirects."""

    server: servers.Program
    authorize: str
    token: str
    cookies: Sequence[str]
    own_client: str = CLIENT
    redirects: int = 303


def measure(bench: Bench, issuer: Issuer) -> Iterator[tuple[str, Spread]]:
    """Client credentials, the code flow's two requests, and a refresh, in F; every token and code is used once."""

    def credentials() -> float:
        asked = form("POST", issuer.token, {"grant_type": "client_credentials", "scope": "api"}, headers=[_basic(issuer.own_client)])
        return bench.send(issuer.server, [asked] * bench.size)[0]

    yield "client credentials", bench.in_units(credentials)
    yield "code flow, both requests", bench.in_units(lambda: _flow(bench, issuer)[0])
    tokens = _flow(bench, issuer)[1]

    def refresh() -> float:
        nonlocal tokens
        asked = [
            form("POST", issuer.token, {"grant_type": "refresh_token", "refresh_token": token}, headers=[_basic(CLIENT)])
            for token in tokens
        ]
        used, outcome = bench.send(issuer.server, asked, keep=True)
        tokens = read(outcome.bodies, "refresh_token")
        return used

    yield "refresh of an application", bench.in_units(refresh)


def _flow(bench: Bench, issuer: Issuer) -> tuple[float, list[str]]:
    """CPU seconds of a code flow by people who are signed in and have agreed before, and the refresh tokens that it brought."""
    path = f"{issuer.authorize}?{authorization()}"
    asked = [request("GET", path, headers=[("Cookie", issuer.cookies[number % len(issuer.cookies)])]) for number in range(bench.size)]
    first, outcome = bench.send(issuer.server, asked, expect=issuer.redirects, keep=True)
    codes = [parse_qs(urlsplit(place).query)["code"][0] for place in outcome.bodies]
    facts = {"grant_type": "authorization_code", "redirect_uri": BACK, "code_verifier": VERIFIER}
    ends = [form("POST", issuer.token, {**facts, "code": code}, headers=[_basic(CLIENT)]) for code in codes]
    second, outcome = bench.send(issuer.server, ends, keep=True)
    return first + second, read(outcome.bodies, "refresh_token")


def authorization() -> str:
    """The query of the authorization request."""
    wish = {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": BACK,
        "scope": " ".join(SCOPES),
        "state": "s" * 22,
        "nonce": "n" * 22,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return urlencode(wish)


def _basic(client: str) -> tuple[str, str]:
    return "Authorization", "Basic " + base64.b64encode(f"{quote(client)}:{quote(SECRET)}".encode()).decode()


def tokens(stage: Stage) -> list[Row]:
    """G14."""
    return [stage.row("G14", what, figure, limit=LIMITS[what]) for what, figure in measure(stage.bench, _ours(stage))]


def _ours(stage: Stage) -> Issuer:
    """Our own service with an application that sixteen people have agreed to."""
    store, now = stage.subject.service.core.store, stage.subject.service.core.clock.now()
    application = Application(
        id=CLIENT,
        name="Benchmark",
        created_at=now,
        updated_at=now,
        redirect_uris=(BACK,),
        grants=("authorization_code", "refresh_token", "client_credentials"),
        scopes=(*SCOPES, "api"),
        secrets=(ClientSecret(digest(SECRET), now),),
        id_token_algorithm="ES256",
    )
    store.add_application(application)
    people = list(stage.subject.people.values())[:16]
    for user_id in people:
        if store.grant(user_id, CLIENT) is None:
            store.save_grant(Grant(user_id, CLIENT, now, now, SCOPES))
    cookies = [f"auth_session={cookie}" for cookie in stage.subject.cookies(len(people))]
    return Issuer(stage.server, "/oauth/authorize", "/oauth/token", cookies)


def peer(bench: Bench, name: str, start: Callable[[Path], AbstractContextManager[Issuer]]) -> Iterator[Row]:
    """The same of somebody else's provider, for information, as far as it gets."""
    with tempfile.TemporaryDirectory(prefix="peer-") as folder, start(Path(folder)) as issuer:
        for what, figure in measure(bench, issuer):
            yield Row("P1", f"{name}: {what}", "peer", figure, "F")
