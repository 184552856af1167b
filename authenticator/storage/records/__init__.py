"""How the nouns look in a database: flat records of texts, numbers and sealed bytes, the same for every adapter."""

from authenticator.storage.records.activity import KEEP_SESSION, event_of, event_record, session_of, session_record
from authenticator.storage.records.basics import (
    Record,
    cursor,
    is_id,
    maybe_millis,
    maybe_moment,
    millis,
    moment,
    page,
    parse_cursor,
)
from authenticator.storage.records.kept import (
    avatar_of,
    avatar_record,
    errand_of,
    errand_record,
    signing_of,
    signing_record,
    ticket_id,
    ticket_payload,
    ticket_record,
)
from authenticator.storage.records.login_keys import held_of, key_id, key_record, secret_mark, secret_of, secret_record
from authenticator.storage.records.users import change_of, change_record, user_of, user_record

__all__ = [
    "KEEP_SESSION",
    "Record",
    "avatar_of",
    "avatar_record",
    "change_of",
    "change_record",
    "cursor",
    "errand_of",
    "errand_record",
    "event_of",
    "event_record",
    "held_of",
    "is_id",
    "key_id",
    "key_record",
    "maybe_millis",
    "maybe_moment",
    "millis",
    "moment",
    "page",
    "parse_cursor",
    "secret_mark",
    "secret_of",
    "secret_record",
    "session_of",
    "session_record",
    "signing_of",
    "signing_record",
    "ticket_id",
    "ticket_payload",
    "ticket_record",
    "user_of",
    "user_record",
]
