"""Which address is used, how long a site in trouble is left alone, and what a run learns of its addresses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import CrawlError
from crawler.mirrors import RECHECK_SECONDS, Mirrors, make_mirrors, use_known
from crawler.siteconfig import Patience, SiteConfig

PATIENCE = Patience(wait=5, longest=60, dead_after=180)


def test_the_wait_doubles_up_to_the_longest() -> None:
    mirrors = Mirrors(("a",), PATIENCE)
    waits = []
    for at in range(6):
        mirrors.fail(at, address="a")
        waits.append(mirrors.hold_until - at)
    assert waits == [5, 10, 20, 40, 60, 60]


def test_a_success_ends_the_trouble() -> None:
    mirrors = Mirrors(("a",), PATIENCE)
    mirrors.fail(0, address="a")
    mirrors.succeed()
    mirrors.fail(1000, address="a")
    assert mirrors.current == "a"
    assert mirrors.hold_until == 1005


@pytest.mark.parametrize(("at", "left"), [(179, "a"), (180, "b")])
def test_an_address_is_dead_after_its_time(at: float, left: str) -> None:
    mirrors = Mirrors(("a", "b"), PATIENCE)
    mirrors.fail(0, address="a")
    mirrors.fail(at, address="a")
    assert mirrors.current == left


def test_what_tor_calls_gone_is_left_at_once_and_the_next_one_asked_without_delay() -> None:
    mirrors = Mirrors(("a", "b"), PATIENCE)
    mirrors.fail(7, address="a", permanent=True)
    assert (mirrors.current, mirrors.hold_until) == ("b", 7)
    mirrors.fail(8, address="b", permanent=True)
    assert mirrors.current is None


def test_a_wait_that_the_site_asked_for_holds_for_its_other_addresses_too() -> None:
    mirrors = Mirrors(("a", "b"), PATIENCE)
    mirrors.hold(100)
    mirrors.fail(7, address="a", permanent=True)
    assert (mirrors.current, mirrors.hold_until) == ("b", 100)


def test_a_late_answer_of_a_mirror_already_left_harms_nobody() -> None:
    mirrors = Mirrors(("a", "b"), PATIENCE)
    mirrors.fail(7, address="a", permanent=True)
    mirrors.fail(8, address="a", permanent=True)
    assert mirrors.current == "b"


def test_a_late_success_of_a_mirror_already_left_helps_nobody() -> None:
    mirrors = Mirrors(("a", "b"), PATIENCE)
    mirrors.fail(0, address="a", permanent=True)
    mirrors.fail(1, address="b")
    mirrors.succeed("a", seconds=1)
    mirrors.fail(181, address="b")
    assert mirrors.current is None
    assert [(onion, state) for onion, state, _, _ in mirrors.changes()] == [("a", "dead"), ("b", "dead")]


def test_the_site_may_ask_for_a_longer_wait() -> None:
    mirrors = Mirrors(("a",), PATIENCE)
    mirrors.hold(50)
    mirrors.fail(10, address="a", wait=90)
    assert mirrors.hold_until == 100


@pytest.mark.parametrize(
    ("states", "order"),
    [
        ({}, "abcd"),
        ({"a": "dead", "b": "unverified", "c": "slow", "d": "alive"}, "dcba"),
        ({"a": "alive", "b": "alive", "c": "alive", "d": "alive"}, "abcd"),
        ({"b": "alive"}, "bacd"),
        ({"a": "dead", "b": "dead", "c": "dead", "d": "dead"}, "abcd"),
        ({"a": "refused", "c": "alive"}, "cbd"),
        ({"a": "proposed", "b": "dropped", "c": "dead", "d": "slow"}, "dc"),
        ({"a": "seized", "b": ""}, "cd"),
        (dict.fromkeys("abcd", "refused"), ""),
    ],
)
def test_the_best_known_comes_first_and_some_never_come(states: dict[str, str], order: str) -> None:
    mirrors = Mirrors("abcd", PATIENCE, states=states)
    asked = []
    while (onion := mirrors.current) is not None:
        asked.append(onion)
        mirrors.fail(1, address=onion, permanent=True)
    assert "".join(asked) == order


# Each step: (time, what, ...); then the current address after it.
STEPS: dict[str, list[tuple[Any, ...]]] = {
    "two short outages are two": [
        (0, "fail", "a", "a"), (170, "fail", "a", "a"), (175, "ok", "a", "a"), (176, "fail", "a", "a"), (355, "fail", "a", "a"),
        (356, "fail", "a", "b"),
    ],
    "a success of another address changes nothing": [
        (0, "fail", "a", "a"), (100, "ok", "b", "a"), (180, "fail", "a", "b"),
    ],
    "each address has its own 180 seconds": [
        (0, "fail", "a", "a"), (180, "fail", "a", "b"), (181, "fail", "b", "b"), (360, "fail", "b", "b"), (361, "fail", "b", "c"),
    ],
    "what comes late from the one before does not hasten the end of the next": [
        (0, "fail", "a", "a"), (180, "fail", "a", "b"), (180, "fail", "a", "b"), (190, "fail", "a", "b"), (190, "gone", "a", "b"),
        (200, "fail", "b", "b"), (379, "fail", "b", "b"),
    ],
    "a dead one comes back after 30 minutes, when no other is left": [
        (0, "gone", "a", "b"), (100, "gone", "b", "c"), (1800, "gone", "c", "a"), (1801, "gone", "a", None),
    ],
    "before its 30 minutes it does not": [
        (0, "gone", "a", "b"), (100, "gone", "b", "c"), (1799, "gone", "c", None),
    ],
    "one that failed in this run comes after those that did not": [
        (0, "gone", "a", "b"), (1900, "gone", "b", "c"), (1901, "gone", "c", "a"),
    ],
    "a check that finds it alive makes it one to turn to, not the one in use": [
        (0, "gone", "a", "b"), (10, "alive", "a", "b"), (11, "gone", "b", "a"),
    ],
    "a check that finds it dead puts it off for 30 minutes more": [
        (0, "gone", "a", "b"), (1800, "dead", "a", "b"), (1900, "gone", "b", "c"), (1901, "gone", "c", None),
    ],
    "what a check says of the one in use is left to the crawl": [
        (0, "ok", "a", "a"), (1, "dead", "a", "a"), (2, "gone", "a", "b"),
    ],
    "what a check says of a stranger is nothing": [
        (0, "alive", "z", "a"), (1, "gone", "a", "b"), (2, "gone", "b", "c"), (3, "gone", "c", None),
    ],
}  # fmt: skip


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS.keys())
def test_interleavings(steps: list[tuple[Any, ...]]) -> None:
    mirrors = Mirrors("abc", PATIENCE)
    for at, what, onion, after in steps:
        _do(mirrors, at, what, onion)
        assert mirrors.current == after, (at, what, onion)


def _do(mirrors: Mirrors, at: float, what: str, onion: str) -> None:
    if what == "ok":
        mirrors.succeed(onion, seconds=1)
    elif what in ("fail", "gone"):
        mirrors.fail(at, address=onion, permanent=what == "gone")
    elif what == "due":
        mirrors.due(at)
    elif what == "hold":
        mirrors.hold(at + 30)
    else:
        mirrors.hear(onion, what, at=at)


def test_a_dead_one_is_due_after_30_minutes_and_once_in_30_minutes() -> None:
    mirrors = Mirrors("ab", PATIENCE)
    mirrors.fail(10, address="a", permanent=True)
    assert [mirrors.due(at) for at in (10, 1809, 1810, 1811, 3609, 3610)] == [(), (), ("a",), (), (), ("a",)]
    mirrors.hear("a", "alive", at=3611)
    assert mirrors.due(9000) == ()


def test_one_known_as_dead_is_due_at_its_own_time() -> None:
    mirrors = Mirrors("ab", PATIENCE, states={"a": "dead", "b": "alive"}, recheck={"a": 500})
    assert [mirrors.due(at) for at in (0, 499, 500)] == [(), (), ("a",)]


def test_the_one_in_use_is_never_due() -> None:
    mirrors = Mirrors("a", PATIENCE, states={"a": "dead"})
    assert (mirrors.current, mirrors.due(9000)) == ("a", ())


def test_what_was_learnt_is_told_once() -> None:
    mirrors = Mirrors("ab", PATIENCE)
    assert mirrors.changes() == []
    mirrors.succeed(seconds=1.5)
    mirrors.succeed(seconds=1.7)
    assert mirrors.changes() == [("a", "alive", "", 1.5)]
    mirrors.fail(0, address="a", permanent=True, reason="it is not published")
    assert mirrors.changes() == [("a", "dead", "it is not published", None)]
    mirrors.succeed("b", seconds=2)
    assert mirrors.changes() == [("b", "alive", "", 2)]
    assert mirrors.changes() == []


def test_an_address_is_slow_by_the_middle_of_its_last_answers() -> None:
    mirrors = Mirrors("a", PATIENCE)
    for seconds in (1, 20, 20, 20, 1, 20, 20, 1, 1, 1, 1, 1):
        mirrors.succeed("a", seconds=seconds)
    assert [(change.state, change.seconds) for change in mirrors.changes()] == [
        ("alive", 1), ("slow", 20), ("alive", 1)
    ]  # fmt: skip


def test_one_quick_answer_does_not_make_a_slow_address_alive() -> None:
    mirrors = Mirrors("a", PATIENCE, states={"a": "slow"})
    mirrors.succeed("a", seconds=1)
    assert [change.state for change in mirrors.changes()] == ["slow"]
    for _ in range(4):
        mirrors.succeed("a", seconds=1)
    assert [change.state for change in mirrors.changes()] == ["alive"]


def test_a_working_address_is_not_left_for_a_better_one() -> None:
    mirrors = Mirrors("ab", PATIENCE)
    for _ in range(9):
        mirrors.succeed("a", seconds=30)
    mirrors.hear("b", "alive", at=10)
    assert mirrors.current == "a"


ACTS = st.tuples(
    st.floats(0, 400, allow_nan=False),
    st.sampled_from(("ok", "fail", "gone", "hold", "due", "alive", "slow", "dead")),
    st.sampled_from("abcdz"),
)
STATES = st.sampled_from(("alive", "slow", "unverified", "dead", "proposed", "refused", "dropped", "other"))


@given(states=st.dictionaries(st.sampled_from("abcd"), STATES), acts=st.lists(ACTS, max_size=60))
def test_whatever_happens(states: dict[str, str], acts: list[tuple[float, str, str]]) -> None:
    """Barred ones are never used; waits never shrink; only failures of the one in use move on; moves are bounded."""
    mirrors = Mirrors("abcd", PATIENCE, states=states)
    usable = {o for o in "abcd" if states.get(o, "unverified") in ("alive", "slow", "unverified", "dead")}
    assert (mirrors.current is None) == (not usable)
    now, moves, revived = 0.0, 0, 0
    for pause, what, onion in acts:
        now += pause
        before, held = mirrors.current, mirrors.hold_until
        _do(mirrors, now, what, onion)
        revived += what in ("alive", "slow")
        assert mirrors.hold_until >= held
        assert mirrors.current is None or mirrors.current in usable
        if mirrors.current != before:
            assert what in ("fail", "gone")
            assert onion == before
            moves += 1
        if before is None:
            assert mirrors.current is None
        changes = mirrors.changes()
        assert {change.onion for change in changes} <= usable
        assert {change.state for change in changes} <= {"alive", "slow", "dead"}
    assert moves <= len(usable) * (1 + now / RECHECK_SECONDS) + revived


@given(addresses=st.lists(st.sampled_from("abcdefgh"), unique=True), begin=st.floats(0, 1e6))
def test_failing_over_ends(addresses: list[str], begin: float) -> None:
    """When nothing answers, each address is asked once and the run ends."""
    mirrors = Mirrors(addresses, PATIENCE)
    asked, now = [], begin
    while (onion := mirrors.current) is not None:
        asked.append(onion)
        while mirrors.current == onion:
            mirrors.fail(now, address=onion)
            now = max(now, mirrors.hold_until)
    assert asked == addresses
    assert now - begin <= len(addresses) * (PATIENCE.dead_after + PATIENCE.longest)


@dataclass
class Row:
    onion: str
    state: str = "unverified"
    recheck_at: datetime | None = None


@pytest.fixture
def config(stub: Any) -> SiteConfig:
    return SiteConfig.model_validate(
        {
            "name": "oldport",
            "title": "Old Port",
            "addresses": [stub.make_onion(name) for name in "ab"],
            "authorised": {"by": "A", "on": "2026-10-01"},
        }
    )


def test_a_run_asks_the_addresses_of_the_file_and_the_approved_ones(config: SiteConfig) -> None:
    a, b = config.addresses
    assert use_known(config, [Row("approved"), Row(b), Row(a)]).addresses == (a, b, "approved")


def test_a_run_does_not_ask_what_a_person_refused(config: SiteConfig) -> None:
    _, b = config.addresses
    assert use_known(config, [Row(b)]).addresses == (b,)
    with pytest.raises(CrawlError, match="tuskwatch mirror list oldport"):
        use_known(config, [])


def test_the_times_of_the_database_become_those_of_the_run(config: SiteConfig) -> None:
    a, b = config.addresses
    now = datetime(2026, 11, 1, 12, tzinfo=UTC)
    rows = [Row(a, "dead", now + timedelta(minutes=10)), Row(b, "alive")]
    mirrors = make_mirrors(config, rows, now=now, at=5000)
    assert mirrors.current == b
    assert [mirrors.due(at) for at in (5599, 5600)] == [(), (a,)]
