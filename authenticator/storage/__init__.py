"""The port to a database, and the adapters that keep its promises."""
