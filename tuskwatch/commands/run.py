"""`tuskwatch run`: what runs did and do; pause, resume, slow, cancel, retry.

Public names: app.
"""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tuskwatch.commands.runwords import say_state, say_story
from tuskwatch.output import Exit, Json, data_option, say, show_json, show_table, show_text, show_time
from tuskwatch.places import open_places

app = typer.Typer(help="Runs: list and show them; pause, resume, slow, cancel, retry.", no_args_is_help=True)

RunId = Annotated[int, typer.Argument(metavar="RUN", min=1, help="The run's number.")]
LOG_LINES = 15


@app.command("list")
def list_runs(
    context: typer.Context,
    state: Annotated[
        str | None, typer.Option("--state", help="Only runs in this state, for example failed or late.")
    ] = None,
    site: Annotated[str | None, typer.Option("--site", help="Only runs of this site.")] = None,
    verb: Annotated[
        str | None, typer.Option("--verb", help="Only runs that do this: crawl, extract, classify, report …")
    ] = None,
    worker: Annotated[
        str | None, typer.Option("--worker", help="Only runs of workers with this in their name.")
    ] = None,
    schedule: Annotated[
        str | None, typer.Option("--schedule", help="Only runs that this schedule asked for.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 20,
    as_json: Json = False,
) -> None:
    """Show the newest runs."""
    from jobs.errors import UsageError
    from jobs.handmark import settle_dead
    from jobs.runstory import tell_run
    from storage.engine import open_engine, reading
    from storage.runfacts import SHOWN_STATES, RunFilter, find_filtered

    places, now = open_places(data_option(context)), datetime.now(UTC)
    if state is not None and state not in SHOWN_STATES:
        raise UsageError(f'"{state}" is no state of a run. Known: {", ".join(SHOWN_STATES)}.')
    wanted = RunFilter(
        state=state or "", site=site or "", verb=verb or "", worker=worker or "", schedule=schedule or ""
    )
    engine = open_engine(places.database_url)
    settle_dead(places, engine, now=now)
    with reading(engine) as session:
        rows = [tell_run(run, now=now) for run in find_filtered(session, wanted, now=now, limit=limit)]
    engine.dispose()
    if as_json:
        show_json(rows)
        return
    if not rows:
        show_text("No run fits." if wanted != RunFilter() else "No runs. Begin one: tuskwatch crawl SITE")
        return
    show_table(
        ("Run", "Verb", "Site", "State", "Pages", "Listings", "Issues", "Started", "Ended", "Worker", "Why", "Message"),
        [
            (
                row["id"], row["verb"], row["site"] or "-", say_state(row), row["pages"], row["listings"], row["issues"],
                show_time(row["started_at"]), show_time(row["ended_at"]), row["worker"] or "-", row["reason"], row["message"],
            )
            for row in rows
        ],
    )  # fmt: skip


@app.command("show")
def show_run(
    context: typer.Context,
    run: RunId,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has ended.")] = False,
    as_json: Json = False,
) -> None:
    """Show one run: its numbers, its issues, the end of its log, and what to do next. Ends with the code that its crawl
    would end with."""
    from jobs.handmark import settle_dead
    from jobs.runs import find_run, is_over
    from jobs.runstory import find_story, tell_story
    from storage.engine import open_engine, reading
    from storage.proofs import find_proof
    from storage.runs import find_run as find_row
    from tuskwatch.commands.crawl import exit_code, follow_runs

    places = open_places(data_option(context))
    engine = open_engine(places.database_url)
    settle_dead(places, engine, now=datetime.now(UTC))
    view = find_run(engine, run)
    if wait and not is_over(view):
        (view,) = follow_runs(places, [run])
    now = datetime.now(UTC)
    with reading(engine) as session:
        row = find_row(session, run)
        assert row is not None, "runs are never deleted"
        story = find_story(session, places, row, now=now)
        proof = find_proof(session, run)
    engine.dispose()
    log = _read_tail(places.runs / f"{run}.log")
    issues = [
        {"level": i.level, "kind": i.kind, "message": i.message, "count": i.count} for i in story.issues
    ]
    if as_json:
        told = tell_story(story, now=now)
        show_json({"run": told, "issues": issues, "coverage": dict(row.coverage), "proof": proof, "log": log})
    else:
        for name, value in say_story(story, proof, log=places.runs / f"{run}.log"):
            show_text(f"{name + ':':<11} {value}")
        if issues:
            show_table(("Level", "Issue", "What", "Times"), [tuple(issue.values()) for issue in issues])
        for line in log:
            show_text(f"  {line}")
    if wait and (code := exit_code([view])) is not Exit.OK:
        raise typer.Exit(code)


@app.command("retry")
def retry(context: typer.Context, run: RunId, as_json: Json = False) -> None:
    """Do a run that is over again, as a new run linked to it. An unfinished crawl goes on where it stopped."""
    from jobs.child import ensure_worker
    from jobs.retry import retry_run
    from jobs.runs import find_run
    from storage.engine import open_engine

    places = open_places(data_option(context))
    fresh = retry_run(places, run, by=getpass.getuser(), now=datetime.now(UTC))
    if ensure_worker(places):
        say("Started a worker in the background; it ends when there is nothing left to do.")
    if as_json:
        engine = open_engine(places.database_url)
        show_json(find_run(engine, fresh))
        engine.dispose()
        return
    show_text(f"Run {fresh} does run {run} again. See how it goes: tuskwatch run show {fresh} --wait")


@app.command("pause")
def pause(context: typer.Context, run: RunId, as_json: Json = False) -> None:
    """Let a run end at the next page, or batch; "resume" goes on from there. A report and a backup are done in one go."""
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
    """End a run. What it did until then is kept."""
    _ask(context, run, "cancel", as_json)


def _ask(context: typer.Context, run: int, wish: str, as_json: bool, *, factor: float | None = None) -> None:
    from jobs.child import ensure_worker
    from jobs.runs import find_run
    from jobs.wishes import ask
    from storage.engine import open_engine

    places = open_places(data_option(context))
    state = ask(places, run, wish, by=getpass.getuser(), now=datetime.now(UTC), factor=factor)
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


def _read_tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 20_000))
            return file.read().decode("utf-8", "replace").splitlines()[-LOG_LINES:]
    except FileNotFoundError:
        return []
