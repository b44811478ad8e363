"""The written reports: each one row and one folder, never changed.

Public names: store_report, find_report, find_reports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from storage import audit
from storage.engine import transaction
from storage.tables import Report


def store_report(
    engine: Engine,
    *,
    period_from: datetime,
    period_to: datetime,
    files: Mapping[str, str],
    figures: Mapping[str, Any],
    by: str,
    now: datetime,
    place: Callable[[int], str],
) -> int:
    """Add a report; its id. `place(id)` moves the finished files to their folder and names it.

    The row is never changed, so its id is drawn first; if anything fails no row stays.
    """
    with transaction(engine) as session:
        if session.get_bind().dialect.name == "postgresql":
            number = session.scalar(text("SELECT nextval(pg_get_serial_sequence('report', 'id'))"))
        else:
            number = (session.scalar(select(func.max(Report.id))) or 0) + 1
        report_id = int(number or 1)
        detail = {"files": dict(files), "from": period_from.isoformat(), "to": period_to.isoformat()}
        audit.record(
            session, actor=by, action="report.write", subject=f"report {report_id}", detail=detail, now=now
        )
        folder = place(report_id)
        session.add(
            Report(
                id=report_id,
                period_from=period_from,
                period_to=period_to,
                folder=folder,
                files=dict(files),
                figures=dict(figures),
                by=by,
                created_at=now,
            )
        )
        return report_id


def find_report(session: Session, report_id: int) -> Report | None:
    return session.get(Report, report_id)


def find_reports(session: Session, *, limit: int = 100) -> list[Report]:
    """The newest first."""
    return list(session.scalars(select(Report).order_by(Report.id.desc()).limit(limit)))
