"""Rates: stored once, all or none, found with their day and source."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from storage.audit import find_entries, verify
from storage.engine import reading
from storage.rates import (
    RateConflict,
    RateRow,
    StoredRates,
    find_rate,
    find_rate_tables,
    store_rates,
    value_in,
)

if TYPE_CHECKING:
    from conftest import Store

DAY = date(2026, 11, 1)


def row(
    value: str, *, day: date = DAY, code: str = "BTC", base: str = "USD", source: str = "table"
) -> RateRow:
    return RateRow(day, code, base, Decimal(value), source, 2)


def save(store: Store, *rows: RateRow) -> StoredRates:
    return store_rates(store.engine, rows, by="ana", now=store.now, subject="rates.csv", sha256="0" * 64)


def test_a_table_goes_in_once(store: Store) -> None:
    assert save(store, row("43000.10"), row("0.0000393", code="VND")) == StoredRates(2, 0)
    assert save(store, row("43000.100"), row("1", code="EUR")) == StoredRates(1, 1)
    with reading(store.engine) as session:
        tables = find_rate_tables(session)
        assert verify(session) == []
        entries = find_entries(session, limit=9)
    assert [(t.code, t.base, t.days, t.first, t.last) for t in tables] == [
        ("BTC", "USD", 1, DAY, DAY), ("EUR", "USD", 1, DAY, DAY), ("VND", "USD", 1, DAY, DAY),
    ]  # fmt: skip
    assert [(e.action, e.detail["rows"], e.detail["new"]) for e in entries] == [
        ("rates.import", 2, 1), ("rates.import", 2, 2),
    ]  # fmt: skip


@pytest.mark.parametrize("second", [row("43001"), row("43000.1000001")])
def test_another_value_from_the_same_source_is_refused_and_nothing_stored(
    store: Store, second: RateRow
) -> None:
    save(store, row("43000.1"))
    with pytest.raises(RateConflict, match="line 2: BTC on 2026-11-01"):
        save(store, row("1", code="EUR"), second)
    with reading(store.engine) as session:
        assert [table.code for table in find_rate_tables(session)] == ["BTC"]
        assert len(find_entries(session, limit=9)) == 1


def test_two_values_in_one_file_are_refused(store: Store) -> None:
    with pytest.raises(RateConflict, match="in line 2"):
        save(store, row("1"), row("2"))


def test_a_rate_is_of_the_day_or_the_nearest_earlier_one(store: Store) -> None:
    save(
        store,
        row("1", day=date(2026, 10, 20)),
        row("2", day=date(2026, 10, 25)),
        row("3", day=date(2026, 11, 3)),
    )
    with reading(store.engine) as session:

        def find(day: date, **more: int) -> Decimal | None:
            found = find_rate(session, code="btc", base="usd", day=day, **more)
            return found.value if found is not None else None

        assert find(date(2026, 11, 3)) == 3
        assert find(date(2026, 11, 1)) == 2
        assert find(date(2026, 11, 2)) is None
        assert find(date(2026, 11, 2), within_days=8) == 2
        assert find(date(2026, 10, 19)) is None
        assert find(date(2026, 11, 10)) == 3
        assert find(date.min, within_days=3660) is None


def test_of_two_sources_the_last_import_counts(store: Store) -> None:
    save(store, row("1"))
    save(store, row("2", source="other"))
    with reading(store.engine) as session:
        found = find_rate(session, code="BTC", base="USD", day=DAY)
    assert found is not None
    assert (found.value, found.source) == (2, "other")


def test_an_amount_is_valued_to_the_last_digit(store: Store) -> None:
    save(store, row("12345678901234567890.123456789012345678901234567891"))
    with reading(store.engine) as session:
        valued = value_in(
            session, Decimal("0.123456789012345678"), code="BTC", base="USD", day=date(2026, 11, 4)
        )
        none = value_in(session, Decimal(1), code="USD", base="BTC", day=DAY)
        same = value_in(session, Decimal("2.50"), code="EUR", base="eur", day=DAY)
    assert valued is not None
    digits = 123456789012345678 * 12345678901234567890123456789012345678901234567891
    assert format(valued.amount, "f").replace(".", "") == str(digits)
    assert (valued.day, valued.source, valued.rate) == (
        DAY, "table", Decimal("12345678901234567890.123456789012345678901234567891"),
    )  # fmt: skip
    assert none is None
    assert same is not None
    assert (same.amount, same.rate) == (Decimal("2.50"), 1)
