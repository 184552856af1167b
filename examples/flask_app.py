"""A Flask application with sign-in: `flask --app examples/flask_app.py run`, then open http://localhost:5000."""

from flask import Flask
from markupsafe import escape

from authenticator.app import Authenticator

app = Flask(__name__)
app.config.from_prefixed_env()
app.config.setdefault("AUTHENTICATOR_ENVIRONMENT", "development")
auth = Authenticator(app, prefix="/auth")


@app.get("/")
def home() -> str:
    who = auth.current_user
    return f"Hello {escape(who.label)}! <a href=/diary>Diary</a>" if who else "<a href=/auth/sign-in?return_to=/diary>Sign in</a>"


@app.get("/diary")
@auth.required
def diary() -> str:
    return f"The diary of {escape(auth.current_user.label)}"
