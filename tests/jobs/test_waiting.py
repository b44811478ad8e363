"""Runs that wait for a person: nobody holds them, nobody takes them for lost, and they go on as what they were."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from jobs import flow
from jobs.calls import KIND, call_person, end_calls
from jobs.child import tied_worker
from jobs.crawling import Crawl
from jobs.engine import open_client
from jobs.errors import BusyError, PersonWanted, UsageError
from jobs.places import Places
from jobs.recovery import recover_runs
from jobs.runs import ask_run, find_run, is_over, name_command, start_crawl, wait_run
from storage.engine import open_engine, reading
from storage.issues import find_issues, raise_issue
from storage.runs import SLOW, send_on, start_run, wait_run_for
from storage.runs import find_run as find_row


def utc_now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def engine(places: Places) -> Iterator[Engine]:
    engine = open_engine(places.database_url)
    yield engine
    engine.dispose()


def wait_for_person(places: Places, engine: Engine, *, at: datetime | None = None, account: str = "") -> int:
    """A run that began, met a captcha, and waits. Its place in the queue is given back."""
    now = at or utc_now()
    run_id = start_crawl(places, "oldport", by="ana", reason="by hand", now=now, account_key=account)
    with open_client(places) as client:
        client.cancel_workflow(f"run-{run_id}")
    start_run(engine, run_id=run_id, worker="elsewhere-worker-1-abcdef", pid=None, now=now)
    wait_run_for(engine, run_id=run_id, what="person", message="captcha: six letters", now=now)
    return run_id


def issues(engine: Engine) -> list[tuple[str, str]]:
    with reading(engine) as session:
        return [(issue.kind, issue.message) for issue in find_issues(session)]


def test_it_is_over_for_whoever_waits_for_it(places: Places, engine: Engine) -> None:
    run_id = wait_for_person(places, engine)
    with tied_worker(places):
        (view,) = wait_run(places, [run_id], timeout=60)
    assert (view.state, view.waits_for, view.ended_at) == ("waiting", "person", None)
    assert is_over(view)


def test_a_new_crawl_names_what_to_type(places: Places, engine: Engine) -> None:
    run_id = wait_for_person(places, engine)
    with pytest.raises(
        PersonWanted, match=r'captcha: six letters.*"tuskwatch session open oldport".*run cancel'
    ) as caught:
        start_crawl(places, "oldport", by="ana", reason="by hand", now=utc_now())
    assert f"Run {run_id} of oldport" in str(caught.value)
    assert isinstance(caught.value, BusyError)


def test_the_account_is_named_by_a_word_that_stands_for_it(places: Places, engine: Engine) -> None:
    run_id = wait_for_person(places, engine, account="k" * 64)
    assert name_command(find_run(engine, run_id)) == "tuskwatch session open oldport --account NAME"


def test_it_is_never_taken_for_lost(places: Places, engine: Engine) -> None:
    run_id = wait_for_person(places, engine, at=utc_now() - timedelta(days=3))
    with open_client(places) as client:
        assert recover_runs(places, engine, client, now=utc_now()) == []
    assert find_run(engine, run_id).state == "waiting"


@pytest.mark.parametrize(
    ("wish", "state"), [("cancel", "cancelled"), ("pause", "paused"), ("resume", "queued")]
)
def test_what_a_person_asks_of_it_happens_at_once(
    places: Places, engine: Engine, wish: str, state: str
) -> None:
    run_id = wait_for_person(places, engine)
    assert ask_run(places, run_id, wish, by="ana", now=utc_now()) == state
    view = find_run(engine, run_id)
    assert (view.state, view.waits_for) == (state, "")


def test_a_run_put_back_on_the_queue_by_a_command_that_died_is_found(places: Places, engine: Engine) -> None:
    run_id = wait_for_person(places, engine)
    assert send_on(engine, run_id=run_id, now=utc_now())
    with open_client(places) as client:
        recover_runs(places, engine, client, now=utc_now())
        queued = [flow.workflow_id for flow in client.list_workflows(status="ENQUEUED")]
    assert [name.startswith(f"run-{run_id}-") for name in queued] == [True]


def test_slow_is_for_runs_that_are_not_over(places: Places, engine: Engine) -> None:
    run_id = wait_for_person(places, engine)
    assert ask_run(places, run_id, "slow", by="ana", now=utc_now(), factor=3) == "waiting"
    assert find_run(engine, run_id).slow == 3
    ask_run(places, run_id, "slow", by="ana", now=utc_now(), factor=1)
    assert find_run(engine, run_id).slow == 1
    ask_run(places, run_id, "cancel", by="ana", now=utc_now())
    with pytest.raises(UsageError, match="has ended"):
        ask_run(places, run_id, "slow", by="ana", now=utc_now(), factor=2)


@pytest.mark.parametrize("factor", [None, 0.5, 1000, float("nan")])
def test_an_unsound_factor_is_refused_in_words(places: Places, engine: Engine, factor: float | None) -> None:
    run_id = wait_for_person(places, engine)
    with pytest.raises(UsageError, match="slowed 1 to 100 times"):
        ask_run(places, run_id, "slow", by="ana", now=utc_now(), factor=factor)
    with reading(engine) as session:
        row = find_row(session, run_id)
    assert row is not None
    assert SLOW not in row.settings


class Gateway:
    """Stands for a Tor that is ready."""

    def __init__(self) -> None:
        self.canary: Any = None

    def open(self, report: Any) -> str:
        report(80, "almost")
        return "127.0.0.1:9050"


@pytest.fixture
def desk(places: Places, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[flow.Desk]:
    with open_client(places) as client:
        desk = flow.Desk(places, engine, Gateway(), "w1", threading.Event(), utc_now, client)  # type: ignore[arg-type]
        monkeypatch.setattr(flow, "_desks", [desk])
        yield desk


def test_a_crawl_that_wants_a_person_ends_its_step_and_calls(
    desk: flow.Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    places, engine = desk.places, desk.engine

    def crawl(*_: Any, run_id: int, **__: Any) -> Crawl:
        assert find_run(engine, run_id).state == "running"
        wait_run_for(engine, run_id=run_id, what="person", message="captcha: six letters", now=utc_now())
        return Crawl("waiting", "captcha: six letters")

    monkeypatch.setattr(flow, "run_crawl", crawl)
    run_id = start_crawl(places, "oldport", by="ana", reason="by hand", now=utc_now())
    assert flow.crawl_step(run_id) == "waiting"
    assert find_run(engine, run_id).waits_for == "person"
    assert issues(engine) == [
        (
            KIND,
            f"Run {run_id} waits for a person (captcha: six letters). Type: tuskwatch session open oldport",
        )
    ]
    # The same flow taken up again (its worker died while it read) does not crawl.
    assert flow.crawl_step(run_id) == "waiting"


def test_a_run_that_is_sent_on_crawls_again_as_itself(
    desk: flow.Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def crawl(*_: Any, run_id: int, **__: Any) -> Crawl:
        seen.append(run_id)
        return Crawl("done", "")

    monkeypatch.setattr(flow, "run_crawl", crawl)
    run_id = wait_for_person(desk.places, desk.engine)
    sweep = find_run(desk.engine, run_id).sweep_id
    send_on(desk.engine, run_id=run_id, now=utc_now())
    assert flow.crawl_step(run_id) == "done"
    assert seen == [run_id]
    assert find_run(desk.engine, run_id).sweep_id == sweep


def test_a_call_ends_when_its_run_goes_on_and_no_other_does(places: Places, engine: Engine) -> None:
    run_id = wait_for_person(places, engine)
    call_person(engine, run_id, now=utc_now())
    with reading(engine) as session:
        (issue,) = find_issues(session)
    assert issue.site_id is not None
    for kind in ("gate-captcha", "gate-queue"):
        raise_issue(
            engine,
            site_id=issue.site_id,
            run_id=run_id,
            page_id=None,
            kind=kind,
            level="warn",
            message=kind,
            now=utc_now(),
        )
    end_calls(engine, site_id=issue.site_id, run_ids=[run_id + 1], now=utc_now())
    assert len(issues(engine)) == 3
    end_calls(engine, site_id=issue.site_id, run_ids=[run_id], now=utc_now())
    assert issues(engine) == [("gate-queue", "gate-queue")]


def test_nobody_is_called_for_a_run_that_goes_on(places: Places, engine: Engine) -> None:
    run_id = start_crawl(places, "oldport", by="ana", reason="by hand", now=utc_now())
    assert call_person(engine, run_id, now=utc_now()) is None
    assert issues(engine) == []


def test_places_with_a_key_reach_the_worker(places: Places, engine: Engine) -> None:
    run_id = start_crawl(places, "oldport", by="ana", reason="by hand", now=utc_now())
    with tied_worker(replace(places, key_file=places.data.parent / "one.age")):
        (view,) = wait_run(places, [run_id], timeout=60)
    assert view.state == "failed"
    assert "Tor is not installed" in view.message
