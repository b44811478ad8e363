"""The board: how each site does is said by its last runs; the newest stands last; few queries however many sites."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from storage.board import STRIP, SiteRow, find_board, find_workers_board
from storage.engine import reading, transaction
from storage.runs import create_run, end_run, start_run, wait_run_for
from storage.tables import Run, SiteSession
from storage.workers import beat_worker, enter_worker, leave_worker, silence_worker


def board(store: Any, **later: float) -> dict[str, SiteRow]:
    with reading(store.engine) as session:
        return {row.name: row for row in find_board(session, now=store.now + timedelta(**later))}


def ended(store: Any, site_id: int, state: str, listings: int = 0) -> int:
    run = int(store.run(site_id))
    with transaction(store.engine) as session:
        session.get_one(Run, run).listings = listings
    store.end(run, state)
    return run


@pytest.mark.parametrize(
    ("state", "shown", "wanted"),
    [
        ("done", "fine", False),
        ("failed", "failed", True),
        ("lost", "lost", True),
        ("paused", "paused", True),
        ("cancelled", "cancelled", False),
    ],
)
def test_a_site_does_as_its_last_run_did(store: Any, state: str, shown: str, wanted: bool) -> None:
    site = store.site()
    ended(store, site, "done")
    ended(store, site, state)
    row = board(store)["oldport"]
    assert (row.state, row.needs_person) == (shown, wanted)


def test_a_site_without_runs_and_a_silent_one(store: Any) -> None:
    store.site()
    assert (board(store)["oldport"].state, board(store)["oldport"].needs_person) == ("never", False)
    ended(store, store.site(), "done")
    assert board(store, days=8)["oldport"].state == "silent"


def test_a_run_that_nobody_takes_is_late_and_one_that_waits_for_a_person_wants_one(store: Any) -> None:
    one = create_run(
        store.engine, verb="crawl", site_id=store.site(), by="ana", reason="", settings={}, now=store.now
    )
    assert board(store)["oldport"].state == "queued"
    assert board(store, minutes=11)["oldport"].state == "late"
    start_run(store.engine, run_id=one, worker="w", pid=None, now=store.now)
    assert board(store)["oldport"].state == "running"
    wait_run_for(store.engine, run_id=one, what="person", message="captcha", now=store.now)
    row = board(store)["oldport"]
    assert (row.state, row.needs_person) == ("waiting", True)


def test_a_gate_that_only_a_person_opens_counts_more_than_a_run_that_ended_well(store: Any) -> None:
    site = store.site()
    ended(store, site, "done")
    with transaction(store.engine) as session:
        session.add(SiteSession(site_id=site, account_key="", state="seized", since=store.now, circuit=""))
    assert board(store)["oldport"].state == "seized"


def test_the_last_fourteen_runs_stand_there_the_newest_last(store: Any) -> None:
    site = store.site()
    runs = [ended(store, site, "done") for _ in range(STRIP + 3)]
    assert [cell.id for cell in board(store)["oldport"].runs] == runs[3:]


@pytest.mark.parametrize(
    ("last", "unusual"), [(100, False), (75, False), (60, True), (170, True)], ids=["as ever", "few", "too few", "too many"]
)  # fmt: skip
def test_listings_stand_beside_what_healthy_runs_brought(store: Any, last: int, unusual: bool) -> None:
    site = store.site()
    for count in (100, 110, 95):
        ended(store, site, "done", count)
    ended(store, site, "done", last)
    row = board(store)["oldport"]
    assert (row.listings, row.usual, row.unusual) == (last, (95, 110), unusual)


def test_more_sites_are_not_more_queries(store: Any) -> None:
    counts = []
    for number in range(0, 12, 6):
        for extra in range(6):
            ended(store, store.site(f"site{number + extra}"), "done")
        seen: list[str] = []

        def note(connection: Any, cursor: Any, statement: str, *rest: Any, seen: list[str] = seen) -> None:
            seen.append(statement)

        event.listen(store.engine, "before_cursor_execute", note)
        board(store)
        event.remove(store.engine, "before_cursor_execute", note)
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_those_that_need_a_person_come_first(store: Any) -> None:
    ended(store, store.site("alpha"), "done")
    ended(store, store.site("omega"), "failed")
    assert list(board(store)) == ["omega", "alpha"]


def test_workers_that_live_and_those_that_fell_silent(store: Any) -> None:
    for name in ("here", "gone", "ended"):
        enter_worker(
            store.engine, name=name, host="h", pid=1, version="1", labels=["eu"], crawls=2, now=store.now
        )
    beat_worker(store.engine, name="here", tor="ready", free_bytes=7, now=store.now)
    silence_worker(store.engine, name="gone", beats=0)
    leave_worker(store.engine, name="ended", state="stopped", now=store.now)
    run = store.run(store.site(), start=False)
    start_run(store.engine, run_id=run, worker="here", pid=None, now=store.now)
    with reading(store.engine) as session:
        rows = find_workers_board(session)
    assert [(row.name, row.state, row.running) for row in rows] == [
        ("gone", "silent", 0),
        ("here", "ready", 1),
    ]
    end_run(store.engine, run_id=run, state="done", message="", now=store.now)
