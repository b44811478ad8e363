"""`tuskwatch demo`: the whole way in one command, over a real Tor network on this machine.

Public names: demo.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuskwatch.commands.lab import LISTINGS, SEED, Listings, Seed, lab_folder
from tuskwatch.output import Exit, Json, say, show_json, show_table, show_text, watch_progress

if TYPE_CHECKING:
    from tuskwatch.demo import CrawlResult, Flagged
    from tuskwatch.truth import Comparison

WEEKS = 20
"""What the posted dates of the lab's ads spread over."""
TOLERANCE = 0.01
"""Share of the lab's ads of a site that may stay unread before the demo counts as failed."""
MOST_ROWS, MOST_TITLES = 60, 20
"""A screen is no place for more; --json has them all."""
REPORT_FILES = ("report.html", "report.pdf", "report.csv")


def demo(
    folder: Annotated[
        Path, typer.Option("--folder", help='Each demo makes a new data folder in here; "last" points to it.')
    ] = Path("demo-data"),
    listings: Listings = LISTINGS,
    seed: Seed = SEED,
    as_json: Json = False,
) -> None:
    """Crawl four invented hidden markets over real Tor on this machine, and hold what was found against the truth."""
    from jobs.verbs import write_report
    from lab.network import running_lab
    from tuskwatch.commands.setup import prepare
    from tuskwatch.demo import (
        add_demo_user,
        crawl_sites,
        find_flagged,
        known_ads,
        make_demo_places,
        read_ads,
        remember,
    )
    from tuskwatch.truth import compare

    began = time.monotonic()
    now = datetime.now(UTC)
    places = make_demo_places(folder, now)
    say(f"1/5  A private Tor network on this machine, with four invented markets and {listings:,} ads")
    with ExitStack() as stack:
        with watch_progress() as progress:
            bar = progress.add_task("starting the lab", total=100, note="")
            lab = stack.enter_context(
                running_lab(
                    folder=lab_folder(places.data),
                    data=places.data,
                    listings=listings,
                    seed=seed,
                    today=now.date(),
                    report=lambda percent, text: progress.update(bar, completed=percent, note=text[:60]),
                )
            )
        lab_up = time.monotonic() - began
        say(f"     up after {lab_up:.1f} s: {', '.join(sorted(lab.sites))}. Data folder: {places.data}")
        prepare(places)
        say("2/5  Crawling all four over Tor, then reading and scoring")
        crawl = crawl_sites(places, sorted(lab.sites), now=datetime.now(UTC))
    flagged = find_flagged(places)
    comparison = compare(known_ads(seed=seed, listings=listings, today=now.date()), read_ads(places))
    if not as_json:
        _show_crawl(crawl)
        say("3/5  The flagged ads: leads for a person to judge, not findings")
        _show_flagged(flagged)
        say("4/5  Against what the lab knows")
        _show_comparison(comparison)
    say("5/5  The trend report, and a user to look at it all")
    start = datetime.combine(now.date() - timedelta(weeks=WEEKS), datetime.min.time(), tzinfo=UTC)
    end = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), tzinfo=UTC)
    report = write_report(places, start=start, end=end, by="demo", now=datetime.now(UTC))
    add_demo_user(places, now=datetime.now(UTC))
    remember(places)
    problems = find_problems(crawl, comparison, flagged, report)
    took = time.monotonic() - began
    if as_json:
        show_json(
            {
                "data": places.data, "seconds": took, "lab_seconds": lab_up, "crawl": crawl, "pages_per_second": crawl.pace,
                "flagged": flagged, "groups": comparison.groups, "overall": comparison.overall,
                "known": comparison.known, "read": comparison.read, "report": report, "problems": problems,
            }
        )  # fmt: skip
    else:
        for name in REPORT_FILES:
            show_text(f"     {report / name}")
        show_text(
            f"Took {took:.0f} s. Look at it all in the browser: make serve (it prints a one-time password)."
        )
    for problem in problems:
        say(f"FAILED: {problem}")
    if problems:
        raise typer.Exit(Exit.FAILED)


def find_problems(
    crawl: CrawlResult, comparison: Comparison, flagged: list[Flagged], report: Path
) -> list[str]:
    """What must not be in a demo that went well, in words."""
    problems = [
        f"Run {site.run} of {site.site} is {site.state}: {site.message}"
        for site in crawl.sites
        if site.state != "done"
    ]
    problems += crawl.unread
    for site, known in comparison.known.items():
        if comparison.read[site] < known * (1 - TOLERANCE):
            problems.append(f"{site}: {comparison.read[site]:,} of {known:,} ads were read.")
    problems += [f"{ad.site}: the ad {ad.title!r} was never read." for ad in comparison.unread]
    if not flagged:
        problems.append("No ad was flagged.")
    for name in REPORT_FILES:
        path = report / name
        if not path.is_file() or path.stat().st_size == 0:
            problems.append(f"The report has no {name}.")
    return problems


def _by_title(comparison: Comparison, field: str) -> dict[str, list[str]]:
    titles: dict[str, list[str]] = {}
    for group in comparison.groups:
        for title in getattr(group, field):
            groups = titles.setdefault(title, [])
            if group.name not in groups:
                groups.append(group.name)
    return titles


def _show_crawl(crawl: CrawlResult) -> None:
    show_table(
        ("Site", "Run", "State", "Pages", "Listings", "Issues", "Seconds", "Pages/s"),
        [(s.site, s.run, s.state, s.pages, s.listings, s.issues, s.seconds, s.pace) for s in crawl.sites],
    )
    first = f"{crawl.first_page:.1f} s" if crawl.first_page is not None else "never"
    show_text(
        f"Time to first page {first}. All together {crawl.pages:,} pages in {crawl.crawled:.1f} s: {crawl.pace:.1f} "
        f"pages/s through Tor. Read and scored after {crawl.done:.1f} s."
    )


def _show_flagged(flagged: list[Flagged]) -> None:
    show_table(
        ("Site", "Ad", "Groups", "Score", "Because"),
        [
            (ad.site, ad.title, ", ".join(ad.groups), ad.score, ", ".join(ad.because))
            for ad in flagged[:MOST_ROWS]
        ],
    )
    if len(flagged) > MOST_ROWS:
        show_text(f"     and {len(flagged) - MOST_ROWS:,} more, with lower scores: in the browser")


def _show_comparison(comparison: Comparison) -> None:
    rows = [*comparison.groups, comparison.overall]
    show_table(
        ("Group", "Ads", "Found", "Missed", "Falsely flagged"),
        [(row.name, row.known, row.found, len(row.missed), len(row.false)) for row in rows],
    )
    for word, field in (("missed", "missed"), ("falsely flagged", "false")):
        titles = _by_title(comparison, field)
        for title, groups in list(titles.items())[:MOST_TITLES]:
            show_text(f"     {word}: {title} ({', '.join(groups)})")
        if len(titles) > MOST_TITLES:
            show_text(f"     {word}: {len(titles) - MOST_TITLES:,} more; --json shows them all")
    show_text(
        "One ad may offer several groups: the last line counts each ad once, and is not the sum of the others."
    )
