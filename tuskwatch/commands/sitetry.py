"""`tuskwatch site new`, `try`, `save` and `expect`: adding a site, from its file to its first healthy run.

Public names: new_site, try_site, save_page, expect_run.
"""

from __future__ import annotations

import getpass
import sys
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tuskwatch.commands.siteview import inspection_json, show_inspection, show_summary
from tuskwatch.output import Exit, Json, data_option, say, show_json, show_text
from tuskwatch.places import open_places

if TYPE_CHECKING:
    from jobs.places import Places

WAIT = 1800.0
"""Seconds that a trial may take: a queue in front of the site is waited out."""

SiteName = Annotated[
    str | None, typer.Option("--site", metavar="NAME", help="The site, where a path alone is given.")
]


def new_site(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Small letters, digits, - and _; the folder's name.")
    ],
    address: Annotated[
        list[str] | None,
        typer.Option("--address", metavar="ONION", help="An onion of the site; may be repeated."),
    ] = None,
    title: Annotated[str, typer.Option("--title", help="What people call the site.")] = "",
    by: Annotated[
        str, typer.Option("--by", metavar="WHO", help="Who decided that this site may be read.")
    ] = "",
    on: Annotated[str, typer.Option("--on", metavar="DAY", help="When that was decided: 2026-11-22.")] = "",
    as_json: Json = False,
) -> None:
    """Write the file of a new site, with comments, and say what is still missing. Never overwrites one. Fetches nothing."""
    from jobs.errors import UsageError
    from jobs.newsite import read_onion, write_site_file

    places = open_places(data_option(context))
    if (places.sites / name / "site.yml").exists():
        write_site_file(places, name, onions=(), title="", by="", on=None)  # says that it is there
    onions = [read_onion(places, text) for text in address or ()]
    if sys.stdin.isatty() and not as_json:
        if not onions and (text := typer.prompt("An onion address of the site", default="", err=True)):
            onions = [read_onion(places, text)]
        by = by or typer.prompt(
            "Who decided that this site may be read (authorised.by)", default="", err=True
        )
        on = on or typer.prompt("When (authorised.on)", default=f"{datetime.now(UTC):%Y-%m-%d}", err=True)
    try:
        day = date.fromisoformat(on) if on else None
    except ValueError as exc:
        raise UsageError(f'"{on[:40]}" is no day. Write it like 2026-11-22.') from exc
    made = write_site_file(places, name, onions=list(dict.fromkeys(onions)), title=title, by=by, on=day)
    if as_json:
        show_json({"path": made.path, "faults": made.faults})
    else:
        show_text(f"Wrote {made.path}")
        for fault in made.faults:
            show_text(f"  still missing: {fault}")
        show_text("Next:")
        steps = [
            (f"edit {made.path}, then: tuskwatch site check {name}", bool(made.faults)),
            (f"tuskwatch site check {name} --reach         does it answer through Tor?", True),
            (f"tuskwatch site try / --site {name}          one page: is it content, or a gate?", True),
            (f"tuskwatch site try {name} --pages 20        a look around; proposes patterns for kinds", True),
            ("tuskwatch site save PAGE                    keep a page of each kind as a sample", True),
            (f"tuskwatch site check {name}                 every rule against the samples", True),
            (
                f"tuskwatch crawl {name}                      the first run; what is healthy is learnt from it",
                True,
            ),
        ]
        for number, step in enumerate([text for text, wanted in steps if wanted], 1):
            show_text(f"  {number}. {step}")
    if made.faults:
        raise typer.Exit(Exit.FAILED)


def try_site(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="URL", help="An address or path; with --pages a site's name.")
    ],
    site: SiteName = None,
    pages: Annotated[
        int | None,
        typer.Option(
            "--pages",
            min=1,
            max=200,
            help="Look around instead: so many pages, of each kind of address some.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch one page of a site through Tor (or look around) and show what it is, what is read, where its links lead.

    The pages are stored as evidence like those of any run. Ends with 1 when nothing came back.
    """
    from crawler.errand import Errand
    from crawler.inspection import Inspection
    from crawler.lookaround import summarise
    from jobs.child import ensure_worker
    from jobs.sites import find_site
    from jobs.tryout import LOOKED, TRIED, find_target, read_run, start_tryout
    from storage.engine import check_schema, open_engine
    from tuskwatch.commands.crawl import follow_runs

    places = open_places(data_option(context))
    if pages is None:
        wanted = find_target(places, target, site=site)
        config, errand, reason = wanted.config, Errand(only=(wanted.path,)), TRIED
    else:
        config = find_site(places, _site_name(places, target, site))
        errand, reason = Errand(pages=pages, spread=True), LOOKED
    engine = open_engine(places.database_url)
    check_schema(engine)
    try:
        now = datetime.now(UTC)
        run_id = start_tryout(places, engine, config, errand, by=getpass.getuser(), reason=reason, now=now)
        if ensure_worker(places):
            say("Started a worker in the background; it ends when there is nothing left to do.")
        view = follow_runs(places, [run_id], timeout=WAIT)[0]
        rows = read_run(engine, run_id, config)
    finally:
        engine.dispose()
    found = [row for row in rows if isinstance(row, Inspection)]
    troubles = [row for row in rows if isinstance(row, str)]
    summary = summarise(found, config) if pages is not None else None
    if as_json:
        show_json(
            {
                "run": view,
                "pages": [inspection_json(page) for page in found],
                "summary": asdict(summary) if summary is not None else None,
                "troubles": troubles,
            }
        )
    else:
        if view.state not in ("done", "paused"):
            show_text(f"Run {run_id} is {view.state}: {view.message}")
        if summary is not None:
            show_summary(summary, troubles)
        else:
            for page in found:
                show_inspection(page)
            for trouble in troubles:
                show_text(f"  {trouble}")
        for page in found[:1] if summary is None else ():
            show_text(f"Keep it as a sample: tuskwatch site save {page.page_id}")
        if summary is not None and found:
            show_text(
                f"Look at one of them again: tuskwatch site try PATH --site {config.name}; keep one: tuskwatch site save PATH --site {config.name}"
            )
    if not found:
        raise typer.Exit(Exit.FAILED)


def _site_name(places: Places, target: str, site: str | None) -> str:
    """The site that is meant: by its name, or by one of its addresses."""
    from jobs.tryout import find_target

    if "/" in target or "." in target:
        return find_target(places, target, site=site).config.name
    return target


def save_page(
    context: typer.Context,
    page: Annotated[
        str, typer.Argument(metavar="PAGE", help="A stored page's number, or an address or path.")
    ],
    site: SiteName = None,
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="The sample's name; else a number.")
    ] = None,
    hide: Annotated[
        list[str] | None,
        typer.Option(
            "--hide", metavar="WORD", help="Take this out too (an account's name); may be repeated."
        ),
    ] = None,
    mask: Annotated[
        bool,
        typer.Option(
            "--mask/--no-mask", help="Replace sellers' names, wallets, keys, mails and handles, too."
        ),
    ] = True,
    as_json: Json = False,
) -> None:
    """Make a stored page a sample of its site: scrubbed, with what is read from it now. Correct expected.json by hand."""
    from jobs.tryout import find_stored, make_site_sample
    from storage.engine import check_schema, open_engine

    places = open_places(data_option(context))
    engine = open_engine(places.database_url)
    check_schema(engine)
    try:
        config, stored = find_stored(places, engine, page, site=site)
        made, folder = make_site_sample(
            places, engine, config, stored, name=name, hide=hide or (), mask_people=mask
        )
    finally:
        engine.dispose()
    if as_json:
        show_json(
            {
                "folder": folder,
                "removed": made.scrubbed.removed,
                "kept": made.kept,
                "changed": made.changed,
                "suspects": made.scrubbed.suspects,
                "expected": made.sample.expected,
            }
        )
    else:
        show_text(f"Saved {made.sample.page.path} as {folder}")
        removed = ", ".join(f"{number} {what}" for what, number in made.scrubbed.removed.items() if number)
        show_text(f"  taken out or replaced: {removed or 'nothing'}")
        for step in made.kept:
            show_text(f"  left in, because the reading would have changed: {step}")
        if made.changed:
            show_text("  The sample is NOT read as the page was:")
            for field, (before, after) in made.changed.items():
                show_text(f"    {field}: {before[:80]!r} became {after[:80]!r}")
        else:
            show_text("  The sample is read as the page was.")
        for word in made.scrubbed.suspects:
            show_text(
                f'  Is "{word}" a name of ours? Then remove the folder and save again with --hide {word}'
            )
        show_text(f"  Correct {folder / 'expected.json'} by hand, then: tuskwatch site check {config.name}")
    if made.changed:
        raise typer.Exit(Exit.FAILED)


def expect_run(
    context: typer.Context,
    site: Annotated[str, typer.Argument(metavar="SITE", help="The site.")],
    run: Annotated[int, typer.Option("--run", min=1, help="The run that shows the site as it is now.")],
    as_json: Json = False,
) -> None:
    """Take one run for what is healthy from now on: writes expected.yml from it (the old one is kept beside it)."""
    from jobs.limits import expect_from
    from jobs.sites import find_site
    from storage.engine import check_schema, open_engine

    places = open_places(data_option(context))
    config = find_site(places, site)
    engine = open_engine(places.database_url)
    check_schema(engine)
    try:
        expected = expect_from(places, engine, config.name, run, now=datetime.now(UTC))
    finally:
        engine.dispose()
    path = places.sites / config.name / "expected.yml"
    if as_json:
        show_json({"path": path, "expected": expected.model_dump()})
    else:
        show_text(f"Wrote {path}. Later runs are held against run {run} and those after it.")
