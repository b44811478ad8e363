"""What a healthy run looks like: the expected.yml of a site, and the rule of drift."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy
import pytest

from crawler.errors import SiteError
from crawler.expectedfile import load_expected, write_expected
from crawler.limits import (
    FEWEST,
    Expected,
    Range,
    check_limits,
    expect_run,
    find_drift,
    is_healthy,
    newcombe,
    wilson,
)
from storage.health import RunFigures


def figures(
    read: int = 100, *, price: int | None = None, kinds: Mapping[str, int] | None = None, **more: Any
) -> RunFigures:
    """A run that read so many ads, each with a title and a price unless `price` says on how many."""
    return RunFigures(
        pages=more.pop("pages", 2 * read),
        kinds=kinds or {"listing": read, "search": read},
        asked=more.pop("asked", read),
        read=read,
        fields={"title": read, "price_amount": read if price is None else price},
        whole=more.pop("whole", True),
        **more,
    )


@pytest.mark.parametrize(
    ("hits", "cases", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_score_interval_is_that_of_the_published_examples(
    hits: int, cases: int, low: float, high: float
) -> None:
    found = wilson(hits, cases, z=1.959964)
    assert (round(found[0], 4), round(found[1], 4)) == (low, high)


@pytest.mark.parametrize(
    ("now", "before", "low", "high"),
    # Newcombe 1998, table II, method 10.
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
    ],
)
def test_the_interval_of_a_difference_is_that_of_the_published_table(
    now: tuple[int, int], before: tuple[int, int], low: float, high: float
) -> None:
    found = newcombe(*now, *before, z=1.959964)
    assert found == (pytest.approx(low, abs=0.0001), pytest.approx(high, abs=0.0001))


def test_a_field_that_is_no_longer_read_is_a_drift_in_plain_words() -> None:
    (fault,) = find_drift(figures(price=12), [figures(price=98)])
    assert fault.message == "price was read on 98 % of the ads, now on 12 %"
    assert (fault.name, fault.level, fault.lacks) == ("field price_amount", "fail", "price_amount")


@pytest.mark.parametrize(
    ("now", "before"),
    [
        (figures(3, price=0), figures(500)),
        (figures(FEWEST - 1, price=0), figures(500)),
        (figures(500, price=0), figures(FEWEST - 1)),
        (figures(100, price=90), figures(100, price=97)),
        (figures(30, price=24), figures(1000, price=950)),
    ],
    ids=["three pages", "one too few now", "one too few before", "a small step", "chance may have done it"],
)
def test_what_may_be_chance_is_no_drift(now: RunFigures, before: RunFigures) -> None:
    assert find_drift(now, [before]) == []


def test_without_a_healthy_run_there_is_no_drift() -> None:
    assert find_drift(figures(price=0), []) == []


def test_pages_of_ads_that_cannot_be_read_as_ads_are_a_drift() -> None:
    faults = find_drift(figures(40, asked=200), [figures(200)])
    assert [fault.name for fault in faults] == ["field read"]
    assert faults[0].unread


def test_gates_that_take_over_are_a_drift_with_one_of_them_as_its_sample() -> None:
    now = figures(100, kinds={"listing": 100, "search": 100, "captcha": 200}, pages=400)
    faults = {fault.name: fault for fault in find_drift(now, [figures(100)])}
    assert faults["kind captcha"].level == "fail"
    assert faults["kind captcha"].kinds == ("captcha",)
    assert faults["kind captcha"].message == "0 % of the pages were captcha pages, now 50 %"


@pytest.mark.parametrize("which", ["now", "before"])
def test_shares_of_kinds_are_compared_between_whole_sweeps_only(which: str) -> None:
    odd = {"listing": 100, "search": 0, "seller": 900}
    now = figures(100, kinds=odd, pages=1000, whole=which != "now")
    assert find_drift(now, [figures(100, whole=which != "before")]) == []


def test_the_rule_of_drift_seldom_cries_wolf_and_hears_a_real_one() -> None:
    """Five thousand runs that differ by chance alone, and by more than chance (clustered shares), against their baseline."""
    dice = numpy.random.default_rng(7)
    false = missed = 0
    for _ in range(5000):
        share = dice.uniform(0.05, 1.0)
        cases, before = int(dice.integers(FEWEST, 400)), int(dice.integers(FEWEST, 1500))
        moved = min(1.0, max(0.0, share + dice.normal(0, 0.02)))  # a site's stock changes from week to week
        base = figures(before, price=int(dice.binomial(before, share)))
        now = figures(cases, price=int(dice.binomial(cases, moved)))
        false += len(find_drift(now, [base]))
        if share >= 0.7 and cases >= 100 and before >= 100:
            missed += not find_drift(figures(cases, price=int(0.12 * cases)), [base])
    assert (false, missed) == (0, 0)


# --- expectations ---


@pytest.mark.parametrize(
    ("expected", "now", "name", "level", "words"),
    [
        (Expected(pages=Range(min=500)), figures(), "pages", "fail", "200 pages were stored; at least 500 are expected"),
        (Expected(pages=Range(max=150)), figures(), "pages", "warn", "200 pages were stored; at most 150 are expected"),
        (Expected(listings=Range(min=101)), figures(), "listings", "fail", "100 ads were read; at least 101 are expected"),
        (
            Expected(gates=Range(max=0.1)), figures(kinds={"listing": 100, "queue": 50, "down": 50}), "gates", "warn",
            "50 % of the pages were gates; at most 10 % are expected",
        ),
        (
            Expected(kinds={"listing": Range(min=0.6)}), figures(), "kind listing", "fail",
            "50 % of the pages were listing pages; at least 60 % are expected",
        ),
        (
            Expected(fields={"price_amount": Range(min=0.8)}), figures(price=30), "field price_amount", "fail",
            "30 % of the ads had a price; at least 80 % are expected",
        ),
    ],
)  # fmt: skip
def test_below_min_a_run_fails_and_above_max_it_warns(
    expected: Expected, now: RunFigures, name: str, level: str, words: str
) -> None:
    (fault,) = check_limits(now, expected)
    assert (fault.name, fault.level, fault.message) == (name, level, words)


@pytest.mark.parametrize(
    ("expected", "now"),
    [
        (Expected(pages=Range(min=500), listings=Range(min=500)), figures(whole=False)),
        (Expected(pages=Range(min=500)), figures(plan="known")),
        (Expected(fields={"price_amount": Range(min=0.9)}), figures(3, price=0)),
        (Expected(fields={"price_amount": Range(min=0.5)}), figures(20, price=9)),
        (Expected(), figures(price=0)),
    ],
    ids=["not a whole sweep", "another plan", "three ads", "chance may have done it", "nothing expected"],
)
def test_a_run_is_not_held_against_what_it_could_not_reach(expected: Expected, now: RunFigures) -> None:
    assert check_limits(now, expected) == []


@pytest.mark.parametrize(
    ("now", "good"),
    [
        (figures(), True),
        (figures(whole=False), True),
        (figures(19), False),
        (figures(kinds={"listing": 100, "captcha": 100}), False),
        (figures(50, asked=100), False),
    ],
    ids=["good", "unfinished", "few ads", "gates", "unread"],
)
def test_which_run_is_healthy(now: RunFigures, good: bool) -> None:
    assert is_healthy(now, []) is good


def test_a_run_with_a_drift_is_not_healthy() -> None:
    now = figures(price=12)
    assert not is_healthy(now, find_drift(now, [figures()]))


def test_a_run_meets_the_expectations_that_are_made_of_it(tmp_path: Path) -> None:
    now = figures(kinds={"listing": 100, "search": 80, "queue": 20})
    write_expected(tmp_path, expect_run(now, run_id=7), site="oldport", run_id=7, day="2026-11-22")
    expected = load_expected(tmp_path)
    assert expected == expect_run(now, run_id=7)
    assert expected is not None
    assert expected.from_run == 7
    assert check_limits(now, expected) == []


def test_a_file_that_is_there_is_kept_beside_the_new_one(tmp_path: Path) -> None:
    (tmp_path / "expected.yml").write_text("pages: {min: 9}\n")
    write_expected(tmp_path, expect_run(figures(), run_id=1), site="oldport", run_id=1, day="2026-11-22")
    assert (tmp_path / "expected.yml.old").read_text() == "pages: {min: 9}\n"


def test_without_a_file_nothing_is_expected(tmp_path: Path) -> None:
    assert load_expected(tmp_path) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("pages: {min: 10}\nfeilds: {}\n", "line 2: feilds: is not known here: is it mistyped?"),
        ("\nfields:\n  colour: {min: 0.5}\n", "line 3: fields.colour: is not watched"),
        ("kinds:\n  lissting: {min: 0.5}\n", "line 2: kinds.lissting: is no kind of page or gate"),
        ("fields:\n  title: {min: 98}\n", "line 2: fields.title: is a share, from 0 to 1"),
        ("gates: {max: 30}\n", "line 1: gates: is a share, from 0 to 1"),
        ("pages: {min: 10, max: 5}\n", "line 1: pages: min is larger than max"),
        ("pages: {min: many}\n", "line 1: pages.min: Input should be a valid number"),
        ("pages: [\n", "line 2: "),
        ("- pages\n", "line 1: must be a list of `field: value` lines"),
    ],
)
def test_faults_name_file_line_and_field(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "expected.yml").write_text(text)
    with pytest.raises(SiteError) as caught:
        load_expected(tmp_path)
    assert f"{tmp_path / 'expected.yml'}, {fault}" in str(caught.value)
