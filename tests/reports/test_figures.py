"""The figures count ads, each once, in the period that they belong to, by the evidence that there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from reports.figures import compute_interval
from storage.verdicts import undo_verdict

if TYPE_CHECKING:
    from conftest import Desk


def test_ads_are_counted_once_and_groups_apart(survey: Desk) -> None:
    figures = survey.figures()
    assert figures.reviewed.ads == 21
    assert figures.reviewed.groups == {"ivory": 8, "rhino_horn": 15, "tiger": 3}
    assert figures.reviewed.several == 5
    assert figures.listings == 50
    assert (figures.flagged, figures.flagged_reviewed, figures.flagged_confirmed) == (21, 21, 21)


def test_sites_add_up_to_all_sites(survey: Desk) -> None:
    figures = survey.figures()
    assert [site.site for site in figures.sites] == ["lanternrow", "oldport"]
    assert sum(site.reviewed.ads for site in figures.sites) == 21
    assert sum(week.reviewed for week in figures.weeks) == 21
    assert sum(week.listings for week in figures.weeks) == 50


@pytest.mark.parametrize(
    ("scored", "judged", "reviewed", "waiting"),
    [
        ((), None, 0, 0),
        (None, None, 0, 0),
        (("ivory",), None, 0, 1),
        (("ivory",), ("tiger",), 1, 0),
        (("ivory",), (), 0, 0),
        ((), ("ivory",), 1, 0),
        (None, ("ivory",), 1, 0),
    ],
)
def test_a_persons_verdict_goes_before_the_models_flag(
    desk: Desk, scored: tuple[str, ...] | None, judged: tuple[str, ...] | None, reviewed: int, waiting: int
) -> None:
    desk.look("oldport")
    desk.put("oldport", scored=scored, judged=judged)
    figures = desk.figures()
    assert (figures.reviewed.ads, figures.scored.ads, figures.waiting) == (reviewed, waiting, waiting)
    groups = judged if judged is not None else scored
    shown = [ad.groups for ad in figures.ads]
    assert shown == ([groups] if reviewed or waiting else [])


def test_an_undone_verdict_counts_no_more(desk: Desk) -> None:
    desk.look("oldport")
    desk.put("oldport", scored=("ivory",), judged=("tiger",))
    undo_verdict(desk.engine, user_id=desk.user, now=desk.now)
    figures = desk.figures()
    assert (figures.reviewed.ads, figures.scored.ads) == (0, 1)
    assert figures.scored.groups == {"ivory": 1, "rhino_horn": 0, "tiger": 0}


def test_an_ad_that_changed_after_its_verdict_waits_again(desk: Desk) -> None:
    desk.look("oldport")
    changes = {"key": "7", "posted": datetime(2026, 10, 10, tzinfo=UTC), "scored": ("ivory",)}
    listing = desk.put("oldport", judged=(), **changes)
    assert (desk.figures().waiting, desk.figures().turned_down, desk.figures().ads) == (0, 1, ())
    later = desk.now + timedelta(hours=1)
    again = desk.put("oldport", content_sha256="b" * 64, description="Real ivory.", seen_at=later, **changes)
    figures = desk.figures()
    assert again == listing
    assert (figures.flagged, figures.waiting, figures.turned_down) == (1, 1, 0)
    assert [(ad.listing_id, ad.evidence, ad.groups) for ad in figures.ads] == [
        (listing, "scored", ("ivory",))
    ]


@pytest.mark.parametrize(
    ("posted", "inside"),
    [
        (datetime(2026, 9, 30, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 10, 1, tzinfo=UTC), True),
        (datetime(2026, 10, 31, 23, 59, 59, 999999, tzinfo=UTC), True),
        (datetime(2026, 11, 1, tzinfo=UTC), False),
        (None, False),
    ],
)
def test_the_period_has_its_start_and_not_its_end(desk: Desk, posted: datetime | None, inside: bool) -> None:
    desk.look("oldport")
    desk.put("oldport", posted=posted, scored=("ivory",))
    figures = desk.figures()
    assert (figures.listings, figures.scored.ads) == (inside, inside)


def test_without_a_date_the_first_sight_counts(desk: Desk) -> None:
    desk.look("oldport")
    desk.put("oldport", posted=None, scored=("ivory",), seen_at=datetime(2026, 10, 5, tzinfo=UTC))
    figures = desk.figures()
    assert (figures.listings, figures.undated) == (1, 1)
    assert [(week.start.day, week.scored) for week in figures.weeks if week.scored] == [(5, 1)]
    assert not figures.ads[0].has_posted_date


def test_weeks_begin_on_monday_and_cover_the_period(desk: Desk) -> None:
    weeks = desk.figures().weeks
    assert [f"{week.start:%a %d %b}" for week in weeks] == [
        "Mon 28 Sep",
        "Mon 05 Oct",
        "Mon 12 Oct",
        "Mon 19 Oct",
        "Mon 26 Oct",
    ]
    assert [week.whole for week in weeks] == [False, True, True, True, False]


@pytest.mark.parametrize(
    ("ended", "runs", "inside"),
    [
        (datetime(2026, 9, 30, tzinfo=UTC), 0, 0),
        (datetime(2026, 10, 15, tzinfo=UTC), 1, 1),
        (datetime(2026, 11, 15, tzinfo=UTC), 1, 0),
        (datetime(2026, 12, 15, tzinfo=UTC), 0, 0),
    ],
    ids=["before the period", "within it", "after it", "after the report"],
)
def test_runs_that_could_see_the_period_are_its_scope(
    desk: Desk, ended: datetime, runs: int, inside: int
) -> None:
    desk.look("oldport", at=ended)
    coverage = desk.figures().coverage
    assert (coverage.runs, coverage.runs_inside, coverage.pages) == (runs, inside, runs)
    assert coverage.looked is bool(runs)


def test_coverage_counts_pages_answers_and_unfinished_runs(desk: Desk) -> None:
    desk.look("oldport", state="failed")
    desk.look("lanternrow")
    desk.page("oldport", status=None)
    desk.page("oldport", status=503)
    desk.put("oldport", posted=None)
    coverage = desk.figures().coverage
    assert (coverage.runs, coverage.runs_done, coverage.sites_read, coverage.sites_done) == (2, 1, 2, 1)
    assert (coverage.pages, coverage.answered, coverage.failed, coverage.seen) == (4, 3, 1, 1)
    assert [site.state for site in coverage.sites] == ["read to the end", "read in part"]


def test_the_period_before_is_compared(desk: Desk) -> None:
    desk.look("oldport")
    for days in (1, 31, 32):
        desk.put("oldport", posted=desk.start - timedelta(days=days), scored=("ivory",), judged=("ivory",))
    figures = desk.figures()
    assert (figures.before.ads, figures.before_listings) == (2, 2)
    assert figures.reviewed.ads == 0


def test_an_empty_period_is_refused(desk: Desk) -> None:
    desk.end = desk.start
    with pytest.raises(ValueError, match="the period is empty"):
        desk.figures()


@pytest.mark.parametrize(
    ("found", "of", "low", "high"),
    # Values of Wilson's interval without continuity correction, as statistics packages give them.
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (1, 300, 0.0006, 0.0186),
        (0, 0, 0.0, 1.0),
    ],
)
def test_intervals_are_wilsons(found: int, of: int, low: float, high: float) -> None:
    assert compute_interval(found, of) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
