"""Needs become notices, notices go out: at once or in batches, in quiet hours or not, and again where it failed."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from jobs import fleetneeds, notices
from jobs.errors import UsageError
from jobs.needs import find_needs
from jobs.noticecheck import check_channels
from jobs.notices import SendCounts, gather_notices, is_quiet, send_notices, send_test
from jobs.noticesettings import Quiet
from jobs.noticewire import WireError
from jobs.places import Places
from storage.engine import open_engine, reading, upgrade
from storage.issues import raise_issue
from storage.mirrors import propose_addresses
from storage.notices import find_notices, take_notices
from storage.reports import store_report
from storage.runs import create_run, end_run, start_run, wait_run_for
from storage.sites import register_site

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ONION = "b" * 56 + ".onion"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Engine]]:
    """A database as it is made, and one engine for all tests: it keeps the statements that it has compiled."""
    folder = tmp_path_factory.mktemp("shared")
    upgrade(f"sqlite:///{folder}/pattern.db")
    engine = open_engine(f"sqlite:///{folder}/data/tuskwatch.db")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    yield folder, engine
    engine.dispose()


@pytest.fixture
def places(shared: tuple[Path, Engine]) -> Places:
    """A data folder that is new in each test, at the same place."""
    folder, engine = shared
    engine.dispose()
    data = folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    shutil.copy(folder / "pattern.db", data / "tuskwatch.db")
    return Places(data=data, database_url=f"sqlite:///{data}/tuskwatch.db", engine_url="", models=folder)


@pytest.fixture
def engine(shared: tuple[Path, Engine], places: Places, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(
        fleetneeds, "_find_disks", lambda *given: []
    )  # this machine's own disk is no part of it
    return shared[1]


class Hook:
    """A web server on loopback that takes notices. status: what it answers next."""

    def __init__(self) -> None:
        hook = self
        self.status = 204
        self.got: list[dict[str, Any]] = []

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *given: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def texts(self) -> list[list[str]]:
        return [[notice["text"] for notice in body["notices"]] for body in self.got]


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.close()


@pytest.fixture
def write(places: Places, hook: Hook) -> Callable[[str], None]:
    """Writes notices.yml with a webhook to `hook`, and whatever lines it is given beside."""

    def write(more: str = "", rest: str = "") -> None:
        path = places.data / "notices.yml"
        path.write_text(
            f"webhook:\n  url: {hook.url}\n" + "".join(f"  {line}\n" for line in more.splitlines()) + rest
        )
        path.chmod(0o600)

    return write


def add_site(engine: Engine, at: datetime) -> int:
    return register_site(
        engine, name="oldport", title="Old <b>Port", config_sha256="0", onions=[ONION], now=at
    )


def add_gate(engine: Engine, site: int, at: datetime) -> int:
    run_id = create_run(
        engine, verb="crawl", site_id=site, by="grey_heron", reason="by hand", settings={}, now=at
    )
    start_run(engine, run_id=run_id, worker="w", pid=1, now=at)
    words = f"captcha: Ivory tusk at http://{ONION}/p\r\nBcc: thief@example.org ask @grey_heron"
    wait_run_for(engine, run_id=run_id, what="person", message=words, now=at)
    return run_id


def add_failure(engine: Engine, site: int, at: datetime) -> int:
    run_id = create_run(engine, verb="extract", site_id=site, by="ana", reason="", settings={}, now=at)
    end_run(engine, run_id=run_id, state="failed", message="no", now=at)
    return run_id


def rows(engine: Engine, channel: str = "webhook") -> list[tuple[str, str]]:
    with reading(engine) as session:
        return [(row.subject, row.state) for row in reversed(find_notices(session, channel=channel))]


def test_without_a_file_nobody_is_told(engine: Engine, places: Places, now: datetime) -> None:
    add_gate(engine, add_site(engine, now), now)
    assert gather_notices(places, engine, now=now) == 0
    assert send_notices(places, engine, now=now) == SendCounts()
    assert rows(engine) == []


def test_a_need_is_told_once_and_only_by_its_number(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any
) -> None:
    write()
    run_id = add_gate(engine, add_site(engine, now), now)
    assert gather_notices(places, engine, now=now) == 1
    assert send_notices(places, engine, now=now) == SendCounts(sent=1)
    for later in (MINUTE, HOUR, DAY):
        assert gather_notices(places, engine, now=now + later) == 0
        assert send_notices(places, engine, now=now + later) == SendCounts()
    (body,) = hook.got
    assert body["notices"] == [
        {
            "id": 1, "kind": "gate", "level": "now", "subject": f"run {run_id}", "text": f"run {run_id} of site 1 waits for a person",
            "raised_at": now.isoformat(),
        }
    ]  # fmt: skip
    said = json.dumps(body).lower()
    assert [word for word in ("ivory", "onion", "heron", "thief", "oldport", "old <b>") if word in said] == []


def test_what_is_allowed_goes_out_and_no_line_more(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any
) -> None:
    write("allow: [site_names, ad_text, accounts]")
    add_gate(engine, add_site(engine, now), now)
    gather_notices(places, engine, now=now)
    send_notices(places, engine, now=now)
    (text,) = hook.texts[0]
    assert text.startswith(
        "run 1 of site 1 (oldport) waits for a person: captcha: Ivory tusk at (address) Bcc:"
    )
    assert "onion" not in text


def test_what_was_allowed_when_it_was_written_and_is_no_more_stays_here(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any
) -> None:
    write("allow: [addresses, ad_text, accounts]")
    add_gate(engine, add_site(engine, now), now)
    gather_notices(places, engine, now=now)
    write()
    send_notices(places, engine, now=now)
    assert "onion" not in hook.texts[0][0]


def test_what_is_over_is_not_sent(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any
) -> None:
    write()
    run_id = add_gate(engine, add_site(engine, now), now)
    gather_notices(places, engine, now=now)
    end_run(engine, run_id=run_id, state="cancelled", message="", now=now)
    gather_notices(places, engine, now=now + MINUTE)
    assert send_notices(places, engine, now=now + MINUTE) == SendCounts()
    assert rows(engine) == [(f"run {run_id}", "dropped")]


def test_a_kind_is_switched_off_for_one_channel(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any
) -> None:
    write(rest="feed: {kinds: {gate: off}}\n")
    site = add_site(engine, now)
    gate, failed = add_gate(engine, site, now), add_failure(engine, site, now)
    gather_notices(places, engine, now=now)
    assert rows(engine) == [(f"run {gate}", "waiting"), (f"run {failed}", "waiting")]
    assert rows(engine, "feed") == [(f"run {failed}", "sent")]
    write("kinds: {gate: off}")
    gather_notices(places, engine, now=now)
    assert rows(engine)[0] == (f"run {gate}", "dropped")


def test_what_a_channel_still_had_goes_with_the_channel(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any
) -> None:
    write()
    add_gate(engine, add_site(engine, now), now)
    hook.status = 500
    gather_notices(places, engine, now=now)
    send_notices(places, engine, now=now)
    (places.data / "notices.yml").write_text("# nobody is told any more\n")
    gather_notices(places, engine, now=now)
    assert rows(engine) == [("run 1", "dropped")]
    assert [need.kind for need in find_needs(engine, places, now=now)] == ["gate"]


def test_two_needs_of_one_site_that_began_together_are_both_told(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any
) -> None:
    write()
    site = add_site(engine, now - 30 * DAY)
    run_id = create_run(engine, verb="crawl", site_id=site, by="ana", reason="", settings={}, now=now)
    for kind in ("drift-kinds", "look-alike", "gate-seized"):
        raise_issue(
            engine, site_id=site, run_id=run_id, page_id=None, kind=kind, level="fail", message="m", now=now
        )
    propose_addresses(engine, site_id=site, found={ONION: "x"}, page_id=1, signed_by="f", now=now)
    gather_notices(places, engine, now=now)
    send_notices(places, engine, now=now)
    told = [(notice["kind"], notice["subject"]) for notice in hook.got[0]["notices"]]
    assert sorted(told) == [
        ("drift", "site 1"), ("issue", "site 1"), ("mirror", "site 1"), ("silent", "site 1")
    ]  # fmt: skip


def test_what_can_wait_is_gathered_into_one(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any
) -> None:
    write("every: 30")
    site = add_site(engine, now)

    def tick(at: datetime) -> None:
        gather_notices(places, engine, now=at)
        send_notices(places, engine, now=at)

    kinds = ["one", "two", "three"]
    for number, kind in enumerate(kinds):
        at = now + number * 5 * MINUTE
        raise_issue(
            engine, site_id=site, run_id=None, page_id=None, kind=kind, level="fail", message="m", now=at
        )
        tick(at)
    assert [len(texts) for texts in hook.texts] == [1]
    tick(now + 29 * MINUTE)
    assert len(hook.got) == 1
    tick(now + 30 * MINUTE)
    assert [len(texts) for texts in hook.texts] == [1, 2]


def test_what_is_urgent_goes_at_once_and_takes_the_rest_along(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any
) -> None:
    write("every: 600")
    site = add_site(engine, now)
    for number, kind in enumerate(["one", "two"]):
        raise_issue(
            engine, site_id=site, run_id=None, page_id=None, kind=kind, level="fail", message="m", now=now
        )
        gather_notices(places, engine, now=now + number * MINUTE)
        send_notices(places, engine, now=now + number * MINUTE)
    add_gate(engine, site, now)
    gather_notices(places, engine, now=now + 2 * MINUTE)
    send_notices(places, engine, now=now + 2 * MINUTE)
    assert [len(texts) for texts in hook.texts] == [1, 2]
    assert {notice["level"] for notice in hook.got[1]["notices"]} == {"now", "later"}


@pytest.mark.parametrize(("urgent", "sent"), [("send", 1), ("wait", 0)])
def test_in_quiet_hours_only_what_is_urgent_is_sent(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any, urgent: str, sent: int
) -> None:
    write(f'quiet: {{from: "11:00", to: "13:00", urgent: {urgent}}}')
    site = add_site(engine, now)
    add_gate(engine, site, now)
    add_failure(engine, site, now)
    gather_notices(places, engine, now=now)
    assert send_notices(places, engine, now=now) == SendCounts(sent=sent)
    assert send_notices(places, engine, now=now + HOUR) == SendCounts(sent=2 - sent)


@pytest.mark.parametrize(
    ("begin", "end", "tz", "quiet"),
    [
        ("22:00", "07:00", "UTC", False), ("22:00", "12:01", "UTC", True), ("12:00", "13:00", "UTC", True),
        ("11:00", "12:00", "UTC", False), ("19:00", "21:00", "Asia/Singapore", True), ("12:00", "13:00", "Asia/Singapore", False),
        ("00:00", "00:00", "UTC", False),
    ],
)  # fmt: skip
def test_quiet_hours_go_by_the_clock_of_their_zone(
    now: datetime, begin: str, end: str, tz: str, quiet: bool
) -> None:
    hours = Quiet.model_validate({"from": begin, "to": end, "tz": tz})
    assert is_quiet(hours, now) == quiet


def test_a_failure_is_tried_again_as_the_same_letter_and_stands_on_the_list(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any
) -> None:
    write()
    site = add_site(engine, now)
    add_gate(engine, site, now)
    add_failure(engine, site, now)
    hook.status = 500
    gather_notices(places, engine, now=now)
    assert send_notices(places, engine, now=now) == SendCounts(failed=2)
    assert send_notices(places, engine, now=now + MINUTE / 2) == SendCounts()
    (need,) = [need for need in find_needs(engine, places, now=now) if need.kind == "notice"]
    assert need.message == "the webhook answered 500"
    assert gather_notices(places, engine, now=now) == 0  # a webhook cannot tell that it is broken
    raise_issue(
        engine, site_id=site, run_id=None, page_id=None, kind="new", level="fail", message="m", now=now
    )
    gather_notices(places, engine, now=now + MINUTE)
    hook.status = 200
    assert send_notices(places, engine, now=now + MINUTE) == SendCounts(sent=2)
    assert send_notices(places, engine, now=now + 2 * MINUTE) == SendCounts(sent=1)
    first, *others = hook.got
    (again,) = [body for body in others if body["id"] == first["id"]]
    assert again["notices"] == first["notices"]
    assert [need for need in find_needs(engine, places, now=now + MINUTE) if need.kind == "notice"] == []


def test_while_a_server_is_away_a_call_meets_it_once_and_nothing_piles_up(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any
) -> None:
    write()
    site = add_site(engine, now)
    hook.status = 503
    add_failure(engine, site, now)
    for minute in range(8):
        at = now + minute * MINUTE
        raise_issue(
            engine,
            site_id=site,
            run_id=None,
            page_id=None,
            kind=f"k{minute}",
            level="fail",
            message="m",
            now=at,
        )
        if minute in (3, 5):
            add_gate(engine, site, at)
        before = len(hook.got)
        gather_notices(places, engine, now=at)
        send_notices(places, engine, now=at)
        assert len(hook.got) - before <= 1
    hook.status = 200
    hook.got.clear()
    for minute in range(90):
        send_notices(places, engine, now=now + HOUR + minute * MINUTE)
    assert sorted(len(texts) for texts in hook.texts) == [2, 2, 3, 4]
    assert {state for _, state in rows(engine)} == {"sent"}


def test_who_dies_while_sending_leaves_the_same_letter_to_another(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write()
    site = add_site(engine, now)
    add_gate(engine, site, now)
    add_failure(engine, site, now)
    gather_notices(places, engine, now=now)

    class Killed(BaseException):
        pass

    def die(*given: Any, **named: Any) -> int:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(notices, "settle_notices", die)
        with pytest.raises(Killed):
            send_notices(places, engine, now=now)
    assert send_notices(places, engine, now=now + MINUTE) == SendCounts()
    assert send_notices(places, engine, now=now + 5 * MINUTE) == SendCounts(sent=2)
    assert hook.got[0]["id"] == hook.got[1]["id"]


def test_another_channel_tells_that_one_is_broken(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any
) -> None:
    write(rest="feed: {}\n")
    add_gate(engine, add_site(engine, now), now)
    hook.status = 503
    gather_notices(places, engine, now=now)
    send_notices(places, engine, now=now)
    gather_notices(places, engine, now=now + MINUTE)
    assert ("channel webhook", "sent") in rows(engine, "feed")
    assert ("channel webhook", "waiting") not in rows(engine)


def test_a_file_that_is_wrong_stops_all_and_says_so(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any
) -> None:
    write()
    add_gate(engine, add_site(engine, now), now)
    gather_notices(places, engine, now=now)
    write("speed: fast")
    assert gather_notices(places, engine, now=now) == 0
    counts = send_notices(places, engine, now=now)
    assert "line 3: webhook.speed" in counts.problem
    assert hook.got == []
    assert rows(engine) == [("run 1", "waiting")]


def test_reports_are_told_and_runs_that_went_well_only_when_asked(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any
) -> None:
    site = add_site(engine, now)
    old = create_run(engine, verb="crawl", site_id=site, by="ana", reason="", settings={}, now=now)
    end_run(engine, run_id=old, state="done", message="", now=now)
    store_report(
        engine, period_from=now - DAY, period_to=now, files={}, figures={}, by="ana", now=now, place=lambda number: "x",
    )  # fmt: skip
    write()
    gather_notices(places, engine, now=now + HOUR)
    assert rows(engine) == [("report 1", "waiting")]
    write("kinds: {run-done: on}")
    gather_notices(places, engine, now=now + HOUR)
    send_notices(places, engine, now=now + HOUR)
    assert hook.texts == [["report 1 is ready", f"run {old} of site {site} is done"]]
    gather_notices(places, engine, now=now + 3 * DAY)
    assert {state for _, state in rows(engine)} == {"sent"}


def test_two_workers_send_each_notice_once(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any
) -> None:
    write()
    site = add_site(engine, now)
    for number in range(20):
        raise_issue(
            engine,
            site_id=site,
            run_id=None,
            page_id=None,
            kind=f"k{number}",
            level="fail",
            message="m",
            now=now,
        )
    gather_notices(places, engine, now=now)
    start = threading.Barrier(3)

    def work() -> None:
        mine = open_engine(places.database_url)
        start.wait()
        send_notices(places, mine, now=now)
        mine.dispose()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [notice["id"] for body in hook.got for notice in body["notices"]]
    assert sorted(ids) == list(range(1, 21))


def test_a_great_heap_goes_out_in_parts(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any
) -> None:
    write()
    site = add_site(engine, now)
    for number in range(120):
        raise_issue(
            engine,
            site_id=site,
            run_id=None,
            page_id=None,
            kind=f"k{number}",
            level="fail",
            message="m",
            now=now,
        )
    gather_notices(places, engine, now=now)
    for minutes in range(3):
        send_notices(places, engine, now=now + minutes * MINUTE)
    assert [len(texts) for texts in hook.texts] == [100, 20]


def test_a_trial_goes_out_at_once_and_is_no_row(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any
) -> None:
    write()
    assert send_test(places, "webhook", now=now) == ""
    assert hook.texts == [["This is a trial: notices arrive here."]]
    assert rows(engine) == []
    hook.status = 401
    with pytest.raises(WireError, match="answered 401"):
        send_test(places, "webhook", now=now)
    with pytest.raises(UsageError, match="no channel mail"):
        send_test(places, "mail", now=now)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("proxy: tor", "SOCKS port is known"),
        ("secret_file: /nowhere/secret", "cannot be read"),
        ("ca_file: /nowhere/ca", ""),
    ],
)
def test_what_a_channel_lacks_is_said_on_its_notices(
    engine: Engine, places: Places, now: datetime, hook: Hook, write: Any, lines: str, says: str
) -> None:
    write(lines)
    add_gate(engine, add_site(engine, now), now)
    gather_notices(places, engine, now=now)
    counts = send_notices(places, engine, now=now)
    assert (counts.sent, counts.failed) == ((0, 1) if says else (1, 0))
    with reading(engine) as session:
        (row,) = find_notices(session)
    assert says in row.error


def test_the_check_says_who_is_told_what(places: Places, hook: Hook, write: Any, now: datetime) -> None:
    assert check_channels(places, now=now) == []
    write("kinds: {gate: off}\nsecret_file: /nowhere/secret", rest="feed: {}\n")
    webhook, feed = check_channels(places, now=now)
    assert "gate" in webhook.not_told
    assert "cannot be read" in webhook.problem
    assert (feed.to, feed.problem) == ("/needs.atom, signed in", "")
    write("kinds: [gate]")
    (wrong,) = check_channels(places, now=now)
    assert "line 3: webhook.kinds" in wrong.problem


def test_taking_nothing_takes_nothing(engine: Engine, now: datetime) -> None:
    assert take_notices(engine, [], now=now) == []
