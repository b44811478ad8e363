"""The hard lab's front-end: limits, queue, captcha and session, with the figures measured at real markets."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pytest

from lab.captcha import make_challenge
from lab.front import COOKIE, Front, Verdict
from lab.limits import Bucket
from lab.options import HardOptions
from lab.wire import Request

HOST = "market.onion"
SECRET = "test"


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Visitor:
    """Somebody at the front-end, on one circuit, who keeps cookies."""

    front: Front
    circuit: str = "one"
    agent: str = "a browser"
    cookie: str = ""

    def ask(
        self, method: str = "GET", *, body: str = "", path: str = "/p/1", **changed: str
    ) -> Verdict | None:
        headers = {"user-agent": self.agent, "host": HOST, "referer": f"http://{HOST}/", **changed}
        if self.cookie:
            headers["cookie"] = f"other=1; {COOKIE}={self.cookie}"
        headers = {name: value for name, value in headers.items() if value}
        verdict = self.front.judge(Request(method, path, headers, body.encode(), self.circuit))
        if verdict is not None:
            for name, value in verdict.response.headers:
                if name == "Set-Cookie":
                    self.cookie = value.split(";")[0].split("=")[1]
        return verdict

    def kind(self, method: str = "GET", *, body: str = "", **changed: str) -> str:
        verdict = self.ask(method, body=body, **changed)
        return "open" if verdict is None else verdict.kind


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make_front(
    clock: Clock,
    *,
    queue: bool = True,
    captcha: bool = True,
    killed: list[str] | None = None,
    **changed: float,
) -> Front:
    front = Front(
        title="A Market",
        secret=SECRET,
        options=replace(HardOptions(), **changed),  # type: ignore[arg-type]
        clock=clock,
        queue=queue,
        captcha=captcha,
        kill=(killed if killed is not None else []).append,
    )
    front.host = HOST
    return front


def answer_to(verdict: Verdict | None) -> tuple[str, str]:
    """The challenge on a captcha page, and what solves it."""
    assert verdict is not None
    found = re.search(r"name='challenge' value='(\w+)'", verdict.response.body.decode())
    assert found is not None
    return found[1], make_challenge(SECRET, found[1]).answer


def at_captcha(front: Front, clock: Clock) -> tuple[Visitor, Verdict | None]:
    visitor = Visitor(front)
    assert visitor.kind() == "queue"
    clock.now += 5
    return visitor, visitor.ask()


def let_in(front: Front, clock: Clock) -> Visitor:
    visitor, page = at_captcha(front, clock)
    name, answer = answer_to(page)
    assert visitor.kind("POST", body=f"challenge={name}&answer={answer}") == "redirect"
    return visitor


@pytest.mark.parametrize(
    ("gap", "count", "refused"),
    [
        (1 / 5.9, 500, None),  # below six a second nothing is ever refused
        (0.0, 12, 11),  # all at once: one, and a burst of ten above it
        (1 / 8, 500, 41),  # a third above the rate: a quarter of each request piles up
        (1.0, 500, None),
    ],
)
def test_the_bucket_lets_six_a_second_and_a_burst_of_ten_through(
    gap: float, count: int, refused: int | None
) -> None:
    bucket = Bucket()
    allowed = [bucket.take(100 + number * gap, rate=6, burst=10) for number in range(count)]
    assert (allowed.index(False) if False in allowed else None) == refused


def test_a_circuit_that_is_too_fast_is_killed_and_only_that_one(clock: Clock) -> None:
    killed: list[str] = []
    front = make_front(clock, queue=False, captcha=False, killed=killed)
    fast, slow = Visitor(front), Visitor(front, circuit="two")
    assert [fast.kind() for _ in range(11)] == ["open"] * 11
    verdict = fast.ask()
    assert verdict is not None
    assert (verdict.killed, verdict.response.script is not None) == ("too fast", True)
    clock.now += 3600
    assert fast.kind() == "dropped"  # for good, however long it waits
    assert slow.kind() == "open"
    assert killed == ["one"]


def test_the_cookie_of_a_fast_visitor_is_barred_for_an_hour_on_any_circuit(clock: Clock) -> None:
    front = make_front(clock, bind_circuit=False)
    visitor = let_in(front, clock)
    verdicts = [visitor.ask() for _ in range(12)]
    assert any(verdict is not None and verdict.barred for verdict in verdicts)
    visitor.circuit = "two"
    clock.now += 3599
    assert visitor.kind() == "banned"
    clock.now += 2
    assert visitor.kind() == "queue"


def test_one_cookie_over_several_circuits_has_one_limit(clock: Clock) -> None:
    front = make_front(clock, queue=False, captcha=False)
    visitor = Visitor(front, cookie="c" * 32)
    kinds = []
    for number in range(14):
        visitor.circuit = f"circuit {number}"
        kinds.append(visitor.kind())
    assert kinds[:11] == ["open"] * 11
    assert kinds[11] == "dropped"
    assert kinds[12:] == ["banned"] * 2


@pytest.mark.parametrize(
    ("method", "changed", "reason"),
    [
        ("GET", {"user-agent": ""}, "no User-Agent"),
        ("GET", {"host": "other.onion"}, "unknown Host"),
        ("GET", {"host": ""}, "unknown Host"),
        ("POST", {"referer": ""}, "POST without Referer"),
        ("POST", {"referer": "http://other.onion/"}, "POST without Referer"),
    ],
)
def test_what_no_browser_does_kills_the_circuit(
    clock: Clock, method: str, changed: dict[str, str], reason: str
) -> None:
    visitor = Visitor(make_front(clock))
    verdict = visitor.ask(method, **changed)
    assert verdict is not None
    assert verdict.killed == reason
    assert visitor.kind() == "dropped"


def test_the_queue_holds_five_seconds_and_says_how_long(clock: Clock) -> None:
    visitor = Visitor(make_front(clock, captcha=False))
    page = visitor.ask()
    assert page is not None
    assert b'http-equiv="refresh" content="5"' in page.response.body
    clock.now += 3
    page = visitor.ask()
    assert page is not None
    assert b'content="2"' in page.response.body
    clock.now += 2
    assert visitor.kind() == "redirect"
    assert visitor.kind() == "open"


def test_who_has_waited_gets_a_token_for_an_hour_that_the_cookie_of_the_queue_is_not(clock: Clock) -> None:
    front = make_front(clock, captcha=False)
    visitor = Visitor(front)
    visitor.ask()
    queued = replace(visitor)
    clock.now += 5
    verdict = visitor.ask(path="/p/7?a=1")
    assert verdict is not None
    assert (verdict.response.status, verdict.note) == (302, "queue waited out")
    headers = dict(verdict.response.headers)
    assert headers["Location"] == "/p/7?a=1"
    assert headers["Set-Cookie"] == f"{COOKIE}={visitor.cookie}; Path=/; Max-Age=3600; HttpOnly"
    assert visitor.cookie != queued.cookie
    assert replace(queued).kind() == "redirect"  # another request that waited too: not a page without a token
    clock.now += 61
    assert queued.kind() == "queue"
    clock.now += 3538
    assert visitor.kind() == "open"
    clock.now += 1
    assert visitor.kind() == "queue"


def test_without_its_cookie_a_visitor_stays_in_the_queue(clock: Clock) -> None:
    visitor = Visitor(make_front(clock, captcha=False))
    visitor.ask()
    clock.now += 60
    visitor.cookie = ""
    assert visitor.kind() == "queue"


def test_the_captcha_lets_a_person_in_for_an_hour(clock: Clock) -> None:
    front = make_front(clock)
    visitor = let_in(front, clock)
    assert visitor.kind() == "open"
    clock.now += 3599
    assert visitor.kind() == "open"
    clock.now += 1
    assert visitor.kind() == "queue"
    assert front.sessions == 1


def test_a_captcha_is_good_for_sixty_seconds(clock: Clock) -> None:
    visitor, page = at_captcha(make_front(clock), clock)
    name, answer = answer_to(page)
    clock.now += 60
    late = visitor.ask("POST", body=f"challenge={name}&answer={answer}")
    assert late is not None
    assert late.kind == "captcha"
    fresh, answer = answer_to(late)
    assert fresh != name
    assert visitor.kind("POST", body=f"challenge={fresh}&answer={answer}") == "redirect"


def test_the_third_wrong_answer_kills_the_circuit(clock: Clock) -> None:
    visitor, page = at_captcha(make_front(clock), clock)
    name, _ = answer_to(page)
    assert visitor.kind("POST", body=f"challenge={name}&answer=wrong") == "captcha"
    assert visitor.kind("POST", body=f"challenge={name}&answer=wrong") == "captcha"
    verdict = visitor.ask("POST", body=f"challenge={name}&answer=wrong")
    assert verdict is not None
    assert verdict.killed == "captcha failed"


def test_the_captcha_page_says_what_a_person_needs(clock: Clock) -> None:
    _, page = at_captcha(make_front(clock), clock)
    assert page is not None
    challenge = make_challenge(SECRET, answer_to(page)[0])
    text = page.response.body.decode()
    assert " ".join(challenge.words) in text
    assert f"type the {challenge.place} of these words" in text
    order = ("first", "second", "third", "fourth", "fifth", "sixth")
    assert challenge.words[order.index(challenge.place)] == challenge.answer


@pytest.mark.parametrize(
    ("bind", "changed", "kind"),
    [
        (True, {"circuit": "two"}, "queue"),
        (False, {"circuit": "two"}, "open"),
        (True, {"agent": "another browser"}, "queue"),
        (False, {"agent": "another browser"}, "queue"),
        (True, {"cookie": "0" * 32}, "queue"),
    ],
)
def test_a_session_is_tied_to_circuit_and_browser(
    clock: Clock, bind: bool, changed: dict[str, str], kind: str
) -> None:
    visitor = let_in(make_front(clock, bind_circuit=bind), clock)
    assert replace(visitor, **changed).kind() == kind  # type: ignore[arg-type]


def test_sessions_can_be_ended(clock: Clock) -> None:
    front = make_front(clock)
    visitor = let_in(front, clock)
    front.end_sessions()
    assert visitor.kind() == "queue"
