"""What can go wrong: somebody is refused, or the service cannot be reached."""

from __future__ import annotations


class ClientError(Exception):
    """The base of both."""


class Refused(ClientError):
    """A token or a sign-in that is not good. `code` is a stable word; the text says what to mend and repeats no secret.

    Codes: `invalid_token`, `token_expired`, `token_revoked`, `invalid_state`, `wrong_browser`, `wrong_issuer`, `invalid_id_token`,
    and the error codes of RFC 6749 as the service sent them (`access_denied`, `invalid_grant` …).
    """

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(text or code.replace("_", " "))
        self.code = code


class Unavailable(ClientError):
    """The service does not answer, or answers nothing of use. Say 503, try again later; never let somebody in for it."""


def showable(code: str) -> str:
    """An error code as it may stand on a page: RFC 6749 allows signs there that an app's page may not like."""
    return code if code.replace("_", "").isalnum() and code.isascii() and len(code) <= 60 else "invalid_request"
