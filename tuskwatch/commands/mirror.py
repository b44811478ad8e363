"""`tuskwatch mirror`: the addresses of sites; new ones from a site's own signed page wait here for a person.

Public names: app.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tuskwatch.output import (
    Exit,
    Json,
    data_option,
    say,
    show_json,
    show_table,
    show_text,
    show_time,
    watch_progress,
)
from tuskwatch.places import open_places

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from jobs.places import Places

app = typer.Typer(help="Mirrors: addresses of sites, checked, approved, refused.", no_args_is_help=True)

Site = Annotated[str, typer.Argument(metavar="SITE", help="The site's name.")]
Onion = Annotated[
    str,
    typer.Argument(
        metavar="ONION",
        help="The address as `mirror list` shows it, or as many of its first letters (6 at least) as name it.",
    ),
]


@app.command("list")
def list_mirrors(
    context: typer.Context,
    site: Annotated[
        str | None, typer.Argument(metavar="[SITE]", help="One site; all when none is named.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show addresses with their state, when they were checked, and where they come from."""
    from crawler.sites import load_sites
    from jobs.mirrors import view_mirrors
    from jobs.sites import find_site

    places = open_places(data_option(context))
    sites = [find_site(places, site)] if site is not None else list(load_sites(places.data).values())
    with _open(places) as engine:
        views = [view for each in sites for view in view_mirrors(engine, each, now=datetime.now(UTC))]
    if as_json:
        show_json(views)
        return
    if not views:
        show_text(f"No sites yet. A site is a file {places.sites}/NAME/site.yml.")
        return
    show_table(
        ("Site", "Address", "State", "Seconds", "Checked", "From", "Note"),
        [
            (
                view.site,
                view.address,
                view.state,
                view.seconds,
                show_time(view.checked_at) if view.checked_at else "never",
                "site file" if view.in_file else f"signed page {view.found_on or '-'}",
                _note(view.reason, view.decided_by, view.recheck_at),
            )
            for view in views
        ],
    )
    if waiting := sum(view.state == "proposed" for view in views):
        many = "1 waits" if waiting == 1 else f"{waiting} wait"
        say(f"{many} for approval: tuskwatch mirror approve SITE ONION, or mirror refuse.")


@app.command("check")
def check(context: typer.Context, site: Site, as_json: Json = False) -> None:
    """Ask each usable address of a site once through Tor. Ends with 1 when none answers."""
    from jobs.gateway import Gateway
    from jobs.mirrors import check_mirrors, usable_site
    from jobs.sites import find_site

    places = open_places(data_option(context))
    config = find_site(places, site)
    gateway = Gateway(places)
    with _open(places) as engine:
        usable_site(engine, config, now=datetime.now(UTC))  # says so before Tor is started for nothing
        try:
            with watch_progress() as progress:
                bar = progress.add_task("Tor", total=100, note="")
                socks = gateway.open(
                    lambda percent, words: progress.update(bar, completed=percent, note=words[:60])
                )
            host, _, port = socks.rpartition(":")
            found = check_mirrors(engine, config, socks=(host, int(port)), now=datetime.now(UTC))
        finally:
            gateway.close()
    rows = [
        {
            "site": site,
            "address": each.onion.replace(".", "[.]"),
            "state": each.state,
            "status": each.status,
            "seconds": each.seconds,
            "note": each.reason,
        }
        for each in found
    ]
    if as_json:
        show_json(rows)
    else:
        show_table(
            ("Address", "State", "Seconds", "Note"),
            [(row["address"], row["state"], row["seconds"], row["note"]) for row in rows],
        )
    if all(row["state"] == "dead" for row in rows):
        raise typer.Exit(Exit.FAILED)


@app.command("approve")
def approve(context: typer.Context, site: Site, onion: Onion, as_json: Json = False) -> None:
    """Let runs use an address that the site's own signed page named, or one that was refused by mistake."""
    _decide(context, site, onion, approve=True, as_json=as_json)


@app.command("refuse")
def refuse(context: typer.Context, site: Site, onion: Onion, as_json: Json = False) -> None:
    """Bar an address: no run asks it, and it is not proposed again."""
    _decide(context, site, onion, approve=False, as_json=as_json)


def _decide(context: typer.Context, site: str, onion: str, *, approve: bool, as_json: bool) -> None:
    from jobs.mirrors import decide_mirror
    from jobs.sites import find_site

    places = open_places(data_option(context))
    config = find_site(places, site)
    with _open(places) as engine:
        view = decide_mirror(
            engine, config, onion, approve=approve, by=getpass.getuser(), now=datetime.now(UTC)
        )
    if as_json:
        show_json(view)
    elif approve:
        show_text(f"{view.address} may be used from the next run on (state: {view.state}).")
    else:
        show_text(f"{view.address} is refused: no run asks it any more.")
        if view.in_file:
            say(f"It still stands in the file of {site}. Take it out there, too.")


@contextmanager
def _open(places: Places) -> Iterator[Engine]:
    from storage.engine import check_schema, open_engine

    engine = open_engine(places.database_url)
    check_schema(engine)
    try:
        yield engine
    finally:
        engine.dispose()


def _note(reason: str, decided_by: str, recheck_at: datetime | None) -> str:
    parts = [reason, f"decided by {decided_by}" if decided_by else ""]
    parts.append(f"asked again from {show_time(recheck_at)}" if recheck_at else "")
    return "; ".join(part for part in parts if part)
