"""What currencies and coins were worth by day: tables that analysts import, each row with its source.

Public names: RateRow, StoredRates, FoundRate, RateTable, Valued, RateConflict, store_rates, find_rate, find_rate_tables, value_in.

A value always comes from one row of one imported table: nothing is inverted, crossed or guessed, so that whoever doubts a
figure can look the row up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import Any

from sqlalchemy import Engine, func, insert, select
from sqlalchemy.orm import Session

from storage import audit
from storage.engine import lock, transaction
from storage.errors import StorageError
from storage.tables import Rate

WITHIN_DAYS = 7
"""An older rate says too little about a day: coins have moved by a half in a fortnight."""
_BATCH = 5_000


class RateConflict(StorageError):
    """The same source is said to have given two values for one day."""


@dataclass(frozen=True)
class RateRow:
    """One unit of `code` was worth `value` units of `base` on `day`, says `source`. line: in the file it came from."""

    day: date
    code: str
    base: str
    value: Decimal
    source: str
    line: int = 0


@dataclass(frozen=True)
class StoredRates:
    """What an import did: rows that are new, and rows that were there already with the same value."""

    new: int
    known: int


@dataclass(frozen=True)
class FoundRate:
    """A rate with the day it is of, which may be earlier than the day asked for, and its source."""

    code: str
    base: str
    day: date
    value: Decimal
    source: str
    imported_at: datetime


@dataclass(frozen=True)
class RateTable:
    """All rates of one code in one base from one source."""

    code: str
    base: str
    source: str
    days: int
    first: date
    last: date
    imported_at: datetime


@dataclass(frozen=True)
class Valued:
    """An amount in another currency: `amount` of `base`, at `rate` of `day`, as `source` has it."""

    amount: Decimal
    base: str
    rate: Decimal
    day: date
    source: str


def store_rates(
    engine: Engine, rows: Sequence[RateRow], *, by: str, now: datetime, subject: str, sha256: str
) -> StoredRates:
    """Add rates, all or none; those that are there already with the same value are left. RateConflict names rows that are
    there with another value. subject: the file's name, for the audit log."""
    with transaction(engine) as session:
        lock(session, "rates")
        fresh, conflicts = _find_fresh(session, rows)
        if conflicts:
            more = f" and {len(conflicts) - 10} more" if len(conflicts) > 10 else ""
            raise RateConflict(
                "Nothing was imported, for these rates are known with another value from the same source:\n"
                + "\n".join(conflicts[:10])
                + more
                + "\nCorrect the file, or name the new table with --source."
            )
        for start in range(0, len(fresh), _BATCH):
            session.connection().execute(
                insert(Rate),
                [
                    {"code": row.code, "base": row.base, "day": row.day.isoformat(), "value": row.value,
                     "source": row.source, "imported_by": by[:100], "imported_at": now}
                    for row in fresh[start : start + _BATCH]
                ],
            )  # fmt: skip
        detail: dict[str, Any] = {
            "sha256": sha256, "rows": len(rows), "new": len(fresh),
            "codes": sorted({row.code for row in rows})[:200],
            "bases": sorted({row.base for row in rows})[:200],
            "sources": sorted({row.source for row in rows})[:20],
            "first": min(row.day for row in rows).isoformat() if rows else "",
            "last": max(row.day for row in rows).isoformat() if rows else "",
        }  # fmt: skip
        audit.record(session, actor=by, action="rates.import", subject=subject, detail=detail, now=now)
    return StoredRates(len(fresh), len(rows) - len(fresh))


def _find_fresh(session: Session, rows: Sequence[RateRow]) -> tuple[list[RateRow], list[str]]:
    tables: dict[tuple[str, str, str], list[RateRow]] = {}
    for row in rows:
        tables.setdefault((row.code, row.base, row.source), []).append(row)
    fresh: list[RateRow] = []
    conflicts: list[str] = []
    for (code, base, source), group in tables.items():
        known = {
            day: (value, "")
            for day, value in session.execute(
                select(Rate.day, Rate.value).where(
                    Rate.code == code,
                    Rate.base == base,
                    Rate.source == source,
                    Rate.day >= min(row.day for row in group).isoformat(),
                    Rate.day <= max(row.day for row in group).isoformat(),
                )
            )
        }
        for row in group:
            day = row.day.isoformat()
            if day not in known:
                known[day] = (row.value, f" in line {row.line}")
                fresh.append(row)
            elif known[day][0] != row.value:
                conflicts.append(
                    f"line {row.line}: {code} on {day} is {row.value:f}, but {known[day][0]:f}{known[day][1]}"
                )
    return fresh, conflicts


def find_rate(
    session: Session, *, code: str, base: str, day: date, within_days: int = WITHIN_DAYS
) -> FoundRate | None:
    """The rate of that day, or of the nearest earlier one at most `within_days` back; None when there is none.

    Of several sources for one day the one that was imported last counts.
    """
    earliest = date.fromordinal(max(1, day.toordinal() - within_days))
    row = session.scalars(
        select(Rate)
        .where(
            Rate.code == code.upper(),
            Rate.base == base.upper(),
            Rate.day <= day.isoformat(),
            Rate.day >= earliest.isoformat(),
        )
        .order_by(Rate.day.desc(), Rate.imported_at.desc(), Rate.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    return FoundRate(row.code, row.base, date.fromisoformat(row.day), row.value, row.source, row.imported_at)


def find_rate_tables(session: Session) -> list[RateTable]:
    """What was imported, by code, base and source."""
    statement = (
        select(Rate.code, Rate.base, Rate.source, func.count(), func.min(Rate.day), func.max(Rate.day), func.max(Rate.imported_at))
        .group_by(Rate.code, Rate.base, Rate.source)
        .order_by(Rate.code, Rate.base, Rate.source)
    )  # fmt: skip
    return [
        RateTable(code, base, source, days, date.fromisoformat(first), date.fromisoformat(last), at)
        for code, base, source, days, first, last, at in session.execute(statement)
    ]


def value_in(
    session: Session, amount: Decimal, *, code: str, base: str, day: date, within_days: int = WITHIN_DAYS
) -> Valued | None:
    """What an amount was worth in `base` on a day, to the last digit; None when no rate is near enough."""
    if code.upper() == base.upper():
        return Valued(amount, base.upper(), Decimal(1), day, "the same currency")
    found = find_rate(session, code=code, base=base, day=day, within_days=within_days)
    if found is None:
        return None
    with localcontext() as context:
        context.prec = 120
        worth = amount * found.value
    return Valued(worth, found.base, found.value, found.day, found.source)
