"""The closed list of refusals, and the one exception that carries them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

RETRY_SOON = 2  # seconds, where nothing better is known

# code -> (HTTP status, what a person may read when nothing better is known)
CODES: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "invalid_request": (400, "The request could not be understood."),
        "invalid_link": (400, "This link is not valid any more: it was used, a newer one was sent, or it is too old. Ask for a new one."),
        "invalid_credentials": (401, "That did not match. Check what you typed, or wait a few minutes after several tries."),
        "invalid_token": (401, "The token is not valid here. Sign in again."),
        "token_expired": (401, "The access token has expired. Use the refresh token to get a new one."),
        "token_revoked": (401, "The session of this token has ended. Sign in again."),
        "refresh_reused": (401, "This refresh token was used before, so its session has been ended. Sign in again."),
        "invalid_code": (401, "That code is not right, or no longer valid."),
        "challenge_expired": (401, "This sign-in has expired or was already finished. Start again."),
        "provider_denied": (401, "The sign-in was cancelled at the provider. Try again, or choose another way."),
        "provider_failed": (401, "The provider's answer could not be trusted, so nobody was signed in. Try again, or choose another way."),
        "forbidden": (403, "You may not do this."),
        "csrf_failed": (403, "The form was too old, or did not come from this page. Load the page again and repeat."),
        "account_suspended": (403, "This account is suspended. Ask the operator of this service."),
        "step_up_required": (403, "Confirm that it is you first: sign in once more."),
        "reset_required": (403, "Choose a new password first: ask for a link under “Forgot your password?”."),
        "sign_up_closed": (403, "New accounts are not open here. Ask the operator for an invitation."),
        "not_found": (404, "There is nothing here."),
        "unknown_provider": (404, "There is no such way to sign in here. GET /api/v1/providers lists them."),
        "method_not_allowed": (405, "This address does not answer to that method."),
        "email_taken": (409, "This e-mail address belongs to another account."),
        "phone_taken": (409, "This phone number belongs to another account."),
        "username_taken": (409, "This user name is taken. Choose another one."),
        "identity_taken": (409, "This sign-in already belongs to another account."),
        "last_sign_in_method": (409, "This is the only way into the account. Add another one first."),
        "last_second_step": (409, "You must keep a second step, and this is the only one. Add another one first."),
        "link_required": (
            409,
            "There is already an account with this e-mail address. Sign in the way you did before, then add this way on the account page.",
        ),
        "conflict": (409, "Somebody else changed this at the same moment. Load it again and repeat."),
        "body_too_large": (413, "The request is too large."),
        "unsupported_media_type": (415, "Send this as application/json."),
        "validation_failed": (422, "Some fields need another look."),
        "rate_limited": (429, "Too many tries. Wait a little, then try again."),
        "headers_too_large": (431, "The request's headers are too large."),
        "store_unavailable": (503, "The service cannot reach its database. Try again in a moment."),
        "provider_unavailable": (503, "The provider does not answer right now. Try again in a moment, or choose another way."),
        "busy": (503, "Too many people are signing in right now. Try again in a moment."),
    }
)


@dataclass(eq=False)
class AuthError(Exception):
    """A refusal that every transport can tell: `code` is one of CODES; nothing in it repeats what was sent.

    `errors` names the fields at fault. `retry_after` is in seconds; every 503 has one. `reference` is an id that the log carries too.
    `return_to` is where the person wanted to go, so that she can try again from there.
    `detail` takes the place of the code's own sentence; it is shown to people, so it says what to do next.
    """

    code: str
    detail: str = ""
    errors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    retry_after: int | None = None
    reference: str = ""
    return_to: str = ""

    def __post_init__(self) -> None:
        self.status, usual = CODES[self.code]
        self.detail = self.detail or usual
        if self.status == 503:
            self.retry_after = self.retry_after or RETRY_SOON
        super().__init__(f"{self.code}: {self.detail}")


class ConfigurationError(Exception):
    """The service must not start like this; the message says what to change."""
