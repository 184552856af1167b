"""What an operator can set: one frozen class, and where each value came from."""

from __future__ import annotations

import difflib
import ipaddress
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from authenticator.errors import ConfigurationError

PREFIX = "AUTHENTICATOR_"
LONGEST_TOKEN = 600  # seconds that an access token may live, whoever sets its life
Model = TypeVar("Model", bound=BaseModel)


class Settings(BaseSettings):
    """The core's settings. Each is `AUTHENTICATOR_<NAME>` in the environment, a `.env` file, a secrets folder or a host's config."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True, env_ignore_empty=True)

    environment: Literal["development", "production"] = Field(
        "production",
        description="`development` shows messages on a page and emulates providers without credentials; `production` refuses both.",
    )
    service_name: str = Field(
        "Authenticator", min_length=1, max_length=60, description="The name that people read on pages and in messages."
    )
    public_url: str = Field(
        "http://localhost:8000",
        description="Where browsers reach this service, with its path prefix if any. Every link and callback is built from it.",
    )
    database_url: str = Field(
        "", description="`sqlite:///file`, `postgresql+psycopg://…` or `mongodb://host/name`. Empty: an SQLite file in the data folder."
    )
    data_dir: Path = Field(
        Path("var"), description="The folder for the embedded database and, in development, the secrets made at first start."
    )
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="At least 32 random bytes as text (`openssl rand -base64 32`): cookies, look-ups and refresh tokens depend on it. Required in production.",
    )
    field_keys: dict[str, SecretStr] = Field(
        default_factory=dict,
        description='Keys that seal personal fields, `{"id": "base64 of 32 bytes"}`, the newest last. Empty: one derived from the secret key.',
    )
    plugins: list[str] = Field(default_factory=list, description="The only plug-ins to load, by name. Empty: every installed one.")
    trusted_proxies: list[str] = Field(
        default_factory=list,
        description="Addresses or networks of reverse proxies whose X-Forwarded-For and -Proto are believed. Empty: none.",
    )
    return_origins: list[str] = Field(
        default_factory=list, description="Origins (`https://app.example`) that `return_to` may lead to, besides this service itself."
    )
    audience: str = Field("", description="The `aud` of access tokens. Empty: the public URL.")
    access_token_seconds: int = Field(120, ge=30, le=LONGEST_TOKEN, description="How long an access token lives.")
    refresh_token_days: int = Field(30, ge=1, le=30, description="How long a refresh token and its successors live, from the sign-in on.")
    session_days: int = Field(30, ge=1, le=30, description="How long a browser stays signed in.")
    fresh_seconds: int = Field(
        300, ge=30, le=900, description="How recent a sign-in must be before ways to sign in, password or deletion may be touched."
    )
    hash_memory_kib: int = Field(19_456, ge=12_288, le=1_048_576, description="argon2id memory per hash, in KiB.")
    hash_passes: int = Field(2, ge=1, le=10, description="argon2id passes over that memory.")
    hash_slots: int = Field(1, ge=1, le=32, description="Hashes that run at once in one process.")
    hash_patience_seconds: float = Field(
        5.0, gt=0, le=5, description="How long a sign-in may wait for its turn to hash before it is answered 503."
    )
    sign_ins_per_minute: int = Field(
        30,
        ge=1,
        le=30,
        description="Sign-ins allowed from one address (IPv6: one /64) in a minute. Development allows this machine a hundred times as many.",
    )
    sign_ups_per_hour: int = Field(
        10,
        ge=1,
        le=10,
        description="Sign-ups allowed from one address in an hour. Development allows this machine a hundred times as many.",
    )
    messages_per_target: int = Field(3, ge=1, le=3, description="Codes and links sent to one address or number in 15 minutes.")
    code_seconds: int = Field(300, ge=60, le=600, description="How long a mailed or texted code lives.")
    code_tries: int = Field(5, ge=1, le=5, description="Tries for one code.")
    sign_up_open: bool = Field(True, description="Whether strangers may make accounts.")
    signing_key_days: int = Field(90, ge=1, le=365, description="How old the token signing key may grow before it is rotated.")
    trusted_device_days: int = Field(
        30, ge=0, le=30, description="How long a browser may go without the second step when its owner wishes so. 0: not offered."
    )
    deletion_days: int = Field(
        7, ge=0, le=30, description="How long a deleted account can still be brought back by its owner. 0: not at all."
    )
    attributes_schema: str = Field(
        "",
        description="JSON Schema of the attributes that people may keep in their profile, as text or as the name of a file. Empty: none.",
    )
    redis_url: SecretStr = Field(
        SecretStr(""), description="`redis://host:6379/0` for what is shared and short-lived. Empty: the database does it."
    )
    ip_database: Path | None = Field(
        None, description="A MaxMind database (.mmdb) that tells countries by address, for the list of sign-ins."
    )
    machine_id: int | None = Field(
        None, ge=0, le=65_535, description="This process's number for ids, a pod's ordinal for example. Empty: a random one."
    )
    emulator_url: str = Field("", description="Where the development emulator of identity providers answers; `authenticator dev` sets it.")
    locale: str = Field("en", description="The language of pages and messages when the browser asks for none that is there.")
    logo_url: str = Field("", description="A path or https URL of a picture for the pages' head. Empty: the service's name.")
    accent_color: str = Field("", pattern=r"^(#[0-9a-fA-F]{6})?$", description="The colour of buttons and links, `#rrggbb`.")
    templates_dir: Path | None = Field(None, description="A folder whose templates take the place of those of the same name.")
    sender: dict[str, str] = Field(
        default_factory=dict, description='Which sender carries which channel when several could, `{"email": "smtp"}`.'
    )
    dangerous_link_by_email: list[str] = Field(
        default_factory=list, description="Providers whose proven e-mail signs in to the account that has it, without asking its owner."
    )
    dangerous_null_hash: bool = Field(False, description="Compare passwords without hashing, for benchmarks only.")

    @field_validator("public_url")
    @classmethod
    def _public_url_is_a_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
            raise ValueError("must be an http(s) URL such as https://auth.example.com, without query or fragment")
        return value.rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_networks(cls, value: list[str]) -> list[str]:
        return [str(ipaddress.ip_network(item, strict=False)) for item in value]

    @field_validator("return_origins")
    @classmethod
    def _origins_are_origins(cls, value: list[str]) -> list[str]:
        for item in value:
            parts = urlsplit(item)
            if parts.scheme not in ("http", "https") or not parts.hostname or item != f"{parts.scheme}://{parts.netloc}" or parts.username:
                raise ValueError("each must be an origin such as https://app.example.com, in lower case, without a path")
        return value

    @property
    def development(self) -> bool:
        return self.environment == "development"

    @property
    def secure(self) -> bool:
        """Whether browsers come over https, so that cookies may insist on it."""
        return self.public_url.startswith("https://")

    @property
    def token_audience(self) -> str:
        return self.audience or self.public_url

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # `load` gathers the other sources itself, to know where each value came from


@dataclass(frozen=True)
class Loaded:
    """Settings and plug-in options as read: `origins` says for each field where its value came from."""

    settings: Settings
    origins: Mapping[str, str]
    raw: Mapping[str, tuple[str, str]] = field(repr=False)  # environment-style name -> (value, origin)

    def options(
        self, plugin: str, model: type[Model], instead: Mapping[str, str] | None = None
    ) -> tuple[Model | None, dict[str, str], list[str]]:
        """A plug-in's options, their origins, and the names of required ones that are missing (then no options).

        `instead` fills in what is not set.
        """
        prefix = f"{PREFIX}{plugin.upper()}_"
        found: dict[str, tuple[Any, str]] = {name: (value, "emulator") for name, value in (instead or {}).items()}
        found |= {name[len(prefix) :].lower(): entry for name, entry in self.raw.items() if name.startswith(prefix)}
        origins = {name: found[name][1] if name in found else "default" for name in model.model_fields}
        missing = [f"{prefix}{name.upper()}" for name, info in model.model_fields.items() if info.is_required() and name not in found]
        if missing:
            return None, origins, missing
        return _validated(model, {name: value for name, (value, _) in found.items()}, prefix), origins, []


def load(
    overrides: Mapping[str, Any] | None = None,
    *,
    defaults: Mapping[str, Any] | None = None,
    host: Mapping[str, Any] | None = None,
    env_file: str | Path | None = ".env",
    secrets_dir: str | Path | None = None,
) -> Loaded:
    """Read every source; later ones win: `defaults`, secrets folder, `.env`, environment, host's config, `overrides`.

    `defaults`, `overrides` and `host` use the names of the environment. ConfigurationError says what to change.
    """
    raw: dict[str, tuple[Any, str]] = {name: (value, "default") for name, value in (defaults or {}).items()}
    folder = secrets_dir or os.environ.get("AUTHENTICATOR_SECRETS_DIR")
    for origin, values in _sources(env_file, folder):
        raw.update({name: (value, origin) for name, value in values.items() if value != ""})
    for origin, extra in (("host config", host), ("argument", overrides)):
        raw.update({name: (value, origin) for name, value in (extra or {}).items() if name.startswith(PREFIX)})
    raw.pop("AUTHENTICATOR_SECRETS_DIR", None)
    core = {name: name.removeprefix(PREFIX).lower() for name in raw if name.removeprefix(PREFIX).lower() in Settings.model_fields}
    settings = _validated(Settings, {key: raw[name][0] for name, key in core.items()}, PREFIX)
    origins = {key: raw[f"{PREFIX}{key.upper()}"][1] if f"{PREFIX}{key.upper()}" in raw else "default" for key in Settings.model_fields}
    return Loaded(settings, origins, {name: entry for name, entry in raw.items() if name not in core})


def refuse_unknown(loaded: Loaded, plugins: Mapping[str, type[BaseModel]], spared: Iterable[str] = ()) -> None:
    """Stop with the nearest known names if a name under the prefix belongs to neither the core nor a plug-in.

    The names of `spared` plug-ins, which could not be imported, are not held against anybody.
    """
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for plugin, model in plugins.items():
        known |= {f"{PREFIX}{plugin.upper()}_{name.upper()}" for name in model.model_fields}
    prefixes = tuple(f"{PREFIX}{plugin.upper()}_" for plugin in spared)
    unknown = sorted(name for name in set(loaded.raw) - known if not name.startswith(prefixes))
    if unknown:
        raise ConfigurationError("\n".join(_unknown_sentence(name, loaded.raw[name][1], known) for name in unknown))


def _unknown_sentence(name: str, origin: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name.removeprefix(PREFIX), [one.removeprefix(PREFIX) for one in known], n=3, cutoff=0.6)
    hint = (
        f" Did you mean {' or '.join(PREFIX + one for one in near)}?"
        if near
        else " `authenticator config` lists every setting; is its plug-in installed?"
    )
    return f"{name} (from {origin}) is not a setting.{hint}"


def _sources(env_file: str | Path | None, secrets_dir: str | Path | None) -> Iterable[tuple[str, dict[str, Any]]]:
    if secrets_dir:
        if not Path(secrets_dir).is_dir():
            raise ConfigurationError(f"AUTHENTICATOR_SECRETS_DIR is {secrets_dir}, which is not a folder.")
        yield (
            "secrets folder",
            {
                path.name.upper(): path.read_text().strip()
                for path in Path(secrets_dir).iterdir()
                if path.is_file() and path.name.upper().startswith(PREFIX)
            },
        )
    if env_file and Path(env_file).is_file():
        dotenv = DotEnvSettingsSource(Settings, env_file=env_file, case_sensitive=True)
        yield str(env_file), {name: value for name, value in dotenv.env_vars.items() if name.startswith(PREFIX) and value is not None}
    environment = EnvSettingsSource(Settings, case_sensitive=True)
    yield "environment", {name: value for name, value in environment.env_vars.items() if name.startswith(PREFIX) and value is not None}


def _validated(model: type[Model], values: dict[str, Any], prefix: str) -> Model:
    try:
        return model.model_validate(
            {name: _decoded(model, name, value, prefix) for name, value in values.items() if name in model.model_fields}
        )
    except ValidationError as error:
        faults = "; ".join(
            f"{prefix}{'_'.join(str(part) for part in fault['loc'][:1]).upper()}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise ConfigurationError(f"{faults}. `authenticator config` explains each setting.") from None


def _decoded(model: type[BaseModel], name: str, value: Any, prefix: str) -> Any:
    """Lists may be written `a,b` and maps `{"a": "b"}`; whatever else is text is left to the model."""
    kind = str(model.model_fields[name].annotation)
    if not isinstance(value, str) or not ("list[" in kind or "dict[" in kind):
        return value
    source = EnvSettingsSource(Settings)
    if value.lstrip().startswith(("[", "{")):
        try:
            return source.decode_complex_value(name, model.model_fields[name], value)
        except ValueError:
            raise ConfigurationError(f"{prefix}{name.upper()} is not valid JSON. Write a list as a,b or as JSON, a map as JSON.") from None
    return [item.strip() for item in value.split(",") if item.strip()]
