"""`tuskwatch import`: archives that others made or found become stored pages, with origin and custody.

Public names: import_.
"""

from __future__ import annotations

import getpass
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuskwatch.commands.report import DAY
from tuskwatch.output import Exit, Json, data_option, say, show_json, show_text, watch_progress
from tuskwatch.places import open_places

if TYPE_CHECKING:
    from jobs.archiveafter import Imported
    from jobs.archives import Plan

_SHOWN = 12


def import_(
    context: typer.Context,
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="A WARC, HTML, MHTML, CSV, JSON or text file, a ZIP or TAR, or a folder."
        ),
    ],
    site: Annotated[str, typer.Option("--site", metavar="SITE", help="The site that the pages are of.")],
    origin: Annotated[
        str,
        typer.Option(
            "--origin",
            metavar="TEXT",
            help="Where it comes from: whose device, which crawler, which exhibit.",
        ),
    ],
    custodian: Annotated[str, typer.Option("--custodian", metavar="TEXT", help="Who handed it over.")] = "",
    obtained: Annotated[
        datetime | None, typer.Option("--obtained", formats=[DAY], help="The day it was handed over (UTC).")
    ] = None,
    note: Annotated[
        str, typer.Option("--note", metavar="TEXT", help="Anything else about its custody.")
    ] = "",
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORM",
            help="warc, html, mhtml, csv, jsonl, text or pack; else seen by itself.",
        ),
    ] = "",
    mapping: Annotated[
        Path | None, typer.Option("--mapping", metavar="FILE.yml", help="What the columns of a table mean.")
    ] = None,
    new_site: Annotated[
        bool,
        typer.Option("--new-site", help="SITE is new: only imported, without an address, never crawled."),
    ] = False,
    read: Annotated[bool, typer.Option("--read/--no-read", help="Read and score what was stored.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Bring in pages that others fetched or found: each record stored raw and hashed first, with origin and custody, then
    read and scored. The same archive again brings nothing new; stopped, it goes on where it was."""
    from crawler.archivemapping import load_mapping
    from jobs.archives import Custody, import_archive, plan_import

    places = open_places(data_option(context))
    rows = load_mapping(mapping) if mapping is not None else None
    if dry_run or (sys.stdin.isatty() and not yes and not as_json):
        plan = plan_import(places, path, site=site, new_site=new_site, form=form)
        if dry_run and as_json:
            show_json(_plain(plan))
            return
        say(_describe(plan, site))
        if dry_run:
            return
        if not typer.confirm("Import it?", err=True):
            say("Nothing was stored.")
            return
    with watch_progress() as progress:
        bar = progress.add_task("hashing", total=None, note="")

        def report(what: str, count: int, done: int, total: int) -> None:
            by_bytes = what == "importing"
            progress.update(
                bar,
                description=what,
                completed=count,
                total=None if what in ("hashing", "importing") else done,
                note=f"{done / 1e6:,.0f} of {total / 1e6:,.0f} MB" if by_bytes and total else "",
            )

        done = import_archive(
            places,
            path,
            site=site,
            custody=Custody(
                origin, custodian, None if obtained is None else obtained.replace(tzinfo=UTC), note
            ),
            by=getpass.getuser(),
            clock=lambda: datetime.now(UTC),
            form=form,
            mapping=rows,
            new_site=new_site,
            read=read,
            progress=report,
        )
    if as_json:
        show_json(asdict(done))
    else:
        _show(done)
    if done.state == "broken" or done.trouble:
        raise typer.Exit(Exit.FAILED)


def _plain(plan: Plan) -> dict[str, object]:
    return {
        "name": plan.source.name,
        "form": plan.form,
        "sha256": plan.source.sha256,
        "size": plan.source.size,
        "files": plan.source.files,
        "known": plan.known,
        "new_site": plan.new_site,
    }


def _describe(plan: Plan, site: str) -> str:
    what = f"{plan.source.files:,} files" if plan.source.is_folder else "1 file"
    known = {
        "": "It was never imported into this site.",
        "open": "Its import was begun and not finished: it goes on there.",
    }.get(plan.known, f"It was imported before ({plan.known}): nothing of it is stored twice.")
    new = f" {site} becomes a new site that is never crawled." if plan.new_site else ""
    return (
        f"{plan.source.name}: {what}, {plan.source.size:,} bytes, read as {plan.form}, into {site}.\n"
        f"SHA-256 {plan.source.sha256}\n{known}{new}"
    )


def _show(done: Imported) -> None:
    show_text(f"Archive {done.archive_id} ({done.form}), run {done.run_id}. SHA-256 {done.sha256}")
    show_text(f"stored: {done.stored:,}")
    show_text(f"there already: {done.known:,}")
    show_text(f"skipped: {sum(done.skipped.values()):,}")
    for why, count in list(done.skipped.items())[:_SHOWN]:
        show_text(f"  {count:,}: {why}")
    if done.listings is None:
        show_text(
            'Nothing was read. "tuskwatch extract" and "tuskwatch classify" do it; a table needs its import again.'
        )
    else:
        show_text(f"listings read: {done.listings:,}")
    if done.flagged is not None:
        show_text(f"flagged: {done.flagged:,}")
    if done.state == "broken":
        say(f"The archive is broken: {done.message}. What could be read is stored.")
    if done.trouble:
        say(done.trouble)
