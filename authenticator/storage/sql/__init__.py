"""The port kept by SQL: SQLite and PostgreSQL."""
