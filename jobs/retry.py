"""A run that is over is done again: a new run, linked to the old one.

Public names: retry_run, can_retry.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crawler.errand import read_errand
from jobs.errors import BusyError, UsageError
from jobs.places import Places
from jobs.runs import ASIDE_REASONS, start_crawl
from jobs.tasks import start_task
from jobs.taskverbs import VERBS
from storage.engine import open_engine, reading
from storage.runs import ASIDE, find_run
from storage.tables import Run
from storage.takeover import KEPT
from storage.taskruns import find_retry, kept_settings

OVER = ("done", "failed", "cancelled", "lost")


def can_retry(run: Run) -> bool:
    """Is it over, of a kind that this version can do again, and no trial of single pages?"""
    known = run.site is not None if run.verb == "crawl" else run.verb in VERBS
    return known and run.state in OVER and not _is_trial(run)


def retry_run(places: Places, run_id: int, *, by: str, now: datetime) -> int:
    """Ask for a run of the same verb, site, plan, account and settings; its id. UsageError while the old one is not over.

    A crawl that did not come to its end is gone on with: what was fetched is not fetched again.
    """
    engine = open_engine(places.database_url)
    try:
        with reading(engine) as session:
            run = find_run(session, run_id)
            if run is None:
                raise UsageError(f'There is no run {run_id}. "tuskwatch run list" shows those there are.')
            newer = find_retry(session, run_id)
            live = find_run(session, newer) if newer is not None else None
    finally:
        engine.dispose()
    _check(run)
    if live is not None and live.state not in (*OVER, "paused"):
        raise BusyError(
            f'Run {live.id} does that already; it is {live.state}: "tuskwatch run show {live.id}".'
        )
    reason = f"retry of run {run_id}"
    if run.verb == "crawl":
        assert run.site is not None
        settings: dict[str, Any] = {name: value for name, value in run.settings.items() if name in KEPT}
        return start_crawl(
            places, run.site.name, by=by, reason=reason, now=now, account_key=str(run.settings.get("account") or ""),
            plan=run.plan, priority=run.priority, retry_of=run_id, settings=settings,
        )  # fmt: skip
    return start_task(
        places, run.verb, by=by, reason=reason, now=now, settings=kept_settings(run.settings),
        site=run.site.name if run.site is not None else None, retry_of=run_id, priority=run.priority,
    )  # fmt: skip


def _check(run: Run) -> None:
    if run.verb != "crawl" and run.verb not in VERBS:
        raise UsageError(f'Run {run.id} is of the verb "{run.verb}", which this version does not know.')
    if run.state == "paused":
        raise UsageError(f'Run {run.id} is paused. Go on with it: "tuskwatch run resume {run.id}".')
    if run.state not in OVER:
        raise UsageError(
            f"Run {run.id} is not over: it is {run.state}. Wait for its end, or end it with "
            f'"tuskwatch run cancel {run.id}".'
        )
    if _is_trial(run):
        raise UsageError(
            f'Run {run.id} was a trial of single pages. Try again with "tuskwatch site try", or crawl the site.'
        )
    if run.verb == "crawl" and run.site is None:
        raise UsageError(f"Run {run.id} has no site that could be crawled again.")


def _is_trial(run: Run) -> bool:
    return bool(run.settings.get(ASIDE) or read_errand(run.settings)) or run.reason.startswith(ASIDE_REASONS)
