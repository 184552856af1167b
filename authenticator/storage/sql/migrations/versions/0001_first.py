"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
    )
    op.create_index("attempts_by_expiry", "attempts", ["expires_at"])
    op.create_table(
        "events",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("user_id", sa.String(128)),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
    )
    op.create_index("events_by_user", "events", ["user_id", "created_at", "id"])
    op.create_table(
        "field_keys",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "signing_keys",
        sa.Column("generation", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("kid", sa.String(128), nullable=False),
        sa.Column("algorithm", sa.String(16), nullable=False),
        sa.Column("private_pem", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("active_from", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger()),
    )
    op.create_table(
        "tickets",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("tickets_by_expiry", "tickets", ["expires_at"])
    op.create_table(
        "users",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person", sa.LargeBinary(), nullable=False),
    )
    op.create_index("users_by_age", "users", ["created_at", "id"])
    op.create_table(
        "login_keys",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("way_in", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.LargeBinary()),
        sa.Column("secret_mark", sa.String(64), nullable=False),
    )
    op.create_index("login_keys_by_user", "login_keys", ["user_id"])
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("amr", sa.String(200), nullable=False),
        sa.Column("auth_time", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("client", sa.LargeBinary(), nullable=False),
        sa.Column("cookie", sa.String(128)),
        sa.Column("refresh", sa.String(128)),
        sa.Column("spent", sa.String(128)),
        sa.Column("rotated_at", sa.BigInteger()),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("close_reason", sa.String(64), nullable=False),
    )
    op.create_index("sessions_by_cookie", "sessions", ["cookie"], unique=True)
    op.create_index("sessions_by_end", "sessions", ["closed_at"])
    op.create_index("sessions_by_expiry", "sessions", ["expires_at"])
    op.create_index("sessions_by_user", "sessions", ["user_id", "created_at", "id"])
    op.create_table(
        "status_changes",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.String(16), nullable=False),
        sa.Column("after", sa.String(16), nullable=False),
        sa.Column("by", sa.String(128), nullable=False),
        sa.Column("why", sa.LargeBinary(), nullable=False),
    )
    op.create_index("status_changes_by_user", "status_changes", ["user_id", "number"])


def downgrade() -> None:
    op.drop_table("status_changes")
    op.drop_table("sessions")
    op.drop_table("login_keys")
    op.drop_table("users")
    op.drop_table("tickets")
    op.drop_table("signing_keys")
    op.drop_table("field_keys")
    op.drop_table("events")
    op.drop_table("attempts")
