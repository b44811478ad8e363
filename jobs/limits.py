"""After a run has been read: is it what a healthy run of the site looks like? What is not becomes an issue.

Public names: check_run, expect_from, RunCheck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from crawler.errand import read_errand
from crawler.errors import SiteError
from crawler.expectedfile import load_expected, write_expected
from crawler.limits import (
    AD_KINDS,
    FIELDS,
    Expected,
    Fault,
    check_limits,
    expect_run,
    find_drift,
    is_healthy,
)
from jobs.errors import UsageError
from jobs.places import Places
from storage.engine import reading
from storage.health import (
    RunFigures,
    count_run,
    find_figures,
    find_open_issue,
    find_sample,
    keep_figures,
)
from storage.issues import raise_issue
from storage.runs import find_run

BASELINE = 5
"""So many of the last healthy runs are held together against the new one."""


@dataclass(frozen=True)
class RunCheck:
    """What was found about one run. compared: the healthy runs that it was held against."""

    figures: RunFigures
    limits: tuple[Fault, ...] = ()
    drift: tuple[Fault, ...] = ()
    compared: tuple[int, ...] = ()
    healthy: bool = False
    wrote: bool = False
    """expected.yml was written from this run, the site's first healthy one."""


def check_run(places: Places, engine: Engine, run_id: int, *, now: datetime) -> RunCheck | None:
    """Count the run, hold it against expected.yml and against the last healthy runs, raise issues, and keep its figures.

    None for a run that follows no plan of its site (a page tried by hand, a look around). SiteError when expected.yml is
    wrong; the figures are kept all the same, and the run is not taken for a healthy one.
    """
    with reading(engine) as session:
        run = find_run(session, run_id)
        if run is None or run.site is None or run.site_id is None or read_errand(run.settings):
            return None
        site, site_id = run.site.name, run.site_id
        figures = _count(engine, run_id)
    folder = places.sites / site
    try:
        expected = load_expected(folder)
    except SiteError:
        keep_figures(engine, run_id, figures, healthy=False)
        raise
    since = expected.from_run if expected is not None else 0
    with reading(engine) as session:
        rows = find_figures(
            session, site_id=site_id, before=run_id, since=since, plan=figures.plan, limit=BASELINE
        )
    drift = find_drift(figures, [row for _, row in rows])
    limits = check_limits(figures, expected) if expected is not None else []
    healthy = is_healthy(figures, [*limits, *drift])
    keep_figures(engine, run_id, figures, healthy=healthy)
    # Drift first: it says how it was and how it is now.
    told = _report(engine, site_id, run_id, "drift", drift, rows, now=now)
    rest = [fault for fault in limits if fault.name not in told]
    _report(engine, site_id, run_id, "limit", rest, rows, now=now)
    wrote = expected is None and healthy and folder.is_dir()
    if wrote:
        write_expected(
            folder, expect_run(figures, run_id=run_id), site=site, run_id=run_id, day=f"{now:%Y-%m-%d}"
        )
    return RunCheck(figures, tuple(limits), tuple(drift), tuple(number for number, _ in rows), healthy, wrote)


def expect_from(places: Places, engine: Engine, site: str, run_id: int, *, now: datetime) -> Expected:
    """Take this run for what the site is now: write expected.yml from it, and let later runs be held against it."""
    with reading(engine) as session:
        run = find_run(session, run_id)
        if run is None or run.site is None or run.site.name != site or run.verb != "crawl":
            raise UsageError(
                f'There is no crawl {run_id} of {site}. "tuskwatch run list --site {site}" shows them.'
            )
        if read_errand(run.settings):
            raise UsageError(
                f"Run {run_id} was a trial of single pages; expectations need a crawl of the site."
            )
    figures = _count(engine, run_id)
    if not figures.read:
        raise UsageError(
            f"No ad was read in run {run_id}, so nothing can be expected from it. Choose a run that went well."
        )
    expected = expect_run(figures, run_id=run_id)
    keep_figures(engine, run_id, figures, healthy=True)
    write_expected(places.sites / site, expected, site=site, run_id=run_id, day=f"{now:%Y-%m-%d}")
    return expected


def _count(engine: Engine, run_id: int) -> RunFigures:
    with reading(engine) as session:
        return count_run(session, run_id, ad_kinds=AD_KINDS, field_names=tuple(FIELDS))


def _report(
    engine: Engine,
    site_id: int,
    run_id: int,
    what: str,
    faults: Sequence[Fault],
    rows: Sequence[tuple[int, RunFigures]],
    *,
    now: datetime,
) -> set[str]:
    for fault in faults:
        with reading(engine) as session:
            page_id = find_sample(
                session,
                run_id,
                kinds=fault.kinds,
                lacks=fault.lacks,
                not_read_as=AD_KINDS if fault.unread else (),
            ) if fault.kinds else None  # fmt: skip
            kind = f"{what}-{fault.name.replace(' ', '-')}"[:40]
            known = find_open_issue(session, site_id=site_id, kind=kind)
        message = known.message if known is not None else _words(what, fault, rows, page_id)
        raise_issue(
            engine,
            site_id=site_id,
            run_id=run_id,
            page_id=page_id,
            kind=kind,
            level=fault.level,
            message=message,
            now=now,
        )
    return {fault.name for fault in faults}


def _words(what: str, fault: Fault, rows: Sequence[tuple[int, RunFigures]], page_id: int | None) -> str:
    text = fault.message
    if what == "drift":
        text += f" (run {rows[0][0]} was the last healthy one)"
    if page_id is not None:
        text += f"; look at page {page_id}"
    return text
