"""Whether the registry finds plug-ins, builds them, and says what to do about those that do not fit."""

from __future__ import annotations

import logging
import types
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from authenticator_google import Google
from pydantic import Field as Option

from authenticator.clock import SetClock
from authenticator.errors import ConfigurationError
from authenticator.hashing import NullHasher
from authenticator.kinds.base import Plugin, PluginOptions
from authenticator.kit import Kit
from authenticator.plugin import Factor, Provider, Visit, hookimpl
from authenticator.registry import Registry, build, find
from authenticator.settings import load
from authenticator.testing.emulated import Offer
from authenticator.web_client import WebClient

EMULATOR = "http://127.0.0.1:9"


class DoorOptions(PluginOptions):
    colour: str = Option(description="Of the door.")
    bell: str = Option("loud", description="Of the door.")


class Door(Provider):
    name, label = "door", "Door"
    Options = DoorOptions


class OtherDoor(Door):
    label = "Another door"


def registry(*plugins: Any, points: Sequence[EntryPoint] = (), **settings: Any) -> Registry:
    loaded = load({f"AUTHENTICATOR_{name}": value for name, value in {"ENVIRONMENT": "development", **settings}.items()}, env_file=None)
    return build(find(loaded, plugins, points), loaded, kit_for)


def kit_for(cls: type[Plugin]) -> Kit:
    return Kit(
        "Service",
        "http://localhost:8000",
        SetClock(),
        logging.getLogger(cls.name),
        WebClient(),
        NullHasher(),
        print,
        print,
        print,
        EMULATOR,
    )


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, "authenticator")


# Fits


def test_a_plug_in_is_built_with_its_options() -> None:
    built = registry(Offer(Door), DOOR_COLOUR="red")
    assert built.providers["door"].options == DoorOptions(colour="red")
    assert [(found.name, found.state) for found in built.found] == [("door", "ready")]


def test_a_plug_in_without_its_settings_is_listed_with_their_names() -> None:
    built = registry(Offer(Door), DOOR_BELL="soft")
    assert built.providers == {}
    found = built.found[0]
    assert (found.state, found.missing) == ("unconfigured", ("AUTHENTICATOR_DOOR_COLOUR",))


def test_an_installed_plug_in_is_found_by_its_entry_point() -> None:
    built = registry(points=[point("google", "authenticator_google")], GOOGLE_CLIENT_ID="id", GOOGLE_CLIENT_SECRET="secret")
    assert isinstance(built.providers["google"], Google)
    assert not built.providers["google"].emulated


def test_only_listed_plug_ins_are_loaded() -> None:
    points = [point("google", "authenticator_google"), point("missing", "no_such_module_at_all")]
    built = registry(points=points, PLUGINS=["google"])
    assert [found.name for found in built.found] == ["google"]


def test_a_hook_may_ask_for_the_settings_or_not() -> None:
    class Curious:
        @hookimpl
        def auth_providers(self, settings: Any) -> list[type[Provider]]:
            return [Door] if settings.development else []

    assert "door" in registry(Curious(), DOOR_COLOUR="red").providers
    assert "door" not in registry(Curious(), ENVIRONMENT="production").providers


# The emulator


def test_a_provider_without_credentials_is_emulated_in_development() -> None:
    built = registry(Offer(Google), EMULATOR_URL=EMULATOR)
    assert built.providers["google"].emulated
    assert built.found[0].state == "emulated"


def test_a_provider_with_credentials_is_never_emulated() -> None:
    built = registry(Offer(Google), EMULATOR_URL=EMULATOR, GOOGLE_CLIENT_ID="id", GOOGLE_CLIENT_SECRET="secret")
    google = built.providers["google"]
    assert not google.emulated
    assert google.kit.moved("https://accounts.google.com/x") == "https://accounts.google.com/x"


def test_production_refuses_an_emulated_provider() -> None:
    with pytest.raises(ConfigurationError, match=r"Google has no credentials.*AUTHENTICATOR_GOOGLE_CLIENT_ID"):
        registry(Offer(Google), ENVIRONMENT="production", EMULATOR_URL=EMULATOR)


def test_production_without_emulator_lists_it_as_not_configured() -> None:
    built = registry(Offer(Google), ENVIRONMENT="production")
    assert built.found[0].missing == ("AUTHENTICATOR_GOOGLE_CLIENT_ID", "AUTHENTICATOR_GOOGLE_CLIENT_SECRET")


# Does not fit


def test_a_misspelt_hook_stops_the_start_and_names_the_hooks() -> None:
    class Misspelt:
        @hookimpl
        def auth_provider(self) -> list[type[Provider]]:
            return [Door]

    with pytest.raises(ConfigurationError, match=r"auth_provider.*The hooks are .*auth_providers"):
        registry(Misspelt())


def test_a_hook_with_an_argument_that_is_not_there_stops_the_start() -> None:
    class Wishful:
        @hookimpl
        def auth_providers(self, weather: str) -> list[type[Provider]]:
            return [Door]

    with pytest.raises(ConfigurationError, match="weather"):
        registry(Wishful())


def test_two_providers_of_one_name_stop_the_start() -> None:
    with pytest.raises(ConfigurationError, match="Two plug-ins are named door"):
        registry(types.SimpleNamespace(__name__="one", auth_providers=Offer(Door).auth_providers), Offer(OtherDoor))


class Knock(Factor):
    """A second step under the name of a provider, with the same settings."""

    name, label = "door", "Knock"
    Options = DoorOptions


class OfferFactor:
    """A plug-in that brings one factor."""

    def __init__(self, factor: type[Factor]) -> None:
        self.factor = factor

    @hookimpl
    def auth_factors(self) -> list[type[Factor]]:
        return [self.factor]


def test_a_provider_and_a_factor_that_share_their_settings_may_have_one_name() -> None:
    built = registry(Offer(Door), OfferFactor(Knock), DOOR_COLOUR="red")
    assert (type(built.providers["door"]), type(built.factors["door"])) == (Door, Knock)


def test_a_factor_with_the_name_of_somebody_else_s_provider_stops_the_start() -> None:
    class Stranger(Knock):
        Options = PluginOptions

    with pytest.raises(ConfigurationError, match="Two plug-ins are named door"):
        registry(Offer(Door), OfferFactor(Stranger), DOOR_COLOUR="red")


def test_two_packages_with_one_entry_point_stop_the_start() -> None:
    with pytest.raises(ConfigurationError, match="Two installed packages bring a plug-in named google"):
        registry(points=[point("google", "authenticator_google"), point("google", "authenticator_facebook")])


def test_what_is_no_class_stops_the_start() -> None:
    class Built:
        @hookimpl
        def auth_providers(self) -> list[Any]:
            return ["door"]

    with pytest.raises(ConfigurationError, match="must return classes"):
        registry(Built())


def test_a_plug_in_that_is_listed_but_absent_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match=r"names gogle, which is not installed"):
        registry(points=[point("google", "authenticator_google")], PLUGINS=["gogle"])


def test_development_goes_on_without_a_plug_in_that_can_not_be_imported() -> None:
    built = registry(Offer(Door), points=[point("broken", "no_such_module_at_all")], DOOR_COLOUR="red", BROKEN_SETTING="kept")
    assert "door" in built.providers
    assert [(found.name, found.state) for found in built.found] == [("broken", "failed"), ("door", "ready")]
    assert "no_such_module_at_all" in built.found[0].reason


def test_production_refuses_a_plug_in_that_can_not_be_imported() -> None:
    with pytest.raises(ConfigurationError, match=r"The plug-in broken can't be imported.*Repair or uninstall it"):
        registry(points=[point("broken", "no_such_module_at_all")], ENVIRONMENT="production")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("AUTHENTICATOR_DOOR_COLOR", "AUTHENTICATOR_DOOR_COLOUR"),
        ("AUTHENTICATOR_SERVISE_NAME", "AUTHENTICATOR_SERVICE_NAME"),
        ("AUTHENTICATOR_PUBLIC_URI", "AUTHENTICATOR_PUBLIC_URL"),
    ],
)
def test_a_misspelt_setting_stops_the_start_and_names_the_nearest(name: str, near: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{name} .*is not a setting. Did you mean .*{near}"):
        registry(Offer(Door), **{name.removeprefix("AUTHENTICATOR_"): "x"})


def test_a_setting_like_nothing_known_asks_for_its_plug_in() -> None:
    with pytest.raises(ConfigurationError, match="is its plug-in installed"):
        registry(XYZZY_QQQ="x")


def test_a_bad_option_is_refused_without_being_repeated() -> None:
    with pytest.raises(ConfigurationError, match="AUTHENTICATOR_GOOGLE_CLIENT_SECRET") as caught:
        registry(Offer(Google), GOOGLE_CLIENT_ID="id", GOOGLE_CLIENT_SECRET=["a-very-secret-thing"])
    assert "a-very-secret-thing" not in str(caught.value)


def test_a_provider_must_say_how_it_begins() -> None:
    door = registry(Offer(Door), DOOR_COLOUR="red").providers["door"]
    with pytest.raises(NotImplementedError, match="Door needs start"):
        door.start(Visit("sign_in", logins=None))  # type: ignore[arg-type]
