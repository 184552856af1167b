"""Puts the service together: `create_app()` lets it stand alone, `Authenticator(app)` puts it inside a Flask application."""

from __future__ import annotations

import base64
import functools
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast
from urllib.parse import quote, urlencode

from flask import Flask, current_app, g, redirect, request
from pydantic import BaseModel
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from authenticator import cli
from authenticator.clock import Clock
from authenticator.crypto import derive_key, kept_secret
from authenticator.door.gate import Door
from authenticator.errors import AuthError, ConfigurationError
from authenticator.flows import attributes, leaving, ownership
from authenticator.flows.core import Core
from authenticator.flows.errands import Errands
from authenticator.flows.history import History
from authenticator.flows.keyring import KeyRing
from authenticator.flows.letters import Letters
from authenticator.flows.logout import Telling
from authenticator.flows.messages import Messages
from authenticator.flows.recovery_codes import RecoveryPlugin
from authenticator.flows.sessions import Ended
from authenticator.hashing import Argon2Hasher, Hasher, NullHasher
from authenticator.http.guard import current
from authenticator.http.rules import LazyRule
from authenticator.ids import Ids
from authenticator.kinds.base import Plugin
from authenticator.kit import Kit
from authenticator.models import User
from authenticator.oidc.mount import OidcMount
from authenticator.options import DoorOptions, OidcOptions
from authenticator.outbox import Outbox, OutboxPlugin
from authenticator.reach import LOOPBACK, Reach
from authenticator.registry import Installed, build, find
from authenticator.service import Service
from authenticator.settings import PREFIX, Loaded, Settings, load
from authenticator.storage.open import open_store
from authenticator.storage.outages import Outages
from authenticator.storage.port import Store
from authenticator.storage.redis.client import Redis
from authenticator.storage.redis.store import RedisStore
from authenticator.storage.sealing import Sealer
from authenticator.web import theme
from authenticator.web.mount import Mount
from authenticator.web_client import WebClient

Options = TypeVar("Options", bound=BaseModel)
P = ParamSpec("P")
R = TypeVar("R")


def create_app(
    overrides: Mapping[str, Any] | None = None,
    *,
    defaults: Mapping[str, Any] | None = None,
    host: Mapping[str, Any] | None = None,
    plugins: Iterable[Any] = (),
    clock: Clock | None = None,
    env_file: str | Path | None = ".env",
) -> Flask:
    """The service as a Flask application of its own.

    `defaults`, `host` and `overrides` hold settings under their environment names, the weakest first; `plugins` are modules or objects with hooks,
    besides the installed ones. ConfigurationError says what to change when it must not start like this.
    """
    loaded = load(overrides, defaults=defaults, host=host, env_file=env_file)
    installed = find(loaded, (*plugins, Mount(), OidcMount(), OutboxPlugin(), RecoveryPlugin()))
    service = _service(loaded, installed, clock or Clock())
    app = Flask("authenticator.web", static_folder=None)
    app.url_rule_class = LazyRule
    app.extensions["authenticator"] = service
    app.extensions["authenticator_loaded"] = loaded
    app.config["MAX_CONTENT_LENGTH"] = None  # http/hygiene.py caps bodies, chunked ones too
    installed.manager.hook.auth_mount(app=app, auth=service)
    app.wsgi_app = Door(app, service, app.wsgi_app)  # type: ignore[method-assign]
    app.wsgi_app = _awake(service.core.errands, app.wsgi_app)  # type: ignore[method-assign]
    return app


def _awake(errands: Errands, wsgi_app: Any) -> Any:
    """Look for due errands in every process that a real server calls; a test's client names no server."""

    def awake(environ: dict[str, Any], start_response: Any) -> Any:
        if "SERVER_SOFTWARE" in environ or "uwsgi.version" in environ:
            errands.start()
        return wsgi_app(environ, start_response)

    return awake


def _service(loaded: Loaded, installed: Installed, clock: Clock) -> Service:
    settings = loaded.settings
    secret = _secret(settings)
    sealer = Sealer(secret, _field_keys(settings))
    oidc, door = _part(loaded, "oidc", OidcOptions), _part(loaded, "door", DoorOptions)
    store = cast("Store", Outages(_open(settings, sealer, installed), clock))
    ids = Ids(settings.machine_id)
    history = History(store, clock, ids)
    errands = Errands(store, clock)
    messages = Messages(errands, clock, ids, code_seconds=settings.code_seconds)
    letters = Letters(settings, accent=theme.shade(settings.accent_color, theme.LIGHT_PAGE) if settings.accent_color else "")
    hasher = _hasher(settings)
    http = WebClient((settings.emulator_url,))
    log = logging.getLogger("authenticator")

    def kit_for(cls: type[Plugin]) -> Kit:
        return Kit(
            service_name=settings.service_name,
            public_url=settings.public_url,
            clock=clock,
            log=log.getChild(cls.name),
            http=http,
            hasher=hasher,
            send=messages.send,
            spend=lambda *counters: core.spend(*counters),
            forgive=lambda key: store.forgive([key]),
            emulator_url=settings.emulator_url,
            write=letters.write,
            message_limits=lambda target, client: ownership.message_limits(core, target, client),
            code_seconds=settings.code_seconds,
        )

    registry = build(installed, _with_outbox(loaded), kit_for)
    real = {name: sender for name, sender in registry.senders.items() if not isinstance(sender, Outbox)}
    messages.use(real, settings.sender, shown=registry.senders.get(Outbox.name))
    history.listeners = registry.listeners
    core = Core(
        settings,
        clock,
        ids,
        store,
        registry,
        messages,
        history,
        letters,
        errands,
        secret,
        log,
        attributes.load(settings.attributes_schema),
        oidc=oidc,
        door=door,
        outside=WebClient(connect=5.0, read=10.0, reach=_reach(settings, oidc)),
    )
    errands.handle("erasure", lambda errand: leaving.carry_out(core, errand))
    keys = KeyRing(store, clock, settings, history)
    Telling(core, keys).attend()
    return Service(core, Ended(core), keys)


def _reach(settings: Settings, oidc: OidcOptions) -> Reach:
    """Where addresses given by applications may lead (ASVS 5.0 1.3.6); a developer's applications stand on her own machine."""
    inner = [*oidc.dangerous_inner_networks, *(LOOPBACK if settings.development else ())]
    return Reach(oidc.outgoing_ports, inner)


def _part(loaded: Loaded, name: str, model: type[Options]) -> Options:
    """The settings of a part of the core."""
    options, _, _ = loaded.options(name, model)
    return options or model.model_validate({})


def _with_outbox(loaded: Loaded) -> Loaded:
    if not loaded.settings.development:
        return loaded
    file = str(loaded.settings.data_dir / "outbox.jsonl")
    return replace(loaded, raw={**loaded.raw, f"{PREFIX}OUTBOX_FILE": (file, "default")})


def _open(settings: Settings, sealer: Sealer, installed: Installed) -> Store:
    url = settings.database_url
    if not url:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        url = f"sqlite:///{(settings.data_dir / 'authenticator.db').resolve()}"
    store = open_store(url, sealer=sealer, pm=installed.manager)
    if redis := settings.redis_url.get_secret_value():
        store = cast("Store", RedisStore(store, Redis(redis), sealer))
    try:
        store.prepare()
    except BaseException as error:
        store.close()  # a start that is refused leaves no connection behind
        if not isinstance(error, AuthError):
            raise
        raise ConfigurationError(
            f"The database does not answer ({error.code}). Is {PREFIX}DATABASE_URL right, and is the database up?"
        ) from None
    return store


def _hasher(settings: Settings) -> Hasher:
    if settings.dangerous_null_hash:
        return NullHasher()
    return Argon2Hasher(
        memory=settings.hash_memory_kib, time=settings.hash_passes, slots=settings.hash_slots, patience=settings.hash_patience_seconds
    )


def _field_keys(settings: Settings) -> dict[str, bytes]:
    try:
        return {name: base64.b64decode(key.get_secret_value(), validate=True) for name, key in settings.field_keys.items()}
    except ValueError:
        raise ConfigurationError(f"{PREFIX}FIELD_KEYS: each key must be the output of: openssl rand -base64 32") from None


def _secret(settings: Settings) -> bytes:
    """The master secret; in development made once and kept (ASVS 5.0 13.2.3)."""
    text = settings.secret_key.get_secret_value()
    if not text and settings.development:
        text = kept_secret(settings.data_dir / "secrets" / "secret_key")
    advice = f"Set {PREFIX}SECRET_KEY to the output of: openssl rand -base64 32"
    if not text:
        raise ConfigurationError(
            f"There is no secret key, and production does not start without one. {advice} (For development: authenticator --dev …)"
        )
    if len(text.encode()) < 32 or len(set(text)) < 12:
        raise ConfigurationError(f"The secret key is too short or too simple to hold 256 random bits. {advice}")
    return derive_key(text.encode(), "authenticator")


class Authenticator:
    """The service inside somebody's Flask application, under a prefix, with the same settings from `app.config`.

    Its own Flask application answers below the prefix, so nothing of the host is touched: no error handler, no
    session, no template. `auth.required` protects a view; `auth.current_user` is who asks, or None.
    """

    def __init__(self, app: Flask | None = None, *, prefix: str = "/auth", plugins: Iterable[Any] = ()) -> None:
        self._prefix = prefix.rstrip("/")
        self._plugins = tuple(plugins)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Mount the service; settings are `AUTHENTICATOR_…` in `app.config`."""
        defaults = {
            f"{PREFIX}PUBLIC_URL": f"http://localhost:5000{self._prefix}",
            f"{PREFIX}DATA_DIR": str(Path(app.instance_path) / "authenticator"),
        }
        inner = create_app(host=app.config, defaults=defaults, plugins=self._plugins)
        app.extensions["authenticator"] = inner
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {self._prefix: inner.wsgi_app})  # type: ignore[method-assign]
        app.cli.add_command(cli.group())

    @property
    def current_user(self) -> User | None:
        """The signed-in user of this request, by session cookie or bearer token; None for nobody."""
        if "authenticator_user" not in g:
            inner: Flask = current_app.extensions["authenticator"]
            with inner.request_context(request.environ):
                found = _current_user()
            g.authenticator_user = found
        user: User | None = g.authenticator_user
        return user

    def required(self, view: Callable[P, R]) -> Callable[P, Any]:
        """Let only signed-in people in: a browser is sent to sign in and comes back, a program gets 401."""

        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            if self.current_user is not None:
                return view(*args, **kwargs)
            if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "text/html" and request.method in ("GET", "HEAD"):
                query = request.query_string.decode("ascii", "replace")
                return redirect(self.sign_in_url(quote(request.path) + (f"?{query}" if query else "")))
            return {"code": "invalid_token", "title": "Sign in first", "status": 401}, 401, {"WWW-Authenticate": "Bearer"}

        return guarded

    def sign_in_url(self, return_to: str = "/") -> str:
        """Where to send a browser to sign in; it comes back to `return_to`, a path of the host."""
        return f"{self._prefix}/sign-in?{urlencode({'return_to': return_to})}"


def _current_user() -> User | None:
    try:
        signed = current()
    except AuthError as error:
        if error.status == 503:
            raise
        return None
    return signed.user if signed else None
