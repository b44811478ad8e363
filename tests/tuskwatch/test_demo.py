"""What the demo makes of its numbers, and what it leaves for `make serve`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tuskwatch.commands.demo import REPORT_FILES, find_problems
from tuskwatch.demo import CrawlResult, Flagged, SiteResult, make_demo_places, remember
from tuskwatch.truth import FoundAd, KnownAd, compare

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FLAGGED = [Flagged(1, "oldport", "1", "a carved thing", ("ivory",), 0.9, ("carved",))]


def crawl(state: str = "done") -> CrawlResult:
    site = SiteResult("oldport", 1, state, "words", pages=100, listings=50, issues=0, seconds=10.0)
    return CrawlResult((site,), (), first_page=1.5, crawled=20.0, done=25.0)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    for name in REPORT_FILES:
        (tmp_path / name).write_text("something")
    return tmp_path


def comparison(read: int, known: int = 200, *, labelled: bool = False) -> object:
    ads = [
        KnownAd("oldport", (str(n),), f"ad {n}", frozenset({"ivory"} if labelled else ()))
        for n in range(known)
    ]
    return compare(ads, [FoundAd("oldport", str(n), "", frozenset()) for n in range(read)])


def test_a_demo_that_went_well_has_no_problems(report: Path) -> None:
    assert find_problems(crawl(), comparison(200), FLAGGED, report) == []  # type: ignore[arg-type]


def test_a_crawl_that_failed_is_a_problem(report: Path) -> None:
    problems = find_problems(crawl("failed"), comparison(200), FLAGGED, report)  # type: ignore[arg-type]
    assert problems == ["Run 1 of oldport is failed: words"]


@pytest.mark.parametrize(("read", "problems"), [(198, 0), (197, 1)])
def test_unread_ads_are_a_problem_beyond_a_hundredth(report: Path, read: int, problems: int) -> None:
    assert len(find_problems(crawl(), comparison(read), FLAGGED, report)) == problems  # type: ignore[arg-type]


def test_unscored_listings_are_a_problem(report: Path) -> None:
    broken = replace(crawl(), unread=("Run 1: no model",))
    assert find_problems(broken, comparison(200), FLAGGED, report) == ["Run 1: no model"]  # type: ignore[arg-type]


def test_an_ad_for_wildlife_that_was_never_read_is_a_problem(report: Path) -> None:
    problems = find_problems(crawl(), comparison(199, labelled=True), FLAGGED, report)  # type: ignore[arg-type]
    assert problems == ["oldport: the ad 'ad 199' was never read."]


def test_no_flag_at_all_is_a_problem(report: Path) -> None:
    assert find_problems(crawl(), comparison(200), [], report) == ["No ad was flagged."]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", REPORT_FILES)
def test_a_missing_or_empty_report_file_is_a_problem(report: Path, name: str) -> None:
    (report / name).write_text("")
    sentence = f"The report has no {name}."
    assert find_problems(crawl(), comparison(200), FLAGGED, report) == [sentence]  # type: ignore[arg-type]
    (report / name).unlink()
    assert find_problems(crawl(), comparison(200), FLAGGED, report) == [sentence]  # type: ignore[arg-type]


def test_pages_per_second_are_those_of_the_whole_crawl() -> None:
    assert crawl().pace == 5.0


def test_each_demo_has_a_folder_of_its_own_and_last_points_to_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUSKWATCH_DATABASE_URL", "postgresql://a.real.one/tuskwatch")
    first = make_demo_places(tmp_path, NOW)
    remember(first)
    second = make_demo_places(tmp_path, NOW.replace(hour=13))
    remember(second)
    assert first.data != second.data
    assert (tmp_path / "last").resolve() == second.data.resolve()
    assert (tmp_path / "last").readlink() == Path(second.data.name)
    assert second.database_url == f"sqlite:///{second.data}/tuskwatch.db"
    assert second.data.stat().st_mode & 0o777 == 0o700
