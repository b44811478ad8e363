"""One thing that needs a person: its kind, how urgent it is, what it is about and what to do next.

Public names: Need, Kind, KINDS, LEVELS, EVENTS, sort_needs, show_need.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from text.defang import defang_text

LEVELS = ("now", "soon", "later")
"""now: work stands still, or may be lost. soon: within a day or so. later: when there is time."""

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True)
class Kind:
    """words: what the settings and screens call it. told: what a notice says after its subject.

    again: how often a state without a beginning of its own (a full disk) is told while it lasts. on: told if not said.
    """

    words: str
    told: str
    again: timedelta | None = None
    on: bool = True


KINDS = {
    "gate": Kind("a run waits for a person", "waits for a person"),
    "tor": Kind("trouble with Tor", "has trouble with Tor", _DAY),
    "disk": Kind("a disk fills up", "has little room left on its disk", _DAY),
    "worker": Kind("a worker is silent, or none is there", "gives no sign of life", _DAY),
    "run-lost": Kind("a run was lost and not taken over", "was lost and not taken over"),
    "run-failed": Kind("a run failed", "failed"),
    "run-late": Kind("a run is late", "is late: no worker has begun it"),
    "session": Kind("a session ends soon", "ends soon, or has ended: a person must open it anew"),
    "notice": Kind("a notice cannot be delivered", "cannot be delivered", _DAY),
    "schedule": Kind("a schedule does not fire", "does not do its work"),
    "site-file": Kind("a site's file is wrong", "has a file that is wrong"),
    "mirror": Kind("a mirror waits for approval", "has addresses that wait for a person"),
    "silent": Kind("a site is silent", "has brought no good page for days", _WEEK),
    "drift": Kind("a site has changed", "has changed: what is read from it may be wrong"),
    "clock": Kind("clocks differ", "has a clock that differs", _DAY),
    "issue": Kind(
        "an issue that a person should look at", "has an issue that a person should look at", _WEEK
    ),
    "review": Kind("flags wait for review", "wait for a verdict", _WEEK),
    "run-paused": Kind("a run is paused", "is paused", on=False),
    "report-ready": Kind("a report is ready", "is ready"),
    "run-done": Kind("a run is done", "is done", on=False),
}
"""In the order in which needs of the same level stand."""

EVENTS = ("report-ready", "run-done")
"""Told, but nothing that anybody must do: not on the list."""


@dataclass(frozen=True)
class Need:
    """subject: "run 12", "site 3", "worker NAME": the same for the same need. words: for people who are signed in.

    since: when it began, None when the rows do not say. message, onions, people: what may come from a site or name somebody;
    they leave this machine only where the settings allow it. issue_id: what `needs close` closes, where that is the way.
    """

    kind: str
    level: str
    subject: str
    words: str
    what_to_do: str
    command: str
    link: str
    since: datetime | None
    count: int = 1
    site: str = ""
    site_id: int | None = None
    run_id: int | None = None
    page_id: int | None = None
    issue_id: int | None = None
    message: str = ""
    onions: tuple[str, ...] = ()
    people: str = ""


def sort_needs(needs: Iterable[Need]) -> list[Need]:
    """The most urgent first; among equals by kind, then the longest waiting."""
    kinds = list(KINDS)
    end = datetime.max.replace(tzinfo=UTC)
    return sorted(
        needs,
        key=lambda need: (LEVELS.index(need.level), kinds.index(need.kind), need.since or end, need.subject),
    )


def show_need(need: Need) -> dict[str, Any]:
    """A need as plain values for JSON and CSV, the same from the command line and the screens."""
    return {
        "level": need.level, "kind": need.kind, "subject": need.subject, "words": defang_text(need.words),
        "message": defang_text(need.message), "what_to_do": need.what_to_do, "command": need.command,
        "since": need.since.isoformat(timespec="seconds") if need.since is not None else "", "count": need.count,
        "site": need.site, "link": need.link, "run": need.run_id, "page": need.page_id, "issue": need.issue_id,
    }  # fmt: skip
