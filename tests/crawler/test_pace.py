"""When the next request may go out: with a clock of our own."""

from __future__ import annotations

from itertools import pairwise

import pytest

from crawler.pace import MAX_FACTOR, MIN_GAP, Pace
from crawler.siteconfig import Pace as Rules


def _gaps(pace: Pace, count: int, *, at: float = 0.0) -> list[float]:
    times = [at]
    for _ in range(count):
        pace.started(times[-1])
        times.append(max(pace.next_at, times[-1]))
    return [after - before for before, after in pairwise(times)]


def test_the_delay_is_kept_with_jitter() -> None:
    gaps = _gaps(Pace(Rules(delay=2, jitter=0.5), seed=1), 200)
    assert min(gaps) >= 1
    assert max(gaps) <= 3
    assert sum(gaps) / len(gaps) == pytest.approx(2, rel=0.1)
    assert len(set(gaps)) > 100


@pytest.mark.parametrize("delay", [0.001, 0.05, 0.2, 0.25])
def test_never_more_than_five_a_second(delay: float) -> None:
    assert min(_gaps(Pace(Rules(delay=delay, jitter=1), seed=2), 200)) >= MIN_GAP - 1e-9


def test_only_a_delay_of_nothing_means_nothing() -> None:
    assert _gaps(Pace(Rules(delay=0), seed=3), 5) == [0] * 5


def test_a_person_slows_a_run_and_takes_it_back() -> None:
    pace = Pace(Rules(delay=1, jitter=0), seed=4)
    change = pace.slow(3)
    assert change is not None
    assert (change.factor, change.why) == (3, "as asked by a person")
    assert pace.slow(3) is None
    assert _gaps(pace, 3) == [3, 3, 3]
    assert pace.slow(1) is not None
    assert _gaps(pace, 2, at=100) == [1, 1]


def test_a_run_without_delay_can_be_slowed_too() -> None:
    pace = Pace(Rules(delay=0, jitter=0), seed=4, slowed=5)
    assert _gaps(pace, 2) == [1, 1]


def test_a_wish_is_heeded_for_the_request_that_waits_already() -> None:
    pace = Pace(Rules(delay=1, jitter=0), seed=4)
    pace.started(10)
    pace.hold(40)
    assert pace.next_at == 40
    pace.hold(20)
    assert pace.next_at == 40


def test_growing_latency_slows_down_up_to_a_bound_and_recovers() -> None:
    pace = Pace(Rules(delay=1, jitter=0), seed=5)
    assert [pace.answered(0.5) for _ in range(60)] == [None] * 60
    slower = [change for _ in range(100) if (change := pace.answered(6)) is not None]
    assert [change.factor for change in slower] == [2, 4, MAX_FACTOR]
    assert "answers take" in slower[0].why
    assert _gaps(pace, 1) == [8]
    faster = [change for _ in range(100) if (change := pace.answered(0.5)) is not None]
    assert [change.factor for change in faster] == [4, 2, 1]


def test_hiccups_of_a_quick_site_change_nothing() -> None:
    pace = Pace(Rules(delay=0), seed=6)
    assert [pace.answered(0.02) for _ in range(40)] == [None] * 40
    assert [pace.answered(0.5) for _ in range(100)] == [None] * 100


def test_one_slow_answer_changes_nothing() -> None:
    pace = Pace(Rules(delay=1), seed=7)
    for _ in range(60):
        pace.answered(1)
    assert pace.answered(8) is None
    assert pace.factor == 1


def test_a_limit_halves_the_pace_and_is_forgotten_slowly() -> None:
    pace = Pace(Rules(delay=1, jitter=0), seed=8)
    factors = [change.factor for _ in range(5) if (change := pace.limited()) is not None]
    assert factors == [2, 4, MAX_FACTOR]
    changes = [(n, change.factor) for n in range(1, 151) if (change := pace.answered(1)) is not None]
    assert changes == [(50, 4), (100, 2), (150, 1)]


def test_a_wish_and_a_limit_count_together() -> None:
    pace = Pace(Rules(delay=1, jitter=0), seed=9, slowed=2)
    pace.limited()
    assert pace.factor == 4
