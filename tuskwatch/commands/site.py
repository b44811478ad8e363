"""`tuskwatch site`: the sites of the data folder, and whether their files and addresses are in order.

Public names: app.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tuskwatch.output import Exit, Json, data_option, show_json, show_table, show_text, show_time
from tuskwatch.places import open_places

if TYPE_CHECKING:
    pass

app = typer.Typer(help="Sites: list them, check their files and addresses.", no_args_is_help=True)


@app.command("list")
def list_sites(context: typer.Context, as_json: Json = False) -> None:
    """Show the sites that have a file, and how their last crawl went."""
    from crawler.sites import load_sites
    from jobs.runs import view_runs
    from storage.engine import open_engine, reading

    places = open_places(data_option(context))
    sites = load_sites(places.data)
    engine = open_engine(places.database_url)
    with reading(engine) as session:
        last = {
            name: next((run for run in view_runs(session, site=name, limit=5) if run.verb == "crawl"), None)
            for name in sites
        }
    engine.dispose()
    if as_json:
        show_json(
            [
                {
                    "name": name,
                    "title": site.title,
                    "addresses": site.addresses,
                    "pace": site.pace.model_dump(),
                    "last_run": last[name],
                }
                for name, site in sites.items()
            ]
        )
        return
    if not sites:
        show_text(
            f"No sites yet. A site is a file {places.sites}/NAME/site.yml; docs/sites.md says what stands in it."
        )
        return
    show_table(
        ("Site", "Title", "Addresses", "Last crawl", "State", "Pages"),
        [
            (
                name,
                site.title,
                len(site.addresses),
                show_time(run.created_at) if (run := last[name]) else "never",
                run.state if run else "-",
                run.pages if run else 0,
            )
            for name, site in sites.items()
        ],
    )


@app.command("check")
def check_sites(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[SITE]...", help="Sites to check; all when none is named.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Read every site file and say what is wrong, with file, line and field. Ends with 1 when something is."""
    from crawler.errors import SiteError
    from crawler.sites import load_site
    from jobs.sites import find_site

    places = open_places(data_option(context))
    folders = sorted(path.parent for path in places.sites.glob("*/site.yml"))
    if names:
        for name in names:
            if not (places.sites / name / "site.yml").is_file():
                find_site(places, name)
        folders = [places.sites / name for name in names]
    rows = []
    for folder in folders:
        try:
            load_site(folder)
            rows.append({"site": folder.name, "ok": True, "faults": []})
        except SiteError as exc:
            rows.append({"site": folder.name, "ok": False, "faults": str(exc).splitlines()})
    if as_json:
        show_json(rows)
    else:
        for row in rows:
            show_text(f"{row['site']}: " + ("in order" if row["ok"] else "wrong"))
            for fault in row["faults"] if isinstance(row["faults"], list) else []:
                show_text(f"  {fault}")
        if not rows:
            show_text(f"No sites yet: no file {places.sites}/NAME/site.yml.")
    if not all(row["ok"] for row in rows):
        raise typer.Exit(Exit.FAILED)
