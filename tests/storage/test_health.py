"""A run counted: its pages by kind, its ads by field, and the figures that it keeps of itself."""

from __future__ import annotations

from typing import Any

import pytest

from storage.engine import reading, transaction
from storage.health import (
    HEALTH,
    RunFigures,
    count_run,
    find_figures,
    find_newest_page,
    find_run_pages,
    find_sample,
    keep_figures,
)
from storage.readings import store_readings
from storage.tables import Page, Run

FIELDS = {
    "title": {"value": "A thing"},
    "price_amount": {"value": "40.00"},
    "posted": {"value": None},
    "ships_to": {"value": []},
}


def add(store: Any, site_id: int, run_id: int, *, kind: str | None, read_as: str = "", **changes: Any) -> int:
    """One stored page, read as `read_as` when that is said."""
    page_id: int = store.page(site_id, run_id, **changes)
    with transaction(store.engine) as session:
        page = session.get(Page, page_id)
        assert page is not None
        page.kind = kind
    if read_as:
        row = store.row(page_id, site_id, run_id, kind=read_as, fields=FIELDS, source="", key="")
        store_readings(store.engine, [row], now=store.now)
    return page_id


def count(store: Any, run_id: int) -> RunFigures:
    with reading(store.engine) as session:
        return count_run(
            session, run_id, ad_kinds=("listing", "thread"),
            field_names=("price_amount", "posted", "ships_to", "quantity"),
        )  # fmt: skip


def test_a_run_is_counted_by_kind_and_field(store: Any) -> None:
    site = store.site()
    run, other = store.run(site), store.run(site)
    for kind, read_as in (
        ("listing", "listing"),
        ("listing", "listing"),
        ("listing", "other"),
        ("search", "listing"),
        ("queue", ""),
    ):
        add(store, site, run, kind=kind, read_as=read_as)
    add(store, site, run, kind=None)
    add(store, site, other, kind="listing", read_as="listing")
    store.end(run)
    found = count(store, run)
    assert found == RunFigures(
        pages=5, kinds={"listing": 3, "search": 1, "queue": 1}, asked=3, read=2, fields={"price_amount": 2}, plan="full", whole=True
    )  # fmt: skip


def test_a_run_without_pages_counts_nothing(store: Any) -> None:
    assert count(store, store.run(store.site())) == RunFigures()


def test_figures_come_back_from_healthy_runs_of_the_same_plan_only(store: Any) -> None:
    site = store.site()
    runs = [store.run(site) for _ in range(6)]
    kept = RunFigures(pages=9, kinds={"listing": 9}, asked=9, read=9, fields={"title": 9}, whole=True)
    for run, healthy in zip(runs[:5], (True, False, True, True, True), strict=True):
        keep_figures(store.engine, run, kept, healthy=healthy)
    with transaction(store.engine) as session:
        row = session.get(Run, runs[2])
        assert row is not None
        row.plan = "known"
        assert row.settings[HEALTH]["pages"] == 9
    with reading(store.engine) as session:
        found = find_figures(session, site_id=site, before=runs[5], plan="full", limit=2)
        late = find_figures(session, site_id=site, before=runs[5], since=runs[4], plan="full", limit=5)
    assert found == [(runs[4], kept), (runs[3], kept)]
    assert [run for run, _ in late] == [runs[4]]


@pytest.mark.parametrize(
    ("how", "number"),
    [
        ({}, 0),
        ({"lacks": "price_amount"}, None),
        ({"lacks": "posted"}, 1),
        ({"not_read_as": ("listing",)}, 2),
    ],
    ids=["any", "none lacks it", "first that lacks it", "not read as an ad"],
)
def test_a_sample_page_is_one_that_shows_the_trouble(
    store: Any, how: dict[str, Any], number: int | None
) -> None:
    site = store.site()
    run = store.run(site)
    pages = [
        add(store, site, run, kind="listing"),
        add(store, site, run, kind="listing", read_as="listing"),
        add(store, site, run, kind="listing", read_as="other"),
    ]
    with reading(store.engine) as session:
        found = find_sample(session, run, kinds=("listing",), **how)
    assert found == (None if number is None else pages[number])


def test_a_runs_pages_and_the_newest_of_an_address(store: Any) -> None:
    site = store.site()
    run, later = store.run(site), store.run(site)
    url = "http://" + "a" * 56 + ".onion/p/7"
    first = store.page(site, run, url=url)
    second = store.page(site, later, url=url)
    with reading(store.engine) as session:
        assert [page.id for page in find_run_pages(session, run)] == [first]
        newest = find_newest_page(session, [url, url + "?x"])
        assert newest is not None
        assert newest.id == second
        assert find_newest_page(session, [url + "?x"]) is None
