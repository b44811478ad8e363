"""Runs: what is running, how it went, and the wishes a person may have of it.

Public names: routes.
"""

from __future__ import annotations

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
from jobs.runs import ask_run, start_crawl
from storage.engine import reading
from storage.frontier import count_states
from storage.issues import find_issues
from storage.queries import find_run_numbers
from storage.runs import ACTIVE, ENDED, MAX_SLOW, SLOW, find_run, find_runs
from storage.sites import find_sites
from storage.tables import Run
from web.runfacts import SHOWN as CATEGORIES
from web.runfacts import pick_left_out, read_coverage, read_proof
from web.twins import defang_text
from web.visit import Refusal, Visit, bad_input, go, not_found, route

SHOWN = 100
LOG_BYTES = 64_000
LOG_LINES = 200
STATES = (*ACTIVE, *ENDED)
WISHES = {"pause": "Pause", "resume": "Resume", "slow": "Slower", "cancel": "Cancel"}
SLOWER = 2.0
"""So many times the delay it has now: what the button "Slower" asks for."""


def show_runs(visit: Visit) -> Response:
    state = visit.query.choice("state", STATES, default="")
    site = visit.query.text("site", limit=64, default="")
    with reading(visit.web.engine) as session:
        runs = find_runs(session, state=state or None, site=site or None, limit=SHOWN)
        sites = [(each.name, each.title) for each in find_sites(session)]
        return visit.render(
            "runs.html",
            runs=runs,
            sites=sites,
            query={"state": state, "site": site},
            run_states=STATES,
            limit=SHOWN,
            calls=find_calls(session),
            live=any(is_live(run) for run in runs),
        )


def show_run(visit: Visit) -> Response:
    run_id = visit.path_number("run", "run")
    with reading(visit.web.engine) as session:
        run = find_run(session, run_id)
        if run is None:
            raise not_found("run")
        issues = find_issues(session, run_id=run_id, open_only=False)
        return visit.render(
            "run.html",
            run=run,
            coverage=read_coverage(run.coverage),
            most=CATEGORIES,
            proof=read_proof(run.proof),
            left_out=pick_left_out(issues),
            live=is_live(run),
            ended=run.state not in ACTIVE,
            calls=find_calls(session, run_id=run_id),
            slow=read_slow(run),
            slower=min(read_slow(run) * SLOWER, MAX_SLOW),
            wishes=[
                (wish, WISHES[wish]) for wish in open_wishes(run.verb, run.state, run.wish, run.waits_for)
            ],
            numbers=find_run_numbers(session, run_id),
            frontier=sorted(count_states(visit.web.engine, sweep_id=run.sweep_id).items())
            if run.sweep_id
            else [],
            issues=issues,
            log=list(read_log_end(find_log(visit.web.places.runs, run_id))),
        )


def send_runs(visit: Visit) -> Response:
    state = visit.query.choice("state", STATES, default="")
    site = visit.query.text("site", limit=64, default="")
    with reading(visit.web.engine) as session:
        runs = [
            _values(run) for run in find_runs(session, state=state or None, site=site or None, limit=SHOWN)
        ]
    return JSONResponse({"at": visit.now.isoformat(), "query": {"state": state, "site": site}, "runs": runs})


def send_run(visit: Visit) -> Response:
    run_id = visit.path_number("run", "run")
    with reading(visit.web.engine) as session:
        run = find_run(session, run_id)
        if run is None:
            raise not_found("run")
        coverage, proof = read_coverage(run.coverage), read_proof(run.proof)
        issues = find_issues(session, run_id=run_id, open_only=False)
        values = _values(run) | {
            "coverage": None if coverage is None else asdict(coverage),
            "proof": None if proof is None else _plain(asdict(proof)),
            "issues": [
                {"level": each.level, "kind": each.kind, "message": defang_text(each.message), "count": each.count,
                 "page": each.page_id} for each in issues
            ],
        }  # fmt: skip
    return JSONResponse(values)


def _values(run: Run) -> dict[str, Any]:
    """A run as plain values. Its settings stay here: they name accounts by their keys."""
    return _plain(
        {
            "id": run.id, "verb": run.verb, "site": run.site.name if run.site is not None else "", "state": run.state,
            "plan": run.plan, "waits_for": run.waits_for, "message": defang_text(run.message), "by": run.by,
            "reason": run.reason, "pages": run.pages, "listings": run.listings, "issues": run.issues,
            "created_at": run.created_at, "started_at": run.started_at, "ended_at": run.ended_at,
            "heartbeat_at": run.heartbeat_at,
        }
    )  # fmt: skip


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def is_live(run: Run) -> bool:
    """Does anything happen by itself that is worth looking again for?"""
    return run.state in ACTIVE and run.waits_for != "person"


def read_slow(run: Run) -> float:
    """How many times the site's own delay it keeps."""
    return float(run.settings.get(SLOW, 1))


def open_wishes(verb: str, state: str, wish: str | None, waits_for: str = "") -> tuple[str, ...]:
    """What may be asked of a run in this state; the same again makes no sense, but for going slower still."""
    if verb != "crawl":
        return ()
    if waits_for == "person":
        return ("resume", "cancel")
    possible = {
        "queued": ("cancel",),
        "waiting": ("pause", "cancel"),
        "running": ("pause", "slow", "cancel"),
        "paused": ("resume", "cancel"),
    }.get(state, ())
    return tuple(each for each in possible if each != wish or each == "slow")


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
    site = visit.form.text("site", limit=64)
    reason = visit.form.text("reason", limit=200, default="") or "by hand"
    try:
        run_id = start_crawl(visit.web.places, site, by=visit.person.name, reason=reason, now=visit.now)
        ensure_worker(visit.web.places)
    except JobError as exc:
        raise Refusal(409, str(exc)) from exc
    return go(f"/runs/{run_id}", {"done": "started"})


def wish_run(visit: Visit) -> Response:
    run_id = visit.path_number("run", "run")
    wish = visit.form.choice("wish", tuple(WISHES))
    factor = read_factor(visit.form.text("factor", limit=20, default="")) if wish == "slow" else None
    with reading(visit.web.engine) as session:
        if find_run(session, run_id) is None:
            raise not_found("run")
    try:
        ask_run(visit.web.places, run_id, wish, by=visit.person.name, now=visit.now, factor=factor)
        if wish == "resume":
            ensure_worker(visit.web.places)
    except JobError as exc:
        raise Refusal(409, str(exc)) from exc
    return go(f"/runs/{run_id}", {"done": wish})


def read_factor(text: str) -> float:
    """The factor of a form: a plain number. Its bounds are checked where it is used."""
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,4})?", text, re.ASCII):
        raise bad_input("How much slower the run shall go is not a number. Use the buttons of its page.")
    return float(text)


routes: list[Route] = [
    route("/runs", show_runs, role="reader"),
    route("/runs", start_run, role="analyst", method="POST"),
    route("/runs.json", send_runs, role="reader"),
    route("/runs/{run}.json", send_run, role="reader"),
    route("/runs/{run}", show_run, role="reader"),
    route("/runs/{run}/log", download_log, role="reader"),
    route("/runs/{run}/wish", wish_run, role="analyst", method="POST"),
]
