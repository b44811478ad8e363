"""Cron lines and times in words: "every day at 03:15 Singapore time, next Monday 03:15, in 5 h".

Public names: describe_cron, say_zone, say_moment, say_in, say_plan.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cron_descriptor import (  # type: ignore[import-untyped]
    FormatError,
    MissingFieldError,
    Options,
    WrongArgumentError,
    get_description,
)

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
_NUMBERS = re.compile(r"\d{1,2}(?:,\d{1,2})*", re.ASCII)
_STEP = re.compile(r"(?:\*|0)/(\d{1,2})", re.ASCII)
_MANY = 4
"""So many times of a day are still listed one by one."""


def describe_cron(cron: str) -> str:
    """When a line fires, in words: "every day at 03:15". The line itself where there are none for it."""
    fields = cron.split()
    if len(fields) == 5:
        often = _describe_often(*fields)
        if often:
            return often
        days, times = _describe_days(*fields[2:]), _describe_times(*fields[:2])
        if days and times:
            return f"{days} at {times}"
    options = Options()
    options.use_24hour_time_format = True
    try:
        words = str(get_description(cron, options))
    except (FormatError, MissingFieldError, WrongArgumentError, ValueError, IndexError):
        return cron
    return words[:1].lower() + words[1:]


def say_zone(tz: str) -> str:
    """A zone as people name it: "Singapore time", "UTC"."""
    if "/" not in tz or tz.startswith("Etc/"):
        return tz
    return f"{tz.rpartition('/')[2].replace('_', ' ')} time"


def say_moment(time: datetime, tz: str, *, now: datetime) -> str:
    """A moment by the clock of a zone: "Monday 03:15" within a week, else "Mon 4 Jan 2027 03:15"."""
    zone = ZoneInfo(tz)
    local, here = time.astimezone(zone), now.astimezone(zone)
    clock = local.strftime("%H:%M:%S" if local.second else "%H:%M")
    if 0 <= (local.date() - here.date()).days < 7:
        return f"{WEEKDAYS[local.isoweekday() % 7]} {clock}"
    year = f" {local.year}" if local.year != here.year else ""
    return f"{WEEKDAYS[local.isoweekday() % 7][:3]} {local.day} {MONTHS[local.month - 1][:3]}{year} {clock}"


def say_in(time: datetime, *, now: datetime) -> str:
    """How far ahead, by the largest unit: "in 5 h"; "now" when it is past."""
    seconds = int((time - now) / timedelta(seconds=1))
    if seconds <= 0:
        return "now"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"in {seconds // size:,} {unit}"
    return f"in {seconds} s"


def say_plan(cron: str, tz: str, times: list[datetime], *, now: datetime) -> str:
    """The whole sentence. times: the coming ones; none are said to come when the list is empty."""
    words = f"{describe_cron(cron)} {say_zone(tz)}"
    if not times:
        return words
    return f"{words}, next {say_moment(times[0], tz, now=now)}, {say_in(times[0], now=now)}"


def _describe_often(minute: str, hour: str, day: str, month: str, weekday: str) -> str:
    """Intervals: "every 15 minutes", "every 2 hours", "every hour at a quarter past"; "" when the line is none."""
    if (day, month, weekday) != ("*", "*", "*"):
        return ""
    step, hours = _STEP.fullmatch(minute), _STEP.fullmatch(hour)
    if hour == "*":
        if minute in ("*", "*/1"):
            return "every minute"
        if step and int(step[1]) and 60 % int(step[1]) == 0:
            return f"every {int(step[1])} minutes"
        if minute.isdecimal():
            return f"every hour at {int(minute)} min past" if int(minute) else "every hour on the hour"
    if hours and int(hours[1]) > 1 and 24 % int(hours[1]) == 0 and minute.isdecimal():
        past = f" at {int(minute)} min past" if int(minute) else ""
        return f"every {int(hours[1])} hours{past}"
    return ""


def _describe_times(minute: str, hour: str) -> str:
    if not (_NUMBERS.fullmatch(minute) and _NUMBERS.fullmatch(hour)):
        return ""
    times = sorted({(int(h), int(m)) for h in hour.split(",") for m in minute.split(",")})
    return _join([f"{h:02d}:{m:02d}" for h, m in times]) if len(times) <= _MANY else ""


def _describe_days(day: str, month: str, weekday: str) -> str:
    if day == "*" and month == "*":
        if weekday == "*":
            return "every day"
        if weekday.upper() in ("1-5", "MON-FRI"):
            return "Monday to Friday"
        if _NUMBERS.fullmatch(weekday) and all(int(number) < 8 for number in weekday.split(",")):
            days = sorted({int(number) % 7 or 7 for number in weekday.split(",")})
            return f"every {_join([WEEKDAYS[number % 7] for number in days])}"
        return ""
    if weekday != "*":
        return ""
    if day.upper() == "L":
        on = "on the last day"
    elif _NUMBERS.fullmatch(day) and day.count(",") < _MANY:
        on = f"on the {_join([_say_ordinal(int(number)) for number in day.split(',')])}"
    else:
        return ""
    if month == "*":
        return f"{on} of every month"
    if month == "1,4,7,10":
        return (
            f"{on} of every quarter" if day != "L" else "on the last day of January, April, July and October"
        )
    if _NUMBERS.fullmatch(month) and all(0 < int(number) < 13 for number in month.split(",")):
        return f"{on} of {_join([MONTHS[int(number) - 1] for number in month.split(',')])}"
    return ""


def _say_ordinal(number: int) -> str:
    ending = "th" if 10 < number < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _join(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
