"""A worker's own Tor is kept while a person needs its circuits, and not for the dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.errors import TorError
from jobs.errors import JobError
from jobs.hold import Keeper, find_ready_tor, hold_tor, is_tor_wanted
from jobs.places import Places, dump_places
from jobs.presence import announce

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
REPOSITORY = Path(__file__).parent.parent.parent


def test_nobody_wants_it_when_nothing_waits(places: Places) -> None:
    assert not is_tor_wanted(places)


def test_it_is_kept_for_as_long_as_somebody_holds_it(places: Places) -> None:
    with hold_tor(places):
        with hold_tor(places):
            assert is_tor_wanted(places)
        assert is_tor_wanted(places)
    assert not is_tor_wanted(places)
    assert list(places.workers.iterdir()) == []


def test_a_holder_that_was_killed_holds_nothing(places: Places) -> None:
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
    assert is_tor_wanted(places)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert not is_tor_wanted(places)
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


def test_tor_is_opened_beside_the_other_work_and_once_at_a_time() -> None:
    opened, go = threading.Event(), threading.Event()
    count = []

    def open_tor() -> None:
        count.append(1)
        opened.set()
        assert go.wait(60)

    keeper = Keeper(open_tor)
    keeper.keep()
    assert opened.wait(60)
    keeper.keep()
    keeper.keep()
    go.set()
    assert count == [1]


@pytest.mark.parametrize(("again", "tries"), [(0.0, 2), (3600.0, 1)])
def test_a_tor_that_cannot_be_had_is_tried_again_later(again: float, tries: int) -> None:
    count: list[threading.Thread] = []

    def fail() -> None:
        count.append(threading.current_thread())
        raise TorError("Tor is not installed")

    keeper = Keeper(fail, again_seconds=again)
    keeper.keep()
    while not count:
        threading.Event().wait(0.01)
    count[0].join(60)
    keeper.keep()
    for thread in count[1:]:
        thread.join(60)
    while len(count) < tries:
        threading.Event().wait(0.01)
    assert len(count) == tries
