"""Rows of tasks: taken once, kept by one, ended once, asked for anew a bounded number of times."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from storage.audit import verify
from storage.engine import reading, transaction
from storage.runfacts import RunFilter, find_earlier, find_filtered, find_later, read_so_far
from storage.runs import LATE_AFTER, create_run, find_run, show_state
from storage.tables import Run
from storage.taskruns import (
    BY_HAND,
    RESULT,
    TAKEN,
    beat_task,
    begin_task,
    claim_task,
    end_task,
    find_retry,
    find_same,
    find_tasks,
    replace_task,
    wish_task,
)


def add(store: Any, verb: str = "extract", **more: Any) -> int:
    given = {"site_id": None, "by": "ana", "reason": "by hand", "settings": {}, "now": store.now} | more
    return create_run(store.engine, verb=verb, **given)


def get(store: Any, run_id: int) -> Run:
    with reading(store.engine) as session:
        run = find_run(session, run_id)
    assert run is not None
    return run


def claim(store: Any, run_id: int, worker: str = "w1") -> bool:
    return claim_task(store.engine, run_id=run_id, worker=worker, now=store.now)


def end(store: Any, run_id: int, state: str = "done", worker: str = "w1", **more: Any) -> bool:
    return end_task(
        store.engine, run_id=run_id, worker=worker, state=state, message=state, now=store.now, **more
    )


def test_of_many_who_take_a_task_one_gets_it(store: Any) -> None:
    run_id = add(store)
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda number: claim(store, run_id, f"w{number}"), range(8)))
    assert got.count(True) == 1
    assert get(store, run_id).worker == f"w{got.index(True)}"


@pytest.mark.parametrize("verb", ["crawl", "extract"])
def test_only_queued_tasks_are_taken(store: Any, verb: str) -> None:
    run_id = add(store, verb, site_id=store.site())
    assert claim(store, run_id) is (verb == "extract")
    assert not claim(store, run_id, "w2")
    assert not claim(store, 999)


@pytest.mark.parametrize(("wish", "state"), [("pause", "paused"), ("cancel", "cancelled")])
def test_a_queued_task_ends_at_once_when_that_is_wished(store: Any, wish: str, state: str) -> None:
    run_id = add(store)
    assert wish_task(store.engine, run_id=run_id, wish=wish, by="bo", now=store.now) == state
    assert get(store, run_id).message == f"{state.capitalize()} by bo."
    assert not claim(store, run_id)
    with reading(store.engine) as session:
        assert verify(session) == []


def test_a_beat_says_how_far_it_is_and_hears_what_is_wished(store: Any) -> None:
    run_id = add(store)
    claim(store, run_id)

    def beat(worker: str = "w1") -> str | None:
        return beat_task(
            store.engine, run_id=run_id, worker=worker, pid=7, done=3, total=9, now=store.now + timedelta(seconds=5)
        )  # fmt: skip

    assert beat() is None
    assert wish_task(store.engine, run_id=run_id, wish="pause", by="bo", now=store.now) == "running"
    assert beat() == "pause"
    assert beat("another") == TAKEN
    run = get(store, run_id)
    assert (run.done, run.total, run.pid, run.heartbeat_at) == (3, 9, 7, store.now + timedelta(seconds=5))
    end(store, run_id, "lost")
    assert beat() == TAKEN


def test_a_task_ends_once_and_only_by_who_does_it(store: Any) -> None:
    run_id = add(store)
    claim(store, run_id)
    assert not end(store, run_id, worker="another")
    assert end(store, run_id, result={"pages": 4}, listings=4)
    assert not end(store, run_id, "failed")
    run = get(store, run_id)
    assert (run.state, run.listings, run.settings[RESULT]) == ("done", 4, {"pages": 4})


@pytest.mark.parametrize(
    ("state", "wish", "then"),
    [
        ("paused", "resume", "queued"),
        ("paused", "cancel", "cancelled"),
        ("paused", "pause", None),
        ("done", "cancel", None),
        ("lost", "resume", None),
        ("failed", "pause", None),
    ],
)
def test_wishes_of_tasks_that_nobody_does(store: Any, state: str, wish: str, then: str | None) -> None:
    run_id = add(store)
    claim(store, run_id)
    end(store, run_id, state)
    assert wish_task(store.engine, run_id=run_id, wish=wish, by="bo", now=store.now) == then
    assert get(store, run_id).state == (then or state)


def test_a_resumed_task_is_late_only_from_then_on(store: Any) -> None:
    run_id = add(store)
    claim(store, run_id)
    end(store, run_id, "paused")
    later = store.now + timedelta(days=2)
    wish_task(store.engine, run_id=run_id, wish="resume", by="bo", now=later)
    assert show_state(get(store, run_id), now=later) == "queued"


def test_a_lost_task_is_asked_for_again_once_and_not_for_ever(store: Any) -> None:
    first = run_id = add(store, "report", settings={"period": "month", RESULT: {"x": 1}}, schedule="monthly")
    chain = [run_id]
    while True:
        claim(store, run_id)
        end(store, run_id, "lost")
        with ThreadPoolExecutor(3) as pool:
            asked = [
                new
                for new in pool.map(
                    lambda _, old=run_id: replace_task(store.engine, run_id=old, most=3, now=store.now),
                    range(3),
                )
                if new is not None
            ]
        if not asked:
            break
        assert len(asked) == 1
        run_id = asked[0]
        chain.append(run_id)
    assert len(chain) == 4
    run = get(store, run_id)
    assert (run.verb, run.schedule, run.settings, run.reason) == (
        "report", "monthly", {"period": "month"}, f"takes over run {chain[-2]}",
    )  # fmt: skip
    with reading(store.engine) as session:
        assert find_earlier(session, run) == chain[-2::-1]
        assert [later.id for later in find_later(session, first)] == chain[1:]
        assert find_retry(session, first) == chain[1]


def test_what_a_person_did_by_hand_is_not_done_again_by_a_worker(store: Any) -> None:
    run_id = begin_task(
        store.engine, verb="extract", site_id=None, by="ana", reason="by hand", settings={}, worker="w1", pid=7,
        now=store.now,
    )  # fmt: skip
    assert get(store, run_id).settings == {BY_HAND: True}
    end(store, run_id, "lost")
    assert replace_task(store.engine, run_id=run_id, most=3, now=store.now) is None


def test_a_queued_task_that_would_do_the_same_is_found(store: Any) -> None:
    site = store.site()
    run_id = add(store, settings={"a": 1}, site_id=site)

    def same(settings: dict[str, int], site_id: int | None) -> int | None:
        with reading(store.engine) as session:
            found = find_same(session, verb="extract", site_id=site_id, settings=settings)
        return found.id if found is not None else None

    assert same({"a": 1}, site) == run_id
    assert same({"a": 2}, site) is None
    assert same({"a": 1}, None) is None
    claim(store, run_id)
    assert same({"a": 1}, site) is None


def test_runs_are_filtered_by_the_state_that_is_shown(store: Any) -> None:
    now = store.now + LATE_AFTER * 3
    late = add(store)
    queued = add(store, now=now)
    due = add(store, due_at=now)
    odd = add(store, "moonwalk", now=now, schedule="moon_1")
    running = add(store, now=now)
    claim(store, running, "north-worker_1")

    def find(**wanted: str) -> list[int]:
        with reading(store.engine) as session:
            return [run.id for run in find_filtered(session, RunFilter(**wanted), now=now, limit=10)]

    assert find(state="late") == [late]
    assert find(state="queued") == [odd, due, queued]
    assert find(state="running", worker="worker_") == [running]
    assert find(worker="worker%") == []
    assert find(verb="moonwalk") == [odd]
    assert find(schedule="moon_1") == [odd]
    assert find(schedule="moonx1") == []
    with reading(store.engine) as session:
        assert [run.id for run in find_tasks(session, state="queued", newest=True, limit=2)] == [odd, due]
        for run in find_filtered(session, RunFilter(), now=now, limit=10):
            assert run.id in find(state=show_state(run, now=now))


def test_a_chain_that_bites_its_tail_ends(store: Any) -> None:
    first = add(store)
    second = add(store, retry_of=first)
    with transaction(store.engine) as session:
        session.get_one(Run, first).retry_of = second
    with reading(store.engine) as session:
        run = find_run(session, second)
        assert run is not None
        assert find_earlier(session, run) == [first]
        assert [later.id for later in find_later(session, first)] == [second]


def test_what_followed_the_fetching_is_counted(store: Any) -> None:
    site = store.site()
    old, new = store.run(site), store.run(site)
    same, _ = store.listing(site, old, "1")
    store.listing(site, old, "2")
    store.listing(site, new, "1")
    _, changed = store.listing(site, new, "2", description="Another text.")
    _, fresh = store.listing(site, new, "3")
    store.score(changed, flagged=False)
    store.score(fresh)
    store.page(site, new, url="http://site/unread")
    with reading(store.engine) as session:
        read = read_so_far(session, new)
    assert (read.unread, read.changed, read.scored, read.flagged, read.unreviewed) == (1, 1, 2, 1, 1)
    assert same
