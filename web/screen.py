"""Screen: the templates and what they may call; autoescape is always on.

Public names: Screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from text import defang
from web import marks, words
from web.guideline import say_kind
from web.security import page_policy

if TYPE_CHECKING:
    from web.visit import Visit

FOLDER = Path(__file__).resolve().parent
MENU = (
    ("/review", "Review", "reviewer"),
    ("/listings", "Listings", "reader"),
    ("/sellers", "Sellers", "reader"),
    ("/reports", "Reports", "reader"),
    ("/board", "Board", "reader"),
    ("/sites", "Sites", "reader"),
    ("/runs", "Runs", "reader"),
    ("/schedules", "Schedules", "reader"),
)
DONE = {
    # What was just done, said in a toast; the address carries only the word on the left, never free text.
    "password": "Your password is changed. Other browsers are signed out.",
    "undone": "Undone. The ad is back in the queue.",
    "undone-again": "Undone: your earlier verdict stands again.",
    "undone-other": "Undone. Another person's verdict stands, so the ad does not wait.",
    "undone-open": "Undone. No verdict stands. The ad is not flagged, so it is not in the queue.",
    "nothing": "There is nothing of yours to undo.",
    "slow": "Asked for another pace. It holds from the next request on.",
    "pause": "Asked to pause. The crawl stops after the page it is fetching.",
    "resume": "Asked to go on.",
    "cancel": "Asked to cancel. What was stored stays.",
    "started": "The run is in the queue.",
    "added": "The schedule is added.",
    "paused": "The schedule is paused.",
    "resumed": "The schedule is on again.",
    "removed": "The schedule is removed. Its runs stay.",
    "changed": "The schedule is changed.",
    "backfilled": "The runs are in the queue.",
    "report": "The report is written.",
    "closed": "Closed. The same again becomes a new one.",
    "link-confirmed": "Confirmed: the two are one seller. Both rows stay.",
    "link-refused": "Refused. The same reasons do not propose it again.",
    "link-undone": "Taken back. The link is proposed again.",
}


class Screen:
    """Renders pages. One an app."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            number=words.say_number,
            share=words.say_share,
            size=words.say_size,
            defang=defang.defang,
            defang_text=defang.defang_text,
            query=lambda values: urlencode([(k, v) for k, v in values.items() if v != ""]),
        )
        self._environment.globals.update(
            group_names=words.GROUP_NAMES,
            states=words.STATES,
            say_ago=words.say_ago,
            say_span=words.say_span,
            say_price=words.say_price,
            say_kind=say_kind,
            mark_text=marks.mark_text,
            read_spans=marks.read_spans,
            max_text=marks.MAX_TEXT,
            menu=MENU,
            stamp=lru_cache(None)(_stamp),
        )

    def render(
        self, visit: Visit, template: str, *, status: int, frames: bool, values: Mapping[str, Any]
    ) -> Response:
        done = DONE.get(visit.query.text("done", limit=20, default=""), "")
        person = visit.somebody
        html = self._environment.get_template(template).render(
            {
                "now": visit.now,
                "person": person,
                "may": person.may if person is not None and not person.must_change else _nobody,
                "path": visit.request.scope["path"],
                "toast": done,
                **values,
            }
        )
        return HTMLResponse(
            # A lone surrogate can come out of a stored JSON field; it has no UTF-8.
            html.encode("utf-8", "replace"),
            status,
            {"content-security-policy": page_policy(frames=frames)},
        )

    def render_error(
        self, *, status: int, title: str, sentence: str, error_id: str, now: datetime
    ) -> Response:
        html = self._environment.get_template("error.html").render(
            {
                "now": now,
                "person": None,
                "may": _nobody,
                "path": "",
                "toast": "",
                "status": status,
                "heading": title,
                "sentence": sentence,
                "error_id": error_id,
            }
        )
        return HTMLResponse(html.encode("utf-8", "replace"), status)


def _nobody(role: str) -> bool:
    return False


def _stamp(name: str) -> str:
    """The address of a static file with its time of change, so that a new version is fetched at once."""
    return f"/static/{name}?{int((FOLDER / 'static' / name).stat().st_mtime)}"
