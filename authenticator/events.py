"""What happened, as facts for the history and for listeners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from authenticator.models import Client

KINDS: Final = frozenset(
    {
        # coming in and going out
        "user_created",
        "signed_in",
        "sign_in_failed",
        "sign_in_refused",
        "second_step_failed",
        "signed_out",
        "session_ended",
        "sessions_ended",
        "refresh_reused",
        "confirmed",
        "new_device",
        "device_trusted",
        "devices_forgotten",
        # ways in
        "identity_linked",
        "identity_unlinked",
        "password_changed",
        "password_reset_asked",
        "password_reset",
        "reset_required",
        "factor_added",
        "factor_removed",
        "recovery_codes_made",
        "recovery_code_used",
        # the person
        "email_proved",
        "contact_added",
        "contact_proved",
        "contact_removed",
        "contact_made_primary",
        "username_changed",
        "profile_changed",
        "avatar_added",
        "avatar_removed",
        "export_made",
        "deletion_asked",
        "deletion_undone",
        "user_erased",
        # applications
        "application_added",
        "application_changed",
        "application_disabled",
        "application_enabled",
        "application_removed",
        "application_secret_added",
        "application_secret_removed",
        "application_used",
        "consent_given",
        "consent_withdrawn",
        "code_reused",
        "device_approved",
        "device_refused",
        "token_made",
        "token_removed",
        "application_told",
        "application_not_told",
        # by those who run the service
        "user_invited",
        "user_imported",
        "permissions_changed",
        "roles_changed",
        "permission_refused",
        "status_changed",
        "signing_key_added",
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: `kind` is one of KINDS, `at` is in UTC, `detail` holds no secret and no address.

    `detail["by"]` says who did it where that was not the person herself: a user id, or `operator`.
    """

    id: str
    kind: str
    at: datetime
    user_id: str | None = None
    client: Client = Client()
    detail: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is not a known kind of event; add it to events.KINDS")
