"""Whether a conversation keeps to its ticket: one holder, one provider, one use, and tries that run out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from authenticator.app import create_app
from authenticator.clock import SetClock
from authenticator.errors import AuthError
from authenticator.flows.outcomes import Away, Begin, Outcome, Pending, Signed, SignedIn
from authenticator.hooks import hookimpl
from authenticator.kinds.base import Ask, Field, Identity, Proof, Provider, Redirect, Turn, Visit
from authenticator.models import Client, Intent
from authenticator.service import Service

HERE = Client("127.0.0.1", "Testing/1.0")


class Riddle(Provider):
    """Asks twice; whoever answers `yes` and then `friend` is that friend."""

    name, label = "riddle", "Riddle"

    def start(self, visit: Visit) -> Turn:
        return Ask((Field("first", "First"),), keep={"step": 1})

    def resume(self, visit: Visit, keep: Mapping[str, Any], answer: Mapping[str, str]) -> Turn:
        if keep["step"] == 1:
            if answer["first"] != "yes":
                raise AuthError("invalid_credentials")
            return Ask((Field("name", "Name"),), keep={"step": 2}, resend=True)
        if "resend" in answer:
            return Ask((Field("name", "Name"),), keep={"step": 2, "again": True}, resend=True)
        if answer["name"] == "cancel":
            raise AuthError("provider_denied")
        return Proof(answer["name"], Identity(), ("pwd",))


class Post(Provider):
    """Sends the browser away; it comes back with a name in `code`."""

    name, label, kind = "post", "Post", "redirect"
    intents = frozenset({Intent.SIGN_IN, Intent.SIGN_UP, Intent.LINK})

    def start(self, visit: Visit) -> Turn:
        return Redirect(f"https://post.example/?state={visit.state}", keep={"secret": "kept"})

    def resume(self, visit: Visit, keep: Mapping[str, Any], answer: Mapping[str, str]) -> Turn:
        assert keep == {"secret": "kept"}
        return Proof(answer["code"], Identity(), ("fed",))


class Both:
    """Brings the two."""

    @hookimpl
    def auth_providers(self) -> list[type[Provider]]:
        return [Riddle, Post]


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def service(tmp_path: Path, clock: SetClock) -> Iterator[Service]:
    settings = {"AUTHENTICATOR_ENVIRONMENT": "development", "AUTHENTICATOR_DATA_DIR": str(tmp_path), "AUTHENTICATOR_PLUGINS": ["password"]}
    app = create_app(settings, plugins=(Both(),), clock=clock, env_file=None)
    found: Service = app.extensions["authenticator"]
    yield found
    found.core.store.close()


def begin(service: Service, provider: str = "riddle", intent: Intent = Intent.SIGN_IN, **more: Any) -> Outcome:
    return service.begin(Begin(provider, intent, HERE, "api", **more))


def go_on(service: Service, waiting: Outcome, **answer: Any) -> Outcome:
    assert not isinstance(waiting, SignedIn)
    return service.resume(waiting.challenge.id, waiting.challenge.binding, answer, client=HERE)


def refusal(service: Service, waiting: Outcome, **answer: Any) -> str:
    with pytest.raises(AuthError) as caught:
        go_on(service, waiting, **answer)
    return caught.value.code


def test_two_questions_and_a_proof_open_a_session(service: Service) -> None:
    asked = begin(service)
    assert isinstance(asked, Pending)
    again = go_on(service, asked, first="yes")
    assert isinstance(again, Pending)
    assert again.challenge.id == asked.challenge.id
    done = go_on(service, again, name="ada")
    assert isinstance(done, SignedIn)
    assert done.created
    assert done.session.provider == "riddle"
    assert service.signed_by_session(done.session.id)


def test_a_first_answer_that_comes_at_once_saves_a_trip(service: Service) -> None:
    asked = begin(service, answer={"first": "yes"})
    assert isinstance(asked, Pending)
    assert asked.challenge.ask
    assert [field.name for field in asked.challenge.ask.fields] == ["name"]


def test_what_the_plugin_keeps_is_shown_to_nobody(service: Service) -> None:
    asked = begin(service)
    assert isinstance(asked, Pending)
    assert asked.challenge.ask
    assert asked.challenge.ask.keep == {}
    seen = service.pending(asked.challenge.id, asked.challenge.binding)
    assert seen
    assert seen.ask
    assert seen.ask.keep == {}
    assert asked.challenge.binding not in repr(asked)


def test_a_finished_conversation_cannot_be_repeated(service: Service) -> None:
    asked = begin(service, answer={"first": "yes"})
    go_on(service, asked, name="ada")
    assert refusal(service, asked, name="ada") == "challenge_expired"


def test_a_ticket_is_worth_nothing_without_its_secret_and_is_gone_after_a_wrong_one(service: Service) -> None:
    asked = begin(service, answer={"first": "yes"})
    assert isinstance(asked, Pending)
    for binding in ("", "x", asked.challenge.id):
        assert service.pending(asked.challenge.id, binding) is None
    with pytest.raises(AuthError, match="challenge_expired"):
        service.resume(asked.challenge.id, "x", {"name": "ada"}, client=HERE)


def test_a_wrong_answer_may_be_corrected_until_the_tries_are_over(service: Service) -> None:
    asked = begin(service)
    assert [refusal(service, asked, first="no") for _ in range(6)] == ["invalid_credentials"] * 5 + ["challenge_expired"]


def test_a_right_answer_after_wrong_ones_goes_on(service: Service) -> None:
    asked = begin(service)
    for _ in range(4):
        assert refusal(service, asked, first="no") == "invalid_credentials"
    assert isinstance(go_on(service, asked, first="yes"), Pending)


def test_a_final_refusal_ends_the_conversation(service: Service) -> None:
    asked = begin(service, answer={"first": "yes"})
    assert refusal(service, asked, name="cancel") == "provider_denied"
    assert refusal(service, asked, name="ada") == "challenge_expired"


@pytest.mark.parametrize("answer", [{}, {"first": ""}, {"first": "x" * 300}, {"other": "yes"}, {"first": "yes", "name": "ada"}])
def test_an_answer_that_does_not_fit_the_question_is_told_field_by_field(service: Service, answer: dict[str, str]) -> None:
    assert refusal(service, begin(service), **answer) == "validation_failed"


@pytest.mark.parametrize("value", [None, 1, True, ["yes"], {"$ne": ""}])
def test_an_answer_that_is_no_text_is_refused(service: Service, value: Any) -> None:
    assert refusal(service, begin(service), first=value) == "invalid_request"


def test_a_new_code_may_be_asked_for_only_where_the_question_says_so(service: Service) -> None:
    asked = begin(service)
    assert refusal(service, asked, resend="1") == "validation_failed"
    second = go_on(service, asked, first="yes")
    assert isinstance(go_on(service, second, resend="1"), Pending)


def test_a_conversation_ends_by_itself_after_ten_minutes(service: Service, clock: SetClock) -> None:
    asked = begin(service, answer={"first": "yes"})
    clock.advance(minutes=9)
    assert isinstance(asked, Pending)
    assert service.pending(asked.challenge.id, asked.challenge.binding)
    clock.advance(minutes=2)
    assert service.pending(asked.challenge.id, asked.challenge.binding) is None
    assert refusal(service, asked, name="ada") == "challenge_expired"


def test_correcting_an_answer_does_not_lengthen_the_conversation(service: Service, clock: SetClock) -> None:
    asked = begin(service)
    for _ in range(3):
        clock.advance(minutes=3)
        assert refusal(service, asked, first="no") == "invalid_credentials"
    clock.advance(minutes=2)
    assert refusal(service, asked, first="yes") == "challenge_expired"


def test_the_state_of_a_redirect_is_its_ticket_and_works_once(service: Service) -> None:
    away = begin(service, "post")
    assert isinstance(away, Away)
    assert away.url.endswith(f"state={away.challenge.id}")
    assert isinstance(go_on(service, away, code="ada", state=away.challenge.id), SignedIn)
    assert refusal(service, away, code="ada", state=away.challenge.id) == "challenge_expired"


def test_a_callback_of_another_provider_is_refused(service: Service) -> None:
    away = begin(service, "post")
    assert isinstance(away, Away)
    with pytest.raises(AuthError, match="challenge_expired"):
        service.resume(
            away.challenge.id, away.challenge.binding, {"code": "ada", "state": away.challenge.id}, client=HERE, provider="riddle"
        )


def test_an_unknown_provider_or_a_wish_that_it_does_not_serve_is_refused(service: Service) -> None:
    with pytest.raises(AuthError, match="unknown_provider"):
        begin(service, "nobody")
    with pytest.raises(AuthError) as caught:
        begin(service, "post", Intent.CONFIRM)
    assert caught.value.code in ("unknown_provider", "invalid_request")


def test_linking_needs_the_very_session_that_began_it(service: Service) -> None:
    ada = go_on(service, begin(service, answer={"first": "yes"}), name="ada")
    eve = go_on(service, begin(service, answer={"first": "yes"}), name="eve")
    assert isinstance(ada, SignedIn)
    assert isinstance(eve, SignedIn)
    away = begin(service, "post", Intent.LINK, signed=Signed(ada.user, ada.session))
    assert isinstance(away, Away)
    answer = {"code": "adas-post", "state": away.challenge.id}
    with pytest.raises(AuthError, match="invalid_token"):
        service.resume(away.challenge.id, away.challenge.binding, answer, client=HERE, signed=Signed(eve.user, eve.session))
    assert [key.provider for key in service.identities(eve.user)] == ["riddle"]
    assert [key.provider for key in service.identities(ada.user)] == ["riddle"]


# Questions that a script answers, and questions that are asked once


class Ceremony(Provider):
    """Asks for something that only a script can give, and takes one answer."""

    name, label = "ceremony", "Ceremony"

    def start(self, visit: Visit) -> Turn:
        return Ask((Field("signed", "Signed", "hidden"),), kind="ceremony", once=True)

    def resume(self, visit: Visit, keep: Mapping[str, Any], answer: Mapping[str, str]) -> Turn:
        if answer["signed"] != "well":
            raise AuthError("invalid_credentials")
        return Proof("ada", Identity(), ("hwk", "mfa"))


class One:
    """Brings it."""

    @hookimpl
    def auth_providers(self) -> list[type[Provider]]:
        return [Ceremony]


@pytest.fixture
def ceremony(tmp_path: Path, clock: SetClock) -> Iterator[Service]:
    settings = {"AUTHENTICATOR_ENVIRONMENT": "development", "AUTHENTICATOR_DATA_DIR": str(tmp_path), "AUTHENTICATOR_PLUGINS": ["password"]}
    app = create_app(settings, plugins=(One(),), clock=clock, env_file=None)
    found: Service = app.extensions["authenticator"]
    yield found
    found.core.store.close()


def test_nothing_at_all_is_no_answer_to_what_only_a_script_can_answer(ceremony: Service) -> None:
    asked = begin(ceremony, "ceremony", answer={})
    assert isinstance(asked, Pending)
    assert asked.challenge.kind == "ceremony"
    assert isinstance(begin(ceremony, "ceremony", answer={"signed": "well"}), SignedIn)


def test_a_wrong_answer_to_what_is_asked_once_ends_the_conversation(ceremony: Service) -> None:
    asked = begin(ceremony, "ceremony")
    assert refusal(ceremony, asked, signed="badly") == "invalid_credentials"
    assert refusal(ceremony, asked, signed="well") == "challenge_expired"


def test_a_proof_of_two_factors_says_so(ceremony: Service) -> None:
    done = begin(ceremony, "ceremony", answer={"signed": "well"})
    assert isinstance(done, SignedIn)
    assert done.session.mfa_at == done.session.created_at
