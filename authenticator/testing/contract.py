"""What every redirect provider must keep: subclass ProviderContract, say `provider = Yours`, and it is tested against its own examples."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from flask import Flask

from authenticator.emulator import Emulator
from authenticator.kinds.oauth import OAuthProvider
from authenticator.kinds.oidc import OIDCProvider
from authenticator.kinds.people import PEOPLE, Person
from authenticator.models import Login, LoginKey, Status
from authenticator.testing.client import Browser, Page
from authenticator.testing.emulated import Offer, plugins_without, redirect_providers
from authenticator.testing.people import Journey, Outbox, SignInVia
from authenticator.testing.sights import asked_for, asks_for_a_code, changed, remembered
from authenticator.web_client import WebClient

ADA, MALLORY = PEOPLE[0], PEOPLE[-1]
AT_ONCE = 6
LONG = 60.0  # seconds that a slow provider takes, and that no test waits


class ProviderContract:
    """`provider` is the class. `person` is whom the emulator signs in. `pkce` is False only where the provider can't do it."""

    provider: ClassVar[type[OAuthProvider]]
    person: ClassVar[Person] = ADA
    pkce: ClassVar[bool] = True

    # What the tests stand on

    @pytest.fixture
    def emulated_providers(self) -> tuple[type[OAuthProvider], ...]:
        return (self.provider,)

    @pytest.fixture
    def auth_plugins(self) -> Sequence[Any]:
        return () if self.provider in redirect_providers() else (Offer(self.provider),)

    @pytest.fixture
    def auth_settings(self, auth_plugins: Sequence[Any]) -> dict[str, Any]:
        return {"PLUGINS": plugins_without(self.provider.name)} if auth_plugins else {}

    @pytest.fixture
    def built(self, auth_app: Flask) -> OAuthProvider:
        """The provider as the service made it."""
        found: OAuthProvider = auth_app.extensions["authenticator"].core.registry.providers[self.provider.name]
        return found

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "broken" in metafunc.fixturenames:
            kinds = ("server_error", "html", "huge", "redirect")
            metafunc.parametrize("broken", [f"{kind}:{place}" for place in self.asked() for kind in kinds])

    @classmethod
    def asked(cls) -> tuple[str, ...]:
        """The endpoints that the service itself calls in one sign-in."""
        if not issubclass(cls.provider, OIDCProvider):
            return ("token", "profile")
        return ("discovery", "token", "keys", *(["profile"] if cls.provider.use_userinfo else []))

    def go(self, sign_in_via: SignInVia, fault: str = "none", browser: Browser | None = None, person: Person | None = None) -> Journey:
        """Sign in under a fault."""
        return sign_in_via(self.provider.name, (person or self.person).key, browser, fault=fault)

    def enter(self, journey: Journey, outbox: Outbox) -> Journey:
        """Where an address has to be proved first, prove it."""
        if not asks_for_a_code(journey.page):
            return journey
        browser = journey.page.browser
        return replace(journey, page=browser.submit(journey.page.follow(), code=outbox.code()))

    def login(self, auth_app: Flask) -> Login | None:
        """The account of the person's subject."""
        subject = self.person.subject(self.provider.name)
        found: Login | None = auth_app.extensions["authenticator"].core.store.find_login(LoginKey(self.provider.name, subject))
        return found

    def refused(self, page: Page, *statuses: int) -> None:
        """Nobody is signed in, and the page says that something went wrong."""
        assert page.status in (statuses or (401, 503)), page
        assert not page.browser.signed_in
        assert "went wrong" in page or 'role="alert"' in page.html, page

    # Who comes in

    def test_a_person_signs_in_and_is_who_the_example_says(
        self, sign_in_via: SignInVia, outbox: Outbox, built: OAuthProvider, auth_app: Flask
    ) -> None:
        said = built.identity(self.provider.example(self.person))
        person = self.person
        assert said.email in ("", person.email)
        assert said.given_name in ("", person.given_name)
        assert said.family_name in ("", person.family_name)
        assert said.name in ("", person.name)
        me = self.enter(self.go(sign_in_via), outbox).me
        assert me["email"] == (said.email.lower() or None)
        assert me["name"]["given"] == said.given_name
        assert me["name"]["family"] == said.family_name
        assert me["name"]["display"] == (said.name or f"{said.given_name} {said.family_name}".strip())
        assert me["picture"] == (said.picture or None)

    def test_who_comes_again_is_the_same_person(self, sign_in_via: SignInVia, outbox: Outbox, client: Browser) -> None:
        first = self.enter(self.go(sign_in_via), outbox)
        again = self.go(sign_in_via, browser=client.browser())
        assert again.me["id"] == first.me["id"]

    def test_the_subject_is_the_key_and_an_address_is_not(
        self, sign_in_via: SignInVia, outbox: Outbox, client: Browser, auth_app: Flask
    ) -> None:
        first = self.enter(self.go(sign_in_via), outbox)
        login = self.login(auth_app)
        assert login is not None, "the account is not found under the subject that the example gives"
        assert login.user.id == first.me["id"]
        moved = self.go(sign_in_via, "missing_email", browser=client.browser())
        assert moved.me["id"] == first.me["id"]

    def test_the_same_address_with_another_subject_does_not_get_in(self, sign_in_via: SignInVia, outbox: Outbox, client: Browser) -> None:
        owner = self.enter(self.go(sign_in_via), outbox)
        mallory = self.go(sign_in_via, browser=client.browser(), person=MALLORY)
        assert not mallory.signed_in or mallory.me["id"] != owner.me["id"]
        assert not mallory.signed_in or mallory.me["email"] is None

    def test_an_account_with_the_same_address_is_not_taken_over(self, sign_in_via: SignInVia, outbox: Outbox, auth_app: Flask) -> None:
        auth_app.extensions["authenticator"].add_user(self.person.email)
        journey = self.go(sign_in_via)
        assert not journey.signed_in
        assert self.login(auth_app) is None
        assert not [message for message in outbox.all() if "code" in message]

    def test_an_unverified_address_is_not_trusted(self, sign_in_via: SignInVia, outbox: Outbox) -> None:
        journey = self.go(sign_in_via, "unverified_email")
        if asks_for_a_code(journey.page):
            assert not journey.signed_in
            assert outbox.last()["to"] == self.person.email
        else:
            assert journey.me["email"] is None

    def test_a_person_without_an_address_gets_an_account(self, sign_in_via: SignInVia) -> None:
        journey = self.go(sign_in_via, "missing_email")
        assert journey.me["email"] is None

    def test_a_suspended_person_stays_out(self, sign_in_via: SignInVia, outbox: Outbox, auth_app: Flask, client: Browser) -> None:
        first = self.enter(self.go(sign_in_via), outbox)
        service = auth_app.extensions["authenticator"]
        service.change_status(service.user(first.me["id"]), Status.SUSPENDED, why="a test", by="operator")
        assert not first.signed_in
        self.refused(self.go(sign_in_via, browser=client.browser()).page, 403)

    # The way there and back

    def test_the_request_carries_what_protects_it(self, sign_in_via: SignInVia, built: OAuthProvider) -> None:
        first, second = (asked_for(sign_in_via.away(sign_in_via.leave(self.provider.name))) for _ in range(2))
        assert first["response_type"] == "code"
        assert first["client_id"] == built.options.client_id
        assert urlsplit(first["redirect_uri"]).path == f"/sign-in/{self.provider.name}/callback"
        assert len(first["state"]) >= 22
        assert first["state"] != second["state"]
        assert set(first["scope"].split(self.provider.scope_separator)) == set(self.provider.scope.split())

    def test_pkce_binds_the_code_to_the_sign_in(self, sign_in_via: SignInVia, client: Browser) -> None:
        first, second = (sign_in_via.away(sign_in_via.leave(self.provider.name)) for _ in range(2))
        if not self.pkce:
            assert "code_challenge" not in asked_for(first)
            return
        assert asked_for(first).get("code_challenge_method") == "S256"
        assert asked_for(first)["code_challenge"] != asked_for(second)["code_challenge"]
        stolen = asked_for(sign_in_via.choose(second))["code"]
        self.refused(client.get(changed(sign_in_via.choose(first), code=stolen)))

    def test_a_callback_without_a_state_is_refused(self, sign_in_via: SignInVia, client: Browser) -> None:
        callback = sign_in_via.choose(sign_in_via.away(sign_in_via.leave(self.provider.name)))
        self.refused(client.get(changed(callback, state="")), 400)
        self.refused(client.get(changed(callback, state=None)), 400)

    def test_a_made_up_state_is_refused(self, sign_in_via: SignInVia, client: Browser) -> None:
        callback = sign_in_via.choose(sign_in_via.away(sign_in_via.leave(self.provider.name)))
        self.refused(client.get(changed(callback, state="A" * 43)), 400)

    def test_a_spent_state_cannot_be_used_again(self, sign_in_via: SignInVia, outbox: Outbox) -> None:
        journey = self.go(sign_in_via)
        browser = journey.page.browser
        browser.set_cookie("session", "")
        fresh = sign_in_via.choose(journey.away)  # a new code, so that only the state can stop it
        self.refused(browser.get(fresh), 400)

    def test_a_refusal_spends_the_state_too(self, sign_in_via: SignInVia) -> None:
        journey = self.go(sign_in_via, "denied")
        self.refused(journey.page.browser.get(sign_in_via.choose(journey.away)), 400)

    def test_a_callback_in_another_browser_is_refused(self, sign_in_via: SignInVia, client: Browser) -> None:
        callback = sign_in_via.choose(sign_in_via.away(sign_in_via.leave(self.provider.name)))
        victim = client.browser()
        victim.get("/sign-in")
        self.refused(victim.get(callback), 400)

    def test_a_state_that_is_too_old_is_refused(self, sign_in_via: SignInVia, clock: Any) -> None:
        gone = sign_in_via.leave(self.provider.name)
        clock.advance(minutes=11)
        self.refused(sign_in_via.arrive(gone).page, 400)

    def test_of_callbacks_at_once_one_wins(self, sign_in_via: SignInVia, client: Browser) -> None:
        callback = sign_in_via.choose(sign_in_via.away(sign_in_via.leave(self.provider.name)))
        twins, start = [client.twin() for _ in range(AT_ONCE)], Barrier(AT_ONCE)

        def come(browser: Browser) -> int:
            start.wait()
            return browser.get(callback).status

        with ThreadPoolExecutor(AT_ONCE) as pool:
            statuses = sorted(pool.map(come, twins))
        assert statuses == [303] + [400] * (AT_ONCE - 1)

    def test_a_provider_removed_on_the_way_signs_nobody_in(self, sign_in_via: SignInVia, auth_app: Flask) -> None:
        gone = sign_in_via.leave(self.provider.name)
        del auth_app.extensions["authenticator"].core.registry.providers[self.provider.name]
        page = sign_in_via.arrive(gone).page
        assert page.status == 404
        assert not page.browser.signed_in

    # What the provider may answer

    def test_a_person_who_says_no_is_told_so(self, sign_in_via: SignInVia) -> None:
        page = self.go(sign_in_via, "denied").page
        self.refused(page, 401)
        assert "cancelled" in page

    @pytest.mark.parametrize(("error", "status"), [("server_error", 503), ("invalid_scope", 401), ("<b>bad</b>", 401)])
    def test_an_error_in_the_callback_signs_nobody_in(self, sign_in_via: SignInVia, client: Browser, error: str, status: int) -> None:
        away = sign_in_via.away(sign_in_via.leave(self.provider.name))
        callback = changed(sign_in_via.choose(away), code=None, error=error, error_description="<script>x</script>")
        page = client.get(callback)
        self.refused(page, status)
        assert "<script>x" not in page.html
        assert "<b>bad" not in page.html

    def test_a_broken_provider_signs_nobody_in_and_breaks_nothing(
        self, sign_in_via: SignInVia, emulator: Emulator, outbox: Outbox, broken: str
    ) -> None:
        journey = self.go(sign_in_via, broken)
        self.refused(journey.page, 503 if broken.startswith("server_error") else 401)
        emulator.fault = "none"
        assert self.enter(self.go(sign_in_via), outbox).signed_in

    def test_a_slow_provider_is_not_waited_for(
        self, sign_in_via: SignInVia, emulator: Emulator, built: OAuthProvider, caplog: pytest.LogCaptureFixture
    ) -> None:
        built.kit = replace(built.kit, http=WebClient((emulator.base_url,), read=0.1, total=0.5))
        emulator.slow_seconds = LONG
        for place in self.asked():
            self.refused(self.go(sign_in_via, f"slow:{place}").page, 503)
            emulator.fault = "none"
        assert caplog.text.count("reason=no answer") == len(self.asked())

    def test_an_answer_without_a_subject_is_refused(self, sign_in_via: SignInVia) -> None:
        self.refused(self.go(sign_in_via, "missing_subject").page, 401)

    def test_secrets_are_in_no_log_and_on_no_page(
        self,
        sign_in_via: SignInVia,
        emulator: Emulator,
        built: OAuthProvider,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        given = remembered(emulator, monkeypatch)
        journeys = [self.go(sign_in_via), self.go(sign_in_via, "missing_subject"), self.go(sign_in_via, "denied")]
        codes = [asked_for(journey.callback).get("code", "") for journey in journeys]
        secrets = {text for text in (built.options.client_secret.get_secret_value(), *given, *codes) if text}
        assert len(secrets) >= 4  # a secret, two codes and an access token
        shown = caplog.text + "".join(journey.page.html for journey in journeys)
        assert [secret for secret in secrets if secret in shown] == []
