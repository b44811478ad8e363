"""Calls a person to a gate that the machine must not open, and takes the call back when it is open.

Public names: call_person, end_calls.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine

from jobs.runs import find_run, name_command
from storage.engine import reading
from storage.issues import close_issue, find_issues, raise_issue
from storage.runs import find_run as find_row
from storage.sessions import find_session

KIND = "person-wanted"


def call_person(engine: Engine, run_id: int, *, now: datetime) -> int | None:
    """Raise an issue that says which site wants a person, and what to type; None when the run does not wait."""
    view = find_run(engine, run_id)
    if view.waits_for != "person":
        return None
    with reading(engine) as session:
        run = find_row(session, run_id)
        if run is None or run.site_id is None:
            return None
        site_id = run.site_id
        key = str(run.settings.get("account") or "")
        row = find_session(session, site_id=site_id, account_key=key)
        page_id = row.page_id if row is not None else None
        gate = f"{row.state}: " if row is not None and row.state not in ("ok", "unknown") else ""
    return raise_issue(
        engine,
        site_id=site_id,
        run_id=run_id,
        page_id=page_id,
        kind=KIND,
        level="fail",
        message=f"Run {run_id} waits for a person ({gate}{view.message or 'a gate'}). Type: {name_command(view)}",
        now=now,
    )


def end_calls(engine: Engine, *, site_id: int, run_ids: list[int], now: datetime) -> None:
    """Close the calls of these runs: they go on, or are over."""
    with reading(engine) as session:
        done = [
            issue.id
            for issue in find_issues(session, site_id=site_id, limit=1000)
            if issue.kind == KIND and issue.run_id in run_ids
        ]
    for issue_id in done:
        close_issue(engine, issue_id=issue_id, now=now)
