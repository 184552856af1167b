"""The country of an address, where a database of them is installed: a hint for people, never a wall."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from authenticator.errors import ConfigurationError


class Countries:
    """Looks addresses up in the operator's MaxMind database, or in the package iptocc if that is installed, or nowhere."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        if file is not None and not file.is_file():
            raise ConfigurationError(f"There is no database of addresses at {file}. Correct AUTHENTICATOR_IP_DATABASE, or leave it empty.")

    def of(self, address: str) -> str:
        """ISO 3166 alpha-2, or nothing for a private, unknown or malformed address."""
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return ""
        return self._look_up(str(found)) if found.is_global else ""

    @cached_property
    def _look_up(self) -> Callable[[str], str]:
        """Opened at the first question: a database is large, and a worker is forked before."""
        return _maxmind(self._file) if self._file else _iptocc()


def _maxmind(file: Path) -> Callable[[str], str]:
    try:
        import maxminddb
    except ImportError:
        raise ConfigurationError("AUTHENTICATOR_IP_DATABASE needs the package maxminddb: install flask-authenticator[countries].") from None
    reader = maxminddb.open_database(str(file))

    def look_up(address: str) -> str:
        record: Any = reader.get(address)
        country = record.get("country") or record.get("registered_country") if isinstance(record, dict) else None
        code = country.get("iso_code") if isinstance(country, dict) else None
        return code if isinstance(code, str) else ""

    return look_up


def _iptocc() -> Callable[[str], str]:
    try:
        from iptocc import country_code
    except ImportError:
        return lambda _address: ""
    return lambda address: country_code(address) or ""
