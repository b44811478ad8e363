"""Dates that count from the capture, in many languages: "3 days ago", "вчера в 10:15", "刚刚".

Public names: read_relative.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from crawler import datewords
from crawler.moments import AT, ZONE, Moment, make_moment

_STEPS = {
    "second": timedelta(seconds=1), "minute": timedelta(minutes=1), "hour": timedelta(hours=1),
    "day": timedelta(days=1), "week": timedelta(weeks=1),
}  # fmt: skip

_PART = re.compile(r"(?:(?P<count>[0-9]{1,4})|(?P<word>[^\W\d_]+) )? ?(?P<unit>[^\W\d_][^\d\s,]{0,14})(?:[, ]+(?:and |и |y |und |et )?|$)")  # fmt: skip
_UNIT_FIRST = re.compile(r"([^\W\d_]{2,12}) ([0-9]{1,4})")  # Swahili: "siku 3"
_ABOUT = re.compile(
    r"(?:about|approximately|approx\.?|around|circa|ca\.?|etwa|ungefähr|environ|около|примерно|khoảng|约|大约) ?"
)
_DAY_WORD = re.compile(
    rf"(?P<word>.{{1,26}}?)(?:[ ,]+|(?<=[天日])){AT}(?P<hour>[0-9]{{1,2}}):(?P<minute>[0-9]{{2}})(?::(?P<second>[0-9]{{2}}))? ?(?P<half>[ap]m)?{ZONE}",
    re.I,
)


def read_relative(text: str, captured_at: datetime) -> Moment | None:
    """The moment of a lower-case text that counts back from the capture; None for what does not."""
    days = datewords.find_day_word(text)
    if days is not None:
        return Moment(captured_at - timedelta(days=max(days, 0)), "minute" if days < 0 else "day")
    if (match := _DAY_WORD.fullmatch(text)) is not None:
        days = datewords.find_day_word(match["word"].strip(" ,"))
        if days is None or days < 0:
            return None
        day = captured_at.astimezone(UTC) - timedelta(days=days)
        return make_moment(match, day.year, day.month, day.day)
    middle = datewords.find_ago(_ABOUT.sub("", text, count=1)) or datewords.find_ago(text)
    return _count_back(_ABOUT.sub("", middle, count=1), captured_at) if middle else None


def _count_back(text: str, captured_at: datetime) -> Moment | None:
    """ "3 days", "an hour", "1 day 4 hours" before the capture."""
    if (match := _UNIT_FIRST.fullmatch(text)) is not None:
        text = f"{match[2]} {match[1]}"
    place = 0
    parts: list[tuple[int, str]] = []
    while place < len(text):
        match = _PART.match(text, place)
        if match is None or len(parts) == 3:
            return None
        unit, count = (
            datewords.find_unit(match["unit"]),
            datewords.read_count(match["count"] or match["word"] or ""),
        )
        if not unit or count is None:
            return None
        parts.append((count, unit))
        place = match.end()
    if not parts:
        return None
    moment = captured_at
    for count, unit in parts:
        if unit in _STEPS:
            moment -= count * _STEPS[unit]
        else:
            months = count * (12 if unit == "year" else 1)
            year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
            if year < 2000:
                return None
            moment = moment.replace(year=year, month=month + 1, day=min(moment.day, 28))
    return Moment(moment, parts[-1][1])
