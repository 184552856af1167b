"""Sign-in for a Flask app: four routes, `login_required`, `permission_required`, `token_required`, and `user`."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, ParamSpec

from flask import Blueprint, Flask, Response, abort, g, jsonify, make_response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from markupsafe import escape

from authenticator_client.errors import Refused, Unavailable
from authenticator_client.person import Person
from authenticator_client.requests_in import away, bearer, came_from_here, challenge, own_path
from authenticator_client.sign_in import SCOPES, SignIn, new_secret
from authenticator_client.store import Store
from authenticator_client.verifier import Verified, Verifier

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]
KEY, BROWSER = "authenticator_key", "authenticator_browser"
_FACTS = ("ISSUER", "CLIENT_ID", "CLIENT_SECRET", "SCOPES", "RESOURCE", "REDIRECT_URI")


class Authenticator:
    """Signs people in to a Flask app. It reads `AUTHENTICATOR_ISSUER`, `_CLIENT_ID` and `_CLIENT_SECRET` from `app.config`, or else from
    the environment, and needs the app's `SECRET_KEY`. The redirect URI to register is `<the app>/auth/callback`.

    In templates `current_user` is the `Person` who is signed in, or None.
    """

    def __init__(self, app: Flask | None = None, *, store: Store | None = None, prefix: str = "/auth", **options: Any) -> None:
        self._store, self._prefix, self._options = store, prefix, options
        self._redirect_uri = ""
        self.sign_in: SignIn
        self.verifier: Verifier
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Mount the routes below the prefix."""
        facts = {name: app.config.get(f"AUTHENTICATOR_{name}") or os.environ.get(f"AUTHENTICATOR_{name}", "") for name in _FACTS}
        if missing := [f"AUTHENTICATOR_{name}" for name in ("ISSUER", "CLIENT_ID") if not facts[name]]:
            raise RuntimeError(f"Sign-in needs {' and '.join(missing)}, in the app's config or in the environment.")
        scopes = tuple(facts["SCOPES"].split()) or SCOPES
        options = {"scopes": scopes, "resource": facts["RESOURCE"], "store": self._store, **self._options}
        self.sign_in = SignIn(facts["ISSUER"], facts["CLIENT_ID"], facts["CLIENT_SECRET"], **options)
        self._redirect_uri = facts["REDIRECT_URI"]
        self.verifier = Verifier(self.sign_in.issuer, options["resource"] or facts["CLIENT_ID"])
        app.extensions["authenticator_client"] = self
        app.register_blueprint(self._routes())
        app.context_processor(lambda: {"current_user": self.user})
        if app.config["SESSION_COOKIE_SAMESITE"] is None:
            app.config["SESSION_COOKIE_SAMESITE"] = "Lax"

    @property
    def user(self) -> Person | None:
        """Who is signed in; None for nobody."""
        if "authenticator_person" not in g:
            g.authenticator_person = self.sign_in.person(session.get(KEY, ""))
        found: Person | None = g.authenticator_person
        return found

    @property
    def token(self) -> Verified:
        """What the bearer token of this request says, in a view with `token_required`."""
        found: Verified = g.authenticator_token
        return found

    def access_token(self) -> str:
        """The access token of who is signed in, to call APIs in her name; empty for nobody."""
        return self.sign_in.access_token(session.get(KEY, ""))

    # Decorators

    def login_required(self, view: View[P]) -> View[P]:
        """Only for somebody who is signed in; everybody else is sent to the sign-in page, and comes back to the same URL."""

        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            return view(*args, **kwargs) if self.user else self._ask()

        return guarded

    def permission_required(self, permission: str) -> Callable[[View[P]], View[P]]:
        """Only for somebody who holds this permission of the app now; 403 for others, 503 while that can't be known."""

        def decorate(view: View[P]) -> View[P]:
            @functools.wraps(view)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
                try:
                    person = self.sign_in.person(session.get(KEY, ""), sure=True)
                except Unavailable as fault:
                    abort(503, away(fault))
                if person is None:
                    return self._ask()
                return view(*args, **kwargs) if person.may(permission) else abort(403)

            return guarded

        return decorate

    def token_required(self, *, permission: str = "", scope: str = "") -> Callable[[View[P]], View[P]]:
        """For an API: only with a good bearer token, of this scope and this permission if they are given."""

        def decorate(view: View[P]) -> View[P]:
            @functools.wraps(view)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
                try:
                    g.authenticator_token = bearer(self.verifier, request.headers.get("Authorization"), permission, scope)
                except Refused as refused:
                    status, header = challenge(refused)
                    return jsonify(error=refused.code), status, {"WWW-Authenticate": header}
                except Unavailable as fault:
                    away(fault)
                    return jsonify(error="temporarily_unavailable"), 503
                return view(*args, **kwargs)

            return guarded

        return decorate

    # Routes

    def _routes(self) -> Blueprint:
        routes = Blueprint("authenticator", __name__, url_prefix=self._prefix)
        routes.add_url_rule("/sign-in", "sign_in", self._begin)
        routes.add_url_rule("/callback", "callback", self._finish)
        routes.add_url_rule("/sign-out", "sign_out", self._end, methods=["POST"])
        routes.add_url_rule("/backchannel-logout", "backchannel_logout", self._logged_out, methods=["POST"])
        return routes

    def _begin(self) -> ResponseReturnValue:
        session.setdefault(BROWSER, new_secret())
        try:
            url = self.sign_in.begin(session[BROWSER], self._callback(), request.args.get("return_to", "/"))
        except Unavailable as fault:
            return self._sorry(away(fault), 503)
        return redirect(url, 303)

    def _finish(self) -> ResponseReturnValue:
        try:
            arrived = self.sign_in.finish(session.get(BROWSER, ""), request.args)
        except Refused as refused:
            return self._sorry(str(refused), 400)
        except Unavailable as fault:
            return self._sorry(away(fault), 503)
        self.sign_in.forget(session.pop(KEY, ""))
        session[KEY] = arrived.key
        return redirect(arrived.return_to, 303)

    def _end(self) -> ResponseReturnValue:
        if not came_from_here(request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site"), request.host_url.rstrip("/")):
            abort(403)
        key = session.pop(KEY, "")
        session.pop(BROWSER, None)
        g.pop("authenticator_person", None)
        try:
            out = self.sign_in.sign_out(key, request.host_url)
        except Unavailable as fault:
            away(fault)
            out = ""
        return redirect(out or "/", 303)

    def _logged_out(self) -> ResponseReturnValue:
        try:
            self.sign_in.logged_out(request.form.get("logout_token"))
        except Refused:
            return {"error": "invalid_request"}, 400, {"Cache-Control": "no-store"}
        except Unavailable as fault:
            away(fault)
            return {"error": "temporarily_unavailable"}, 503, {"Cache-Control": "no-store"}
        return "", 200, {"Cache-Control": "no-store"}

    def _ask(self) -> ResponseReturnValue:
        """To the sign-in page, and back here afterwards; a form that was sent can't be sent again, so then to the start page."""
        back = own_path(request.script_root + request.path, request.query_string) if request.method == "GET" else request.script_root + "/"
        return redirect(url_for("authenticator.sign_in", return_to=back), 303)

    def _callback(self) -> str:
        return str(self._redirect_uri or url_for("authenticator.callback", _external=True))

    def _sorry(self, text: str, status: int) -> Response:
        again = url_for("authenticator.sign_in")
        answer = make_response(
            f"<!doctype html><title>Sign in</title><p>{escape(text)}</p><p><a href={again}>Sign in again</a></p>", status
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer
