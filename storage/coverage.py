"""The pages that coverage is counted from, and where the count is kept.

Public names: TOTAL, find_list_pages, find_seen_addresses, write_coverage.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session

from storage.engine import transaction
from storage.tables import Page, Run

TOTAL = "*"
"""The key of the sums in run.coverage. Categories inside of categories count twice, on both sides."""
_MAX_PAGES = 20_000
_LISTS = ("home", "search", "other", "directory")
_ADS = ("listing", "thread")


def find_list_pages(session: Session, *, run_id: int, limit: int = _MAX_PAGES) -> list[int]:
    """Ids of the pages of lists that the run's sweep stored, the oldest first."""
    return list(
        session.scalars(
            _of_sweep(select(Page.id), run_id).where(Page.kind.in_(_LISTS)).order_by(Page.id).limit(limit)
        )
    )


def find_seen_addresses(session: Session, *, run_id: int) -> set[str]:
    """Addresses of the ads that the run's sweep has a page of."""
    return set(session.scalars(_of_sweep(select(Page.url), run_id).where(Page.kind.in_(_ADS))))


def write_coverage(engine: Engine, *, run_id: int, coverage: Mapping[str, Any]) -> tuple[bool, int]:
    """Keep it with the run; (has its sweep been gone through to its end, the site's id)."""
    with transaction(engine) as session:
        run = session.get(Run, run_id, with_for_update=True)
        if run is None or run.site_id is None:
            raise LookupError(f"there is no crawl run {run_id}")
        run.coverage = dict(coverage)
        return run.state == "done" and run.plan == "full", run.site_id


def _of_sweep(statement: Select[Any], run_id: int) -> Select[Any]:
    sweep = select(Run.sweep_id).where(Run.id == run_id).scalar_subquery()
    runs = select(Run.id).where(Run.sweep_id == sweep)
    return statement.where(Page.run_id.in_(runs), Page.status == 200, Page.body_sha256.is_not(None))
