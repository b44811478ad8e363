"""What retention took away, as tombstones: written before the rows go, held together by the audit chain, checked later.

Public names: Stone, put_stones, digest_stones, find_tombstone, Gone, count_gone, count_gone_pages,
hash_row, check_tombstones, LOCK, ACTION, LINE.

A batch's tombstones have consecutive numbers (one removal at a time, by LOCK). Its row in the audit log names the first
and the last of them and the SHA-256 over their lines, so that no tombstone can be changed, added or lost unseen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from storage.base import Base
from storage.engine import insert_ignore
from storage.tables import Audit, Page, Reading, Score, Tombstone, Verdict

LOCK = "retention"
"""Held by each batch of a removal and by whoever places a hold: one of the two comes first."""
ACTION = "retention.remove"
LINE = '[table_name, row_key, site_id, run_id, rule, sha256, made_at, removed_at] as JSON, "\\n"'
"""What of a tombstone is hashed; times are ISO 8601 in UTC."""
MOST_NAMED = 20
_CHUNK = 500


@dataclass(frozen=True)
class Stone:
    """One row that is about to go. sha256: of a page its body's, of a blob its own, else of the row's content."""

    table: str
    key: str
    site_id: int | None
    rule: str
    sha256: str
    made_at: datetime


@dataclass(frozen=True)
class Stones:
    """Those of one batch: how many, the first and the last number, the SHA-256 over their lines."""

    count: int
    first: int
    last: int
    sha256: str


def put_stones(session: Session, stones: Sequence[Stone], *, run_id: int, now: datetime) -> Stones:
    """Write them, in the transaction that takes the rows away and under LOCK.

    A body that was taken away, came again and goes again has its stone already; it is left out here.
    """
    before = session.scalar(select(func.max(Tombstone.id))) or 0
    rows = [
        {
            "table_name": stone.table,
            "row_key": stone.key,
            "site_id": stone.site_id,
            "run_id": run_id,
            "rule": stone.rule,
            "sha256": stone.sha256,
            "made_at": stone.made_at,
            "removed_at": now,
        }
        for stone in stones
    ]
    again = [row for row in rows if row["table_name"] == "blob"]
    if others := [row for row in rows if row["table_name"] != "blob"]:
        session.execute(insert(Tombstone), others)
    insert_ignore(session, Tombstone, again)
    first = session.scalar(select(func.min(Tombstone.id)).where(Tombstone.id > before)) or 0
    last = (session.scalar(select(func.max(Tombstone.id))) or 0) if first else 0
    count, sha256 = digest_stones(session, first=first, last=last)
    return Stones(count, first, last, sha256)


def digest_stones(session: Session, *, first: int, last: int) -> tuple[int, str]:
    """(how many, SHA-256 over the lines) of the tombstones with these numbers; see LINE."""
    if not first:
        return 0, hashlib.sha256().hexdigest()
    found = session.scalars(
        select(Tombstone)
        .where(Tombstone.id >= first, Tombstone.id <= last)
        .order_by(Tombstone.id)
        .execution_options(yield_per=1000)
    )
    digest, count = hashlib.sha256(), 0
    for stone in found:
        line = [
            stone.table_name, stone.row_key, stone.site_id, stone.run_id, stone.rule, stone.sha256,
            stone.made_at.isoformat(), stone.removed_at.isoformat(),
        ]  # fmt: skip
        digest.update(json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")
        count += 1
    return count, digest.hexdigest()


def find_tombstone(session: Session, table: str, key: int | str) -> Tombstone | None:
    """The tombstone of one row, if it was taken away."""
    return session.scalar(
        select(Tombstone).where(Tombstone.table_name == table, Tombstone.row_key == str(key))
    )


@dataclass(frozen=True)
class Gone:
    """So many rows of a table were taken away by a rule; last: when the last of them was."""

    table: str
    rule: str
    count: int
    last: datetime


def count_gone(session: Session, *, since: datetime, until: datetime) -> list[Gone]:
    """What was taken away of the rows that were made in [since, until)."""
    rows = session.execute(
        select(Tombstone.table_name, Tombstone.rule, func.count(), func.max(Tombstone.removed_at))
        .where(Tombstone.made_at >= since, Tombstone.made_at < until)
        .group_by(Tombstone.table_name, Tombstone.rule)
        .order_by(Tombstone.table_name, Tombstone.rule)
    )
    return [Gone(*row) for row in rows]


def count_gone_pages(session: Session, *, since: datetime, until: datetime) -> dict[int | None, int]:
    """Of the pages that were stored in [since, until) how many were taken away, by site."""
    rows = session.execute(
        select(Tombstone.site_id, func.count())
        .where(Tombstone.table_name == "page", Tombstone.made_at >= since, Tombstone.made_at < until)
        .group_by(Tombstone.site_id)
    )
    return {row[0]: row[1] for row in rows}


def hash_row(row: Base) -> str:
    """SHA-256 over a row's columns in the order of their names, as JSON: times in ISO 8601, bytes as their own SHA-256."""
    values = {column.name: getattr(row, column.name) for column in row.__table__.columns}
    text = json.dumps(values, ensure_ascii=True, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} is not kept in a row")


# --- checking ---


def check_tombstones(session: Session) -> list[str]:
    """What is wrong with what retention left behind, in words; empty when all is as the audit log says.

    Looked at: each batch's tombstones against the hash in the audit log, tombstones that no batch names, rows that are
    there in spite of their tombstone, and numbers of pages that are missing without one.
    """
    problems: list[str] = []
    covered: list[tuple[int, int]] = []
    for entry in session.scalars(select(Audit).where(Audit.action == ACTION).order_by(Audit.id)):
        problems += _check_batch(session, entry, covered)
    problems += _find_uncovered(session, covered)
    for table, model in (("page", Page), ("reading", Reading), ("score", Score), ("verdict", Verdict)):
        problems += _find_risen(session, table, model)
        problems += _find_missing(session, table, model)
    return problems


def _check_batch(session: Session, entry: Audit, covered: list[tuple[int, int]]) -> list[str]:
    for name in ("stones", "earlier"):
        kept = entry.detail.get(name)
        if not isinstance(kept, dict) or not kept.get("count"):
            continue
        first, last = int(kept["first"]), int(kept["last"])
        covered.append((first, last))
        if digest_stones(session, first=first, last=last) != (kept["count"], kept["sha256"]):
            return [
                f"The tombstones {first} to {last} are not those that row {entry.id} of the audit log names: some were "
                "changed, added or lost."
            ]
    return []


def _find_uncovered(session: Session, covered: Iterable[tuple[int, int]]) -> list[str]:
    """Tombstones that no row of the audit log names."""
    at, gaps = 0, []
    for first, last in sorted(covered):
        if first > at + 1:
            gaps.append((at + 1, first - 1))
        at = max(at, last)
    gaps.append((at + 1, 2**31 - 1))
    problems = []
    for first, last in gaps:
        number = session.scalar(select(func.count()).where(Tombstone.id >= first, Tombstone.id <= last))
        if number:
            problems.append(f"{number:,} tombstones from number {first} on stand in no row of the audit log.")
    return problems


def _find_risen(session: Session, table: str, model: Any) -> list[str]:
    """Rows that are there in spite of their tombstone: the database would let them be deleted without a new one."""
    at, risen = 0, 0
    first = ""
    while True:
        ids = list(session.scalars(select(model.id).where(model.id > at).order_by(model.id).limit(_CHUNK)))
        if not ids:
            break
        at = ids[-1]
        found = session.scalars(
            select(Tombstone.row_key).where(
                Tombstone.table_name == table, Tombstone.row_key.in_([str(each) for each in ids])
            )
        ).all()
        risen += len(found)
        first = first or (found[0] if found else "")
    return (
        [f"{risen:,} rows of {table} are there in spite of a tombstone, the first is {first}."]
        if risen
        else []
    )


def _find_missing(session: Session, table: str, model: Any) -> list[str]:
    """Numbers that were given and are neither there nor have a tombstone. Only SQLite gives them without gaps."""
    if session.get_bind().dialect.name != "sqlite":
        return []
    rows, newest = session.execute(select(func.count(), func.max(model.id))).one()
    stones = session.scalar(select(func.count()).where(Tombstone.table_name == table)) or 0
    missing = (newest or 0) - rows - stones
    return [f"{missing:,} rows of {table} are gone without a tombstone."] if missing > 0 else []
