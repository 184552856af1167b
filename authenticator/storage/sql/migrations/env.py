"""How Alembic runs here: on the connection and inside the transaction that the store has opened."""

from alembic import context

from authenticator.storage.sql.tables import whole

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=whole(), compare_type=True, render_as_batch=connection.dialect.name == "sqlite")
context.run_migrations()
