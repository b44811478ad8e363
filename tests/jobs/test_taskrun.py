"""Tasks by hand, in this process; what the verbs themselves do with a wish; and which period a report has."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

import jobs.taskbeat
import jobs.taskrun
import jobs.taskverbs
from jobs.errors import JobError, UsageError
from jobs.handmark import settle_dead
from jobs.places import Places
from jobs.presence import name_folder
from jobs.taskrun import do_by_hand
from jobs.taskverbs import VERBS, Done, last_period, say_period
from jobs.wishes import ask
from storage.engine import open_engine, reading
from storage.runs import create_run, find_run, find_runs
from storage.tables import Run
from storage.taskruns import BY_HAND, begin_task, claim_task, end_task


@pytest.fixture
def engine(places: Places) -> Iterator[Engine]:
    engine = open_engine(places.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def act(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Done]], None]:
    """Let extract do something else."""

    def put(do: Callable[..., Done]) -> None:
        changed = {**VERBS, "extract": replace(VERBS["extract"], do=do)}
        monkeypatch.setattr(jobs.taskverbs, "VERBS", changed)
        monkeypatch.setattr(jobs.taskbeat, "BEAT_SECONDS", 0.02)

    return put


def last(engine: Engine) -> Run:
    with reading(engine) as session:
        return find_runs(session, limit=1)[0]


def test_what_is_done_by_hand_is_a_run(places: Places, engine: Engine) -> None:
    seen: list[tuple[int, int]] = []
    ended = do_by_hand(places, "extract", by="ana", show=lambda done, total: seen.append((done, total)))
    run = last(engine)
    assert (run.id, run.state, run.by, run.reason) == (ended.run_id, "done", "ana", "by hand")
    assert run.settings[BY_HAND] is True
    assert list(places.workers.glob("*.lock")) == []


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (UsageError("That is not so."), "That is not so."),
        (JobError("x" * 5000), "x" * 1000),
        (OSError(28, "No space left on device", "/d"), "No space left on device: /d. Check the disk"),
        (ZeroDivisionError("by\nzero"), "It broke off: ZeroDivisionError: by"),
    ],
)
def test_an_error_ends_the_run_and_passes_on(
    places: Places, engine: Engine, act: Any, error: Exception, says: str
) -> None:
    def fail(*_: object, **__: object) -> Done:
        raise error

    act(fail)
    with pytest.raises(type(error)):
        do_by_hand(places, "extract", by="ana")
    run = last(engine)
    assert run.state == "failed"
    assert run.message.startswith(says)
    lines = (places.runs / f"{run.id}.log").read_text().splitlines()
    assert json.loads(lines[-1])["event"] == "failed"


def test_control_c_cancels_the_run(places: Places, engine: Engine, act: Any) -> None:
    def interrupt(*_: object, **__: object) -> Done:
        raise KeyboardInterrupt

    act(interrupt)
    with pytest.raises(KeyboardInterrupt):
        do_by_hand(places, "extract", by="ana")
    assert (last(engine).state, last(engine).message.split(".")[0]) == ("cancelled", "Broken off with Ctrl-C")


@pytest.mark.parametrize(("wish", "state"), [("pause", "paused"), ("cancel", "cancelled")])
def test_a_wish_from_elsewhere_ends_it_after_its_batch(
    places: Places, engine: Engine, act: Any, wish: str, state: str
) -> None:
    def listen(
        places: Places, run: Run, *, tell: Any, wished: Callable[[], str | None], now: datetime
    ) -> Done:
        tell(3, 9)
        ask(places, run.id, wish, by="bo", now=now)
        while wished() is None:
            time.sleep(0.01)
        return Done("3 of them.", {"pages": 3})

    act(listen)
    ended = do_by_hand(places, "extract", by="ana")
    run = last(engine)
    assert (ended.state, run.state, run.done, run.total) == (state, state, 3, 9)
    assert run.message == f"{state.capitalize()} at 3 of 9. 3 of them."


def test_a_cancelled_task_that_does_not_listen_is_broken_off(
    places: Places, engine: Engine, act: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.taskbeat, "CANCEL_SECONDS", 0.05)

    def deaf(places: Places, run: Run, *, tell: Any, wished: Any, now: datetime) -> Done:
        ask(places, run.id, "cancel", by="bo", now=now)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            time.sleep(0.01)
        return Done("never")

    act(deaf)
    assert do_by_hand(places, "extract", by="ana").state == "cancelled"
    assert last(engine).message == "Cancelled. What was done until then is kept."


def test_a_run_that_was_taken_away_is_not_ended_by_who_had_it(
    places: Places, engine: Engine, act: Any
) -> None:
    def lose(places: Places, run: Run, *, tell: Any, wished: Callable[[], str | None], now: datetime) -> Done:
        end_task(engine, run_id=run.id, worker=run.worker or "", state="lost", message="taken", now=now)
        while wished() is None:
            time.sleep(0.01)
        return Done("all of it")

    act(lose)
    assert do_by_hand(places, "extract", by="ana").state == ""
    assert (last(engine).state, last(engine).message) == ("lost", "taken")


def test_the_end_is_written_as_soon_as_the_database_answers(
    places: Places, engine: Engine, act: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    act(lambda *_, **__: Done("all of it"))
    tries: list[int] = []

    def write(*args: Any, **given: Any) -> bool:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("UPDATE", {}, Exception("locked"))
        return end_task(*args, **given)

    monkeypatch.setattr(jobs.taskrun, "end_task", write)
    monkeypatch.setattr(jobs.taskrun, "PAUSES", (0.0, 0.0, 0.0))
    do_by_hand(places, "extract", by="ana")
    assert last(engine).state == "done"


def test_a_command_that_was_killed_leaves_a_lost_run(places: Places, engine: Engine, now: datetime) -> None:
    def begin(number: int) -> int:
        worker = f"{name_folder(places)}-hand-{number}-aaaaaa"
        return begin_task(
            engine, verb="extract", site_id=None, by="ana", reason="by hand", settings={}, worker=worker, pid=number, now=now
        )  # fmt: skip

    dead, alive = begin(1), begin(2)
    queued = create_run(engine, verb="extract", site_id=None, by="ana", reason="", settings={}, now=now)
    claim_task(engine, run_id=queued, worker="elsewhere", now=now)
    with (places.workers / f"{name_folder(places)}-hand-2-aaaaaa.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert settle_dead(places, engine, now=now) == [dead]
        assert settle_dead(places, engine, now=now) == []
    with reading(engine) as session:
        found = {run.id: run.state for run in find_runs(session)}
    assert found == {dead: "lost", alive: "running", queued: "running"}


def test_a_verb_that_nobody_knows_makes_no_run(places: Places, engine: Engine) -> None:
    with pytest.raises(UsageError, match="knows no verb"):
        do_by_hand(places, "moonwalk", by="ana")
    with reading(engine) as session:
        assert find_runs(session) == []


def test_a_report_that_was_written_before_the_crash_is_not_written_twice(
    places: Places, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"start": "2026-10-01T00:00:00+00:00", "end": "2026-11-01T00:00:00+00:00"}
    began = datetime.now(UTC)

    def add() -> int:
        return create_run(
            engine, verb="report", site_id=None, by="ana", reason="", settings=settings, now=datetime.now(UTC)
        )

    def do(run_id: int) -> Done:
        claim_task(engine, run_id=run_id, worker="w1", now=datetime.now(UTC))
        with reading(engine) as session:
            run = find_run(session, run_id)
        assert run is not None
        return VERBS["report"].do(
            places, run, tell=lambda *_: None, wished=lambda: None, now=datetime.now(UTC)
        )

    monkeypatch.setattr("reports.trend.render_pdf", lambda html: b"%PDF")
    first = add()
    assert do(first).result == {"report": 1}
    assert do(first).result == {
        "report": 1
    }  # it was killed before its end was written, and is done once more
    end_task(
        engine,
        run_id=first,
        worker="w1",
        state="done",
        message="",
        now=datetime.now(UTC),
        result={"report": 1},
    )
    assert do(add()).result == {"report": 2}
    assert began < datetime.now(UTC)


@pytest.mark.parametrize(
    ("period", "at", "zone", "says"),
    [
        ("week", "2026-11-23T03:00+00:00", "UTC", "2026-11-16 to 2026-11-23"),
        ("week", "2026-11-22T23:59+00:00", "UTC", "2026-11-09 to 2026-11-16"),
        ("month", "2026-11-01T00:00+00:00", "UTC", "2026-10-01 to 2026-11-01"),
        ("month", "2026-01-15T00:00+00:00", "UTC", "2025-12-01 to 2026-01-01"),
        ("quarter", "2026-01-15T00:00+00:00", "UTC", "2025-10-01 to 2026-01-01"),
        ("quarter", "2026-12-31T00:00+00:00", "UTC", "2026-07-01 to 2026-10-01"),
        # By the clock of its schedule it is the first of November; the days are whole by that clock, and over.
        ("month", "2026-10-31T19:00+00:00", "Asia/Singapore", "2026-09-30 16:00 to 2026-10-31 16:00"),
        ("month", "2026-11-01T05:00+00:00", "America/New_York", "2026-10-01 04:00 to 2026-11-01 04:00"),
        ("month", "2026-11-30T12:00+00:00", "Europe/Lisbon", "2026-09-30 23:00 to 2026-11-01 00:00"),
        ("month", "2026-11-01T00:00+00:00", "Mars/Olympus", "2026-10-01 to 2026-11-01"),
    ],
)
def test_the_last_period_that_is_over(period: str, at: str, zone: str, says: str) -> None:
    start, end = last_period(period, datetime.fromisoformat(at), zone)
    assert say_period(start, end) == says
    assert end <= datetime.fromisoformat(at)


def test_a_broken_off_extract_leaves_its_sellers_to_the_next(
    places: Places, engine: Engine, now: datetime
) -> None:
    def add(state: str, **settings: int) -> int:
        run_id = create_run(
            engine, verb="extract", site_id=None, by="ana", reason="", settings=settings, now=now
        )
        claim_task(engine, run_id=run_id, worker="w1", now=now)
        if state:
            end_task(engine, run_id=run_id, worker="w1", state=state, message="", now=now)
        return run_id

    add("lost", from_reading=-5)
    add("done", from_reading=-4)
    add("lost", from_reading=-3)
    add("cancelled", from_reading=-2)
    run_id = add("")
    with reading(engine) as session:
        run = find_run(session, run_id)
    assert run is not None
    assert jobs.taskverbs._find_start(places, run) == -3


def test_ctrl_c_is_heard_while_it_works(places: Places, engine: Engine, act: Any) -> None:
    def work(places: Places, run: Run, *, tell: Any, wished: Any, now: datetime) -> Done:
        threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        end = time.monotonic() + 60
        while time.monotonic() < end:
            time.sleep(0.01)
        return Done("never")

    act(work)
    with pytest.raises(KeyboardInterrupt):
        do_by_hand(places, "extract", by="ana")
    assert last(engine).state == "cancelled"
