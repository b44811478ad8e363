"""Whole crawls that meet a queue page whose refresh leads elsewhere: it is followed there, and nothing is mistaken."""

from __future__ import annotations

import signal
import time
from types import ModuleType
from typing import Any

import pytest

from crawler.gates import judge
from crawler.onward import MAX_WAYS

QUICK = {"wait": 0.05, "longest": 0.1, "dead_after": 5, "attempts": 3}


def _refresh(seconds: int, to: str) -> str:
    return (
        f'<html><head><title>Queue</title><meta http-equiv="refresh" content="{seconds}; url={to}"></head>'
        "<body><p>You are in a queue.</p></body></html>"
    )


class Queue:
    """A front end that lets in who comes back with the token it gave. `token`: what it answers to a good one."""

    def __init__(self, stub: ModuleType, token: Any) -> None:
        self.stub = stub
        self.token = token
        self.given = 0

    def __call__(self, asked: Any) -> Any:
        if "pass=in" in (asked.header("Cookie") or ""):
            return self.stub.html("Shop", ["/", "/p/1", "/p/2"], text="Two things are for sale here. " * 4)
        if asked.path.startswith("/queue?token="):
            return self.token(asked)
        self.given += 1
        return self.stub.reply(_refresh(1, f"/queue?token=t{self.given}"))


SETS = "Set-Cookie: pass=in; Path=/"
WAYS_IN = {
    "a redirect": lambda stub, asked: stub.reply(status="302 Found", more=(SETS, "Location: /")),
    "a refresh": lambda stub, asked: stub.reply(_refresh(1, "/"), more=(SETS,)),
    "a header": lambda stub, asked: stub.reply("", more=(SETS, "Refresh: 1; url=/")),
    "one more token": lambda stub, asked: (
        stub.reply("<html><body>Done.</body></html>", more=(SETS,))
        if asked.path.endswith("-2")
        else stub.reply(_refresh(1, f"{asked.path}-2"))
    ),
}


@pytest.mark.parametrize("way", WAYS_IN)
def test_a_queue_is_followed_to_its_token_and_the_page_asked_for_comes_after(
    place: Any, stub: ModuleType, way: str
) -> None:
    place.write_site(start=["/"], patience=QUICK, pace={"delay": 0, "in_flight": 4})
    front = Queue(stub, lambda asked: WAYS_IN[way](stub, asked))
    with stub.OnionStub(front) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 0, crawled.err
    assert front.given == 1
    pages = place.pages()
    kinds = {page.url.removeprefix(f"http://{place.onion}"): page.kind for page in pages}
    assert {"/", "/p/1", "/p/2"} <= set(kinds)
    assert pages[0].kind == "queue"
    assert "token=t1" in pages[1].url
    assert pages[1].frontier_id == pages[0].frontier_id
    home = [page for page in pages if page.kind == "home" and page.hop == 0]
    assert [page.frontier_id for page in home] == [pages[0].frontier_id]
    rows = place.frontier()
    assert {(row.state, row.failures) for row in rows} == {("done", 0)}
    assert not [row for row in rows if "token" in row.url]


def test_a_token_that_leads_nowhere_never_settles_the_page_and_the_run_ends(
    place: Any, stub: ModuleType
) -> None:
    place.write_site(start=["/"], patience=QUICK, pace={"delay": 0, "in_flight": 1}, bounds={"pages": 12})
    front = Queue(stub, lambda asked: stub.html("A page", ["/p/1"], text="It says a little. " * 8))
    with stub.OnionStub(front) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 3
    assert [(row.state, row.failures) for row in place.frontier()] == [("new", 0)]
    tokens = [page for page in place.pages() if "token" in page.url]
    assert [page.kind for page in tokens] == ["other"] * MAX_WAYS


def test_steps_are_bounded_and_lead_to_the_same_onion_only(place: Any, stub: ModuleType) -> None:
    place.write_site(start=["/"], patience=QUICK, pace={"delay": 0, "in_flight": 1}, bounds={"pages": 7})

    def endless(asked: Any) -> Any:
        if asked.path == "/":
            return stub.reply(_refresh(1, "/queue?token=1"))
        return stub.reply(_refresh(1, f"{asked.path}1" if len(asked.path) < 30 else "http://example.com/"))

    with stub.OnionStub(endless) as tor:
        place.crawl(tor.socks)
    assert [page.hop for page in place.pages()][:6] == [0, 1, 2, 3, 4, 5]
    assert any("more than 5 steps" in issue.message for issue in place.issues())
    assert {host for _, _, host, _ in tor.opened} == {place.onion}


@pytest.mark.parametrize("to", ["http://example.com/", "/a.png"])
def test_a_queue_that_leads_away_is_waited_out_where_it_stands(place: Any, stub: ModuleType, to: str) -> None:
    place.write_site(start=["/"], patience=QUICK, pace={"delay": 0, "in_flight": 1}, bounds={"pages": 2})
    page = stub.reply(_refresh(1, to))
    with stub.OnionStub(lambda asked: page) as tor:
        place.crawl(tor.socks)
    assert {asked.path for asked in tor.asked} == {"/"}
    assert any(issue.kind == "queue-step" for issue in place.issues())


def test_a_crash_on_the_way_gives_the_page_back(place: Any, stub: ModuleType) -> None:
    place.write_site(start=["/"], patience=QUICK, pace={"delay": 0, "in_flight": 1})

    # The token page is stored; then the next step hangs, and the process is killed.
    def slow(asked: Any) -> Any:
        return [(30, b"")] if asked.path.endswith("x") else stub.reply(_refresh(1, f"{asked.path}x"))

    front = Queue(stub, slow)
    with stub.OnionStub(front) as tor:
        number = place.new_run()
        process = place.start(number, tor.socks)
        end = time.monotonic() + 60
        while not any(asked.path.endswith("x") for asked in tor.asked):
            assert time.monotonic() < end
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        (row,) = place.frontier()
        assert row.state == "leased"
        front.token = lambda asked: stub.reply(status="302 Found", more=(SETS, "Location: /p/3"))
        crawled = place.crawl(tor.socks, run=number)
    assert crawled.code == 0, crawled.err
    assert {row.state for row in place.frontier()} == {"done"}
    home = [page for page in place.pages() if page.kind == "home"]
    assert [page.hop for page in home] == [0]


def test_a_gate_keeps_where_its_refresh_leads() -> None:
    body = _refresh(5, "/queue?token=abc").encode()
    gate = judge(200, [("Content-Type", "text/html")], body, path="/p/1", expected=True)
    assert gate is not None
    assert (gate.kind, gate.to, gate.wait) == ("queue", "/queue?token=abc", 5)
    header = judge(200, [("Refresh", "7; url=/queue?token=h")], b"", path="/p/1", expected=True)
    assert header is not None
    assert (header.kind, header.to) == ("queue", "/queue?token=h")
