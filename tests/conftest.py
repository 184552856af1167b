"""What every test may ask for."""

from authenticator.testing.databases import (  # noqa: F401
    fresh_database,
    mongod_replica_set,
    mongod_server,
    postgresql_server,
    valkey_server,
)
