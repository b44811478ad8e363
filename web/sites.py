"""Sites: the markets and forums that are watched, their addresses, where we stand with them, and what is expected of them.

Public names: routes.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crawler.errors import CrawlError
from jobs.errors import JobError
from jobs.mirrors import decide_mirror
from jobs.sites import find_site as find_site_file
from storage.engine import reading
from storage.issues import find_issues
from storage.runs import find_runs
from storage.sites import find_addresses, find_site, find_sites
from storage.tables import Run, Site
from text.defang import defang_text
from web.sitefacts import find_standings, read_expectations, view_address
from web.visit import Refusal, Visit, go, not_found, route

LAST_RUNS = 14
DECIDED = {
    "approved": "Approved. Runs may use the address from now on.",
    "refused": "Refused. No run asks the address, and it is not proposed again.",
}
FOUND_CHANGED = ("drift-", "limit-", "coverage")
"""Kinds of issues that say a site is not what it was."""


def show_sites(visit: Visit) -> Response:
    return visit.render("sites.html", sites=_find_all(visit), problem="")


def send_sites(visit: Visit) -> Response:
    rows = [
        {
            "name": row["site"].name,
            "title": row["site"].title,
            "addresses": [asdict(each) for each in row["addresses"]],
            "standings": [asdict(each) for each in row["standings"]],
            "last_run": _view_run(row["last"]) if row["last"] else None,
        }
        for row in _find_all(visit)
    ]
    return _send({"at": visit.now, "sites": rows})


def _find_all(visit: Visit) -> list[dict[str, Any]]:
    with reading(visit.web.engine) as session:
        standings = find_standings(session, now=visit.now)
        rows = []
        for site in find_sites(session):
            last = find_runs(session, site=site.name, verb="crawl", limit=1)
            rows.append(
                {
                    "site": site,
                    "addresses": [view_address(row) for row in find_addresses(session, site.id)],
                    "standings": standings.get(site.name, []),
                    "last": last[0] if last else None,
                }
            )
    return rows


def show_site(visit: Visit) -> Response:
    done = DECIDED.get(visit.query.text("done", limit=20, default=""))
    with reading(visit.web.engine) as session:
        site = _find_named(visit, session)
        values = _find_one(visit, session, site) | ({"toast": done} if done else {})
        return visit.render("site.html", site=site, **values)


def send_site(visit: Visit) -> Response:
    with reading(visit.web.engine) as session:
        site = _find_named(visit, session)
        found = _find_one(visit, session, site)
        values = {
            "name": site.name,
            "title": site.title,
            "addresses": [asdict(each) for each in (*found["proposed"], *found["addresses"])],
            "standings": [asdict(each) for each in found["standings"]],
            "expectations": asdict(found["expected"]),
            "changes": [
                {"level": each.level, "kind": each.kind, "message": defang_text(each.message), "run": each.run_id,
                 "page": each.page_id} for each in found["changes"]
            ],
            "runs": [_view_run(run) for run in found["runs"]],
        }  # fmt: skip
    return _send(values)


def _find_named(visit: Visit, session: Session) -> Site:
    name = visit.path_text("name")
    site = find_site(session, name) if len(name) <= 64 else None
    if site is None:
        raise not_found("site")
    return site


def _find_one(visit: Visit, session: Session, site: Site) -> dict[str, Any]:
    addresses = [view_address(row) for row in find_addresses(session, site.id)]
    issues = find_issues(session, site_id=site.id)
    changes = [each for each in issues if each.kind.startswith(FOUND_CHANGED)]
    return {
        "addresses": [each for each in addresses if each.state != "proposed"],
        "proposed": [each for each in addresses if each.state == "proposed"],
        "standings": find_standings(session, now=visit.now).get(site.name, []),
        "expected": read_expectations(session, visit.web.places.sites, site),
        "changes": changes,
        "issues": [each for each in issues if each not in changes],
        "runs": find_runs(session, site=site.name, limit=LAST_RUNS),
    }


def decide(visit: Visit) -> Response:
    """A person's word on one address, named by its number: the address itself never stands in a form."""
    number = visit.form.number("address")
    approve = visit.form.choice("word", ("approve", "refuse")) == "approve"
    with reading(visit.web.engine) as session:
        site = _find_named(visit, session)
        row = next((each for each in find_addresses(session, site.id) if each.id == number), None)
        if row is None:
            raise not_found("address of this site")
        name, onion = site.name, row.onion
    try:
        config = find_site_file(visit.web.places, name)
        decide_mirror(visit.web.engine, config, onion, approve=approve, by=visit.person.name, now=visit.now)
    except (JobError, CrawlError) as exc:
        raise Refusal(409, defang_text(str(exc))) from exc
    return go(f"/sites/{name}", {"done": "approved" if approve else "refused"})


def _view_run(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "state": run.state,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "pages": run.pages,
        "listings": run.listings,
        "issues": run.issues,
    }


def _send(values: dict[str, Any]) -> Response:
    return JSONResponse(_plain(values))


def _plain(value: Any) -> Any:
    """Times as ISO text, tuples as lists."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat(timespec="seconds") if hasattr(value, "isoformat") else value


routes: list[Route] = [
    route("/sites", show_sites, role="reader"),
    route("/sites.json", send_sites, role="reader"),
    route("/sites/{name}.json", send_site, role="reader"),
    route("/sites/{name}", show_site, role="reader"),
    route("/sites/{name}/address", decide, role="analyst", method="POST"),
]
