"""Many workers look at the same schedules at the same moment: each time gets one run, on both databases."""

from __future__ import annotations

import os
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from jobs.clockwork import fire_due
from jobs.places import Places
from jobs.rules import Rules
from jobs.schedules import add_schedule, find_schedules, pause_schedule, resume_schedule
from storage.audit import verify
from storage.engine import open_engine, reading
from storage.runs import end_run
from storage.tables import Run

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOURS = 5
WORKERS = 5


@pytest.fixture
def places(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.setattr("jobs.clockwork.put_on_queue", lambda *given: "")
    return Places(
        data=tmp_path, database_url=url, engine_url=f"sqlite:///{tmp_path}/engine.db", models=tmp_path
    )


def add(places: Places, count: int = 4, **rules: Any) -> None:
    for number in range(count):
        add_schedule(
            places, verb="backup", cron=f"{7 * number} * * * *", tz="UTC", by="ana", now=NOW, name=f"s{number}",
            rules=Rules(overlap="queue", **rules),
        )  # fmt: skip


def read_runs(engine: Engine) -> list[Run]:
    with reading(engine) as session:
        return list(session.scalars(select(Run).order_by(Run.id)))


def test_threads_with_connections_of_their_own(places: Places, engine: Engine) -> None:
    add(places)
    fired: list[int] = []
    for hour in range(HOURS):
        gate = threading.Barrier(WORKERS)

        def work(now: datetime, gate: threading.Barrier = gate) -> None:
            own = open_engine(places.database_url)
            gate.wait(timeout=60)
            fired.extend(fire_due(places, own, now=now))
            own.dispose()

        now = NOW + timedelta(hours=hour, minutes=59)
        threads = [threading.Thread(target=work, args=(now,)) for _ in range(WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=120)
        for run in read_runs(engine):
            if run.state == "queued":
                end_run(engine, run_id=run.id, state="done", message="", now=now)
    # The first hour has one time less: NOW itself is not after it was added.
    times = Counter((run.schedule, run.settings["at"]) for run in read_runs(engine))
    assert set(times.values()) == {1}
    assert len(times) == 4 * HOURS - 1
    assert sorted(fired) == [run.id for run in read_runs(engine)]
    with reading(engine) as session:
        assert verify(session) == []


def test_processes_of_which_some_are_killed(places: Places, engine: Engine) -> None:
    """Each worker goes through the hours by itself; one is killed in the middle of a transaction, one after a commit."""
    add(places, count=3, missed="all")
    children = []
    for number in range(4):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = live(places, number)
            finally:  # a child of a fork ends here, whatever happens to it
                os._exit(code)
        children.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    assert sorted(codes) in (
        [0, 0, 9, 9],
        [0, 0, 0, 9],
        [0, 0, 0, 0],
    )  # who is too late to fire cannot be killed by it
    live(places, 0)  # whoever is left
    times = Counter((run.schedule, run.settings["at"]) for run in read_runs(engine))
    assert set(times.values()) == {1}
    assert len(times) == 3 * HOURS - 1
    with reading(engine) as session:
        assert verify(session) == []
    assert {info.next[0] for info in find_schedules(places, now=NOW + timedelta(hours=HOURS - 1, minutes=59))} == {
        NOW + timedelta(hours=HOURS, minutes=7 * number) for number in range(3)
    }  # fmt: skip


def live(places: Places, number: int) -> int:
    import jobs.asking
    import jobs.clockwork

    if number == 1:
        real = jobs.asking.create_run_in

        def die(*given: Any, **named: Any) -> None:
            real(*given, **named)
            os._exit(9)

        jobs.asking.create_run_in = die  # type: ignore[assignment]
    if number == 2:
        jobs.clockwork.put_on_queue = lambda *given: os._exit(9)  # type: ignore[assignment]
    own = open_engine(places.database_url)
    for hour in range(HOURS):
        fire_due(places, own, now=NOW + timedelta(hours=hour, minutes=59))
    own.dispose()
    return 0


def test_one_that_is_paused_meanwhile_does_not_fire(places: Places, engine: Engine) -> None:
    add(places, count=1)
    pause_schedule(places, "s0", by="bo", now=NOW)
    assert fire_due(places, engine, now=NOW + timedelta(hours=3)) == []
    resume_schedule(places, "s0", by="bo", now=NOW + timedelta(hours=3))
    assert len(fire_due(places, engine, now=NOW + timedelta(hours=4))) == 1
    assert read_runs(engine)[0].due_at == NOW + timedelta(hours=4)
