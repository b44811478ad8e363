"""One ad over time: when it was seen, what it asked, how its text changed. Ten sightings are one ad.

Public names: History, Span, Change, Piece, find_history, diff_words.

Made from the sightings and their readings alone. Of a page that several readers have read, the newest reading counts, so
that a better reader is no change of the ad; where two pages were read by different versions, the change says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from difflib import SequenceMatcher
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.absorbing import CARD
from storage.tables import Reading, Sighting

MOST_SIGHTINGS = 2_000
MOST_READINGS = 300
MOST_WORK = 250_000
"""Words of one text times words of the other: beyond, the changed stretch is shown as a whole."""
MOST_WORDS = 5_000
CONTEXT = 8
FIELDS = ("title", "description", "category", "ships_from", "ships_to", "payment", "escrow")


@dataclass(frozen=True)
class Span:
    """A price while it stayed: from the first sighting that shows it to the last in a row. amount None: none was read."""

    since: datetime
    until: datetime
    amount: Decimal | None
    currency: str
    text: str
    sightings: int
    page_id: int
    """The first page that shows it."""
    of_card: bool
    """Seen on a card of a list only."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a word diff. kind: same, gone, new or cut (words left out, which are the same)."""

    kind: str
    text: str


@dataclass(frozen=True)
class Change:
    """One field that a later page says otherwise. pieces: the word diff, for title and description."""

    at: datetime
    field: str
    before: str
    after: str
    pieces: tuple[Piece, ...]
    page_id: int
    reading_id: int
    of_card: bool = False
    other_reader: bool = False
    """The two pages were read by different versions: the change may be the reader's."""


@dataclass(frozen=True)
class History:
    """sightings: all of them. of_cards: those in which only a card was seen. shown: those that the rest is made from."""

    first_seen: datetime | None = None
    last_seen: datetime | None = None
    sightings: int = 0
    of_cards: int = 0
    shown: int = 0
    prices: tuple[Span, ...] = ()
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class _Seen:
    at: datetime
    page_id: int
    reading_id: int
    of_card: bool


def find_history(session: Session, listing_id: int) -> History:
    """The history of one listing; empty when there is no such listing."""
    count, first, last = session.execute(
        select(func.count(), func.min(Sighting.seen_at), func.max(Sighting.seen_at)).where(
            Sighting.listing_id == listing_id
        )
    ).one()
    rows = session.execute(
        select(Sighting.seen_at, Sighting.page_id, Sighting.reading_id, Reading.kind, Reading.page_id)
        .join(Reading, Reading.id == Sighting.reading_id)
        .where(Sighting.listing_id == listing_id)
        .order_by(Sighting.seen_at.desc(), Sighting.id.desc())
        .limit(MOST_SIGHTINGS)
    )
    newest: dict[int, _Seen] = {}
    for at, page_id, reading_id, kind, read_from in rows:
        seen = _Seen(at, page_id, reading_id, kind == CARD or page_id != read_from)
        known = newest.get(page_id)
        if known is None or reading_id > known.reading_id:
            newest[page_id] = seen
    seen_all = sorted(newest.values(), key=lambda seen: (seen.at, seen.page_id))
    readings = _load(session, seen_all)
    seen_all = [seen for seen in seen_all if seen.reading_id in readings]
    return History(
        first_seen=first,
        last_seen=last,
        sightings=count,
        of_cards=sum(seen.of_card for seen in seen_all),
        shown=len(seen_all),
        prices=_find_prices(seen_all, readings),
        changes=_find_changes(seen_all, readings),
    )


def _load(session: Session, seen: Sequence[_Seen]) -> dict[int, Reading]:
    """The readings, the newest MOST_READINGS of them."""
    ids = sorted({each.reading_id for each in seen})[-MOST_READINGS:]
    return {reading.id: reading for reading in session.scalars(select(Reading).where(Reading.id.in_(ids)))}


# --- prices ---


def _find_prices(seen: Sequence[_Seen], readings: Mapping[int, Reading]) -> tuple[Span, ...]:
    spans: list[Span] = []
    for each in seen:
        fields = readings[each.reading_id].fields
        amount = _read_amount(_plain(fields, "price_amount"))
        currency, text = str(_plain(fields, "price_currency") or ""), _say(_plain(fields, "price_text"))
        if amount is None and each.of_card:
            continue  # many lists show no prices
        last = spans[-1] if spans else None
        if (
            last is not None
            and (last.amount, last.currency) == (amount, currency)
            and (amount is not None or last.text == text)
        ):
            spans[-1] = replace(
                last, until=each.at, sightings=last.sightings + 1, of_card=last.of_card and each.of_card
            )
            continue
        spans.append(Span(each.at, each.at, amount, currency, text, 1, each.page_id, each.of_card))
    return tuple(spans)


def _read_amount(value: Any) -> Decimal | None:
    try:
        amount = None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() and abs(amount.adjusted()) <= 30 else None


# --- texts ---


def _find_changes(seen: Sequence[_Seen], readings: Mapping[int, Reading]) -> tuple[Change, ...]:
    changes: list[Change] = []
    page: Reading | None = None
    title = ""
    for each in seen:
        reading = readings[each.reading_id]
        if each.of_card:
            if reading.kind != CARD or reading.title == title:
                continue
            if title:
                changes.append(_compare("title", title, reading.title, each))
            title = reading.title
            continue
        for name in FIELDS:
            before = title if name == "title" else "" if page is None else _text_of(page, name)
            after = _text_of(reading, name)
            if before != after and (page is not None or (name == "title" and title)):
                change = _compare(name, before, after, each)
                other = page is not None and page.reader_version != reading.reader_version
                changes.append(replace(change, other_reader=other))
        page, title = reading, reading.title
    return tuple(changes)


def _text_of(reading: Reading, name: str) -> str:
    if name in ("title", "description"):
        return str(getattr(reading, name))
    return _say(_plain(reading.fields, name))


def _compare(name: str, before: str, after: str, seen: _Seen) -> Change:
    pieces = diff_words(before, after) if name in ("title", "description") else ()
    return Change(seen.at, name, before, after, pieces, seen.page_id, seen.reading_id, seen.of_card)


def _plain(fields: Mapping[str, Any], name: str) -> Any:
    field = fields.get(name)
    return field.get("value") if isinstance(field, Mapping) else None


def _say(value: Any) -> str:
    if value is None:
        return ""
    return ", ".join(str(each) for each in value[:50]) if isinstance(value, list) else str(value)


def diff_words(before: str, after: str) -> tuple[Piece, ...]:
    """What became of the words of a text, with CONTEXT words around each change. Bounded in time for any two texts."""
    one, other = before.split()[:MOST_WORDS], after.split()[:MOST_WORDS]
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    end = 0
    while end < min(len(one), len(other)) - start and one[-1 - end] == other[-1 - end]:
        end += 1
    left, right = one[start : len(one) - end], other[start : len(other) - end]
    runs: list[tuple[str, list[str]]] = [("same", one[:start])]
    if len(left) * len(right) > MOST_WORK:
        runs += [("gone", left), ("new", right)]
    else:
        for what, i1, i2, j1, j2 in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
            if what == "equal":
                runs.append(("same", left[i1:i2]))
            else:
                runs += [("gone", left[i1:i2]), ("new", right[j1:j2])]
    runs.append(("same", one[len(one) - end :] if end else []))
    return tuple(_shorten([(kind, words) for kind, words in runs if words]))


def _shorten(runs: Sequence[tuple[str, list[str]]]) -> list[Piece]:
    pieces: list[Piece] = []
    for place, (kind, words) in enumerate(runs):
        first, last = place == 0, place == len(runs) - 1
        keep = CONTEXT * (2 - first - last)
        if kind != "same" or len(words) <= keep + 2:
            pieces.append(Piece(kind, " ".join(words)))
            continue
        if not first:
            pieces.append(Piece("same", " ".join(words[:CONTEXT])))
        pieces.append(Piece("cut", str(len(words) - keep)))
        if not last:
            pieces.append(Piece("same", " ".join(words[-CONTEXT:])))
    return pieces
