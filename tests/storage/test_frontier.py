"""The frontier hands out each address once, in order, and loses none in a crash."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from storage.engine import reading
from storage.frontier import (
    count_states,
    count_try,
    finish,
    forget_try,
    give_back,
    give_up,
    lease,
    recover,
    refuse,
    seed,
)
from storage.pages import find_page

if TYPE_CHECKING:
    from conftest import Store


def take(store: Store, sweep: int, limit: int = 10, *, later: float = 0, seconds: float = 60) -> list[str]:
    rows = lease(
        store.engine,
        site_id=1,
        sweep_id=sweep,
        run_id=sweep,
        limit=limit,
        now=store.now + timedelta(seconds=later),
        seconds=seconds,
    )
    return [row.url.removeprefix("http://site") for row in rows]


@pytest.fixture
def sweep(store: Store) -> int:
    site = store.site()
    assert site == 1
    return store.run(site)


def put(store: Store, sweep: int, *links: object) -> int:
    return seed(store.engine, site_id=1, sweep_id=sweep, links=links, now=store.now)


def test_higher_priority_comes_first_then_the_older(store: Store, sweep: int) -> None:
    put(store, sweep, store.link("/a"), store.link("/b", 10), store.link("/c", 5), store.link("/d", 10))
    assert take(store, sweep, 3) == ["/b", "/d", "/c"]
    assert take(store, sweep, 3) == ["/a"]
    assert take(store, sweep, 3) == []


def test_an_address_is_added_once_in_a_sweep(store: Store, sweep: int) -> None:
    assert put(store, sweep, store.link("/a"), store.link("/a", 5), store.link("/b")) == 2
    assert put(store, sweep, store.link("/b"), store.link("/c")) == 1
    assert put(store, store.run(1), store.link("/a")) == 1


def test_a_lease_that_ran_out_is_taken_again(store: Store, sweep: int) -> None:
    put(store, sweep, store.link("/a"))
    assert take(store, sweep, seconds=60) == ["/a"]
    assert take(store, sweep, later=59) == []
    assert take(store, sweep, later=61) == ["/a"]


def test_a_row_given_back_waits_for_its_time_and_fails_in_the_end(store: Store, sweep: int) -> None:
    put(store, sweep, store.link("/a"))
    for attempt, state in ((1, "new"), (2, "new"), (3, "failed")):
        later = store.now + timedelta(seconds=100 * attempt)
        [row] = lease(store.engine, site_id=1, sweep_id=sweep, run_id=sweep, limit=1, now=later, seconds=60)
        assert row.attempt == attempt
        given = give_back(
            store.engine,
            frontier_id=row.id,
            error="timed out",
            now=later,
            retry_at=later + timedelta(seconds=50),
            max_attempts=3,
        )
        assert given == state
        assert take(store, sweep, later=100 * attempt + 49) == []
    assert count_states(store.engine, sweep_id=sweep) == {"failed": 1}


def test_giving_back_without_an_error_is_no_failure(store: Store, sweep: int) -> None:
    put(store, sweep, store.link("/a"))
    for _ in range(5):
        [row] = lease(
            store.engine, site_id=1, sweep_id=sweep, run_id=sweep, limit=1, now=store.now, seconds=9
        )
        assert (
            give_back(
                store.engine, frontier_id=row.id, error="", now=store.now, retry_at=None, max_attempts=2
            )
            == "new"
        )


def test_a_refused_row_is_not_handed_out(store: Store, sweep: int) -> None:
    put(store, sweep, store.link("/a"))
    [row] = lease(store.engine, site_id=1, sweep_id=sweep, run_id=sweep, limit=1, now=store.now, seconds=9)
    refuse(store.engine, frontier_id=row.id, error="deny list", now=store.now)
    assert take(store, sweep, later=1000) == []
    assert count_states(store.engine, sweep_id=sweep) == {"refused": 1}


def test_finishing_stores_links_and_kind_in_one_step_and_twice_is_once(store: Store, sweep: int) -> None:
    put(store, sweep, store.link("/"))
    [row] = lease(store.engine, site_id=1, sweep_id=sweep, run_id=sweep, limit=1, now=store.now, seconds=9)
    page = store.page(1, sweep, frontier_id=row.id, attempt=row.attempt)
    links = [store.link("/a"), store.link("/b", 3), store.link("/a")]
    for kind, new in (("home", 2), ("listing", 0)):
        assert new == finish(
            store.engine,
            frontier_id=row.id,
            page_id=page,
            kind=kind,
            links=links,
            site_id=1,
            sweep_id=sweep,
            now=store.now,
        )
    with reading(store.engine) as session:
        assert find_page(session, page).kind == "home"
    assert count_states(store.engine, sweep_id=sweep) == {"done": 1, "new": 2}
    rows = lease(store.engine, site_id=1, sweep_id=sweep, run_id=sweep, limit=9, now=store.now, seconds=9)
    assert [found.found_on for found in rows] == [page, page]


def test_recovering_frees_leases_and_names_pages_whose_links_are_missing(store: Store, sweep: int) -> None:
    put(store, sweep, *(store.link(path) for path in ("/a", "/b", "/c")))
    rows = lease(store.engine, site_id=1, sweep_id=sweep, run_id=sweep, limit=2, now=store.now, seconds=900)
    store.page(1, sweep, frontier_id=rows[0].id, hop=0, status=302, response_headers=(("Location", "/z"),))
    last = store.page(1, sweep, frontier_id=rows[0].id, hop=1)
    [fetched] = recover(store.engine, sweep_id=sweep, now=store.now)
    assert (fetched.frontier_id, fetched.page_id, fetched.url) == (rows[0].id, last, "http://site/a")
    assert take(store, sweep) == ["/b", "/c"]


def test_two_at_once_never_get_the_same_row(store: Store, sweep: int) -> None:
    put(store, sweep, *(store.link(f"/{number}", number % 3) for number in range(60)))
    got: list[str] = []

    def work() -> None:
        while rows := take(store, sweep, 4):
            got.extend(rows)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(f"/{number}" for number in range(60))


def test_tries_at_a_stored_page_are_counted_before_they_are_made(store: Store, sweep: int) -> None:
    put(store, sweep, store.link("/a"))
    [row] = lease(store.engine, site_id=1, sweep_id=sweep, run_id=sweep, limit=1, now=store.now, seconds=60)
    assert [count_try(store.engine, frontier_id=row.id, max_attempts=2) for _ in range(3)] == [
        True,
        True,
        False,
    ]
    forget_try(store.engine, frontier_id=row.id)
    assert count_try(store.engine, frontier_id=row.id, max_attempts=2)
    with pytest.raises(LookupError):
        count_try(store.engine, frontier_id=row.id + 1, max_attempts=2)


def test_a_try_that_was_never_counted_cannot_be_taken_back(store: Store, sweep: int) -> None:
    put(store, sweep, store.link("/a"))
    [row] = lease(store.engine, site_id=1, sweep_id=sweep, run_id=sweep, limit=1, now=store.now, seconds=60)
    forget_try(store.engine, frontier_id=row.id)
    assert [count_try(store.engine, frontier_id=row.id, max_attempts=1) for _ in range(2)] == [True, False]


def test_a_row_given_up_is_never_leased_again(store: Store, sweep: int) -> None:
    put(store, sweep, store.link("/a"))
    [row] = lease(store.engine, site_id=1, sweep_id=sweep, run_id=sweep, limit=1, now=store.now, seconds=60)
    give_up(store.engine, frontier_id=row.id, error="it ended the run each time")
    assert count_states(store.engine, sweep_id=sweep) == {"failed": 1}
    assert take(store, sweep, later=1000) == []
