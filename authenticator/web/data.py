"""The page of one's data: take it along, delete the account, and keep it after all by the link of a letter."""

from __future__ import annotations

import json

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from authenticator.errors import AuthError
from authenticator.flows.outcomes import Signed
from authenticator.http import csrf
from authenticator.http.cookies import SESSION, STEP
from authenticator.http.errors_page import refused
from authenticator.http.guard import client, cookies, service
from authenticator.http.hygiene import one
from authenticator.kinds.base import Field
from authenticator.service import Service
from authenticator.web.seated import for_signed

SURE = Field("sure", "Yes, delete my account with everything in it.", "checkbox")


def blueprint() -> Blueprint:
    """/account/data, and /keep-account for the link of the letter."""
    pages = Blueprint("data", __name__)
    csrf.protect(pages)
    seated = for_signed(render, page="data.show")
    pages.add_url_rule("/account/data", "show", seated(render), methods=["GET"], strict_slashes=False)
    pages.add_url_rule("/account/data/export", "export", seated(_export), methods=["POST"])
    pages.add_url_rule("/account/data/delete", "delete", seated(_delete), methods=["POST"])
    pages.add_url_rule("/keep-account", "keep", _keep, methods=["GET", "POST"])
    return pages


def _export(auth: Service, signed: Signed) -> Response:
    """The document as a file to keep; nothing on the way keeps it."""
    text = json.dumps(auth.export(signed, client()), ensure_ascii=False, indent=2)
    response = Response(text, content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="account-{signed.user.id}.json"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _delete(auth: Service, signed: Signed) -> Response:
    if not one(request.form, "sure"):
        raise AuthError("validation_failed", errors={"sure": ("Tick this box if you are sure.",)})
    auth.delete_account(signed, client())
    response = make_response(redirect(url_for("data.keep", done="deleted"), 303))
    cookies().drop(response, SESSION, STEP)
    return response


def render(auth: Service, signed: Signed, *, error: AuthError | None = None) -> Response:
    """The page; with an error, its status."""
    reached = [contact.shown for contact in signed.user.contacts if contact.proved_at]
    facts = {"sure": SURE, "days": auth.settings.deletion_days, "reached": reached}
    body = render_template("data.html", error=error, message="", **facts)
    return refused(body, error) if error else make_response(body)


def _keep() -> Response:
    """GET shows what the link does, POST does it, so that a mail program that opens links changes nothing."""
    auth = service()
    done = request.args.get("done", "")
    if request.method == "GET" and done in ("deleted", "kept"):
        return make_response(render_template("keep_account.html", done=done, days=auth.settings.deletion_days))
    try:
        if request.method == "GET":
            token = one(request.args, "token")
            return make_response(render_template("keep_account.html", token=token, who=auth.leaving_account(token)))
        auth.keep_account(one(request.form, "token"), client())
    except AuthError as error:
        return refused(render_template("keep_account.html", error=error), error)
    return make_response(redirect(url_for("data.keep", done="kept"), 303))
