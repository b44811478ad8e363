"""`tuskwatch report`: writes the trend report of a period.

Public names: report.
"""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from tuskwatch.output import Json, data_option, show_json, show_text
from tuskwatch.places import open_places

DAY = "%Y-%m-%d"


def report(
    context: typer.Context,
    start: Annotated[datetime, typer.Option("--from", formats=[DAY], help="The first day (UTC).")],
    end: Annotated[datetime, typer.Option("--to", formats=[DAY], help="The day after the last one (UTC).")],
    as_json: Json = False,
) -> None:
    """Write the trend report of a period as HTML, PDF and CSV."""
    from jobs.verbs import write_report

    places = open_places(data_option(context))
    folder = write_report(
        places,
        start=start.replace(tzinfo=UTC),
        end=end.replace(tzinfo=UTC),
        by=getpass.getuser(),
        now=datetime.now(UTC),
    )
    files = sorted(path for path in folder.iterdir() if path.is_file())
    if as_json:
        show_json({"folder": folder, "files": files})
        return
    for path in files:
        show_text(str(path))
