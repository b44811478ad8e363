"""What a plan asks of the store: when each ran, the known ads, the ads already read; branches and shapes of a sweep."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from storage.branches import close_branch, count_shapes, find_addresses, find_closed, find_known_keys
from storage.engine import reading, transaction
from storage.frontier import count_states, lease, refuse, seed
from storage.pages import read_body, store_page
from storage.plans import PlanTimes, find_known_ads, find_plan_times, find_read_keys
from storage.readings import store_readings
from storage.tables import Blob, Page, Run
from storage.verdicts import give_verdict

if TYPE_CHECKING:
    from conftest import Store


@pytest.fixture
def site(store: Store) -> int:
    made = store.site()
    assert made == 1
    return made


def put(store: Store, sweep: int, *links: object) -> int:
    return seed(store.engine, site_id=1, sweep_id=sweep, links=links, now=store.now)


def times(store: Store) -> PlanTimes:
    with reading(store.engine) as session:
        return find_plan_times(session, site_id=1)


def test_when_each_plan_ran(store: Store, site: int) -> None:
    assert times(store) == PlanTimes(None, None)
    run = store.run(site)
    assert times(store) == PlanTimes(store.now, None, unfinished=True)
    store.end(run)
    assert times(store) == PlanTimes(store.now, None)
    other = store.run(site)
    with transaction(store.engine) as session:
        session.get_one(Run, other).plan = "known"
        session.get_one(Run, other).created_at = store.now + timedelta(days=1)
    assert times(store) == PlanTimes(store.now, store.now + timedelta(days=1))


def test_a_run_cancelled_before_its_first_page_was_no_run(store: Store, site: int) -> None:
    store.end(store.run(site), "cancelled")
    assert times(store) == PlanTimes(None, None)


def test_shapes_are_counted_and_known_keys_found(store: Store, site: int) -> None:
    sweep = store.run(site)
    links = [replace(store.link(f"/p/{n}"), shape="/p/N") for n in range(3)]
    put(store, sweep, *links, store.link("/"))
    assert count_shapes(store.engine, sweep_id=sweep) == {"/p/N": 3, "": 1}
    keys = [links[0].url_key, store.link("/new").url_key]
    assert find_known_keys(store.engine, site_id=1, sweep_id=sweep, keys=keys) == {links[0].url_key}


def test_addresses_with_a_query_are_found_with_the_page_they_stood_on(store: Store, site: int) -> None:
    sweep = store.run(site)
    put(store, sweep, *(store.link(path) for path in ("/", "/c?a=1", "/p/1", "/c?a=2", "/c?a=3")))
    found = find_addresses(store.engine, sweep_id=sweep, limit=2)
    assert found == [(None, "http://site/c?a=1"), (None, "http://site/c?a=2")]
    assert find_addresses(store.engine, sweep_id=sweep + 1) == []


def test_a_branch_is_closed_for_rows_not_asked_for_yet(store: Store, site: int) -> None:
    sweep = store.run(site)
    put(store, sweep, *(replace(store.link(f"/cal/{n}"), shape="/cal/N") for n in range(4)))
    put(
        store, sweep, replace(store.link("/cow/1"), shape="/cal/N"), replace(store.link("/p/1"), shape="/p/N")
    )
    lease(store.engine, site_id=1, sweep_id=sweep, run_id=sweep, limit=1, now=store.now, seconds=60)
    closed = close_branch(
        store.engine, sweep_id=sweep, shape="/cal/N", belongs=lambda url: "/cal/" in url, error="a branch"
    )
    assert closed == 3
    assert count_states(store.engine, sweep_id=sweep) == {"leased": 1, "refused": 3, "new": 2}
    refuse(store.engine, frontier_id=1, error="another reason", now=store.now)
    assert find_closed(store.engine, sweep_id=sweep, error="a branch") == [
        f"http://site/cal/{n}" for n in (1, 2, 3)
    ]


def test_an_address_met_again_moves_up_and_never_down(store: Store, site: int) -> None:
    sweep = store.run(site)
    put(store, sweep, store.link("/a", 5), store.link("/b", 10))
    assert put(store, sweep, store.link("/a", 20), store.link("/b", 1)) == 0
    rows = lease(store.engine, site_id=1, sweep_id=sweep, run_id=sweep, limit=9, now=store.now, seconds=60)
    assert [(row.url, row.priority) for row in rows] == [("http://site/a", 20), ("http://site/b", 10)]


def test_an_unchanged_page_costs_a_row_and_no_second_body(store: Store, site: int) -> None:
    """A page on which a clock or a token changed is another body, kept whole: it is other evidence. It costs what zstd
    makes of it, because bodies are packed one by one."""
    run = store.run(site)
    body = b"<html>" + b"An old bowl, sent in two days. " * 300 + b"</html>"
    other = body.replace(b"</html>", b"<i>12:01</i></html>")
    for received in (body, body, other):
        store_page(store.engine, store.fetched(site, run, body=received), now=store.now)
    with reading(store.engine) as session:
        assert session.query(Page).count() == 3
        assert sorted(blob.size for blob in session.query(Blob)) == [len(body), len(other)]
        assert read_body(session, session.get_one(Page, 2), max_size=100_000) == body


def known(store: Store, *, later: timedelta = timedelta()) -> list[str]:
    with reading(store.engine) as session:
        found = find_known_ads(session, site_id=1, now=store.now + later)
    return [url.removeprefix("http://site") for url in found]


def test_known_ads_are_those_confirmed_or_flagged_and_not_denied(store: Store, site: int) -> None:
    run, person = store.run(site), store.user()
    ads = {
        key: store.listing(site, run, key, url=f"http://site/p/{key}")
        for key in ("flagged", "confirmed", "denied", "plain")
    }
    for key, (listing, its_reading) in ads.items():
        store.score(its_reading, flagged=key in ("flagged", "denied"))
        if key in ("confirmed", "denied"):
            give_verdict(
                store.engine,
                listing_id=listing,
                reading_id=its_reading,
                user_id=person,
                labels=["ivory"] if key == "confirmed" else [],
                guideline_version="1",
                now=store.now,
            )
    assert known(store) == ["/p/confirmed", "/p/flagged"]
    assert known(store, later=timedelta(days=90)) == []
    with reading(store.engine) as session:
        assert find_read_keys(session, site_id=site, keys=["plain", "new"]) == {"plain"}
        assert find_known_ads(session, site_id=site + 1, now=store.now) == []


def test_an_ad_that_is_gone_is_not_asked_for_daily_until_it_is_seen_again(store: Store, site: int) -> None:
    run = store.run(site)
    for key in "ab":
        store.score(store.listing(site, run, key, url=f"http://site/p/{key}")[1])
    gone = store.page(
        site, run, url="http://mirror/p/a", status=404, received_at=store.now + timedelta(hours=1), body=b"no"
    )
    with transaction(store.engine) as session:
        session.get_one(Page, gone).kind = "not_found"
    assert known(store) == ["/p/b"]
    page = store.page(site, run, url="http://site/p/a", body=b"again", attempt=2)
    again = store.row(
        page,
        site,
        run,
        title="Item a",
        key="a",
        url="http://site/p/a",
        seen_at=store.now + timedelta(hours=2),
    )
    store_readings(store.engine, [again], now=store.now)
    assert known(store) == ["/p/a", "/p/b"]
