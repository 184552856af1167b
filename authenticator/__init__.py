"""Sign-up and sign-in for any app, as a service or inside a Flask application."""

__version__ = "0.1.0"
