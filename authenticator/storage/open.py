"""From a URL to a store."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from authenticator.errors import ConfigurationError
from authenticator.storage.sealing import Sealer

if TYPE_CHECKING:
    from authenticator.storage.port import Store

# scheme -> module and class; a driver is only imported when its URL is opened, because that takes its time
_ADAPTERS = {
    "sqlite": ("authenticator.storage.sql.store", "SqlStore"),
    "postgresql": ("authenticator.storage.sql.store", "SqlStore"),
    "postgresql+psycopg": ("authenticator.storage.sql.store", "SqlStore"),
    "mongodb": ("authenticator.storage.mongo.store", "MongoStore"),
    "mongodb+srv": ("authenticator.storage.mongo.store", "MongoStore"),
}


def open_store(url: str, *, sealer: Sealer, pm: Any = None) -> Store:
    """The store behind a URL; plug-ins are asked first. ConfigurationError says what a URL may look like.

    `pm` is a pluggy manager that knows the hook `auth_store`.
    """
    theirs = pm.hook.auth_store(url=url) if pm is not None else None
    if theirs is not None:
        return cast("Store", theirs)
    scheme = urlsplit(url).scheme
    if scheme not in _ADAPTERS:
        raise ConfigurationError(
            f"AUTHENTICATOR_DATABASE_URL begins with `{scheme}`, which no adapter knows. "
            "Use sqlite:///file.db, postgresql+psycopg://user@host/name or mongodb://host/name, or install a plug-in for it."
        )
    module, name = _ADAPTERS[scheme]
    try:
        adapter = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"This database needs the package `{error.name}`. Install it: pip install {error.name}") from None
    return cast("Store", adapter(url, sealer=sealer))
