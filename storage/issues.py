"""What a person should look at: counted, not repeated.

Public names: raise_issue, close_issue, find_issues.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from storage.engine import lock, transaction
from storage.tables import Issue, Run


def raise_issue(
    engine: Engine,
    *,
    site_id: int | None,
    run_id: int | None,
    page_id: int | None,
    kind: str,
    level: str,
    message: str,
    now: datetime,
) -> int:
    """Add an issue, or count one more of the open issue with the same site, kind and message; its id.

    A run's `issues` counts the different ones that it raised.
    """
    if level not in ("warn", "fail"):
        raise ValueError(f"an issue is a warn or a fail, not {level}")
    with transaction(engine) as session:
        lock(session, "issue")
        issue = session.scalar(
            select(Issue).where(
                Issue.site_id == site_id if site_id is not None else Issue.site_id.is_(None),
                Issue.kind == kind,
                Issue.message == message,
                Issue.closed_at.is_(None),
            )
        )
        if run_id is not None and (issue is None or issue.run_id != run_id):
            session.execute(update(Run).where(Run.id == run_id).values(issues=Run.issues + 1))
        if issue is None:
            issue = Issue(
                site_id=site_id,
                run_id=run_id,
                page_id=page_id,
                kind=kind,
                level=level,
                message=message,
                first_seen=now,
                last_seen=now,
            )
            session.add(issue)
        else:
            issue.count += 1
            issue.last_seen = now
            issue.run_id = run_id
            issue.page_id = page_id
            issue.level = "fail" if "fail" in (level, issue.level) else "warn"
        session.flush()
        return issue.id


def close_issue(engine: Engine, *, issue_id: int, now: datetime) -> None:
    """Mark an issue as dealt with; the same again becomes a new one."""
    with transaction(engine) as session:
        session.execute(update(Issue).where(Issue.id == issue_id).values(closed_at=now))


def find_issues(
    session: Session,
    *,
    site_id: int | None = None,
    run_id: int | None = None,
    open_only: bool = True,
    limit: int = 200,
) -> list[Issue]:
    """Issues, failures before warnings, the last seen first."""
    statement = select(Issue).order_by(Issue.level, Issue.last_seen.desc(), Issue.id.desc()).limit(limit)
    if site_id is not None:
        statement = statement.where(Issue.site_id == site_id)
    if run_id is not None:
        statement = statement.where(Issue.run_id == run_id)
    if open_only:
        statement = statement.where(Issue.closed_at.is_(None))
    return list(session.scalars(statement))
