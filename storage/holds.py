"""What is on hold: listings, pages, sellers and sites that retention must leave alone until a person lifts it.

Public names: HeldRow, SUBJECTS, add_hold, lift_hold, find_holds, find_hold, is_held.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from storage import audit
from storage.engine import lock, transaction
from storage.errors import StorageError
from storage.tables import Hold, Listing, Page, Seller, Site
from storage.tombstones import LOCK, find_tombstone
from storage.types import clean_text

SUBJECTS = ("listing", "page", "seller", "site")
MOST_REASON = 2_000
_TABLES = {"listing": Listing, "page": Page, "seller": Seller, "site": Site}


@dataclass(frozen=True)
class HeldRow:
    """A hold as shown. title: what it is about, in the words of the site; "" where it is gone."""

    id: int
    subject: str
    subject_id: int
    title: str
    site: str
    reason: str
    by: str
    created_at: datetime
    released_by: str
    released_at: datetime | None


def add_hold(engine: Engine, *, subject: str, subject_id: int, reason: str, by: str, now: datetime) -> int:
    """Put something on hold; the hold's number. The same person with the same reason again gives the hold that stands.

    It comes before or after a batch of a removal, never in between. StorageError when there is no such thing (any more).
    """
    reason = _check_reason(reason, "is held")
    if subject not in SUBJECTS:
        raise StorageError(f'"{subject[:40]}" cannot be held: {", ".join(SUBJECTS)} can.')
    with transaction(engine) as session:
        lock(session, LOCK)
        if not 0 < subject_id < 2**31 or session.get(_TABLES[subject], subject_id) is None:
            stone = find_tombstone(session, subject, subject_id)
            gone = (
                f" It was removed under retention on {stone.removed_at:%Y-%m-%d %H:%M} UTC."
                if stone is not None
                else ""
            )
            raise StorageError(f"There is no {subject} {subject_id}.{gone}")
        same = session.scalar(
            select(Hold.id).where(
                Hold.subject == subject,
                Hold.subject_id == subject_id,
                Hold.reason == reason,
                Hold.by == by,
                Hold.released_at.is_(None),
            )
        )
        if same is not None:
            return same
        row = Hold(subject=subject, subject_id=subject_id, reason=reason, by=by, created_at=now)
        session.add(row)
        session.flush()
        audit.record(
            session, actor=by, action="hold.add", subject=f"{subject} {subject_id}", now=now,
            detail={"hold": row.id, "reason": reason},
        )  # fmt: skip
        return row.id


def lift_hold(engine: Engine, hold_id: int, *, reason: str, by: str, now: datetime) -> Hold:
    """Lift one hold; others on the same thing stay. StorageError when there is none or it was lifted already."""
    reason = _check_reason(reason, "is lifted")
    with transaction(engine) as session:
        lock(session, LOCK)
        row = session.get(Hold, hold_id, with_for_update=True) if 0 < hold_id < 2**31 else None
        if row is None:
            raise StorageError(f'There is no hold {hold_id}. "tuskwatch hold list" shows all.')
        if row.released_at is not None:
            raise StorageError(f"Hold {hold_id} was lifted already, by {row.released_by}.")
        row.released_by, row.released_at = by, now
        audit.record(
            session, actor=by, action="hold.lift", subject=f"{row.subject} {row.subject_id}", now=now,
            detail={"hold": row.id, "reason": reason, "held_for": row.reason},
        )  # fmt: skip
        return row


def find_holds(session: Session, *, lifted: bool = False, limit: int = 500) -> list[HeldRow]:
    """Holds that stand, the newest first; with `lifted` those that do not any more, too."""
    statement = select(Hold).order_by(Hold.id.desc()).limit(limit)
    if not lifted:
        statement = statement.where(Hold.released_at.is_(None))
    return [_show(session, row) for row in session.scalars(statement)]


def find_hold(session: Session, hold_id: int) -> HeldRow | None:
    row = session.get(Hold, hold_id)
    return None if row is None else _show(session, row)


def is_held(session: Session, subject: str, subject_id: int) -> Hold | None:
    """The newest hold that stands on exactly this."""
    return session.scalar(
        select(Hold)
        .where(Hold.subject == subject, Hold.subject_id == subject_id, Hold.released_at.is_(None))
        .order_by(Hold.id.desc())
        .limit(1)
    )


def _show(session: Session, row: Hold) -> HeldRow:
    thing = session.get(_TABLES[row.subject], row.subject_id) if row.subject in _TABLES else None
    title = str(getattr(thing, "title", "") or getattr(thing, "name", "") or getattr(thing, "url", "") or "")
    site = thing if isinstance(thing, Site) else session.get(Site, getattr(thing, "site_id", 0) or 0)
    return HeldRow(
        row.id, row.subject, row.subject_id, title, site.name if site is not None else "", row.reason, row.by,
        row.created_at, row.released_by, row.released_at,
    )  # fmt: skip


def _check_reason(reason: str, what: str) -> str:
    reason = clean_text(reason).strip()
    if not reason:
        raise StorageError(f"Say why it {what}: a reason belongs to it.")
    if len(reason) > MOST_REASON:
        raise StorageError(f"The reason is too long: at most {MOST_REASON:,} characters.")
    return reason
