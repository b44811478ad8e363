"""What `tuskwatch doctor` looks at beside: how long the disks last, whose clock is off, and sites that no worker is for.

Public names: SPACE_CHECKS, check_growth, check_machines, check_pins.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jobs.places import Places
from tuskwatch.finding import Finding
from tuskwatch.fleethealth import SKEW, ask_database

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

FEW_DAYS = 14
LAST_DAYS = 3
LEAST_FREE = 5_000_000_000
_GB = 1_000_000_000


def check_growth(places: Places) -> Iterator[Finding]:
    """For how many days the free space lasts when it goes on as in the last week."""
    from storage.growth import measure_growth

    def look(session: Session) -> Iterator[Finding]:
        growth = measure_growth(session, now=datetime.now(UTC))
        said = f"the database has {growth.size / _GB:,.2f} GB and grows {growth.per_day / _GB:,.3f} GB a day"
        if not places.database_url.startswith("sqlite") or not growth.per_day:
            yield Finding("growth", "ok", said)
            return
        days = shutil.disk_usage(places.data).free / growth.per_day
        level = "fail" if days < LAST_DAYS else "warn" if days < FEW_DAYS else "ok"
        remedy = (
            ""
            if level == "ok"
            else "Make room, or set rules of retention: docs/settings.md, tuskwatch retention."
        )
        yield Finding("growth", level, f"{said}: the disk lasts {days:,.0f} days", remedy)

    yield from ask_database(places, look)


def check_machines(places: Places) -> Iterator[Finding]:
    """Disks and clocks of the machines that living workers are on."""
    from storage.workers import find_workers

    now = datetime.now(UTC)

    def look(session: Session) -> Iterator[Finding]:
        for worker in find_workers(session, living=True):
            where = f"{worker.name} on {worker.host}"
            if worker.free_bytes is not None and worker.free_bytes < LEAST_FREE:
                text = f"{where}: {worker.free_bytes / _GB:,.1f} GB are free"
                yield Finding("disk", "warn", text, "Make room on that machine: a full disk ends its runs.")
            if worker.beat_at - now > SKEW:
                text = (
                    f"{where}: its clock is {(worker.beat_at - now).total_seconds():,.0f} s ahead of this one"
                )
                yield Finding("clocks", "warn", text, "Set both clocks by NTP: timedatectl set-ntp true.")

    yield from ask_database(places, look)


def check_pins(places: Places) -> Iterator[Finding]:
    """Sites on a schedule that cannot be crawled: their file is wrong, or no living worker has the name or label."""
    from jobs.errors import JobError
    from jobs.sites import find_site
    from storage.needs import find_active_schedules
    from storage.workers import find_workers

    def look(session: Session) -> Iterator[Finding]:
        labels = {str(label) for worker in find_workers(session, living=True) for label in worker.labels}
        for schedule in find_active_schedules(session):
            if schedule.next_at is None and schedule.due_at is None:
                remedy = f"tuskwatch schedule show {schedule.name}"
                yield Finding("schedules", "warn", f'"{schedule.name}" has no time left to fire', remedy)
            if schedule.site is None:
                continue
            try:
                pin = find_site(places, schedule.site.name).worker
            except JobError as exc:
                yield Finding(
                    "schedules", "fail", f'"{schedule.name}" cannot run: {exc}', "Correct the site's file."
                )
                continue
            if pin and pin not in labels:
                text = f'"{schedule.name}": its site is only for workers named or labelled "{pin}", and none lives'
                yield Finding(
                    "schedules", "warn", text, f"tuskwatch worker --name {pin}, on the machine it is for."
                )

    yield from ask_database(places, look)


SPACE_CHECKS: tuple[Callable[[Places], Iterator[Finding]], ...] = (check_growth, check_machines, check_pins)
