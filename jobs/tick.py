"""The tick: every few seconds one worker of the fleet does what is to be done once, whoever does it.

Public names: adopt_tick, do_tick, TICK_SECONDS.

The engine has this one schedule (docs/decisions/0016). What it does looks at rows, so a tick that is left out, or done
twice, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from dbos import DBOSClient
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from jobs.clockwork import fire_due
from jobs.engine import TICK_FLOW, TICK_SCHEDULE
from jobs.errors import JobError
from jobs.notices import gather_notices, send_notices
from jobs.places import Places

TICK_SECONDS = 15
KEEP_FLOWS = timedelta(days=7)
"""So long the engine remembers the flows that ended."""
PRUNED_AT_ONCE = 500

log = structlog.get_logger("worker")


def adopt_tick(places: Places, engine: Engine, client: DBOSClient, *, now: datetime) -> None:
    """Make the engine's one schedule, if it is not there; and do now what fell due while nobody was there."""
    if client.get_schedule(TICK_SCHEDULE) is None:
        # Made or replaced: of two workers that begin together neither fails.
        cron = f"*/{TICK_SECONDS} * * * * *"
        client.apply_schedules(
            [{"schedule_name": TICK_SCHEDULE, "workflow_name": TICK_FLOW, "schedule": cron}]
        )
    fire_due(places, engine, now=now)


def do_tick(places: Places, engine: Engine, client: DBOSClient, *, now: datetime) -> list[str]:
    """All duties that are due; which of them failed. One that fails keeps none of the others from being done."""
    failed = []
    for name, every, duty in DUTIES:
        if int(now.timestamp()) % every >= TICK_SECONDS:
            continue
        try:
            duty(places, engine, client, now)
        except (JobError, SQLAlchemyError, OSError) as exc:
            log.warning("a duty of the tick failed", duty=name, error=str(exc)[:300])
            failed.append(name)
    return failed


def _prune_flows(places: Places, engine: Engine, client: DBOSClient, now: datetime) -> None:
    old = client.list_workflows(
        status=["SUCCESS", "ERROR", "CANCELLED"],
        end_time=(now - KEEP_FLOWS).isoformat(),
        limit=PRUNED_AT_ONCE,
        load_input=False,
        load_output=False,
    )
    if old:
        client.delete_workflows([flow.workflow_id for flow in old])


def _tell_people(places: Places, engine: Engine, *, now: datetime) -> None:
    gather_notices(places, engine, now=now)
    send_notices(places, engine, now=now)


Duty = Callable[[Places, Engine, DBOSClient, datetime], object]
DUTIES: tuple[tuple[str, int, Duty], ...] = (
    ("schedules", TICK_SECONDS, lambda places, engine, client, now: fire_due(places, engine, now=now)),
    ("notices", 60, lambda places, engine, client, now: _tell_people(places, engine, now=now)),
    ("forget old flows", 900, _prune_flows),
)
"""(name, every so many seconds, what)."""
