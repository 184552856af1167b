"""How a device is shown: what it is in words, where it was, and the name of a country in the reader's language."""

from __future__ import annotations

import flask_babel
from babel.core import Locale, UnknownLocaleError

from authenticator.agents import describe
from authenticator.http.texts import gettext as _
from authenticator.models import Client


def device(client: Client) -> str:
    """`Firefox on Windows`, as far as it is known."""
    agent = describe(client.agent)
    if agent.browser and agent.system:
        return _("%(browser)s on %(system)s", browser=agent.browser, system=agent.system)
    return agent.browser or agent.system or _("Unknown device")


def kind(client: Client) -> str:
    """`computer`, `phone`, `tablet`, `program` or `unknown`."""
    return describe(client.agent).kind


def place(client: Client) -> str:
    """The address, and the country it belongs to where that is known."""
    return " · ".join(part for part in (client.address, country(client.country)) if part)


def country(code: str) -> str:
    """The country's name; the code where the language does not know it."""
    if not code:
        return ""
    locale = flask_babel.get_locale() or Locale("en")
    try:
        return str(locale.territories.get(code, code))
    except UnknownLocaleError:
        return code
