"""Dates out of the forms that sites write, absolute or relative to the capture, always UTC: right or not read at all.

Public names: read_date, find_order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import dateparser

_EARLIEST = datetime(2011, 1, 1, tzinfo=UTC)
"""No market is older."""
_AHEAD = timedelta(days=2)
"""A site's clock may be wrong by so much; a date further ahead of the capture is none."""

# Languages that write the day first in a date of numbers alone. English is missing: 03/04 is March in the US and April
# in Britain, so an English date of numbers is read only where one of the two can be no month.
_DAY_FIRST = frozenset(("de", "es", "fr", "pt", "it", "nl", "ru", "vi", "pl", "tr"))
_MONTH_NAMES = (
    "jan january, feb february, mar march, apr april, may, jun june, jul july, aug august, sep sept september, "
    "oct october, nov november, dec december"
)
_MONTHS = {name: n for n, names in enumerate(_MONTH_NAMES.split(", "), 1) for name in names.split()}

_CLOCK = r"(?:[ T,]+(?:at |um |à |om )?(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d{1,6})?)?\s?(?P<half>[ap]m)?)?"
_ZONE = r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?"
_ISO = re.compile(rf"(?P<year>\d{{4}})[-/.](?P<month>\d{{1,2}})[-/.](?P<day>\d{{1,2}}){_CLOCK}{_ZONE}", re.I)
_HAN = re.compile(
    rf"(?P<year>\d{{4}})\s?年\s?(?P<month>\d{{1,2}})\s?月\s?(?P<day>\d{{1,2}})\s?日?{_CLOCK}{_ZONE}", re.I
)
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? )?"
_NAMED = re.compile(
    rf"{_WEEKDAY}(?:(?P<a>[a-z]{{3,9}})\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?|(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?: of)?[ -](?P<b>[a-z]{{3,9}})\.?)"
    rf"[, -]+(?P<year>\d{{4}}){_CLOCK}{_ZONE}",
    re.I,
)
_NUMBERS = re.compile(
    rf"(?P<x>\d{{1,2}})(?P<sep>[./-])(?P<y>\d{{1,2}})(?P=sep)(?P<year>\d{{4}}|\d{{2}}){_CLOCK}{_ZONE}", re.I
)
_AGO = re.compile(
    r"(?:about )?(?P<count>\d{1,4}|an?|one) ?(?P<unit>seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?) ago", re.I
)  # fmt: skip
_STEPS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_STEPS["w"] = timedelta(weeks=1)
# What dateparser is asked about: a year, or a word for "ago", "today", "yesterday" in one of our languages. Without that
# it takes "17:17" for today and a name with a figure for a day.
_RELATIVE = re.compile(
    r"(?<![^\W\d_])(?:ago|yesterday|today|vor|gestern|vorgestern|heute|il y a|hier|aujourd'hui|avant-hier|hace|ayer|hoy|há|ontem"
    r"|hoje|atrás|fa|ieri|oggi|geleden|gisteren|vandaag|назад|вчера|сегодня|позавчера|trước|hôm qua|hôm nay|temu|wczoraj|dzisiaj"
    r"|dziś|önce|dün|bugün)(?![^\W\d_])|前|昨天|今天",
    re.IGNORECASE,
)
_NO_DATE = re.compile(r"[#@<>]|[^\W\d_]:\s")
_CLOCK_TIME = re.compile(r"\d:\d\d")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


def read_date(
    text: str, *, captured_at: datetime, language: str = "", day_first: bool | None = None
) -> datetime | None:
    """The moment that `text` names, in UTC; None where it names none or could name two.

    `day_first` is what the site is known to do; else the language decides. Relative dates ("3 days ago") count from
    `captured_at`. Dates without a zone are taken as UTC, which Tor sites show as a rule.
    """
    text = " ".join(text.split())[:60].strip(" .,;:()[]|")
    if len(text) < 4 or (not any(char.isdigit() for char in text) and len(text) > 24):
        return None
    found = _read_absolute(text, language, day_first)
    if found is None and " (" in text:
        found = _read_absolute(text.partition(" (")[0], language, day_first)  # "18/11/2018 (today)"
    if found is None:
        found = _read_ago(text, captured_at) or _ask_dateparser(text, captured_at, language)
    if found is None or not _EARLIEST <= found <= captured_at + _AHEAD:
        return None
    return found


def find_order(texts: Iterable[str]) -> bool | None:
    """How a page writes dates of numbers: True for the day first, False for the month first, None when it does not show.

    One date whose day can be no month ("24/08/2018") settles the others of the page, unless another contradicts it.
    """
    orders = set()
    for text in texts:
        match = _NUMBERS.match(text) if 8 <= len(text) <= 40 else None
        if match is not None and (int(match["x"]) > 12) != (int(match["y"]) > 12):
            orders.add(int(match["x"]) > 12)
    return orders.pop() if len(orders) == 1 else None


def _read_absolute(text: str, language: str, day_first: bool | None) -> datetime | None:
    if match := _ISO.fullmatch(text) or _HAN.fullmatch(text):
        return _make(match, match["year"], match["month"], match["day"])
    if match := _NAMED.fullmatch(text):
        month = _MONTHS.get((match["a"] or match["b"]).lower())
        return _make(match, match["year"], str(month), match["day"] or match["day2"]) if month else None
    if match := _NUMBERS.fullmatch(text):
        first, second = int(match["x"]), int(match["y"])
        if day_first is None:
            day_first = True if language in _DAY_FIRST else None
        if first > 12 >= second:
            day_first = True
        elif second > 12 >= first:
            day_first = False if day_first is None else day_first
        if day_first is None and first != second:
            return None
        day, month = (first, second) if day_first else (second, first)
        year = match["year"] if len(match["year"]) == 4 else f"20{match['year']}"
        return _make(match, year, str(month), str(day))
    return None


def _make(match: re.Match[str], year: str, month: str, day: str) -> datetime | None:
    hour = int(match["hour"] or 0)
    if half := (match["half"] or "").lower():
        hour = hour % 12 + (12 if half == "pm" else 0)
    try:
        moment = datetime(
            int(year),
            int(month),
            int(day),
            hour,
            int(match["minute"] or 0),
            int(match["second"] or 0),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    zone = (match["zone"] or "").upper().replace(":", "")
    if zone[:1] in ("+", "-") and zone:
        shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
        moment = moment - shift if zone[0] == "+" else moment + shift
    return moment


def _read_ago(text: str, captured_at: datetime) -> datetime | None:
    match = _AGO.fullmatch(text)
    if match is None:
        return None
    count = int(match["count"]) if match["count"].isdigit() else 1
    return captured_at - count * _STEPS[match["unit"][0].lower()]


def _ask_dateparser(text: str, captured_at: datetime, language: str) -> datetime | None:
    """Month names and relative dates of all other languages."""
    if not language or _NO_DATE.search(text) or _NUMBERS.search(text):
        return None
    if not _YEAR.search(text) and not _RELATIVE.search(text):
        return None
    # dateparser keeps each different base for ever: whole hours bound that, and what was cut off is added again.
    base = captured_at.replace(minute=0, second=0, microsecond=0)
    found = _parse(text, language, base.replace(tzinfo=None))
    if found is None:
        return None
    if _YEAR.search(text) or _CLOCK_TIME.search(text):
        return found
    return found + (captured_at - base)


@lru_cache(maxsize=4096)
def _parse(text: str, language: str, base: datetime) -> datetime | None:
    found: datetime | None = dateparser.parse(
        text,
        languages=["en"] if language == "en" else [language, "en"],
        settings={
            "TIMEZONE": "UTC",
            "TO_TIMEZONE": "UTC",
            "RETURN_AS_TIMEZONE_AWARE": True,
            "RELATIVE_BASE": base,
            "REQUIRE_PARTS": ["day", "month", "year"],
            "PREFER_DATES_FROM": "past",
            "DATE_ORDER": "DMY" if language in _DAY_FIRST else "YMD",
            "PARSERS": ["relative-time", "absolute-time"],
        },
    )
    return found
