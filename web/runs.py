"""Runs: what is running, how it went, and the wishes a person may have of it.

Public names: routes.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from jobs.calls import find_calls
from jobs.child import ensure_worker
from jobs.errors import JobError
from jobs.retry import retry_run
from jobs.rules import PERIODS
from jobs.runs import start_crawl
from jobs.runstory import find_story, read_slow, tell_run, tell_story
from jobs.tasks import start_task
from jobs.taskverbs import VERBS
from jobs.wishes import ask
from reports.cells import safe_cell
from storage.engine import reading
from storage.frontier import count_states
from storage.runfacts import SHOWN_STATES, RunFilter, find_filtered
from storage.runs import ACTIVE, MAX_SLOW, find_run, show_state
from storage.schedules import find_schedules
from storage.sites import find_sites
from storage.tables import Run
from text.defang import defang_text
from web.runfacts import SHOWN as CATEGORIES
from web.runfacts import pick_left_out, read_coverage, read_proof
from web.visit import Refusal, Visit, bad_input, go, not_found, route

SHOWN = 100
LOG_BYTES = 64_000
LOG_LINES = 200
MOST_SENT = 1_000
STARTED = ("extract", "classify", "report")
"""Verbs besides crawl that an analyst begins here."""
COLUMNS = ("id", "verb", "site", "state", "plan", "by", "reason", "schedule", "retry_of", "worker", "pages", "listings",
           "issues", "done", "total", "created_at", "due_at", "started_at", "ended_at", "message")  # fmt: skip
WISHES = {"pause": "Pause", "resume": "Resume", "slow": "Slower", "cancel": "Cancel"}
SLOWER = 2.0
"""So many times the delay it has now: what the button "Slower" asks for."""


def show_runs(visit: Visit) -> Response:
    wanted, query = _read_filter(visit)
    with reading(visit.web.engine) as session:
        runs = find_filtered(session, wanted, now=visit.now, limit=SHOWN)
        sites = [(each.name, each.title) for each in find_sites(session)]
        return visit.render(
            "runs.html",
            runs=[(run, show_state(run, now=visit.now)) for run in runs],
            sites=sites,
            schedules=[row.name for row in find_schedules(session)],
            query=query,
            run_states=SHOWN_STATES,
            verbs=("crawl", *VERBS),
            tasks={name: VERBS[name].words for name in STARTED},
            periods=PERIODS,
            limit=SHOWN,
            calls=find_calls(session),
            live=any(is_live(run) for run in runs),
        )


def _read_filter(visit: Visit) -> tuple[RunFilter, dict[str, str]]:
    """What the address asks for, and the same as the address's query."""
    query = {
        "state": visit.query.choice("state", SHOWN_STATES, default=""),
        "site": visit.query.text("site", limit=64, default=""),
        "verb": visit.query.text("verb", limit=16, default=""),
        "schedule": visit.query.text("schedule", limit=60, default=""),
        "worker": visit.query.text("worker", limit=200, default=""),
    }
    return RunFilter(**query), query


def show_run(visit: Visit) -> Response:
    run_id = visit.path_number("run", "run")
    with reading(visit.web.engine) as session:
        run = find_run(session, run_id)
        if run is None:
            raise not_found("run")
        story = find_story(session, visit.web.places, run, now=visit.now)
        return visit.render(
            "run.html",
            run=run,
            story=story,
            shown=story.state,
            coverage=read_coverage(run.coverage),
            most=CATEGORIES,
            proof=read_proof(run.proof),
            left_out=pick_left_out(story.issues),
            live=is_live(run),
            ended=run.state not in ACTIVE,
            calls=find_calls(session, run_id=run_id),
            slow=read_slow(run),
            slower=min(read_slow(run) * SLOWER, MAX_SLOW),
            wishes=[
                (wish, WISHES[wish]) for wish in open_wishes(run.verb, run.state, run.wish, run.waits_for)
            ],
            numbers=story.numbers,
            frontier=sorted(count_states(visit.web.engine, sweep_id=run.sweep_id).items())
            if run.sweep_id
            else [],
            issues=story.issues,
            log=list(read_log_end(find_log(visit.web.places.runs, run_id))),
        )


def send_runs(visit: Visit) -> Response:
    wanted, query = _read_filter(visit)
    return JSONResponse({"at": visit.now.isoformat(), "query": query, "runs": _find_rows(visit, wanted)})


def send_csv(visit: Visit) -> Response:
    wanted, _ = _read_filter(visit)
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for row in _find_rows(visit, wanted):
        writer.writerow([safe_cell("" if row[name] is None else str(row[name])) for name in COLUMNS])
    return Response(
        buffer.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="runs.csv"'},
    )


def _find_rows(visit: Visit, wanted: RunFilter) -> list[dict[str, Any]]:
    with reading(visit.web.engine) as session:
        runs = find_filtered(session, wanted, now=visit.now, limit=MOST_SENT)
        return [_plain(tell_run(run, now=visit.now)) for run in runs]


def send_run(visit: Visit) -> Response:
    run_id = visit.path_number("run", "run")
    with reading(visit.web.engine) as session:
        run = find_run(session, run_id)
        if run is None:
            raise not_found("run")
        coverage, proof = read_coverage(run.coverage), read_proof(run.proof)
        story = find_story(session, visit.web.places, run, now=visit.now)
        values = _plain(tell_story(story, now=visit.now)) | {
            "coverage": None if coverage is None else asdict(coverage),
            "proof": None if proof is None else _plain(asdict(proof)),
            "issues": [
                {"level": each.level, "kind": each.kind, "message": defang_text(each.message), "count": each.count,
                 "page": each.page_id} for each in story.issues
            ],
        }  # fmt: skip
    return JSONResponse(values)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Times as text; what a run says of itself without addresses that a program could follow."""
    plain = {
        name: value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
        for name, value in values.items()
    }
    if "message" in plain:
        plain["message"] = defang_text(str(plain["message"]))
    return plain


def is_live(run: Run) -> bool:
    """Does anything happen by itself that is worth looking again for?"""
    return run.state in ACTIVE and run.waits_for != "person"


def open_wishes(verb: str, state: str, wish: str | None, waits_for: str = "") -> tuple[str, ...]:
    """What may be asked of a run in this state; the same again makes no sense, but for going slower still."""
    if waits_for == "person":
        return ("resume", "cancel")
    crawl, known = verb == "crawl", VERBS.get(verb)
    can_pause = crawl or (known is not None and known.pausable)
    possible = {
        "queued": ("cancel",),
        "waiting": ("pause", "cancel"),
        "running": ("pause", "slow", "cancel"),
        "paused": ("resume", "cancel"),
    }.get(state, ())
    return tuple(
        each
        for each in possible
        if (each != wish or each == "slow")
        and (each != "slow" or crawl)
        and (each not in ("pause", "resume") or can_pause)
    )


def find_log(folder: Path, run_id: int) -> Path:
    return folder / f"{run_id}.log"


def read_log_end(path: Path) -> Iterator[str]:
    """The last lines of a run's log, each made short; the log is JSON lines, other lines are shown as they are."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            start = max(0, file.tell() - LOG_BYTES)
            file.seek(start)
            lines = file.read(LOG_BYTES).decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return
    for line in lines[1 if start else 0 :][-LOG_LINES:]:
        yield _short(line)


def _short(line: str) -> str:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if not isinstance(entry, dict):
        return line
    time = str(entry.pop("timestamp", entry.pop("time", "")))[:19].replace("T", " ")
    level = str(entry.pop("level", ""))
    event = str(entry.pop("event", entry.pop("message", "")))
    rest = "  ".join(f"{name}={value}" for name, value in entry.items())
    return "  ".join(part for part in (time, f"{level:<7}" if level else "", event, rest) if part)


def download_log(visit: Visit) -> Response:
    run_id = visit.path_number("run", "run")
    path = find_log(visit.web.places.runs, run_id)
    if not path.is_file():
        raise not_found("log on this machine")
    return FileResponse(path, media_type="text/plain; charset=utf-8", filename=f"run-{run_id}.log")


def start_run(visit: Visit) -> Response:
    """Ask for a run: a crawl of a site, or another verb, which may be of all sites."""
    verb = visit.form.choice("verb", ("crawl", *STARTED), default="crawl")
    site = visit.form.text("site", limit=64, default="")
    reason = visit.form.text("reason", limit=200, default="") or "by hand"
    places, by, now = visit.web.places, visit.person.name, visit.now
    period = visit.form.choice("period", PERIODS, default="month")
    try:
        if verb == "crawl":
            if not site:
                raise bad_input("Which site shall be crawled? Choose one.")
            run_id = start_crawl(places, site, by=by, reason=reason, now=now)
        else:
            settings = {"period": period} if verb == "report" else {}
            run_id = start_task(
                places, verb, by=by, reason=reason, now=now, settings=settings, site=site or None
            )
        ensure_worker(places)
    except JobError as exc:
        raise Refusal(409, str(exc)) from exc
    return go(f"/runs/{run_id}", {"done": "started"})


def wish_run(visit: Visit) -> Response:
    run_id = visit.path_number("run", "run")
    wish = visit.form.choice("wish", tuple(WISHES))
    factor = read_factor(visit.form.text("factor", limit=20, default="")) if wish == "slow" else None
    _look_for(visit, run_id)
    try:
        ask(visit.web.places, run_id, wish, by=visit.person.name, now=visit.now, factor=factor)
        if wish == "resume":
            ensure_worker(visit.web.places)
    except JobError as exc:
        raise Refusal(409, str(exc)) from exc
    return go(f"/runs/{run_id}", {"done": wish})


def retry(visit: Visit) -> Response:
    run_id = visit.path_number("run", "run")
    _look_for(visit, run_id)
    try:
        fresh = retry_run(visit.web.places, run_id, by=visit.person.name, now=visit.now)
        ensure_worker(visit.web.places)
    except JobError as exc:
        raise Refusal(409, str(exc)) from exc
    return go(f"/runs/{fresh}", {"done": "started"})


def _look_for(visit: Visit, run_id: int) -> None:
    with reading(visit.web.engine) as session:
        if find_run(session, run_id) is None:
            raise not_found("run")


def read_factor(text: str) -> float:
    """The factor of a form: a plain number. Its bounds are checked where it is used."""
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,4})?", text, re.ASCII):
        raise bad_input("How much slower the run shall go is not a number. Use the buttons of its page.")
    return float(text)


routes: list[Route] = [
    route("/runs", show_runs, role="reader"),
    route("/runs", start_run, role="analyst", method="POST"),
    route("/runs.json", send_runs, role="reader"),
    route("/runs.csv", send_csv, role="reader"),
    route("/runs/{run}.json", send_run, role="reader"),
    route("/runs/{run}", show_run, role="reader"),
    route("/runs/{run}/log", download_log, role="reader"),
    route("/runs/{run}/wish", wish_run, role="analyst", method="POST"),
    route("/runs/{run}/retry", retry, role="analyst", method="POST"),
]
