"""Every state of a site's session and what follows from each answer: a table of transitions."""

from __future__ import annotations

import pytest

from crawler.gates import Gate
from crawler.siteconfig import Patience
from crawler.standing import MAX_BARRED, MAX_UNKNOWN, MAX_WAITS, Standing

PATIENCE = Patience(wait=5, longest=60, dead_after=180)
OK = None
QUEUE = Gate("queue", "in a queue", retry=True, wait=12)
CAPTCHA = Gate("captcha", "a captcha", retry=True, person=True)
LOGIN = Gate("login", "a login", retry=True, person=True)
MEMBERS = Gate("login", "a login")
REFUSED = Gate("login", "refused (403)", retry=True, refused=True)
LIMITED = Gate("limited", "too often", retry=True)
LIMITED_90 = Gate("limited", "too often", retry=True, wait=90)
BANNED = Gate("banned", "banned", retry=True, person=True)
SEIZED = Gate("seized", "seized", retry=True, person=True)
EXIT = Gate("exit", "closing", retry=True, person=True)
DOWN = Gate("down", "in trouble", retry=True)
MISSING = Gate("not_found", "not there")
UNKNOWN = Gate("unknown", "neither", retry=True)


def _play(*answers: Gate | None) -> tuple[str, str, float]:
    """All answers at second 100: (what to do after the last one, the state, seconds to wait)."""
    standing = Standing(PATIENCE)
    step = standing.note(answers[0], at=100)
    for answer in answers[1:]:
        step = standing.note(answer, at=100)
    return step.do, standing.state, max(step.until - 100, 0)


@pytest.mark.parametrize(
    ("answers", "do", "state", "wait"),
    [
        ([OK], "go", "ok", 0),
        ([MISSING], "go", "unknown", 0),
        ([OK, MISSING], "go", "ok", 0),
        ([MEMBERS] * 9, "go", "unknown", 0),
        ([OK, *[MEMBERS] * 9], "go", "ok", 0),
        ([QUEUE], "wait", "queue", 12),
        ([QUEUE] * 9, "wait", "queue", 12),  # never more than the page asks for
        ([QUEUE, OK], "go", "ok", 0),
        ([LIMITED], "wait", "limited", 5),
        ([LIMITED] * 2, "wait", "limited", 10),
        ([LIMITED] * 3, "wait", "limited", 20),
        ([LIMITED] * 9, "wait", "limited", 60),
        ([LIMITED_90], "wait", "limited", 90),
        ([LIMITED, LIMITED, OK, LIMITED], "wait", "limited", 5),
        ([LIMITED] * MAX_WAITS, "stop", "limited", 0),
        ([DOWN], "go", "down", 0),
        ([DOWN, OK], "go", "ok", 0),
        ([CAPTCHA], "wait", "unknown", 5),
        ([OK, CAPTCHA, CAPTCHA], "wait", "ok", 5),
        ([CAPTCHA] * MAX_BARRED, "person", "captcha", 0),
        ([OK, *[LOGIN] * MAX_BARRED], "person", "login", 0),
        ([LOGIN, LOGIN, OK, LOGIN], "wait", "ok", 5),
        ([CAPTCHA, LOGIN, CAPTCHA], "person", "captcha", 0),
        ([BANNED] * MAX_BARRED, "person", "banned", 0),
        ([REFUSED] * MAX_BARRED, "person", "login", 0),
        ([OK, *[REFUSED] * MAX_BARRED], "person", "banned", 0),
        ([OK, REFUSED, OK, REFUSED], "wait", "ok", 5),
        ([SEIZED], "stop", "seized", 0),
        ([EXIT], "stop", "exit", 0),
        ([OK, SEIZED], "wait", "ok", 5),  # one page among good ones: somebody's words, perhaps
        ([OK, SEIZED, SEIZED], "stop", "seized", 0),
        ([OK, SEIZED, OK, SEIZED], "wait", "ok", 5),
        ([UNKNOWN], "wait", "unknown", 5),
        ([OK, *[UNKNOWN] * (MAX_UNKNOWN - 1)], "wait", "ok", 5),
        ([OK, *[UNKNOWN] * MAX_UNKNOWN], "person", "unknown", 0),
        ([UNKNOWN, UNKNOWN, OK, UNKNOWN], "wait", "ok", 5),
        ([QUEUE, CAPTCHA, CAPTCHA, CAPTCHA], "person", "captcha", 0),
    ],
)
def test_a_step_follows_from_the_answers(
    answers: list[Gate | None], do: str, state: str, wait: float
) -> None:
    assert _play(*answers) == (do, state, wait)


def test_a_queue_that_lasts_too_long_ends_the_run_for_now() -> None:
    standing = Standing(PATIENCE)
    steps = [standing.note(QUEUE, at=number * 61.0) for number in range(MAX_WAITS)]
    assert {step.do for step in steps[:-1]} == {"wait"}
    assert steps[-1].do == "wait"  # 30 times, but not yet half an hour
    assert standing.note(QUEUE, at=1800).do == "stop"


def test_who_stops_for_good_says_that_no_schedule_tries_again() -> None:
    step = Standing(PATIENCE).note(SEIZED, at=0)
    assert step.message.startswith("paused: seized.")
    assert "no schedule asks this site again" in step.message


def test_a_session_whose_time_is_over_calls_a_person() -> None:
    standing = Standing(PATIENCE)
    standing.note(None, at=0)
    assert standing.run_out("the session has run out").do == "person"
    assert (standing.state, standing.message) == ("login", "the session has run out")
