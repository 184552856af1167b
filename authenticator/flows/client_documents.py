"""What applications publish about themselves under an https address: their metadata document, and the addresses of one sector."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

from authenticator.applications import Application
from authenticator.errors import AuthError
from authenticator.flows import client_metadata, client_uris
from authenticator.flows.core import Core
from authenticator.limits import Limit
from authenticator.web_client import BadAnswer, WebFailure, json_value

REFRESH = timedelta(hours=6)
FAILED = 60.0  # seconds until a document that was no good is asked for again
NEW = 100  # documents in a minute that were never taken before: anybody may name any number of them
NEW_OF_A_HOST = 20  # of these
LONGEST = 16_384  # bytes: anybody may have us keep any number of documents
SECRET_FIELDS = ("client_secret", "client_secret_expires_at")


def find(core: Core, url: str) -> Application | None:
    """The application that this document describes; None if it describes none, or documents are not taken here.

    A document is fetched again after some hours; while that fails, the former one holds for a day. AuthError `rate_limited` for a
    new one where too many have just been asked for.
    """
    if not core.oidc.documents or not _is_name(core, url):
        return None
    kept, now = core.store.application(url), core.clock.now()
    age = now - kept.refreshed_at if kept and kept.refreshed_at else None
    if age is not None and age < REFRESH:
        return kept
    holds = kept if age is not None and age < 4 * REFRESH else None
    if core.fleeting.age("document", url) < FAILED:
        return holds
    if holds is None:
        _count(core, url)
    else:
        core.fleeting.keep("document", url, value=True)  # others go on with what is kept meanwhile
    try:
        return _kept(core, url, kept)
    except (WebFailure, AuthError) as failure:
        if isinstance(failure, AuthError) and failure.status >= 500:
            raise
        core.fleeting.keep("document", url, value=True)
        core.log.warning("a client's metadata document is no good: %s", failure)
        return holds


def check_sector(core: Core, before: Application, settled: Application) -> None:
    """AuthError `validation_failed` unless the sector that it names lists its addresses (OpenID Connect Registration §5).

    That is looked up where either is new.
    """
    url, redirect_uris = settled.metadata.get("sector_identifier_uri", ""), settled.redirect_uris
    if not url or (before.metadata.get("sector_identifier_uri"), before.redirect_uris) == (url, redirect_uris):
        return
    try:
        answer = core.outside.get(url)
        listed = json_value(answer.body) if answer.status == 200 else None
    except WebFailure:
        listed = None
    if not isinstance(listed, list) or not set(redirect_uris) <= {one for one in listed if isinstance(one, str)}:
        raise AuthError(
            "validation_failed", errors={"sector_identifier_uri": ("There must be a JSON list of all redirect addresses at this address.",)}
        )


def _count(core: Core, url: str) -> None:
    """One host alone can't use up what there is for all."""
    seconds = int(FAILED)
    core.spend(Limit(f"documents:{client_uris.host_of(url)}", NEW_OF_A_HOST, seconds))
    core.spend(Limit("documents", NEW, seconds))


def _kept(core: Core, url: str, kept: Application | None) -> Application:
    """The application of the document as it is now, stored. A change by somebody else at the same moment is as good."""
    now = core.clock.now()
    read = _read(core, url, kept or Application(url, "", now, now, registration="document", auth_method="none"))
    fresh = replace(read, updated_at=now, refreshed_at=now)
    if kept is None:
        return fresh if core.store.add_application(fresh) else core.store.application(url) or fresh
    return replace(fresh, version=fresh.version + 1) if core.store.save_application(fresh) else core.store.application(url) or fresh


def _read(core: Core, url: str, application: Application) -> Application:
    answer = core.outside.get(url)
    if answer.status != 200 or len(answer.body) > LONGEST:
        raise BadAnswer(f"status {answer.status}, {len(answer.body)} bytes")
    document = answer.object()
    if document.get("client_id") != url or any(name in document for name in SECRET_FIELDS):
        raise BadAnswer("the document is another one's, or holds a secret")
    described = client_metadata.applied(core, application, {"token_endpoint_auth_method": "none", **document})
    check_sector(core, application, described)
    return described


def _is_name(core: Core, url: str) -> bool:
    """Whether an address may be a client id: https with a path, and nothing that could be written otherwise."""
    if client_uris.page_fault(url) or not core.outside.allows(url):
        return False
    return urlsplit(url).path not in ("", "/")
