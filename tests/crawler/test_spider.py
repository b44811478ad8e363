"""Whole crawls through the port that plays Tor: what is stored, what is followed, how a run ends."""

from __future__ import annotations

import gzip
import signal
import time
from collections import Counter
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import update

from storage.engine import reading, transaction
from storage.frontier import Link, count_try, seed
from storage.pages import Fetched, read_body, store_page
from storage.runs import wish_run
from storage.tables import Frontier, Run


def _wait_for(condition: Any, *, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def _paths(place: Any) -> list[str]:
    return [page.url.removeprefix(f"http://{place.onion}") for page in place.pages()]


def test_a_site_is_stored_whole_and_each_page_once(place: Any, stub: ModuleType) -> None:
    with stub.OnionStub(stub.market) as tor:
        crawled = place.crawl(tor.socks)
    assert (crawled.code, crawled.out) == (0, "")
    assert sorted(_paths(place)) == sorted(stub.market_paths())
    assert Counter(page.kind for page in place.pages()) == {
        "home": 1, "search": 3, "listing": 24, "thread": 1, "login": 1, "other": 3,
    }  # fmt: skip
    run = place.run(crawled.run)
    assert (run.state, run.pages, run.pid) == ("done", 33, None)
    assert run.message == "33 pages stored, 0 addresses left"
    assert {row.state for row in place.frontier()} == {"done"}


def test_a_page_keeps_request_and_response_as_they_were(place: Any, stub: ModuleType) -> None:
    packed = gzip.compress(b"<html><body><h1>Home</h1>", mtime=0)
    with stub.OnionStub(lambda asked: stub.reply(packed, more=("Content-Encoding: gzip", "x-Odd: 1"))) as tor:
        place.crawl(tor.socks)
    (page,) = place.pages()
    lines = tor.asked[0].raw.decode().split("\r\n")[1:-2]
    assert [": ".join(pair) for pair in page.request_headers] == lines
    assert ["x-Odd", "1"] in page.response_headers
    assert (page.status, page.reason, page.method, page.attempt, page.hop) == (200, "OK", "GET", 1, 0)
    assert page.requested_at <= page.received_at
    assert len(page.circuit_token) == 64
    with reading(place.engine) as session:
        stored = session.get(type(page), page.id)
        assert stored.body_size == len(packed)
        assert read_body(session, stored, max_size=1000) == b"<html><body><h1>Home</h1>"


def test_errors_and_bodies_cut_off_are_stored_too(place: Any, stub: ModuleType) -> None:
    place.write_site(patience={"wait": 0.05, "longest": 0.1, "dead_after": 60, "attempts": 3})

    def answer(asked: Any) -> Any:
        if asked.path == "/":
            return stub.html("Home", ["/gone", "/picture", "/broken"])
        if asked.path == "/gone":
            return stub.reply("gone", status="404 Not Found")
        if asked.path == "/picture":
            return stub.reply(b"\xff\xd8\xff", kind="image/jpeg")
        return None

    with stub.OnionStub(answer) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 0, crawled.err
    pages = dict(zip(_paths(place), place.pages(), strict=True))
    assert (pages["/gone"].status, pages["/gone"].kind) == (404, "not_found")
    assert pages["/gone"].body_sha256 is not None
    assert (pages["/picture"].status, pages["/picture"].body_sha256) == (200, None)
    assert "image/jpeg" in pages["/picture"].note
    assert (pages["/broken"].status, pages["/broken"].error.split(":")[0]) == (None, "broken-off")
    # patience.attempts, and the first failure: it may be the site's.
    assert _paths(place).count("/broken") == 3 + 1
    assert {row.url.rpartition("/")[2]: row.state for row in place.frontier()}["broken"] == "failed"


def test_redirects_are_stored_hop_by_hop_and_followed_within_the_site_only(
    place: Any, stub: ModuleType
) -> None:
    def answer(asked: Any) -> bytes:
        to = {"/a": "/b?x=1", "/b?x=1": "http://{host}/p/7", "/loop": "/loop", "/away": "http://clear.example/",
              "/onion": f"http://{stub.make_onion('other')}/", "/tls": "https://{host}/", "/out": "/logout",
              "/bad": "http://[::1/", "/port": "http://{host}:99999/"}  # fmt: skip
        if asked.path == "/":
            return bytes(stub.html("Home", to))
        if asked.path in to:
            return bytes(
                stub.reply(
                    "", status="302 Found", more=("Location: " + to[asked.path].format(host=asked.host),)
                )
            )
        return bytes(stub.html(asked.path))

    with stub.OnionStub(answer) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 0, crawled.err
    hops = {(page.url.removeprefix(f"http://{place.onion}"), page.hop) for page in place.pages()}
    assert {("/a", 0), ("/b?x=1", 1), ("/p/7", 2)} <= hops
    assert {("/loop", hop) for hop in range(6)} <= hops
    assert ("/loop", 6) not in hops
    assert {host for _, _, host, _ in tor.opened} == {place.onion}
    assert {asked.path for asked in tor.asked} == {path for path, _ in hops}
    assert "/logout" not in {path for path, _ in hops}
    assert {issue.kind for issue in place.issues()} >= {"redirect"}
    assert {row.state for row in place.frontier()} == {"done"}


@pytest.mark.parametrize(
    ("location", "asked_for"),
    [
        ("/catégorie", "/cat%C3%A9gorie"),
        ("/товары?с=1", "/%D1%82%D0%BE%D0%B2%D0%B0%D1%80%D1%8B?%D1%81=1"),
        ("/cat%C3%A9gorie", "/cat%C3%A9gorie"),
    ],
)
def test_a_redirect_in_any_script_leads_where_a_browser_would_go(
    place: Any, stub: ModuleType, location: str, asked_for: str
) -> None:
    def answer(asked: Any) -> bytes:
        if asked.path != "/":
            return bytes(stub.html("Category"))
        raw = location.encode().decode("latin-1")  # the stub writes Latin-1: the very bytes of the UTF-8
        return bytes(stub.reply("", status="302 Found", more=(f"Location: {raw}", "Set-Cookie: a=b\xe9")))

    with stub.OnionStub(answer) as tor:
        assert place.crawl(tor.socks).code == 0
    assert [asked.path for asked in tor.asked] == ["/", asked_for]
    assert (tor.asked[1].header("Cookie") or "").startswith("a=b")


def test_links_that_leave_the_site_are_recorded_and_never_followed(place: Any, stub: ModuleType) -> None:
    foreign = stub.make_onion("foreign")
    links = [
        "http://clear.example/x",
        f"http://{foreign}/",
        "mailto:a@example",
        "/ok",
        "/logout",
        "/photo.JPG",
    ]
    with stub.OnionStub(lambda asked: stub.html("x", links if asked.path == "/" else [])) as tor:
        place.crawl(tor.socks)
    assert sorted(_paths(place)) == ["/", "/ok"]
    told = {issue.message for issue in place.issues() if issue.kind == "foreign-link"}
    assert told == {
        "a link leads to clear-net: clear[.]example",
        f"a link leads to onion: {foreign.replace('.', '[.]')}",
        "a link leads to other: mailto",
    }


def test_a_mirror_of_the_site_is_not_foreign(place: Any, stub: ModuleType) -> None:
    mirror = stub.make_onion("mirror")
    place.write_site(addresses=[place.onion, mirror])
    with stub.OnionStub(lambda asked: stub.html("x", [f"http://{mirror}/p/1", "/p/1"])) as tor:
        place.crawl(tor.socks)
    assert sorted(_paths(place)) == ["/", "/p/1"]
    assert place.issues() == []


def test_a_dead_address_is_left_for_the_next_at_once(place: Any, stub: ModuleType) -> None:
    mirror = stub.make_onion("mirror")
    place.write_site(addresses=[place.onion, mirror], patience={"wait": 5, "dead_after": 180})
    with stub.OnionStub(stub.market, socks_code=lambda host: 0xF0 if host == place.onion else 0) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 0
    assert {asked.host for asked in tor.asked} == {mirror}
    assert {asked.path for asked in tor.asked} == stub.market_paths()
    assert (
        sum(host == place.onion for _, _, host, _ in tor.opened) <= 4
    )  # those under way at once; never again


@pytest.mark.parametrize("code", [0xF0, 0xF2])
def test_a_site_that_cannot_be_reached_fails_the_run_and_loses_nothing(
    place: Any, stub: ModuleType, code: int
) -> None:
    with stub.OnionStub(stub.market, socks_code=lambda host: code) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 1
    assert "could not be reached" in crawled.err
    assert {row.state for row in place.frontier()} == {"new"}
    with stub.OnionStub(stub.market) as tor:
        assert place.crawl(tor.socks).code == 0
    assert {page.url for page in place.pages() if page.status == 200} >= {
        f"http://{place.onion}{p}" for p in ("/", "/p/7")
    }


def test_when_tor_dies_the_run_stops_and_says_so(place: Any, stub: ModuleType) -> None:
    with stub.OnionStub(stub.market, delay=0.05) as tor:
        run = place.new_run()
        process = place.start(run, tor.socks)
        _wait_for(lambda: len(tor.asked) > 10)
        tor.stop()
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Tor is gone" in err
    row = place.run(run)
    assert row.state == "failed"
    assert row.message.startswith("Tor is gone, so the run stopped and fetched nothing more.")
    states = {row.state for row in place.frontier()}
    assert "new" in states
    assert states <= {"new", "done"}
    with stub.OnionStub(stub.market) as again:
        crawled = place.crawl(again.socks)
    assert crawled.code == 0
    assert {
        page.url.removeprefix(f"http://{place.onion}") for page in place.pages() if page.status
    } == stub.market_paths()


@pytest.mark.parametrize(("wish", "state", "code"), [("pause", "paused", 3), ("cancel", "cancelled", 4)])
def test_a_wish_is_heeded_within_seconds(
    place: Any, stub: ModuleType, wish: str, state: str, code: int
) -> None:
    place.write_site(pace={"delay": 0.1, "in_flight": 2})
    with stub.OnionStub(stub.market) as tor:
        run = place.new_run()
        process = place.start(run, tor.socks)
        _wait_for(lambda: len(tor.asked) > 3)
        wish_run(place.engine, run_id=run, wish=wish, by="test", now=place.now)
        asked_at = time.monotonic()
        process.communicate(timeout=30)
    assert time.monotonic() - asked_at < 8
    assert process.returncode == code
    assert (place.run(run).state, place.run(run).wish) == (state, None)
    assert {row.state for row in place.frontier()} <= {"new", "done"}


def test_a_signal_does_not_wait_for_a_slow_answer_or_a_slow_pace(place: Any, stub: ModuleType) -> None:
    place.write_site(pace={"delay": 3000, "in_flight": 1}, timeout=600)
    with stub.OnionStub(lambda asked: [(300.0, b"late")]) as tor:
        run = place.new_run()
        process = place.start(run, tor.socks)
        _wait_for(lambda: len(tor.asked) == 1)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=15)
    assert process.returncode == 5
    assert place.run(run).state == "lost"
    assert [row.state for row in place.frontier()] == ["new"]
    assert place.pages() == []


def test_the_pace_is_kept(place: Any, stub: ModuleType) -> None:
    place.write_site(pace={"delay": 0.2, "jitter": 0.5, "in_flight": 4}, bounds={"pages": 8})
    times: list[float] = []

    def answer(asked: Any) -> bytes:
        times.append(time.monotonic())
        return bytes(stub.market(asked))

    with stub.OnionStub(answer) as tor:
        place.crawl(tor.socks)
    gaps = [after - before for before, after in pairwise(times)]
    assert len(times) == 8
    assert sum(gaps) > 7 * 0.2 * 0.7
    assert max(gaps) - min(gaps) > 0.02  # not a metronome


def test_one_in_flight_means_one(place: Any, stub: ModuleType) -> None:
    place.write_site(pace={"delay": 0, "in_flight": 1})
    now: list[int] = []
    most: list[int] = []

    def answer(asked: Any) -> Any:
        now.append(1)
        most.append(len(now))
        yield 0.01, stub.market(asked)
        now.pop()

    with stub.OnionStub(answer) as tor:
        assert place.crawl(tor.socks).code == 0
    assert max(most) == 1


@pytest.mark.parametrize(
    ("bounds", "words"), [({"pages": 5}, "bound of 5 pages"), ({"minutes": 0.02}, "0.02 minutes")]
)
def test_a_bound_pauses_the_run_and_the_next_goes_on(
    place: Any, stub: ModuleType, bounds: dict[str, float], words: str
) -> None:
    place.write_site(bounds=bounds, pace={"delay": 0.1, "in_flight": 2})
    with stub.OnionStub(stub.market) as tor:
        crawled = place.crawl(tor.socks)
        assert crawled.code == 3
        assert words in place.run(crawled.run).message
        place.write_site()
        assert place.crawl(tor.socks).code == 0
    assert sorted(_paths(place)) == sorted(stub.market_paths())


def test_a_resumed_run_gets_its_bound_anew_and_a_killed_one_does_not(place: Any, stub: ModuleType) -> None:
    place.write_site(bounds={"pages": 5}, pace={"delay": 0, "in_flight": 1})
    with stub.OnionStub(stub.market) as tor:
        run = place.crawl(tor.socks).run
        assert place.run(run).pages == 5
        assert place.crawl(tor.socks, run=run).code == 3
        assert place.run(run).pages == 5
        wish_run(place.engine, run_id=run, wish="resume", by="ana", now=place.now)
        assert place.crawl(tor.socks, run=run).code == 3
    assert place.run(run).pages == 10
    assert "bound of 5 pages" in place.run(run).message


def test_links_deeper_than_the_bound_are_left_out(place: Any, stub: ModuleType) -> None:
    place.write_site(bounds={"depth": 3})
    with stub.OnionStub(lambda asked: stub.html("x", [f"/{len(asked.path)}" + "x" * len(asked.path)])) as tor:
        assert place.crawl(tor.socks).code == 0
    assert len(tor.asked) == 4
    assert "deeper than 3" in " ".join(issue.message for issue in place.issues())


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('<p>Solve this</p><form><img alt="captcha"><input name="cap"></form>', "captcha"),
        ('<form><input name="user"><input type="password" name="pw"></form>', "login"),
    ],
)
def test_a_gate_before_everything_lets_the_run_wait_for_a_person(
    place: Any, stub: ModuleType, body: str, kind: str
) -> None:
    with stub.OnionStub(lambda asked: stub.reply(body + '<a href="/trap">x</a>')) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 6
    run = place.run(crawled.run)
    assert (run.state, run.waits_for, run.ended_at, run.pid) == ("waiting", "person", None, None)
    assert {page.kind for page in place.pages()} == {kind}
    assert {asked.path for asked in tor.asked} == {"/"}
    (issue,) = place.issues()
    assert (issue.kind, issue.level) == (f"gate-{kind}", "fail")
    assert [row.state for row in place.frontier()] == ["new"]


def test_members_pages_bar_nothing(place: Any, stub: ModuleType) -> None:
    """Orders, messages and the like lead to the login on every site: noted, not waited for."""
    members = {"/orders", "/messages", "/wallet", "/settings"}

    def answer(asked: Any) -> bytes:
        if asked.path in members:
            return bytes(stub.reply("", status="302 Found", more=("Location: /login",)))
        return bytes(stub.html("Home", sorted(members)) if asked.path == "/" else stub.market(asked))

    with stub.OnionStub(answer) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 0, crawled.err
    assert {row.state for row in place.frontier()} == {"done"}
    assert {page.kind for page in place.pages() if page.status == 200} == {"home", "login"}


def test_a_listing_behind_a_login_calls_a_person(place: Any, stub: ModuleType) -> None:
    def answer(asked: Any) -> bytes:
        if asked.path.startswith("/p/"):
            return bytes(stub.reply("", status="302 Found", more=("Location: /login",)))
        return bytes(stub.market(asked))

    with stub.OnionStub(answer) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 6
    assert "login" in place.run(crawled.run).message
    assert {issue.kind for issue in place.issues()} >= {"gate-login"}
    assert {row.state for row in place.frontier() if "/p/" in row.url} == {"new"}


def test_a_queue_is_waited_for_as_it_asks(place: Any, stub: ModuleType) -> None:
    def answer(asked: Any) -> bytes:
        if len(tor.asked) == 1:
            return bytes(
                stub.reply(
                    '<meta http-equiv="refresh" content="1"><p>You are in queue. Estimated time: 1 s</p>'
                )
            )
        return bytes(stub.html("Home"))

    with stub.OnionStub(answer) as tor:
        began = time.monotonic()
        assert place.crawl(tor.socks).code == 0
    assert time.monotonic() - began > 1
    assert [page.kind for page in place.pages()] == ["queue", "home"]


@pytest.mark.parametrize(
    ("status", "kind"), [("429 Too Many Requests", "limited"), ("503 Service Unavailable", "down")]
)
def test_a_site_in_trouble_is_asked_again_later(place: Any, stub: ModuleType, status: str, kind: str) -> None:
    def answer(asked: Any) -> bytes:
        return bytes(stub.reply("", status=status) if len(tor.asked) == 1 else stub.html("Home"))

    with stub.OnionStub(answer) as tor:
        assert place.crawl(tor.socks).code == 0
    assert [page.kind for page in place.pages()] == [kind, "home"]


def test_a_bomb_is_stored_and_not_unpacked(place: Any, stub: ModuleType) -> None:
    bomb = gzip.compress(b"<a href='/trap'>x</a>" + b"\0" * 64_000_000, mtime=0)
    with stub.OnionStub(lambda asked: stub.reply(bomb, more=("Content-Encoding: gzip",))) as tor:
        assert place.crawl(tor.socks).code == 0
    (page,) = place.pages()
    assert page.body_size == len(bomb)
    assert any(issue.kind == "unreadable-page" for issue in place.issues())


def test_cookies_go_back_to_the_site_that_set_them(place: Any, stub: ModuleType) -> None:
    def answer(asked: Any) -> bytes:
        more = (
            "Set-Cookie: session=abc; HttpOnly",
            "Set-Cookie: wide=1; Domain=.onion",
            "Set-Cookie: o=1; Path=/else",
        )
        return bytes(stub.reply('<a href="/p/1">x</a>', more=more if asked.path == "/" else ()))

    with stub.OnionStub(answer) as tor:
        place.crawl(tor.socks)
    assert [asked.header("Cookie") for asked in tor.asked] == [None, "session=abc"]


def test_the_log_tells_the_course_and_no_secret(place: Any, stub: ModuleType) -> None:
    more = ("Set-Cookie: session=topsecret",)
    with stub.OnionStub(lambda asked: stub.reply('<a href="/p/1?sid=topsecret">x</a>', more=more)) as tor:
        crawled = place.crawl(tor.socks)
    log = place.log(crawled.run)
    user, password, _, _ = tor.opened[0]
    assert '"event": "page"' in log
    for secret in ("topsecret", user, password, place.onion):
        assert secret not in log


def test_a_wrong_site_file_fails_the_run_in_words(place: Any, stub: ModuleType) -> None:
    path = place.data / "sites" / "oldport" / "site.yml"
    path.write_text(path.read_text() + "colour: red\n")
    with stub.OnionStub(stub.market) as tor:
        crawled = place.crawl(tor.socks)
        assert tor.opened == []
    assert crawled.code == 1
    assert "colour: is not known here" in place.run(crawled.run).message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"TUSKWATCH_SOCKS": ""}, "TUSKWATCH_SOCKS is not set"),
        ({"TUSKWATCH_SOCKS": "tor.example:9050"}, "must be given as 127.0.0.1:9050"),
        ({"TUSKWATCH_DATA": ""}, "TUSKWATCH_DATA is not set"),
    ],
)
def test_without_its_environment_nothing_begins(
    place: Any, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], words: str
) -> None:
    given = place.environment("127.0.0.1:9") | change
    monkeypatch.setattr(place, "environment", lambda socks: given)
    crawled = place.crawl("127.0.0.1:9")
    assert crawled.code == 1
    assert words in crawled.err


def test_a_run_that_is_over_is_not_done_again(place: Any, stub: ModuleType) -> None:
    with stub.OnionStub(stub.market) as tor:
        run = place.crawl(tor.socks).run
        again = place.crawl(tor.socks, run=run)
    assert again.code == 1
    assert "is over (done)" in again.err


def _leave_page_unread(place: Any, stub: ModuleType) -> tuple[int, int]:
    """A sweep whose last process ended after storing /p/7 and before reading it; (frontier row, page)."""
    with stub.OnionStub(stub.market) as tor:
        assert place.crawl(tor.socks).code == 0
    row = next(row for row in place.frontier() if row.url.endswith("/p/7"))
    page = next(page for page in place.pages() if page.url.endswith("/p/7"))
    with transaction(place.engine) as session:
        session.execute(update(Frontier).where(Frontier.id == row.id).values(state="fetched"))
        session.execute(update(Run).values(state="lost"))
    return row.id, page.id


def test_a_page_that_ends_each_run_is_given_up_and_the_run_goes_on(place: Any, stub: ModuleType) -> None:
    row_id, page_id = _leave_page_unread(place, stub)
    for _ in range(3):  # patience.attempts: each was counted and the process died
        assert count_try(place.engine, frontier_id=row_id, max_attempts=3)
    with stub.OnionStub(stub.market) as tor:
        assert place.crawl(tor.socks).code == 0
    row = next(row for row in place.frontier() if row.id == row_id)
    assert row.state == "failed"
    assert f"page {page_id} could not be read for links and was given up" in row.error
    (issue,) = (issue for issue in place.issues() if issue.kind == "page-given-up")
    assert (issue.level, issue.page_id) == ("fail", page_id)


def test_a_page_left_unread_once_is_read_by_the_next_run(place: Any, stub: ModuleType) -> None:
    row_id, _ = _leave_page_unread(place, stub)
    with stub.OnionStub(stub.market) as tor:
        assert place.crawl(tor.socks).code == 0
    assert next(row for row in place.frontier() if row.id == row_id).state == "done"


def test_an_error_in_reading_one_left_over_page_does_not_end_the_run(place: Any, stub: ModuleType) -> None:
    run, link = (
        place.new_run(),
        Link("http://[x/", "0" * 64, depth=1, priority=0),
    )  # no address that can be read
    seed(place.engine, site_id=place.site_id, sweep_id=run, links=[link], now=place.now)
    bad = Fetched(
        site_id=place.site_id, run_id=run, frontier_id=place.frontier()[0].id, attempt=1, hop=0, url=link.url,
        method="GET", request_headers=(), requested_at=place.now, status=200, reason="OK", response_headers=(),
        received_at=place.now, body=b"<p>x", content_type="text/html", content_encoding="", circuit_token="c" * 64,
    )  # fmt: skip
    store_page(place.engine, bad, now=place.now)
    assert place.frontier()[0].state == "fetched"
    with stub.OnionStub(stub.market) as tor:
        crawled = place.crawl(tor.socks, run=run)
    assert crawled.code == 0, crawled.err
    assert place.frontier()[0].state == "failed"
    assert [issue.level for issue in place.issues() if issue.kind == "page-given-up"] == ["fail"]
    assert len(tor.asked) > 30
