"""The port kept by MongoDB, without transactions."""
