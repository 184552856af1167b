"""Errands, avatars, a list of everybody's events; when a session was last used, and when two factors were shown in it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("seen_at", sa.BigInteger()))
    op.add_column("sessions", sa.Column("mfa_at", sa.BigInteger()))
    still_open = sa.text("closed_at IS NULL")
    op.create_index(
        "sessions_open", "sessions", ["user_id", "created_at", "id"], sqlite_where=still_open, postgresql_where=still_open
    )
    op.create_index("events_by_time", "events", ["created_at", "id"])
    op.create_table(
        "errands",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("former_due_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )
    op.create_index("errands_by_due", "errands", ["due_at", "id"])
    op.create_table(
        "avatars",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    op.create_index("avatars_by_user", "avatars", ["user_id", "created_at", "id"])


def downgrade() -> None:
    op.drop_table("avatars")
    op.drop_table("errands")
    op.drop_index("events_by_time", "events")
    op.drop_index("sessions_open", "sessions")
    op.drop_column("sessions", "mfa_at")
    op.drop_column("sessions", "seen_at")
