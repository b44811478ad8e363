"""The one list of what needs a person, computed from the rows, the site files and the disk: there is no second truth.

Public names: find_needs, Need.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from crawler.siteconfig import GATE_KINDS
from jobs.calls import find_calls
from jobs.fleetneeds import find_fleet_needs
from jobs.need import Need, sort_needs
from jobs.noticesettings import Limits, find_limits
from jobs.places import Places
from jobs.siteneeds import find_file_faults, find_issue_needs
from storage import needs as rows
from storage.engine import reading
from storage.notices import find_undelivered
from storage.overdue import count_unreviewed, find_silent
from storage.runs import AGAIN, LATE_AFTER
from storage.sites import find_sites
from storage.tables import Run, Schedule, Site

__all__ = ["find_needs", "Need"]

RECENT = timedelta(days=30)
"""A run that failed longer ago is no longer asked about; a site that stays silent is."""
_ENDED = timedelta(days=7)
_RUN_KINDS = {"failed": "run-failed", "lost": "run-lost", "paused": "run-paused"}


def find_needs(engine: Engine, places: Places, *, now: datetime) -> list[Need]:
    """All that needs a person now, the most urgent first."""
    limits, fault = find_limits(places)
    found: list[Need] = []
    if fault:
        found.append(
            Need(
                kind="notice", level="now", subject="notices.yml", words="The file of notices is wrong: nobody is told anything.",
                what_to_do="Mend the line that is named, then check the file.", command="tuskwatch notice check",
                link="/needs", since=None, message=fault,
            )
        )  # fmt: skip
    with reading(engine) as session:
        sites = {site.id: site for site in find_sites(session)}
        found += _find_calls(session, sites)
        found += _find_run_needs(session, now=now)
        found += _find_sessions(session, limits, now=now)
        found += find_issue_needs(session, sites, now=now)
        found += _find_mirrors(session, sites)
        found += _find_schedule_needs(session, now=now)
        found += _find_silent(session, limits, now=now)
        found += _find_review(session, limits, now=now)
        found += _find_notices(session, now=now)
        found += find_fleet_needs(session, places, limits, now=now, late_after=LATE_AFTER)
    found += find_file_faults(places, sites)
    return sort_needs(found)


def _find_calls(session: Session, sites: dict[int, Site]) -> Iterator[Need]:
    ids = {site.name: site.id for site in sites.values()}
    for call in find_calls(session):
        gate = f" ({call.gate})" if call.gate else ""
        yield Need(
            kind="gate", level="now", subject=f"run {call.run_id}", words=f"Run {call.run_id} of {call.site} waits for a person{gate}.",
            what_to_do="Open the gate, and the run goes on where it stopped.", command=call.command, link=f"/runs/{call.run_id}",
            since=call.since, site=call.site, site_id=ids.get(call.site), run_id=call.run_id, page_id=call.page_id,
            message=call.message,
        )  # fmt: skip


def _find_run_needs(session: Session, *, now: datetime) -> Iterator[Need]:
    for run in rows.find_unmended(session, since=now - RECENT):
        if run.state == "paused":
            what, command = "Let it go on, or leave it: its pages are kept.", f"tuskwatch run resume {run.id}"
        elif run.state == "lost" and run.settings.get(AGAIN):
            what, command = (
                "It is taken up again by itself when what it lacked is back; if not, try again.",
                _retry(run),
            )
        else:
            what, command = "Read why, mend it, then try again: it goes on where it stopped.", _retry(run)
        level = "later" if run.state == "paused" else "soon"
        said = "was lost" if run.state == "lost" else "failed" if run.state == "failed" else "is paused"
        yield _about_run(
            run, _RUN_KINDS[run.state], level, said, what, command, since=run.ended_at or run.created_at
        )
    for run in rows.find_late(session, before=now - LATE_AFTER):
        what = "See that a worker lives and has room for it."
        due = run.due_at or run.created_at
        yield _about_run(
            run,
            "run-late",
            "soon",
            "is late: no worker has begun it",
            what,
            f"tuskwatch run show {run.id}",
            since=due,
        )
    for run in rows.find_without_tor(session, before=now - LATE_AFTER):
        what = "See that Tor runs and gets out."
        since = run.started_at or run.created_at
        yield _about_run(run, "tor", "soon", "waits for Tor", what, "tuskwatch doctor", since=since)


def _retry(run: Run) -> str:
    return f"tuskwatch run retry {run.id}"


def _about_run(
    run: Run, kind: str, level: str, said: str, what: str, command: str, *, since: datetime
) -> Need:
    site = run.site.name if run.site is not None else ""
    name = (
        f"Run {run.id}" + (f" of {site}" if site else "") + ("" if run.verb == "crawl" else f" ({run.verb})")
    )
    return Need(
        kind=kind, level=level, subject=f"run {run.id}", words=f"{name} {said}.", what_to_do=what, command=command,
        link=f"/runs/{run.id}", since=since, site=site, site_id=run.site_id, run_id=run.id, message=run.message, people=run.by,
    )  # fmt: skip


def _find_sessions(session: Session, limits: Limits, *, now: datetime) -> Iterator[Need]:
    ahead = timedelta(hours=limits.session_hours)
    for row, site in rows.find_ending_sessions(session, after=now - _ENDED, before=now + ahead):
        assert row.expires_at is not None
        account = " --account NAME" if row.account_key else ""
        over = row.expires_at <= now
        yield Need(
            kind="session", level="soon", subject=f"session {row.id}",
            words=f"The session with {site.name} " + ("has ended." if over else f"ends at {row.expires_at:%Y-%m-%d %H:%M} UTC."),
            what_to_do="Open it anew, so that the next crawl need not wait for a person.",
            command=f"tuskwatch session open {site.name}{account}", link=f"/sites/{site.name}", since=row.expires_at - ahead,
            site=site.name, site_id=site.id, people=row.opened_by,
        )  # fmt: skip


def _find_mirrors(session: Session, sites: dict[int, Site]) -> Iterator[Need]:
    for each in rows.count_proposed(session):
        site = sites[each.site_id]
        many = "1 address waits" if each.count == 1 else f"{each.count} addresses wait"
        yield Need(
            kind="mirror", level="later", subject=f"mirrors of site {site.id}", words=f"{many} for approval at {site.name}.",
            what_to_do="Compare with another source, then approve or refuse.", command=f"tuskwatch mirror list {site.name}",
            link=f"/sites/{site.name}", since=each.since, count=each.count, site=site.name, site_id=site.id, onions=each.onions,
        )  # fmt: skip


def _find_schedule_needs(session: Session, *, now: datetime) -> Iterator[Need]:
    for row in rows.find_active_schedules(session):
        if row.next_at is None and row.due_at is None:
            yield _about_schedule(
                row, "soon", "cannot fire: no time is left for it", since=row.changed_at or row.created_at
            )
        elif row.due_at is not None and row.due_at < now - LATE_AFTER:
            yield _about_schedule(
                row, "now", "should have fired and did not; see that a worker lives", since=row.due_at
            )


def _about_schedule(row: Schedule, level: str, said: str, *, since: datetime) -> Need:
    site = row.site.name if row.site is not None else ""
    return Need(
        kind="schedule", level=level, subject=f"schedule {row.id}", words=f'Schedule "{row.name}" {said}.',
        what_to_do="Look at its times and at what became of the last one.", command=f"tuskwatch schedule show {row.name}",
        link="/schedules", since=since, site=site, site_id=row.site_id, message=row.last_words, people=row.by,
    )  # fmt: skip


def _find_silent(session: Session, limits: Limits, *, now: datetime) -> Iterator[Need]:
    before = now - timedelta(days=limits.silent_days)
    for site, last in find_silent(session, before=before, bad_kinds=GATE_KINDS):
        said = f"since {last:%Y-%m-%d}" if last is not None else "as long as it is known"
        yield Need(
            kind="silent", level="soon", subject=f"site {site.id}", words=f"{site.name} has brought no good page {said}.",
            what_to_do="See which of its addresses answers and what its last run says; or take its schedule out.",
            command=f"tuskwatch mirror check {site.name}", link=f"/sites/{site.name}", since=last or site.created_at,
            site=site.name, site_id=site.id,
        )  # fmt: skip


def _find_review(session: Session, limits: Limits, *, now: datetime) -> Iterator[Need]:
    found = count_unreviewed(session, before=now - timedelta(days=limits.review_days))
    if found.count:
        many = f"{found.count:,}" + (" or more" if found.capped else "")
        verb = "ad waits" if found.count == 1 else "ads wait"
        yield Need(
            kind="review", level="later", subject="review",
            words=f"{many} flagged {verb} for review for more than {limits.review_days} days.",
            what_to_do="Review them, the surest first.", command="tuskwatch serve", link="/review", since=found.since,
            count=found.count,
        )  # fmt: skip


def _find_notices(session: Session, *, now: datetime) -> Iterator[Need]:
    for each in find_undelivered(session, now=now):
        many = "1 notice" if each.count == 1 else f"{each.count:,} notices"
        given_up = f", {each.failed:,} given up" if each.failed else ""
        yield Need(
            kind="notice", level="now" if each.failed else "soon", subject=f"channel {each.channel}",
            words=f"{many} could not be delivered by {each.channel}{given_up}.",
            what_to_do="Mend the channel, try it, then send them again.",
            command="tuskwatch notice retry" if each.failed else f"tuskwatch notice test {each.channel}", link="/needs?kind=notice",
            since=each.since, count=each.count, message=each.error,
        )  # fmt: skip
