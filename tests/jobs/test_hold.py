"""A worker's own Tor is kept while a person needs its circuits, and not for the dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from jobs.errors import JobError
from jobs.hold import find_ready_tor, hold_tor, is_tor_wanted
from jobs.places import Places, dump_places
from jobs.presence import announce
from jobs.runs import start_crawl
from storage.engine import open_engine
from storage.runs import end_run, start_run, wait_run_for

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
REPOSITORY = Path(__file__).parent.parent.parent


@pytest.fixture
def engine(places: Places) -> Iterator[Engine]:
    engine = open_engine(places.database_url)
    yield engine
    engine.dispose()


def test_nobody_wants_it_when_nothing_waits(places: Places, engine: Engine) -> None:
    assert not is_tor_wanted(places, engine)


def test_it_is_kept_for_as_long_as_somebody_holds_it(places: Places, engine: Engine) -> None:
    with hold_tor(places):
        with hold_tor(places):
            assert is_tor_wanted(places, engine)
        assert is_tor_wanted(places, engine)
    assert not is_tor_wanted(places, engine)
    assert list(places.workers.iterdir()) == []


def test_it_is_kept_for_a_run_that_waits_for_a_person(places: Places, engine: Engine) -> None:
    run_id = start_crawl(places, "oldport", by="ana", reason="by hand", now=NOW)
    start_run(engine, run_id=run_id, worker="w", pid=None, now=NOW)
    assert not is_tor_wanted(places, engine)
    wait_run_for(engine, run_id=run_id, what="person", message="captcha", now=NOW)
    assert is_tor_wanted(places, engine)
    end_run(engine, run_id=run_id, state="cancelled", message="", now=NOW)
    assert not is_tor_wanted(places, engine)


def test_a_holder_that_was_killed_holds_nothing(places: Places, engine: Engine) -> None:
    code = (
        "import sys; from jobs.hold import hold_tor; from jobs.places import load_places\n"
        "with hold_tor(load_places(sys.stdin.readline())): print('held', flush=True); sys.stdin.readline()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(dump_places(places) + "\n")
    process.stdin.flush()
    assert process.stdout.readline() == "held\n"
    assert is_tor_wanted(places, engine)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert not is_tor_wanted(places, engine)
    assert list(places.workers.glob("*.hold")) == []


def test_the_port_is_the_one_that_the_worker_names(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.hold.ensure_worker", lambda places: False)
    heard: list[str] = []
    told = threading.Event()

    def hear(words: str) -> None:
        heard.append(words)
        told.set()

    with announce(places, name="worker", now=NOW) as presence:
        presence.beat(tor="connecting, 10 %", now=NOW)

        def get_ready() -> None:
            assert told.wait(60)
            presence.beat(tor="ready on 127.0.0.1:45001", now=NOW)

        thread = threading.Thread(target=get_ready)
        thread.start()
        assert find_ready_tor(places, report=hear) == ("127.0.0.1", 45001)
        thread.join()
    assert heard == ["connecting, 10 %"]


def test_a_tor_that_does_not_come_up_is_not_waited_for(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.hold.ensure_worker", lambda places: False)
    with announce(places, name="worker", now=NOW) as presence:
        presence.beat(tor="could not be opened", now=NOW)
        with pytest.raises(JobError, match=r"could not be opened.*tuskwatch doctor"):
            find_ready_tor(places, stall_seconds=0.5)
