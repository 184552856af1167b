"""Texts for people with facts in them: English as they stand, and still to be translated."""

from __future__ import annotations


class Words(str):
    """A text that every transport can tell as it is, and a page or letter in the reader's language.

    `message` is the message id, and `values` fill in its `%(name)s`. A plain text needs none of this: it is its own id.
    """

    message: str
    values: dict[str, object]

    def __new__(cls, message: str, **values: object) -> Words:
        made = super().__new__(cls, message % values if values else message)
        made.message, made.values = message, values
        return made
