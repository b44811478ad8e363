"""Needs: what needs a person, as a page, as JSON and CSV, and as a feed for the desktop.

Public names: routes.
"""

from __future__ import annotations

import csv
import hmac
import io
from collections import Counter
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from jobs.need import EVENTS, KINDS, LEVELS, Need, show_need
from jobs.needs import find_needs
from jobs.noticesettings import NoticeError, read_settings, read_token
from reports.cells import safe_cell
from storage.engine import reading
from storage.needs import close_issues
from storage.notices import find_notices
from storage.tables import Notice
from web.visit import Refusal, Visit, go, not_found, route

FEED_LENGTH = 100
SHOWN = 200
"""Needs on the page; the twins have all."""
COLUMNS = (
    "level",
    "kind",
    "subject",
    "words",
    "message",
    "what_to_do",
    "command",
    "since",
    "count",
    "site",
    "link",
)
_KINDS = tuple(kind for kind in KINDS if kind not in EVENTS)


def _choose(visit: Visit) -> tuple[list[Need], list[Need], dict[str, str]]:
    """(those that are asked for, all, the query)"""
    kind = visit.query.choice("kind", _KINDS, default="")
    level = visit.query.choice("level", LEVELS, default="")
    every = find_needs(visit.web.engine, visit.web.places, now=visit.now)
    chosen = [need for need in every if kind in ("", need.kind) and level in ("", need.level)]
    return chosen, every, {"kind": kind, "level": level}


def show_needs(visit: Visit) -> Response:
    needs, every, query = _choose(visit)
    kinds = Counter(need.kind for need in every)
    return visit.render(
        "needs.html",
        needs=needs[:SHOWN],
        count=len(needs),
        total=len(every),
        query=query,
        levels=[(level, sum(need.level == level for need in every)) for level in LEVELS],
        kinds=[(kind, KINDS[kind].words, kinds[kind]) for kind in _KINDS if kinds[kind]],
    )


def write_needs_json(visit: Visit) -> Response:
    needs, _, query = _choose(visit)
    asked = {name: value for name, value in query.items() if value}
    return JSONResponse(
        {"query": asked, "at": visit.now.isoformat(), "needs": [show_need(need) for need in needs]}
    )


def write_needs_csv(visit: Visit) -> Response:
    needs, _, _ = _choose(visit)
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for need in needs:
        values = show_need(need)
        writer.writerow(
            [
                values[name] if isinstance(values[name], int) else safe_cell(str(values[name]))
                for name in COLUMNS
            ]
        )
    return Response(buffer.getvalue(), media_type="text/csv; charset=utf-8")


def close_issue(visit: Visit) -> Response:
    number = visit.path_number("issue", "issue")
    note = visit.form.text("note", limit=1_000, default="")
    try:
        close_issues(visit.web.engine, issue_id=number, by=visit.person.name, note=note, now=visit.now)
    except LookupError as exc:
        raise not_found("issue") from exc
    return go("/needs", {"done": "closed"})


def show_feed(visit: Visit) -> Response:
    """For a person who is signed in, or a reader that knows the token; what is in it was made for outside."""
    try:
        settings = read_settings(visit.web.places)
        feed = settings.feed if settings is not None else None
        token = read_token(feed) if feed is not None else ""
    except NoticeError as exc:
        raise Refusal(
            503, "The file of notices is wrong, so there is no feed. Type: tuskwatch notice check"
        ) from exc
    given = visit.query.text("token", limit=300, default="")
    person = visit.somebody
    signed_in = person is not None and not person.must_change and person.may("reader")
    # Both sides as bytes: compare_digest refuses text that is not ASCII.
    known = bool(token) and hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())
    if not signed_in and not known:
        raise Refusal(
            403,
            "This feed is for people who are signed in, or for a reader that gives the token of notices.yml.",
        )
    if feed is None:
        raise Refusal(
            404, "The feed is off. A section “feed” in notices.yml turns it on; docs/notices.md says how."
        )
    with reading(visit.web.engine) as session:
        rows = find_notices(session, state="sent", channel="feed", limit=FEED_LENGTH)
    return Response(_write_atom(rows, now=visit.now), media_type="application/atom+xml; charset=utf-8")


def _write_atom(rows: list[Notice], *, now: datetime) -> str:
    updated = max((row.created_at for row in rows), default=now).isoformat()
    entries = "".join(
        f"<entry><id>urn:tuskwatch:notice:{row.id}</id><title>{escape(_say(row))}</title>"
        f"<updated>{row.created_at.isoformat()}</updated><category term={quoteattr(row.kind)}/>"
        f'<summary>{escape(_say(row))}</summary><link rel="alternate" href="/needs"/></entry>\n'
        for row in rows
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
        f"<id>urn:tuskwatch:needs</id><title>Tuskwatch: what needs a person</title><updated>{updated}</updated>"
        f"<author><name>Tuskwatch</name></author>\n{entries}</feed>\n"
    )


def _say(row: Notice) -> str:
    return f"{row.text} ({row.level})"


routes: list[Route] = [
    route("/needs", show_needs, role="reader"),
    route("/needs.json", write_needs_json, role="reader"),
    route("/needs.csv", write_needs_csv, role="reader"),
    route("/needs.atom", show_feed, role=None),
    route("/needs/issues/{issue}/close", close_issue, role="analyst", method="POST"),
]
