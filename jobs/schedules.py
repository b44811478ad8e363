"""Crawls by the clock: cron lines with a time zone, kept as rows of the engine.

Public names: ScheduleInfo, add_schedule, find_schedules, find_schedule, pause_schedule, resume_schedule,
remove_schedule, next_times, describe_cron.

A schedule starts a small workflow which asks for the crawl as a person would. Aimed straight at the queue of crawls it
would never run: that queue wants the site as a key, and a schedule has none to give.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from cron_descriptor import (  # type: ignore[import-untyped]
    FormatError,
    MissingFieldError,
    Options,
    WrongArgumentError,
    get_description,
)
from croniter import CroniterBadDateError, croniter  # type: ignore[import-untyped]

from jobs.engine import SCHEDULE_FLOW, open_client
from jobs.errors import UsageError
from jobs.places import Places
from jobs.sites import find_site

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
CRON_LENGTH = 200


@dataclass(frozen=True)
class ScheduleInfo:
    """One schedule. next: the coming times in UTC, empty while it is paused. last: when it fired last, UTC."""

    name: str
    site: str
    cron: str
    tz: str
    words: str
    paused: bool
    by: str
    last: datetime | None
    next: list[datetime]


def add_schedule(
    places: Places,
    *,
    site: str,
    cron: str,
    tz: str,
    by: str,
    now: datetime,
    name: str | None = None,
    account_key: str = "",
) -> ScheduleInfo:
    """Crawl a site whenever the cron line says so, in that time zone. UsageError in plain words when it cannot be.

    account_key: what the vault makes of the account's name; "" to go without an account.
    """
    find_site(places, site)
    cron = _check_cron(cron)
    _check_zone(tz)
    if not next_times(cron, tz, after=now, count=1):
        raise UsageError(f'"{cron}" names a day that does not exist, so it would never fire.')
    with open_client(places) as client:
        taken = {row["schedule_name"] for row in client.list_schedules()}
        chosen = _choose_name(site, name, taken)
        client.create_schedule(
            schedule_name=chosen,
            workflow_name=SCHEDULE_FLOW,
            schedule=cron,
            cron_timezone=tz,
            context={"schedule": chosen, "site": site, "by": by, "account": account_key},
        )
    return find_schedule(places, chosen, now=now)


def find_schedules(places: Places, *, now: datetime, count: int = 3) -> list[ScheduleInfo]:
    """All schedules, by name, each with its next times."""
    with open_client(places) as client:
        rows = client.list_schedules()
    return sorted((_read_row(row, now=now, count=count) for row in rows), key=lambda info: info.name)


def find_schedule(places: Places, name: str, *, now: datetime) -> ScheduleInfo:
    for info in find_schedules(places, now=now):
        if info.name == name:
            return info
    raise UsageError(f'There is no schedule "{name}". "tuskwatch schedule list" shows those there are.')


def pause_schedule(places: Places, name: str, *, now: datetime) -> ScheduleInfo:
    find_schedule(places, name, now=now)
    with open_client(places) as client:
        client.pause_schedule(name)
    return find_schedule(places, name, now=now)


def resume_schedule(places: Places, name: str, *, now: datetime) -> ScheduleInfo:
    """Times missed while it was paused are not made up for."""
    find_schedule(places, name, now=now)
    with open_client(places) as client:
        client.resume_schedule(name)
    return find_schedule(places, name, now=now)


def remove_schedule(places: Places, name: str, *, now: datetime) -> None:
    find_schedule(places, name, now=now)
    with open_client(places) as client:
        client.delete_schedule(name)


def next_times(cron: str, tz: str, *, after: datetime, count: int) -> list[datetime]:
    """The coming times in UTC, worked out by the library and in the way that the engine itself uses."""
    zone, utc = ZoneInfo(tz), ZoneInfo("UTC")
    times = croniter(cron, after.astimezone(zone), second_at_beginning=True)
    try:
        return [times.get_next(datetime).astimezone(utc) for _ in range(count)]
    except CroniterBadDateError:
        return []


def describe_cron(cron: str) -> str:
    """A cron line in words: "At 03:15"."""
    options = Options()
    options.use_24hour_time_format = True
    try:
        return str(get_description(cron, options))
    except (FormatError, MissingFieldError, WrongArgumentError):
        return cron


def _read_row(row: Any, *, now: datetime, count: int) -> ScheduleInfo:
    context = row["context"] if isinstance(row["context"], dict) else {}
    cron, tz, paused = row["schedule"], row["cron_timezone"] or "UTC", row["status"] != "ACTIVE"
    fired = row["last_fired_at"]
    return ScheduleInfo(
        name=row["schedule_name"],
        site=str(context.get("site", "")),
        cron=cron,
        tz=tz,
        words=describe_cron(cron),
        paused=paused,
        by=str(context.get("by", "")),
        last=datetime.fromisoformat(fired).astimezone(ZoneInfo("UTC")) if fired else None,
        next=[] if paused else next_times(cron, tz, after=now, count=count),
    )


def _check_cron(cron: str) -> str:
    cron = " ".join(cron.split())
    fields = len(cron.split(" "))
    if (
        len(cron) > CRON_LENGTH
        or fields not in (5, 6)
        or not croniter.is_valid(cron, second_at_beginning=True)
        # The library also takes "R" (a random time) and "H" (a hashed one): the next times shown would not be true.
        or re.search(r"(?<![a-z])[rh](?![a-z])", cron.lower())
    ):
        raise UsageError(
            f'"{cron[:CRON_LENGTH]}" is not a cron line. Five fields are wanted: minute, hour, day of the month, month, '
            'day of the week. "15 3 * * *" is every day at 03:15.'
        )
    return cron


def _check_zone(tz: str) -> None:
    zones = available_timezones()
    if tz in zones:
        return
    wanted = tz.casefold().replace(" ", "_")
    near = sorted(zone for zone in zones if wanted and wanted in zone.casefold())[:3]
    hint = f" Did you mean {' or '.join(near)}?" if near else ' "Asia/Singapore" and "UTC" are such names.'
    raise UsageError(f'"{tz}" is not the name of a time zone.{hint}')


def _choose_name(site: str, name: str | None, taken: set[str]) -> str:
    if name is not None:
        if not NAME.fullmatch(name):
            raise UsageError(
                f'"{name}" cannot be the name of a schedule: use small letters, digits, "-" and "_", at most 60.'
            )
        if name in taken:
            raise UsageError(
                f'There is a schedule "{name}" already. Choose another name, or remove it first: '
                f'"tuskwatch schedule remove {name}".'
            )
        return name
    number = 1
    while (chosen := site if number == 1 else f"{site}-{number}") in taken:
        number += 1
    return chosen
