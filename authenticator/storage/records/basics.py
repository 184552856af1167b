"""What every record is made of: moments as milliseconds since 1970 in UTC, ids, cursors and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from authenticator.errors import AuthError
from authenticator.models import Page

T = TypeVar("T")
Record = Mapping[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_ID = re.compile(r"[!-~]{1,128}")
_CURSOR = re.compile(r"([0-9]{1,15})\.([!-~]{1,128})")


def millis(moment: datetime) -> int:
    """Milliseconds since 1970; what is finer is cut off."""
    return (moment - _EPOCH) // _MILLISECOND


def moment(value: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=value)


def maybe_millis(value: datetime | None) -> int | None:
    return None if value is None else millis(value)


def maybe_moment(value: int | None) -> datetime | None:
    return None if value is None else moment(value)


def is_id(text: str) -> bool:
    """Whether the text can be an id at all; drivers choke on some texts that can't."""
    return _ID.fullmatch(text) is not None


def cursor(record: Record, at: str = "created_at") -> str:
    """Where a page ended: a moment, and the id that tells records of the same moment apart."""
    return f"{record[at]}.{record['id']}"


def parse_cursor(text: str) -> tuple[int, str]:
    """The inverse; AuthError `invalid_request` if it is none of ours."""
    found = _CURSOR.fullmatch(text)
    if not found:
        raise AuthError("invalid_request", "That cursor is not one of ours. Start again without `after`.")
    return int(found[1]), found[2]


def page(rows: Sequence[Record], limit: int, build: Callable[[Record], T]) -> Page[T]:
    """The first `limit` of the records as a page; one more than that says that there is a next page."""
    return Page(tuple(build(row) for row in rows[:limit]), cursor(rows[limit - 1]) if len(rows) > limit else None)


def dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
