"""Takes over the schedules that older versions kept with the engine, once.

Public names: adopt_old.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Engine, make_url

from jobs.cron import check_cron, check_zone, next_time
from jobs.engine import SCHEDULE_FLOW, open_client
from jobs.errors import UsageError
from jobs.places import Places
from jobs.sites import find_site, register
from storage import schedules as rows
from storage.engine import transaction

log = structlog.get_logger("schedules")

BY = "upgrade"
_looked: set[str] = set()


def adopt_old(places: Places, engine: Engine, *, now: datetime) -> list[str]:
    """Move each into our table, with its last time, pause and account; the names of those moved.

    Looked at once a process. A row is deleted at the engine only when it stands in our table: a crash in between is made
    good by the next look. What cannot be adopted (its site is gone) stays where it is, and is said in the log.
    """
    if places.engine_url in _looked:
        return []
    url = make_url(places.engine_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return []  # there was never an engine here; and none is made for a look
    moved = []
    with open_client(places) as client:
        for old in client.list_schedules():
            if old["workflow_name"] != SCHEDULE_FLOW:
                continue
            name = str(old["schedule_name"])
            if _adopt(places, engine, old, now=now):
                client.delete_schedule(name)
                moved.append(name)
    _looked.add(places.engine_url)
    return moved


def _adopt(places: Places, engine: Engine, old: Mapping[str, Any], *, now: datetime) -> bool:
    context = old["context"] if isinstance(old["context"], dict) else {}
    name, cron, tz = str(old["schedule_name"]), str(old["schedule"]), str(old["cron_timezone"] or "UTC")
    by, account = str(context.get("by", "")), str(context.get("account", ""))
    last = datetime.fromisoformat(str(old["last_fired_at"])) if old["last_fired_at"] else None
    paused = old["status"] != "ACTIVE"
    try:
        cron = check_cron(cron)
        check_zone(tz)
        site_id = register(engine, find_site(places, str(context.get("site", ""))), now=now)
    except UsageError as exc:
        log.warning("an old schedule was not taken over", schedule=name, why=str(exc))
        return False
    # From the time that was fired last on: one that fell into the upgrade is dealt with by the rule for missed times.
    at = None if paused else next_time(cron, tz, after=min(last, now) if last is not None else now)
    with transaction(engine) as session:
        # None: it was moved before, and the deletion did not come through.
        rows.add_schedule(
            session,
            {
                "name": name, "verb": "crawl", "site_id": site_id, "cron": cron, "tz": tz, "paused": paused,
                "settings": {"account": account} if account else {}, "last_at": last, "next_at": at, "due_at": at,
            },
            by=by or BY,
            now=now,
        )  # fmt: skip
    log.info("took over a schedule of an older version", schedule=name)
    return True
