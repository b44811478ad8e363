"""Sites: the markets and forums that are watched, and whether their addresses answer.

Public names: routes.
"""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from storage.engine import reading
from storage.runs import find_runs
from storage.sites import find_addresses, find_site, find_sites
from web.visit import Visit, not_found, route

LAST_RUNS = 14


def show_sites(visit: Visit) -> Response:
    with reading(visit.web.engine) as session:
        rows = []
        for site in find_sites(session):
            last = find_runs(session, site=site.name, verb="crawl", limit=1)
            rows.append(
                {
                    "name": site.name,
                    "title": site.title,
                    "addresses": find_addresses(session, site.id),
                    "last": last[0] if last else None,
                }
            )
        return visit.render("sites.html", sites=rows, problem="")


def show_site(visit: Visit) -> Response:
    with reading(visit.web.engine) as session:
        name = visit.path_text("name")
        site = find_site(session, name) if len(name) <= 64 else None
        if site is None:
            raise not_found("site")
        return visit.render(
            "site.html",
            site=site,
            addresses=find_addresses(session, site.id),
            runs=find_runs(session, site=site.name, limit=LAST_RUNS),
        )


routes: list[Route] = [
    route("/sites", show_sites, role="reader"),
    route("/sites/{name}", show_site, role="reader"),
]
