"""Of two crawls of one site only the newer one writes; takeovers happen once, however many ask for them."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError

from storage.engine import open_engine, reading, transaction
from storage.errors import FencedError
from storage.fencing import move_fence, set_fence
from storage.frontier import Link, seed
from storage.runs import AGAIN, create_run, end_run, find_run, set_run, start_run
from storage.tables import Worker
from storage.takeover import Successor, find_again, find_live, is_replaced, replace_run, take_away
from storage.workers import beat_worker, enter_worker, find_workers, leave_worker, mark_slots, silence_worker


def another(store: Any) -> Engine:
    """Another process's way to the same database."""
    return open_engine(store.engine.url.render_as_string(hide_password=False))


def ask(store: Any, **more: Any) -> int:
    given = {"verb": "crawl", "site_id": store.site(), "by": "ana", "reason": "by hand", "settings": {}}
    return create_run(store.engine, **{**given, **more}, now=store.now)


def replace(store: Any, run_id: int) -> int | None:
    then = Successor(f"takes over run {run_id}", "takes over run", 5, 2)
    return replace_run(store.engine, run_id=run_id, then=then, now=store.now)


def lose(store: Any, run_id: int) -> None:
    start_run(store.engine, run_id=run_id, worker="w1", pid=None, now=store.now, fence=True)
    assert take_away(store.engine, run_id=run_id, message="its worker died", now=store.now) == (True, None)


def test_each_start_moves_the_token(store: Any) -> None:
    run = ask(store)
    first = start_run(store.engine, run_id=run, worker="w1", pid=None, now=store.now, fence=True).fence
    again = start_run(store.engine, run_id=run, worker=None, pid=7, now=store.now)
    assert (again.fence, again.worker) == (first, "w1")
    next_one = start_run(store.engine, run_id=run, worker="w2", pid=None, now=store.now, fence=True).fence
    assert first is not None
    assert next_one == first + 1


def test_an_older_crawl_writes_nothing(store: Any) -> None:
    old = another(store)
    run = ask(store)
    fence = start_run(old, run_id=run, worker="w1", pid=None, now=store.now, fence=True).fence
    assert fence is not None
    set_fence(old, site_id=store.site(), fence=fence)
    links = [Link(url="http://x/", url_key="k" * 64, depth=0, priority=0)]
    assert seed(old, site_id=store.site(), sweep_id=run, links=links, now=store.now) == 1
    with transaction(store.engine) as session:
        move_fence(session, store.site())
    links = [Link(url="http://y/", url_key="l" * 64, depth=0, priority=0)]
    with pytest.raises(FencedError):
        seed(old, site_id=store.site(), sweep_id=run, links=links, now=store.now)
    with pytest.raises(FencedError):
        end_run(old, run_id=run, state="done", message="", now=store.now)
    old.dispose()


def test_the_token_cannot_move_between_look_and_commit(store: Any) -> None:
    """The taker waits for the writer that was first."""
    old = another(store)
    run = ask(store)
    fence = start_run(old, run_id=run, worker="w1", pid=None, now=store.now, fence=True).fence
    assert fence is not None
    set_fence(old, site_id=store.site(), fence=fence)
    order: list[str] = []

    def take() -> None:
        take_away(store.engine, run_id=run, message="taken", now=store.now)
        order.append("taken")

    with transaction(old) as session:
        session.flush()
        taker = threading.Thread(target=take)
        taker.start()
        taker.join(0.5)  # it must not get through while this transaction is open
        order.append("written")
    taker.join(60)
    assert order == ["written", "taken"]
    old.dispose()


def test_who_lost_a_run_says_nothing_of_it_any_more(store: Any) -> None:
    run = ask(store)
    fence = start_run(store.engine, run_id=run, worker="w1", pid=None, now=store.now, fence=True).fence
    take_away(store.engine, run_id=run, message="its worker died", now=store.now)
    assert not end_run(store.engine, run_id=run, state="done", message="all", now=store.now, fence=fence)
    with pytest.raises(FencedError):
        set_run(store.engine, run_id=run, state="running", message="", now=store.now, fence=fence)
    with reading(store.engine) as session:
        row = find_run(session, run)
        assert row is not None
        assert (row.state, row.message) == ("lost", "its worker died")


def test_a_crawl_process_that_comes_too_late_does_not_begin(store: Any) -> None:
    run = ask(store)
    lose(store, run)
    with pytest.raises(FencedError):
        start_run(store.engine, run_id=run, worker=None, pid=7, now=store.now)


def test_a_lost_run_is_replaced_once_by_however_many_ask(store: Any) -> None:
    run = ask(store, settings={"account": "k", "health": {"pages": 1}}, priority=3, schedule="nightly")
    lose(store, run)
    got: list[int | None] = []
    threads = [threading.Thread(target=lambda: got.append(replace(store, run))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (new,) = [each for each in got if each is not None]
    with reading(store.engine) as session:
        row = find_run(session, new)
        assert row is not None
        assert (row.retry_of, row.priority, row.schedule, row.settings) == (
            run,
            3,
            "nightly",
            {"account": "k"},
        )
        assert row.sweep_id == run


def test_a_run_is_taken_and_gone_on_with_in_one(store: Any) -> None:
    run = ask(store)
    start_run(store.engine, run_id=run, worker="w1", pid=None, now=store.now, fence=True)
    then = Successor(f"takes over run {run}", "takes over run", 5, 2)
    got = [
        take_away(store.engine, run_id=run, message="its worker died", now=store.now, then=then)
        for _ in range(2)
    ]
    assert got == [(True, run + 1), (False, None)]
    with reading(store.engine) as session:
        assert is_replaced(session, run)
        assert not is_replaced(session, run + 1)


def test_a_run_that_kills_its_worker_is_not_replaced_for_ever(store: Any) -> None:
    run: int | None = ask(store)
    count = 0
    while run is not None and count < 10:
        lose(store, run)
        run = replace(store, run)
        count += 1
    assert count == 3  # the run itself, and two that brought nothing either


def test_a_run_that_is_not_lost_or_whose_site_is_crawled_is_not_replaced(store: Any) -> None:
    run = ask(store)
    assert replace(store, run) is None
    lose(store, run)
    live = ask(store)
    assert replace(store, run) is None
    with reading(store.engine) as session:
        found = find_live(session, site_id=store.site())
        assert found is not None
        assert found.id == live


def test_what_it_lacked_is_forgotten_with_the_replacement(store: Any) -> None:
    run = ask(store)
    start_run(store.engine, run_id=run, worker="w1", pid=None, now=store.now, fence=True)
    end_run(store.engine, run_id=run, state="lost", message="", now=store.now, again="worker")
    assert replace(store, run) is not None
    with reading(store.engine) as session:
        row = find_run(session, run)
        assert row is not None
        assert row.settings[AGAIN] == ""


def test_those_that_wait_to_be_taken_up_are_found_and_no_others(store: Any) -> None:
    waits, over, plain = ask(store), ask(store), ask(store)
    for run, again in ((waits, "tor"), (over, ""), (plain, "")):
        start_run(store.engine, run_id=run, worker="w1", pid=None, now=store.now)
        end_run(store.engine, run_id=run, state="lost", message="", now=store.now, again="tor")
        if not again:
            end_run(store.engine, run_id=run, state="lost", message="", now=store.now, again="")
    with reading(store.engine) as session:
        assert [run.id for run in find_again(session)] == [waits]


def enter(store: Any, name: str, crawls: int = 1) -> None:
    enter_worker(
        store.engine, name=name, host="h", pid=1, version="1", labels=["worker"], crawls=crawls, now=store.now
    )


def test_a_worker_that_beat_meanwhile_is_not_declared_dead(store: Any) -> None:
    enter(store, "w1")
    assert beat_worker(store.engine, name="w1", tor="ready", free_bytes=5, now=store.now) == "ready"
    assert not silence_worker(store.engine, name="w1", beats=0)
    assert silence_worker(store.engine, name="w1", beats=1)
    assert not silence_worker(store.engine, name="w1", beats=1)  # by one of those who saw it
    with reading(store.engine) as session:
        assert find_workers(session, living=True) == []
    assert beat_worker(store.engine, name="w1", tor="", free_bytes=5, now=store.now) == "silent"
    with reading(store.engine) as session:
        assert [worker.state for worker in find_workers(session)] == ["ready"]
    leave_worker(store.engine, name="w1", state="stopped", now=store.now)
    with reading(store.engine) as session:
        assert find_workers(session, living=True) == []


def test_queued_crawls_wait_for_a_slot_while_all_workers_are_at_work(store: Any) -> None:
    enter(store, "w1", crawls=1)
    first, second = ask(store), ask(store)
    mark_slots(store.engine)
    start_run(store.engine, run_id=first, worker="w1", pid=None, now=store.now, fence=True)
    mark_slots(store.engine)
    with reading(store.engine) as session:
        row = find_run(session, second)
        assert row is not None
        assert (row.state, row.waits_for) == ("queued", "slot")
    end_run(store.engine, run_id=first, state="done", message="", now=store.now)
    mark_slots(store.engine)
    with reading(store.engine) as session:
        row = find_run(session, second)
        assert row is not None
        assert row.waits_for == ""


@pytest.mark.postgres
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_frozen_writer_does_not_keep_its_locks(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL; SQLite has no writer on another machine, and its lock ends with the process."""
    enter(store, "w1")
    monkeypatch.setattr("storage.engine.IDLE_SECONDS", 1)
    frozen = another(store)
    with pytest.raises(DBAPIError), transaction(frozen) as session:
        session.get_one(Worker, "w1", with_for_update=True)
        assert silence_worker(store.engine, name="w1", beats=0)  # waits for the lock, and gets it
        session.scalar(select(Worker.beats))
    frozen.dispose()


@pytest.mark.postgres
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_who_reads_may_think_for_long(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with reading(store.engine) as session:
        assert session.execute(text("SHOW idle_in_transaction_session_timeout")).scalar() == "0"
