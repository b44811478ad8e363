"""`tuskwatch site`: the sites of the data folder, and whether their files, samples and addresses are in order.

Public names: app.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuskwatch.commands import sitetry
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
    from crawler.samples import SiteCheck
    from crawler.sites import SiteConfig
    from jobs.places import Places

app = typer.Typer(help="Sites: add, list and check them.", no_args_is_help=True)


@app.command("list")
def list_sites(context: typer.Context, as_json: Json = False) -> None:
    """Show the sites that have a file, and how their last crawl went."""
    from crawler.sites import sort_sites
    from jobs.runs import view_runs
    from storage.engine import open_engine, reading

    places = open_places(data_option(context))
    sites, wrong = sort_sites(places.data)
    engine = open_engine(places.database_url)
    with reading(engine) as session:
        last = {
            name: next((run for run in view_runs(session, site=name, limit=5) if run.verb == "crawl"), None)
            for name in sites
        }
    engine.dispose()
    # One file that is not finished must not hide the other sites.
    for name in wrong:
        say(f"The file of {name} is wrong, so it is not listed: tuskwatch site check {name}")
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
    if not sites and not wrong:
        show_text(
            f"No sites yet. tuskwatch site new NAME writes {places.sites}/NAME/site.yml; docs/sites.md says what stands in it."
        )
        return
    if not sites:
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
    reach: Annotated[
        bool, typer.Option("--reach", help="Also ask each address through Tor whether it answers.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read every site file, hold its rules and the reader against the saved samples, and say what is wrong.

    Faults name file, line and field. Ends with 1 when something is wrong.
    """
    from crawler.errors import SiteError
    from crawler.expectedfile import load_expected
    from crawler.samplefiles import load_samples
    from crawler.samples import check_samples
    from crawler.sites import load_site
    from jobs.sites import find_site
    from tuskwatch.commands.siteview import show_checks

    places = open_places(data_option(context))
    folders = sorted(path.parent for path in places.sites.glob("*/site.yml"))
    if names:
        for name in names:
            if not (places.sites / name / "site.yml").is_file():
                find_site(places, name)
        folders = [places.sites / name for name in dict.fromkeys(names)]
    rows = []
    sites = {}
    checks: dict[str, SiteCheck] = {}
    for folder in folders:
        faults: list[str] = []
        try:
            sites[folder.name] = load_site(folder)
            load_expected(folder)
            checks[folder.name] = check_samples(load_samples(folder), sites[folder.name])
        except SiteError as exc:
            faults = str(exc).splitlines()
        rows.append({"site": folder.name, "ok": not faults, "faults": faults})
    reached = _reach(places, sites) if reach and sites else []
    if as_json:
        show_json({"files": rows, "samples": _samples_json(checks), "addresses": reached})
    else:
        for row in rows:
            show_text(f"{row['site']}: " + ("in order" if row["ok"] else "wrong"))
            for fault in row["faults"] if isinstance(row["faults"], list) else []:
                show_text(f"  {fault}")
            if row["faults"]:
                show_text(f"  Next: edit the file, then: tuskwatch site check {row['site']}")
            if check := checks.get(str(row["site"])):
                show_checks(str(row["site"]), check)
                show_text(_verdict(check))
        if not rows:
            show_text(
                f"No sites yet: no file {places.sites}/NAME/site.yml. Write one: tuskwatch site new NAME"
            )
        if reached:
            show_table(
                ("Site", "Address", "State", "Seconds", "Note"),
                [
                    (r["site"], defang(str(r["address"])), r["state"], r["seconds"], r["note"])
                    for r in reached
                ],
            )
    wrong = any(check.faults for check in checks.values())
    if wrong or not all(row["ok"] for row in rows) or any(r["state"] == "dead" for r in reached):
        raise typer.Exit(Exit.FAILED)


def _verdict(check: SiteCheck) -> str:
    if not check.samples:
        return "  no samples yet: keep some with tuskwatch site save PAGE, one of each kind at least"
    bad = sum(sample.faults > 0 for sample in check.samples)
    return f"  {len(check.samples)} samples, " + ("all as expected" if not bad else f"{bad} NOT as expected")


def _samples_json(checks: dict[str, SiteCheck]) -> list[dict[str, Any]]:
    return [
        {
            "site": site,
            "sample": sample.name,
            "kind": sample.inspection.kind,
            "why": sample.inspection.why,
            "patterns": sample.inspection.patterns,
            "fields": sample.fields,
            "faults": sample.faults,
            "idle": check.idle,
            "unnamed": check.unnamed,
        }
        for site, check in checks.items()
        for sample in check.samples
    ]


def defang(address: str) -> str:
    """As it may be shown: nothing that a click or a paste would open."""
    return address.replace(".onion", "[.]onion")


def _reach(places: Places, sites: dict[str, SiteConfig]) -> list[dict[str, str | float | None]]:
    """Ask every address through Tor, keep what was found, and say it."""
    from jobs.gateway import Gateway
    from jobs.mirrors import check_mirrors
    from storage.engine import check_schema, open_engine

    engine = open_engine(places.database_url)
    check_schema(engine)
    gateway = Gateway(places)
    rows: list[dict[str, str | float | None]] = []
    try:
        with watch_progress() as progress:
            bar = progress.add_task("Tor", total=100, note="")
            socks = gateway.open(
                lambda percent, words: progress.update(bar, completed=percent, note=words[:60])
            )
        host, _, port = socks.rpartition(":")
        for name, site in sites.items():
            say(f"Asking the addresses of {name}")
            for found in check_mirrors(engine, site, socks=(host, int(port)), now=datetime.now(UTC)):
                rows.append(
                    {
                        "site": name,
                        "address": found.onion,
                        "state": found.state,
                        "seconds": found.seconds,
                        "note": found.reason,
                    }
                )
    finally:
        gateway.close()
        engine.dispose()
    return rows


app.command("new")(sitetry.new_site)
app.command("try")(sitetry.try_site)
app.command("save")(sitetry.save_page)
app.command("expect")(sitetry.expect_run)
