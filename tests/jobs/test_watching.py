"""When a worker counts as dead: its count stood still for a lease of our own waking time, whatever any clock says."""

from __future__ import annotations

import pytest

from jobs.watching import Watching

STEADY = [(0.0, 1), (2.0, 1), (4.0, 1), (6.0, 1), (8.0, 1), (10.0, 1)]


def watch(looks: list[tuple[float, int]], *, lease: float = 8.0, gap: float = 5.0) -> list[bool]:
    watching = Watching(lease_seconds=lease, gap_seconds=gap)
    return ["w" in watching.look({"w": beats}, at=at) for at, beats in looks]


@pytest.mark.parametrize(
    ("looks", "found"),
    [
        (STEADY, [False, False, False, False, True, True]),
        ([(at, beats + int(at)) for at, beats in STEADY], [False] * 6),
        # It beat once in between: the whole lease begins anew.
        ([(0, 1), (4, 1), (6, 2), (10, 2), (13, 2), (14, 2)], [False, False, False, False, False, True]),
        # We slept: nobody is blamed for our own absence.
        ([(0, 1), (4, 1), (100, 1), (104, 1), (107, 1), (108, 1)], [False, False, False, False, False, True]),
        # Our own monotonic clock never goes back; if it seems to, nothing is concluded.
        ([(50, 1), (54, 1), (10, 1), (14, 1)], [False] * 4),
    ],
    ids=["still", "beating", "late", "we slept", "clock back"],
)
def test_a_worker_is_dead_after_a_lease(looks: list[tuple[float, int]], found: list[bool]) -> None:
    assert watch(looks) == found


def test_who_is_no_longer_listed_is_forgotten() -> None:
    watching = Watching(lease_seconds=8, gap_seconds=5)
    watching.look({"w": 1}, at=0)
    watching.look({}, at=4)
    watching.look({"w": 1}, at=8)
    assert watching.look({"w": 1}, at=12) == {}


def test_the_count_it_stands_at_is_told() -> None:
    watching = Watching(lease_seconds=4, gap_seconds=5)
    watching.look({"a": 7, "b": 1}, at=0)
    assert watching.look({"a": 7, "b": 2}, at=4) == {"a": 7}
