"""`tuskwatch rates`: what currencies and coins were worth by day, from tables that an analyst imports.

Public names: app.
"""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tuskwatch.output import Exit, Json, data_option, say, show_json, show_table, show_text, show_time
from tuskwatch.places import open_places

app = typer.Typer(help="Rates: what currencies and coins were worth by day.", no_args_is_help=True)

Base = Annotated[str, typer.Option("--base", metavar="CODE", help="The currency that values are given in.")]


@app.command("import")
def import_file(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A CSV file with day,code,value[,base,source].")
    ],
    source: Annotated[
        str,
        typer.Option("--source", metavar="TEXT", help="Where the table comes from. Else the file's name."),
    ] = "",
    base: Base = "USD",
    as_json: Json = False,
) -> None:
    """Import a table of rates: all of it, or nothing and the lines that are wrong. Doing it again changes nothing."""
    from jobs.rates import import_rates
    from storage.engine import open_engine

    engine = open_engine(open_places(data_option(context)).database_url)
    try:
        done = import_rates(
            engine, file, base=base, source=source, by=getpass.getuser(), now=datetime.now(UTC)
        )
    finally:
        engine.dispose()
    if as_json:
        show_json(_plain(done))
        return
    show_text(
        f"{done.rows:,} rates from {done.first} to {done.last}: {done.new:,} new, {done.known:,} known already."
    )


@app.command("list")
def list_rates(context: typer.Context, as_json: Json = False) -> None:
    """Show which rates there are, by currency and source."""
    from storage.engine import open_engine, reading
    from storage.rates import find_rate_tables

    engine = open_engine(open_places(data_option(context)).database_url)
    try:
        with reading(engine) as session:
            tables = find_rate_tables(session)
    finally:
        engine.dispose()
    if as_json:
        show_json([_plain(table) for table in tables])
    elif not tables:
        show_text("No rates yet. Import a table: tuskwatch rates import FILE.csv --source TEXT")
    else:
        show_table(
            ("Code", "In", "Days", "First", "Last", "Source", "Imported (UTC)"),
            [(t.code, t.base, t.days, t.first, t.last, t.source, show_time(t.imported_at)) for t in tables],
        )


@app.command("show")
def show(
    context: typer.Context,
    code: Annotated[str, typer.Argument(metavar="CODE", help="BTC, VND …")],
    day: Annotated[str, typer.Argument(metavar="DAY", help="A day such as 2026-11-01.")],
    base: Base = "USD",
    within: Annotated[
        int, typer.Option("--within", metavar="DAYS", min=0, max=3660, help="How many days older it may be.")
    ] = 7,
    as_json: Json = False,
) -> None:
    """Show the rate that a price of that day is valued with; ends with 1 when there is none."""
    from jobs.errors import UsageError
    from storage.engine import open_engine, reading
    from storage.rates import find_rate

    try:
        wanted = date.fromisoformat(day)
    except ValueError as exc:
        raise UsageError(f'"{day[:20]}" is no day. Write it as 2026-11-01.') from exc
    engine = open_engine(open_places(data_option(context)).database_url)
    try:
        with reading(engine) as session:
            found = find_rate(session, code=code, base=base, day=wanted, within_days=within)
    finally:
        engine.dispose()
    if as_json:
        show_json(_plain(found) if found is not None else None)
    elif found is not None:
        show_text(f"1 {found.code} = {found.value:f} {found.base} on {found.day} (source: {found.source})")
    if found is None:
        say(
            f"There is no rate of {code.upper()[:8]} in {base.upper()[:8]} for {wanted} or the {within} days before. "
            '"tuskwatch rates list" shows what there is.'
        )
        raise typer.Exit(Exit.FAILED)


def _plain(value: Any) -> dict[str, Any]:
    """For JSON: a day as text."""
    return {
        name: part.isoformat() if isinstance(part, date) and not isinstance(part, datetime) else part
        for name, part in asdict(value).items()
    }
