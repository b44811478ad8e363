"""What one run's pages were and what was read from them, counted; and the figures that a run keeps of itself.

Public names: RunFigures, count_run, keep_figures, find_figures, find_sample, find_run_pages,
find_newest_page, find_open_issue, HEALTH.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from storage.engine import transaction
from storage.tables import Issue, Page, Reading, Run

HEALTH = "health"
"""Among a run's settings: its figures, and whether it counts as a healthy one."""
_MOST_SAMPLED = 2_000


@dataclass(frozen=True)
class RunFigures:
    """pages: stored responses that are no redirects. kinds: of these, by kind. asked: pages named listing or thread.
    read: of these, how many were read as an ad. fields: of the ads read, on how many each field was found.
    plan, whole: which plan the run followed, and whether it came to its end."""

    pages: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)
    asked: int = 0
    read: int = 0
    fields: Mapping[str, int] = field(default_factory=dict)
    plan: str = "full"
    whole: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            "pages": self.pages,
            "kinds": dict(self.kinds),
            "asked": self.asked,
            "read": self.read,
            "fields": dict(self.fields),
            "plan": self.plan,
            "whole": self.whole,
        }


def count_run(
    session: Session, run_id: int, *, ad_kinds: Sequence[str], field_names: Sequence[str]
) -> RunFigures:
    """Count one run. A field counts as read when its value was understood; an empty one does not."""
    run = session.get(Run, run_id)
    good = (Page.run_id == run_id, Page.status.is_not(None), Page.kind.is_not(None))
    rows = session.execute(select(Page.kind, func.count()).where(*good).group_by(Page.kind))
    kinds = {str(kind): number for kind, number in rows}
    fields: Counter[str] = Counter()
    read = 0
    # The last reading of each page: a tab that came later, or a newer reader, made a second one.
    last = (
        select(func.max(Reading.id))
        .join(Page, Page.id == Reading.page_id)
        .where(Page.run_id == run_id, Page.kind.in_(ad_kinds), Reading.kind != "card")
        .group_by(Reading.page_id)
    )
    statement = (
        select(Reading.kind, Reading.title, Reading.fields)
        .where(Reading.id.in_(last))
        .execution_options(yield_per=200)
    )
    asked = 0
    for kind, title, values in session.execute(statement):
        asked += 1
        if kind not in ad_kinds or not title:
            continue
        read += 1
        fields.update(name for name in field_names if _is_read(values.get(name)))
    return RunFigures(
        pages=sum(kinds.values()),
        kinds=kinds,
        asked=asked,
        read=read,
        fields=dict(fields),
        plan=run.plan if run is not None else "full",
        whole=run is not None and run.state == "done",
    )


def keep_figures(engine: Engine, run_id: int, figures: RunFigures, *, healthy: bool) -> None:
    """Keep a run's figures with it, so that later runs are held against them without counting again."""
    with transaction(engine) as session:
        run = session.get(Run, run_id, with_for_update=True)
        if run is not None:
            run.settings = {**run.settings, HEALTH: {**figures.as_json(), "healthy": healthy}}


def find_figures(
    session: Session, *, site_id: int, before: int, since: int = 0, plan: str, limit: int
) -> list[tuple[int, RunFigures]]:
    """(run, figures) of the site's last healthy runs of that plan, the newest first."""
    rows = session.scalars(
        select(Run)
        .where(
            Run.verb == "crawl", Run.site_id == site_id, Run.id < before, Run.id >= since, Run.plan == plan
        )
        .order_by(Run.id.desc())
        .limit(500)
    )
    found = []
    for run in rows:
        kept = run.settings.get(HEALTH)
        if isinstance(kept, dict) and kept.get("healthy"):
            found.append((run.id, read_figures(kept)))
            if len(found) >= limit:
                break
    return found


def read_figures(kept: Mapping[str, Any]) -> RunFigures:
    return RunFigures(
        pages=int(kept.get("pages", 0)),
        kinds={str(name): int(number) for name, number in dict(kept.get("kinds", {})).items()},
        asked=int(kept.get("asked", 0)),
        read=int(kept.get("read", 0)),
        fields={str(name): int(number) for name, number in dict(kept.get("fields", {})).items()},
        plan=str(kept.get("plan", "full")),
        whole=bool(kept.get("whole")),
    )


def find_sample(
    session: Session,
    run_id: int,
    *,
    kinds: Sequence[str],
    lacks: str | None = None,
    not_read_as: Sequence[str] = (),
) -> int | None:
    """A page of the run of one of these kinds: one whose reading lacks a field, or was read as none of `not_read_as`."""
    if lacks is None and not not_read_as:
        return session.scalar(
            select(Page.id).where(Page.run_id == run_id, Page.kind.in_(kinds)).order_by(Page.id).limit(1)
        )
    last = (
        select(func.max(Reading.id))
        .join(Page, Page.id == Reading.page_id)
        .where(Page.run_id == run_id, Page.kind.in_(kinds), Reading.kind != "card")
        .group_by(Reading.page_id)
    )
    rows = session.execute(
        select(Reading.page_id, Reading.kind, Reading.fields)
        .where(Reading.id.in_(last))
        .order_by(Reading.page_id)
        .limit(_MOST_SAMPLED)
    )
    for page_id, kind, values in rows:
        if not_read_as and kind not in not_read_as:
            return int(page_id)
        if lacks is not None and kind in kinds and not _is_read(values.get(lacks)):
            return int(page_id)
    return None


def find_run_pages(session: Session, run_id: int, *, limit: int = 1_000) -> list[Page]:
    """A run's stored requests in the order in which they were made, those without an answer too."""
    return list(session.scalars(select(Page).where(Page.run_id == run_id).order_by(Page.id).limit(limit)))


def find_newest_page(session: Session, urls: Sequence[str]) -> Page | None:
    """The newest stored page with a body of one of these addresses (one path at a site's mirrors)."""
    return session.scalar(
        select(Page)
        .where(Page.url.in_(urls), Page.body_sha256.is_not(None))
        .order_by(Page.id.desc())
        .limit(1)
    )


def find_open_issue(session: Session, *, site_id: int, kind: str) -> Issue | None:
    """The open issue of that kind, so that the same trouble in the next run is counted and not told anew."""
    return session.scalar(
        select(Issue)
        .where(Issue.site_id == site_id, Issue.kind == kind, Issue.closed_at.is_(None))
        .order_by(Issue.id)
        .limit(1)
    )


def _is_read(value: Any) -> bool:
    return isinstance(value, dict) and value.get("value") not in (None, "", [])
