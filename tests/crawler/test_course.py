"""Who is to blame when a page is barred, and what the run does then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crawler.account import NEEDED, RUN_OUT, Account
from crawler.course import Blame, Course
from crawler.errors import BrokenOff, SocksRefused
from crawler.gates import Gate
from crawler.mirrors import Mirrors
from crawler.pace import Pace
from crawler.siteconfig import Pace as PaceRules
from crawler.siteconfig import Patience
from crawler.sites import load_site

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
PATIENCE = Patience(wait=5, longest=60, dead_after=180)
LIMITED = Gate("limited", "too often", retry=True, wait=30)
CAPTCHA = Gate("captcha", "a captcha", retry=True, person=True)
DOWN = Gate("down", "in trouble", retry=True)


@pytest.mark.parametrize(
    ("events", "guilty"),
    [
        ("x1", [False]),
        ("x1 x1 x1", [False, False, False]),  # nothing ever came through: it is the site
        ("ok2 x1", [False]),  # once is no pattern
        ("ok2 x1 ok3 x1", [False, True]),
        ("ok2 x1 x1", [False, True]),  # nothing else was left to try
        ("ok2 x1 x3 x1 x3", [False, False, False, False]),  # all are barred: it is the site
        ("ok2 x1 x3 ok4 x1 x3", [False, False, True, True]),
        ("x1 ok1 x1", [False, False]),  # it came through meanwhile
    ],
)
def test_a_page_is_to_blame_when_others_come_through(events: str, guilty: list[bool]) -> None:
    blame = Blame()
    found: list[bool] = []
    for event in events.split():
        row = int(event[-1])
        if event.startswith("ok"):
            blame.pass_through(row)
        else:
            found.append(blame.meet(row))
    assert found == guilty


class Ship:
    """A course with a clock and an account of its own."""

    def __init__(self, place: Any, *, expires_at: datetime | None = None) -> None:
        config = load_site(place.data / "sites" / "oldport")
        self.account = Account(
            place.engine, config, site_id=place.site_id, key="", circuit="c", opened={"cookies": []}, expires_at=expires_at
        )  # fmt: skip
        self.notes: list[tuple[str, int | None]] = []
        self.account.note = lambda state, message, *, page_id, now: self.notes.append((state, page_id))  # type: ignore[method-assign]
        self.onion = place.onion
        self.pace = Pace(PaceRules(delay=1, jitter=0), seed=1)
        mirrors = Mirrors(config.addresses, PATIENCE)
        self.course = Course(PATIENCE, addresses=1, mirrors=mirrors, pace=self.pace, account=self.account)

    def heed(self, gate: Gate | None, *, row: int = 1, asked_at: float = 99, at: float = 100) -> Any:
        verdict, _ = self.course.heed(
            gate, row=row, host=self.onion, page_id=7, asked_at=asked_at, at=at, now=NOW
        )
        return verdict


def test_a_limit_holds_every_request_and_slows_the_pace(place: Any) -> None:
    ship = Ship(place)
    verdict = ship.heed(LIMITED)
    assert (verdict.step.do, verdict.blame, verdict.wait) == ("wait", False, 30)
    assert ship.course.next_at == 130
    assert ship.pace.factor == 2
    assert ship.notes == [("limited", 7)]


def test_answers_that_were_under_way_when_the_limit_came_do_not_lengthen_it(place: Any) -> None:
    ship = Ship(place)
    for row in range(1, 5):
        assert ship.heed(LIMITED, row=row, asked_at=99, at=100 + row).wait <= 30
    assert ship.pace.factor == 2
    assert ship.course.next_at == 131


def test_a_barred_page_lets_another_one_go_first(place: Any) -> None:
    ship = Ship(place)
    ship.heed(None, row=2)
    assert ship.heed(CAPTCHA, row=1).wait == PATIENCE.wait * 2


def test_a_person_is_called_with_the_page_and_the_row_unharmed(place: Any) -> None:
    ship = Ship(place)
    ship.heed(None, row=9)
    steps = [ship.heed(CAPTCHA, row=row, at=100.0 + row) for row in (1, 2, 1)]
    assert [verdict.step.do for verdict in steps] == ["wait", "wait", "person"]
    assert [verdict.blame for verdict in steps] == [False] * 3
    assert ship.notes == [("ok", None), ("captcha", 7)]


def test_trouble_of_the_only_address_ends_the_run_in_words(place: Any) -> None:
    ship = Ship(place)
    assert ship.heed(DOWN, at=100).step.do == "go"
    verdict = ship.heed(DOWN, at=300)
    assert verdict.step.do == "stop"
    assert verdict.step.message.startswith("the site could not be reached (its only address): ")


def test_an_onion_that_is_not_there_is_left_at_once_and_a_broken_page_is_not(place: Any) -> None:
    gone = SocksRefused(0xF0, "descriptor-not-found", "it is off", permanent=True)
    assert Ship(place).course.fail(gone, row=1, host=place.onion, at=1).step.do == "stop"
    course = Ship(place).course
    verdict = course.fail(BrokenOff("ended early"), row=1, host=place.onion, at=1)
    assert (verdict.step.do, verdict.blame) == ("go", False)
    course.blame.pass_through(2)
    assert course.fail(BrokenOff("ended early"), row=1, host=place.onion, at=9).blame


def test_a_known_page_is_asked_for_after_two_failures_and_then_every_second_time(place: Any) -> None:
    course = Ship(place).course
    course.blame.pass_through(1)
    wanted = []
    for at in range(1, 6):
        course.fail(BrokenOff("ended early"), row=at + 1, host=place.onion, at=at)
        wanted.append(course.wants_knock)
    assert wanted == [False, True, False, True, False]


@pytest.mark.parametrize(("seconds", "need"), [(1, ""), (0, RUN_OUT), (-5, RUN_OUT)])
def test_the_clock_of_a_session_is_kept(place: Any, seconds: int, need: str) -> None:
    ship = Ship(place, expires_at=NOW + timedelta(seconds=seconds))
    step = ship.course.find_need(NOW)
    assert (step.message if step else "") == need


def test_a_site_with_accounts_needs_an_open_session(place: Any) -> None:
    place.write_site(session={"accounts": True})
    config = load_site(place.data / "sites" / "oldport")
    account = Account(place.engine, config, site_id=place.site_id, key="", circuit="c")
    assert account.find_need(NOW) == NEEDED
    opened = Account(place.engine, config, site_id=place.site_id, key="", circuit="c", opened={"cookies": []})
    assert opened.find_need(NOW) == ""


@pytest.mark.parametrize("agent", ["", "two\r\nlines", "x" * 301, "Ünïcode"])
def test_a_user_agent_that_no_browser_sends_is_not_used(place: Any, agent: str) -> None:
    config = load_site(place.data / "sites" / "oldport")
    given = {"cookies": [], "user_agent": agent}
    assert (
        Account(place.engine, config, site_id=place.site_id, key="", circuit="c", opened=given).user_agent
        == ""
    )
