"""The pytest plug-in: whoever has the core installed may ask for these fixtures in tests of a plug-in or an application."""

from __future__ import annotations

import pytest

from authenticator.testing.databases import (
    fresh_database,
    migrated_postgresql,
    migrated_sqlite,
    mongod_databases,
    mongod_replica_set,
    mongod_server,
    postgresql_server,
    prepared_database,
    replica_set_databases,
    valkey_server,
)
from authenticator.testing.fixtures import (
    as_user,
    auth_app,
    auth_plugins,
    auth_settings,
    client,
    clock,
    compiled_templates,
    emulated_providers,
    emulator,
    emulators,
    outbox,
    sign_in_via,
    spare_keys,
    store_kind,
    store_url,
)

__all__ = [
    "as_user",
    "auth_app",
    "auth_plugins",
    "auth_settings",
    "client",
    "clock",
    "compiled_templates",
    "emulated_providers",
    "emulator",
    "emulators",
    "fresh_database",
    "migrated_postgresql",
    "migrated_sqlite",
    "mongod_databases",
    "mongod_replica_set",
    "mongod_server",
    "outbox",
    "postgresql_server",
    "prepared_database",
    "replica_set_databases",
    "sign_in_via",
    "spare_keys",
    "store_kind",
    "store_url",
    "valkey_server",
]

STORES = ("sqlite", "mongodb", "postgresql")
SHORT = {"mongo": "mongodb", "postgres": "postgresql"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--stores=sqlite,mongo` says on which databases the tests that use `store_url` run, `--pictures` where `picture` puts its own."""
    group = parser.getgroup("authenticator")
    group.addoption("--stores", help=f"The databases on which tests of the whole service run: {', '.join(STORES)}.")
    group.addoption(
        "--pictures", nargs="?", const="docs/pictures", help="Keep the pictures of browser tests, in docs/pictures or that folder."
    )
    parser.addini("authenticator_stores", "What --stores is without the option.", type="args", default=["sqlite"])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that has a `store_kind`, which comes with `store_url`, once for each database."""
    if "store_kind" in metafunc.fixturenames:
        metafunc.parametrize("store_kind", _stores(metafunc.config), indirect=True)


def _stores(config: pytest.Config) -> list[str]:
    given = config.getoption("--stores")
    names = given.split(",") if given else config.getini("authenticator_stores")
    stores = [SHORT.get(name, name) for name in names]
    unknown = sorted(set(stores) - set(STORES))
    if unknown:
        raise pytest.UsageError(f"--stores: {', '.join(unknown)} is none of {', '.join(STORES)}")
    return stores
