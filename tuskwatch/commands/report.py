"""`tuskwatch report`: writes the trend report of a period. And how the commands that are runs say how they ended.

Public names: report, show_ended.
"""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tuskwatch.output import Exit, Json, data_option, say, show_json, show_text
from tuskwatch.places import open_places

if TYPE_CHECKING:
    from jobs.taskrun import Ended

DAY = "%Y-%m-%d"


def report(
    context: typer.Context,
    start: Annotated[datetime, typer.Option("--from", formats=[DAY], help="The first day (UTC).")],
    end: Annotated[datetime, typer.Option("--to", formats=[DAY], help="The day after the last one (UTC).")],
    as_json: Json = False,
) -> None:
    """Write the trend report of a period as HTML, PDF and CSV."""
    from jobs.taskrun import do_by_hand
    from jobs.verbs import find_report_folder

    places = open_places(data_option(context))
    period = {"start": start.replace(tzinfo=UTC).isoformat(), "end": end.replace(tzinfo=UTC).isoformat()}
    ended = do_by_hand(places, "report", by=getpass.getuser(), settings=period)
    check_ended(ended)
    folder = find_report_folder(places, int(ended.result["report"]))
    files = sorted(path for path in folder.iterdir() if path.is_file())
    if as_json:
        show_json({"folder": folder, "files": files, "run": ended.run_id})
        return
    for path in files:
        show_text(str(path))


def show_ended(ended: Ended, as_json: bool) -> None:
    """What came of a verb, in numbers; ends the command with the code of an end before time."""
    if as_json:
        show_json({**ended.result, "run": ended.run_id})
    else:
        for name, value in ended.result.items():
            show_text(f"{name.replace('_', ' ')}: {value}")
    check_ended(ended)


def check_ended(ended: Ended) -> None:
    """Say why a run ended before time, and end the command with that code."""
    if ended.state == "done":
        return
    say(f"Run {ended.run_id}: {ended.message}")
    if ended.state == "paused":
        say(f"It goes on with: tuskwatch run resume {ended.run_id}")
    codes = {"paused": Exit.PAUSED, "cancelled": Exit.CANCELLED}
    raise typer.Exit(codes.get(ended.state, Exit.FAILED))
