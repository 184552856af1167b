"""Sessions in SQL: a check is one SELECT, a refresh one UPDATE."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.models import Client, Page, Rotation, Session, User
from authenticator.storage import records, waits
from authenticator.storage.refresh import not_rotated
from authenticator.storage.sealing import Sealer
from authenticator.storage.sql.engine import Database
from authenticator.storage.sql.part import Part, fields, paged, record
from authenticator.storage.sql.tables import applications, attempts, grants, sessions, users

SESSION = fields(sessions)
USER = fields(users)


class Sessions(Part):
    """Verbs on sessions."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        super().__init__(database, sealer)
        c = sessions.c
        self._open_session = insert(sessions)
        self._forget = delete(attempts).where(attempts.c.id == bindparam("key"))
        live = (c.closed_at.is_(None), c.expires_at > bindparam("now"))
        named = c.id == bindparam("key")
        self._select_signed = select(sessions, users).join(users, users.c.id == c.user_id).where(c.cookie == bindparam("cookie_is"), *live)
        self._select_session = select(sessions).where(named)
        hers, of_kind = c.user_id == bindparam("user"), c.kind.in_(bindparam("kinds", expanding=True))
        self._select_live = paged(sessions, hers, of_kind, *live, newest_first=True)
        self._select_under = select(sessions).where(c.parent == bindparam("key"), *live).order_by(c.created_at, c.id)
        over = or_(c.closed_at.is_not(None), c.expires_at <= bindparam("now"))
        self._select_over = paged(sessions, hers, of_kind, over, newest_first=True)
        proof: dict[str, Any] = {"auth_time": bindparam("auth_time"), "amr": bindparam("amr")}
        proof["mfa_at"] = func.coalesce(bindparam("mfa_at", type_=c.mfa_at.type), c.mfa_at)
        self._renew = update(sessions).where(named, c.closed_at.is_(None)).values(proof)
        self._renew_with_cookie = self._renew.values(cookie=bindparam("cookie"))
        unseen = or_(c.seen_at.is_(None), c.seen_at < bindparam("now"))
        self._touch = update(sessions).where(named, c.closed_at.is_(None), unseen).values(seen_at=bindparam("now"))
        self._touch_from = self._touch.values(seen_from=bindparam("seen_from_is"))
        swap = {"spent": c.refresh, "refresh": bindparam("successor"), "rotated_at": bindparam("now")}
        self._rotate = update(sessions).where(named, c.refresh == bindparam("presented"), *live).values(swap).returning(sessions)
        end: dict[str, Any] = {"closed_at": bindparam("now"), "close_reason": bindparam("reason")}
        self._close_one = update(sessions).where(named, c.closed_at.is_(None)).values(end)
        bound = (c.closed_at.is_(None), c.offline.is_(False))
        self._close_under = update(sessions).where(c.parent == bindparam("key"), *bound).values(end)
        some = update(sessions).where(hers, of_kind, *live).values(end)
        others = (c.id != bindparam("keep"), or_(c.parent.is_(None), c.parent != bindparam("keep")))
        self._close_all = {(False, False): some, (True, False): some.where(*others)}
        for kept, statement in tuple(self._close_all.items()):
            self._close_all[kept[0], True] = statement.where(c.application == bindparam("application_is"))
        mine = (hers, c.kind == "sign_in", *live)
        self._select_surplus = select(c.id).where(*mine).order_by(c.created_at.desc(), c.id.desc()).offset(bindparam("most"))
        self._lock_application = select(applications.c.id).where(applications.c.id == bindparam("key")).with_for_update(read=True)
        self._lock_parent = select(c.id).where(named, c.user_id == bindparam("user"), c.closed_at.is_(None)).with_for_update(read=True)
        consent = (grants.c.user_id == bindparam("user"), grants.c.application == bindparam("key"))
        self._lock_consent = select(grants.c.user_id).where(*consent).with_for_update(read=True)
        self._select_closed = select(c.id).where(c.closed_at >= bindparam("since"))

    def open_session(self, session: Session, *, forgive: Sequence[str] = (), event: Event | None = None) -> None:
        row = records.session_record(session, self._sealer)
        try:
            if not forgive and event is None and session.kind != "grant":
                self._db.change(self._open_session, row)
                return
            with self._db.transaction() as connection:
                if session.kind == "grant":
                    self._require_ground(connection, session)
                connection.execute(self._open_session, row)
                for key in sorted(waits.attempt_ids(forgive, self._sealer)):  # nearly always one: a list of them takes twice as long
                    connection.execute(self._forget, {"key": key})
                self._note(connection, event)
        except IntegrityError:
            raise AuthError("conflict") from None  # the id is taken, or its user is gone

    def session_by_cookie(self, digest: str, now: datetime) -> tuple[Session, User] | None:
        row = self._db.row(self._select_signed, {"cookie_is": digest, "now": records.millis(now)})
        if row is None:
            return None
        session, user = record(SESSION, row), record(USER, row[len(SESSION) :])
        return records.session_of(session, self._sealer), records.user_of(user, self._sealer)

    def session_by_id(self, session_id: str) -> Session | None:
        row = self._db.row(self._select_session, {"key": session_id}) if records.is_id(session_id) else None
        return None if row is None else records.session_of(record(SESSION, row), self._sealer)

    def sessions_of(
        self,
        user_id: str,
        now: datetime,
        *,
        ended: bool = False,
        kinds: Sequence[str] = ("sign_in",),
        after: str | None = None,
        limit: int = 50,
    ) -> Page[Session]:
        statements = self._select_over if ended else self._select_live
        found = self._page(*statements, after, limit, user=user_id, now=records.millis(now), kinds=list(kinds))
        return records.page([record(SESSION, row) for row in found], limit, lambda row: records.session_of(row, self._sealer))

    def renew_session(
        self, session_id: str, *, cookie: str | None, auth_time: datetime, amr: Sequence[str], mfa_at: datetime | None = None
    ) -> bool:
        proof = {"auth_time": records.millis(auth_time), "amr": " ".join(amr), "mfa_at": records.maybe_millis(mfa_at)}
        values = {"key": session_id, **proof}
        if cookie is None:
            return self._db.count(self._renew, values) == 1
        return self._db.count(self._renew_with_cookie, {**values, "cookie": cookie}) == 1

    def sessions_under(self, parent: str, now: datetime) -> Sequence[Session]:
        rows = self._db.rows(self._select_under, {"key": parent, "now": records.millis(now)}) if records.is_id(parent) else ()
        return tuple(records.session_of(record(SESSION, row), self._sealer) for row in rows)

    def touch_session(self, session_id: str, now: datetime, client: Client | None = None) -> None:
        names = {"key": session_id, "now": records.millis(now)}
        if not records.is_id(session_id):
            return
        if client is None:
            self._db.count(self._touch, names)
        else:
            self._db.count(self._touch_from, {**names, "seen_from_is": records.seen_from(session_id, client, self._sealer)})

    def cap_sessions(self, user_id: str, most: int, reason: str, now: datetime) -> int:
        at = records.millis(now)
        surplus = self._db.rows(self._select_surplus, {"user": user_id, "most": most, "now": at})
        return sum(self._end({"key": row[0], "reason": reason, "now": at}) for row in surplus)

    def rotate_refresh(self, session_id: str, presented: str, successor: str, now: datetime, grace: timedelta) -> Rotation:
        if not records.is_id(session_id):
            return Rotation("closed")
        names = {"key": session_id, "presented": presented, "successor": successor, "now": records.millis(now)}
        rows = self._db.change(self._rotate, names)
        if rows:
            return Rotation("rotated", records.session_of(record(SESSION, rows[0]), self._sealer))
        return not_rotated(self, session_id, presented, now, grace)

    def close_session(self, session_id: str, reason: str, now: datetime) -> bool:
        if not records.is_id(session_id):
            return False
        return self._end({"key": session_id, "reason": reason, "now": records.millis(now)}) == 1

    def close_sessions(
        self,
        user_id: str,
        reason: str,
        now: datetime,
        *,
        keep: str | None = None,
        kinds: Sequence[str] = ("sign_in", "grant", "token"),
        application: str | None = None,
    ) -> int:
        names: dict[str, Any] = {"user": user_id, "reason": reason, "now": records.millis(now), "kinds": list(kinds)}
        names |= {} if keep is None else {"keep": keep}
        names |= {} if application is None else {"application_is": application}
        statement = self._close_all[keep is not None, application is not None]
        return self._db.untangled(lambda connection: self._end_all(connection, statement, names))

    def closed_since(self, moment: datetime) -> Sequence[str]:
        return tuple(row[0] for row in self._db.rows(self._select_closed, {"since": records.millis(moment)}))

    def _end(self, names: dict[str, Any]) -> int:
        """End a session and what was given in it, in this order: whoever is given something meanwhile waits for the first."""

        def end(connection: Any) -> int:
            closed = int(connection.execute(self._close_one, names).rowcount)
            connection.execute(self._close_under, names)
            return closed

        return self._db.untangled(end)

    def _require_ground(self, connection: Any, session: Session) -> None:
        """An application that was removed, and a session that has ended, give nothing any more. Until the commit neither can be.

        Where writers do not queue, a consent that is being taken back is waited for: whoever looks for it afterwards finds it gone.
        """
        stands = connection.execute(self._lock_application, {"key": session.application}).fetchall()
        if stands and session.parent:
            stands = connection.execute(self._lock_parent, {"key": session.parent, "user": session.user_id}).fetchall()
        if not stands:
            raise AuthError("conflict")
        if not self._db.sqlite:
            connection.execute(self._lock_consent, {"user": session.user_id, "key": session.application})
