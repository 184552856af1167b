"""How a person is shown: by her picture, or by letters that stand for her name."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for

from authenticator.flows.avatars import chosen_id
from authenticator.models import User
from authenticator.service import Service


@dataclass(frozen=True)
class Portrait:
    """`source` is where a page finds the picture; empty where there is none of ours."""

    source: str
    monogram: str


def of(auth: Service, user: User) -> Portrait:
    """The portrait of a person. What a provider calls her picture is never loaded by our pages."""
    chosen = chosen_id(auth.settings, user)
    return Portrait(url_for("avatars.show", avatar_id=chosen) if chosen else "", monogram(user.label))


def monogram(label: str) -> str:
    """One or two letters that stand for a name; empty for a number."""
    words = [word for word in label.split("@")[0].replace(".", " ").replace("_", " ").split() if word[0].isalpha()]
    picked = [words[0], words[-1]] if len(words) > 1 else words
    return "".join(word[0] for word in picked).upper()
