"""Several pages of one listing made one: tabs on addresses of their own, pages of a thread.

Public names: merge_readings, choose_main.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crawler.values import PageReading, Value

_OF_A_TAB = 0.9
_MAIN_FIELDS = ("title", "price_amount", "seller", "ships_from", "posted")


def choose_main(pages: Sequence[tuple[str, PageReading]]) -> int:
    """Which of (path, reading) is the listing's own page: the one with most of what heads a listing, else the shortest
    address, for tabs add to it."""

    def rank(index: int) -> tuple[int, int, int]:
        path, reading = pages[index]
        has = sum(name in reading.fields and reading.fields[name].value is not None for name in _MAIN_FIELDS)
        return ("title" in reading.fields, -len(path), has)

    return max(range(len(pages)), key=lambda index: (*rank(index), -index))


def merge_readings(readings: Sequence[PageReading]) -> PageReading:
    """The main page's reading, first in `readings`, with what only the others say; of descriptions, the surest."""
    main = readings[0]
    fields: dict[str, Value] = dict(main.fields)
    replies: list[object] = list(fields["replies"].value) if "replies" in fields else []
    for other in readings[1:]:
        for name, value in other.fields.items():
            if value.value is None:
                continue
            if main.kind == "thread" and name in ("description", "seller", "posted", "replies"):
                continue
            mine = fields.get(name)
            if mine is None or mine.value is None:
                fields[name] = replace(value, sure=value.sure * _OF_A_TAB)
            elif name == "description" and value.sure > mine.sure:
                fields[name] = value
        if main.kind == "thread":
            replies += _posts_of(other)
    if replies:
        where = fields["replies"].where if "replies" in fields else ""
        fields["replies"] = Value(tuple(replies[:500]), "", where, 0.8)
    leftovers = tuple(dict.fromkeys(pair for reading in readings for pair in reading.leftovers))
    notes = tuple(dict.fromkeys(note for reading in readings for note in reading.notes))
    return PageReading(
        main.kind, max(r.confidence for r in readings), fields, leftovers[:40], main.cards, main.language, notes
    )  # fmt: skip


def _posts_of(reading: PageReading) -> list[object]:
    """All posts of a thread's further page: its first is no opening post but one more reply."""
    first = reading.fields.get("description")
    if first is None:
        return []
    seller, posted = reading.fields.get("seller"), reading.fields.get("posted")
    opening = {
        "author": seller.value if seller else "",
        "posted": posted.value if posted else None,
        "text": str(first.value)[:5000],
    }
    rest = reading.fields.get("replies")
    return [opening, *(rest.value if rest else ())]
