"""The nouns of the OpenID provider: applications, what people let them do, and who may do what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

OWN: Final = "authenticator"  # the id under which this service is an application itself: the one whose permissions administer it


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A secret of an application, as its SHA-256. Two live side by side while one takes over from the other."""

    digest: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Permission:
    """Something that an application lets some people do: `reports:read`, and what that means in words.

    `since` is when it was declared: what was given under the same name before that counts for nothing.
    """

    name: str
    text: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """Permissions of one application under one name. Whoever was given one of the same name before `since` has nothing by it."""

    name: str
    text: str = ""
    permissions: tuple[str, ...] = ()
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Application:
    """An application that signs people in here (a client, RFC 6749 §2). `version` guards against two changes at once.

    `id` is its client id: `app_…`, or the https address of its metadata document. `owner` is the user who registered it, empty for
    the operator. `registration` says how it came: by the operator, by its owner, by dynamic registration (RFC 7591), or as a
    document. `disabled_by` is who shut it out, a user's id or `operator`. Only applications of the operator may be `trusted` (not asked for consent), and only their `origins` may be
    returned to. `scopes` are those that it may ask for, `resources` the audiences (RFC 8707), `origins` those of its
    pages (CORS). Algorithms are JOSE names. `metadata` holds what was registered and is only handed back.
    """

    id: str
    name: str
    created_at: datetime
    updated_at: datetime
    owner: str = ""
    registration: Literal["operator", "owner", "dynamic", "document"] = "operator"
    enabled: bool = True
    disabled_by: str = ""
    trusted: bool = False
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    grants: tuple[str, ...] = ("authorization_code", "refresh_token")
    scopes: tuple[str, ...] = ("openid", "profile", "email", "offline_access")
    resources: tuple[str, ...] = ()
    open_resources: tuple[str, ...] = ()  # not stored: what the operator lets strangers ask for; it makes them no resource server
    auth_method: str = "client_secret_basic"
    secrets: tuple[ClientSecret, ...] = ()
    registration_token: str = field(default="", repr=False)  # SHA-256 of the token of RFC 7592
    jwks: Mapping[str, Any] | None = None
    jwks_uri: str = ""
    require_pkce: bool = True
    require_pushed: bool = False
    claims_in_id_token: bool = False
    id_token_algorithm: str = "RS256"  # noqa: S105 (an algorithm)
    userinfo_algorithm: str = ""
    request_object_algorithm: str = ""
    subject_type: Literal["public", "pairwise"] = "public"
    sector: str = ""  # the host that pairwise subjects belong to; without one they are this application's alone
    bound_tokens: bool = False  # access tokens only with DPoP (RFC 9449)
    default_max_age: int | None = None
    access_token_seconds: int | None = None
    refresh_token_days: int | None = None
    backchannel_logout_uri: str = ""
    backchannel_session: bool = False
    frontchannel_logout_uri: str = ""
    frontchannel_session: bool = False
    logo_uri: str = ""
    client_uri: str = ""
    policy_uri: str = ""
    tos_uri: str = ""
    contacts: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    roles: tuple[Role, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    refreshed_at: datetime | None = None  # when a document was last fetched
    version: int = 1

    @property
    def public(self) -> bool:
        """Whether it can keep no secret (RFC 6749 §2.1)."""
        return self.auth_method == "none"


@dataclass(frozen=True, slots=True)
class Grant:
    """What one person lets one application have: the scopes and single claims that she agreed to, and when each was last read.

    `resources` are the audiences open to strangers for which it may have tokens of hers. `unasked` is one that the
    operator gave in her name, for an application that was trusted then. `version` 0 is a grant that was never stored.
    """

    user_id: str
    application: str
    created_at: datetime
    updated_at: datetime
    scopes: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    unasked: bool = False
    read_at: Mapping[str, datetime] = field(default_factory=dict)  # by scope
    version: int = 0


@dataclass(frozen=True, slots=True)
class Assignment:
    """Somebody may do something: a role or one permission of one application.

    `resource` is what it is for: empty for everything, `projects/7` for one thing, `projects/*` for all that begin so.
    """

    application: str
    role: str = ""
    permission: str = ""
    resource: str = ""
    granted_at: datetime | None = None
    granted_by: str = ""
    expires_at: datetime | None = None

    def same_as(self, other: Assignment) -> bool:
        """Whether both give the same, whoever gave it and until when."""
        mine = (self.application, self.role, self.permission, self.resource)
        return mine == (other.application, other.role, other.permission, other.resource)
