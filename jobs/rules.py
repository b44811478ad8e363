"""The rules of a schedule: how its times are spread, held back, and what becomes of those that cannot be kept.

Public names: Rules, Coming, check_rules, read_rules, find_due, coming_times, read_blackout, say_rules, VERBS, PERIODS.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import islice, pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jobs.cron import find_instant, iterate_times, next_times
from jobs.errors import UsageError

VERBS = ("crawl", "report", "retention", "backup", "extract", "classify")
SITE_VERBS = ("crawl", "extract", "classify")
"""Verbs that may have a site; a crawl must."""
OVERLAPS, MISSED = ("skip", "queue"), ("once", "all", "none")
PERIODS = ("week", "month", "quarter")
PLANS = ("due", "full", "known")
MOST_JITTER = 12 * 60
MOST_RANGES = 10
MOST_PAGES, MOST_MINUTES, MOST_PRIORITY = 5_000_000, 60 * 24 * 14, 9
MOST_KEPT = 1000
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True)
class Rules:
    """jitter: minutes, 0 for none. blackout: ("22:00", "06:00") and so on, by the schedule's clock. overlap: skip or queue.
    missed: once, all or none. pages, minutes: where a run stops; 0: where the site's file says. plan: of a crawl. period:
    of a report. account: the key that the vault makes of an account's name. to, keep: of a backup: the folder it is made in,
    and how many stay."""

    jitter: int = 0
    blackout: tuple[tuple[str, str], ...] = ()
    overlap: str = "skip"
    missed: str = "once"
    pages: int = 0
    minutes: int = 0
    priority: int = 0
    plan: str = "due"
    period: str = ""
    account: str = ""
    to: str = ""
    keep: int = 0

    def settings(self, verb: str) -> dict[str, Any]:
        """What is kept with a schedule beside its columns; only what differs from the ordinary."""
        found: dict[str, Any] = {
            name: value
            for name in ("pages", "minutes", "priority", "account", "period", "to", "keep")
            if (value := getattr(self, name))
        }
        if verb == "crawl" and self.plan != "due":
            found["plan"] = self.plan
        return found


@dataclass(frozen=True)
class Coming:
    """One time ahead. at: as the cron line names it; due: when it begins, jitter and blackout hours counted."""

    at: datetime
    due: datetime


def read_rules(settings: Mapping[str, Any], **columns: Any) -> Rules:
    """The rules as they are kept. columns: jitter (minutes), blackout, overlap, missed."""
    blackout = tuple((str(start), str(end)) for start, end in columns.pop("blackout"))
    names = ("pages", "minutes", "priority", "plan", "period", "account", "to", "keep")
    return Rules(blackout=blackout, **columns, **{name: settings[name] for name in names if name in settings})


def check_rules(rules: Rules, *, verb: str, cron: str, tz: str, now: datetime) -> Rules:
    """The rules in order. UsageError in words for what cannot be."""
    if verb not in VERBS:
        raise UsageError(f'"{verb[:40]}" is not something that can be scheduled. Known: {", ".join(VERBS)}.')
    _check_choice("What to do when one is still running", rules.overlap, OVERLAPS)
    _check_choice("What to do about missed times", rules.missed, MISSED)
    _check_number("The jitter in minutes", rules.jitter, 0, MOST_JITTER)
    _check_number("The priority", rules.priority, -MOST_PRIORITY, MOST_PRIORITY)
    _check_number("The bound of pages", rules.pages, 0, MOST_PAGES)
    _check_number("The bound of minutes", rules.minutes, 0, MOST_MINUTES)
    _check_choice("The plan", rules.plan, PLANS)
    if verb == "report":
        _check_choice("The period of a report", rules.period, PERIODS)
    elif rules.period:
        raise UsageError("Only a report has a period.")
    _check_number("How many backups stay", rules.keep, 0, MOST_KEPT)
    if verb != "backup" and (rules.to or rules.keep):
        raise UsageError("Only a backup has a folder, and a number that stay.")
    if rules.to and not Path(rules.to).is_absolute():
        raise UsageError("Name the whole path of the backup's folder: a worker may begin anywhere.")
    if verb != "crawl" and (rules.account or rules.pages or rules.minutes or rules.plan != "due"):
        raise UsageError("Only a crawl has an account, a plan and bounds of pages and minutes.")
    _check_blackout(rules.blackout)
    if rules.jitter:
        times = next_times(cron, tz, after=now, count=100)
        shortest = min((later - early for early, later in pairwise(times)), default=None)
        if shortest is not None and timedelta(minutes=rules.jitter) >= shortest:
            raise UsageError(
                f"A jitter of {rules.jitter} minutes would mix up times that are {_say_span(shortest)} apart. "
                "Take a smaller one."
            )
    return rules


def read_blackout(text: str) -> tuple[tuple[str, str], ...]:
    """Hours out of "22:00-06:00, 12:00-13:00"; empty text is none. UsageError when they are not."""
    ranges = []
    for part in re.split(r"[,;]", text):
        if not part.strip():
            continue
        found = re.fullmatch(
            r"\s*([01]?\d|2[0-3])(?::([0-5]\d))?\s*[-\u2013]\s*([01]?\d|2[0-4])(?::([0-5]\d))?\s*",
            part,
            re.ASCII,
        )
        if not found:
            raise UsageError(f'"{part.strip()[:40]}" are not hours. "22:00-06:00" is how they are written.')
        start = f"{int(found[1]):02d}:{found[2] or '00'}"
        end = f"{int(found[3]) % 24:02d}:{found[4] or '00'}"
        ranges.append((start, end))
    return _check_blackout(tuple(ranges))


def _check_blackout(ranges: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    if len(ranges) > MOST_RANGES:
        raise UsageError(f"At most {MOST_RANGES} ranges of blackout hours can be kept.")
    free = [True] * _DAY_MINUTES
    for start, end in ranges:
        first, last = _minutes(start), _minutes(end)
        if first == last:
            raise UsageError(f'The blackout hours "{start}-{end}" begin and end at the same time.')
        for minute in range(first, last if last > first else last + _DAY_MINUTES):
            free[minute % _DAY_MINUTES] = False
    if not any(free):
        raise UsageError("The blackout hours cover the whole day: nothing would ever begin.")
    return tuple(ranges)


def find_due(rules: Rules, *, name: str, tz: str, at: datetime) -> datetime:
    """When the time `at` begins. The same for the same name and time, whoever asks: a restart does not move it.

    What falls into blackout hours waits until their end, and is spread from there.
    """
    zone = ZoneInfo(tz)
    base = _leave_blackout(at, rules.blackout, zone)
    due = base + _draw(rules, name, base)
    # A draw that ends within the next such hours is not taken: that would cost the whole night.
    return due if _leave_blackout(due, rules.blackout, zone) == due else base


def coming_times(
    cron: str, tz: str, rules: Rules, *, name: str, after: datetime, count: int, known: Coming | None = None
) -> list[Coming]:
    """The next times that begin apart: those that wait for the same end of blackout hours are one.

    known: the first of them, when it was worked out before; the others come after it.
    """
    if known is None:
        return list(islice(_iterate_coming(cron, tz, rules, name=name, after=after), count))
    others = _iterate_coming(cron, tz, rules, name=name, after=known.at, last=known.due)
    return [known, *islice(others, count - 1)]


def _iterate_coming(
    cron: str, tz: str, rules: Rules, *, name: str, after: datetime, last: datetime | None = None
) -> Iterator[Coming]:
    for at in iterate_times(cron, tz, after=after):
        due = find_due(rules, name=name, tz=tz, at=at)
        if due != last:
            yield Coming(at, due)
        last = due


def say_rules(rules: Rules) -> list[str]:
    """What differs from the ordinary, in words."""
    words = []
    if rules.jitter:
        words.append(f"up to {rules.jitter} min later, drawn for each time")
    if rules.blackout:
        words.append("not " + ", ".join(f"{start}\u2013{end}" for start, end in rules.blackout))
    if rules.overlap == "queue":
        words.append("waits for the one before it")
    if rules.missed != "once":
        words.append(
            {"all": "missed times are all made up for", "none": "missed times are left out"}[rules.missed]
        )
    if rules.pages:
        words.append(f"at most {rules.pages:,} pages")
    if rules.minutes:
        words.append(f"at most {rules.minutes:,} min")
    if rules.plan != "due":
        words.append({"full": "the whole site", "known": "known ads only"}[rules.plan])
    if rules.priority:
        words.append(f"priority {rules.priority:+d}")
    if rules.account:
        words.append("with an account")
    if rules.to:
        words.append(f"to {rules.to}")
    if rules.keep:
        words.append(f"the newest {rules.keep} stay")
    return words


def _draw(rules: Rules, name: str, base: datetime) -> timedelta:
    if not rules.jitter:
        return timedelta()
    seed = hashlib.sha256(f"{name}\n{base.astimezone(UTC).isoformat()}".encode()).digest()
    return timedelta(seconds=int.from_bytes(seed[:8], "big") % (rules.jitter * 60 + 1))


def _leave_blackout(at: datetime, ranges: Sequence[tuple[str, str]], zone: ZoneInfo) -> datetime:
    """The moment itself, or the first one after it that lies in none of the ranges."""
    for _ in range(2 * len(ranges) + 2):
        ends = [end for start, stop in ranges if (end := _end_of(at, start, stop, zone)) is not None]
        if not ends:
            break
        at = max(ends)
    return at


def _end_of(at: datetime, start: str, stop: str, zone: ZoneInfo) -> datetime | None:
    """When the range that this moment lies in ends; None when it lies outside."""
    local = at.astimezone(zone)
    clock = local.time().replace(tzinfo=None)
    first, last = time.fromisoformat(start), time.fromisoformat(stop)
    crosses = last < first
    if not (clock >= first or clock < last if crosses else first <= clock < last):
        return None
    day = local.date() + timedelta(days=1 if crosses and clock >= first else 0)
    wall = datetime.combine(day, last)
    end = find_instant(wall, zone)
    if end <= at:
        # The hour that occurs twice: in its second turn the range ends by the second reading.
        end = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return end if end > at else None


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def _check_choice(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f'{what} is one of {", ".join(known)}, not "{value[:40]}".')


def _check_number(what: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise UsageError(f"{what} is a whole number from {least:,} to {most:,}, not {value:,}.")


def _say_span(span: timedelta) -> str:
    minutes = int(span.total_seconds()) // 60
    return f"{minutes} minutes" if minutes else f"{int(span.total_seconds())} seconds"
