"""After a run: expectations from the first healthy one, and an issue with a page when a later one differs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from jobs.errors import UsageError
from jobs.limits import check_run, expect_from
from jobs.places import Places
from jobs.sites import find_site, register
from jobs.verbs import read_pages
from storage.engine import open_engine, reading, transaction
from storage.health import HEALTH
from storage.issues import close_issue, find_issues
from storage.pages import Fetched, store_page
from storage.runs import create_run, end_run, find_run
from storage.tables import Issue, Page, Run

OLD = {"price": "Price", "from": "Ships from", "seller": "Sold by"}
NEW = {"price": "Worth of it", "from": "Ships from", "seller": "Sold by"}
"""The template of the same market before and after it was changed: one label has another name."""


def render(number: int, labels: dict[str, str]) -> bytes:
    return f"""<html lang="en"><head><title>Old thing number {number}</title></head><body><h1>Old thing number {number}</h1>
<table><tr><td>{labels["seller"]}</td><td>alba{number % 7}</td></tr><tr><td>{labels["price"]}</td><td>{40 + number}.00 credits</td></tr>
<tr><td>{labels["from"]}</td><td>South Africa</td></tr></table>
<h4>Description</h4><pre>A thing that was kept in a drawer for {number} years and is good still.</pre></body></html>""".replace(
        "credits", "USD" if labels is OLD else "of our coin"
    ).encode()


class Market:
    """One site whose runs are made from rendered pages, as a crawl would store them."""

    def __init__(self, places: Places, engine: Engine, now: datetime) -> None:
        self.places, self.engine, self.now = places, engine, now
        path = places.sites / "oldport" / "site.yml"
        path.write_text(path.read_text() + "kinds: {listing: ['^/p/(?P<key>\\d+)$'], home: ['^/$']}\n")
        self.config = find_site(places, "oldport")
        self.site_id = register(engine, self.config, now=now)

    def crawl(self, ads: int, labels: dict[str, str], *, state: str = "done", **settings: Any) -> int:
        self.now += timedelta(days=1)
        run_id = create_run(
            self.engine, verb="crawl", site_id=self.site_id, by="ana", reason="test", settings=settings, now=self.now
        )  # fmt: skip
        for number in range(ads):
            page_id = store_page(
                self.engine, self._fetched(run_id, f"/p/{number}", render(number, labels)), now=self.now
            )
            with transaction(self.engine) as session:
                page = session.get(Page, page_id)
                assert page is not None
                page.kind = "listing"
        end_run(self.engine, run_id=run_id, state=state, message="", now=self.now)
        read_pages(self.places, now=self.now, run_id=run_id, site="oldport")
        return run_id

    def check(self, run_id: int) -> Any:
        return check_run(self.places, self.engine, run_id, now=self.now)

    def issues(self) -> list[Issue]:
        with reading(self.engine) as session:
            found = find_issues(session, site_id=self.site_id)
        return [issue for issue in found if issue.kind.startswith(("drift", "limit"))]

    def run(self, run_id: int) -> Run:
        with reading(self.engine) as session:
            run = find_run(session, run_id)
        assert run is not None
        return run

    def _fetched(self, run_id: int, path: str, body: bytes) -> Fetched:
        return Fetched(
            site_id=self.site_id, run_id=run_id, frontier_id=None, attempt=1, hop=0,
            url=f"http://{self.config.addresses[0]}{path}", method="GET", request_headers=(), requested_at=self.now,
            status=200, reason="OK", response_headers=(("Content-Type", "text/html"),), received_at=self.now, body=body,
            content_type="text/html; charset=utf-8", content_encoding="", circuit_token="0" * 64,
        )  # fmt: skip


@pytest.fixture
def market(places: Places, now: datetime) -> Iterator[Market]:
    engine = open_engine(places.database_url)
    yield Market(places, engine, now)
    engine.dispose()


def test_the_first_healthy_run_writes_what_is_expected_from_now_on(market: Market) -> None:
    found = market.check(market.crawl(30, OLD))
    assert (found.healthy, found.wrote, found.limits, found.drift) == (True, True, (), ())
    text = (market.places.sites / "oldport" / "expected.yml").read_text()
    assert "pages: {min: 15, max: 90}" in text
    assert "  price_amount: {min: 0.5}" in text
    assert market.issues() == []


def test_a_template_that_changed_is_an_issue_with_numbers_and_a_page_to_look_at(market: Market) -> None:
    first = market.crawl(60, OLD)
    market.check(first)
    second = market.crawl(60, NEW)
    found = market.check(second)
    assert found.compared == (first,)
    assert not found.healthy
    (issue,) = [issue for issue in market.issues() if issue.kind == "drift-field-price_amount"]
    assert issue.level == "fail"
    assert issue.page_id is not None
    assert issue.message == (
        f"price was read on 100 % of the ads, now on 0 % (run {first} was the last healthy one); look at page {issue.page_id}"
    )
    with reading(market.engine) as session:
        page = session.get(Page, issue.page_id)
        assert page is not None
        assert page.run_id == second
    assert not [i for i in market.issues() if i.kind == "limit-field-price_amount"]  # told once


def test_the_same_trouble_in_the_next_run_is_counted_and_not_told_anew(market: Market) -> None:
    for labels in (OLD, NEW, NEW):
        market.check(market.crawl(40, labels))
    (issue,) = [issue for issue in market.issues() if issue.kind == "drift-field-price_amount"]
    assert issue.count == 2


def test_three_pages_never_alarm(market: Market) -> None:
    market.check(market.crawl(60, OLD))
    market.check(market.crawl(3, NEW, state="paused"))
    assert market.issues() == []


def test_a_run_that_was_unhealthy_is_not_what_others_are_held_against(market: Market) -> None:
    good = market.crawl(40, OLD)
    market.check(good)
    market.check(market.crawl(40, NEW))
    assert market.check(market.crawl(40, OLD)).compared == (good,)


def test_a_person_may_take_a_changed_site_for_healthy(market: Market) -> None:
    market.check(market.crawl(40, OLD))
    changed = market.crawl(40, NEW)
    market.check(changed)
    for issue in market.issues():
        close_issue(market.engine, issue_id=issue.id, now=market.now)
    expect_from(market.places, market.engine, "oldport", changed, now=market.now)
    found = market.check(market.crawl(40, NEW))
    assert (found.compared, found.limits, found.drift) == ((changed,), (), ())
    assert market.issues() == []
    assert (market.places.sites / "oldport" / "expected.yml.old").exists()


def test_figures_stay_with_the_run_and_its_other_settings_too(market: Market) -> None:
    run_id = market.crawl(30, OLD, slow=2)
    market.check(run_id)
    settings = market.run(run_id).settings
    assert settings["slow"] == 2
    assert (settings[HEALTH]["read"], settings[HEALTH]["fields"]["price_amount"]) == (30, 30)


@pytest.mark.parametrize("settings", [{"only": ["/p/1"], "aside": True}, {"bound_pages": 20, "aside": True}])
def test_a_page_tried_by_hand_is_no_run_of_the_site(market: Market, settings: dict[str, Any]) -> None:
    assert market.check(market.crawl(30, OLD, **settings)) is None
    assert not (market.places.sites / "oldport" / "expected.yml").exists()


def test_expectations_of_the_analyst_are_never_written_over(market: Market) -> None:
    path = market.places.sites / "oldport" / "expected.yml"
    path.write_text("listings: {min: 35}\n")
    found = market.check(market.crawl(30, OLD))
    assert [fault.name for fault in found.limits] == ["listings"]
    assert path.read_text() == "listings: {min: 35}\n"
    (issue,) = market.issues()
    assert (issue.kind, issue.level) == ("limit-listings", "fail")
    assert issue.message == "30 ads were read; at least 35 are expected"


@pytest.mark.parametrize(
    ("site", "run", "sentence"),
    [
        ("oldport", 99, "There is no crawl 99 of oldport"),
        ("newport", 1, "There is no crawl 1 of newport"),
        ("oldport", 1, "No ad was read in run 1"),
    ],
)
def test_expectations_need_a_good_run_of_this_site(
    market: Market, site: str, run: int, sentence: str
) -> None:
    assert market.crawl(0, OLD) == 1
    with pytest.raises(UsageError, match=sentence):
        expect_from(market.places, market.engine, site, run, now=market.now)
