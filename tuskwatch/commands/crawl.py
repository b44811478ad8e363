"""`tuskwatch crawl`: crawls sites now, shows how it goes, and waits until what was fetched has been read and scored.

Public names: crawl, follow_runs, exit_code.
"""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tuskwatch.output import Exit, Json, data_option, say, show_json, show_table, watch_progress
from tuskwatch.places import open_places

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from jobs.places import Places
    from jobs.runs import RunView

DAY = 86_400.0
QUIET_SECONDS = 10.0
"""Without a terminal there are no bars, and a line so often instead."""


def crawl(
    context: typer.Context,
    sites: Annotated[
        list[str] | None, typer.Argument(metavar="[SITE]...", help="The sites to crawl.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Crawl every site that has a file.")] = False,
    account: Annotated[
        str,
        typer.Option(
            "--account",
            metavar="NAME",
            help="Go with this account; a person opens its session: tuskwatch session open.",
        ),
    ] = "",
    plan: Annotated[
        str,
        typer.Option(
            "--plan",
            metavar="PLAN",
            help="full: the whole site; known: the ads known before and what is new on the pages of interest; due: what "
            "the site's plan says is due.",
        ),
    ] = "full",
    priority: Annotated[
        int, typer.Option("--priority", min=-9, max=9, help="Higher first among the queued; 0 is usual.")
    ] = 0,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait for the end and show progress, or return at once.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Crawl sites through Tor, then read and score what was fetched. An unfinished crawl is taken up where it stopped."""
    from jobs.child import ensure_worker
    from jobs.errors import BusyError, UsageError
    from jobs.runs import find_run, name_command, start_crawl
    from jobs.sites import find_site
    from storage.engine import check_schema, open_engine

    places = open_places(data_option(context))
    if plan not in ("full", "known", "due"):
        raise UsageError(f'"{plan}" is no plan. Known: full, known, due.')
    if everything == bool(sites):
        raise UsageError("Name the sites to crawl, or say --all (not both).")
    names = (
        sorted(path.parent.name for path in places.sites.glob("*/site.yml")) if everything else sites or []
    )
    names = list(dict.fromkeys(names))
    if not names:
        raise UsageError(f"There are no sites yet: no file {places.sites}/NAME/site.yml.")
    for name in names:
        # All are looked at before the first is started: a slip in the last name starts nothing.
        find_site(places, name)
    engine = open_engine(places.database_url)
    check_schema(engine)
    by, now = getpass.getuser(), datetime.now(UTC)
    key = ""
    if account:
        from jobs.sessions import find_account

        key = find_account(places, account, now=now)
    started: list[int] = []
    busy: list[str] = []
    for name in names:
        try:
            started.append(
                start_crawl(
                    places,
                    name,
                    by=by,
                    reason="by hand",
                    now=now,
                    account_key=key,
                    plan=plan,
                    priority=priority,
                )
            )
        except BusyError as exc:
            busy.append(str(exc))
            say(str(exc))
    if started and ensure_worker(places):
        say("Started a worker in the background; it ends when there is nothing left to do.")
    views = (
        follow_runs(places, started) if wait and started else [find_run(engine, run_id) for run_id in started]
    )
    unread = find_unread(engine, started) if wait else []
    engine.dispose()
    if as_json:
        show_json({"runs": views, "busy": busy, "unread": unread})
    else:
        _show(views, waited=wait)
    for trouble in unread:
        say(trouble)
    for view in views:
        if view.waits_for == "person":
            say(
                f"{view.site} wants a person: {view.message}. Open the gate, and run {view.id} goes on: {name_command(view)}"
            )
    code = exit_code(views) if wait else Exit.OK
    if code is Exit.OK and (busy or unread):
        code = Exit.FAILED
    if code is not Exit.OK:
        raise typer.Exit(code)


def find_unread(engine: Engine, run_ids: Sequence[int]) -> list[str]:
    """Why what these runs fetched could not be read and scored; empty when it was."""
    from storage.engine import reading
    from storage.issues import find_issues

    with reading(engine) as session:
        return [
            f"Run {run_id}: {issue.message}"
            for run_id in run_ids
            for issue in find_issues(session, run_id=run_id)
            if issue.kind == "reading" and issue.level == "fail"
        ]


def _say_how(view: RunView) -> str:
    """In a few words, while somebody waits for it and for what follows it."""
    from jobs.runs import is_over

    note = view.message if view.state == "waiting" else view.state
    return f"{note}, reading and scoring" if is_over(view) and view.state != "failed" and view.pages else note


def _say_rest(places: Places, engine: Engine, views: Sequence[RunView]) -> str:
    """When all is crawled: how much is left to score; "" before."""
    from classifier.model import ModelError, find_current
    from jobs.runs import is_over
    from storage.engine import reading
    from storage.scores import count_unscored

    if not all(is_over(view) for view in views):
        return ""
    try:
        model = find_current(places.models)
    except ModelError:
        return "all crawled; reading and scoring"
    with reading(engine) as session:
        waiting = count_unscored(session, model_version=model)
    return (
        f"all crawled; reading and scoring, {waiting:,} listings to go"
        if waiting
        else "all crawled; reading and scoring"
    )


def follow_runs(
    places: Places,
    run_ids: Sequence[int],
    *,
    timeout: float = 30 * DAY,
    watch: Callable[[Sequence[RunView]], None] | None = None,
) -> list[RunView]:
    """Wait for runs with a line of progress for each on stderr; `watch` sees them as often as the lines do."""
    from jobs.runs import count_sweep, wait_run
    from storage.engine import open_engine

    engine = open_engine(places.database_url)
    try:
        with watch_progress() as progress:
            bars = {run_id: progress.add_task(f"run {run_id}", total=None, note="") for run_id in run_ids}

            said = time.monotonic()

            def show(views: Sequence[RunView]) -> None:
                nonlocal said
                if watch is not None:
                    watch(views)
                if progress.disable and time.monotonic() - said > QUIET_SECONDS:
                    said = time.monotonic()
                    rest = _say_rest(places, engine, views)
                    say(
                        "     "
                        + (
                            rest
                            or ", ".join(
                                f"{view.site} {_say_how(view)}, {view.pages:,} pages" for view in views
                            )
                        )
                    )
                for view in views:
                    done, known = count_sweep(engine, view)
                    note = _say_how(view)
                    progress.update(
                        bars[view.id],
                        description=view.site,
                        completed=done,
                        total=known or None,
                        note=note[:60],
                    )

            return wait_run(places, run_ids, timeout=timeout, watch=show)
    except KeyboardInterrupt:
        say(
            'The crawl goes on in the background. "tuskwatch run list" shows it, "tuskwatch run cancel RUN" ends it.'
        )
        raise
    finally:
        engine.dispose()


def exit_code(views: Sequence[RunView]) -> Exit:
    """The worst of the runs' ends: failed, then cancelled, then waiting for a person, then paused."""
    states = {view.state for view in views}
    if states & {"failed", "lost"}:
        return Exit.FAILED
    if "cancelled" in states:
        return Exit.CANCELLED
    if any(view.waits_for == "person" for view in views):
        return Exit.PERSON
    if "paused" in states:
        return Exit.PAUSED
    return Exit.OK


def _show(views: Sequence[RunView], *, waited: bool) -> None:
    if not views:
        return
    show_table(
        ("Run", "Site", "State", "Pages", "Listings", "Issues", "Message"),
        [(v.id, v.site, v.state, v.pages, v.listings, v.issues, v.message) for v in views],
    )
    if not waited:
        say('See how they go with "tuskwatch run list".')
