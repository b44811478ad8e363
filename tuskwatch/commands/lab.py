"""`tuskwatch lab`: a private Tor network on this machine with invented markets, to try everything on.

Public names: app, LISTINGS, SEED.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tuskwatch.output import Exit, Json, data_option, say, show_json, show_table, show_text, watch_progress
from tuskwatch.places import find_places

app = typer.Typer(help="A private Tor network on 127.0.0.1 with invented markets.", no_args_is_help=True)

LISTINGS = 1500
SEED = 21

Listings = Annotated[
    int, typer.Option("--listings", min=100, max=1_000_000, help="About how many ads the sites have.")
]
Seed = Annotated[int, typer.Option("--seed", help="The same seed makes the same ads.")]


def lab_folder(data: Path) -> Path:
    return data / "lab"


@app.command("up")
def up(
    context: typer.Context, listings: Listings = LISTINGS, seed: Seed = SEED, as_json: Json = False
) -> None:
    """Start the lab, and register its sites and its Tor with the data folder. Needs no internet."""
    from lab.network import start_lab

    data = find_places(data_option(context)).data
    with watch_progress() as progress:
        bar = progress.add_task("starting the lab", total=100, note="")
        lab = start_lab(
            folder=lab_folder(data),
            data=data,
            listings=listings,
            seed=seed,
            report=lambda percent, text: progress.update(bar, completed=percent, note=text[:60]),
        )
    if as_json:
        show_json({"folder": lab.folder, "socks_port": lab.socks_port, "control_port": lab.control_port,
                   "sites": {name: asdict(site) for name, site in lab.sites.items()}})  # fmt: skip
        return
    show_table(("Site", "Title", "Ads"), [(s.name, s.title, s.listings) for s in lab.sites.values()])
    say(
        "The lab is up. Crawl it: tuskwatch init, then tuskwatch crawl --all. Take it down: tuskwatch lab down"
    )


@app.command("status")
def status(context: typer.Context, as_json: Json = False) -> None:
    """Say whether the lab runs. Ends with 1 when it does not."""
    from lab.network import lab_status

    found = lab_status(folder=lab_folder(find_places(data_option(context)).data))
    if as_json:
        show_json(asdict(found))
    else:
        show_text(f"The lab is {found.text}.")
        if found.running:
            show_text(
                f"Tor: {found.percent} %, SOCKS 127.0.0.1:{found.socks_port}, control 127.0.0.1:{found.control_port}"
            )
            show_table(("Site", "Title", "Ads"), [(s.name, s.title, s.listings) for s in found.sites])
    if not found.running:
        raise typer.Exit(Exit.FAILED)


@app.command("down")
def down(context: typer.Context, as_json: Json = False) -> None:
    """Take the lab down: no process and no file of it stays."""
    from lab.network import stop_lab

    was_there = stop_lab(folder=lab_folder(find_places(data_option(context)).data))
    if as_json:
        show_json({"was_running": was_there})
    else:
        show_text("The lab is down." if was_there else "There was no lab.")


@app.command("truth")
def show_truth(
    context: typer.Context,
    listings: Listings = LISTINGS,
    seed: Seed = SEED,
    everything: Annotated[
        bool, typer.Option("--all", help="Every ad, not only those that offer wildlife.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print what the lab's ads really offer: of the lab that runs, else of the one that these options would make."""
    from lab.network import lab_status
    from lab.truth import truth

    found = lab_status(folder=lab_folder(find_places(data_option(context)).data))
    today = found.today or datetime.now(UTC).date()
    rows = truth(seed=found.seed or seed, listings=found.listings or listings, today=today)
    shown = [row for row in rows if everything or row.labels]
    if as_json:
        show_json([row.as_json() for row in shown])
        return
    show_table(
        ("Site", "Key", "Title", "Offers", "Language", "Posted"),
        [
            (r.site, r.key, r.title, ", ".join(r.labels) or "-", r.language, f"{r.posted:%Y-%m-%d}")
            for r in shown
        ],
    )
    say(
        f"{sum(bool(row.labels) for row in rows)} of {len(rows):,} ads offer ivory, rhino horn or tiger parts."
    )
