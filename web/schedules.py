"""Schedules: work by the clock, in words, with what became of it and the next times.

Public names: routes.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crawler.errors import CrawlError
from jobs import schedules
from jobs.byhand import backfill_schedule, plan_backfill, read_moment, trigger_schedule
from jobs.child import ensure_worker
from jobs.cronwords import say_zone
from jobs.errors import BusyError, JobError
from jobs.presence import worker_alive
from jobs.rules import Coming
from jobs.schedulepast import find_past
from jobs.scheduleview import ScheduleInfo, tell_schedule
from reports.cells import safe_cell
from storage.engine import reading
from storage.runs import show_state
from storage.schedules import find_last_runs
from storage.sites import find_sites
from web.scheduleform import FIELDS, changes_of, fill_fields, read_fields, read_given
from web.visit import Refusal, Visit, go, route

COLUMNS = ("name", "verb", "site", "cron", "tz", "words", "rules", "paused", "last", "last_run", "last_words", "next",
           "begins", "by", "created_at", "changed_by", "changed_at")  # fmt: skip
Shown = tuple[datetime, datetime, datetime | None]
"""A time in UTC, by the schedule's clock, and when it begins by that clock where that is later."""


def show_schedules(visit: Visit) -> Response:
    return _show(visit, given=FIELDS)


def _show(
    visit: Visit, *, given: Mapping[str, str], problem: str = "", preview: Any = None, status: int = 200
) -> Response:
    found = _find(visit)
    with reading(visit.web.engine) as session:
        sites = [(site.name, site.title) for site in find_sites(session)]
        ends = {run.id: show_state(run, now=visit.now) for run in find_last_runs(session).values()}
    return visit.render(
        "schedules.html",
        status=status,
        schedules=[(info, pair_times(info.next, info.due, info.tz)) for info in found],
        ends=ends,
        # The run itself is linked beside it.
        became={
            info.name: info.last_words.removeprefix(f"run {info.last_run}").lstrip("; ") for info in found
        },
        sites=sites,
        worker=worker_alive(visit.web.places),
        zones=_list_zones(),
        given=given,
        problem=problem,
        preview=preview,
        say_zone=say_zone,
    )


def _find(visit: Visit) -> list[ScheduleInfo]:
    try:
        return schedules.find_schedules(visit.web.places, now=visit.now)
    except JobError as exc:
        raise Refusal(503, str(exc)) from exc


def pair_times(times: list[datetime], due: list[datetime], tz: str) -> list[Shown]:
    zone = ZoneInfo(tz)
    return [
        (at, at.astimezone(zone), begins.astimezone(zone) if begins != at else None)
        for at, begins in zip(times, due, strict=True)
    ]


def _list_zones() -> list[str]:
    return sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC")


def send_json(visit: Visit) -> Response:
    values = {"at": visit.now, "schedules": [tell_schedule(info) for info in _find(visit)]}
    return JSONResponse(json.loads(json.dumps(values, default=_plain)))


def send_csv(visit: Visit) -> Response:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for info in _find(visit):
        values = asdict(info) | {
            "rules": "; ".join(info.rules_words),
            "next": info.next[0] if info.next else None,
            "begins": info.due[0] if info.due else None,
        }
        writer.writerow([_cell(values[name]) for name in COLUMNS])
    return Response(
        buffer.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="schedules.csv"'},
    )


def add_schedule(visit: Visit) -> Response:
    given = read_given(visit.form)
    try:
        fields = read_fields(given, visit.web.places, now=visit.now)
        if visit.form.text("preview", limit=10, default=""):
            says, coming = schedules.preview_schedule(
                cron=fields.cron, tz=fields.tz, now=visit.now, rules=fields.rules, verb=fields.verb,
                name=fields.name or fields.site or fields.verb,
            )  # fmt: skip
            return _show(visit, given=given, preview=_preview(says, coming, fields.tz))
        schedules.add_schedule(
            visit.web.places, site=fields.site, verb=fields.verb, cron=fields.cron, tz=fields.tz, name=fields.name,
            by=visit.person.name, now=visit.now, rules=fields.rules,
        )  # fmt: skip
    except (JobError, CrawlError) as exc:
        # The form comes back as it was filled in, with what is wrong above it.
        return _show(visit, given=given, problem=str(exc), status=400)
    return go("/schedules", {"done": "added"})


def _preview(says: str, coming: list[Coming], tz: str) -> tuple[str, list[Shown]]:
    return says, pair_times([each.at for each in coming], [each.due for each in coming], tz)


def show_schedule(visit: Visit) -> Response:
    return _show_one(visit)


def _show_one(
    visit: Visit,
    *,
    given: Mapping[str, str] | None = None,
    problem: str = "",
    preview: Any = None,
    backfill: Any = None,
    status: int = 200,
) -> Response:
    try:
        past = find_past(visit.web.places, visit.path_text("name"), now=visit.now)
    except JobError as exc:
        raise Refusal(404, str(exc)) from exc
    info = past.info
    return visit.render(
        "schedule.html",
        status=status,
        schedule=info,
        coming=pair_times(info.next, info.due, info.tz),
        past=past,
        worker=worker_alive(visit.web.places),
        zones=_list_zones(),
        given=given or fill_fields(info),
        problem=problem,
        preview=preview,
        backfill=backfill,
        zone=ZoneInfo(info.tz),
        say_zone=say_zone,
    )


def send_schedule(visit: Visit) -> Response:
    try:
        past = find_past(visit.web.places, visit.path_text("name"), now=visit.now)
    except JobError as exc:
        raise Refusal(404, str(exc)) from exc
    values = tell_schedule(past.info) | {
        "runs": [asdict(run) for run in past.runs],
        "changes": [asdict(change) for change in past.changes],
    }
    return JSONResponse(json.loads(json.dumps(values, default=_plain)))


def change_schedule(visit: Visit) -> Response:
    name, places = visit.path_text("name"), visit.web.places
    try:
        info = schedules.find_schedule(places, name, now=visit.now)
    except JobError as exc:
        raise Refusal(404, str(exc)) from exc
    given = read_given(visit.form) | {"what": f"{info.verb} {info.site}".strip(), "name": name}
    try:
        fields = read_fields(given, places, now=visit.now, changes=True)
        if visit.form.text("preview", limit=10, default=""):
            says, coming = schedules.preview_schedule(
                cron=fields.cron, tz=fields.tz, now=visit.now, rules=fields.rules, verb=info.verb, name=name
            )
            return _show_one(visit, given=given, preview=_preview(says, coming, fields.tz))
        schedules.change_schedule(places, name, changes_of(fields), by=visit.person.name, now=visit.now)
    except (JobError, CrawlError) as exc:
        return _show_one(visit, given=given, problem=str(exc), status=400)
    return go(f"/schedules/{name}", {"done": "changed"})


def trigger(visit: Visit) -> Response:
    try:
        run_id = trigger_schedule(
            visit.web.places, visit.path_text("name"), by=visit.person.name, now=visit.now
        )
        ensure_worker(visit.web.places)
    except BusyError as exc:
        raise Refusal(409, str(exc)) from exc
    except JobError as exc:
        raise Refusal(404, str(exc)) from exc
    return go(f"/runs/{run_id}", {"done": "started"})


def backfill(visit: Visit) -> Response:
    """First how many runs that would be; with `sure`, they are asked for."""
    name, places = visit.path_text("name"), visit.web.places
    start, end = visit.form.text("from", limit=40), visit.form.text("to", limit=40)
    try:
        tz = schedules.find_schedule(places, name, now=visit.now).tz
    except JobError as exc:
        raise Refusal(404, str(exc)) from exc
    try:
        first, last = read_moment(start, tz), read_moment(end, tz)
        if not visit.form.text("sure", limit=10, default=""):
            plan = plan_backfill(places, name, start=first, end=last, now=visit.now)
            return _show_one(visit, backfill={"from": start, "to": end, "plan": plan})
        backfill_schedule(places, name, start=first, end=last, by=visit.person.name, now=visit.now)
        ensure_worker(places)
    except JobError as exc:
        return _show_one(visit, problem=str(exc), status=400)
    return go(f"/schedules/{name}", {"done": "backfilled"})


def _act(act: Callable[..., object], done: str, *, to_list: bool = False) -> Callable[[Visit], Response]:
    def answer(visit: Visit) -> Response:
        name = visit.path_text("name")
        try:
            act(visit.web.places, name, by=visit.person.name, now=visit.now)
        except JobError as exc:
            raise Refusal(404, str(exc)) from exc
        return go("/schedules" if to_list else f"/schedules/{name}", {"done": done})

    return answer


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _cell(value: Any) -> str | int:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return value
    return safe_cell(_plain(value) if isinstance(value, datetime) else str(value))


routes: list[Route] = [
    route("/schedules", show_schedules, role="reader"),
    route("/schedules", add_schedule, role="analyst", method="POST"),
    route("/schedules.json", send_json, role="reader"),
    route("/schedules.csv", send_csv, role="reader"),
    route("/schedules/{name}.json", send_schedule, role="reader"),
    route("/schedules/{name}", show_schedule, role="reader"),
    route("/schedules/{name}/change", change_schedule, role="analyst", method="POST"),
    route("/schedules/{name}/pause", _act(schedules.pause_schedule, "paused"), role="analyst", method="POST"),
    route(
        "/schedules/{name}/resume", _act(schedules.resume_schedule, "resumed"), role="analyst", method="POST"
    ),
    route("/schedules/{name}/trigger", trigger, role="analyst", method="POST"),
    route("/schedules/{name}/backfill", backfill, role="analyst", method="POST"),
    route(
        "/schedules/{name}/remove",
        _act(schedules.remove_schedule, "removed", to_list=True),
        role="analyst",
        method="POST",
    ),
]
