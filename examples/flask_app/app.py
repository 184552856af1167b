"""A Flask app whose people sign in with Authenticator. See README.md."""

import os
from typing import Any

import requests
from authenticator_client.flask import Authenticator
from flask import Flask, render_template_string, url_for

app = Flask(__name__)
app.secret_key = os.environ["SECRET_KEY"]
auth = Authenticator(app)

HOME = """<!doctype html><title>Diary</title>
{% if current_user %}
  <p>Hello {{ current_user.name }}! <a href="/diary">Diary</a> <a href="/reports">Reports</a></p>
  <form method="post" action="{{ url_for('authenticator.sign_out') }}"><button>Sign out</button></form>
{% else %}
  <p><a href="{{ url_for('authenticator.sign_in', return_to='/diary') }}">Sign in</a></p>
{% endif %}"""


@app.get("/")
def home() -> str:
    return render_template_string(HOME)


@app.get("/diary")
@auth.login_required
def diary() -> str:
    """A page that calls the API below in the name of who is signed in."""
    answer = requests.get(url_for("entries", _external=True), headers={"Authorization": f"Bearer {auth.access_token()}"}, timeout=10)
    return render_template_string("<title>Diary</title><p>{{ current_user.name }}: {{ entries }}</p>", entries=answer.json()["entries"])


@app.get("/reports")
@auth.permission_required("reports:read")
def reports() -> str:
    return "The reports"


@app.get("/api/entries")
@auth.token_required(scope="openid")
def entries() -> dict[str, Any]:
    return {"of": auth.token.subject, "entries": ["It rained."]}
