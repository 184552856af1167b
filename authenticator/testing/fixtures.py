"""The fixtures of `authenticator.testing.plugin`: a service with a clock and an outbox, an emulator, browsers and people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from flask import Flask
    from jinja2 import BytecodeCache

    from authenticator.clock import SetClock
    from authenticator.emulator import Emulator
    from authenticator.kinds.oauth import OAuthProvider
    from authenticator.testing.client import Browser
    from authenticator.testing.emulated import Emulators
    from authenticator.testing.people import AsUser, Outbox, SignInVia

PREFIX = "AUTHENTICATOR_"
SECRET = "tests-know-this-secret-0123456789-abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def store_kind(request: pytest.FixtureRequest) -> str:
    """Which database this test runs on: `sqlite`, `mongodb` or `postgresql`. `--stores` says which there are."""
    return str(request.param)


@pytest.fixture
def store_url(store_kind: str, prepared_database: Callable[[str], str]) -> str:
    """The URL of an empty database. Override it to test with another store."""
    return prepared_database(store_kind)


@pytest.fixture
def clock() -> SetClock:
    """The service's and the emulator's time: the real one, until a test says `clock.advance(minutes=3)`."""
    from authenticator.clock import SetClock

    return SetClock()


@pytest.fixture
def auth_settings() -> dict[str, Any]:
    """Settings for `auth_app`, with or without AUTHENTICATOR_ in front; override it in a module, a class or a folder.

    `@pytest.fixture` / `def auth_settings(): return {"SIGN_UP_OPEN": False}`
    """
    return {}


@pytest.fixture
def auth_plugins() -> Sequence[Any]:
    """Modules or objects with hooks for `auth_app`, besides the installed plug-ins; override it."""
    return ()


@pytest.fixture
def emulated_providers(auth_plugins: Sequence[Any]) -> tuple[type[OAuthProvider], ...]:
    """The provider classes for which the emulator stands in: those of the installed plug-ins and of `auth_plugins`."""
    from authenticator.testing.emulated import redirect_providers

    return redirect_providers(auth_plugins)


@pytest.fixture(scope="session")
def emulators() -> Iterator[Emulators]:
    """The emulators of this run; `emulator` takes one of them."""
    from authenticator.testing.emulated import Emulators

    running = Emulators()
    yield running
    running.stop()


@pytest.fixture
def emulator(emulators: Emulators, emulated_providers: tuple[type[OAuthProvider], ...], clock: SetClock) -> Iterator[Emulator]:
    """The identity provider that stands in for all others, over real HTTP, with its switches as a new one has them.

    `emulator.fault`, `emulator.auto`, `emulator.tamper` and `emulator.slow_seconds` are set back after the test.
    """
    with emulators.lent(emulated_providers, clock) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> BytecodeCache:
    """Templates are compiled once a run, not once a test."""
    from jinja2 import FileSystemBytecodeCache

    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture(scope="session")
def spare_keys() -> Iterator[None]:
    """RSA keys that sign tokens are made a few times a run, not once a test."""
    from authenticator.flows import keyring, signing
    from authenticator.testing.spare_keys import SpareKeys

    spare = SpareKeys()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(keyring._MAKE, "RS256", spare.make)
        patch.setitem(signing._KINDS, "RS256", spare)
        yield


@pytest.fixture
def auth_app(
    auth_settings: dict[str, Any],
    auth_plugins: Sequence[Any],
    store_url: str,
    emulator: Emulator,
    clock: SetClock,
    compiled_templates: BytecodeCache,
    spare_keys: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Flask]:
    """The service as a Flask application of its own, in development, with the emulator behind every provider that has no credentials."""
    from authenticator.app import create_app

    usual = {
        "ENVIRONMENT": "development",
        "DATABASE_URL": store_url,
        "DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "SECRET_KEY": SECRET,
        "EMULATOR_URL": emulator.base_url,
        "HASH_MEMORY_KIB": 12_288,
        "HASH_PASSES": 1,
    }
    settings = {f"{PREFIX}{name.removeprefix(PREFIX)}": value for name, value in (usual | auth_settings).items()}
    app = create_app(settings, plugins=auth_plugins, clock=clock, env_file=None)
    app.jinja_env.bytecode_cache = compiled_templates
    yield app
    core = app.extensions["authenticator"].core
    core.errands.stop()
    core.messages.flush()
    with suppress(AttributeError):  # a stranger's store may have nothing to close
        core.store.close()


@pytest.fixture
def client(auth_app: Flask) -> Browser:
    """A browser: `get`, `post`, `form`, `submit`, and `api` for programs; `browser()` is another one."""
    from authenticator.testing.client import Browser

    return Browser(auth_app)


@pytest.fixture
def outbox(auth_app: Flask) -> Outbox:
    """The messages that were sent: `outbox.last(to=…)`, `outbox.code(to=…)`, `outbox.all()`."""
    from authenticator.testing.people import Outbox

    return Outbox(auth_app)


@pytest.fixture
def as_user(client: Browser, outbox: Outbox) -> AsUser:
    """`as_user("ada@example.com")`: somebody with an account, a password and tokens, made through the real sign-up.

    `account.browser()` is a browser in which she is signed in.
    """
    from authenticator.testing.people import AsUser

    return AsUser(client, outbox)


@pytest.fixture
def sign_in_via(client: Browser, emulator: Emulator) -> SignInVia:
    """`sign_in_via("google", person="ada@example.com", fault="wrong_nonce")`: the whole way to a provider and back.

    The emulator is asked over real HTTP, the service through `browser`, by default `client`.
    """
    from authenticator.testing.people import SignInVia

    return SignInVia(client, emulator)
