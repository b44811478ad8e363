"""A moment with how exact it is, and the clock and zone that stand behind a date.

Public names: Moment, make_moment, AT, ZONE, TAIL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

AT = r"(?:at |um |à |om |alle |ore |às |a las |в |о |o |kl\.? |klo |saat |lúc |pukul |เวลา |om )?"
_CLOCK = rf"(?:(?:[ T,]+|(?<=[日일]) ?){AT}(?P<hour>[0-9]{{1,2}})[:h](?P<minute>[0-9]{{2}})(?::(?P<second>[0-9]{{2}})(?:\.[0-9]{{1,9}})?)?(?: ?uhr| น\.?)? ?(?P<half>[ap]\.?m\.?)?)?"
ZONE = r" ?(?P<zone>z|utc|gmt|(?:utc|gmt)?[+-][0-9]{2}:?[0-9]{2}|(?:utc|gmt)[+-][0-9]{1,2})?"
TAIL = rf"{_CLOCK}{ZONE}"
"""A clock and a zone, each of which may be missing, behind a date."""


@dataclass(frozen=True)
class Moment:
    """A moment in UTC and how exact it is: second, minute, hour, day, week, month or year. `at` is its beginning."""

    at: datetime
    precision: str


def make_moment(match: re.Match[str], year: int, month: int, day: int) -> Moment | None:
    """The moment of a day with the clock and the zone that `match` (of TAIL) has; None where there is no such moment."""
    parts = match.groupdict()
    hour = int(parts["hour"] or 0)
    if half := (parts["half"] or "").replace(".", ""):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    try:
        moment = datetime(
            year, month, day, hour, int(parts["minute"] or 0), int(parts["second"] or 0), tzinfo=UTC
        )
    except ValueError:
        return None
    shift = _read_zone(parts["zone"] or "")
    if shift is None or not 1990 <= year <= 2200:
        return None
    precision = "second" if parts["second"] else "minute" if parts["minute"] else "day"
    return Moment(moment - shift, precision)


def _read_zone(zone: str) -> timedelta | None:
    digits = zone.removeprefix("utc").removeprefix("gmt").replace(":", "")
    if digits in ("", "z"):
        return timedelta()
    hours, minutes = int(digits[1:3]), int(digits[3:5] or 0)
    if hours > 14 or minutes > 59:
        return None
    shift = timedelta(hours=hours, minutes=minutes)
    return shift if digits[0] == "+" else -shift
