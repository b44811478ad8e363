"""The Follower keeps honest links, leaves traps out with one issue a rule, and stops branches that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from crawler.follow import ALIKE, Follower
from crawler.links import normalise_url
from crawler.pages import Job
from crawler.plan import BONUS, INTEREST
from crawler.sites import SiteConfig
from storage.frontier import Link, count_states, lease, seed

NOW = datetime(2026, 11, 1, tzinfo=UTC)


class Walk:
    """A sweep without a network: pages are given as paths and links."""

    def __init__(self, place: Any, *, plan: str = "full", config: dict[str, Any] | None = None) -> None:
        self.place = place
        self.issues: list[str] = []
        self.config = SiteConfig.model_validate(place.config | (config or {}))
        self.plan = plan
        self.again()

    def again(self) -> None:
        """Another process goes on with the sweep."""
        job = Job(self.place.engine, self.config, self.place.site_id, 1, 1, lambda: NOW)
        self.follower = Follower(
            job,
            lambda kind, message, *, page_id, level="warn": self.issues.append(f"{level} {kind}: {message}"),
            plan=self.plan,
        )

    def page(self, path: str, links: Iterable[str | tuple[str, str]], *, text: str = "", depth: int = 0, **more: Any) -> list[Link]:  # fmt: skip
        pairs = [link if isinstance(link, tuple) else (link, "x") for link in links]
        body = f"<body><p>{text}</p>" + "".join(f"<a href='{href}'>{name}</a>" for href, name in pairs)
        url = f"http://{self.place.onion}{path}"
        found, seen = self.follower.read_links(body.encode(), url=url, depth=depth, page_id=1, **more)
        seed(self.place.engine, site_id=self.place.site_id, sweep_id=1, links=found, now=NOW)
        self.follower.remember(seen)
        return found


def paths(links: Iterable[Link]) -> list[str]:
    return [normalise_url(urlsplit(link.url)) for link in links]


def test_known_addresses_are_given_once_and_again_only_to_a_new_process(place: Any) -> None:
    walk = Walk(place)
    assert paths(walk.page("/", ["/c/x", "/p/1"])) == ["/c/x", "/p/1"]
    assert walk.page("/c/x", ["/c/x", "/p/1"]) == []
    walk.again()
    assert paths(walk.page("/c/x", ["/c/x", "/p/1"])) == ["/c/x", "/p/1"]


def test_a_budget_of_a_shape_holds_over_restarts_and_counts_each_address_once(place: Any) -> None:
    walk = Walk(place, config={"budgets": {"shape": 10}})
    assert len(walk.page("/", [f"/x/{n}" for n in range(8)])) == 8
    for _ in range(3):
        walk.again()
        walk.page("/", [f"/x/{n}" for n in range(8)])
    assert len(walk.page("/b", [f"/x/{n}" for n in range(20)])) == 2
    assert paths(walk.page("/c", ["/y/1"])) == ["/y/1"]
    walk.again()
    assert paths(walk.page("/d", [f"/x/{n}" for n in range(30)])) == [f"/x/{n}" for n in range(10)]
    walk.follower.finish()
    [issue] = [line for line in walk.issues if "left-out" in line]
    assert issue.startswith("warn left-out-shape: 20 addresses of one shape beyond its budget")
    assert issue.endswith("left out, such as /x/10")


def test_a_site_that_makes_up_words_makes_up_no_budgets(place: Any) -> None:
    walk = Walk(place, config={"budgets": {"shape": 50}})
    words = ["".join(chr(97 + number // 26**place % 26) for place in range(4)) for number in range(4000)]
    kept = 0
    for start in range(0, 4000, 500):
        kept += len(walk.page(f"/x/{start}", [f"/{word}" for word in words[start : start + 500]]))
    assert kept == 2000 + 50
    assert {row.shape for row in place.frontier()} >= {"*"}


def test_near_identical_pages_close_their_branch_and_no_other(place: Any) -> None:
    walk = Walk(place, config={"budgets": {"alike": 5}})
    walk.page("/", ["/e/9", *(f"/cal/{n}" for n in range(40))])
    for number in range(5):
        walk.page(f"/cal/{number}", [f"/cal/{number + 40}", "/"], text=f"Day {number} of the year", depth=1)
    states = {normalise_url(urlsplit(row.url)): (row.state, row.error) for row in place.frontier()}
    assert states["/cal/39"] == ("refused", ALIKE)
    assert states["/e/9"][0] == "new"
    for again in (False, True):
        if again:
            walk.again()
        assert paths(walk.page("/z", ["/cal/77", f"/e/{10 + again}"])) == [f"/e/{10 + again}"]
    walk.follower.finish()
    assert sum("left-out-alike" in line for line in walk.issues) == 1


def test_ads_with_the_same_words_are_never_stopped(place: Any) -> None:
    walk = Walk(place, config={"budgets": {"alike": 5}})
    walk.page("/", [f"/p/{n}" for n in range(40)])
    for number in range(30):
        walk.page(f"/p/{number}", ["/"], text=f"Thing {number}", depth=1)
    assert count_states(place.engine, sweep_id=1) == {"new": 41}
    assert walk.issues == []


def test_one_body_for_many_ads_is_told_and_closes_nothing(place: Any) -> None:
    walk = Walk(place, config={"budgets": {"alike": 5}})
    walk.page("/", [f"/p/{n}" for n in range(40)])
    for number in range(6):
        walk.page(f"/p/{number}", ["/"], text="We will be back soon", depth=1)
    assert count_states(place.engine, sweep_id=1) == {"new": 41}
    assert [line.split(":")[0] for line in walk.issues] == ["fail same-page"]


def test_one_ad_under_ever_new_addresses_is_stopped_and_its_neighbours_are_not(place: Any) -> None:
    walk = Walk(place, config={"budgets": {"alike": 5}})
    for number in range(5):
        walk.page(f"/p/7?ref={number}", [f"/p/7?ref={number + 10}", "/p/8"], text="Bowl", depth=1)
    assert walk.page("/p/7?ref=5", ["/p/7?ref=99"], depth=1) == []
    assert paths(walk.page("/c/x", ["/p/9"])) == ["/p/9"]


def test_session_ids_in_addresses_are_learned(place: Any) -> None:
    walk = Walk(place)
    new = [
        len(walk.page(f"/x{turn}", [f"/c/w{n}?tok=ab{turn}99{turn}" for n in range(12)])) for turn in range(8)
    ]
    assert new == [12, 12, 12, 0, 0, 0, 0, 0]


def test_another_process_of_the_sweep_knows_the_orders_that_were_taken(place: Any) -> None:
    walk = Walk(place)
    orders = [f"/c/other?sort={by}" for by in ("price", "date", "name", "size")]
    assert len(walk.page("/c/other", ["/c/other", *orders[:2]])) == 3
    walk.again()
    assert walk.page("/c/x", ["/c/other", *orders[2:]])[1:] == []


def test_interest_comes_first_and_its_ads_before_others(place: Any) -> None:
    walk = Walk(place, config={"plan": {"interest": ["^/c/odd"]}})
    links = walk.page("/", ["/c/odd", "/c/food", "/p/1", "/p/2"])
    by = {path: link.priority for path, link in zip(paths(links), links, strict=True)}
    assert by["/c/odd"] >= INTEREST > BONUS > by["/p/1"]
    found = walk.page("/c/odd", ["/p/1", "/c/odd?page=2", "/c/food"], depth=1)
    assert {path: link.priority // 1000 for path, link in zip(paths(found), found, strict=True)} == {
        "/p/1": BONUS // 1000,
        "/c/odd?page=2": INTEREST // 1000,
    }
    leased = lease(place.engine, site_id=place.site_id, sweep_id=1, run_id=1, limit=3, now=NOW, seconds=60)
    assert [row.url.rpartition("onion")[2] for row in leased] == ["/c/odd", "/c/odd?page=2", "/p/1"]


@pytest.mark.parametrize(
    ("link", "interest"),
    [
        (("/c/17", "Jewellery (123)"), True),
        (("/c/18", "Other"), True),
        (("/c/19", "Schmuck &amp; Antiquitäten"), True),
        (("/c/20", "Другое"), True),
        (("/c/21", "其他"), True),
        (("/c/custom-listings", "x"), True),
        (("/c/22", "Stimulants"), False),
        (("/c/23", "See all other stimulants we have"), False),
        (("/p/7", "Art deco jewellery"), False),
    ],
)
def test_categories_of_interest_are_known_by_their_names(
    place: Any, link: tuple[str, str], interest: bool
) -> None:
    [found] = Walk(place).page("/", [link])
    assert (found.priority >= INTEREST) is interest


def test_the_next_piece_of_a_list_of_interest_is_of_interest(place: Any) -> None:
    walk = Walk(place)
    walk.page("/", [("/c/18", "Other")])
    for again in (False, True):
        if again:
            walk.again()
        links = walk.page("/c/18", [("/c/18?page=2", "2"), ("/c/18/3", "3"), ("/c/19", "Food")], depth=1, priority=INTEREST if again else 0)  # fmt: skip
        assert [link.priority >= INTEREST for link in links] == [True, True, False]


def test_the_daily_plan_goes_to_new_ads_of_interest_and_tabs_only(place: Any) -> None:
    walk = Walk(place, plan="known")
    assert paths(walk.page("/", [("/c/18", "Other"), ("/c/19", "Food"), "/p/5", "/v/a"])) == ["/c/18"]
    assert paths(walk.page("/c/18", ["/p/5", "/v/a", ("/c/18?page=2", "2")], depth=1)) == [
        "/p/5",
        "/c/18?page=2",
    ]
    assert paths(walk.page("/p/5", ["/p/5/feedback", "/p/6", "/v/a"], depth=2)) == ["/p/5/feedback"]
    assert walk.page("/c/18?page=4", [("/c/18?page=5", "5")], depth=3, priority=INTEREST) == []


def test_deep_links_may_be_reached_by_a_shorter_way(place: Any) -> None:
    walk = Walk(place, config={"bounds": {"depth": 2}})
    assert walk.page("/x", ["/p/1"], depth=2) == []
    assert paths(walk.page("/y", ["/p/1"], depth=1)) == ["/p/1"]
