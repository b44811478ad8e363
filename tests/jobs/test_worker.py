"""A real worker in a process of its own, without a Tor: runs fail in words, schedules fire, nobody outside is contacted."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobs.child import COMMAND, ensure_worker, tied_worker
from jobs.engine import open_client
from jobs.errors import BusyError, JobError, UsageError
from jobs.places import Places, dump_places
from jobs.presence import find_workers, worker_alive
from jobs.recovery import recover_runs
from jobs.runs import RunView, ask_run, find_run, start_crawl, view_runs, wait_run
from jobs.schedules import add_schedule, find_schedules, pause_schedule
from jobs.worker import wait_for_database
from storage.engine import open_engine, reading
from storage.issues import find_issues
from storage.runs import find_run as find_row
from storage.runs import set_run, start_run


def utc_now() -> datetime:
    return datetime.now(UTC)


def crawl(places: Places, site: str = "oldport", reason: str = "by hand") -> int:
    return start_crawl(places, site, by="ana", reason=reason, now=utc_now())


def wait_until(done: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def all_runs(places: Places) -> list[RunView]:
    engine = open_engine(places.database_url)
    with reading(engine) as session:
        views = view_runs(session, limit=1000)
    engine.dispose()
    return views


def show(places: Places, run_id: int) -> RunView:
    return next(view for view in all_runs(places) if view.id == run_id)


def test_without_tor_a_run_fails_and_says_what_to_do(places: Places) -> None:
    with tied_worker(places):
        (view,) = wait_run(places, [crawl(places)], timeout=60)
    assert view.state == "failed"
    assert "Tor is not installed" in view.message
    assert find_workers(places) == []


def test_a_worker_that_is_told_to_end_while_its_tor_starts_leaves_the_run_to_the_next(
    places: Places, tmp_path: Path
) -> None:
    mute = tmp_path / "tor"
    mute.write_text(f"#!/bin/sh\ntouch {tmp_path}/begun\nexec sleep 600\n")
    mute.chmod(0o700)
    run_id = crawl(places)
    with tied_worker(replace(places, tor_binary=str(mute))):
        wait_until(lambda: (tmp_path / "begun").exists())
    view = show(places, run_id)
    assert (view.state, view.message.split(".")[0]) == ("lost", "The worker ended while its Tor started")
    engine = open_engine(places.database_url)
    with reading(engine) as session:
        row = find_row(session, run_id)
    engine.dispose()
    assert row is not None
    assert row.settings["again"] == "worker"


def test_one_run_of_a_site_at_a_time(places: Places) -> None:
    crawl(places)
    with pytest.raises(BusyError, match="oldport is being crawled already: run 1 is queued"):
        crawl(places)
    crawl(places, "newport")


def test_a_queued_run_is_cancelled_at_once_and_never_runs(places: Places) -> None:
    run_id = crawl(places)
    assert ask_run(places, run_id, "cancel", by="ana", now=utc_now()) == "cancelled"
    with tied_worker(places):
        (view,) = wait_run(places, [run_id], timeout=60)
    assert (view.state, view.started_at) == ("cancelled", None)


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [("resume", "not paused: there is nothing to resume"), ("stop", "cannot be asked of a run")],
)
def test_what_cannot_be_asked_is_refused_in_words(places: Places, wish: str, sentence: str) -> None:
    run_id = crawl(places)
    with pytest.raises(UsageError, match=sentence):
        ask_run(places, run_id, wish, by="ana", now=utc_now())


def test_a_schedule_fires_and_its_run_says_so(places: Places) -> None:
    with tied_worker(places):
        add_schedule(places, site="oldport", cron="* * * * * *", tz="Asia/Singapore", by="ana", now=utc_now())
        wait_until(lambda: bool(all_runs(places)))
        (info,) = find_schedules(places, now=utc_now())
        wait_until(lambda: find_schedules(places, now=utc_now())[0].last is not None)
        pause_schedule(places, info.name, now=utc_now())
    first = all_runs(places)[-1]
    assert (first.site, first.by, first.reason, first.verb) == ("oldport", "ana", "schedule oldport", "crawl")


def test_a_schedule_leaves_a_busy_site_alone_and_an_issue_says_so(places: Places) -> None:
    run_id = crawl(places)
    engine = open_engine(places.database_url)
    with tied_worker(places):
        wait_run(places, [run_id], timeout=60)
        # A run of another machine, alive: this worker has no part in it.
        other = crawl(places)
        start_run(engine, run_id=other, worker="elsewhere-worker-1-abcdef", pid=None, now=utc_now())
        add_schedule(places, site="oldport", cron="* * * * * *", tz="UTC", by="ana", now=utc_now())

        def issues() -> list[str]:
            set_run(engine, run_id=other, state="running", message="", now=utc_now())
            with reading(engine) as session:
                return [issue.message for issue in find_issues(session)]

        wait_until(lambda: bool(issues()))
        assert issues() == [
            'Schedule "oldport" fired and nothing was crawled: the site was still being crawled'
        ]
    engine.dispose()
    assert len(all_runs(places)) == 2


def test_ensure_worker_starts_one_that_ends_by_itself(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.child.LINGER_SECONDS", 1.0)
    assert ensure_worker(places) is True
    assert ensure_worker(places) is False
    wait_until(lambda: not worker_alive(places))


def test_runs_of_a_killed_worker_are_lost_and_taken_over_once(places: Places) -> None:
    # Its "tor" never says anything, which keeps the run waiting.
    worker = subprocess.Popen(
        [*COMMAND, "worker", "0"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    assert worker.stdin is not None
    slow = replace(places, tor_binary=str(_slow_tor(places.data)))
    with worker.stdin:
        worker.stdin.write(dump_places(slow).encode() + b"\n")
        worker.stdin.flush()
        run_id = start_crawl(
            places, "oldport", by="ana", reason="by hand", now=utc_now(), account_key="a" * 64, plan="known"
        )
        wait_until(lambda: show(places, run_id).state in ("running", "waiting"))
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
    with tied_worker(places):
        wait_until(lambda: len(all_runs(places)) == 2)
        wait_run(places, [run_id + 1], timeout=60)
    assert show(places, run_id).state == "lost"
    follower = show(places, run_id + 1)
    assert (follower.reason, follower.sweep_id) == (f"takes over run {run_id}", show(places, run_id).sweep_id)
    engine = open_engine(places.database_url)
    with reading(engine) as session:
        row = find_row(session, run_id + 1)
    engine.dispose()
    assert row is not None
    assert (row.plan, row.settings["account"]) == ("known", "a" * 64)
    # The follower failed for want of a Tor. It is over, and nothing follows it.
    assert follower.state == "failed"
    assert len(all_runs(places)) == 2


def _slow_tor(folder: Path) -> Path:
    program = folder / "slow-tor"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o700)
    return program


def test_a_run_of_a_living_worker_is_left_alone(places: Places) -> None:
    run_id = crawl(places)
    engine = open_engine(places.database_url)
    start_run(engine, run_id=run_id, worker="elsewhere-worker-1-abcdef", pid=None, now=utc_now())
    with open_client(places) as client:
        assert recover_runs(places, engine, client, now=utc_now()) == []
    assert find_run(engine, run_id).state == "running"
    engine.dispose()


def test_a_worker_contacts_nobody(places: Places, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    run_id = crawl(places)
    process = subprocess.Popen(
        ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,bind", "-o", str(trace), *COMMAND, "worker", "0", "tied"],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdin is not None
    with process.stdin:
        process.stdin.write(dump_places(places).encode() + b"\n")
        process.stdin.flush()
        wait_until(lambda: show(places, run_id).state == "failed", seconds=120)
    process.wait(60)
    calls = re.findall(r"\b(?:connect|sendto|sendmsg|bind)\(.*", trace.read_text())
    assert [call for call in calls if "AF_INET" in call] == []


def test_the_worker_is_started_with_this_python() -> None:
    assert COMMAND[0] == sys.executable


def test_a_worker_waits_for_a_database_that_is_not_up_yet_and_says_so_in_the_end() -> None:
    engine = open_engine("postgresql+psycopg://nobody@127.0.0.1:9/nothing")
    with pytest.raises(JobError, match="The database does not answer"):
        wait_for_database(engine, stop=threading.Event(), seconds=0)
    engine.dispose()
