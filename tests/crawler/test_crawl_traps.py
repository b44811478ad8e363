"""A real crawl of a site full of traps: every ad is stored, the traps cost little, and each is told once."""

from __future__ import annotations

import itertools
from collections import Counter
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

GOODS, PER_PAGE = 60, 10
WORDS = (
    "bowl",
    "lamp",
    "chair",
    "knife",
    "cloth",
    "mirror",
    "stamp",
    "coin",
    "book",
    "clock",
    "brush",
    "plate",
)


def _trapped(stub: ModuleType) -> Any:
    """A category in every order and selection, pages beyond the last one, a calendar, links that lengthen themselves, and a
    new session id in the address of every page."""
    visits = itertools.count(1000)

    def answer(asked: Any) -> bytes:
        parts = urlsplit(asked.path)
        query = dict(parse_qsl(parts.query))
        token = f"x{next(visits)}{next(visits)}"
        steps = parts.path.strip("/").split("/")
        menu = ["/", "/c/goods", "/cal/2026/11", "/maze/a/b", *(f"/i{n}?visit={token}" for n in range(12))]
        if steps == [""]:
            return page("Home", menu)
        if steps[0] == "c":
            number = int(query.get("page", 1))
            here = "&".join(f"{name}={query[name]}" for name in ("sort", "filter") if name in query)
            orders = [
                f"/c/goods?sort={by}&filter={to}"
                for by in ("price", "date", "name")
                for to in ("eu", "us", "ww")
            ]
            shown = range((min(number, 6) - 1) * PER_PAGE, min(number, 6) * PER_PAGE)
            more = [f"/c/goods?{here}&page={number + 1}".replace("?&", "?")]
            return page("Goods", menu + [f"/p/{n}" for n in shown] + orders + more)
        if steps[0] == "p":
            number = int(steps[1])
            word = WORDS[number % len(WORDS)] + WORDS[number // len(WORDS)]
            return page(f"Old {word}", [*menu, f"/p/{number}?currency=eur", f"/p/{number}?currency=usd"])
        if steps[0] == "cal":
            year, month = int(steps[1]), int(steps[2])
            ahead = [
                f"/cal/{year + month // 12}/{month % 12 + 1}",
                f"/cal/{year + 1}/{month}",
                f"/cal/{year}/{month}?day=1",
            ]
            return page("Calendar", menu + ahead)
        if steps[0] == "maze":
            return page("Maze", [*menu, f"{parts.path}/a/b"])
        return page(f"Info {steps[0]}", menu)

    def page(title: str, links: list[str]) -> bytes:
        return bytes(stub.html(title, links, text="Sent in two days from a small town by the sea."))

    return answer


@pytest.mark.timeout(240)
def test_a_site_full_of_traps_is_read_whole_at_little_cost(place: Any, stub: ModuleType) -> None:
    place.write_site(bounds={"pages": 1000, "depth": 100}, budgets={"alike": 6})
    with stub.OnionStub(_trapped(stub)) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 0, crawled.err
    asked = Counter(request.path.partition("?")[0].split("/")[1] for request in tor.asked)
    paths = {request.path for request in tor.asked}
    assert {f"/p/{number}" for number in range(GOODS)} <= paths
    assert asked["p"] == GOODS, "another coin makes no other ad"
    assert asked["c"] <= 6 + 3 + 2 + 2, "six pages, a few that repeat the last one, two other orders"
    assert asked["cal"] <= 8
    assert asked["maze"] <= 3
    infos = sum(count for step, count in asked.items() if step.startswith("i"))
    assert infos <= 12 * 4
    told = [issue.kind for issue in place.issues() if issue.kind.startswith("left-out")]
    assert sorted(told) == sorted(set(told)) == [
        "left-out-calendar", "left-out-combinations", "left-out-pages", "left-out-repeat",
    ]  # fmt: skip
