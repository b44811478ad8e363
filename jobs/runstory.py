"""All that is told of one run, to whoever looks at it by command or by web.

Public names: Story, find_story, tell_story, tell_run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from crawler.pagekinds import GATES
from jobs.nextstep import Look, Step, find_step
from jobs.places import Places
from jobs.presence import worker_alive
from jobs.retry import can_retry
from jobs.runs import name_command, view_run
from jobs.taskverbs import VERBS
from storage.issues import find_issues
from storage.queries import RunNumbers, find_run_numbers
from storage.runfacts import ReadSo, find_earlier, find_later, read_so_far
from storage.runs import SLOW, show_state
from storage.tables import Issue, Run
from storage.taskruns import RESULT
from storage.workers import find_workers

OTHER_VERBS = ("crawl", "import")
"""Verbs that are no tasks and known all the same."""


@dataclass(frozen=True)
class Story:
    """One run and what came of it. state: as people are told. later: runs that do it again, the oldest first.

    gates: pages that were gates, by kind. read: what followed the fetching; None for verbs that fetch nothing.
    """

    run: Run
    state: str
    step: Step
    numbers: RunNumbers
    read: ReadSo | None
    gates: Mapping[str, int]
    issues: Sequence[Issue]
    earlier: Sequence[int]
    later: Sequence[Run]
    may_retry: bool

    @property
    def result(self) -> dict[str, Any]:
        """Of a task: its numbers, by their names."""
        found = self.run.settings.get(RESULT)
        return dict(found) if isinstance(found, Mapping) else {}


def find_story(session: Session, places: Places, run: Run, *, now: datetime) -> Story:
    """run: with its site loaded."""
    numbers = find_run_numbers(session, run.id)
    read = read_so_far(session, run.id) if numbers.pages or run.verb in OTHER_VERBS else None
    issues = find_issues(session, run_id=run.id, open_only=False)
    later = find_later(session, run.id)
    state = show_state(run, now=now)
    newest = later[-1] if later else None
    look = Look(
        id=run.id,
        verb=run.verb,
        state=state,
        waits_for=run.waits_for,
        site=run.site.name if run.site is not None else "",
        gate_command=name_command(view_run(run)) if run.waits_for == "person" else "",
        due_at=run.due_at,
        workers=max(len(find_workers(session, living=True)), int(worker_alive(places))),
        newer=newest.id if newest is not None else None,
        newer_state=show_state(newest, now=now) if newest is not None else "",
        known=run.verb in VERBS or run.verb in OTHER_VERBS,
        fail_issues=sum(each.level == "fail" and each.closed_at is None for each in issues),
        unreviewed=read.unreviewed if read is not None else 0,
        unread=read.unread if read is not None else 0,
        settings=run.settings,
    )
    return Story(
        run=run,
        state=state,
        step=find_step(look, now=now),
        numbers=numbers,
        read=read,
        gates={kind: count for kind, count in numbers.by_kind.items() if kind in GATES},
        issues=issues,
        earlier=find_earlier(session, run),
        later=later,
        may_retry=can_retry(run),
    )


def tell_run(run: Run, *, now: datetime) -> dict[str, Any]:
    """A run as plain values, as it stands in a list. Its settings stay here: they name accounts by their keys."""
    return {
        "id": run.id, "verb": run.verb, "site": run.site.name if run.site is not None else "",
        "state": show_state(run, now=now), "wish": run.wish, "plan": run.plan, "sweep_id": run.sweep_id, "waits_for": run.waits_for, "message": run.message,
        "by": run.by, "reason": run.reason, "schedule": run.schedule, "retry_of": run.retry_of, "priority": run.priority,
        "worker": run.worker or "", "pages": run.pages, "listings": run.listings, "issues": run.issues, "done": run.done,
        "total": run.total, "slow": read_slow(run), "created_at": run.created_at, "due_at": run.due_at,
        "started_at": run.started_at, "ended_at": run.ended_at, "heartbeat_at": run.heartbeat_at,
    }  # fmt: skip


def tell_story(story: Story, *, now: datetime) -> dict[str, Any]:
    """The same of one run with all that came of it. Issues, coverage, proof and log are told beside it."""
    numbers = story.numbers
    return tell_run(story.run, now=now) | {
        "next": {"words": story.step.words, "command": story.step.command},
        "retries": {"earlier": list(story.earlier), "later": [run.id for run in story.later]},
        "numbers": {
            "pages": numbers.pages, "listings": numbers.listings, "new_listings": numbers.new_listings,
            "by_kind": {kind or "": count for kind, count in numbers.by_kind.items()},
            "by_status": {str(status or ""): count for status, count in numbers.by_status.items()},
        },
        "read": asdict(story.read) if story.read is not None else None,
        "gates": dict(story.gates),
        "result": story.result,
    }  # fmt: skip


def read_slow(run: Run) -> float:
    """How many times the site's own delay it keeps."""
    value = run.settings.get(SLOW, 1)
    return float(value) if isinstance(value, int | float) else 1.0
