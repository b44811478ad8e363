"""One page that refuses for ever near a small site's end is left out; a session that is over calls a person."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

CAPTCHA = '<p>Solve this</p><form><img alt="captcha"><input name="cap"></form>'
LOGIN = '<form><input name="user"><input type="password" name="pw"></form>'
PATIENT = {"wait": 0.05, "longest": 0.1, "dead_after": 5, "attempts": 10}


def _shop(stub: ModuleType, path: str) -> bytes:
    links = ["/p/0", "/p/1", "/p/9"] if path == "/" else []
    return bytes(stub.html(f"Shop {path}", links, text="Things are sold here by the piece. " * 3))


@pytest.mark.parametrize("how", ["captcha", "login", "refused"])
def test_one_page_that_bars_the_way_for_ever_calls_nobody(place: Any, stub: ModuleType, how: str) -> None:
    place.write_site(pace={"delay": 0, "in_flight": 2}, patience=PATIENT, start=["/"])
    barred = {
        "captcha": stub.reply(CAPTCHA),
        "login": stub.reply(LOGIN),
        "refused": stub.reply("No.", status="403 Forbidden"),
    }
    with stub.OnionStub(lambda a: barred[how] if a.path == "/p/9" else _shop(stub, a.path)) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 0, crawled.err
    states = {row.url.rpartition("/")[2]: row.state for row in place.frontier()}
    assert states == {"": "done", "0": "done", "1": "done", "9": "refused"}
    (issue,) = [issue for issue in place.issues() if issue.kind == "page-barred"]
    assert "/p/9" in issue.message
    paths = [asked.path for asked in tor.asked]
    assert paths[-1] in ("/p/0", "/p/1")  # not the start page, which everybody may see
    assert paths.count("/p/9") <= 4  # of its ten tries; with two in flight one may be on its way already


def test_a_session_that_is_over_calls_a_person_although_the_start_page_answers(
    place: Any, stub: ModuleType
) -> None:
    place.write_site(pace={"delay": 0, "in_flight": 1}, patience=PATIENT, start=["/"])

    def answer(asked: Any) -> bytes:
        over = len(tor.asked) > 3 and asked.path != "/"
        return bytes(stub.reply(LOGIN)) if over else _shop(stub, asked.path)

    with stub.OnionStub(answer) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 6, crawled.err
    assert [asked.path for asked in tor.asked][:4] == ["/", "/p/0", "/p/1", "/p/9"]
    assert {row.state for row in place.frontier()} == {"done", "new"}
    assert not [issue for issue in place.issues() if issue.kind == "page-barred"]


@pytest.mark.parametrize("in_flight", [1, 3])
def test_a_captcha_before_all_pages_but_two_calls_a_person_at_once(
    place: Any, stub: ModuleType, in_flight: int
) -> None:
    """The page that is knocked at may be one that everybody may see: its answer must not begin the count anew."""
    place.write_site(pace={"delay": 0, "in_flight": in_flight}, patience=PATIENT, start=["/"])

    def answer(asked: Any) -> bytes:
        if asked.path in ("/", "/p/1"):
            links = [f"/p/{number}" for number in range(1, 12)]
            return bytes(stub.html("Shop", links, text="Things are sold here by the piece. " * 3))
        return bytes(stub.reply(CAPTCHA))

    with stub.OnionStub(answer) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 6, crawled.err
    assert {row.state for row in place.frontier()} == {"done", "new"}
    assert len([asked for asked in tor.asked if asked.path not in ("/", "/p/1")]) <= 3 + in_flight
    assert not [issue for issue in place.issues() if issue.kind == "page-barred"]
