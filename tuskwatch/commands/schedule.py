"""`tuskwatch schedule`: work by the clock.

Public names: app.
"""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from tuskwatch.commands.scheduleset import add, change
from tuskwatch.output import Json, data_option, say, show_json, show_table, show_text, show_time
from tuskwatch.places import open_places
from tuskwatch.scheduletimes import local, report, show_times, warn_idle

app = typer.Typer(help="Schedules: crawls, reports and upkeep by the clock.", no_args_is_help=True)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help='The schedule\'s name, as "schedule list" shows it.')
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be.")]

app.command("add")(add)
app.command("change")(change)


@app.command("list")
def list_schedules(context: typer.Context, as_json: Json = False) -> None:
    """Show all schedules with their next times."""
    from jobs.schedules import find_schedules
    from jobs.scheduleview import tell_schedule

    places = open_places(data_option(context))
    infos = find_schedules(places, now=datetime.now(UTC))
    if as_json:
        show_json([tell_schedule(info) for info in infos])
        return
    if not infos:
        show_text(
            "No schedules. Add one: tuskwatch schedule add SITE --every day --at 03:15 --tz Asia/Singapore"
        )
        return
    show_table(
        ("Name", "Does", "When", "Next (its clock)", "Next (UTC)", "Last (UTC)", "What became of it"),
        [
            (
                i.name,
                f"{i.verb} {i.site}".strip(),
                i.says if i.paused or not i.next else i.says.partition(", next ")[0],
                "paused" if i.paused else local(i.next[0], i.tz) if i.next else "-",
                show_time(i.next[0]) if i.next else "-",
                show_time(i.last),
                i.last_words or "-",
            )
            for i in infos
        ],
    )
    warn_idle(places, infos)


@app.command("show")
def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show one schedule: its rules, next times and last runs."""
    from jobs.schedulepast import find_past
    from jobs.scheduleview import tell_schedule

    places, now = open_places(data_option(context)), datetime.now(UTC)
    past = find_past(places, name, now=now)
    info = past.info
    if as_json:
        show_json(tell_schedule(info) | {"runs": past.runs, "changes": past.changes})
        return
    show_text(f"{info.name}: {f'{info.verb} {info.site}'.strip()}. {info.says[:1].upper()}{info.says[1:]}.")
    show_text(
        f"Cron line {info.cron}, {info.tz}. {'Paused. ' if info.paused else ''}{'; '.join(info.rules_words)}"
    )
    show_times(info.next, info.due, info.tz)
    if info.overdue is not None:
        say(f"A time of it is due since {show_time(info.overdue)} and nobody fired it. Is a worker running?")
    show_text(f"Last: {show_time(info.last)}{': ' + info.last_words if info.last_words else ''}")
    if past.runs:
        show_table(
            ("Run", "State", "Asked for", "Pages", "Why"),
            [(run.id, run.state, run.created_at, run.pages, run.reason) for run in past.runs],
        )
    for each in past.changes:
        show_text(f"{show_time(each.at)} {each.by}: {each.words}")


@app.command("pause")
def pause(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Let a schedule rest."""
    from jobs.schedules import pause_schedule

    places = open_places(data_option(context))
    info = pause_schedule(places, name, by=getpass.getuser(), now=datetime.now(UTC))
    report(places, info, as_json, "Paused")


@app.command("resume")
def resume(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Let a paused schedule fire again. Times that it missed are not made up for."""
    from jobs.schedules import resume_schedule

    places = open_places(data_option(context))
    info = resume_schedule(places, name, by=getpass.getuser(), now=datetime.now(UTC))
    report(places, info, as_json, "Resumed")


@app.command("trigger")
def trigger(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Run it now as well. Its coming times stay as they are."""
    from jobs.byhand import trigger_schedule

    places = open_places(data_option(context))
    run_id = trigger_schedule(places, name, by=getpass.getuser(), now=datetime.now(UTC))
    if as_json:
        show_json({"run": run_id})
        return
    show_text(f'Run {run_id} is in the queue. See how it goes with "tuskwatch run show {run_id}".')
    warn_idle(places)


@app.command("backfill")
def backfill(
    context: typer.Context,
    name: Name,
    start: Annotated[
        str, typer.Option("--from", metavar="DAY", help='From this day or time on: "2026-10-01".')
    ],
    end: Annotated[str, typer.Option("--to", metavar="DAY", help="Up to this day or time, itself not.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make up for times that are past: a run for each that has none. By the schedule's clock."""
    from jobs.byhand import backfill_schedule, plan_backfill, read_moment
    from jobs.schedules import find_schedule

    places, now = open_places(data_option(context)), datetime.now(UTC)
    tz = find_schedule(places, name, now=now).tz
    first, last = read_moment(start, tz), read_moment(end, tz)
    wanted = plan_backfill(places, name, start=first, end=last, now=now)
    if dry_run or not wanted.times:
        if as_json:
            show_json({"times": wanted.times, "done": wanted.done, "runs": []})
            return
        show_text(f"{len(wanted.times)} runs would be asked for; {wanted.done} times have one.")
        for at in wanted.times:
            show_text(f"  {local(at, tz)} ({show_time(at)})")
        return
    if not (yes or as_json):
        typer.confirm(f"Ask for {len(wanted.times)} runs of {name}?", abort=True, err=True)
    runs = backfill_schedule(places, name, start=first, end=last, by=getpass.getuser(), now=now)
    if as_json:
        show_json({"times": wanted.times, "done": wanted.done, "runs": runs})
        return
    show_text(
        f"{len(runs)} runs are in the queue: {runs[0]} to {runs[-1]}." if runs else "Nothing was left to do."
    )
    warn_idle(places)


@app.command("remove")
def remove(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Remove a schedule. Its runs stay."""
    from jobs.schedules import remove_schedule

    remove_schedule(open_places(data_option(context)), name, by=getpass.getuser(), now=datetime.now(UTC))
    if as_json:
        show_json({"removed": name})
    else:
        show_text(f'Removed schedule "{name}".')
