"""Calls a person to a gate that the machine must not open, and takes the call back when it is open.

Public names: Call, find_calls, call_person, end_calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from jobs.runs import name_command, view_run
from storage.engine import reading
from storage.issues import close_issue, find_issues, raise_issue
from storage.runs import find_run, find_waiting
from storage.sessions import find_session

KIND = "person-wanted"
GATES = ("gate-captcha", "gate-login")
"""What a crawl itself says of the gate; a session that was opened answers it."""


@dataclass(frozen=True)
class Call:
    """A run that waits for a person. gate: what stands in the way, "" when not known; command: what to type."""

    run_id: int
    site: str
    title: str
    gate: str
    message: str
    since: datetime
    page_id: int | None
    command: str


def find_calls(session: Session, *, run_id: int | None = None) -> list[Call]:
    """Who is wanted where, the longest waiting first; of one run only when it is named."""
    calls = []
    for run in find_waiting(session):
        if run.site is None or (run_id is not None and run.id != run_id):
            continue
        row = find_session(session, site_id=run.site.id, account_key=str(run.settings.get("account") or ""))
        known = row is not None and row.state not in ("ok", "unknown")
        calls.append(
            Call(
                run_id=run.id,
                site=run.site.name,
                title=run.site.title,
                gate=row.state if row is not None and known else "",
                message=run.message,
                since=run.heartbeat_at or run.created_at,
                page_id=row.page_id if row is not None and known else None,
                command=name_command(view_run(run)),
            )
        )
    return calls


def call_person(engine: Engine, run_id: int, *, now: datetime) -> int | None:
    """Raise an issue that says which site wants a person, and what to type; None when the run does not wait."""
    with reading(engine) as session:
        (call,) = find_calls(session, run_id=run_id) or (None,)
        run = find_run(session, run_id)
        site_id = run.site_id if run is not None else None
    if call is None:
        return None
    gate = f"{call.gate}: " if call.gate else ""
    return raise_issue(
        engine,
        site_id=site_id,
        run_id=run_id,
        page_id=call.page_id,
        kind=KIND,
        level="fail",
        message=f"Run {run_id} waits for a person ({gate}{call.message or 'a gate'}). Type: {call.command}",
        now=now,
    )


def end_calls(engine: Engine, *, site_id: int, run_ids: list[int], now: datetime) -> None:
    """Close the calls of these runs: they go on, or are over."""
    with reading(engine) as session:
        done = [
            issue.id
            for issue in find_issues(session, site_id=site_id, limit=1000)
            if issue.kind in (KIND, *GATES) and issue.run_id in run_ids
        ]
    for issue_id in done:
        close_issue(engine, issue_id=issue_id, now=now)
