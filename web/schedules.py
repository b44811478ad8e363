"""Schedules: crawls by the clock, in words and with their next times.

Public names: routes.
"""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo, available_timezones

from starlette.responses import Response
from starlette.routing import Route

from jobs import schedules
from jobs.errors import JobError
from jobs.places import Places
from jobs.presence import worker_alive
from storage.engine import reading
from storage.sites import find_sites
from web.visit import Refusal, Visit, go, route


def show_schedules(visit: Visit) -> Response:
    return _show(visit, given={"site": "", "cron": "", "tz": "UTC"})


def _show(visit: Visit, *, given: dict[str, str], problem: str = "", status: int = 200) -> Response:
    try:
        found = schedules.find_schedules(visit.web.places, now=visit.now)
    except JobError as exc:
        raise Refusal(503, str(exc)) from exc
    with reading(visit.web.engine) as session:
        sites = [(site.name, site.title) for site in find_sites(session)]
    rows = [
        {
            "name": each.name,
            "site": each.site,
            "cron": each.cron,
            "tz": each.tz,
            "words": each.words,
            "paused": each.paused,
            "last": each.last,
            "next": [(time, time.astimezone(ZoneInfo(each.tz))) for time in each.next],
        }
        for each in found
    ]
    return visit.render(
        "schedules.html",
        status=status,
        schedules=rows,
        sites=sites,
        worker=worker_alive(visit.web.places),
        zones=sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC"),
        given=given,
        problem=problem,
    )


def add_schedule(visit: Visit) -> Response:
    given = {
        "site": visit.form.text("site", limit=64),
        "cron": visit.form.text("cron", limit=100),
        "tz": visit.form.text("tz", limit=60),
    }
    try:
        schedules.add_schedule(visit.web.places, by=visit.person.name, now=visit.now, **given)
    except JobError as exc:
        # The form comes back as it was filled in, with what is wrong above it.
        return _show(visit, given=given, problem=str(exc), status=400)
    return go("/schedules", {"done": "added"})


def _act(act: Callable[[Places, str, Visit], object], done: str) -> Callable[[Visit], Response]:
    def answer(visit: Visit) -> Response:
        try:
            act(visit.web.places, visit.path_text("name"), visit)
        except JobError as exc:
            raise Refusal(404, str(exc)) from exc
        return go("/schedules", {"done": done})

    return answer


pause = _act(lambda places, name, visit: schedules.pause_schedule(places, name, now=visit.now), "paused")
resume = _act(lambda places, name, visit: schedules.resume_schedule(places, name, now=visit.now), "resumed")
remove = _act(lambda places, name, visit: schedules.remove_schedule(places, name, now=visit.now), "removed")

routes: list[Route] = [
    route("/schedules", show_schedules, role="reader"),
    route("/schedules", add_schedule, role="analyst", method="POST"),
    route("/schedules/{name}/pause", pause, role="analyst", method="POST"),
    route("/schedules/{name}/resume", resume, role="analyst", method="POST"),
    route("/schedules/{name}/remove", remove, role="analyst", method="POST"),
]
