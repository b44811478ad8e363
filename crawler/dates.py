"""Dates out of the forms that sites write, absolute or relative to the capture, always UTC: right or not read at all.

Public names: Moment (of crawler/moments.py), read_date, read_moment, find_order.

Rules, each with its reason:
- 03/04/2019 is read only where the site's order is known (day_first) or the language has one; English has two.
- A year of two digits counts from 2000, and the date must then lie between the first market and the capture.
- Thai, Lao and Khmer texts count years from 543 BC, and "พ.ศ." says so anywhere; such years are converted. Persian and Hijri dates
  are known by their months and years and are not read. 令和 and 民國 years are converted.
- A bare number is never a date: epoch seconds look like every other number on a page.
- "2 months ago" and "May 2018" name no day: read_moment gives them with their precision, read_date does not.
- Dates without a zone are taken as UTC, which Tor sites show as a rule. A date more than two days after the capture is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import dateparser

from crawler import datewords
from crawler.ago import read_relative
from crawler.moments import TAIL, Moment, make_moment
from crawler.numerals import fold_digits

MAX_TEXT = 60
_EARLIEST = datetime(2011, 1, 1, tzinfo=UTC)
"""No market is older."""
_AHEAD = timedelta(days=2)
"""A site's clock may be wrong by so much; a date further ahead of the capture is none."""
__all__ = ["Moment", "find_order", "read_date", "read_moment"]
# fmt: off
# Languages that write the day first in a date of numbers alone. English is missing: 03/04 is March in the US and April in Britain.
_DAY_FIRST = frozenset((
    "de", "es", "fr", "pt", "it", "nl", "ru", "vi", "pl", "tr", "uk", "be", "bg", "cs", "sk", "hr", "sr", "sl", "ro", "da", "no", "nb",
    "fi", "el", "id", "ms", "th", "hi", "he", "sw",
))
# fmt: on
_YEAR_FIRST = frozenset(("zh", "ja", "ko", "hu", "lt", "sv", "fa"))
_BUDDHIST = frozenset(("th", "lo", "km"))
_DAYS = ("second", "minute", "hour", "day", "week")
_ISO = re.compile(rf"(?P<year>[0-9]{{4}})[-/.](?P<month>[0-9]{{1,2}})[-/.](?P<day>[0-9]{{1,2}}){TAIL}", re.I)
_HAN = re.compile(
    rf"(?P<era>令和|民國|民国|พ\.ศ\.)? ?(?P<year>[0-9]{{1,4}}) ?[年년] ?(?P<month>[0-9]{{1,2}}) ?[月월] ?(?P<day>[0-9]{{1,2}}) ?[日号號일]?{TAIL}",
    re.I,
)
_VIETNAMESE = re.compile(
    rf"(?:ngày )?(?P<day>[0-9]{{1,2}})[ ,/-]+(?:tháng|thg)\.? ?(?P<month>[0-9]{{1,2}})(?:[ ,/-]+năm)?[ ,/-]+(?P<year>[0-9]{{4}}){TAIL}",
    re.I,
)
_NUMBERS = re.compile(
    rf"(?P<x>[0-9]{{1,2}})(?P<sep>[./-]) ?(?P<y>[0-9]{{1,2}})(?P=sep) ?(?P<year>[0-9]{{4}}|[0-9]{{2}})\.?{TAIL}",
    re.I,
)
_WORD = r"(?P<word>[^0-9,/()-]{2,26}?)"
_YEAR4 = r"(?P<year>[0-9]{4}|2k[0-9]{2}"
_YEARS_WORD = r"(?: ?(?:г\.?|года|год|р\.?|року|roku|г|yılı))?"
_ERA = r"(?:พ\.ศ\. ?|ค\.ศ\. ?|b\.?e\.? ?)?"
_NAMED = tuple(
    re.compile(pattern + TAIL, re.I)
    for pattern in (
        rf"(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th|er|º|ª|°|\.|-?го)?(?: (?:de|of|di|den)(?![^\W\d_]))?[ ./-]*{_WORD}[., /-]*(?:de |del |of )?{_ERA}{_YEAR4}|['’]?[0-9]{{2}}){_YEARS_WORD}",
        rf"{_WORD}[. /-]*(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th|º|\.)?(?:[, /-]+(?:de )?){_YEAR4}|(?<=, )[0-9]{{2}}|['’][0-9]{{2}})",
        rf"(?P<year>[0-9]{{4}})\.?[, /-]*{_WORD}[. /-]*(?P<day>[0-9]{{1,2}})\.?",
    )
)
_MONTH_ONLY = re.compile(
    rf"(?:{_WORD}[., /-]*(?:de |del |of )?{_ERA}{_YEAR4}|['’][0-9]{{2}}){_YEARS_WORD}|(?P<iso>[0-9]{{4}})-(?P<month>[0-9]{{2}})|(?P<month2>[0-9]{{1,2}})[./](?P<year2>[0-9]{{4}}))",
    re.I,
)
_WEEKDAY = re.compile(r"(?:(?P<any>[^\W\d_]{2,14})\.?, ?|(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.? )", re.I)
_CLOCK_FIRST = re.compile(r"([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?: ?[ap]m)?)[ ,]+(.{6,40})", re.I)
_ERAS = {"令和": 2018, "民國": 1911, "民国": 1911, "พ.ศ.": -543}


def read_date(
    text: str, *, captured_at: datetime, language: str = "", day_first: bool | None = None
) -> datetime | None:
    """The moment that `text` names, in UTC; None where it names none or could name two.

    `day_first` is what the site is known to do; else the language decides. Relative dates ("3 days ago") count from
    `captured_at`.
    """
    found = read_moment(text, captured_at=captured_at, language=language, day_first=day_first)
    return found.at if found is not None and found.precision in _DAYS else None


@lru_cache(maxsize=4096)  # a page's dates are asked for by several readers, and most texts of a page are none
def read_moment(
    text: str, *, captured_at: datetime, language: str = "", day_first: bool | None = None
) -> Moment | None:
    """As read_date, with moments that are no exact day: "May 2k18", "2 months ago"."""
    text = (
        " ".join(fold_digits(text[:200]).replace("\u200b", "").split())[:MAX_TEXT].strip(" .,;:()[]|").lower()
    )
    if len(text) < 2 or (not any(char.isdigit() for char in text) and len(text) > 34):
        return None
    if datewords.is_other_month(text):
        return None
    found = _read_absolute(text, captured_at, language, day_first)
    if found is None and " (" in text:
        found = _read_absolute(
            text.partition(" (")[0], captured_at, language, day_first
        )  # "18/11/2018 (today)"
    if found is None:
        found = read_relative(text, captured_at) or _ask_dateparser(text, captured_at, language)
    if found is None or not _EARLIEST <= found.at <= captured_at + _AHEAD:
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


def _read_absolute(text: str, captured_at: datetime, language: str, day_first: bool | None) -> Moment | None:
    if (match := _CLOCK_FIRST.fullmatch(text)) is not None:
        text = f"{match[2]} {match[1]}"  # "10:15, 12 March 2026"
    match = _WEEKDAY.match(text)
    if match is not None and not (match["any"] and datewords.find_month(match["any"])):
        text = text[match.end() :]
    if (match := _ISO.fullmatch(text)) is not None:
        return make_moment(
            match,
            _settle_year(match["year"], captured_at, language, frozenset()),
            int(match["month"]),
            int(match["day"]),
        )
    if (match := _HAN.fullmatch(text)) is not None:
        if match["era"] is None and len(match["year"]) != 4:
            return None
        return make_moment(
            match,
            int(match["year"]) + _ERAS.get(match["era"] or "", 0),
            int(match["month"]),
            int(match["day"]),
        )
    if (match := _VIETNAMESE.fullmatch(text)) is not None:
        return make_moment(match, int(match["year"]), int(match["month"]), int(match["day"]))
    if (match := _NUMBERS.fullmatch(text)) is not None:
        return _read_numbers(match, captured_at, language, day_first)
    return _read_named(text, captured_at, language)


def _read_named(text: str, captured_at: datetime, language: str) -> Moment | None:
    for pattern in _NAMED:
        match = pattern.fullmatch(text)
        month = datewords.find_month(match["word"], language) if match is not None else None
        if match is not None and month is not None:
            year = _settle_year(match["year"], captured_at, language, month[1], era=_find_era(text))
            return make_moment(match, year, month[0], int(match["day"]))
    match = _MONTH_ONLY.fullmatch(text)
    if match is None:
        return None
    if match["word"]:
        month = datewords.find_month(match["word"], language)
        year = (
            _settle_year(match["year"], captured_at, language, month[1], era=_find_era(text)) if month else 0
        )
        number = month[0] if month else 0
    else:
        number, year = int(match["month"] or match["month2"]), int(match["iso"] or match["year2"])
    if not 1 <= number <= 12 or not 2000 <= year <= 2200:
        return None
    return Moment(datetime(year, number, 1, tzinfo=UTC), "month")


def _find_era(text: str) -> str:
    return (
        "buddhist"
        if "พ.ศ." in text or re.search(r"\bb\.?e\.? ?[0-9]", text)
        else "common"
        if "ค.ศ." in text
        else ""
    )


def _settle_year(
    text: str, captured_at: datetime, language: str, languages: frozenset[str], *, era: str = ""
) -> int:
    """The Gregorian year of what is written: "2018", "2k18", "'18", "2569" in Thai; 0 where it could be two."""
    digits = text.strip("'’")
    if digits[1:2] == "k":
        return 2000 + int(digits[2:])
    year = int(digits)
    buddhist = era == "buddhist" or (
        era != "common" and (language in _BUDDHIST or (bool(languages) and languages <= _BUDDHIST))
    )
    if len(digits) == 4:
        return year - 543 if buddhist and 2400 <= year <= 2700 else year
    if language == "fa":
        return 0
    years = {2000 + year, 1957 + year} if buddhist else {2000 + year}
    years = {one for one in years if _EARLIEST.year <= one <= captured_at.year}
    return years.pop() if len(years) == 1 else 0


def _read_numbers(
    match: re.Match[str], captured_at: datetime, language: str, day_first: bool | None
) -> Moment | None:
    first, second = int(match["x"]), int(match["y"])
    known = day_first is not None
    if day_first is None and language in _DAY_FIRST:
        day_first = True
    if first > 12 >= second:
        day_first = True
    elif second > 12 >= first:
        day_first = False if day_first is None else day_first
    if day_first is None and first != second:
        return None
    if len(match["year"]) == 2 and not known and _could_be_year_first(match, captured_at, language):
        return None
    day, month = (first, second) if day_first else (second, first)
    return make_moment(match, _settle_year(match["year"], captured_at, language, frozenset()), month, day)


def _could_be_year_first(match: re.Match[str], captured_at: datetime, language: str) -> bool:
    """Is "18-08-24" perhaps a day of 2018? Only dashes are written so, or languages that begin with the year."""
    if match["sep"] != "-" and language not in _YEAR_FIRST:
        return False
    return (
        _EARLIEST.year <= 2000 + int(match["x"]) <= captured_at.year
        and 1 <= int(match["y"]) <= 12
        and 1 <= int(match["year"]) <= 31
    )


# What dateparser is asked about: a day of a language that datewords.toml does not have, month in words and year in full. It knows
# more languages, but takes "17:17" for today and a name with a figure for a day, and is a thousand times slower.
_ASKED = re.compile(
    r"[0-9]{1,2}\.? [^\W\d_]{3,15}\.?,? (?:19|20)[0-9]{2}|(?:19|20)[0-9]{2}[ .][^\d]{0,4}[^\W\d_]{3,15} [0-9]{1,2}"
)


def _ask_dateparser(text: str, captured_at: datetime, language: str) -> Moment | None:
    if not language or language in datewords.MONTH_LANGUAGES or not _ASKED.fullmatch(text):
        return None
    found = _parse(text, language)
    return None if found is None else Moment(found.astimezone(UTC), "day")


@lru_cache(maxsize=4096)
def _parse(text: str, language: str) -> datetime | None:
    try:
        found: datetime | None = dateparser.parse(
            text,
            languages=[language],
            settings={
                "TIMEZONE": "UTC",
                "TO_TIMEZONE": "UTC",
                "RETURN_AS_TIMEZONE_AWARE": True,
                "REQUIRE_PARTS": ["day", "month", "year"],
                "PARSERS": ["absolute-time"],
            },
        )
    except ValueError:  # a language that it does not know
        return None
    return found
