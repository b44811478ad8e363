"""Whole crawls that meet gates: what waits for a person, what goes on, and which identity the site sees."""

from __future__ import annotations

import json
import re
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from crawler.denyfile import add_entry
from crawler.vault import Vault, make_key
from storage.engine import reading, transaction
from storage.runs import create_run, end_run, send_on, wish_run
from storage.sessions import ensure_session, find_session, open_session
from storage.tables import SiteSession

CAPTCHA = '<p>Solve this</p><form><img alt="captcha"><input name="cap"></form>'
LOGIN = '<form><input name="user"><input type="password" name="pw"></form>'
QUICK = {"wait": 0.05, "longest": 0.1, "dead_after": 5, "attempts": 3}


class Desk:
    """What a person does at `tuskwatch session open`, without the command."""

    def __init__(self, place: Any) -> None:
        self.place = place
        self.key_file: Path = place.data.parent / "session.key"
        make_key(self.key_file, data=place.data, now=place.now)
        self.vault = Vault(self.key_file, data=place.data)
        assert stat.S_IMODE(self.key_file.stat().st_mode) == 0o600
        environment = place.environment
        place.environment = lambda socks: environment(socks) | {"TUSKWATCH_KEY_FILE": str(self.key_file)}

    def open(self, *, value: str = "let-me-in", seconds: float = 3600, agent: str = "") -> None:
        cookie = {"name": "pass", "value": value, "path": "/", "secure": False, "expires": None}
        sealed = self.vault.seal({"account": "ana-on-the-port", "user_agent": agent, "cookies": [cookie]})
        now = datetime.now(UTC)
        ensure_session(self.place.engine, site_id=self.place.site_id, circuit="f" * 32, now=now)
        open_session(
            self.place.engine, site_id=self.place.site_id, account_key="", sealed=sealed, by="ana",
            expires_at=now + timedelta(seconds=seconds), now=now,
        )  # fmt: skip

    def row(self) -> SiteSession:
        with reading(self.place.engine) as session:
            row = find_session(session, site_id=self.place.site_id)
        assert row is not None
        return row

    def cookies(self) -> dict[str, str]:
        sealed = self.row().sealed
        assert sealed is not None
        return {each["name"]: each["value"] for each in self.vault.unseal(sealed)["cookies"]}


@pytest.fixture
def desk(place: Any) -> Desk:
    return Desk(place)


def _users(tor: Any) -> set[tuple[str, str]]:
    return {(user, password) for user, password, _, _ in tor.opened}


def _wait_for(condition: Any, *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_a_captcha_waits_for_a_person_and_the_run_goes_on_where_it_stopped(
    place: Any, stub: ModuleType, desk: Desk
) -> None:
    def answer(asked: Any) -> bytes:
        if "pass=let-me-in" in (asked.header("Cookie") or ""):
            return bytes(stub.market(asked))
        return bytes(stub.reply(CAPTCHA))

    with stub.OnionStub(answer) as tor:
        crawled = place.crawl(tor.socks)
        assert crawled.code == 6, crawled.err
        run = place.run(crawled.run)
        assert (run.state, run.waits_for, run.pid, run.ended_at) == ("waiting", "person", None, None)
        assert "captcha" in run.message
        row = desk.row()
        assert row.state == "captcha"
        assert row.page_id in {page.id for page in place.pages()}
        assert [(row.state, row.failures) for row in place.frontier()] == [("new", 0)]
        desk.open(agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
        assert send_on(place.engine, run_id=crawled.run, now=place.now)
        again = place.crawl(tor.socks, run=crawled.run)
        assert again.code == 0, again.err
        assert len(_users(tor)) == 1  # the same circuit before and after
        agents = {asked.header("User-Agent") for asked in tor.asked if asked.header("Cookie")}
        assert agents == {"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
    assert place.run(crawled.run).state == "done"
    assert desk.row().state == "ok"
    assert {row.state for row in place.frontier()} == {"done"}
    stored = {
        page.url.removeprefix(f"http://{place.onion}") for page in place.pages() if page.kind != "captcha"
    }
    assert stored == stub.market_paths()
    log = place.log(crawled.run)
    told = json.dumps([[page.request_headers, page.response_headers] for page in place.pages()])
    for secret in ("let-me-in", "ana-on-the-port"):
        assert secret not in log
        assert secret not in told


def test_a_session_that_runs_out_midway_calls_a_person_before_the_login_comes(
    place: Any, stub: ModuleType, desk: Desk
) -> None:
    place.write_site(
        pace={"delay": 0.3, "in_flight": 1}, patience=QUICK, bounds={"minutes": 2, "depth": 1000}
    )

    def answer(asked: Any) -> bytes:  # pages without end
        return bytes(
            stub.html("Thing", [f"/p/{int(asked.path.rpartition('/')[2] or 0) + 1}"], text=asked.path)
        )

    desk.open(seconds=20)  # long enough for a crawl process to begin on a busy machine
    with stub.OnionStub(answer) as tor:
        crawled = place.crawl(tor.socks)
        assert {asked.header("Cookie") for asked in tor.asked} == {"pass=let-me-in"}
    assert crawled.code == 6, crawled.err
    assert "the session has run out" in place.run(crawled.run).message
    assert {page.kind for page in place.pages()} == {"home", "listing"}
    assert {(row.state, row.failures) for row in place.frontier()} == {("done", 0), ("new", 0)}
    assert (desk.row().state, desk.row().message) == ("login", "the session has run out")


def test_a_login_in_the_middle_of_the_crawl_harms_no_row(place: Any, stub: ModuleType) -> None:
    place.write_site(pace={"delay": 0, "in_flight": 1}, patience=QUICK)

    def answer(asked: Any) -> bytes:
        return bytes(stub.reply(LOGIN) if len(tor.asked) > 8 else stub.market(asked))

    with stub.OnionStub(answer) as tor:
        crawled = place.crawl(tor.socks)
        assert crawled.code == 6
        assert len(tor.asked) == 8 + 3
    rows = place.frontier()
    assert sum(row.state == "done" for row in rows) == 8
    assert {(row.state, row.failures) for row in rows if row.state != "done"} == {("new", 0)}
    assert [page.kind for page in place.pages()][-3:] == ["login"] * 3
    assert [(issue.kind, issue.level) for issue in place.issues() if issue.kind.startswith("gate")] == [
        ("gate-login", "fail")
    ]


def test_one_page_behind_a_captcha_among_good_ones_is_given_up_and_stops_nothing(
    place: Any, stub: ModuleType
) -> None:
    place.write_site(pace={"delay": 0, "in_flight": 1}, patience=QUICK)
    with stub.OnionStub(lambda a: stub.reply(CAPTCHA) if a.path == "/p/1" else stub.market(a)) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 0, crawled.err
    failed = {row.url.rpartition("/")[2] for row in place.frontier() if row.state == "failed"}
    assert failed == {"1"}


def _small_market(stub: ModuleType, asked: Any) -> bytes:
    """Six ads: a crawl that was told to slow down does so for the rest of its way."""
    return bytes(stub.html(asked.path, [f"/p/{number}" for number in range(6)] if asked.path == "/" else []))


@pytest.mark.parametrize(
    "barred",
    [
        ("429 Too Many Requests", "", ()),
        ("200 OK", '<meta http-equiv="refresh" content="0"><p>You are in the queue</p>', ()),
        ("200 OK", LOGIN, ()),
        ("403 Forbidden", "<p>No.</p>", ()),
    ],
    ids=["limited", "queue", "login", "refused"],
)
@pytest.mark.parametrize("path", ["/p/3", "/barred-start"])
def test_one_page_barred_for_ever_keeps_no_sweep_open(
    place: Any, stub: ModuleType, barred: tuple[str, str, tuple[str, ...]], path: str
) -> None:
    place.write_site(pace={"delay": 0, "in_flight": 2}, patience=QUICK, start=["/", "/barred-start"])
    status, body, more = barred

    def answer(asked: Any) -> bytes:
        if asked.path == path:
            return bytes(stub.reply(body, status=status, more=more))
        if "429" in status:  # after which all goes slowly
            return _small_market(stub, asked)
        return bytes(stub.market(asked) if asked.path != "/barred-start" else stub.html("Start"))

    with stub.OnionStub(answer) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 0, crawled.err
    states = {row.url.partition(".onion")[2]: row.state for row in place.frontier()}
    assert states.pop(path) == "failed"
    assert set(states.values()) == {"done"}


def test_a_limit_is_waited_out_as_long_as_it_asks_on_the_same_circuit(place: Any, stub: ModuleType) -> None:
    times: list[float] = []

    def answer(asked: Any) -> bytes:
        times.append(time.monotonic())
        if len(times) in (3, 4):
            return bytes(stub.reply("", status="429 Too Many Requests", more=("Retry-After: 2",)))
        return _small_market(stub, asked)

    place.write_site(pace={"delay": 0, "in_flight": 1})
    with stub.OnionStub(answer) as tor:
        crawled = place.crawl(tor.socks)
        assert crawled.code == 0, crawled.err
        assert len(_users(tor)) == 1
    assert min(times[3] - times[2], times[4] - times[3]) >= 2
    assert {row.state for row in place.frontier()} == {"done"}
    assert {row.failures for row in place.frontier()} == {0}
    assert "the site says we ask too often" in place.log(crawled.run)


def test_a_seized_site_is_left_alone_until_a_person_asks(place: Any, stub: ModuleType, desk: Desk) -> None:
    banner = "<h1>THIS HIDDEN SITE HAS BEEN SEIZED</h1><p>by the police of Old Harbour and Europol</p>"
    with stub.OnionStub(lambda asked: stub.reply(banner)) as tor:
        crawled = place.crawl(tor.socks)
        assert crawled.code == 3
        assert len(tor.asked) == 1
        assert "A person should look" in place.run(crawled.run).message
        (issue,) = place.issues()
        assert (issue.kind, issue.level) == ("gate-seized", "fail")
        assert desk.row().state == "seized"
        scheduled = create_run(
            place.engine, verb="crawl", site_id=place.site_id, by="ana", reason="schedule daily", settings={}, now=place.now
        )  # fmt: skip
        left = place.crawl(tor.socks, run=scheduled)
        assert left.code == 3
        assert "nothing was fetched" in place.run(scheduled).message
        assert len(tor.asked) == 1
    with stub.OnionStub(stub.market) as tor:
        assert place.crawl(tor.socks).code == 0
    assert desk.row().state == "ok"
    assert {page.url for page in place.pages() if page.kind == "home"} == {f"http://{place.onion}/"}


def test_pages_without_the_marks_of_the_site_file_call_a_person_in_the_end(
    place: Any, stub: ModuleType, desk: Desk
) -> None:
    place.write_site(
        pace={"delay": 0, "in_flight": 1}, patience=QUICK, marks={"listing": {"require": ["h1"], "forbid": [".wall"]}}
    )  # fmt: skip

    def answer(asked: Any) -> bytes:
        if asked.path.startswith("/p/"):
            return bytes(stub.reply("<p>OK, that is all that you will get to see from us today.</p>"))
        return bytes(stub.market(asked))

    with stub.OnionStub(answer) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 6, crawled.err
    assert "it has no h1" in place.run(crawled.run).message
    assert desk.row().state == "unknown"
    assert {page.kind for page in place.pages() if "/p/" in page.url} == {"unknown"}
    assert not [row for row in place.frontier() if "/p/" in row.url and row.state == "done"]


def test_a_wish_to_slow_down_is_heeded_within_seconds(place: Any, stub: ModuleType) -> None:
    place.write_site(pace={"delay": 0.2, "jitter": 0, "in_flight": 1})
    times: list[float] = []

    def answer(asked: Any) -> bytes:
        times.append(time.monotonic())
        return bytes(stub.market(asked))

    with stub.OnionStub(answer) as tor:
        run = place.new_run()
        process = place.start(run, tor.socks)
        _wait_for(lambda: len(times) > 3)
        wish_run(place.engine, run_id=run, wish="slow", factor=50, by="ana", now=place.now)
        wished = time.monotonic()
        _wait_for(lambda: "as asked by a person" in place.log(run))
        heeded = time.monotonic()
        time.sleep(
            3
        )  # nothing may happen for ten seconds: a window in which it does not is what can be watched
        wish_run(place.engine, run_id=run, wish="cancel", by="ana", now=place.now)
        process.communicate(timeout=60)
    assert heeded - wished < 10
    assert sum(at > heeded for at in times) <= 1
    assert process.returncode == 4


def test_what_the_site_renews_is_sealed_for_the_next_run(place: Any, stub: ModuleType, desk: Desk) -> None:
    desk.open(value="old")

    def answer(asked: Any) -> bytes:
        page = bytes(stub.market(asked))
        return page.replace(b"\r\n\r\n", b"\r\nSet-Cookie: pass=new; HttpOnly; Secure\r\n\r\n", 1)

    before = desk.row()
    with stub.OnionStub(answer) as tor:
        crawled = place.crawl(tor.socks)
        assert crawled.code == 0, crawled.err
        assert tor.asked[0].header("Cookie") == "pass=old"
        assert tor.asked[-1].header("Cookie") == "pass=new"
        assert desk.cookies() == {"pass": "new"}
        asked = len(tor.asked)
        assert place.crawl(tor.socks).code == 0
        assert tor.asked[asked].header("Cookie") == "pass=new"
        assert len(_users(tor)) == 1  # an open session keeps its circuit over runs and sweeps
    after = desk.row()
    assert (after.opened_at, after.circuit) == (before.opened_at, before.circuit)
    assert before.expires_at is not None
    assert after.expires_at is not None
    assert after.expires_at > before.expires_at  # the site gave the session's own cookie a new value


def test_a_new_sweep_without_a_session_begins_as_somebody_else(place: Any, stub: ModuleType) -> None:
    with stub.OnionStub(stub.market) as tor:
        place.write_site(bounds={"pages": 3})
        assert place.crawl(tor.socks).code == 3
        place.write_site()
        assert place.crawl(tor.socks).code == 0  # it goes on with the sweep, on its circuit
        assert len(_users(tor)) == 1
        assert place.crawl(tor.socks).code == 0
        assert len(_users(tor)) == 2


def test_a_site_for_members_only_is_not_asked_without_a_session(place: Any, stub: ModuleType) -> None:
    place.write_site(session={"accounts": True})
    with stub.OnionStub(stub.market) as tor:
        crawled = place.crawl(tor.socks)
        assert tor.asked == []
    assert crawled.code == 6
    assert "no session is open" in place.run(crawled.run).message


def test_an_open_session_without_its_key_fetches_nothing(place: Any, stub: ModuleType, desk: Desk) -> None:
    desk.open()
    desk.key_file.unlink()
    with stub.OnionStub(stub.market) as tor:
        crawled = place.crawl(tor.socks)
        assert tor.asked == []
    assert crawled.code == 1
    assert "There is no key file" in place.run(crawled.run).message


def test_a_denied_page_is_refused_and_its_links_are_never_read(place: Any, stub: ModuleType) -> None:
    add_entry(place.data / "deny.yml", section="terms", text="gravelstone")

    def answer(asked: Any) -> bytes:
        if asked.path == "/":
            return bytes(stub.html("Home", ["/p/1", "/p/2"]))
        return bytes(
            stub.html("Bad", ["/trap"], text="gravelstone") if asked.path == "/p/1" else stub.html("Good")
        )

    with stub.OnionStub(answer) as tor:
        crawled = place.crawl(tor.socks)
        assert crawled.code == 0, crawled.err
        assert {asked.path for asked in tor.asked} == {"/", "/p/1", "/p/2"}
    states = {row.url.partition(".onion")[2]: row.state for row in place.frontier()}
    assert states == {"/": "done", "/p/1": "refused", "/p/2": "done"}
    assert any(issue.kind == "denied" and re.search("term 1", issue.message) for issue in place.issues())


def test_a_deny_list_that_breaks_during_the_run_stops_it(place: Any, stub: ModuleType) -> None:
    def answer(asked: Any) -> bytes:
        if asked.path == "/":
            (place.data / "deny.yml").write_text("terms: [")
        return bytes(stub.market(asked))

    with stub.OnionStub(answer) as tor:
        crawled = place.crawl(tor.socks)
        assert [asked.path for asked in tor.asked] == ["/"]
    assert crawled.code == 1
    assert "deny.yml" in place.run(crawled.run).message


def test_a_run_ended_by_hand_while_it_waits_stays_ended(place: Any, stub: ModuleType) -> None:
    with stub.OnionStub(lambda asked: stub.reply(CAPTCHA)) as tor:
        crawled = place.crawl(tor.socks)
        end_run(place.engine, run_id=crawled.run, state="cancelled", message="", now=place.now)
        assert place.crawl(tor.socks, run=crawled.run).code == 1
        with transaction(place.engine):
            assert place.run(crawled.run).state == "cancelled"
