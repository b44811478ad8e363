"""Takes over the schedules that older versions kept with the engine, once.

Public names: adopt_old.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, make_url

from jobs.cron import check_cron, check_zone, next_time
from jobs.engine import SCHEDULE_FLOW, open_client
from jobs.errors import UsageError
from jobs.places import Places
from jobs.sites import find_site, register
from storage import schedules as rows
from storage.engine import reading, transaction
from storage.sites import find_site as find_row

BY = "upgrade"
_looked: set[str] = set()


def adopt_old(places: Places, engine: Engine, *, now: datetime) -> list[str]:
    """Move each into our table, with its last time, pause and account; what was done, a line for each.

    Looked at once a process. A row is deleted at the engine only when it stands in our table: a crash in between is made
    good by the next look. What cannot be adopted (nobody knows its site any more) rests where it is.
    """
    if places.engine_url in _looked:
        return []
    url = make_url(places.engine_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return []  # there was never an engine here; and none is made for a look
    told = []
    with open_client(places) as client:
        for old in client.list_schedules():
            if old["workflow_name"] != SCHEDULE_FLOW:
                continue
            name = str(old["schedule_name"])
            why = _adopt(places, engine, old, now=now)
            if not why:
                client.delete_schedule(name)
            elif old["status"] == "ACTIVE":
                client.pause_schedule(name)
            told.append(f"{name}: not taken over: {why}" if why else f"{name}: taken over")
    _looked.add(places.engine_url)
    return told


def _adopt(places: Places, engine: Engine, old: Mapping[str, Any], *, now: datetime) -> str:
    """ "" when it stands in our table, else why it cannot."""
    context = old["context"] if isinstance(old["context"], dict) else {}
    name, cron, tz = str(old["schedule_name"]), str(old["schedule"]), str(old["cron_timezone"] or "UTC")
    by, account = str(context.get("by", "")), str(context.get("account", ""))
    last = datetime.fromisoformat(str(old["last_fired_at"])) if old["last_fired_at"] else None
    paused = old["status"] != "ACTIVE"
    try:
        cron = check_cron(cron)
        check_zone(tz)
        site_id = _find_site_id(places, engine, str(context.get("site", "")), now=now)
    except UsageError as exc:
        return str(exc)
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
    return ""


def _find_site_id(places: Places, engine: Engine, site: str, *, now: datetime) -> int:
    """By its file; a site that was crawled before is known without."""
    try:
        return register(engine, find_site(places, site), now=now)
    except UsageError:
        with reading(engine) as session:
            row = find_row(session, site)
        if row is None:
            raise
        return row.id
