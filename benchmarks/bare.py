"""The unit of all figures: the smallest Flask application there can be."""

from __future__ import annotations

from flask import Flask, Response, jsonify

app = Flask(__name__)


@app.get("/")
def ok() -> Response:
    """The one answer."""
    return jsonify(ok=True)
