"""Reports: the list, one report in a frame that can do nothing, its files, and asking for a new one.

Public names: routes.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from starlette.responses import Response
from starlette.routing import Route

from jobs.child import ensure_worker
from jobs.errors import JobError
from jobs.tasks import start_task
from storage.engine import reading
from storage.reports import find_report, find_reports
from storage.runs import ACTIVE, find_runs, show_state
from storage.tables import Report
from web.security import REPORT_POLICY
from web.visit import Refusal, Visit, bad_input, go, not_found, route

KINDS = {".html": "text/html; charset=utf-8", ".pdf": "application/pdf", ".csv": "text/csv; charset=utf-8"}
LONGEST = timedelta(days=3_700)
MAX_FILE = 64_000_000
SHOWN_RUNS = 5


def show_reports(visit: Visit) -> Response:
    today = visit.now.date()
    month = today.replace(day=1)
    given = {"start": (month - timedelta(days=1)).replace(day=1).isoformat(), "end": month.isoformat()}
    return _show(visit, given=given)


def _show(visit: Visit, *, given: dict[str, str], problem: str = "", status: int = 200) -> Response:
    with reading(visit.web.engine) as session:
        return visit.render(
            "reports.html",
            status=status,
            reports=find_reports(session),
            given=given,
            problem=problem,
            writing=[
                (run, show_state(run, now=visit.now))
                for run in find_runs(session, verb="report", limit=20)
                if run.state in (*ACTIVE, "failed", "lost")
            ][:SHOWN_RUNS],
        )


def show_report(visit: Visit) -> Response:
    report = _find(visit)
    missing = ""
    files = [name for name in report.files if Path(name).suffix in KINDS]
    if not all(_path(visit, report, name).is_file() for name in files):
        missing = "Its files are not in the data folder of this machine any more. Write the report again."
    return visit.render("report.html", report=report, files=files, missing=missing, frames=True)


def send_file(visit: Visit) -> Response:
    """One file of a report, after its hash was checked: what is shown is what was written."""
    report = _find(visit)
    name = visit.path_text("file")
    # Only names that stand in the report's row: nothing that an address says is ever used as a path.
    if name not in report.files or Path(name).suffix not in KINDS or Path(name).name != name:
        raise not_found("file")
    path = _path(visit, report, name)
    if not path.is_file() or path.stat().st_size > MAX_FILE:
        raise not_found("file")
    body = path.read_bytes()
    if hashlib.sha256(body).hexdigest() != report.files[name]:
        raise Refusal(
            409, "This file was changed after the report was written, so it is not shown. Write it again."
        )
    headers = {"content-type": KINDS[path.suffix]}
    if path.suffix == ".html":
        headers |= {"content-security-policy": REPORT_POLICY, "x-frame-options": "SAMEORIGIN"}
    else:
        headers["content-disposition"] = f'attachment; filename="tuskwatch-report-{report.id}{path.suffix}"'
    return Response(body, headers=headers)


def write(visit: Visit) -> Response:
    given = {"start": visit.form.text("start", limit=20), "end": visit.form.text("end", limit=20)}
    try:
        start, end = _read_day(given["start"]), _read_day(given["end"])
        if not timedelta() < end - start <= LONGEST:
            raise bad_input("The first day must come before the end, and ten years are the most.")
        period = {"start": start.isoformat(), "end": end.isoformat()}
        run_id = start_task(
            visit.web.places, "report", by=visit.person.name, reason="by hand", now=visit.now, settings=period
        )
        ensure_worker(visit.web.places)
    except (Refusal, JobError) as exc:
        problem = exc.detail if isinstance(exc, Refusal) else str(exc)
        return _show(visit, given=given, problem=problem, status=400)
    return go(f"/runs/{run_id}", {"done": "started"})


def _read_day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError as exc:
        raise bad_input("A day is written year-month-day, such as 2026-10-01.") from exc


def _find(visit: Visit) -> Report:
    with reading(visit.web.engine) as session:
        report = find_report(session, visit.path_number("report", "report"))
    if report is None:
        raise not_found("report")
    return report


def _path(visit: Visit, report: Report, name: str) -> Path:
    return visit.web.places.data / report.folder / name


routes: list[Route] = [
    route("/reports", show_reports, role="reader"),
    route("/reports", write, role="analyst", method="POST"),
    route("/reports/{report}", show_report, role="reader"),
    route("/reports/{report}/{file}", send_file, role="reader"),
]
