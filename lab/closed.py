"""Two sites that are no more: one seized, one whose operators said goodbye: ClosedSite, make_closed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from lab.pages.base import BaseSite, route
from lab.wire import Request, Response

_SEIZED = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Seized</title></head><body style="background: #036; color: #fff; text-align: center">
<h1>THIS HIDDEN SITE HAS BEEN SEIZED</h1><p>by the Invented Police of Nowhere and the Office for Imaginary Trade, under a warrant of the
District Court of Example, in the course of Operation Paper Lantern.</p><p>If you had an account here, we know.</p></body></html>"""

_EXIT = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Tollgate - Goodbye</title></head><body><h1>Tollgate is closed</h1>
<p>After four good years we have decided to retire. The market has closed for good, all remaining orders were finalized, and there will be no
new address. Withdrawals are possible until the end of the month. Anybody who says that we are back is a scammer.</p>
<p>Thank you and farewell, the staff</p></body></html>"""


class ClosedSite(BaseSite):
    """Answers every path with the same last page. `kind`: seized or exit."""

    cookie: ClassVar[str] = "sid"
    kinds: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "listing": (r"^/item/(?P<key>\d+)$",),
        "search": (r"^/list/[a-z]+$",),
        "home": (r"^/$",),
    }
    skip: ClassVar[tuple[str, ...]] = (r"^/logout",)
    count = 0

    def __init__(self, name: str, title: str, kind: str, *, seed: int) -> None:
        self.name = name
        self.title = title
        super().__init__(seed=seed)
        self.kind = kind

    @route(r"/.*")
    def last_page(self, request: Request, match: re.Match[str]) -> Response:
        return self.page(_SEIZED if self.kind == "seized" else _EXIT)

    def not_found(self) -> Response:
        return self.page("<p>404</p>", status=404)


def seizure_banner() -> bytes:
    """The page that stands in place of a seized market."""
    return _SEIZED.encode()


def make_closed(*, seed: int) -> list[ClosedSite]:
    """Both."""
    return [
        ClosedSite("graymarsh", "Graymarsh", "seized", seed=seed),
        ClosedSite("tollgate", "Tollgate", "exit", seed=seed),
    ]
