"""`tuskwatch serve` (screens and worker in one) and `tuskwatch worker` (a worker alone).

Public names: serve, worker.
"""

from __future__ import annotations

import signal
import threading
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tuskwatch.commands.people import give_one_time_password
from tuskwatch.demo import DEMO_USER
from tuskwatch.output import data_option, say
from tuskwatch.places import open_places

if TYPE_CHECKING:
    from jobs.places import Places


def serve(
    context: typer.Context,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="The port on 127.0.0.1; 0 takes a free one."),
    ] = None,
    with_worker: Annotated[
        bool,
        typer.Option("--worker/--no-worker", help="Also crawl and fire schedules, in a process of its own."),
    ] = True,
) -> None:
    """Serve the screens on 127.0.0.1 and run a worker beside them, until Ctrl-C."""
    from jobs.child import tied_worker
    from jobs.errors import JobError
    from jobs.logs import open_log
    from tuskwatch.settings import read_settings
    from web.app import WebSettings
    from web.app import serve as serve_web

    places = open_places(data_option(context))
    settings = read_settings()
    port = settings.port if port is None else port
    open_log(places.log_level, form=places.log_format)
    _say_how_to_sign_in(places)
    # The worker is its own process: a crawl that misbehaves must not take the screens with it.
    try:
        with tied_worker(places) if with_worker else nullcontext():
            serve_web(
                WebSettings(places, metrics=settings.metrics),
                port=port,
                ready=lambda address: say(f"Open {address} in a browser. Ctrl-C ends."),
            )
    except OSError as exc:
        raise JobError(
            f"Port {port} cannot be used ({exc.strerror or exc}). Take another one: tuskwatch serve --port 0"
        ) from exc


def worker(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Option("--name", help="What this worker is called. Sites pinned to the name are crawled here."),
    ] = "worker",
    label: Annotated[
        list[str] | None,
        typer.Option("--label", help="Sites pinned to this label are crawled here, too. May be given again."),
    ] = None,
    linger: Annotated[
        float, typer.Option("--linger", min=0, help="End after so many seconds without work. 0: never.")
    ] = 0.0,
) -> None:
    """Take runs from the queue and fire schedules, until Ctrl-C."""
    from jobs.logs import open_log
    from jobs.queues import check_pins
    from jobs.worker import run_worker

    places = open_places(data_option(context))
    open_log(places.log_level, form=places.log_format)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    check_pins([name, *(label or ())])  # a slip is said before anything starts
    say("Working. Ctrl-C ends; crawls that are under way go on at the next worker.")
    run_worker(places, name=name, stop=stop, linger=linger, labels=label or ())


def _say_how_to_sign_in(places: Places) -> None:
    """A demo's user has a one-time password until somebody signed in with it: each start prints a fresh one.

    Nothing that opens the door is written to disk: what an earlier start printed is worthless from now on.
    """
    from storage.engine import check_schema, open_engine, reading
    from storage.users import find_user, find_users

    engine = open_engine(places.database_url)
    try:
        check_schema(engine)
        with reading(engine) as session:
            users = find_users(session)
            demo = find_user(session, DEMO_USER)
        if not users:
            say("Nobody may sign in yet. Add somebody: tuskwatch user add NAME --one-time")
        elif demo is not None and demo.must_change and len(users) == 1:
            password = give_one_time_password(engine, DEMO_USER, by="serve", now=datetime.now(UTC))
            say(f"Sign in as {DEMO_USER} with the one-time password {password}")
    finally:
        engine.dispose()
