"""The log of who did what, each row with the hash of the one before, so that a change shows.

Public names: record, verify, check_chain, find_head, find_entries, FIRST.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from storage.engine import lock
from storage.tables import Audit, Tombstone
from storage.types import clean_json, clean_text

FIRST = "0" * 64
"""What the first row names as the hash before it."""


def record(
    session: Session, *, actor: str, action: str, subject: str, detail: Mapping[str, Any], now: datetime
) -> str:
    """Append one row in the caller's transaction; its hash. Others who record wait until that transaction ends."""
    lock(session, "audit")
    row = Audit(
        at=now.astimezone(UTC),
        actor=clean_text(actor)[:100],
        action=action,
        subject=clean_text(subject)[:300],
        # Through JSON and back, so that what is hashed is what will be read.
        detail=json.loads(clean_json(dict(detail))),
        previous=find_head(session),
    )
    row.hash = _hash(row)
    session.add(row)
    session.flush()
    return row.hash


def find_head(session: Session) -> str:
    """The hash of the newest row. Kept elsewhere (reports do), it also shows when rows are cut off the end."""
    return session.scalar(select(Audit.hash).order_by(Audit.id.desc()).limit(1)) or FIRST


def verify(session: Session, *, known: str | None = None) -> list[str]:
    """What is wrong with the chain, in words; empty when it is whole.

    known: a hash that was the newest once; it must still be in the chain.
    """
    if known is not None and _is_removed(session, known):
        known = None
    first = session.scalar(select(Audit.previous).order_by(Audit.id).limit(1))
    rows = session.scalars(select(Audit).order_by(Audit.id).execution_options(yield_per=1000))
    problems = check_chain(rows, known=known)
    if first not in (None, FIRST) and not _is_removed(session, str(first)):
        problems.append(
            "The beginning of the log is gone, and no tombstone says that retention took it away."
        )
    return problems


def check_chain(rows: Iterable[Audit], *, known: str | None = None) -> list[str]:
    """The same for rows from wherever, the oldest first.

    Retention may have cut the beginning off: then a row of the rest names the hash of the last row that was cut.
    """
    problems = []
    before = FIRST
    cut: str | None = None
    oldest = 0
    anchors: set[str] = set()
    seen = known is None or known == FIRST
    for number, row in enumerate(rows):
        if number == 0 and row.previous != FIRST:
            cut = before = row.previous
            oldest = row.id
        anchor = row.detail.get("cut") if row.action == "retention.remove" else None
        if isinstance(anchor, Mapping):
            anchors.add(str(anchor.get("hash")))
        if row.previous != before:
            problems.append(
                f"Row {row.id} does not follow the row before it: rows are missing or were moved."
            )
        if row.hash != _hash(row):
            problems.append(f"Row {row.id} was changed: it no longer has its hash.")
        before = row.hash
        seen = seen or row.hash == known
    if cut is not None and cut not in anchors:
        problems.insert(
            0,
            f"Row {oldest} does not follow the row before it: the beginning is missing, and no row says that retention "
            "took it away.",
        )
    if not seen:
        problems.append("The log was cut: a row that is known to have been in it is gone.")
    return problems


def find_entries(session: Session, *, limit: int, before: int | None = None) -> list[Audit]:
    """The newest rows first; `before` (a row id) gives the next page."""
    statement = select(Audit).order_by(Audit.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Audit.id < before)
    return list(session.scalars(statement))


def _is_removed(session: Session, sha256: str) -> bool:
    """Does a tombstone say that retention took the row with this hash away? (A backup may be older than tombstones.)"""
    if not inspect(session.connection()).has_table("tombstone"):
        return False
    gone = select(Tombstone.id).where(Tombstone.table_name == "audit", Tombstone.sha256 == sha256)
    return session.scalar(gone.limit(1)) is not None


def _hash(row: Audit) -> str:
    parts = [row.previous, row.at.isoformat(), row.actor, row.action, row.subject, row.detail]
    text = json.dumps(parts, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
