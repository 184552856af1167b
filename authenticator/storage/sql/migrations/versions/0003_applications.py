"""Applications and grants to them; sessions that are what an application was given, or a personal access token."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("kind", sa.String(16), nullable=False, server_default="sign_in"))
    op.add_column("sessions", sa.Column("application", sa.String(128)))
    op.add_column("sessions", sa.Column("parent", sa.String(128)))
    op.add_column("sessions", sa.Column("offline", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("sessions", sa.Column("given", sa.LargeBinary()))
    op.add_column("sessions", sa.Column("seen_from", sa.LargeBinary()))
    op.drop_index("sessions_by_user", "sessions")
    op.create_index("sessions_by_user", "sessions", ["user_id", "kind", "created_at", "id"])
    op.drop_index("sessions_open", "sessions")
    _partial("sessions_open", ["user_id", "kind", "created_at", "id"], "closed_at IS NULL")
    _partial("sessions_by_parent", ["parent", "created_at", "id"], "parent IS NOT NULL AND closed_at IS NULL")
    _partial("sessions_by_application", ["application"], "application IS NOT NULL AND closed_at IS NULL")
    op.create_table(
        "applications",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("owner", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE")),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
    )
    op.create_index("applications_by_age", "applications", ["created_at", "id"])
    op.create_index("applications_by_owner", "applications", ["owner", "created_at", "id"])
    op.create_table(
        "grants",
        sa.Column("user_id", sa.String(128), sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("application", sa.String(128), sa.ForeignKey("applications.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.Column("read_at", sa.Text(), nullable=False),
    )
    op.create_index("grants_by_application", "grants", ["application"])


def downgrade() -> None:
    op.drop_table("grants")
    op.drop_table("applications")
    for name in ("sessions_by_application", "sessions_by_parent", "sessions_open", "sessions_by_user"):
        op.drop_index(name, "sessions")
    for name in ("seen_from", "given", "offline", "parent", "application", "kind"):
        op.drop_column("sessions", name)
    op.create_index("sessions_by_user", "sessions", ["user_id", "created_at", "id"])
    _partial("sessions_open", ["user_id", "created_at", "id"], "closed_at IS NULL")


def _partial(name: str, columns: list[str], condition: str) -> None:
    op.create_index(name, "sessions", columns, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))

