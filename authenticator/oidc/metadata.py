"""What others may read of the provider: OpenID Connect Discovery, RFC 8414, RFC 9728."""

from __future__ import annotations

from flask import Blueprint


def blueprint() -> Blueprint:
    """The documents under /.well-known/."""
    return Blueprint("oidc_metadata", __name__)
