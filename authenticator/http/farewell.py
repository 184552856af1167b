"""The end of a sign-in in this browser: cookies go, frames let applications end their own sessions, then it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import Response, make_response, redirect, render_template

from authenticator.http import headers
from authenticator.http.cookies import SESSION, STEP
from authenticator.http.guard import cookies, service

SECONDS = 3  # that the frames are given


def show(frames: Sequence[str], onward: str = "", name: str = "") -> Response:
    """Signed out: on to `onward`, at the application `name`; where there are frames to load or nowhere to go, by a page."""
    for address in frames:
        headers.allow_frame(address)
    if frames or not onward:
        response = make_response(render_template("logout_done.html", frames=frames, onward=onward, name=name, seconds=SECONDS))
    else:
        response = make_response(redirect(onward, 303))
    return forget(response)


def forget(response: Response) -> Response:
    """Have the browser forget who was signed in here.

    Never `"cookies"`: that clears those of the whole registrable domain, other applications' and the mark of a known browser too.
    `"storage"` only where the origin is the service's own, and not a host's who keeps something there.
    """
    cookies().drop(response, SESSION, STEP)
    alone = urlsplit(service().settings.public_url).path in ("", "/")
    response.headers["Clear-Site-Data"] = '"cache", "storage"' if alone else '"cache"'
    return response
