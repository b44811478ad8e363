"""Holds: what retention must leave alone, with the form that puts something there and the one that lifts it.

Public names: routes.
"""

from __future__ import annotations

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from storage.engine import reading
from storage.errors import StorageError
from storage.holds import SUBJECTS, add_hold, find_holds, lift_hold
from web.visit import Visit, bad_input, go, route

PAGES = {"listing": "/listings/", "page": "/pages/", "seller": "/sellers/"}


def show_holds(visit: Visit) -> Response:
    with reading(visit.web.engine) as session:
        return visit.render(
            "holds.html",
            holds=find_holds(session, lifted=_wants_all(visit)),
            subjects=SUBJECTS,
            places=PAGES,
            everything=_wants_all(visit),
            subject=visit.query.choice("subject", ("", *SUBJECTS), default=""),
            number=visit.query.number("number", default=0, least=0),
        )


def send_holds(visit: Visit) -> Response:
    """The same for other tools."""
    with reading(visit.web.engine) as session:
        holds = find_holds(session, lifted=_wants_all(visit))
    return JSONResponse(
        {
            "at": visit.now.isoformat(timespec="seconds"),
            "holds": [
                {
                    "hold": each.id, "subject": each.subject, "number": each.subject_id, "title": each.title,
                    "site": each.site, "reason": each.reason, "by": each.by, "since": each.created_at.isoformat(),
                    "lifted_by": each.released_by,
                    "lifted_at": each.released_at.isoformat() if each.released_at else None,
                }
                for each in holds
            ],
        }
    )  # fmt: skip


def add(visit: Visit) -> Response:
    try:
        add_hold(
            visit.web.engine,
            subject=visit.form.choice("subject", SUBJECTS),
            subject_id=visit.form.number("number"),
            reason=visit.form.text("reason", limit=2_000),
            by=visit.person.name,
            now=visit.now,
        )
    except StorageError as exc:
        raise bad_input(str(exc)) from exc
    return go("/holds")


def lift(visit: Visit) -> Response:
    try:
        lift_hold(
            visit.web.engine,
            visit.path_number("hold", "hold"),
            reason=visit.form.text("reason", limit=2_000),
            by=visit.person.name,
            now=visit.now,
        )
    except StorageError as exc:
        raise bad_input(str(exc)) from exc
    return go("/holds")


def _wants_all(visit: Visit) -> bool:
    return visit.query.choice("show", ("", "all"), default="") == "all"


routes: list[Route] = [
    route("/holds", show_holds, role="reader"),
    route("/holds.json", send_holds, role="reader"),
    route("/holds", add, role="analyst", method="POST"),
    route("/holds/{hold}/lift", lift, role="analyst", method="POST"),
]
