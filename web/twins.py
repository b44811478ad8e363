"""Twins: the same list as a table for other tools, as CSV with harmless cells and as JSON.

Public names: write_csv, write_json, write_one, COLUMNS.

Rows are written while they are read, so that a list of any length takes little memory.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine

from reports.cells import safe_cell
from storage.engine import reading
from storage.queries import ListingDetail, ListingFilter, ListingRow, iterate_listings
from storage.tables import GROUPS
from text.defang import defang

COLUMNS = (
    *(
        "id",
        "site",
        "key",
        "title",
        "category",
        "seller",
        "price_amount",
        "price_currency",
        "ships_from",
        "ships_to",
    ),
    *("posted_at", "first_seen", "last_seen", "ivory", "rhino_horn", "tiger", "flagged", "model"),
    *("verdict_labels", "verdict_kind", "verdict_form", "verdict_by", "verdict_at", "address"),
)


def find_values(row: ListingRow) -> dict[str, Any]:
    """One listing as plain values, by the names in COLUMNS."""
    listing, score, verdict = row.listing, row.score, row.verdict
    values: dict[str, Any] = {
        "id": listing.id,
        "site": listing.site.name,
        "key": listing.key,
        "title": listing.title,
        "category": listing.category,
        "seller": listing.seller.name if listing.seller is not None else "",
        "price_amount": listing.price_amount,
        "price_currency": listing.price_currency,
        "ships_from": listing.ships_from,
        "ships_to": listing.ships_to,
        "posted_at": listing.posted_at,
        "first_seen": listing.first_seen,
        "last_seen": listing.last_seen,
        "flagged": score.flagged if score is not None else None,
        "model": score.model_version if score is not None else None,
        "verdict_labels": list(verdict.labels) if verdict is not None else None,
        "verdict_kind": verdict.kind if verdict is not None else None,
        "verdict_form": verdict.form if verdict is not None else None,
        "verdict_by": row.verdict_by,
        "verdict_at": verdict.created_at if verdict is not None else None,
        "address": defang(listing.url),
    }
    for group in GROUPS:
        values[group] = round(getattr(score, group), 4) if score is not None else None
    return values


def write_csv(engine: Engine, wanted: ListingFilter) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    with reading(engine) as session:
        for row in iterate_listings(session, wanted):
            values = find_values(row)
            writer.writerow([_cell(values[name]) for name in COLUMNS])
            if buffer.tell() > 32_000:
                yield buffer.getvalue()
                buffer.seek(0)
                buffer.truncate()
    yield buffer.getvalue()


def _cell(value: Any) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return value
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    return safe_cell(str(_plain(value)))


def write_json(
    engine: Engine, wanted: ListingFilter, *, query: Mapping[str, str], now: datetime
) -> Iterator[str]:
    asked = {name: value for name, value in query.items() if value}
    yield f'{{"query": {json.dumps(asked)}, "at": {json.dumps(now.isoformat())}, "listings": ['
    with reading(engine) as session:
        for number, row in enumerate(iterate_listings(session, wanted)):
            values = {name: _plain(value) for name, value in find_values(row).items()}
            yield ("\n" if number == 0 else ",\n") + json.dumps(values)
    yield "\n]}\n"


def write_one(detail: ListingDetail) -> dict[str, Any]:
    """One listing as plain values, by the names in COLUMNS."""
    score = next((each for each in detail.scores if each.reading_id == detail.reading.id), None)
    by = detail.standing.user.name if detail.standing is not None else None
    row = ListingRow(detail.listing, score, detail.standing, by)
    return {name: _plain(value) for name, value in find_values(row).items()}


def _plain(value: Any) -> Any:
    """Times as ISO text in UTC, money as text to the digit."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return format(value, "f") if isinstance(value, Decimal) else value
