"""The status board: all sites at a glance, with their last fourteen runs, and the workers.

Public names: routes.
"""

from __future__ import annotations

import csv
import io
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reports.cells import safe_cell
from storage.board import STRIP, SiteRow, WorkerRow, find_board, find_workers_board
from storage.engine import reading
from text.defang import defang_text
from web.visit import Visit, route

PER_PAGE = 100
COLUMNS = (
    "site", "title", "state", "needs_person", "last_good", "next", "listings", "usual_least", "usual_most", "last_runs",
)  # fmt: skip
_SHOWS = ("", "needs", "fine")


def show_board(visit: Visit) -> Response:
    show = visit.query.choice("show", _SHOWS, default="")
    page = visit.query.number("page", default=1, most=100_000)
    rows, workers = _find(visit)
    chosen = [row for row in rows if _fits(row, show)]
    shown = chosen[(page - 1) * PER_PAGE : page * PER_PAGE]
    return visit.render(
        "board.html",
        rows=shown,
        workers=workers,
        sites=len(rows),
        wanting=sum(row.needs_person for row in rows),
        strip=STRIP,
        query={"show": show},
        page=page,
        pages=-(-len(chosen) // PER_PAGE),
        live=any(row.state in ("running", "queued", "waiting") for row in rows),
    )


def _find(visit: Visit) -> tuple[list[SiteRow], list[WorkerRow]]:
    with reading(visit.web.engine) as session:
        return find_board(session, now=visit.now), find_workers_board(session)


def _fits(row: SiteRow, show: str) -> bool:
    return show == "" or row.needs_person == (show == "needs")


def send_board(visit: Visit) -> Response:
    rows, workers = _find(visit)
    return JSONResponse(
        {
            "at": visit.now.isoformat(),
            "sites": [
                {
                    **_flat(row),
                    "last_runs": [
                        {
                            "id": cell.id,
                            "state": cell.state,
                            "at": cell.at.isoformat(),
                            "pages": cell.pages,
                            "listings": cell.listings,
                            "message": defang_text(cell.message),
                        }
                        for cell in row.runs
                    ],
                }
                for row in rows
            ],
            "workers": [
                {
                    "name": worker.name,
                    "state": worker.state,
                    "beat_at": worker.beat_at.isoformat(),
                    "tor": worker.tor,
                    "labels": list(worker.labels),
                    "crawls": worker.crawls,
                    "running": worker.running,
                    "free_bytes": worker.free_bytes,
                    "version": worker.version,
                }
                for worker in workers
            ],
        }
    )


def send_board_csv(visit: Visit) -> Response:
    rows, _ = _find(visit)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in rows:
        values = _flat(row) | {"last_runs": " ".join(f"{cell.id}:{cell.state}" for cell in row.runs)}
        writer.writerow(
            [safe_cell(str(values[name])) if values[name] is not None else "" for name in COLUMNS]
        )
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8")


def _flat(row: SiteRow) -> dict[str, Any]:
    least, most = row.usual or (None, None)
    return {
        "site": row.name,
        "title": row.title,
        "state": row.state,
        "needs_person": row.needs_person,
        "last_good": row.last_good.isoformat() if row.last_good else None,
        "next": row.next_at.isoformat() if row.next_at else None,
        "listings": row.listings,
        "usual_least": least,
        "usual_most": most,
    }


routes: list[Route] = [
    route("/board", show_board, role="reader"),
    route("/board.json", send_board, role="reader"),
    route("/board.csv", send_board_csv, role="reader"),
]
