"""A past for one of the seeded listings: later sightings, cards, copies, ratings, rates; through storage functions only."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import ModuleType
from typing import Any

from sqlalchemy import Engine

from jobs.copies import find_copies
from storage.cardtext import CardRow
from storage.feedback import FeedbackRow
from storage.rates import RateRow, store_rates
from storage.readings import ReadingRow, store_readings
from storage.runs import create_run, end_run

DAYS = (7, 14, 21, 28)


def add_past(engine: Engine, seed: ModuleType) -> None:
    """Listing 1000 (the bangle): five pages and a card, three near copies, four ratings, a table of rates."""
    text = seed.ADS[0].text
    last = text.replace("62 g on the", "64 g on the") + f"\n{seed.FLAGS} {seed.RTL}"
    for number, (price, words) in enumerate(
        (
            ("430.00", text),
            ("395.00", text.replace("Small crack on the inside", "Two small cracks on the inside")),
            ("395.00", text.replace("Small crack on the inside", "Two small cracks on the inside")),
            ("520.00", last),
        )
    ):
        at = seed.NOW + timedelta(days=DAYS[number])
        row = make_row(engine, seed, 1, 0, at, price=price, text=words)
        if number == 3:
            row = replace(row, feedback=make_ratings(seed))
        store_readings(engine, [row], now=at)
    show_card(engine, seed, seed.NOW + timedelta(days=35), "480.00")
    show_card(engine, seed, seed.NOW + timedelta(days=42), "520.00")
    for number, (site, seller) in enumerate(((1, "nk88"), (1, "mekongdry"), (2, "nk88")), 500):
        at = seed.NOW + timedelta(days=29)
        store_readings(
            engine,
            [make_row(engine, seed, site, number, at, price="400.00", text=last + " New.", seller=seller)],
            now=at,
        )
    find_copies(engine, now=seed.NOW)
    rates = [
        RateRow(date(2026, 11, 20) + timedelta(days=day), "EUR", "USD", Decimal("1.085"), "invented bank")
        for day in range(60)
    ]
    store_rates(engine, rows=rates, by="analyst", now=seed.NOW, subject="rates.csv", sha256="0" * 64)


def make_row(
    engine: Engine,
    seed: ModuleType,
    site: int,
    number: int,
    at: datetime,
    *,
    price: str,
    text: str,
    seller: str = "nk88",
) -> ReadingRow:
    run_id = run_of(engine, site, at)
    ad = replace(seed.ADS[0], text=text, price=price, currency="EUR", seller=seller)
    row: ReadingRow = seed.add_page(engine, site, run_id, 2 * number + site - 1, ad)
    fields: dict[str, Any] = {
        **row.fields,
        "price_amount": {"value": price},
        "price_currency": {"value": "EUR"},
        "price_text": {"value": f"{price} EUR"},
    }
    key = "1000" if number == 0 else row.key
    return replace(row, seen_at=at, fields=fields, key=key, content_sha256=f"{number}{text}"[-64:])


def run_of(engine: Engine, site: int, at: datetime) -> int:
    run_id = create_run(
        engine, verb="crawl", site_id=site, by="analyst", reason="by hand", settings={}, now=at
    )
    end_run(engine, run_id=run_id, state="done", message="", now=at)
    return run_id


def show_card(engine: Engine, seed: ModuleType, at: datetime, price: str) -> None:
    row = make_row(engine, seed, 1, 0, at, price=price, text="")
    card = CardRow("1000", row.url, seed.ADS[0].title, "0" * 64, "nk88", Decimal(price), "EUR", "card")
    hidden = CardRow("7777", row.url, "Seen on a card only", "1" * 64, "nk88", None, "", "card")
    row = replace(
        row, kind="search", source="", key="", title="", description="", seller="", cards=(card, hidden)
    )
    store_readings(engine, [row], now=at)


def make_ratings(seed: ModuleType) -> tuple[FeedbackRow, ...]:
    title = seed.ADS[0].title
    return (
        FeedbackRow(
            "good", 5.0, "Came fast, well packed.", title, "m***k", Decimal("410"), "EUR", "410", seed.NOW
        ),
        FeedbackRow("bad", 1.0, f"Never came. {seed.FLAGS}", "", "greyheron77", date_text="3 weeks ago"),
        FeedbackRow("neutral", None, "As described, slow.", title, "", at=seed.NOW - timedelta(days=3)),
        FeedbackRow("good", 5.0, "Other thing, fine.", "Another thing", "z***a"),
    )
