"""`tuskwatch lab`: a private Tor network on this machine with invented markets, to try everything on.

Public names: app, LISTINGS, SEED.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tuskwatch.output import Exit, Json, data_option, say, show_json, show_table, show_text, watch_progress
from tuskwatch.places import find_places

app = typer.Typer(help="A private Tor network on 127.0.0.1 with invented markets.", no_args_is_help=True)

LISTINGS = 1500
SEED = 21

Listings = Annotated[
    int, typer.Option("--listings", min=100, max=1_000_000, help="About how many ads the sites have.")
]
LabListings = Annotated[
    int | None,
    typer.Option(
        "--listings",
        min=100,
        max=1_000_000,
        help=f"About how many ads the sites have ({LISTINGS}; with --hard 240).",
    ),
]
TruthListings = Annotated[
    int | None,
    typer.Option(
        "--listings",
        min=100,
        max=1_000_000,
        help=f"About how many ads the sites would have, when no lab runs ({LISTINGS}).",
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="The same seed makes the same ads.")]
Hard = Annotated[
    bool,
    typer.Option(
        "--hard",
        help="Queues, captchas, logins, mirrors, traps, outages: all that the field puts in the way.",
    ),
]
Site = Annotated[str, typer.Argument(help="A site of the lab, by name.")]


def lab_folder(data: Path) -> Path:
    return data / "lab"


@app.command("up")
def up(
    context: typer.Context,
    listings: LabListings = None,
    seed: Seed = SEED,
    hard: Hard = False,
    queue: Annotated[
        float | None, typer.Option("--queue-seconds", help="Hard: how long the queue page holds (5).")
    ] = None,
    session: Annotated[
        float | None, typer.Option("--session-seconds", help="Hard: how long a session lasts (3600).")
    ] = None,
    outages: Annotated[
        float | None, typer.Option("--outages", help="Hard: the share of requests that fail (0.3).")
    ] = None,
    break_after: Annotated[
        int | None,
        typer.Option("--break-after", help="Hard: requests until a mirror dies (60; 0: only by lab break)."),
    ] = None,
    delay: Annotated[
        float | None, typer.Option("--delay", help="Hard: the pace that the site files state (0.25).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Start the lab, and register its sites and its Tor with the data folder. Needs no internet."""
    from lab.network import start_lab
    from lab.options import HARD_LISTINGS, HardOptions

    wishes = {
        "queue": queue, "session": session, "outages": outages, "break_after": break_after, "delay": delay,
    }  # fmt: skip
    given: dict[str, Any] = {name: value for name, value in wishes.items() if value is not None}
    if given and not hard:
        raise typer.BadParameter(
            "--queue-seconds, --session-seconds, --outages, --break-after and --delay need --hard"
        )
    data = find_places(data_option(context)).data
    with watch_progress() as progress:
        bar = progress.add_task("starting the lab", total=100, note="")
        lab = start_lab(
            folder=lab_folder(data),
            data=data,
            listings=listings or (HARD_LISTINGS if hard else LISTINGS),
            seed=seed,
            hard=HardOptions(**given) if hard else None,
            report=lambda percent, text: progress.update(bar, completed=percent, note=text[:60]),
        )
    if as_json:
        show_json({"folder": lab.folder, "hard": hard, "socks_port": lab.socks_port, "control_port": lab.control_port,
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
        show_json({**asdict(found), "today": None if found.today is None else found.today.isoformat()})
    else:
        show_text(f"The lab is {found.text}.")
        if found.running:
            show_text(
                f"Tor: {found.percent} %, SOCKS 127.0.0.1:{found.socks_port}, control 127.0.0.1:{found.control_port}"
            )
            show_table(("Site", "Title", "Ads"), [(s.name, s.title, s.listings) for s in found.sites])
        if found.hard is not None:
            show_table(
                ("Site", "Requests", "Fastest in 1 s", "Circuits killed", "Cookies barred", "Answers"),
                [
                    (name, row["requests"], row["peak_rate"], _show(row["killed"]) or "0", row["barred"], _show(row["kinds"]))
                    for name, row in found.hard["sites"].items()
                ],
            )  # fmt: skip
    if not found.running:
        raise typer.Exit(Exit.FAILED)


def _show(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _do(context: typer.Context, verb: str, site: str, as_json: bool) -> None:
    from lab.wishes import ask

    done = ask(lab_folder(find_places(data_option(context)).data), verb, site)
    if as_json:
        show_json({"site": site, "done": done})
    else:
        show_text(done)


@app.command("break")
def break_(context: typer.Context, site: Site, as_json: Json = False) -> None:
    """Hard lab: let the first living onion of a site die."""
    _do(context, "break", site, as_json)


@app.command("change")
def change(context: typer.Context, site: Site, as_json: Json = False) -> None:
    """Hard lab: give a market its new template, or its old one again."""
    _do(context, "change", site, as_json)


@app.command("seize")
def seize(context: typer.Context, site: Site, as_json: Json = False) -> None:
    """Hard lab: show a seizure banner in place of a site."""
    _do(context, "seize", site, as_json)


@app.command("logout")
def logout(context: typer.Context, site: Site, as_json: Json = False) -> None:
    """Hard lab: end every session at a site, so that a person is wanted again."""
    _do(context, "logout", site, as_json)


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
    listings: TruthListings = None,
    seed: Seed = SEED,
    hard: Annotated[
        bool, typer.Option("--hard", help="The running hard lab's onions, gates and accounts too (JSON).")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Every ad, not only those that offer wildlife.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print what the lab's ads really offer: of the lab that runs, else of the one that these options would make."""
    from lab.hard import read_description
    from lab.network import lab_status
    from lab.truth import truth

    found = lab_status(folder=lab_folder(find_places(data_option(context)).data))
    today = found.today or datetime.now(UTC).date()
    rows = truth(seed=found.seed or seed, listings=found.listings or listings or LISTINGS, today=today)
    if hard:
        about = read_description(found.folder)
        show_json({**about, "listings": [row.as_json() for row in rows]})
        return
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
