"""One machine with SQLite alone: its worker, or all of `tuskwatch serve`, is killed and started again, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.fleet.drill import make_plan, open_field, run_drill  # noqa: E402
from benchmarks.fleet.machine import find_children, read_words  # noqa: E402
from benchmarks.fleet.market import Served, make_markets  # noqa: E402
from benchmarks.fleet.verdict import judge  # noqa: E402
from jobs.places import Places  # noqa: E402
from jobs.rules import Rules  # noqa: E402
from jobs.runs import start_crawl  # noqa: E402
from jobs.schedules import add_schedule  # noqa: E402
from storage.engine import open_engine, reading, transaction  # noqa: E402
from storage.tables import Run, Schedule  # noqa: E402

OVER = ("done", "failed", "cancelled", "lost")


@pytest.mark.timeout(600)
def test_a_worker_that_is_killed_and_frozen_on_sqlite_loses_nothing(tmp_path: Path) -> None:
    kinds = ("kill all", "kill worker", "freeze")
    plan = make_plan(seed=4, machines=1, seconds=24, runs=5, lease=6, every=8, kinds=kinds)
    with ExitStack() as stack:
        markets = make_markets(3, pages=30)
        served = stack.enter_context(Served(markets))
        field = open_field(
            stack,
            base=tmp_path,
            markets=markets,
            machines=1,
            pace={"delay": 0.2, "in_flight": 4, "timeout": 20},
            models=tmp_path / "no-models",
            reads=False,
            served=served,
            sqlite=True,
        )
        evidence = run_drill(field, plan, settle_seconds=200)
    assert {fault.kind for fault in evidence.faults} == set(kinds)
    assert [f"{each.what}: {each.words}" for each in judge(evidence) if not each.good] == []


# --- `tuskwatch serve` ---------------------------------------------------------------------------------------------------


def utc_now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def serving(places: Places, tor: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`tuskwatch serve` as a person starts it. Whatever the block leaves alive is ended."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tuskwatch", "--data", str(places.data), "serve", "--port", "0"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=places.data,
        start_new_session=True,
        env={
            **os.environ,
            "TUSKWATCH_TOR_BINARY": str(tor),
            "TUSKWATCH_CRAWLS": "1",
            "TUSKWATCH_MODELS": str(places.models),
            "XDG_CONFIG_HOME": str(places.data.parent / "config"),
        },
    )
    family: list[int] = []
    try:
        yield process
        family = find_children(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in family:
            if any(str(places.data.parent) in word for word in read_words(pid)):
                os.kill(pid, signal.SIGKILL)


def wait_until(done: Callable[[], object], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def read_runs(engine: Engine) -> list[Run]:
    with reading(engine) as session:
        return list(session.scalars(select(Run).order_by(Run.id)))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("whole", [True, False], ids=["serve and its worker", "serve alone"])
def test_serve_that_is_killed_goes_on_and_treats_missed_times_by_their_rules(
    places: Places, add_site: Callable[[Path, str], None], whole: bool
) -> None:
    rules = ("once", "all", "none")
    half_an_hour_ago = (utc_now() - timedelta(minutes=30)).replace(second=0, microsecond=0)
    for rule in rules:
        add_site(places.data, f"kept-{rule}")
        add_schedule(
            places, site=f"kept-{rule}", cron=f"{half_an_hour_ago.minute} * * * *", tz="UTC", by="ana", now=utc_now(),
            rules=Rules(missed=rule, overlap="queue"),
        )  # fmt: skip
    slow = places.data.parent / "slow-tor"
    slow.write_text("#!/bin/sh\nexec sleep 8\n")
    slow.chmod(0o700)
    for site in ("oldport", "newport"):
        start_crawl(places, site, by="ana", reason="by hand", now=utc_now())
    engine = open_engine(places.database_url)
    with serving(places, slow) as serve:
        wait_until(lambda: any(run.state != "queued" for run in read_runs(engine)))
        family = find_children(serve.pid)
        serve.kill()
        serve.wait()
        for pid in family if whole else []:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(read_words(pid) for pid in family))
    (queued,) = [run.id for run in read_runs(engine) if run.state == "queued"]
    (running,) = [run.id for run in read_runs(engine) if run.id != queued]
    with transaction(engine) as session:  # three hours pass, with a time to be kept in each
        past = half_an_hour_ago - timedelta(hours=2)
        session.execute(update(Schedule).values(next_at=past, due_at=past))

    # Killed with its worker, the run is taken over. A worker that notices its parent's end ends its run itself, in words.
    followers = 1 if whole else 0
    with serving(replace(places, tor_binary="/nowhere/tor"), Path("/nowhere/tor")):
        wait_until(
            lambda: (
                len(read_runs(engine)) >= 6 + followers
                and all(run.state in OVER for run in read_runs(engine))
            )
        )
    runs = {run.id: run for run in read_runs(engine)}
    engine.dispose()
    asked = {rule: sum(run.schedule == f"kept-{rule}" for run in runs.values()) for rule in rules}
    assert asked == {"once": 1, "all": 3, "none": 0}
    # Without a Tor each comes to the same end; none was left where it stood.
    assert runs[running].state == "lost" if whole else runs[running].state in ("lost", "failed")
    assert runs[queued].state == "failed"
    then = [(run.state, run.sweep_id) for run in runs.values() if run.retry_of == running]
    assert then == [("failed", runs[running].sweep_id)] * followers
    assert len(runs) == 2 + followers + 4
