"""One crawl as one process: a real crawl process which waits for a SOCKS port that never answers."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from crawler.denyfile import DenyError
from jobs.crawling import Crawl, find_orphan, run_crawl
from jobs.places import Places
from jobs.runs import ask_run, find_run, start_crawl
from storage.engine import open_engine, reading
from storage.runs import find_run as find_row


@pytest.fixture
def silent_socks() -> Iterator[str]:
    """A port that takes connections and says nothing: the crawl is alive, and gets nowhere."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def engine(places: Places) -> Iterator[Engine]:
    engine = open_engine(places.database_url)
    yield engine
    engine.dispose()


def utc_now() -> datetime:
    return datetime.now(UTC)


class Running:
    """run_crawl in a thread, as in a worker."""

    def __init__(self, places: Places, engine: Engine, run_id: int, socks: str) -> None:
        self.engine, self.run_id, self.stop = engine, run_id, threading.Event()
        self.result: Crawl | None = None

        def work() -> None:
            self.result = run_crawl(places, engine, run_id=run_id, socks=socks, stop=self.stop, clock=utc_now)

        self.thread = threading.Thread(target=work)
        self.thread.start()

    def wait_for_pid(self) -> int:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with reading(self.engine) as session:
                run = find_row(session, self.run_id)
                assert run is not None
                if run.state == "running" and run.pid is not None:
                    return run.pid
            self.thread.join(0.1)
        raise AssertionError("the crawl process did not come up")

    def end(self) -> Crawl:
        self.thread.join(60)
        assert self.result is not None
        return self.result


def _start(places: Places) -> int:
    return start_crawl(places, "oldport", by="ana", reason="by hand", now=utc_now())


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_killed_crawl_is_lost_and_the_next_run_takes_over_its_sweep(
    places: Places, engine: Engine, silent_socks: str
) -> None:
    run_id = _start(places)
    running = Running(places, engine, run_id, silent_socks)
    pid = running.wait_for_pid()
    assert find_orphan(run_id, pid) == pid
    os.kill(pid, signal.SIGKILL)
    assert running.end().state == "lost"
    first = find_run(engine, run_id)
    assert (first.state, "SIGKILL" in first.message) == ("lost", True)
    second = find_run(engine, _start(places))
    assert (second.id, second.sweep_id) == (run_id + 1, first.sweep_id)


def test_a_worker_that_stops_ends_the_crawl_and_says_so(
    places: Places, engine: Engine, silent_socks: str
) -> None:
    run_id = _start(places)
    running = Running(places, engine, run_id, silent_socks)
    pid = running.wait_for_pid()
    running.stop.set()
    assert running.end().state == "lost"
    assert not _is_alive(pid)
    assert find_run(engine, run_id).message.startswith("The worker was stopped.")


@pytest.mark.parametrize(("wish", "state"), [("pause", "paused"), ("cancel", "cancelled")])
def test_a_running_crawl_follows_what_a_person_asks(
    places: Places, engine: Engine, silent_socks: str, wish: str, state: str
) -> None:
    run_id = _start(places)
    running = Running(places, engine, run_id, silent_socks)
    running.wait_for_pid()
    ask_run(places, run_id, wish, by="ana", now=utc_now())
    assert running.end().state == state
    assert find_run(engine, run_id).state == state


def test_a_crawl_process_gets_nothing_of_our_environment(
    places: Places, engine: Engine, silent_socks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:3128")
    monkeypatch.setenv("SOME_TOKEN", "secret")
    places = replace(places, key_file=places.data.parent / "keys" / "key")
    running = Running(places, engine, _start(places), silent_socks)
    pid = running.wait_for_pid()
    with Path(f"/proc/{pid}/environ").open("rb") as file:
        names = {line.split(b"=", 1)[0].decode() for line in file.read().split(b"\0") if line}
    running.stop.set()
    running.end()
    assert names == {
        "PATH", "LANG", "PYTHONUTF8", "TUSKWATCH_DATA", "TUSKWATCH_DATABASE_URL", "TUSKWATCH_SOCKS",
        "TUSKWATCH_KEY_FILE",
    }  # fmt: skip


def test_find_orphan_never_names_another_process() -> None:
    assert find_orphan(1, os.getpid()) is None
    assert find_orphan(1, None) is None


def test_without_a_deny_list_no_crawl_begins(places: Places, engine: Engine, silent_socks: str) -> None:
    run_id = _start(places)
    (places.data / "deny.yml").unlink()
    with pytest.raises(DenyError, match=r"There is no deny list.*tuskwatch init"):
        run_crawl(places, engine, run_id=run_id, socks=silent_socks, stop=threading.Event(), clock=utc_now)


@pytest.mark.parametrize("damage", ["terms: [", None])
def test_a_crawl_ends_when_its_deny_list_goes_bad(
    places: Places, engine: Engine, silent_socks: str, damage: str | None
) -> None:
    run_id = _start(places)
    running = Running(places, engine, run_id, silent_socks)
    pid = running.wait_for_pid()
    began = time.monotonic()
    if damage is None:
        (places.data / "deny.yml").unlink()
    else:
        (places.data / "deny.yml").write_text(damage)
    crawl = running.end()
    assert time.monotonic() - began < 20
    assert crawl.state == "failed"
    assert "nothing is fetched" in find_run(engine, run_id).message
    assert not _is_alive(pid)
