"""Cron lines: when they fire, in a time zone whose clock is put forward and back.

Public names: check_cron, check_zone, next_time, next_times, iterate_times, is_interval, make_cron, find_instant, EVERY.

The library knows the calendar (which wall times a line names); this module knows the clock (which instants those are).
Two kinds of lines, as cron itself has had since 1993:

- A line that names every hour ("15 * * * *", "*/10 * * * *") is an interval: it fires at each instant whose wall time it
  names, so twice for the hour that occurs twice, and never for the hour that does not exist.
- Any other line names times of a day: a time that does not exist fires at the first moment after the gap, one that
  occurs twice fires the first time only, and times that meet at one moment fire once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

from croniter import CroniterBadDateError, croniter  # type: ignore[import-untyped]

from jobs.errors import UsageError

CRON_LENGTH = 200
EVERY = ("hour", "day", "week", "month", "quarter")
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_HOUR_FIELD = 1
_SECOND = timedelta(seconds=1)
_LOOK = timedelta(hours=12)
"""No zone has put its clock forward and back again within so short a time."""


def check_cron(cron: str) -> str:
    """The line with single blanks. UsageError when it is none, or when it never fires."""
    cron = " ".join(cron.split())
    fields = len(cron.split(" "))
    if (
        len(cron) > CRON_LENGTH
        or not cron.isascii()
        or fields not in (5, 6)
        or re.search(r"\d{3}", cron)
        or not croniter.is_valid(cron, second_at_beginning=True)
        # The library also takes "R" (a random time) and "H" (a hashed one): the next times shown would not be true.
        or re.search(r"(?<![a-z])[rh](?![a-z])", cron.lower())
    ):
        raise UsageError(
            f'"{cron[:CRON_LENGTH]}" is not a cron line. Five fields are wanted: minute, hour, day of the month, month, '
            'day of the week. "15 3 * * *" is every day at 03:15.'
        )
    if next_time(cron, "UTC", after=datetime(2026, 1, 1, tzinfo=UTC)) is None:
        raise UsageError(f'"{cron}" names a day that does not exist, so it would never fire.')
    return cron


def check_zone(tz: str) -> str:
    """UsageError, with names that are near, unless it is the name of a time zone."""
    zones = _zones()
    if tz in zones:
        return tz
    wanted = tz.casefold().replace(" ", "_")
    near = sorted(zone for zone in zones if wanted and wanted in zone.casefold())[:3]
    hint = f" Did you mean {' or '.join(near)}?" if near else ' "Asia/Singapore" and "UTC" are such names.'
    raise UsageError(f'"{tz[:60]}" is not the name of a time zone.{hint}')


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def make_cron(every: str, *, at: str = "", on: str = "") -> str:
    """A cron line from plain words. every: one of EVERY. at: HH:MM (an hour: the minute, MM). on: a weekday or a day."""
    if every not in EVERY:
        raise UsageError(f'"{every[:40]}" is not one of {", ".join(EVERY)}.')
    if every == "hour":
        if on:
            raise UsageError("A schedule for every hour has no day.")
        found = re.fullmatch(r"(?:\d{1,2}:)?([0-5]?\d)", at or "0", re.ASCII)
        if not found:
            raise UsageError(f'"{at[:40]}" is not a minute of the hour. "15" is a quarter past.')
        return f"{int(found[1])} * * * *"
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", at or "03:00", re.ASCII)
    if not found:
        raise UsageError(f'"{at[:40]}" is not a time of the day. "03:15" is one.')
    minute, hour = int(found[2]), int(found[1])
    if every == "day":
        if on:
            raise UsageError("A schedule for every day has no day of its own. Take --every week or month.")
        return f"{minute} {hour} * * *"
    if every == "week":
        wanted = (on or "monday").casefold()
        days = [number for number, day in enumerate(DAYS) if len(wanted) >= 3 and day.startswith(wanted)]
        if not days:
            raise UsageError(f'"{on[:40]}" is not a day of the week.')
        return f"{minute} {hour} * * {days[0]}"
    wanted = on or "1"
    if wanted != "last" and not re.fullmatch(r"[1-9]|1\d|2[0-8]", wanted, re.ASCII):
        raise UsageError(f'"{on[:40]}" is not a day that every month has: 1 to 28, or "last", the last one.')
    day = "L" if wanted == "last" else wanted
    return f"{minute} {hour} {day} {'*' if every == 'month' else '1,4,7,10'} *"


def next_times(cron: str, tz: str, *, after: datetime, count: int) -> list[datetime]:
    """The coming times in UTC, strictly after `after`; fewer when the line has no more."""
    return list(islice(iterate_times(cron, tz, after=after), count))


def iterate_times(cron: str, tz: str, *, after: datetime) -> Iterator[datetime]:
    """The same without end."""
    time = next_time(cron, tz, after=after)
    while time is not None:
        yield time
        time = next_time(cron, tz, after=time)


def next_time(cron: str, tz: str, *, after: datetime) -> datetime | None:
    """The first instant after `after` at which the line fires, in UTC; None when it never does again."""
    zone, after = ZoneInfo(tz), after.astimezone(UTC)
    try:
        if is_interval(cron):
            return _next_interval(cron, zone, after)
        return _next_wall(cron, zone, after)
    except (CroniterBadDateError, OverflowError):
        return None


@lru_cache(maxsize=4096)
def is_interval(cron: str) -> bool:
    """Does the line name every hour of the day?"""
    hours = croniter.expand(cron, second_at_beginning=True)[0][_HOUR_FIELD]
    return hours == ["*"] or set(hours) >= set(range(24))


def find_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which clocks of that zone show this wall time, or would have but for a gap: then its end."""
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _wall(instant, zone) == wall:
        return instant
    # In a gap: its end lies between the readings of the wall time by the two offsets.
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _find_change(min(early, instant) - _SECOND, max(early, instant), zone)


def _next_wall(cron: str, zone: ZoneInfo, after: datetime) -> datetime:
    # An earlier wall time never has a later instant, so none before this one can come after `after`.
    wall = _wall(after, zone)
    while True:
        wall = _next_named(cron, wall)
        instant = find_instant(wall, zone)
        if instant > after:
            return instant


def _next_interval(cron: str, zone: ZoneInfo, after: datetime) -> datetime:
    """Between two changes of the clock the wall times of instants are in order: go on from change to change."""
    wall = _wall(after, zone)
    while True:
        instant = _next_named(cron, wall).replace(tzinfo=UTC) - _offset(after, zone)
        change = _find_next_change(after, instant, zone)
        if change is None:
            return instant
        # The moment of the change itself may be named, by the new clock.
        after, wall = change, _wall(change, zone) - timedelta(milliseconds=1)


def _next_named(cron: str, wall: datetime) -> datetime:
    """The next wall time that the line names, by the calendar alone."""
    found: datetime = croniter(cron, wall, second_at_beginning=True).get_next(datetime)
    return found


def _find_next_change(start: datetime, end: datetime, zone: ZoneInfo) -> datetime | None:
    """The first moment in (start, end] with another offset than the one before it."""
    offset = _offset(start, zone)
    while start < end:
        step = min(start + _LOOK, end)
        if _offset(step, zone) != offset:
            return _find_change(start, step, zone)
        start = step
    return None


def _find_change(start: datetime, end: datetime, zone: ZoneInfo) -> datetime:
    """The first second with the offset that `end` has and `start` has not."""
    offset = _offset(start, zone)
    start = start.replace(microsecond=0)
    while end - start > _SECOND:
        middle = (start + (end - start) / 2).replace(microsecond=0)
        if _offset(middle, zone) == offset:
            start = middle
        else:
            end = middle
    return end.replace(microsecond=0)


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return offset
