"""The next step: a sentence for every state, with what to type or where to look."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobs.nextstep import Look, find_step
from storage.runfacts import SHOWN_STATES

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PLAIN = Look(id=7, verb="crawl", state="done", site="oldport", workers=1)


@pytest.mark.parametrize(
    ("changes", "words", "command"),
    [
        ({"state": "queued", "workers": 0}, "No worker is there", "tuskwatch worker"),
        ({"state": "late", "workers": 0}, "No worker is there", "tuskwatch worker"),
        ({"state": "late"}, "has not taken it", "tuskwatch doctor"),
        ({"state": "queued"}, "when its turn comes", ""),
        ({"state": "queued", "due_at": NOW + timedelta(hours=1)}, "It begins at 2026-11-23 10:00 UTC.", ""),
        (
            {"state": "waiting", "waits_for": "person", "gate_command": "tuskwatch session open oldport"},
            "A person must open the gate",
            "tuskwatch session open oldport",
        ),
        ({"state": "waiting", "waits_for": "tor"}, "when Tor is connected", "tuskwatch doctor"),
        ({"state": "waiting"}, "All places are taken", ""),
        ({"state": "running"}, "It is at work", "tuskwatch run show 7 --wait"),
        ({"state": "running", "settings": {"by_hand": True}}, "own command", "tuskwatch run show 7 --wait"),
        ({"state": "paused"}, "Let it go on", "tuskwatch run resume 7"),
        ({"state": "failed"}, "it goes on where it stopped", "tuskwatch run retry 7"),
        ({"state": "failed", "verb": "report"}, "then do it again.", "tuskwatch run retry 7"),
        ({"state": "failed", "newer": 9, "newer_state": "running"}, "Run 9 does it again; it is running.", "tuskwatch run show 9"),
        ({"state": "lost"}, "Nobody has taken it over", "tuskwatch run retry 7"),
        ({"state": "lost", "settings": {"again": "tor"}}, "by itself as soon as Tor answers", "tuskwatch doctor"),
        ({"state": "lost", "newer": 8, "newer_state": "done"}, "Run 8 does it again", "tuskwatch run show 8"),
        ({"state": "cancelled"}, "To do it after all", "tuskwatch run retry 7"),
        ({}, "Nothing: it is done", ""),
        ({"unreviewed": 7}, "Review 7 flagged listings.", "tuskwatch serve"),
        ({"unreviewed": 1}, "Review 1 flagged listing.", "tuskwatch serve"),
        ({"unread": 1, "unreviewed": 7}, "1 page of it is not read yet", "tuskwatch extract"),
        ({"fail_issues": 2, "unreviewed": 7}, "2 issues below", ""),
        ({"verb": "report", "settings": {"result": {"report": 4}}}, "Read report 4.", ""),
        ({"verb": "report", "settings": {"result": "4"}}, "Nothing: it is done", ""),
        ({"verb": "extract", "settings": {"result": {"readings": 4}}}, "Score what was read", "tuskwatch classify"),
        ({"verb": "classify", "settings": {"result": {"flagged": 3}}}, "Review 3 flagged", "tuskwatch serve"),
        ({"verb": "backup", "settings": {"result": {"path": "/b/1"}}}, "can be given back", "tuskwatch verify /b/1"),
        ({"verb": "retention", "settings": {"dry_run": True}}, "nothing was taken away", ""),
        ({"verb": "moonwalk", "known": False}, "does not know the verb moonwalk", "tuskwatch --version"),
        ({"state": "levitating"}, "does not know the state levitating", ""),
    ],
)  # fmt: skip
def test_the_next_step_is_said(changes: dict[str, object], words: str, command: str) -> None:
    step = find_step(replace(PLAIN, **changes), now=NOW)  # type: ignore[arg-type]
    assert words in step.words
    assert step.command == command


@pytest.mark.parametrize("state", SHOWN_STATES)
@pytest.mark.parametrize("verb", ["crawl", "extract", "classify", "report", "retention", "backup", "import"])
def test_no_state_is_without_a_step(state: str, verb: str) -> None:
    assert find_step(replace(PLAIN, state=state, verb=verb), now=NOW).words.endswith((".", "first."))


def test_the_web_leads_there() -> None:
    assert find_step(replace(PLAIN, unreviewed=2), now=NOW).link == "/listings?state=unreviewed&site=oldport"
    assert find_step(replace(PLAIN, state="lost", newer=9, newer_state="done"), now=NOW).link == "/runs/9"
