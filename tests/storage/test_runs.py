"""A run's life, the sweep it takes over, and what a person asks of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from storage.audit import find_entries
from storage.engine import reading
from storage.queries import find_run_numbers
from storage.runs import (
    SLOW,
    beat_run,
    create_run,
    end_run,
    find_run,
    find_runs,
    find_waiting,
    send_on,
    set_run,
    start_run,
    wait_run_for,
    wish_run,
)

if TYPE_CHECKING:
    from conftest import Store

    from storage.tables import Run


@pytest.mark.parametrize(
    ("end", "same_sweep"),
    [("done", False), ("failed", True), ("paused", True), ("cancelled", True), ("lost", True)],
)
def test_a_crawl_takes_over_an_unfinished_sweep(store: Store, end: str, same_sweep: bool) -> None:
    site = store.site()
    first = store.run(site)
    store.end(first, end)
    second = store.run(site)
    with reading(store.engine) as session:
        assert find_run(session, first).sweep_id == first
        assert find_run(session, second).sweep_id == (first if same_sweep else second)


@pytest.mark.parametrize(
    ("days", "good", "same_sweep"), [(6, 0, True), (8, 50, True), (8, 49, False), (8, 0, False)]
)
def test_a_sweep_stuck_for_a_week_gives_way_to_a_new_one(
    store: Store, days: int, good: int, same_sweep: bool
) -> None:
    site = store.site()
    first = store.run(site)
    for _ in range(good):
        store.page(site, first)
    store.end(first, "paused")
    later = create_run(
        store.engine, verb="crawl", site_id=site, by="ana", reason="by hand", settings={},
        now=store.now + timedelta(days=days),
    )  # fmt: skip
    with reading(store.engine) as session:
        assert find_run(session, later).sweep_id == (first if same_sweep else later)


def test_another_sites_sweep_is_left_alone(store: Store) -> None:
    first = store.run(store.site("oldport"))
    store.end(first, "failed")
    second = store.run(store.site("reedmarket"))
    with reading(store.engine) as session:
        assert find_run(session, second).sweep_id == second


def test_the_sweep_is_settled_when_the_run_starts(store: Store) -> None:
    site = store.site()
    first = store.run(site)
    queued = store.run(site, start=False)
    store.end(first, "done")
    assert start_run(store.engine, run_id=queued, worker="w", pid=2, now=store.now).sweep_id == queued


def test_a_wish_is_read_with_the_heartbeat_and_recorded(store: Store) -> None:
    run = store.run(store.site())
    assert beat_run(store.engine, run_id=run, now=store.now) is None
    assert wish_run(store.engine, run_id=run, wish="pause", by="ben", now=store.now) == "running"
    assert beat_run(store.engine, run_id=run, now=store.now) == "pause"
    with reading(store.engine) as session:
        entry = find_entries(session, limit=1)[0]
        assert (entry.actor, entry.action, entry.subject) == ("ben", "run.pause", f"run {run}")


def test_an_ended_run_takes_no_wish(store: Store) -> None:
    run = store.run(store.site())
    store.end(run, "done")
    assert wish_run(store.engine, run_id=run, wish="cancel", by="ben", now=store.now) == "done"
    with reading(store.engine) as session:
        assert find_run(session, run).wish is None


def test_a_run_cancelled_as_it_is_taken_hears_of_it_at_its_first_beat(store: Store) -> None:
    run = store.run(store.site(), start=False)
    store.end(run, "cancelled")
    start_run(store.engine, run_id=run, worker="w", pid=2, now=store.now)
    assert beat_run(store.engine, run_id=run, now=store.now) == "cancel"


def test_runs_are_found_by_state_and_site(store: Store) -> None:
    first, second = store.site("oldport"), store.site("reedmarket")
    runs = [store.run(first), store.run(second), store.run(first)]
    store.end(runs[2])
    with reading(store.engine) as session:
        assert [run.id for run in find_runs(session)] == runs[::-1]
        assert [run.id for run in find_runs(session, site="oldport")] == [runs[2], runs[0]]
        assert [run.id for run in find_runs(session, state="done")] == [runs[2]]
        assert find_runs(session, limit=1)[0].site.name == "oldport"


def test_a_state_that_ends_a_run_needs_end_run(store: Store) -> None:
    run = store.run(store.site())
    with pytest.raises(ValueError, match="use end_run"):
        set_run(store.engine, run_id=run, state="done", message="", now=store.now)


def test_run_numbers_count_pages_by_kind_and_status(store: Store) -> None:
    site = store.site()
    run, other = store.run(site), store.run(site)
    store.listing(site, run, "1")
    store.listing(site, other, "2")
    store.listing(site, other, "1", title="Item 1", seen_at=store.now + timedelta(days=1))
    store.page(site, run, status=404)
    store.page(site, run, status=None, body=None)
    with reading(store.engine) as session:
        numbers = find_run_numbers(session, run)
        assert (numbers.pages, numbers.by_status) == (3, {None: 1, 200: 1, 404: 1})
        assert (numbers.listings, numbers.new_listings) == (1, 1)
        assert find_run_numbers(session, other).listings == 2
        assert find_run_numbers(session, other).new_listings == 1


def wait(store: Store, run: int, *, minutes: int = 0) -> None:
    wait_run_for(
        store.engine, run_id=run, what="person", message="captcha: 6 letters", now=store.now + timedelta(minutes=minutes)
    )  # fmt: skip


def show(store: Store, run: int) -> Run:
    with reading(store.engine) as session:
        found = find_run(session, run)
    assert found is not None
    return found


def test_a_run_that_waits_for_a_person_is_held_by_nobody(store: Store) -> None:
    run = store.run(store.site())
    wait(store, run)
    row = show(store, run)
    assert (row.state, row.waits_for, row.message) == ("waiting", "person", "captcha: 6 letters")
    assert (row.pid, row.wish, row.ended_at) == (None, None, None)


@pytest.mark.parametrize(("wish", "state"), [("pause", "paused"), ("cancel", "cancelled")])
def test_a_wish_to_end_in_the_last_instant_is_obeyed(store: Store, wish: str, state: str) -> None:
    run = store.run(store.site())
    wish_run(store.engine, run_id=run, wish=wish, by="ana", now=store.now)
    wait(store, run)
    row = show(store, run)
    assert (row.state, row.waits_for, row.wish, row.ended_at) == (state, "", None, store.now)


def test_a_slowed_run_waits_all_the_same(store: Store) -> None:
    run = store.run(store.site())
    wish_run(store.engine, run_id=run, wish="slow", by="ana", now=store.now, factor=3)
    wait(store, run)
    assert (show(store, run).state, show(store, run).settings[SLOW]) == ("waiting", 3)


def test_a_run_is_sent_on_once(store: Store) -> None:
    run = store.run(store.site())
    wait(store, run)
    assert send_on(store.engine, run_id=run, now=store.now) is True
    row = show(store, run)
    assert (row.state, row.waits_for, row.message) == ("queued", "", "")
    assert send_on(store.engine, run_id=run, now=store.now) is False


def test_a_run_that_waits_for_tor_is_not_sent_on(store: Store) -> None:
    run = store.run(store.site())
    set_run(store.engine, run_id=run, state="waiting", message="10 %", now=store.now, waits_for="tor")
    assert show(store, run).waits_for == "tor"
    assert send_on(store.engine, run_id=run, now=store.now) is False


@pytest.mark.parametrize("way", ["start", "end", "set"])
def test_a_run_that_goes_on_or_ends_waits_for_nothing(store: Store, way: str) -> None:
    run = store.run(store.site())
    wait(store, run)
    if way == "start":
        start_run(store.engine, run_id=run, worker="w", pid=3, now=store.now)
    elif way == "end":
        end_run(store.engine, run_id=run, state="cancelled", message="", now=store.now)
    else:
        set_run(store.engine, run_id=run, state="running", message="", now=store.now)
    assert show(store, run).waits_for == ""


def test_a_run_sent_on_keeps_its_number_its_sweep_and_its_beginning(store: Store) -> None:
    run = store.run(store.site())
    before = show(store, run)
    wait(store, run)
    send_on(store.engine, run_id=run, now=store.now)
    later = store.now + timedelta(hours=5)
    after = start_run(store.engine, run_id=run, worker="w2", pid=4, now=later)
    assert (after.id, after.sweep_id, after.started_at) == (run, before.sweep_id, before.started_at)


def test_waiting_runs_come_longest_first_and_by_site(store: Store) -> None:
    first, second = store.site("oldport"), store.site("reedmarket")
    late, early, other = store.run(first), store.run(first), store.run(second)
    for run, minutes in ((late, 9), (early, 1), (other, 5)):
        wait(store, run, minutes=minutes)
    with reading(store.engine) as session:
        assert [run.id for run in find_waiting(session)] == [early, other, late]
        assert [run.id for run in find_waiting(session, site_id=second)] == [other]


def test_slow_is_heard_with_the_heartbeat_and_stays_with_the_run(store: Store) -> None:
    run = store.run(store.site())
    assert wish_run(store.engine, run_id=run, wish="slow", by="ana", now=store.now, factor=2.5) == "running"
    assert beat_run(store.engine, run_id=run, now=store.now) == "slow"
    assert show(store, run).settings[SLOW] == 2.5
    with reading(store.engine) as session:
        entry = find_entries(session, limit=1)[0]
    assert (entry.action, entry.detail) == ("run.slow", {"factor": 2.5})


@pytest.mark.parametrize("wish", ["pause", "cancel"])
def test_slow_never_takes_the_place_of_a_wish_to_end(store: Store, wish: str) -> None:
    run = store.run(store.site())
    wish_run(store.engine, run_id=run, wish=wish, by="ana", now=store.now)
    wish_run(store.engine, run_id=run, wish="slow", by="ana", now=store.now, factor=2)
    assert beat_run(store.engine, run_id=run, now=store.now) == wish


@pytest.mark.parametrize("wish", ["pause", "cancel"])
def test_a_slowed_run_is_ended_like_any_other(store: Store, wish: str) -> None:
    run = store.run(store.site())
    wish_run(store.engine, run_id=run, wish="slow", by="ana", now=store.now, factor=2)
    wish_run(store.engine, run_id=run, wish=wish, by="ana", now=store.now)
    assert beat_run(store.engine, run_id=run, now=store.now) == wish


def test_a_paused_run_may_be_slowed_before_it_goes_on(store: Store) -> None:
    run = store.run(store.site())
    store.end(run, "paused")
    wish_run(store.engine, run_id=run, wish="slow", by="ana", now=store.now, factor=4)
    row = show(store, run)
    assert (row.wish, row.settings[SLOW]) == (None, 4)


@pytest.mark.parametrize("factor", [0, 0.5, -1, 101, float("nan"), float("inf"), None])
def test_slow_without_a_sound_factor_is_refused(store: Store, factor: float | None) -> None:
    run = store.run(store.site())
    with pytest.raises(ValueError, match="slow"):
        wish_run(store.engine, run_id=run, wish="slow", by="ana", now=store.now, factor=factor)


def test_a_factor_belongs_to_slow_alone(store: Store) -> None:
    run = store.run(store.site())
    with pytest.raises(ValueError, match="belongs to slow"):
        wish_run(store.engine, run_id=run, wish="pause", by="ana", now=store.now, factor=2)
