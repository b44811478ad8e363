"""The lab's sites: SITE_NAMES, make_sites."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from lab.wire import Request, Response

SITE_NAMES = ("oldport", "lanternrow", "nordkontor", "backroom")


class Thin:
    start: tuple[str, ...] = ("/",)
    kinds: Mapping[str, tuple[str, ...]] = {"home": ("^/$",)}
    skip: tuple[str, ...] = ()

    def __init__(self, name: str, count: int) -> None:
        self.name = name
        self.title = name.title()
        self.count = count
        self.onion = ""

    def respond(self, request: Request) -> Response:
        return Response(
            200,
            f"<!DOCTYPE html><html lang=en><title>{self.title}</title><h1>{self.title}</h1>".encode()
            + b"<p>x</p>" * 2000,
        )


def make_sites(*, seed: int, listings: int, today: date) -> list[Thin]:
    return [Thin(name, listings // 4) for name in SITE_NAMES]
