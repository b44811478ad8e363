"""`tuskwatch schedule`: crawls by the clock.

Public names: app.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from tuskwatch.output import Json, data_option, say, show_json, show_table, show_text, show_time
from tuskwatch.places import open_places

if TYPE_CHECKING:
    from jobs.places import Places
    from jobs.schedules import ScheduleInfo

app = typer.Typer(help="Schedules: crawl sites by the clock.", no_args_is_help=True)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help='The schedule\'s name, as "schedule list" shows it.')
]


@app.command("add")
def add(
    context: typer.Context,
    site: Annotated[str, typer.Argument(metavar="SITE", help="The site to crawl.")],
    cron: Annotated[str, typer.Option("--cron", help='When: "15 3 * * *" is every day at 03:15.')],
    tz: Annotated[
        str, typer.Option("--tz", help="The time zone of that clock, for example Asia/Singapore.")
    ] = "UTC",
    name: Annotated[str | None, typer.Option("--name", help="A name for it. Else the site's.")] = None,
    account: Annotated[
        str, typer.Option("--account", metavar="NAME", help="Go with this account of the site.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Crawl a site whenever the cron line says so."""
    from jobs.schedules import add_schedule

    places, now = open_places(data_option(context)), datetime.now(UTC)
    key = ""
    if account:
        from jobs.sessions import find_account

        key = find_account(places, account, now=now)
    info = add_schedule(
        places, site=site, cron=cron, tz=tz, name=name, by=getpass.getuser(), now=now, account_key=key
    )
    _report(places, info, as_json, "Added")


@app.command("list")
def list_schedules(context: typer.Context, as_json: Json = False) -> None:
    """Show all schedules with their next times."""
    from jobs.schedules import find_schedules

    places = open_places(data_option(context))
    infos = find_schedules(places, now=datetime.now(UTC))
    if as_json:
        show_json(infos)
        return
    if not infos:
        show_text(
            'No schedules. Add one: tuskwatch schedule add SITE --cron "15 3 * * *" --tz Asia/Singapore'
        )
        return
    show_table(
        ("Name", "Site", "When", "Cron", "Time zone", "Next", "Next (UTC)", "Last (UTC)"),
        [
            (
                i.name,
                i.site,
                i.words,
                i.cron,
                i.tz,
                "paused" if i.paused else _local(i),
                show_time(i.next[0]) if i.next else "-",
                show_time(i.last),
            )
            for i in infos
        ],
    )
    _warn_idle(places)


@app.command("pause")
def pause(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Let a schedule rest."""
    from jobs.schedules import pause_schedule

    _change(context, name, pause_schedule, as_json, "Paused")


@app.command("resume")
def resume(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Let a paused schedule fire again. Times that it missed are not made up for."""
    from jobs.schedules import resume_schedule

    _change(context, name, resume_schedule, as_json, "Resumed")


@app.command("remove")
def remove(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Remove a schedule. Its runs stay."""
    from jobs.schedules import remove_schedule

    remove_schedule(open_places(data_option(context)), name, now=datetime.now(UTC))
    if as_json:
        show_json({"removed": name})
    else:
        show_text(f'Removed schedule "{name}".')


def _change(
    context: typer.Context, name: str, verb: Callable[..., ScheduleInfo], as_json: bool, done: str
) -> None:
    places = open_places(data_option(context))
    _report(places, verb(places, name, now=datetime.now(UTC)), as_json, done)


def _report(places: Places, info: ScheduleInfo, as_json: bool, done: str) -> None:
    if as_json:
        show_json(info)
        return
    show_text(f'{done} schedule "{info.name}": {info.site}, {info.words} ({info.tz}).')
    if info.next:
        show_text(f"Next: {_local(info)} ({show_time(info.next[0])}).")
        _warn_idle(places)


def _local(info: ScheduleInfo) -> str:
    return (
        info.next[0].astimezone(ZoneInfo(info.tz)).strftime("%a %Y-%m-%d %H:%M:%S %Z") if info.next else "-"
    )


def _warn_idle(places: Places) -> None:
    from jobs.presence import find_workers

    if not find_workers(places):
        say(
            'No worker is running, so nothing will fire. Keep "tuskwatch serve" or "tuskwatch worker" running.'
        )
