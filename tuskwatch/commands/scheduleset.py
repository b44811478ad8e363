"""`tuskwatch schedule add` and `change`: all that can be said of a schedule.

Public names: add, change.
"""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuskwatch.output import Json, data_option, show_json, show_text
from tuskwatch.places import open_places
from tuskwatch.scheduletimes import report, show_times

if TYPE_CHECKING:
    from jobs.places import Places

Name = Annotated[
    str, typer.Argument(metavar="NAME", help='The schedule\'s name, as "schedule list" shows it.')
]
Cron = Annotated[str, typer.Option("--cron", help='When: "15 3 * * *" is every day at 03:15.')]
Every = Annotated[
    str,
    typer.Option(
        "--every", metavar="SPAN", help="Instead of a cron line: hour, day, week, month or quarter."
    ),
]
At = Annotated[str, typer.Option("--at", metavar="HH:MM", help="With --every: at what time. Else 03:00.")]
On = Annotated[
    str, typer.Option("--on", metavar="DAY", help="With --every: a weekday; or a day from 1 to 28, or last.")
]
Jitter = Annotated[
    int | None,
    typer.Option("--jitter", metavar="MINUTES", help="Begin up to so much later, drawn for each time."),
]
Blackout = Annotated[
    str | None,
    typer.Option("--blackout", metavar="HOURS", help='Begin nothing then: "22:00-06:00, 12:00-13:00"; none.'),
]
Overlap = Annotated[
    str | None,
    typer.Option("--overlap", help="When the run before is still going: skip, or queue (one waits)."),
]
Missed = Annotated[
    str | None, typer.Option("--missed", help="Times at which nobody was there to fire: once, all or none.")
]
Pages = Annotated[
    int | None, typer.Option("--pages", help="A crawl stops after so many pages; 0: by its site file.")
]
Minutes = Annotated[
    int | None, typer.Option("--minutes", help="A crawl stops after so long; 0: by its site file.")
]
Priority = Annotated[
    int | None, typer.Option("--priority", help="From -9 to 9: higher first among those that wait.")
]
Plan = Annotated[str | None, typer.Option("--plan", help="Of a crawl: due, full or known.")]
Period = Annotated[
    str | None, typer.Option("--period", help="Of a report: the last full week, month or quarter.")
]
To = Annotated[
    str | None, typer.Option("--to", metavar="FOLDER", help="Of a backup: where; best another disk.")
]
Keep = Annotated[
    int | None, typer.Option("--keep", metavar="N", help="Of a backup: how many of the newest stay.")
]
Account = Annotated[str, typer.Option("--account", metavar="NAME", help="Go with this account of the site.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be.")]


def add(
    context: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            metavar="SITE|VERB", help="A site to crawl; or report, retention, backup, extract, classify."
        ),
    ],
    cron: Cron = "",
    every: Every = "",
    at: At = "",
    on: On = "",
    tz: Annotated[
        str, typer.Option("--tz", help="The time zone of that clock, for example Asia/Singapore.")
    ] = "UTC",
    name: Annotated[str | None, typer.Option("--name", help="A name for it. Else the site's.")] = None,
    site: Annotated[
        str, typer.Option("--site", help="With extract, classify or crawl: of this site only.")
    ] = "",
    account: Account = "",
    jitter: Jitter = None,
    blackout: Blackout = None,
    overlap: Overlap = None,
    missed: Missed = None,
    pages: Pages = None,
    minutes: Minutes = None,
    priority: Priority = None,
    plan: Plan = None,
    period: Period = None,
    to: To = None,
    keep: Keep = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Crawl a site, or do something else, whenever the cron line says so."""
    from jobs.errors import UsageError
    from jobs.rules import VERBS, Rules
    from jobs.schedules import add_schedule, preview_schedule

    places, now = open_places(data_option(context)), datetime.now(UTC)
    verb, site = (target, site) if target in VERBS else ("crawl", site or target)
    line = _read_line(cron, every, at, on)
    if not line:
        raise UsageError('Say when: --cron "15 3 * * *", or --every day --at 03:15.')
    if verb == "report" and period is None:
        period = every if every in ("week", "month", "quarter") else "month"
    rules = Rules(
        **_read_rules(
            jitter=jitter, blackout=blackout, overlap=overlap, missed=missed, pages=pages, minutes=minutes,
            priority=priority, plan=plan, period=period, to=to, keep=keep, account=_find_key(places, account, now),
        )
    )  # fmt: skip
    if dry_run:
        says, coming = preview_schedule(
            cron=line, tz=tz, now=now, rules=rules, verb=verb, name=name or target
        )
        if as_json:
            show_json(
                {"says": says, "next": [each.at for each in coming], "due": [each.due for each in coming]}
            )
        else:
            show_text(f"Would add {f'{verb} {site}'.strip()}: {says}.")
            show_times([each.at for each in coming], [each.due for each in coming], tz)
        return
    info = add_schedule(
        places, site=site, verb=verb, cron=line, tz=tz, name=name, by=getpass.getuser(), now=now, rules=rules
    )
    report(places, info, as_json, "Added")


def change(
    context: typer.Context,
    name: Name,
    cron: Cron = "",
    every: Every = "",
    at: At = "",
    on: On = "",
    tz: Annotated[str, typer.Option("--tz", help="The time zone of its clock.")] = "",
    account: Account = "",
    no_account: Annotated[
        bool, typer.Option("--no-account", help="Go without an account from now on.")
    ] = False,
    jitter: Jitter = None,
    blackout: Blackout = None,
    overlap: Overlap = None,
    missed: Missed = None,
    pages: Pages = None,
    minutes: Minutes = None,
    priority: Priority = None,
    plan: Plan = None,
    period: Period = None,
    to: To = None,
    keep: Keep = None,
    as_json: Json = False,
) -> None:
    """Change what is named; the rest of the schedule stays."""
    from jobs.errors import UsageError
    from jobs.schedules import change_schedule

    places, now = open_places(data_option(context)), datetime.now(UTC)
    changes = _read_rules(
        jitter=jitter, blackout=blackout, overlap=overlap, missed=missed, pages=pages, minutes=minutes,
        priority=priority, plan=plan, period=period, to=to, keep=keep, account=_find_key(places, account, now),
    )  # fmt: skip
    if line := _read_line(cron, every, at, on):
        changes["cron"] = line
    if tz:
        changes["tz"] = tz
    if no_account:
        changes["account"] = ""
    if not changes:
        raise UsageError('Say what to change: "tuskwatch schedule change --help" lists the options.')
    report(places, change_schedule(places, name, changes, by=getpass.getuser(), now=now), as_json, "Changed")


def _read_line(cron: str, every: str, at: str, on: str) -> str:
    from jobs.cron import make_cron
    from jobs.errors import UsageError

    if cron and (every or at or on):
        raise UsageError("Say when with --cron or with --every, not with both.")
    if (at or on) and not every:
        raise UsageError("--at and --on belong to --every.")
    return make_cron(every, at=at, on=on) if every else cron


def _read_rules(*, blackout: str | None, account: str, **given: Any) -> dict[str, Any]:
    """Those that were named, by the names of jobs.rules.Rules."""
    from jobs.rules import read_blackout

    found = {name: value for name, value in given.items() if value is not None}
    if blackout is not None:
        found["blackout"] = read_blackout("" if blackout.strip() == "none" else blackout)
    if account:
        found["account"] = account
    return found


def _find_key(places: Places, account: str, now: datetime) -> str:
    if not account:
        return ""
    from jobs.sessions import find_account

    return find_account(places, account, now=now)
