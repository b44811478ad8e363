"""Where we stand with one site and account, and what follows from each answer: go on, wait, call a person, or stop.

Public names: Standing, Step, MAX_BARRED, MAX_UNKNOWN, MAX_WAITS.

Pure: answers and times come in, steps go out. Nothing here ever asks for another circuit: a limit is waited out on the
one we have, and a new identity in the middle of a session would end it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from crawler.gates import Gate
from crawler.siteconfig import Patience

MAX_BARRED = 3
"""Answers in a row behind a captcha, a login or a ban before the run stops and waits for a person."""
MAX_UNKNOWN = 5
"""Answers in a row that are neither content nor a gate we know."""
MAX_WAITS = 30
"""Queue pages and refusals for asking too often in a row before the run gives up for now."""
QUEUE_PATIENCES = 10
"""A queue is waited for that many times as long as a site may be dead, before the run gives up for now."""

Doing = Literal["go", "wait", "person", "stop"]


@dataclass(frozen=True)
class Step:
    """until: no request before this second of the run's clock (with wait). message: why, in words."""

    do: Doing
    until: float = 0
    message: str = ""


_GO = Step("go")


class Standing:
    """The state of a site's session as one run sees it: "unknown", "ok" or a gate kind."""

    def __init__(self, patience: Patience, *, state: str = "unknown") -> None:
        self.state = state
        self.message = ""
        self._patience = patience
        self._was_ok = False
        self._barred = self._unknown = self._limits = self._queues = self._ends = 0
        self._queue_since = 0.0

    def note(self, gate: Gate | None, *, at: float) -> Step:
        """The next step after one answer. `gate`: None for content; one that bars nothing has neither retry nor person."""
        if gate is None:
            self._was_ok = True
            self._barred = self._unknown = self._limits = self._queues = self._ends = 0
            self._become("ok", "")
            return _GO
        if not gate.retry:
            return _GO  # a missing page, or the login of a members' area: it says nothing of our standing
        kind = "banned" if gate.refused and self._was_ok and self._barred else gate.kind
        if kind == "queue":
            return self._wait_in_queue(gate, at)
        self._queues = 0
        if kind == "limited":
            return self._wait_out(gate, at)
        if kind == "down":
            self._become("down", gate.message)
            return _GO  # which address to ask, and when, is the mirrors' to say
        if kind in ("seized", "exit"):
            return self._end(gate, at)
        if kind == "unknown":
            return self._doubt(gate, at)
        self._barred += 1
        if self._barred < MAX_BARRED:
            return Step("wait", at + self._patience.wait, gate.message)
        message = gate.message
        if kind == "banned" and gate.refused:
            message = f"{gate.message}, and every other since: we may be banned"
        self._become(kind, message)
        return Step("person", message=message)

    @property
    def is_at_brink(self) -> bool:
        """Would one more answer behind a captcha, a login or a ban call a person?"""
        return self._barred == MAX_BARRED - 1

    def run_out(self, message: str) -> Step:
        """The session's own time is over: a person is called before the site shows its login."""
        self._become("login", message)
        return Step("person", message=message)

    def _wait_in_queue(self, gate: Gate, at: float) -> Step:
        """As long as the page itself says, and no longer: who comes back late may lose the place."""
        if not self._queues:
            self._queue_since = at
        self._queues += 1
        self._become("queue", gate.message)
        long = at - self._queue_since >= QUEUE_PATIENCES * self._patience.dead_after
        if self._queues >= MAX_WAITS and long:
            return Step("stop", message=f"paused: {gate.message}, {self._queues} times in a row")
        return Step("wait", at + (gate.wait or self._patience.wait), gate.message)

    def _wait_out(self, gate: Gate, at: float) -> Step:
        """Pauses that double, at least as long as the site asks for, on the same circuit."""
        self._limits += 1
        self._become("limited", gate.message)
        if self._limits >= MAX_WAITS:
            return Step("stop", message=f"paused: {gate.message}, {self._limits} times in a row")
        pause = min(self._patience.wait * 2 ** min(self._limits - 1, 20), self._patience.longest)
        return Step("wait", at + max(gate.wait, pause), gate.message)

    def _end(self, gate: Gate, at: float) -> Step:
        """One page that says so among good ones may be somebody's words: the second in a row is believed."""
        self._ends += 1
        if self._was_ok and self._ends < 2:
            return Step("wait", at + self._patience.wait, gate.message)
        self._become(gate.kind, gate.message)
        return Step(
            "stop",
            message=f"paused: {gate.message}. A person should look; no schedule asks this site again until somebody starts "
            "a crawl of it by hand",
        )

    def _doubt(self, gate: Gate, at: float) -> Step:
        self._unknown += 1
        if self._unknown < MAX_UNKNOWN:
            return Step("wait", at + self._patience.wait, gate.message)
        message = f"{gate.message} ({self._unknown} answers in a row)"
        self._become("unknown", message)
        return Step("person", message=message)

    def _become(self, state: str, message: str) -> None:
        self.state, self.message = state, message
