"""Addresses made up without end are recognised; honest ones of the same make are not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.traps import COMBINATIONS, REPEATS, Traps

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def make(**more: object) -> Traps:
    return Traps(**({"shape_budget": 1000, "now": NOW} | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("/a/b/a/b/a/b", "repeat"),
        ("/c/other/other/other", "repeat"),
        ("/" + "x/" * 30, "repeat"),
        ("/a/b/a/b", ""),
        ("/p/1/1/1", ""),
        ("/x?" + "&".join(f"a{n}=1" for n in range(14)), "growing"),
        ("/x?f[]=1&f[]=2&f[]=3&f[]=4", "growing"),
        ("/login?back=%2Flogin%3Fback%3D%252Flogin%253Fback%253D%252Fcart", "growing"),
        ("/login?back=%2Fcart%3Fa%3D1%26b%3D2", ""),
        ("/x?a=1&b=2&c=3", ""),
        ("/cal/2031/5", "calendar"),
        ("/cal/2026/12", ""),
        ("/cal/2027/02", "calendar"),
        ("/2031/05/17", "calendar"),
        ("/archive/1999/12", "calendar"),
        ("/archive/2019/12", ""),
        ("/events?year=2031&month=5", "calendar"),
        ("/events?month=5&year=2025", ""),
        ("/events?date=2031-05-01", "calendar"),
        ("/events?date=1924988400", "calendar"),
        ("/events?month=-40", "calendar"),
        ("/events?month=480", "calendar"),
        ("/events?month=12", ""),
        ("/thread/2031/2", ""),
        ("/coins?year=1875", "calendar"),
        ("/p/2031", ""),
        ("/feedback?from=40", ""),
    ],
)
def test_addresses_that_contradict_themselves(path: str, rule: str) -> None:
    assert make().judge(path, page="/", keyed=False) == rule


def test_an_ad_that_the_site_file_names_is_never_a_calendar() -> None:
    assert make().judge("/p/2031/05", page="/", keyed=True) == ""


def test_a_list_is_fetched_in_few_orders_and_only_the_first_pages_of_those() -> None:
    traps = make()
    asked = [f"/c/other?sort={by}&dir={way}" for by in ("price", "date", "name") for way in ("asc", "desc")]
    rules = [traps.judge(path, page="/c/other", keyed=False, plain_known=True) for path in asked]
    assert rules == [""] * COMBINATIONS + ["combinations"] * (6 - COMBINATIONS)
    assert traps.judge(asked[0] + "&page=2", page="/", keyed=False, plain_known=True) == "combinations"
    assert traps.judge(asked[0], page="/", keyed=False, plain_known=True) == ""
    assert traps.judge("/c/food?sort=price", page="/", keyed=False, plain_known=True) == ""


def test_a_list_that_has_no_plain_form_is_fetched_whole_in_its_first_form() -> None:
    fresh = make()
    paths = ["/c/x?lang=en", *(f"/c/x?lang=en&page={n}" for n in range(2, 30))]
    assert {fresh.judge(path, page="/", keyed=False) for path in paths} == {""}
    assert fresh.judge("/c/x?lang=de&page=2", page="/", keyed=False) == "combinations"


def test_an_ad_in_another_coin_is_not_fetched_when_its_plain_address_is_known() -> None:
    assert make().judge("/p/7?currency=eur", page="/", keyed=True, plain_known=True) == "combinations"
    assert make().judge("/p/7?currency=eur", page="/", keyed=True, plain_known=False) == ""


def test_the_budget_of_a_shape_counts_what_earlier_processes_stored() -> None:
    traps = make(shape_budget=10, counts={"/x/N": 8})
    assert [traps.spend("/x/N") for _ in range(4)] == [True, True, False, False]
    assert traps.spend("/y/N")


def test_a_list_ends_where_its_pages_repeat_themselves() -> None:
    traps = make()
    for number in range(1, 9):
        traps.note_list(f"/c/other?page={number}", hash(("goods", number)))
        assert traps.judge(f"/c/other?page={number + 1}", page="/", keyed=False) == ""
    for number in range(9, 9 + REPEATS):
        assert traps.judge(f"/c/other?page={number}", page="/", keyed=False) == ""
        traps.note_list(f"/c/other?page={number}", hash(("goods", 8)))
    assert traps.judge("/c/other?page=99", page="/", keyed=False) == "pages"
    assert traps.judge("/c/food?page=99", page="/", keyed=False) == ""
    assert traps.judge("/c/other", page="/", keyed=False) == ""


def _page(number: int) -> list[str]:
    return [f"/c/{n}?tok={number}a{number * 79190}" for n in range(12)]


def test_a_name_with_another_value_on_every_page_is_a_session_id() -> None:
    traps = make()
    for number in (1, 2):
        traps.learn(_page(number))
        assert traps.session_names == set()
    traps.learn(_page(3))
    assert traps.session_names == {"tok"}


@pytest.mark.parametrize(
    "pages",
    [
        # Ids of things stand side by side.
        [[f"/item?id=ab{n}c{page}{n}" for n in range(20)] for page in range(20)],
        # One seller a page, with tabs.
        [[f"/v?vendor=h4sh{page}{tab}"[:13] + f"&tab={tab}" for tab in "abc"] for page in range(20)],
        # The same value all the time.
        [[f"/c/{n}?ref=abc123" for n in range(20)] for _ in range(20)],
        # Numbers of pages are too short for a session.
        [[f"/c/{n}?page={page}" for n in range(20)] for page in range(20)],
    ],
)
def test_ids_of_things_are_no_session_ids(pages: list[list[str]]) -> None:
    traps = make()
    for page in pages:
        traps.learn(page)
    assert traps.session_names == set()


def test_a_new_process_learns_from_the_addresses_of_the_one_before() -> None:
    rows: list[tuple[int | None, str]] = [(number, path) for number in (1, 2, 3) for path in _page(number)]
    rows += [(9, f"/c/other?sort={by}") for by in ("price", "date")]
    fresh = make()
    fresh.rebuild(rows)
    assert fresh.session_names == {"tok"}
    asked = [f"/c/other?sort={by}" for by in ("price", "date", "name")]
    assert [fresh.judge(path, page="/", keyed=False, plain_known=True) for path in asked] == ["", "", "combinations"]  # fmt: skip


def test_start_addresses_and_ids_that_stood_side_by_side_teach_no_session_ids() -> None:
    side_by_side = [(page, f"/item/{page}?id=ab{n}c{page}{n}") for page in range(20) for n in range(20)]
    given = [(None, path) for number in (1, 2, 3) for path in _page(number)]
    fresh = make()
    fresh.rebuild([*side_by_side, *given])
    assert fresh.session_names == set()
