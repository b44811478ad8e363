"""What reports count comes out the same on both engines."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from storage.engine import reading
from storage.trends import (
    DatedCount,
    count_dated,
    count_seen,
    find_ads,
    find_dates,
    find_looking_runs,
    find_models,
)
from storage.verdicts import give_verdict

if TYPE_CHECKING:
    from conftest import Store


def test_a_period_is_counted(store: Store) -> None:
    start, end = store.now - timedelta(days=30), store.now
    site, other = store.site("oldport"), store.site("reedmarket")
    run, other_run = store.run(site), store.run(other)
    inside, outside = store.now - timedelta(days=3), store.now - timedelta(days=31)
    flagged = store.listing(site, run, "1", posted_at=inside, contacts=(("handle", "@heron", True),))
    judged = store.listing(site, run, "2", posted_at=start)
    store.listing(site, run, "3", posted_at=outside)
    store.listing(site, run, "4", posted_at=end)
    store.listing(other, other_run, "5", posted_at=None, seen_at=inside)
    store.score(flagged[1], model="m1", tiger=0.1, flagged=False)
    store.score(flagged[1], model="m2", ivory=0.9, tiger=0.5)
    store.score(judged[1], model="m1", flagged=False)
    user = store.user()
    give_verdict(
        store.engine,
        listing_id=judged[0],
        reading_id=judged[1],
        user_id=user,
        labels=["tiger"],
        guideline_version="1",
        now=store.now,
    )
    store.end(run)
    with reading(store.engine) as session:
        ads = find_ads(session, start=start, end=end)
        assert [(ad.listing_id, ad.judged, ad.scored) for ad in ads] == [
            (judged[0], ("tiger",), ()),
            (flagged[0], None, ("ivory", "tiger")),
        ]
        assert (ads[1].seller, ads[1].contacts, ads[1].dated_at) == ("grey_heron", ("@heron",), inside)
        assert count_dated(session, start=start, end=end) == [
            DatedCount("oldport", listings=2, undated=0, scored=2),
            DatedCount("reedmarket", listings=1, undated=1, scored=0),
        ]
        assert sorted(find_dates(session, start=start, end=end)) == [start, inside, inside]
        assert [(version, count) for version, _, count in find_models(session, start=start, end=end)] == [
            ("m1", 1),
            ("m2", 1),
        ]
        assert count_seen(session, [run]) == {"oldport": 4}


def test_only_ended_crawls_of_the_time_looked(store: Store) -> None:
    site = store.site()
    ended, running, empty, deaf = (store.run(site) for _ in range(4))
    store.page(site, deaf, status=None)
    for status in (200, 200, 404, None):
        store.page(site, ended, status=status)
    store.end(ended)
    store.end(empty, "failed")
    store.end(deaf, "failed")
    hour = timedelta(hours=1)
    with reading(store.engine) as session:
        found = find_looking_runs(session, since=store.now, until=store.now)
        assert [(run.run_id, run.state, run.pages, run.answered, run.failed) for run in found] == [
            (ended, "done", 3, 2, 1),
            (empty, "failed", 0, 0, 0),
            (deaf, "failed", 0, 0, 1),
        ]
        assert running not in [run.run_id for run in found]
        assert find_looking_runs(session, since=store.now + hour, until=store.now + 2 * hour) == []
        assert find_looking_runs(session, since=store.now - 2 * hour, until=store.now - hour) == []
