"""The finder and builder of plug-ins: one pluggy manager per application, never a global one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

import pluggy

from authenticator import hooks
from authenticator.errors import ConfigurationError
from authenticator.events import Event
from authenticator.kinds.base import Factor, Plugin, Provider, SecretProvider
from authenticator.kinds.oauth import OAuthOptions, OAuthProvider
from authenticator.kinds.sender import Sender
from authenticator.kit import Kit
from authenticator.options import PARTS
from authenticator.settings import PREFIX, Loaded, refuse_unknown

GROUP = "authenticator"
State = Literal["ready", "emulated", "unconfigured", "failed"]


@dataclass(frozen=True)
class Found:
    """A plug-in as `authenticator plugins` lists it; `missing` names the settings it still needs."""

    name: str
    kind: str
    label: str
    distribution: str
    state: State
    missing: tuple[str, ...] = ()
    reason: str = ""


@dataclass
class Installed:
    """What entry points brought: a manager with every hook implementation, and the plug-ins that failed to import."""

    manager: pluggy.PluginManager
    distributions: dict[str, str] = field(default_factory=dict)
    failed: list[Found] = field(default_factory=list)


@dataclass
class Registry:
    """The plug-ins of one application, built and ready. `hooks` calls the hooks that are asked while it runs."""

    hooks: Any
    providers: dict[str, Provider] = field(default_factory=dict)
    factors: dict[str, Factor] = field(default_factory=dict)
    senders: dict[str, Sender] = field(default_factory=dict)
    listeners: list[Callable[[Event], None]] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    classes: dict[str, type[Plugin]] = field(default_factory=dict)

    @property
    def secrets(self) -> SecretProvider | None:
        """The provider whose secret people choose themselves: the one of passwords, if it is installed."""
        return next((provider for provider in self.providers.values() if isinstance(provider, SecretProvider)), None)


def find(loaded: Loaded, extra: Iterable[Any] = (), points: Iterable[EntryPoint] | None = None) -> Installed:
    """Import the installed plug-ins, and take `extra` modules or objects as they are.

    ConfigurationError for a misspelt hook, two of one name, an allow-list that names something absent, and in
    production for a plug-in that can't be imported; in development that one is left out and told.
    """
    installed = Installed(pluggy.PluginManager(GROUP))
    installed.manager.add_hookspecs(hooks)
    allowed = set(loaded.settings.plugins)
    for point, origin in _installed() if points is None else _with_origins(points):
        if not allowed or point.name in allowed:
            _import(point, origin, installed)
    for plugin in extra:
        _register(plugin, getattr(plugin, "__name__", type(plugin).__name__), installed)
    if absent := allowed - set(installed.distributions):
        raise ConfigurationError(
            f"{PREFIX}PLUGINS names {', '.join(sorted(absent))}, which is not installed. Install it or take it off the list."
        )
    if installed.failed and not loaded.settings.development:
        raise ConfigurationError(
            "\n".join(f"The plug-in {item.name} can't be imported: {item.reason}. Repair or uninstall it." for item in installed.failed)
        )
    return installed


@cache
def _installed() -> tuple[tuple[EntryPoint, str], ...]:
    """Looked for once: it means to read a file of each package that is installed, and what is installed stays while a process runs."""
    return _with_origins(entry_points(group=GROUP))


def _with_origins(points: Iterable[EntryPoint]) -> tuple[tuple[EntryPoint, str], ...]:
    """Each with the name and version of its package, by their own names."""
    ordered = sorted(points, key=lambda point: point.name)
    return tuple((point, f"{point.dist.name} {point.dist.version}" if point.dist else "") for point in ordered)


def _import(point: EntryPoint, origin: str, installed: Installed) -> None:
    if point.name in installed.distributions:
        raise ConfigurationError(f"Two installed packages bring a plug-in named {point.name}. Uninstall one of them.")
    installed.distributions[point.name] = origin
    try:
        plugin = point.load()
    except Exception as error:  # a stranger's package may fail in any way
        reason = f"{type(error).__name__}: {error}"
        installed.failed.append(Found(point.name, "plug-in", point.name, origin, "failed", reason=reason))
        return
    _register(plugin, point.name, installed)


def _register(plugin: Any, name: str, installed: Installed) -> None:
    try:
        installed.manager.register(plugin, name)
        installed.manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        known = ", ".join(sorted(hook for hook in vars(hooks) if hook.startswith("auth_")))
        raise ConfigurationError(f"The plug-in {name} does not fit: {error}. The hooks are {known}.") from None


def build(installed: Installed, loaded: Loaded, kit_for: Callable[[type[Plugin]], Kit]) -> Registry:
    """Make every plug-in from its class and its options.

    ConfigurationError for two of one name, an unknown setting, and an emulated provider in production. Only a provider and a
    factor that share their settings may have one name (a passkey is both).
    """
    hook = installed.manager.hook
    registry = Registry(hook, found=list(installed.failed))
    targets: tuple[tuple[Any, str, dict[str, Any]], ...] = (
        (hook.auth_providers, "provider", registry.providers),
        (hook.auth_factors, "factor", registry.factors),
        (hook.auth_senders, "sender", registry.senders),
    )
    offers = [(cls, kind, target, origin) for caller, kind, target in targets for cls, origin in _classes(caller, loaded, installed)]
    kinds: dict[str, set[str]] = {}
    for cls, kind, _, origin in offers:
        if kind in kinds.setdefault(cls.name, set()) or registry.classes.get(cls.name, cls).Options is not cls.Options:
            raise ConfigurationError(
                f"Two plug-ins are named {cls.name}; the second comes from {origin}. Uninstall one, or list the wanted ones in {PREFIX}PLUGINS."
            )
        kinds[cls.name].add(kind)
        registry.classes[cls.name] = cls
    refuse_unknown(
        loaded, {**PARTS, **{name: cls.Options for name, cls in registry.classes.items()}}, {item.name for item in installed.failed}
    )
    for cls, kind, target, origin in offers:
        _add(registry, cls, kind, target, origin, loaded, kit_for)
    registry.listeners = [listener for listeners in hook.auth_listeners(settings=loaded.settings) for listener in listeners or ()]
    return registry


def _classes(caller: Any, loaded: Loaded, installed: Installed) -> Iterator[tuple[type[Plugin], str]]:
    for implementation in caller.get_hookimpls():
        name = implementation.plugin_name
        for cls in _offered(implementation, loaded):
            if not (isinstance(cls, type) and issubclass(cls, Plugin) and getattr(cls, "name", "").isidentifier()):
                raise ConfigurationError(
                    f"The plug-in {name} must return classes of authenticator.plugin, each with a `name` in letters and _; {cls!r} is none."
                )
            yield cls, installed.distributions.get(name, name)


def _offered(implementation: Any, loaded: Loaded) -> Iterable[Any]:
    try:
        return tuple(implementation.function(*(loaded.settings for _ in implementation.argnames)) or ())
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"The plug-in {implementation.plugin_name} failed: {type(error).__name__}: {error}. Repair or uninstall it."
        ) from error


def _add(
    registry: Registry,
    cls: type[Plugin],
    kind: str,
    target: dict[str, Any],
    origin: str,
    loaded: Loaded,
    kit_for: Callable[[type[Plugin]], Kit],
) -> None:
    options, _, missing = loaded.options(cls.name, cls.Options)
    emulated = options is None and issubclass(cls, OAuthProvider) and bool(loaded.settings.emulator_url)
    if emulated and not loaded.settings.development:
        raise ConfigurationError(
            f"{cls.label} has no credentials, and the emulator must not stand in for it in production. "
            f"Set {' and '.join(missing)}, or leave {PREFIX}EMULATOR_URL empty."
        )
    if options is None and not emulated:
        registry.found.append(Found(cls.name, kind, cls.label, origin, "unconfigured", tuple(missing)))
        return
    kit = kit_for(cls)
    if emulated:
        options, _, _ = loaded.options(
            cls.name, cls.Options, {name: EMULATED[name] for name in EMULATED if name in cls.Options.model_fields}
        )
    else:
        kit = replace(kit, emulator_url="")
    target[cls.name] = cls(options, kit)
    registry.found.append(Found(cls.name, kind, cls.label, origin, "emulated" if emulated else "ready"))


EMULATED = {name: f"emulated-{name}" for name in OAuthOptions.model_fields if name.startswith("client_")}
