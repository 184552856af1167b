"""The tables, as Flask-SQLAlchemy and Flask-Migrate see them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text, text
from sqlalchemy import Column as C

metadata = MetaData()

users = Table(
    "users",
    metadata,
    C("id", String(128), primary_key=True),
    C("created_at", BigInteger, nullable=False),
    C("updated_at", BigInteger, nullable=False),
    C("status", String(16), nullable=False),
    C("type", String(64), nullable=False),
    C("level", Integer, nullable=False),
    C("version", Integer, nullable=False),
    C("person", LargeBinary, nullable=False),
    Index("users_by_age", "created_at", "id"),
)

status_changes = Table(
    "status_changes",
    metadata,
    C("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    C("user_id", String(128), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    C("at", BigInteger, nullable=False),
    C("before", String(16), nullable=False),
    C("after", String(16), nullable=False),
    C("by", String(128), nullable=False),
    C("why", LargeBinary, nullable=False),
    Index("status_changes_by_user", "user_id", "number"),
)

login_keys = Table(
    "login_keys",
    metadata,
    C("id", String(64), primary_key=True),
    C("user_id", String(128), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    C("provider", String(64), nullable=False),
    C("way_in", Boolean, nullable=False),
    C("created_at", BigInteger, nullable=False),
    C("label", LargeBinary, nullable=False),
    C("secret", LargeBinary),
    C("secret_mark", String(64), nullable=False),
    Index("login_keys_by_user", "user_id"),
)


sessions = Table(
    "sessions",
    metadata,
    C("id", String(128), primary_key=True),
    C("user_id", String(128), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    C("provider", String(64), nullable=False),
    C("amr", String(200), nullable=False),
    C("auth_time", BigInteger, nullable=False),
    C("created_at", BigInteger, nullable=False),
    C("expires_at", BigInteger, nullable=False),
    C("client", LargeBinary, nullable=False),
    C("cookie", String(128)),
    C("refresh", String(128)),
    C("spent", String(128)),
    C("rotated_at", BigInteger),
    C("seen_at", BigInteger),
    C("mfa_at", BigInteger),
    C("kind", String(16), nullable=False),
    C("application", String(128)),
    C("parent", String(128)),
    C("offline", Boolean, nullable=False),
    C("given", LargeBinary),
    C("seen_from", LargeBinary),
    C("closed_at", BigInteger),
    C("close_reason", String(64), nullable=False),
    Index("sessions_by_cookie", "cookie", unique=True),
    Index("sessions_by_user", "user_id", "kind", "created_at", "id"),
    Index("sessions_by_end", "closed_at"),
    Index("sessions_by_expiry", "expires_at"),
)

tickets = Table(
    "tickets",
    metadata,
    C("id", String(64), primary_key=True),
    C("payload", LargeBinary, nullable=False),
    C("expires_at", BigInteger, nullable=False),
    Index("tickets_by_expiry", "expires_at"),
)

# `until` is the end of a limit's window, or of a backoff's wait; `expires_at` is empty where only `forgive` ends the count
attempts = Table(
    "attempts",
    metadata,
    C("id", String(64), primary_key=True),
    C("count", Integer, nullable=False),
    C("until", BigInteger, nullable=False),
    C("expires_at", BigInteger),
    Index("attempts_by_expiry", "expires_at"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    C("generation", Integer, primary_key=True, autoincrement=False),
    C("kid", String(128), nullable=False),
    C("algorithm", String(16), nullable=False),
    C("private_pem", LargeBinary, nullable=False),
    C("created_at", BigInteger, nullable=False),
    C("active_from", BigInteger, nullable=False),
    C("retired_at", BigInteger),
)

events = Table(
    "events",
    metadata,
    C("id", String(128), primary_key=True),
    C("user_id", String(128)),
    C("kind", String(64), nullable=False),
    C("created_at", BigInteger, nullable=False),
    C("facts", LargeBinary, nullable=False),
    Index("events_by_user", "user_id", "created_at", "id"),
    Index("events_by_time", "created_at", "id"),
)

# a worker takes on an errand by setting `due_at` ahead; `former_due_at` is when its turn was, for the order
errands = Table(
    "errands",
    metadata,
    C("id", String(128), primary_key=True),
    C("kind", String(16), nullable=False),
    C("due_at", BigInteger, nullable=False),
    C("former_due_at", BigInteger, nullable=False),
    C("tries", Integer, nullable=False),
    C("payload", LargeBinary, nullable=False),
    Index("errands_by_due", "due_at", "id"),
)

avatars = Table(
    "avatars",
    metadata,
    C("id", String(128), primary_key=True),
    C("user_id", String(128), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    C("created_at", BigInteger, nullable=False),
    C("media_type", String(64), nullable=False),
    C("content", LargeBinary, nullable=False),
    Index("avatars_by_user", "user_id", "created_at", "id"),
)

applications = Table(
    "applications",
    metadata,
    C("id", String(128), primary_key=True),
    C("owner", String(128), ForeignKey("users.id", ondelete="CASCADE")),  # of the operator's it is empty
    C("created_at", BigInteger, nullable=False),
    C("updated_at", BigInteger, nullable=False),
    C("version", Integer, nullable=False),
    C("facts", LargeBinary, nullable=False),
    Index("applications_by_age", "created_at", "id"),
    Index("applications_by_owner", "owner", "created_at", "id"),
)

grants = Table(
    "grants",
    metadata,
    C("user_id", String(128), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    C("application", String(128), ForeignKey("applications.id", ondelete="CASCADE"), primary_key=True),
    C("created_at", BigInteger, nullable=False),
    C("updated_at", BigInteger, nullable=False),
    C("version", Integer, nullable=False),
    C("facts", LargeBinary, nullable=False),
    C("read_at", Text, nullable=False),
    Index("grants_by_application", "application"),
)

# one text sealed with each key that was ever the newest: a start with a wrong or missing key is noticed
field_keys = Table(
    "field_keys",
    metadata,
    C("id", String(32), primary_key=True),
    C("mark", LargeBinary, nullable=False),
)

# the sessions that were not ended, and of those the ones that were given in another or to an application
PARTIAL = {
    "sessions_open": (("user_id", "kind", "created_at", "id"), "closed_at IS NULL"),
    "sessions_by_parent": (("parent", "created_at", "id"), "parent IS NOT NULL AND closed_at IS NULL"),
    "sessions_by_application": (("application",), "application IS NOT NULL AND closed_at IS NULL"),
}
INDEXES = frozenset(PARTIAL) | {index.name for table in metadata.tables.values() for index in table.indexes}


def whole() -> MetaData:
    """The tables with the partial indexes too: to describe one loads PostgreSQL's dialect, which a start on SQLite does without."""
    there = {index.name for index in sessions.indexes}
    for name, (columns, condition) in PARTIAL.items():
        if name not in there:
            of_those = text(condition)
            Index(name, *(sessions.c[column] for column in columns), sqlite_where=of_those, postgresql_where=of_those)
    return metadata
