"""`tuskwatch run`: what runs did and do; pause, resume, slow, cancel.

Public names: app.
"""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuskwatch.output import Exit, Json, data_option, say, show_json, show_table, show_text, show_time
from tuskwatch.places import open_places

if TYPE_CHECKING:
    from jobs.runs import RunView

app = typer.Typer(help="Runs: list and show them; pause, resume, slow, cancel.", no_args_is_help=True)

RunId = Annotated[int, typer.Argument(metavar="RUN", min=1, help="The run's number.")]
LOG_LINES = 15


@app.command("list")
def list_runs(
    context: typer.Context,
    state: Annotated[
        str | None, typer.Option("--state", help="Only runs in this state, for example failed.")
    ] = None,
    site: Annotated[str | None, typer.Option("--site", help="Only runs of this site.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 20,
    as_json: Json = False,
) -> None:
    """Show the newest runs."""
    from jobs.errors import UsageError
    from jobs.runs import ENDED, LIVE, view_runs
    from storage.engine import open_engine, reading

    places = open_places(data_option(context))
    states = (*LIVE, "paused", *ENDED)
    if state is not None and state not in states:
        raise UsageError(f'"{state}" is no state of a run. Known: {", ".join(states)}.')
    engine = open_engine(places.database_url)
    with reading(engine) as session:
        views = view_runs(session, state=state, site=site, limit=limit)
    engine.dispose()
    if as_json:
        show_json(views)
        return
    if not views:
        show_text("No runs. Begin one: tuskwatch crawl SITE")
        return
    show_table(
        ("Run", "Site", "State", "Pages", "Listings", "Issues", "Started", "Ended", "Why", "Message"),
        [
            (
                v.id, v.site or "-", _say_state(v), v.pages, v.listings, v.issues,
                show_time(v.started_at), show_time(v.ended_at), v.reason, v.message,
            )
            for v in views
        ],
    )  # fmt: skip


@app.command("show")
def show_run(
    context: typer.Context,
    run: RunId,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has ended.")] = False,
    as_json: Json = False,
) -> None:
    """Show one run: its numbers, its issues, the end of its log. Ends with the code that its crawl would end with."""
    from jobs.runs import find_run, is_over, name_command
    from storage.engine import open_engine, reading
    from storage.issues import find_issues
    from storage.proofs import find_proof
    from storage.runs import find_run as find_row
    from tuskwatch.commands.crawl import exit_code, follow_runs

    places = open_places(data_option(context))
    engine = open_engine(places.database_url)
    view = find_run(engine, run)
    if wait and not is_over(view):
        (view,) = follow_runs(places, [run])
    with reading(engine) as session:
        issues = [
            {"level": i.level, "kind": i.kind, "message": i.message, "count": i.count}
            for i in find_issues(session, run_id=run, open_only=False)
        ]
        row = find_row(session, run)
        proof = find_proof(session, run)
        coverage = dict(row.coverage) if row is not None else {}
    engine.dispose()
    log = _read_tail(places.runs / f"{run}.log")
    if as_json:
        show_json({"run": view, "issues": issues, "coverage": coverage, "proof": proof, "log": log})
    else:
        for name, value in (
            ("Run", view.id), ("Site", view.site), ("State", _say_state(view)), ("Message", view.message or "-"),
            ("Why", f"{view.reason} ({view.by})"), ("Pages", f"{view.pages:,}"), ("Listings", f"{view.listings:,}"),
            ("Asked for", show_time(view.created_at)), ("Started", show_time(view.started_at)),
            ("Ended", show_time(view.ended_at)), ("Coverage", _say_coverage(coverage)), ("Proof", _say_proof(proof)),
            ("Log", places.runs / f"{run}.log"),
        ):  # fmt: skip
            show_text(f"{name + ':':<11} {value}")
        if view.waits_for == "person":
            show_text(f"Open the gate, and it goes on where it stopped: {name_command(view)}")
        if issues:
            show_table(("Level", "Issue", "What", "Times"), [tuple(issue.values()) for issue in issues])
        for line in log:
            show_text(f"  {line}")
    if wait and (code := exit_code([view])) is not Exit.OK:
        raise typer.Exit(code)


def _say_coverage(coverage: dict[str, Any]) -> str:
    """What was seen of what the site itself says it has."""
    total = coverage.get("*")
    if not total:
        return "the site's own counts are not known"
    return f"{total['seen']:,} of the {total['says']:,} listings that the site says it has"


def _say_proof(proof: dict[str, Any]) -> str:
    """What the canary saw, in a line."""
    if not proof:
        return "none was kept"
    seen = (
        f"{proof['checks']:,} looks at Tor {proof.get('tor_version') or '?'} and at every socket of the crawl"
    )
    return (
        f"{seen}; FAILED: {proof['failed']}" if proof.get("failed") else f"{seen}: nothing left another way"
    )


@app.command("pause")
def pause(context: typer.Context, run: RunId, as_json: Json = False) -> None:
    """Let a crawl end at the next page; "resume" goes on from there."""
    _ask(context, run, "pause", as_json)


@app.command("resume")
def resume(context: typer.Context, run: RunId, as_json: Json = False) -> None:
    """Go on with a paused run."""
    _ask(context, run, "resume", as_json)


@app.command("slow")
def slow(
    context: typer.Context,
    run: RunId,
    factor: Annotated[
        float,
        typer.Option(
            "--factor", min=1, max=100, help="So many times the site's own delay; 1 is normal again."
        ),
    ] = 2.0,
    as_json: Json = False,
) -> None:
    """Let a crawl ask less often, from its next request on."""
    _ask(context, run, "slow", as_json, factor=factor)


@app.command("cancel")
def cancel(context: typer.Context, run: RunId, as_json: Json = False) -> None:
    """End a run. What it fetched is kept."""
    _ask(context, run, "cancel", as_json)


def _ask(context: typer.Context, run: int, wish: str, as_json: bool, *, factor: float | None = None) -> None:
    from jobs.child import ensure_worker
    from jobs.runs import ask_run, find_run
    from storage.engine import open_engine

    places = open_places(data_option(context))
    state = ask_run(places, run, wish, by=getpass.getuser(), now=datetime.now(UTC), factor=factor)
    if wish == "resume" and ensure_worker(places):
        say("Started a worker in the background; it ends when there is nothing left to do.")
    if as_json:
        engine = open_engine(places.database_url)
        show_json(find_run(engine, run))
        engine.dispose()
        return
    if factor is not None:
        show_text(
            f"Run {run} goes at the site's own pace."
            if factor == 1
            else f"Run {run} waits {factor:g} times as long."
        )
        return
    asked = {"pause": "will pause", "resume": "will go on", "cancel": "will end"}[wish]
    show_text(
        f"Run {run} is {state}."
        if state in ("cancelled", "paused") and wish != "resume"
        else f"Run {run} {asked}."
    )


def _say_state(view: RunView) -> str:
    slowed = f", {view.slow:g} x slower" if view.slow != 1 and not view.ended_at else ""
    return f"{view.state}{' for a person' if view.waits_for == 'person' else ''}{slowed}"


def _read_tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 20_000))
            return file.read().decode("utf-8", "replace").splitlines()[-LOG_LINES:]
    except FileNotFoundError:
        return []
