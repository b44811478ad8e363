"""What each task does, with the run that it is done for: extract, classify, report, retention, backup.

Public names: Verb, VERBS, find_verb, Done, extract, classify, report, retention, backup, check_period, find_period,
last_period, say_period.

Each gets (places, run, tell, wished, now): tell(done, all) says how far it is, wished() whether it shall end after this
batch. The heavy libraries behind each are loaded when it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Engine

from jobs.errors import UsageError
from jobs.places import Places
from jobs.rules import PERIODS
from jobs.verbs import add_report, read_pages, score_listings
from storage.engine import open_engine, reading
from storage.reports import find_reports
from storage.runs import find_run, find_runs
from storage.schedules import AT, find_schedule
from storage.sellerfacts import find_last_reading
from storage.tables import Run
from storage.taskruns import RESULT, TAKES_OVER, keep_setting

Tell = Callable[[int, int], None]
Wished = Callable[[], str | None]
FROM_READING = "from_reading"
"""Among an extract's settings: the last reading before it. Whoever goes on for it looks at the sellers from there on."""
LOOKED_BACK = 50
LONGEST = timedelta(days=3_700)


@dataclass(frozen=True)
class Done:
    """What came of it. result: numbers, kept with the run; they name no listing and no seller. value: the same as the verb
    gives it, for a command that shows more."""

    words: str
    result: Mapping[str, Any] = field(default_factory=dict)
    listings: int = 0
    issues: int = 0
    value: object = None


def extract(places: Places, run: Run, *, tell: Tell, wished: Wished, now: datetime) -> Done:
    """Read the stored pages that were not read yet."""
    counts = read_pages(
        places,
        now=now,
        site=run.site.name if run.site is not None else None,
        progress=tell,
        until=lambda: wished() is not None,
        after_reading=_find_start(places, run),
    )
    words = (
        f"{_count(counts.pages, 'page')} read, {_count(counts.listings, 'listing')} in them: "
        f"{counts.new_listings:,} new, {counts.changed:,} changed."
    )
    return Done(words, asdict(counts), listings=counts.listings, issues=counts.issues)


def _find_start(places: Places, run: Run) -> int:
    """After which reading sellers are to be looked at: an extract that broke off did not come to that."""
    engine = open_engine(places.database_url)
    try:
        with reading(engine) as session:
            start = find_last_reading(session)
            for earlier in find_runs(session, verb="extract", limit=LOOKED_BACK):
                if earlier.id >= run.id:
                    continue
                if earlier.state == "done":
                    break
                kept = earlier.settings.get(FROM_READING)
                start = min(start, kept) if isinstance(kept, int) else start
        own = run.settings.get(FROM_READING)
        start = min(start, own) if isinstance(own, int) else start  # it was paused, or fell with its worker
        keep_setting(engine, run_id=run.id, name=FROM_READING, value=start)
        return start
    finally:
        engine.dispose()


def classify(places: Places, run: Run, *, tell: Tell, wished: Wished, now: datetime) -> Done:
    """Score the listings that the current model has not scored yet."""
    counts = score_listings(
        places,
        now=now,
        progress=tell,
        site=run.site.name if run.site is not None else None,
        until=lambda: wished() is not None,
    )
    words = f"{_count(counts.scored, 'listing')} scored, {counts.flagged:,} of them flagged."
    return Done(words, asdict(counts), listings=counts.scored)


def report(places: Places, run: Run, *, tell: Tell, wished: Wished, now: datetime) -> Done:
    """Write the report of the period, unless this very run has written it and was killed before it could say so."""
    engine = open_engine(places.database_url)
    try:
        start, end = find_period(places, engine, run)
        number = _find_written(engine, run, start, end)
    finally:
        engine.dispose()
    tell(0, 1)
    if number is None:
        number = add_report(places, start=start, end=end, by=run.by, now=now)
    tell(1, 1)
    return Done(f"Report {number} is written: {say_period(start, end)}.", {"report": number})


def _find_written(engine: Engine, run: Run, start: datetime, end: datetime) -> int | None:
    """A report of this period that nobody claims, written since the run, or the one whose place it took, began."""
    with reading(engine) as session:
        first: Run = run
        while first.reason.startswith(TAKES_OVER) and first.retry_of:
            earlier = find_run(session, first.retry_of)
            if earlier is None:
                break
            first = earlier
        since = first.started_at or run.created_at
        told = {
            each.settings.get(RESULT, {}).get("report")
            for each in find_runs(session, verb="report", state="done")
        }
        for each in find_reports(session, limit=20):
            same = (each.period_from, each.period_to, each.by) == (start, end, run.by)
            if same and each.created_at >= since and each.id not in told:
                return each.id
    return None


def check_period(settings: Mapping[str, Any]) -> None:
    """UsageError when a report's settings name no period."""
    if settings.get("start") or settings.get("end") or not settings.get("period"):
        start, end = _read_day(settings, "start"), _read_day(settings, "end")
        if not start < end:
            raise UsageError("The period is empty: --from must be before --to.")
        if end - start > LONGEST:
            raise UsageError("The period is too long: ten years are the most.")
    elif settings["period"] not in PERIODS:
        raise UsageError(f"A report is of a {', '.join(PERIODS)}, or from a day to another one.")


def find_period(places: Places, engine: Engine, run: Run) -> tuple[datetime, datetime]:
    """The days named, or the last week, month or quarter that was over when the run was due, by its schedule's clock.

    What was worked out is kept with the run: a retry is of the same period.
    """
    check_period(run.settings)
    if run.settings.get("start"):
        return _read_day(run.settings, "start"), _read_day(run.settings, "end")
    at = _read_time(run.settings.get(AT)) or run.due_at or run.created_at
    with reading(engine) as session:
        row = find_schedule(session, run.schedule) if run.schedule else None
    start, end = last_period(str(run.settings["period"]), at, row.tz if row is not None else "UTC")
    keep_setting(engine, run_id=run.id, name="start", value=start.isoformat())
    keep_setting(engine, run_id=run.id, name="end", value=end.isoformat())
    return start, end


def last_period(period: str, at: datetime, zone: str) -> tuple[datetime, datetime]:
    """The last whole week (from Monday), month or quarter before `at`: midnight to midnight in that zone, as UTC."""
    try:
        clock = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        clock = ZoneInfo("UTC")
    day = at.astimezone(clock).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if period == "week":
        end = day - timedelta(days=day.weekday())
        start = end - timedelta(days=7)
    else:
        months = 1 if period == "month" else 3
        end = day.replace(day=1, month=(day.month - 1) // months * months + 1)
        start = end
        for _ in range(months):
            start = (start - timedelta(days=1)).replace(day=1)
    return start.astimezone(UTC), end.astimezone(UTC)


def say_period(start: datetime, end: datetime) -> str:
    """ "2026-10-01 to 2026-11-01", with the hour where it is not midnight (UTC)."""
    whole = all((each.hour, each.minute, each.second) == (0, 0, 0) for each in (start, end))
    form = "%Y-%m-%d" if whole else "%Y-%m-%d %H:%M"
    return f"{start:{form}} to {end:{form}}"


def retention(places: Places, run: Run, *, tell: Tell, wished: Wished, now: datetime) -> Done:
    """Take away what is past its date; with dry_run only count it."""
    from jobs.retention import remove_old

    dry_run = bool(run.settings.get("dry_run"))
    counts = remove_old(places, run_id=run.id, now=now, dry_run=dry_run, tell=tell, wished=wished)
    result = {name: value for name, value in asdict(counts).items() if isinstance(value, int | str)}
    return Done(f"{'Only counted: ' if dry_run else ''}{counts.say()}", result, value=counts)


def backup(places: Places, run: Run, *, tell: Tell, wished: Wished, now: datetime) -> Done:
    """Make a backup in the folder that the run names, else in <data>/backups."""
    from jobs.backup import Stopped, back_up

    to = Path(str(run.settings["to"])) if run.settings.get("to") else places.data / "backups"
    keep = run.settings.get("keep")
    try:
        path = back_up(
            places, to=to, now=now, by=run.by, run_id=run.id, tell=tell, keep=keep if isinstance(keep, int) else None,
            wished=lambda: "cancel" if wished() else None,
        )  # fmt: skip
    except Stopped as exc:
        return Done(str(exc))
    return Done(f"The backup is {path}.", {"path": str(path)})


@dataclass(frozen=True)
class Verb:
    """One verb. do: (places, run, tell, wished, now) -> what came of it. pausable: it can end after a batch and go on.

    words: what it does, as the start form and the help say it. site: may it be of one site only?
    """

    do: Callable[..., Done]
    words: str
    pausable: bool = False
    site: bool = False
    check: Callable[[Mapping[str, Any]], None] = lambda settings: None


VERBS: Mapping[str, Verb] = {
    "extract": Verb(extract, "read listings out of stored pages", pausable=True, site=True),
    "classify": Verb(classify, "score listings", pausable=True, site=True),
    "report": Verb(report, "write the trend report", check=check_period),
    "retention": Verb(retention, "take away what is past its date", pausable=True),
    "backup": Verb(backup, "make a backup"),
}


def find_verb(name: str) -> Verb:
    """UsageError for a verb that only another version knows."""
    if name not in VERBS:
        raise UsageError(
            f'This version knows no verb "{name[:40]}". It knows crawl, {", ".join(VERBS)}; a newer one may know more.'
        )
    return VERBS[name]


def _read_day(settings: Mapping[str, Any], name: str) -> datetime:
    time = _read_time(settings.get(name))
    if time is None:
        raise UsageError("A report needs its first day and the day after its last one, or a period.")
    return time


def _read_time(text: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
