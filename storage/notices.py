"""Notices as rows: told once for each channel, sent by whoever takes them, tried again, given up, kept.

Public names: NewNotice, Undelivered, add_notices, drop_cleared, forget_notices, find_due, is_stuck, find_last_sent, take_notices, settle_notices,
retry_notices, find_notices, find_undelivered, find_events, WAITS, MAX_TRIES.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, func, select, update
from sqlalchemy.orm import Session

from storage import audit
from storage.engine import insert_ignore, lock, transaction
from storage.needs import read_time
from storage.tables import Notice, Report, Run

WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
"""Between one try and the next; the last of them again and again."""
MAX_TRIES = 27
"""So many tries take a little less than a day; then the notice is given up."""
LEASE = timedelta(minutes=5)
"""Whoever takes a notice has so long to send it; after that it is taken for not sent."""
MOST = 200
_ENDED_DAYS = timedelta(days=1)


@dataclass(frozen=True)
class NewNotice:
    """One thing to tell. raised_at: when it began; None for a state without a beginning, told once in `again`."""

    kind: str
    subject: str
    level: str
    text: str
    raised_at: datetime | None
    again: timedelta | None = None


@dataclass(frozen=True)
class Undelivered:
    """What a channel could not deliver: tried and waiting, given up, or refused by some of those who should have got it."""

    channel: str
    count: int
    failed: int
    since: datetime
    error: str


def add_notices(
    engine: Engine, channel: str, new: Sequence[NewNotice], *, now: datetime, sent: bool = False
) -> int:
    """Add those that this channel was not told yet; how many. One that was dropped before it was sent waits again.

    sent: they are told by being there (the feed).
    """
    if not new:
        return 0
    state = "sent" if sent else "waiting"
    added = 0
    with transaction(engine) as session:
        lock(session, "notice")
        newest = _find_newest(session, channel)
        for each in new:
            raised = each.raised_at
            if raised is None:
                last = newest.get((each.kind, each.subject))
                if last is not None and each.again is not None and now - last < each.again:
                    continue
                raised = now
            row = {
                "channel": channel, "kind": each.kind, "subject": each.subject[:120], "level": each.level, "text": each.text,
                "raised_at": raised, "created_at": now, "state": state, "tries": 0, "next_at": None if sent else now,
                "sent_at": now if sent else None, "error": "",
            }  # fmt: skip
            if insert_ignore(session, Notice, [row]):
                added += 1
                continue
            revived = session.execute(
                update(Notice)
                .where(
                    Notice.channel == channel, Notice.subject == each.subject[:120], Notice.raised_at == raised,
                    Notice.state == "dropped", Notice.kind == each.kind,
                )
                .values(state=state, tries=0, next_at=row["next_at"], sent_at=row["sent_at"], text=each.text, error="")
                .returning(Notice.id)
            )  # fmt: skip
            added += len(revived.all())
    return added


def _find_newest(session: Session, channel: str) -> dict[tuple[str, str], datetime]:
    """When each thing was last told, or is about to be."""
    rows = session.execute(
        select(Notice.kind, Notice.subject, func.max(Notice.raised_at))
        .where(Notice.channel == channel, Notice.state != "dropped")
        .group_by(Notice.kind, Notice.subject)
    )
    return {(kind, subject): read_time(raised) for kind, subject, raised in rows}


def drop_cleared(
    engine: Engine, channel: str, *, standing: Collection[tuple[str, str]], events: Collection[str]
) -> int:
    """Drop what was not sent yet, or was given up, and is no more: (kind, subject) is not among `standing`; how many.

    Events are never cleared: `events` are the kinds that are still told.
    """
    with transaction(engine) as session:
        rows = session.execute(
            select(Notice.id, Notice.kind, Notice.subject).where(
                Notice.channel == channel, Notice.state.in_(("waiting", "failed"))
            )
        ).all()
        over = [
            number for number, kind, subject in rows if kind not in events and (kind, subject) not in standing
        ]
        for start in range(0, len(over), 500):
            part = over[start : start + 500]
            session.execute(
                update(Notice)
                .where(Notice.id.in_(part), Notice.state.in_(("waiting", "failed")))
                .values(state="dropped", next_at=None)
            )
        return len(over)


def forget_notices(engine: Engine, *, before: datetime) -> int:
    """Remove what was sent or dropped before then; how many."""
    old = (
        select(Notice.id).where(Notice.state.in_(("sent", "dropped")), Notice.created_at < before).limit(MOST)
    )
    with transaction(engine) as session:
        return len(session.execute(delete(Notice).where(Notice.id.in_(old)).returning(Notice.id)).all())


def find_due(session: Session, channel: str, *, now: datetime) -> list[Notice]:
    """What waits and may be sent now, the first raised first."""
    return list(
        session.scalars(
            select(Notice)
            .where(Notice.channel == channel, Notice.state == "waiting", Notice.next_at <= now)
            .order_by(Notice.raised_at, Notice.id)
            .limit(MOST)
        )
    )


def is_stuck(session: Session, channel: str) -> bool:
    """Does anything of this channel wait that could not be delivered before?"""
    tried = select(Notice.id).where(Notice.channel == channel, Notice.state == "waiting", Notice.tries > 0)
    return session.scalar(tried.limit(1)) is not None


def find_last_sent(session: Session, channel: str) -> datetime | None:
    """When that channel last delivered anything."""
    return session.scalar(
        select(Notice.sent_at)
        .where(Notice.channel == channel, Notice.state == "sent")
        .order_by(Notice.sent_at.desc())
        .limit(1)
    )


def take_notices(engine: Engine, ids: Sequence[int], *, now: datetime) -> list[Notice]:
    """Take these to send them: nobody else gets them for LEASE. Those that another took meanwhile are left out.

    Whoever ends before settle_notices leaves them waiting: they are sent again after that (at least once, not at most).
    """
    with transaction(engine) as session:
        taken = session.scalars(
            update(Notice)
            .where(Notice.id.in_(ids), Notice.state == "waiting", Notice.next_at <= now)
            .values(tries=Notice.tries + 1, next_at=now + LEASE)
            .returning(Notice.id)
            .execution_options(synchronize_session=False)
        ).all()
        return list(
            session.scalars(select(Notice).where(Notice.id.in_(taken)).order_by(Notice.raised_at, Notice.id))
        )


def settle_notices(engine: Engine, taken: Sequence[Notice], *, sent: bool, error: str, now: datetime) -> int:
    """Say how it went; how many were given up. What was settled or dropped otherwise meanwhile stays as it is."""
    given_up = 0
    with transaction(engine) as session:
        for notice in taken:
            mine = update(Notice).where(
                Notice.id == notice.id, Notice.state == "waiting", Notice.tries == notice.tries
            )
            if sent:
                session.execute(mine.values(state="sent", sent_at=now, next_at=None, error=error))
            elif notice.tries >= MAX_TRIES:
                session.execute(mine.values(state="failed", next_at=None, error=error))
                given_up += 1
            else:
                wait = WAITS[min(notice.tries, len(WAITS)) - 1]
                session.execute(mine.values(next_at=now + wait, error=error))
    return given_up


def retry_notices(engine: Engine, *, notice_id: int | None, by: str, now: datetime) -> int:
    """Let what was given up (or waits for its next try) be tried at once; all, or one of them. How many."""
    with transaction(engine) as session:
        chosen = update(Notice).where(Notice.state.in_(("failed", "waiting")), Notice.tries > 0)
        if notice_id is not None:
            chosen = chosen.where(Notice.id == notice_id)
        ids = session.scalars(
            chosen.values(state="waiting", tries=0, next_at=now)
            .returning(Notice.id)
            .execution_options(synchronize_session=False)
        ).all()
        if ids:
            detail = {"count": len(ids), "notices": sorted(ids)[:100]}
            subject = f"notice {notice_id}" if notice_id is not None else "notices"
            audit.record(session, actor=by, action="notice.retry", subject=subject, detail=detail, now=now)
        return len(ids)


def find_notices(
    session: Session, *, state: str | None = None, channel: str | None = None, limit: int = 100
) -> list[Notice]:
    """The newest first."""
    statement = select(Notice).order_by(Notice.id.desc()).limit(limit)
    if state is not None:
        statement = statement.where(Notice.state == state)
    if channel is not None:
        statement = statement.where(Notice.channel == channel)
    return list(session.scalars(statement))


def find_undelivered(session: Session, *, now: datetime) -> list[Undelivered]:
    """What could not be delivered, by channel."""
    tried = Notice.state.in_(("waiting", "failed")) & (Notice.tries > 0) & (Notice.error != "")
    partly = (Notice.state == "sent") & (Notice.error != "") & (Notice.sent_at > now - _ENDED_DAYS)
    found = []
    for channel in session.scalars(
        select(Notice.channel).where(tried | partly).distinct().order_by(Notice.channel)
    ):
        mine = (Notice.channel == channel) & (tried | partly)
        count, since = session.execute(select(func.count(), func.min(Notice.created_at)).where(mine)).one()
        failed = session.scalar(select(func.count()).where(mine, Notice.state == "failed")) or 0
        error = session.scalar(select(Notice.error).where(mine).order_by(Notice.id.desc()).limit(1)) or ""
        found.append(Undelivered(channel, int(count), failed, read_time(since), error))
    return found


def find_events(session: Session, *, since: datetime) -> tuple[list[Report], list[Run]]:
    """(reports written, runs done) since then."""
    reports = select(Report).where(Report.created_at >= since).order_by(Report.id.desc()).limit(MOST)
    runs = select(Run).where(Run.state == "done", Run.ended_at >= since).order_by(Run.id.desc()).limit(MOST)
    return list(session.scalars(reports)), list(session.scalars(runs))
