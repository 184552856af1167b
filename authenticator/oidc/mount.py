"""Brings the OpenID provider into the service's application."""

from __future__ import annotations

from typing import Final

from flask import Flask

from authenticator.hooks import hookimpl
from authenticator.oidc import authorize, device, introspect, logout, metadata, pushed, registration, revoke, token, userinfo
from authenticator.service import Service

PARTS: Final = (metadata, token, authorize, device, introspect, logout, pushed, registration, revoke, userinfo)


class OidcMount:
    """Brings all of it into the service's application, through the same hook as a stranger's plug-in."""

    @hookimpl
    def auth_mount(self, app: Flask, auth: Service) -> None:
        for part in PARTS:
            app.register_blueprint(part.blueprint())
