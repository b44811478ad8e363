"""Retention on both databases: what goes, what stays, and that nothing that stays points into the void."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from storage import audit
from storage.engine import reading
from storage.keeping import Gone
from storage.retention import Batch, Removed, remove_pages, weigh_pages
from storage.safety import Cutoffs, find_aged
from storage.tables import Page
from storage.tombstones import check_tombstones

if TYPE_CHECKING:
    from conftest import Store

LATER = timedelta(days=400)


def cutoffs(
    now: datetime,
    *,
    pages: int | None = 365,
    flagged: int | None = None,
    verdicts: int | None = None,
    audit: int | None = None,
) -> Cutoffs:
    def end(days: int | None) -> datetime | None:
        return None if days is None else now - timedelta(days=days)

    return Cutoffs(end(pages), end(flagged), end(verdicts), end(audit))


def sweep(store: Store, cut: Cutoffs, now: datetime, *, dry: bool = False) -> Removed:
    total, gone = Removed(), Gone()
    run_id = 0
    if not dry:
        run_id = store.run(store.site())
        store.end(run_id)
    while True:
        before = sum(total.rows.values())
        total.kept.clear()
        with reading(store.engine) as session:
            ids = find_aged(session, cut, after=0, limit=1000)
        for start in range(0, len(ids), 3):
            some = ids[start : start + 3]
            if dry:
                with reading(store.engine) as session:
                    total.add(weigh_pages(session, some, cut=cut, gone=gone))
            else:
                total.add(remove_pages(store.engine, some, cut=cut, batch=Batch(run_id, "ana", now)))
        if sum(total.rows.values()) == before:
            return total


def test_old_plain_pages_go(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    ids = [store.listing(site, run, str(n)) for n in range(4)]
    for _, reading_id in ids:
        store.score(reading_id, flagged=False)
    store.end(run)
    now = store.now + LATER
    dry = sweep(store, cutoffs(now), now, dry=True)
    real = sweep(store, cutoffs(now), now)
    assert dry.rows == real.rows
    print(real.rows, real.kept)
    with reading(store.engine) as session:
        assert session.scalar(select(func.count()).select_from(Page)) == 1
        assert check_tombstones(session) == []
        assert audit.verify(session) == []
