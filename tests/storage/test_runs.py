"""A run's life, the sweep it takes over, and what a person asks of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from storage.audit import find_entries
from storage.engine import reading
from storage.queries import find_run_numbers
from storage.runs import beat_run, create_run, find_lost, find_run, find_runs, set_run, start_run, wish_run

if TYPE_CHECKING:
    from conftest import Store


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


def test_lost_runs_are_those_that_fell_silent(store: Store) -> None:
    site = store.site()
    silent, alive, ended = store.run(site), store.run(site), store.run(site)
    later = store.now + timedelta(seconds=90)
    beat_run(store.engine, run_id=alive, now=later)
    store.end(ended)
    with reading(store.engine) as session:
        lost = find_lost(session, silent_since=later - timedelta(seconds=60))
    assert [run.id for run in lost] == [silent]


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
