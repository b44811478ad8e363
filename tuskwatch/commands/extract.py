"""`tuskwatch extract`: read listings out of stored pages, those never read before or, with --again, all of them.

Public names: extract.
"""

from __future__ import annotations

import getpass
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuskwatch.commands.report import DAY, show_ended
from tuskwatch.output import Exit, Json, data_option, say, show_json, show_table, show_text, watch_progress
from tuskwatch.places import open_places

if TYPE_CHECKING:
    from jobs.places import Places
    from jobs.redo import Redo

HOWS = ("same", "new", "lost", "changed")


def extract(
    context: typer.Context,
    again: Annotated[
        bool, typer.Option("--again", help="Read pages again that were read before, with today's reader.")
    ] = False,
    site: Annotated[str | None, typer.Option("--site", help="With --again: only this site's pages.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since", formats=[DAY], help="With --again: only pages received from this day on (UTC)."
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--jobs", min=1, max=256, help="Processes; one for each core when not said.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Store what changed without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Read listings out of stored pages that were never read. With --again: read all again, show what changed, and store
    it beside the old readings once you agreed. Needs no Tor."""
    places = open_places(data_option(context))
    if again:
        _again(places, site=site, since=since, workers=workers, yes=yes, as_json=as_json)
        return
    if site is not None or since is not None or workers is not None or yes:
        raise typer.BadParameter("--site, --since, --jobs and --yes belong to --again.")
    _read_new(places, as_json=as_json)


def _read_new(places: Places, *, as_json: bool) -> None:
    from jobs.taskrun import do_by_hand

    with watch_progress() as progress:
        bar = progress.add_task("reading pages", total=None, note="")
        ended = do_by_hand(
            places,
            "extract",
            by=getpass.getuser(),
            show=lambda done, known: progress.update(bar, completed=done, total=known),
        )
    show_ended(ended, as_json)


def _again(
    places: Places, *, site: str | None, since: datetime | None, workers: int | None, yes: bool, as_json: bool
) -> None:
    from jobs.redo import commit_again, drop_again, read_again

    with watch_progress() as progress:
        bar = progress.add_task("reading pages again", total=None, note="")
        redo = read_again(
            places,
            site=site,
            since=None if since is None else since.replace(tzinfo=UTC),
            workers=workers,
            progress=lambda done, known: progress.update(bar, completed=done, total=known),
        )
    if not as_json:
        _show(redo)
    outcome: dict[str, Any] = {"stored": 0, "new_listings": 0, "changed_listings": 0}
    agreed = yes or redo.agreed
    if redo.tally.readings and not agreed and sys.stdin.isatty() and not as_json:
        agreed = typer.confirm(f"Store these {redo.tally.readings} readings beside the old ones?", err=True)
        if not agreed:
            drop_again(redo)
            say("Nothing was stored.")
            return
    if not redo.tally.readings:
        drop_again(redo)
    elif agreed:
        with watch_progress() as progress:
            bar = progress.add_task("storing", total=None, note="")
            counts = commit_again(
                places,
                redo,
                by=getpass.getuser(),
                now=datetime.now(UTC),
                progress=lambda done, known: progress.update(bar, completed=done, total=known),
            )
        outcome = {
            "stored": counts.readings,
            "new_listings": counts.new_listings,
            "changed_listings": counts.changed,
        }
    if as_json:
        show_json(_plain(redo) | outcome)
    elif outcome["stored"]:
        show_text(
            f"{outcome['stored']} readings stored, {outcome['new_listings']} listings are new, "
            f'{outcome["changed_listings"]} changed. "tuskwatch classify" scores them.'
        )
    if redo.tally.readings and not agreed:
        say(
            "Nothing was stored yet. The same command with --yes stores it; the pages need not be read again."
        )
        raise typer.Exit(Exit.USAGE)


def _show(redo: Redo) -> None:
    tally = redo.tally
    again = f" ({redo.resumed} batches were read before an interruption)" if redo.resumed else ""
    show_text(
        f"{tally.pages} pages read by {redo.version}{again}; {tally.unread} of them for the first time."
    )
    if not tally.readings:
        show_text("No value of any field changed. There is nothing to store.")
        return
    rows = [[name, *(counts[how] for how in HOWS)] for name, counts in sorted(tally.fields.items())]
    show_table(["Field", *(how.capitalize() for how in HOWS)], rows)
    examples = [
        [*name.split(" "), example.page_id, example.old or "-", example.new or "-"]
        for name, shown in sorted(tally.examples.items())
        for example in shown
    ]
    if examples:
        show_table(["Field", "How", "Page", "Before", "Now"], examples, title="Examples")


def _plain(redo: Redo) -> dict[str, Any]:
    tally = redo.tally
    return {
        "reader_version": redo.version,
        "pages": tally.pages,
        "first_time": tally.unread,
        "readings_that_differ": tally.readings,
        "fields": {name: {how: counts[how] for how in HOWS} for name, counts in sorted(tally.fields.items())},
        "examples": {name: [asdict(one) for one in shown] for name, shown in sorted(tally.examples.items())},
    }
