"""Which address is used, and how long a site in trouble is left alone."""

from __future__ import annotations

import pytest

from crawler.mirrors import Mirrors
from crawler.siteconfig import Patience

PATIENCE = Patience(wait=5, longest=60, dead_after=180)


def test_the_wait_doubles_up_to_the_longest() -> None:
    mirrors = Mirrors(("a",), PATIENCE)
    waits = []
    for at in range(6):
        mirrors.fail(at, address="a", page=1)
        waits.append(mirrors.hold_until - at)
    assert waits == [5, 10, 20, 40, 60, 60]


def test_a_success_ends_the_trouble() -> None:
    mirrors = Mirrors(("a",), PATIENCE)
    mirrors.fail(0, address="a", page=1)
    mirrors.succeed()
    mirrors.fail(1000, address="a", page=1)
    assert mirrors.current == "a"
    assert mirrors.hold_until == 1005


@pytest.mark.parametrize(("at", "left"), [(179, "a"), (180, "b")])
def test_an_address_is_dead_after_its_time(at: float, left: str) -> None:
    mirrors = Mirrors(("a", "b"), PATIENCE)
    mirrors.fail(0, address="a", page=1)
    mirrors.fail(at, address="a", page=2)
    assert mirrors.current == left


def test_what_tor_calls_gone_is_left_at_once_and_the_next_one_asked_without_delay() -> None:
    mirrors = Mirrors(("a", "b"), PATIENCE)
    mirrors.fail(7, address="a", page=1, permanent=True)
    assert (mirrors.current, mirrors.hold_until) == ("b", 7)
    mirrors.fail(8, address="b", page=1, permanent=True)
    assert mirrors.current is None


def test_a_late_answer_of_a_mirror_already_left_harms_nobody() -> None:
    mirrors = Mirrors(("a", "b"), PATIENCE)
    mirrors.fail(7, address="a", page=1, permanent=True)
    assert mirrors.fail(8, address="a", page=2, permanent=True) is False
    assert mirrors.current == "b"


def test_only_the_page_that_began_the_trouble_is_blamed() -> None:
    mirrors = Mirrors(("a",), PATIENCE)
    blamed = [mirrors.fail(at, address="a", page=page) for at, page in enumerate((1, 2, 3, 1))]
    assert blamed == [True, False, False, True]


def test_the_site_may_ask_for_a_longer_wait() -> None:
    mirrors = Mirrors(("a",), PATIENCE)
    mirrors.hold(50)
    mirrors.fail(10, address="a", page=1, wait=90)
    assert mirrors.hold_until == 100
