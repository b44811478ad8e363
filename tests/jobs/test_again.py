"""Crawls that lacked Tor or the database go on by themselves, a bounded number of times; all others do not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from jobs.again import MAX_AGAIN, end_when_possible, is_any_lost, take_up
from jobs.alarm import SILENT
from jobs.crawling import _settle_canary
from jobs.engine import open_client
from jobs.places import Places
from jobs.recovery import recover_runs
from jobs.runs import find_run, start_crawl
from storage.engine import open_engine
from storage.runs import end_run, start_run


def utc_now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def engine(places: Places) -> Iterator[Engine]:
    engine = open_engine(places.database_url)
    yield engine
    engine.dispose()


def lose(places: Places, engine: Engine, *, at: datetime, again: str = "tor", state: str = "lost") -> int:
    run_id = start_crawl(
        places, "oldport", by="ana", reason="by hand", now=at, plan="known", account_key="k" * 64
    )
    start_run(engine, run_id=run_id, worker="elsewhere-worker-1-abcdef", pid=None, now=at)
    end_run(engine, run_id=run_id, state=state, message="Tor was silent.", now=at, again=again)
    return run_id


def test_it_goes_on_once_as_what_it_was(places: Places, engine: Engine) -> None:
    now = utc_now()
    run_id = lose(places, engine, at=now)
    assert is_any_lost(engine)
    (new,) = take_up(places, engine, now=now)
    view, old = find_run(engine, new), find_run(engine, run_id)
    assert (view.state, view.reason, view.account) == ("queued", f"goes on after run {run_id}", True)
    assert view.sweep_id == old.sweep_id
    assert (old.state, is_any_lost(engine), take_up(places, engine, now=now)) == ("lost", False, [])


@pytest.mark.parametrize(("again", "state"), [("", "lost"), ("", "failed")], ids=["lost otherwise", "a leak"])
def test_nothing_else_goes_on(places: Places, engine: Engine, again: str, state: str) -> None:
    lose(places, engine, at=utc_now(), again=again, state=state)
    assert take_up(places, engine, now=utc_now()) == []


def test_after_so_many_times_within_an_hour_it_fails(places: Places, engine: Engine) -> None:
    now = utc_now()
    run_id = lose(places, engine, at=now)
    for _ in range(MAX_AGAIN):
        (run_id,) = take_up(places, engine, now=now)
        end_run(engine, run_id=run_id, state="lost", message="Tor was silent.", now=now, again="tor")
    assert take_up(places, engine, now=now) == []
    assert (find_run(engine, run_id).state, is_any_lost(engine)) == ("lost", False)
    assert "was not taken up again" in find_run(engine, run_id).message


def test_what_was_gone_for_an_hour_is_not_waited_for(places: Places, engine: Engine) -> None:
    run_id = lose(places, engine, at=utc_now() - timedelta(hours=2))
    assert take_up(places, engine, now=utc_now()) == []
    view = find_run(engine, run_id)
    assert (view.state, "was not taken up again" in view.message) == ("lost", True)


@pytest.mark.parametrize("again", ["database", "worker"])
def test_a_database_or_a_machine_that_was_off_for_a_night_is_waited_for(
    places: Places, engine: Engine, again: str
) -> None:
    lose(places, engine, at=utc_now() - timedelta(hours=12), again=again)
    assert len(take_up(places, engine, now=utc_now())) == 1


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """As many writes as its number says fail."""
    left = [2]

    def end(*args: object, **more: object) -> None:
        if left[0] > 0:
            left[0] -= 1
            raise OperationalError("", {}, OSError("the database is gone"))
        end_run(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("jobs.again.end_run", end)
    monkeypatch.setattr("jobs.again.PAUSES", (0.0,) * 4)
    return left


def test_the_end_is_written_when_the_database_answers_again(
    places: Places, engine: Engine, gone: list[int]
) -> None:
    run_id = start_crawl(places, "oldport", by="ana", reason="by hand", now=utc_now())
    start_run(engine, run_id=run_id, worker="w", pid=None, now=utc_now())
    assert end_when_possible(engine, run_id, "lost: it did not answer", stop=threading.Event(), clock=utc_now)
    assert (find_run(engine, run_id).state, is_any_lost(engine)) == ("lost", True)


def test_a_run_whose_end_could_not_be_written_is_recovered(
    places: Places, engine: Engine, gone: list[int]
) -> None:
    gone[0] = 1000
    began = utc_now() - timedelta(hours=1)
    run_id = start_crawl(places, "oldport", by="ana", reason="by hand", now=began)
    with open_client(places) as client:
        client.cancel_workflow(f"run-{run_id}")  # its flow is over
        start_run(engine, run_id=run_id, worker="w", pid=None, now=began)
        assert not end_when_possible(engine, run_id, "lost", stop=threading.Event(), clock=utc_now)
        assert find_run(engine, run_id).state == "running"
        assert recover_runs(places, engine, client, now=utc_now()) == [run_id]
    assert find_run(engine, run_id).state == "lost"
    assert (find_run(engine, run_id + 1).state, find_run(engine, run_id + 1).reason) == (
        "queued",
        f"takes over run {run_id}",
    )


@pytest.mark.parametrize(
    ("state", "stays"),
    [("done", True), ("failed", True), ("paused", True), ("running", False), ("lost", False)],
)
def test_a_crawl_that_came_to_its_end_before_tor_fell_silent_stays_as_it_ended(
    places: Places, engine: Engine, state: str, stays: bool
) -> None:
    """A machine that sleeps just then finds both when it wakes."""
    run_id = start_crawl(places, "oldport", by="ana", reason="by hand", now=utc_now())
    run = start_run(engine, run_id=run_id, worker="w1", pid=None, now=utc_now(), fence=True)
    if state != "running":
        end_run(engine, run_id=run_id, state=state, message="as it ended", now=utc_now())
    _settle_canary(engine, run_id, "Tor was silent", kind=SILENT, now=utc_now(), fence=run.fence)
    view = find_run(engine, run_id)
    assert (view.state, view.message == "as it ended") == (state if stays else "lost", stays)
    assert is_any_lost(engine) is not stays
