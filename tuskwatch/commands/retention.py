"""`tuskwatch retention` removes what is past its date, or counts it; `tuskwatch hold` keeps evidence from that.

Public names: retention, hold_app.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuskwatch.output import (
    Exit,
    Json,
    data_option,
    say,
    show_json,
    show_table,
    show_text,
    show_time,
    watch_progress,
)
from tuskwatch.places import open_places

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from jobs.retention import RetentionCounts

hold_app = typer.Typer(help="Holds: evidence that retention must leave alone.", no_args_is_help=True)

Subject = Annotated[str, typer.Argument(metavar="WHAT", help="listing, page, seller or site.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it goes into the audit log.")]

_WHY = {
    "hold": "on hold",
    "flagged": "flagged or reviewed, and not past that date",
    "waiting": "not read or not scored yet",
    "open": "of a sweep that may go on",
    "needed": "what stays rests on it",
    "newest": "the newest row of its table",
}


def retention(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count: change nothing, leave no run.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Remove what is past its date by the rules of retention.yml. What goes leaves a tombstone in the audit chain."""
    from jobs.retention import RetentionCounts, remove_old
    from jobs.retentionfile import FILE, read_rules
    from jobs.taskrun import do_by_hand

    places = open_places(data_option(context))
    rules = read_rules(places)
    run_id = None
    with watch_progress(quiet=as_json) as progress:
        task = progress.add_task("counting" if dry_run else "removing", total=None, note="")

        def tell(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        if dry_run or not rules.there:
            counts = remove_old(places, run_id=None, now=datetime.now(UTC), dry_run=True, tell=tell)
        else:
            ended = do_by_hand(places, "retention", by=getpass.getuser(), show=tell)
            assert isinstance(ended.value, RetentionCounts), "what failed was raised"
            run_id, counts = ended.run_id, ended.value
    if as_json:
        show_json({**asdict(counts), "run": run_id, "dry_run": dry_run})
    else:
        _show(counts, run_id, dry_run=dry_run)
    if not rules.there:
        say(
            f"Nothing is ever removed until {places.data / FILE} says what may be: docs/retention.md shows one."
        )
    if counts.ended != "done":
        raise typer.Exit(Exit.PAUSED if counts.ended == "pause" else Exit.CANCELLED)


def _show(counts: RetentionCounts, run_id: int | None, *, dry_run: bool) -> None:
    would = "would go" if dry_run else "went"
    if counts.removed_lines:
        show_table(
            ("Rule", "Site", "What", "Rows"),
            [
                (line.rule, line.site or "-", line.what.replace("_", " "), line.rows)
                for line in counts.removed_lines
            ],
            title=f"What {would}",
        )
    if counts.kept_lines:
        show_table(
            ("Why", "Site", "Pages"),
            [(_WHY.get(line.reason, line.reason), line.site, line.pages) for line in counts.kept_lines],
            title="Pages past their date that stay",
        )
    dates = (
        f" They are from {show_time(counts.oldest)} to {show_time(counts.newest)}."
        if counts.oldest is not None
        else ""
    )
    where = f"Run {run_id}: " if run_id is not None else ""
    show_text(f"{where}{'Would go: ' if dry_run and counts.rows else ''}{counts.say()}{dates}")
    if counts.rows:
        show_text(counts.rules)
    if counts.bytes and counts.advice:
        show_text(counts.advice)


@hold_app.command("add")
def add(
    context: typer.Context,
    what: Subject,
    name: Annotated[str, typer.Argument(metavar="WHICH", help="Its number; of a site its name.")],
    reason: Reason,
    as_json: Json = False,
) -> None:
    """Put a listing, page, seller or site on hold: retention leaves it, and all pages that show it, alone."""
    from storage.holds import add_hold

    with _database(context) as engine:
        hold_id = add_hold(
            engine,
            subject=what,
            subject_id=_find_number(engine, what, name),
            reason=reason,
            by=getpass.getuser(),
            now=datetime.now(UTC),
        )
    _answer(
        {"hold": hold_id, "subject": what, "which": name}, f"Hold {hold_id}: {what} {name} stays.", as_json
    )


@hold_app.command("list")
def list_holds(
    context: typer.Context,
    lifted: Annotated[bool, typer.Option("--all", help="Also those that were lifted.")] = False,
    as_json: Json = False,
) -> None:
    """Show what is on hold, why and since when."""
    from storage.engine import reading
    from storage.holds import find_holds

    with _database(context) as engine, reading(engine) as session:
        holds = find_holds(session, lifted=lifted)
    if as_json:
        show_json([asdict(hold) for hold in holds])
    elif not holds:
        show_text('Nothing is on hold. "tuskwatch hold add listing 12 --reason TEXT" puts something there.')
    else:
        show_table(
            ("Hold", "What", "Which", "Site", "Title", "Reason", "By", "Since (UTC)", "Lifted"),
            [
                (str(h.id), h.subject, str(h.subject_id), h.site, h.title[:60], h.reason, h.by, show_time(h.created_at),
                 f"{show_time(h.released_at)} by {h.released_by}" if h.released_at else "-")
                for h in holds
            ],
        )  # fmt: skip


@hold_app.command("lift")
def lift(
    context: typer.Context,
    hold: Annotated[int, typer.Argument(metavar="HOLD", help='Its number; "hold list" shows it.')],
    reason: Reason,
    as_json: Json = False,
) -> None:
    """Lift a hold: from the next removal on its date counts again."""
    from storage.holds import lift_hold

    with _database(context) as engine:
        row = lift_hold(engine, hold, reason=reason, by=getpass.getuser(), now=datetime.now(UTC))
    _answer(
        {"hold": hold, "subject": row.subject, "subject_id": row.subject_id},
        f"Hold {hold} on {row.subject} {row.subject_id} is lifted.",
        as_json,
    )


@contextmanager
def _database(context: typer.Context) -> Iterator[Engine]:
    from storage.engine import check_schema, open_engine

    engine = open_engine(open_places(data_option(context)).database_url)
    try:
        check_schema(engine)
        yield engine
    finally:
        engine.dispose()


def _find_number(engine: Engine, what: str, name: str) -> int:
    from jobs.errors import UsageError
    from storage.engine import reading
    from storage.sites import find_site

    if what == "site":
        with reading(engine) as session:
            site = find_site(session, name)
        if site is None:
            raise UsageError(f'There is no site "{name[:60]}". "tuskwatch site list" shows all.')
        return site.id
    if not (name.isascii() and name.isdigit() and len(name) <= 10):
        raise UsageError(
            f'"{name[:40]}" is no number of a {what[:20]}. It stands in the address of its page.'
        )
    return int(name)


def _answer(value: dict[str, Any], words: str, as_json: bool) -> None:
    show: Callable[[Any], None] = show_json if as_json else show_text
    show(value if as_json else words)
