"""The next step for a person who looks at a run, in a sentence, for every state that it may have.

Public names: Step, Look, find_step.

Pure: what it must know of the database stands in Look. The command line prints `command`, the web links `link`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from storage.runs import AGAIN
from storage.taskruns import BY_HAND, RESULT

LACKED = {"tor": "Tor answers", "database": "the database answers", "worker": "a worker is there"}


@dataclass(frozen=True)
class Step:
    """words: a sentence. command: what to type, "" when nothing is. link: where the web leads to, "" for nowhere."""

    words: str
    command: str = ""
    link: str = ""


@dataclass(frozen=True)
class Look:
    """What decides. state: as shown. workers: those alive. newer: the latest run that does it again; its state."""

    id: int
    verb: str
    state: str
    waits_for: str = ""
    site: str = ""
    gate_command: str = ""
    due_at: datetime | None = None
    workers: int = 0
    newer: int | None = None
    newer_state: str = ""
    known: bool = True
    fail_issues: int = 0
    unreviewed: int = 0
    unread: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def result(self) -> Mapping[str, Any]:
        found = self.settings.get(RESULT)
        return found if isinstance(found, Mapping) else {}


def find_step(look: Look, *, now: datetime) -> Step:
    """What to do next, if anything."""
    if not look.known:
        return Step(
            f"This version does not know the verb {look.verb}: a newer one asked for it. Bring this machine up to date.",
            "tuskwatch --version",
        )
    steps = {
        "queued": _queued,
        "late": _queued,
        "waiting": _waiting,
        "running": _running,
        "paused": _paused,
        "done": _done,
        "failed": _failed,
        "lost": _lost,
        "cancelled": _cancelled,
    }
    if look.state not in steps:
        return Step(f"This version does not know the state {look.state}. Bring this machine up to date.")
    return steps[look.state](look, now)


def _queued(look: Look, now: datetime) -> Step:
    if not look.workers:
        return Step("No worker is there to take it. Start one.", "tuskwatch worker")
    if look.state == "late":
        return Step(
            "A worker is there, and has not taken it: see whether it is busy, or whether the site is pinned to another one.",
            "tuskwatch doctor",
        )
    if look.due_at is not None and look.due_at > now:
        return Step(f"It begins at {look.due_at:%Y-%m-%d %H:%M} UTC.")
    return Step("A worker takes it when its turn comes; there is nothing to do.")


def _waiting(look: Look, now: datetime) -> Step:
    if look.waits_for == "person":
        return Step("A person must open the gate; then it goes on where it stopped.", look.gate_command)
    if look.waits_for == "tor":
        return Step(
            "It goes on when Tor is connected. If that takes long, see what is wrong.", "tuskwatch doctor"
        )
    return Step("All places are taken; it begins when one is free.")


def _running(look: Look, now: datetime) -> Step:
    if look.settings.get(BY_HAND):
        return Step("It is at work, by somebody's own command.", f"tuskwatch run show {look.id} --wait")
    return Step(
        "It is at work; wait for its end, or let it pause or end.", f"tuskwatch run show {look.id} --wait"
    )


def _paused(look: Look, now: datetime) -> Step:
    return Step("Let it go on when it suits; what was done is kept.", f"tuskwatch run resume {look.id}")


def _done(look: Look, now: datetime) -> Step:
    if look.unread:
        return Step(
            f"{_count(look.unread, 'page')} of it {_are(look.unread)} not read yet. A worker does so by itself; if none does, read them now.",
            "tuskwatch extract",
        )
    if look.fail_issues:
        return Step(
            f"Look at the {_count(look.fail_issues, 'issue')} below: something is wrong.", "", "#issues"
        )
    if look.unreviewed:
        return Step(
            f"Review {_count(look.unreviewed, 'flagged listing')}.", "tuskwatch serve", _to_review(look)
        )
    result = look.result
    if look.verb == "report" and isinstance(result.get("report"), int):
        return Step(f"Read report {result['report']}.", "", f"/reports/{result['report']}")
    if look.verb == "extract" and result.get("readings"):
        return Step("Score what was read, if no worker has done so.", "tuskwatch classify")
    if look.verb == "classify" and result.get("flagged"):
        return Step(
            f"Review {_count(int(result['flagged']), 'flagged listing')}.",
            "tuskwatch serve",
            _to_review(look),
        )
    if look.verb == "backup" and result.get("path"):
        return Step(
            "See that it can be given back, and copy it to another machine.",
            f"tuskwatch verify {result['path']}",
        )
    if look.verb == "retention" and look.settings.get("dry_run"):
        return Step(
            "It was a dry run: nothing was taken away. Look at the numbers before you let it be done."
        )
    return Step("Nothing: it is done, and nothing of it waits for anybody.")


def _failed(look: Look, now: datetime) -> Step:
    return _by_newer(look) or Step(
        "Read why above and at the end of the log, mend it, then do it again"
        + (": it goes on where it stopped." if look.verb == "crawl" else "."),
        f"tuskwatch run retry {look.id}",
    )


def _lost(look: Look, now: datetime) -> Step:
    if (found := _by_newer(look)) is not None:
        return found
    lacked = look.settings.get(AGAIN)
    if lacked:
        return Step(
            f"It goes on by itself as soon as {LACKED.get(str(lacked), 'what it lacked is back')}.",
            "tuskwatch doctor",
        )
    return Step(
        "Nobody has taken it over. Do it again"
        + (": it goes on where it stopped." if look.verb == "crawl" else "."),
        f"tuskwatch run retry {look.id}",
    )


def _cancelled(look: Look, now: datetime) -> Step:
    return _by_newer(look) or Step(
        "Nothing. To do it after all, ask for it again.", f"tuskwatch run retry {look.id}"
    )


def _by_newer(look: Look) -> Step | None:
    if look.newer is None:
        return None
    return Step(
        f"Run {look.newer} does it again; it is {look.newer_state}.",
        f"tuskwatch run show {look.newer}",
        f"/runs/{look.newer}",
    )


def _to_review(look: Look) -> str:
    return f"/listings?state=unreviewed&site={look.site}" if look.site else "/review"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
