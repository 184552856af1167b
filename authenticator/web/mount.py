"""Brings pages, API and all that both need of HTTP into the service's application."""

from __future__ import annotations

from flask import Flask

from authenticator.countries import Countries
from authenticator.crypto import derive_key
from authenticator.hooks import hookimpl
from authenticator.http import hygiene, keys
from authenticator.http.client import Clients
from authenticator.http.cookies import Cookies
from authenticator.http.tokens import Tokens
from authenticator.service import Service
from authenticator.web import (
    account,
    activity,
    admin,
    api,
    api_cors,
    avatars,
    confirm,
    data,
    dev,
    emails,
    granted,
    look,
    operators,
    own_applications,
    pages,
    password,
    personal_tokens,
    phones,
    problems,
    profile,
    recovery,
    sessions,
    two_step,
    verify_email,
)


class Mount:
    """Brings all of it into the service's application, through the same hook as a stranger's plug-in."""

    @hookimpl
    def auth_mount(self, app: Flask, auth: Service) -> None:
        settings = auth.settings
        app.extensions["authenticator_cookies"] = Cookies(
            settings, domain=auth.core.door.cookie_domain, door_key=derive_key(auth.core.secret, "door cookie")
        )
        app.extensions["authenticator_clients"] = Clients(settings.trusted_proxies, Countries(settings.ip_database).of)
        app.extensions["authenticator_tokens"] = Tokens(app, auth)
        hygiene.install(app)
        problems.install(app, settings)
        look.dress(app, settings, auth.csrf_key())
        api_cors.install(app, settings)
        app.register_blueprint(api.blueprint(auth))
        for part in (pages, account, profile, avatars, data, emails, phones, verify_email, sessions, activity, two_step, keys, operators):
            app.register_blueprint(part.blueprint())
        for part in (granted, personal_tokens):
            app.register_blueprint(part.blueprint())
        for area in admin.blueprints():
            app.register_blueprint(area)
        app.register_blueprint(recovery.blueprint())
        app.register_blueprint(confirm.blueprint())
        if auth.core.oidc.people_register:
            app.register_blueprint(own_applications.blueprint())
        if auth.has_passwords():
            app.register_blueprint(password.blueprint())
        if settings.development:
            app.register_blueprint(dev.blueprint())
