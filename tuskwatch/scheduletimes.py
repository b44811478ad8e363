"""How commands show a schedule and its times.

Public names: report, show_times, local, warn_idle.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tuskwatch.output import say, show_json, show_text, show_time

if TYPE_CHECKING:
    from jobs.places import Places
    from jobs.schedules import ScheduleInfo


def report(places: Places, info: ScheduleInfo, as_json: bool, done: str) -> None:
    from jobs.scheduleview import tell_schedule

    if as_json:
        show_json(tell_schedule(info))
        return
    rules = f" ({'; '.join(info.rules_words)})" if info.rules_words else ""
    show_text(f'{done} schedule "{info.name}": {f"{info.verb} {info.site}".strip()}, {info.says}{rules}.')
    if info.next:
        show_times(info.next, info.due, info.tz)
        warn_idle(places)


def show_times(times: Sequence[datetime], due: Sequence[datetime], tz: str) -> None:
    for at, begins in zip(times, due, strict=True):
        later = f", begins {local(begins, tz)}" if begins != at else ""
        show_text(f"  {local(at, tz)} ({show_time(at)}){later}")


def local(time: datetime, tz: str) -> str:
    return time.astimezone(ZoneInfo(tz)).strftime("%a %Y-%m-%d %H:%M:%S %Z")


def warn_idle(places: Places, infos: Sequence[ScheduleInfo] = ()) -> None:
    from jobs.presence import find_workers

    if not find_workers(places):
        say(
            'No worker is running, so nothing will fire. Keep "tuskwatch serve" or "tuskwatch worker" running.'
        )
    for info in infos:
        if info.overdue is not None:
            say(f"{info.name}: a time of it is due since {show_time(info.overdue)} and nobody fired it.")
