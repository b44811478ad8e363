"""Listings: the list with its filter in the address, one listing with everything known, and the list as CSV and JSON.

Public names: routes.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from storage.engine import reading
from storage.holds import is_held
from storage.queries import STATES, ListingFilter, find_listing, find_listings
from storage.sites import find_sites
from storage.tables import GROUPS
from web.history import KINDS, find_past, write_past
from web.review import find_extra, find_reasons, latest_score
from web.twins import write_csv, write_json, write_one
from web.visit import Refusal, Visit, not_found, route

PER_PAGE = 50
LAST_PAGE = 1_000_000
STATE_NAMES = {
    "flagged": "flagged by the model",
    "unreviewed": "waiting for review",
    "reviewed": "reviewed",
    "ad": "reviewed, a group named",
}


@dataclass(frozen=True)
class Sheet:
    """Where in a list one is: rows `first` to `last` of `count`."""

    page: int
    first: int
    last: int
    count: int


def read_filter(visit: Visit) -> tuple[ListingFilter, dict[str, str]]:
    """The filter that the address names, and the same as the address's query."""
    query = {
        "text": visit.query.text("text", limit=200, default=""),
        "site": visit.query.text("site", limit=64, default=""),
        "group": visit.query.choice("group", GROUPS, default=""),
        "state": visit.query.choice("state", STATES, default=""),
    }
    wanted = ListingFilter(text=query["text"], site=query["site"], group=query["group"], state=query["state"])
    return wanted, query


def show_listings(visit: Visit) -> Response:
    wanted, query = read_filter(visit)
    page = visit.query.number("page", default=1, most=LAST_PAGE)
    with reading(visit.web.engine) as session:
        found = find_listings(session, wanted, page=page, per_page=PER_PAGE)
        if page > found.pages:
            raise Refusal(404, f"There is no page {page:,} of this list: the last one is {found.pages:,}.")
        first = (page - 1) * PER_PAGE
        return visit.render(
            "listings.html",
            rows=found.rows,
            sheet=Sheet(page, first + 1, first + len(found.rows), found.total),
            query=query,
            sites=[(site.name, site.title) for site in find_sites(session)],
            list_states=[(state, STATE_NAMES[state]) for state in STATES],
        )


def send_csv(visit: Visit) -> Response:
    wanted, _ = read_filter(visit)
    return _send(visit, "csv", "text/csv; charset=utf-8", write_csv(visit.web.engine, wanted))


def send_json(visit: Visit) -> Response:
    wanted, query = read_filter(visit)
    rows = write_json(visit.web.engine, wanted, query=query, now=visit.now)
    return _send(visit, "json", "application/json", rows)


def _send(visit: Visit, ending: str, kind: str, rows: object) -> Response:
    name = f"tuskwatch-listings-{visit.now:%Y%m%dT%H%M%SZ}.{ending}"
    return StreamingResponse(
        rows,  # type: ignore[arg-type]
        media_type=kind,
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def show_listing(visit: Visit) -> Response:
    with reading(visit.web.engine) as session:
        detail = find_listing(session, visit.path_number("listing", "listing"))
        if detail is None:
            raise not_found("listing")
        score = latest_score(detail)
        return visit.render(
            "listing.html",
            detail=detail,
            listing=detail.listing,
            reading=detail.reading,
            score=score,
            because=find_reasons(score),
            extra=find_extra(detail.reading),
            past=find_past(session, detail.listing),
            copy_kinds=KINDS,
            held=is_held(session, "listing", detail.listing.id),
        )


def send_listing(visit: Visit) -> Response:
    """One listing with its past, for other tools."""
    with reading(visit.web.engine) as session:
        detail = find_listing(session, visit.path_number("listing", "listing"))
        if detail is None:
            raise not_found("listing")
        past = write_past(find_past(session, detail.listing))
        return JSONResponse({**write_one(detail), "description": detail.reading.description, **past})


routes: list[Route] = [
    route("/listings", show_listings, role="reader"),
    route("/listings.csv", send_csv, role="reader"),
    route("/listings.json", send_json, role="reader"),
    # Before the page, whose number would take in the ending.
    route("/listings/{listing}.json", send_listing, role="reader"),
    route("/listings/{listing}", show_listing, role="reader"),
]
