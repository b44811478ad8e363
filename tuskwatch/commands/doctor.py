"""`tuskwatch doctor`: looks at everything that a crawl needs, and says of each thing that is wrong what to do.

Public names: doctor.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import typer

from tuskwatch.finding import Finding
from tuskwatch.output import Exit, Json, data_option, show_json, show_text
from tuskwatch.places import find_places

if TYPE_CHECKING:
    from jobs.places import Places

PATIENCE = 60.0
"""Seconds that one check may take."""
MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Check Tor, database, queue, disk, model, clock, fonts and workers. Ends with 1 when something must be repaired."""
    from tuskwatch.health import CHECKS

    places = find_places(data_option(context))
    findings = [finding for check in CHECKS for finding in _within(check, places)]
    if as_json:
        show_json(findings)
    else:
        for finding in findings:
            show_text(f"{MARKS[finding.level]}  {finding.subject}: {finding.text}")
            if finding.remedy:
                show_text(f"      -> {finding.remedy}")
    if any(finding.level == "fail" for finding in findings):
        raise typer.Exit(Exit.FAILED)


def _within(check: Callable[[Places], Iterable[Finding]], places: Places) -> list[Finding]:
    """What a check finds; that it hangs, when it does: a disk or a server that does not answer must not hide the rest."""
    found: list[Finding] = []
    came_to_its_end = threading.Event()

    def look() -> None:
        found.extend(check(places))
        came_to_its_end.set()

    worker = threading.Thread(target=look, daemon=True)
    worker.start()
    worker.join(PATIENCE)
    subject = check.__name__.removeprefix("check_").replace("_", " ")
    if worker.is_alive():
        load, processors = os.getloadavg()[0], os.cpu_count() or 1
        text = f"no answer within {PATIENCE:.0f} s"
        if load > 2 * processors:
            text = f"{text}, with a load of {load:.0f} on {processors} processors"
            return [*found, Finding(subject, "warn", text, "The machine is busy. Ask again when it is not.")]
        remedy = "Something that it asks hangs: the disk, the database, or Tor."
        return [*found, Finding(subject, "fail", text, remedy)]
    if not came_to_its_end.is_set():
        return [*found, Finding(subject, "fail", "the check itself failed", "What stands above says why.")]
    return found
