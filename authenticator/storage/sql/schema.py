"""Bringing the schema up: rarely needed, so cheap to find out that it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, column, insert, select, table, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from authenticator.errors import ConfigurationError
from authenticator.storage.sealing import Sealer
from authenticator.storage.sql.engine import Database
from authenticator.storage.sql.tables import INDEXES, field_keys, whole

HEAD = "0003"
_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x61757468
_VERSION: Select[Any] = select(column("version_num")).select_from(table("alembic_version"))
_INDEX_NAMES = {
    True: text("SELECT name FROM sqlite_master WHERE type = 'index'"),
    False: text("SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()"),
}


def bring_up(database: Database, sealer: Sealer) -> None:
    """Migrate if the version is not ours, then make sure that indexes and keys are the ones we need."""
    if database.sqlite:
        _write_ahead(database)
    if _version(database) != HEAD:
        _migrate(database)
    _check_indexes(database)
    _check_keys(database, sealer)


def _write_ahead(database: Database) -> None:
    """SQLite keeps this mode in the file; readers then never wait for the writer."""
    with database.taking_turns(), database.connected() as connection:
        if connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
            connection.exec_driver_sql("PRAGMA journal_mode=WAL").close()


def _version(database: Database) -> str | None:
    with database.connected() as connection:
        try:
            return connection.execute(_VERSION).scalar()
        except DBAPIError as error:
            if "alembic_version" in str(error.orig):
                return None  # no such table: an empty database
            raise


def _migrate(database: Database) -> None:
    """In one transaction, so that of many processes that start at once one migrates and the others find it done."""
    with database.migrating() as connection:
        if not database.sqlite:
            connection.detach()  # this connection may wait long, and is not to be used again
            connection.connection.dbapi_connection.patience = 120.0  # type: ignore[union-attr]
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        if _has_version(connection, database.sqlite) and connection.execute(_VERSION).scalar() == HEAD:
            return
        _run_migrations(database, connection)


def _has_version(connection: Connection, sqlite: bool) -> bool:
    names = "sqlite_master WHERE name" if sqlite else "pg_tables WHERE schemaname = current_schema() AND tablename"
    return connection.exec_driver_sql(f"SELECT 1 FROM {names} = 'alembic_version'").first() is not None  # noqa: S608 (no input in it)


def _run_migrations(database: Database, connection: Connection) -> None:
    from flask import Flask
    from flask_migrate import Migrate, upgrade  # imported here because Alembic takes long, and is needed once in a schema's life
    from flask_sqlalchemy import SQLAlchemy

    def with_connection(config: Any) -> Any:
        config.attributes["connection"] = connection
        return config

    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = database.url
    migrate = Migrate(app, SQLAlchemy(app, metadata=whole()), directory=str(_FOLDER))
    migrate.configure(with_connection)
    try:
        with app.app_context():
            upgrade(directory=str(_FOLDER))
    except SystemExit:
        raise ConfigurationError(
            "A newer version of this service made this database. Install that version, or name another database."
        ) from None


def _check_indexes(database: Database) -> None:
    found = {row[0] for row in database.rows(_INDEX_NAMES[database.sqlite])}
    missing = sorted(str(name) for name in INDEXES - found)
    if missing:
        raise ConfigurationError(
            f"The database lacks the index {', '.join(missing)}. Create it as storage/sql/tables.py says, or restore a backup."
        )


def _check_keys(database: Database, sealer: Sealer) -> None:
    marks = {str(key_id): bytes(mark) for key_id, mark in database.rows(select(field_keys.c.id, field_keys.c.mark))}
    sealer.check_marks(marks)
    if sealer.newest not in marks:
        key_id, mark = sealer.mark()
        try:
            database.change(insert(field_keys), {"id": key_id, "mark": mark})
        except IntegrityError:
            _check_keys(database, sealer)  # another process was faster: agree with it
