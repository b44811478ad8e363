"""`tuskwatch doctor`: looks at everything that a crawl needs, and says of each thing that is wrong what to do.

Public names: doctor.
"""

from __future__ import annotations

import typer

from tuskwatch.output import Exit, Json, data_option, show_json, show_text
from tuskwatch.places import find_places

MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Check Tor, database, queue, disk, model, clock, fonts and workers. Ends with 1 when something must be repaired."""
    from tuskwatch.health import CHECKS

    places = find_places(data_option(context))
    findings = [finding for check in CHECKS for finding in check(places)]
    if as_json:
        show_json(findings)
    else:
        for finding in findings:
            show_text(f"{MARKS[finding.level]}  {finding.subject}: {finding.text}")
            if finding.remedy:
                show_text(f"      -> {finding.remedy}")
    if any(finding.level == "fail" for finding in findings):
        raise typer.Exit(Exit.FAILED)
