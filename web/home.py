"""Home: what needs you.

Public names: routes.
"""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from jobs.errors import JobError
from jobs.needs import find_needs
from jobs.schedules import find_schedules
from storage.engine import reading
from storage.queries import ListingFilter, find_listings
from storage.queues import count_waiting
from storage.reports import find_reports
from storage.runs import find_runs
from storage.sites import find_sites
from web.visit import Visit, route

SHOWN = 6
"""Needs that stand here; the page of needs has all."""


def show_home(visit: Visit) -> Response:
    try:
        schedules, problem = find_schedules(visit.web.places, now=visit.now), ""
    except JobError as exc:
        # Reviewing does not need the queue: its trouble is said, and the rest of the page stays.
        schedules, problem = [], str(exc)
    coming = sorted(
        ((each, each.next[0]) for each in schedules if each.next), key=lambda pair: (pair[1], pair[0].name)
    )
    needs = find_needs(visit.web.engine, visit.web.places, now=visit.now)
    with reading(visit.web.engine) as session:
        reports = find_reports(session, limit=1)
        sites = find_sites(session)
        return visit.render(
            "home.html",
            waiting=count_waiting(session),
            listings=find_listings(session, ListingFilter(), per_page=1).total,
            sites=len(sites),
            needs=needs[:SHOWN],
            needed=len(needs),
            urgent=sum(need.level == "now" for need in needs),
            going=find_runs(session, state="running", limit=50),
            runs=find_runs(session, limit=6),
            coming=coming[:5],
            report=reports[0] if reports else None,
            problem=problem,
        )


routes: list[Route] = [route("/", show_home, role="reader")]
