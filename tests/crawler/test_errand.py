"""A run with an errand, as a real crawl process: it fetches what was asked for, and leaves the site's sweep alone."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from storage.runs import create_run, end_run


def ask(place: Any, **settings: Any) -> int:
    return create_run(
        place.engine, verb="crawl", site_id=place.site_id, by="test", reason="tried by hand",
        settings={**settings, "aside": True}, now=place.now,
    )  # fmt: skip


def paths(place: Any, run: int) -> list[str]:
    return [page.url.partition(".onion")[2] for page in place.pages() if page.run_id == run]


@pytest.mark.parametrize("only", [["/p/3"], ["/p/3", "/rules"]])
def test_only_what_was_named_is_fetched(place: Any, stub: ModuleType, only: list[str]) -> None:
    with stub.OnionStub(stub.market) as onion:
        done = place.crawl(onion.socks, run=ask(place, only=only))
    assert (done.code, sorted(paths(place, done.run))) == (0, sorted(only))
    assert {row.state for row in place.frontier()} == {"done"}
    assert place.issues() == []


def test_a_look_around_takes_one_page_of_each_shape_first(place: Any, stub: ModuleType) -> None:
    place.write_site(pace={"delay": 0, "in_flight": 1})
    with stub.OnionStub(stub.market) as onion:
        done = place.crawl(onion.socks, run=ask(place, bound_pages=8, spread=True))
    assert done.code == 0
    found = paths(place, done.run)
    assert len(found) == 8
    assert {"/", "/c/other", "/v/alba", "/t/1", "/rules", "/login", "/p/0"} <= set(found)


def test_an_unfinished_sweep_is_neither_taken_up_nor_ended(place: Any, stub: ModuleType) -> None:
    place.write_site(bounds={"pages": 4})
    with stub.OnionStub(stub.market) as onion:
        first = place.crawl(onion.socks)
        tried = place.crawl(onion.socks, run=ask(place, only=["/p/3"]))
        second = place.crawl(onion.socks)
    sweeps = [place.run(number).sweep_id for number in (first.run, tried.run, second.run)]
    assert sweeps == [first.run, tried.run, first.run]
    assert paths(place, tried.run) == ["/p/3"]


def test_a_trial_that_was_lost_leaves_no_sweep_behind(place: Any) -> None:
    run = ask(place, only=["/p/3"])
    end_run(place.engine, run_id=run, state="lost", message="", now=place.now)
    again = place.new_run()
    assert place.run(again).sweep_id == again
