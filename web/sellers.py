"""Sellers: links between those who may be one, to be confirmed or refused; a list of all; one seller with everything known.

Public names: routes.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from jobs.sellerkeys import name_keys
from jobs.sellers import MOST_HOLDERS, MOST_ON_A_SITE
from jobs.sellerviews import LINK_COLUMNS, SELLER_COLUMNS, view_detail, view_link, view_seller
from reports.cells import safe_cell
from storage.engine import reading
from storage.errors import StorageError
from storage.sellerdecisions import decide_link, find_decisions, undo_decision
from storage.sellerlinks import LINK_STATES, LinkRow, find_links, iterate_links
from storage.sellers import (
    SellerFilter,
    find_reading_pages,
    find_seller,
    find_sellers,
    iterate_sellers,
    name_sellers,
)
from storage.sites import find_sites
from web.listings import LAST_PAGE, Sheet
from web.visit import Refusal, Visit, go, not_found, route

PER_PAGE = 20
SELLERS_PER_PAGE = 50
LINKS_OF_ONE = 50
STATES = (*LINK_STATES, "all")
ACTS = {"confirm": "link-confirmed", "refuse": "link-refused", "undo": "link-undone"}
EMPTY = {
    "proposed": "No link waits. Links are proposed after pages are read, when two sellers show the same key, contact or text.",
    "confirmed": "No link is confirmed yet.",
    "refused": "No link is refused yet.",
    "all": "No links yet. They are proposed after pages are read, when two sellers show the same key, contact or text.",
}


def show_links(visit: Visit) -> Response:
    state = visit.query.choice("state", STATES, default="proposed")
    page = visit.query.number("page", default=1, most=LAST_PAGE)
    with reading(visit.web.engine) as session:
        rows, total = find_links(session, state=_state(state), page=page, per_page=PER_PAGE)
        sheet = _sheet(page, len(rows), total, PER_PAGE)
        return visit.render(
            "sellers.html",
            links=_dress(session, rows),
            sheet=sheet,
            query={"state": "" if state == "proposed" else state},
            chosen=state,
            link_states=STATES,
            nothing=EMPTY[state],
            most_holders=MOST_HOLDERS,
            most_on_a_site=MOST_ON_A_SITE,
        )


def show_sellers(visit: Visit) -> Response:
    wanted, query = _read_filter(visit)
    page = visit.query.number("page", default=1, most=LAST_PAGE)
    with reading(visit.web.engine) as session:
        rows, total = find_sellers(session, wanted, page=page, per_page=SELLERS_PER_PAGE)
        return visit.render(
            "sellers_all.html",
            rows=rows,
            sheet=_sheet(page, len(rows), total, SELLERS_PER_PAGE),
            query=query,
            sites=[(site.name, site.title) for site in find_sites(session)],
        )


def show_seller(visit: Visit) -> Response:
    seller_id = visit.path_number("seller", "seller")
    with reading(visit.web.engine) as session:
        detail = find_seller(session, seller_id, most_holders=MOST_HOLDERS)
        if detail is None:
            raise not_found("seller")
        rows, _ = find_links(session, seller_id=seller_id, per_page=LINKS_OF_ONE)
        others = {holder for each in detail.contacts for holder in (each.holders or ())}
        first = [each.trace.readings[0] for each in detail.contacts]
        return visit.render(
            "seller.html",
            detail=detail,
            row=detail.row,
            links=_dress(session, rows),
            names=name_sellers(session, others),
            key_names=name_keys(session, detail),
            pages=find_reading_pages(session, first),
        )


def decide(visit: Visit) -> Response:
    link_id = visit.path_number("link", "link")
    act = visit.path_text("act")
    if act not in ACTS:
        raise not_found("page")
    note = visit.form.text("note", limit=2_000, default="")
    seller = visit.form.number("seller", default=0, least=0)
    by = visit.person.name
    try:
        if act == "undo":
            undo_decision(visit.web.engine, link_id, by=by, note=note, now=visit.now)
        else:
            decide_link(visit.web.engine, link_id, confirm=act == "confirm", by=by, note=note, now=visit.now)
    except StorageError as exc:
        raise Refusal(404, str(exc)) from exc
    return go(f"/sellers/{seller}" if seller else "/sellers", {"done": ACTS[act]})


def send_links_csv(visit: Visit) -> Response:
    return _send(visit, "seller-links", "csv", _write_csv(LINK_COLUMNS, _read_links(visit)))


def send_links_json(visit: Visit) -> Response:
    return _send(visit, "seller-links", "json", _write_json("links", _read_links(visit), visit.now))


def send_sellers_csv(visit: Visit) -> Response:
    return _send(visit, "sellers", "csv", _write_csv(SELLER_COLUMNS, _read_sellers(visit)))


def send_sellers_json(visit: Visit) -> Response:
    return _send(visit, "sellers", "json", _write_json("sellers", _read_sellers(visit), visit.now))


def send_seller(visit: Visit) -> Response:
    seller_id = visit.path_number("seller", "seller")
    with reading(visit.web.engine) as session:
        detail = find_seller(session, seller_id, most_holders=MOST_HOLDERS)
        if detail is None:
            raise not_found("seller")
        rows, _ = find_links(session, seller_id=seller_id, per_page=LINKS_OF_ONE)
        return JSONResponse(json.loads(json.dumps(view_detail(detail, rows), default=_plain)))


def _read_filter(visit: Visit) -> tuple[SellerFilter, dict[str, str]]:
    query = {
        "text": visit.query.text("text", limit=200, default=""),
        "site": visit.query.text("site", limit=64, default=""),
    }
    return SellerFilter(**query), query


def _state(chosen: str) -> str:
    return "" if chosen == "all" else chosen


def _sheet(page: int, shown: int, total: int, per_page: int) -> Sheet:
    pages = max(1, -(-total // per_page))
    if page > pages:
        raise Refusal(404, f"There is no page {page:,} of this list: the last one is {pages:,}.")
    first = (page - 1) * per_page
    return Sheet(page, first + 1, first + shown, total)


def _dress(session: Session, rows: list[LinkRow]) -> list[dict[str, Any]]:
    """Each link with the stored pages on which its reasons stand, and what people did with it."""
    seen = [
        number
        for row in rows
        for reason in row.link.reasons
        for side in ("a", "b")
        for number in reason.get("seen", {}).get(side, {}).get("readings", ())
    ]
    pages = find_reading_pages(session, seen)
    return [{"row": row, "pages": pages, "acts": find_decisions(session, row.link.id)} for row in rows]


def _read_links(visit: Visit) -> Iterator[dict[str, Any]]:
    state = visit.query.choice("state", STATES, default="all")
    return _stream(
        visit.web.engine, lambda session: map(view_link, iterate_links(session, state=_state(state)))
    )


def _read_sellers(visit: Visit) -> Iterator[dict[str, Any]]:
    wanted, _ = _read_filter(visit)
    return _stream(visit.web.engine, lambda session: map(view_seller, iterate_sellers(session, wanted)))


def _stream(engine: Engine, find: Any) -> Iterator[dict[str, Any]]:
    with reading(engine) as session:
        yield from find(session)


def _write_csv(columns: Iterable[str], rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in columns])
        if buffer.tell() > 32_000:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _cell(value: Any) -> str | int | float:
    if value is None or isinstance(value, int | float):
        return "" if value is None else value
    if isinstance(value, list):  # the reasons of a link
        value = "; ".join(
            f"{each.get('what') or each.get('kind')} {each.get('value')} {each.get('strength')}"
            for each in value
        )
    return safe_cell(str(_plain(value)))


def _write_json(name: str, rows: Iterator[dict[str, Any]], now: datetime) -> Iterator[str]:
    yield f'{{"at": {json.dumps(now.isoformat())}, "{name}": ['
    for number, row in enumerate(rows):
        yield ("\n" if number == 0 else ",\n") + json.dumps(row, default=_plain)
    yield "\n]}\n"


def _plain(value: Any) -> Any:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value


def _send(visit: Visit, what: str, ending: str, rows: Iterator[str]) -> Response:
    name = f"tuskwatch-{what}-{visit.now:%Y%m%dT%H%M%SZ}.{ending}"
    return StreamingResponse(
        rows,
        media_type="text/csv; charset=utf-8" if ending == "csv" else "application/json",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


routes: list[Route] = [
    route("/sellers", show_links, role="reader"),
    route("/sellers.csv", send_links_csv, role="reader"),
    route("/sellers.json", send_links_json, role="reader"),
    route("/sellers/all", show_sellers, role="reader"),
    route("/sellers/all.csv", send_sellers_csv, role="reader"),
    route("/sellers/all.json", send_sellers_json, role="reader"),
    route("/sellers/links/{link}/{act}", decide, role="reviewer", method="POST"),
    # Before the page, whose number would take in the ending.
    route("/sellers/{seller}.json", send_seller, role="reader"),
    route("/sellers/{seller}", show_seller, role="reader"),
]
