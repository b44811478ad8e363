"""Plans: where a sweep begins, and which one is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crawler.plan import BONUS, INTEREST, KNOWN, PLANS, START, choose_plan, start_links
from crawler.sites import SiteConfig
from storage.plans import PlanTimes

NOW = datetime(2026, 11, 20, 3, 15, tzinfo=UTC)


@pytest.fixture
def config(place: Any) -> SiteConfig:
    return SiteConfig.model_validate(place.config)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


@pytest.mark.parametrize("plan", PLANS)
def test_a_sweep_begins_with_the_start_pages_then_the_known_ads(config: SiteConfig, plan: str) -> None:
    known = [f"http://{'b' * 56}.onion/p/7", "/p/8", "/logout", "/"]
    links = start_links(config, plan, known)
    assert [link.url.rpartition("onion")[2] for link in links] == ["/", "/p/7", "/p/8"]
    assert {link.url.split("/")[2] for link in links} == {config.addresses[0]}
    assert [link.shape for link in links] == ["/", "/p/N", "/p/N"]
    assert links[0].priority >= START > INTEREST > links[1].priority >= KNOWN > BONUS > 1000


def test_an_unknown_plan_is_refused(config: SiteConfig) -> None:
    with pytest.raises(ValueError, match="weekly"):
        start_links(config, "weekly")


@pytest.mark.parametrize(
    ("times", "plan"),
    [
        (PlanTimes(None, None), "full"),
        (PlanTimes(None, ago(hours=1)), "full"),
        (PlanTimes(ago(days=8), ago(hours=1)), "full"),
        # A weekly schedule may fire a little early; a day early is too early.
        (PlanTimes(ago(days=6, hours=22), ago(hours=1)), "full"),
        (PlanTimes(ago(days=6), ago(hours=1)), None),
        (PlanTimes(ago(days=6), ago(hours=25)), "known"),
        (PlanTimes(ago(days=2), None), "known"),
        # A full sweep sees the known ads, too.
        (PlanTimes(ago(hours=5), ago(days=3)), None),
        (PlanTimes(ago(hours=23), ago(days=3)), "known"),
        # An unfinished full sweep goes on, and the known ads come between.
        (PlanTimes(ago(hours=5), None, unfinished=True), "full"),
        (PlanTimes(ago(hours=25), ago(days=2), unfinished=True), "known"),
        (PlanTimes(ago(hours=30), ago(hours=1), unfinished=True), "full"),
        (PlanTimes(ago(days=9), ago(days=8), unfinished=True), "full"),
    ],
)
def test_what_is_due(config: SiteConfig, times: PlanTimes, plan: str | None) -> None:
    assert choose_plan(times, now=NOW, config=config) == plan


def test_the_site_file_sets_how_often(place: Any) -> None:
    config = SiteConfig.model_validate(place.config | {"plan": {"known_hours": 6, "full_days": 30}})
    assert choose_plan(PlanTimes(ago(days=8), ago(hours=7)), now=NOW, config=config) == "known"
    assert choose_plan(PlanTimes(ago(days=8), ago(hours=3)), now=NOW, config=config) is None
    assert choose_plan(PlanTimes(ago(days=31), ago(hours=3)), now=NOW, config=config) == "full"


def test_a_daily_schedule_finishes_a_full_sweep_of_many_days_and_sees_the_known_ads(
    config: SiteConfig,
) -> None:
    full, known, plans = ago(days=0), None, []
    for day in range(1, 6):
        now = NOW + timedelta(days=day)
        plan = choose_plan(PlanTimes(full, known, unfinished=True), now=now, config=config)
        plans.append(plan)
        if plan == "full":
            full = now
        else:
            known = now
    assert plans == ["known", "full", "known", "full", "known"]
