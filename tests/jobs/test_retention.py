"""The retention run: rules in plain words, a dry run that tells the truth, killed and gone on with, paused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, func, select, text

from jobs.places import Places, dump_places
from jobs.retention import RetentionCounts, remove_old
from jobs.retentionfile import FILE, RetentionError, RetentionRules, read_rules
from jobs.taskrun import do_by_hand
from jobs.tasks import run_task, start_task
from storage import audit
from storage.blobs import store_blob
from storage.engine import open_engine, reading, transaction, upgrade
from storage.runs import create_run, end_run, find_runs
from storage.sites import register_site
from storage.tables import (
    Audit,
    Blob,
    Frontier,
    Listing,
    Page,
    Reading,
    ReadingPage,
    Score,
    Seller,
    Sighting,
    Tombstone,
)
from storage.tombstones import check_tombstones

OLD = timedelta(days=400)


def write(places: Places, text: str) -> None:
    (places.data / FILE).write_text(text)


def remove_by_hand(
    places: Places, now: datetime, show: Callable[[int, int], None] | None = None
) -> tuple[int, RetentionCounts]:
    """As the command does it: (its run, what went)."""
    ended = do_by_hand(places, "retention", by="ana", clock=lambda: now, show=show)
    assert isinstance(ended.value, RetentionCounts)
    return ended.run_id, ended.value


def fill(places: Places, now: datetime, pages: int) -> Engine:
    """So many old pages, each a listing by a seller of its own, read and scored; then a young one."""
    engine = open_engine(places.database_url)
    old = now - OLD
    site = register_site(engine, name="oldport", title="Old", config_sha256="0" * 64, onions=[], now=old)
    for number in range(2):
        at = (old, now)[number]
        run = create_run(engine, verb="crawl", site_id=site, by="t", reason="", settings={}, now=at)
        with transaction(engine) as session:
            for place in range(pages if number == 0 else 1):
                key = f"{number}-{place}"
                row = Frontier(
                    site_id=site, sweep_id=run, url="http://s/", url_key=key, state="done", created_at=at
                )
                seller = Seller(site_id=site, name=key, first_seen=at, last_seen=at)
                session.add_all([row, seller])
                session.flush()
                page = Page(
                    site_id=site, run_id=run, frontier_id=row.id, url="http://s/", method="GET", request_headers=[],
                    response_headers=[], requested_at=at, received_at=at, status=200, circuit_token="",
                    body_sha256=store_blob(session, key.encode() * 50, now=at),
                )  # fmt: skip
                session.add(page)
                session.flush()
                read = Reading(
                    page_id=page.id, site_id=site, reader_version="r", pages_sha256="", kind="listing", confidence=1.0,
                    fields={}, leftovers=[], seen_at=at, content_sha256=key, created_at=at,
                )  # fmt: skip
                session.add(read)
                session.flush()
                listing = Listing(
                    site_id=site, key=key, source="listing", url="http://s/", seller_id=seller.id, reading_id=read.id,
                    content_sha256=key, first_seen=at, last_seen=at,
                )  # fmt: skip
                score = Score(
                    reading_id=read.id, model_version="m1", ivory=0, rhino_horn=0, tiger=0, thresholds={}, reasons={},
                    flagged=False, created_at=at,
                )  # fmt: skip
                session.add_all([listing, score, ReadingPage(reading_id=read.id, page_id=page.id)])
                session.flush()
                session.add(
                    Sighting(
                        listing_id=listing.id, run_id=run, page_id=page.id, reading_id=read.id, key=key, seen_at=at
                    )
                )  # fmt: skip
        end_run(engine, run_id=run, state="done", message="", now=at)
    return engine


def numbers(counts: RetentionCounts) -> RetentionCounts:
    return replace(counts, advice="")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pages: {keep: 7 days}", "line 1: pages.keep: is 30 to"),
        ("pages: {keep: soon}", '"365 days" or "forever"'),
        (
            "pages: {keep: 365 days}\nflagged: {keep: 100 days}",
            "line 2: flagged: is kept at least as long as pages",
        ),
        (
            "pages: {keep: 365 days}\naudit: {keep: 400 days}",
            "audit: is kept at least as long as flagged: for ever",
        ),
        ("flagged: {keep: 900 days}", "flagged: is kept at least as long as pages: for ever"),
        ("page: {keep: 365 days}", "page: is not known here"),
        ("pages: 365", "line 1: pages"),
        ("- pages", "must be a list of"),
        ("pages: {keep: 365 days", "line 1"),
    ],
)
def test_wrong_rules_are_named_by_line_and_remove_nothing(
    places: Places, now: datetime, text: str, words: str
) -> None:
    write(places, text)
    with pytest.raises(RetentionError) as caught:
        remove_old(places, run_id=None, now=now, dry_run=True)
    assert words in str(caught.value)
    assert "Nothing is removed" in str(caught.value)


def test_no_file_and_an_empty_one_keep_everything(places: Places, now: datetime) -> None:
    assert read_rules(places) == RetentionRules()
    fill(places, now, 2).dispose()
    assert remove_old(places, run_id=None, now=now, dry_run=True).rows == 0
    write(places, "# nothing yet\n")
    assert read_rules(places) == RetentionRules(there=True)


def test_a_dry_run_names_what_the_real_one_takes(places: Places, now: datetime) -> None:
    write(places, "pages: {keep: 365 days}")
    engine = fill(places, now, 7)
    expected = remove_old(places, run_id=None, now=now, dry_run=True)
    told: list[tuple[int, int]] = []
    run_id, removed = remove_by_hand(places, now, lambda done, total: told.append((done, total)))
    assert numbers(removed) == numbers(expected)
    assert (removed.pages, removed.listings, removed.bodies, removed.sellers, removed.addresses) == (
        7,
        7,
        7,
        7,
        7,
    )
    assert removed.oldest == removed.newest == now - OLD
    assert told[-1] == (7, 7)
    with reading(engine) as session:
        assert [(run.id, run.state) for run in find_runs(session, verb="retention")] == [(run_id, "done")]
        assert check_tombstones(session) == []
        assert audit.verify(session) == []
        assert session.scalar(select(func.count()).select_from(Tombstone)) == 28
    assert remove_old(places, run_id=None, now=now, dry_run=True).rows == 0
    engine.dispose()


def test_it_ends_after_the_batch_when_a_person_wishes_so(places: Places, now: datetime) -> None:
    write(places, "pages: {keep: 365 days}")
    engine = fill(places, now, 130)
    run_id = create_run(engine, verb="retention", site_id=None, by="t", reason="", settings={}, now=now)
    asked: list[int] = []

    def wished() -> str | None:
        asked.append(1)
        return "pause" if len(asked) > 1 else None

    counts = remove_old(places, run_id=run_id, now=now, dry_run=False, wished=wished)
    assert (counts.ended, counts.pages) == ("pause", 100)
    again = remove_old(places, run_id=run_id, now=now, dry_run=False)
    assert (again.ended, again.pages, again.bodies) == ("done", 30, 130)
    engine.dispose()


CHILD = """
import sys
import threading
from datetime import datetime
from jobs.places import load_places
import jobs.retention
from jobs.taskrun import do_by_hand
from jobs.tasks import run_task, start_task
jobs.retention.PAGES_A_BATCH = 4
places, now = load_places(sys.argv[1]), datetime.fromisoformat(sys.argv[2])
print("ready", flush=True)
do_by_hand(places, "retention", by="t", clock=lambda: now, show=lambda done, total: print(done, flush=True))
"""


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("database", "lines"),
    [
        ("sqlite", 1),
        ("sqlite", 4),
        ("sqlite", 9),
        pytest.param("postgresql", 1, marks=pytest.mark.postgres),
        pytest.param("postgresql", 7, marks=pytest.mark.postgres),
    ],
)
def test_killed_at_any_moment_it_goes_on(
    places: Places, now: datetime, repository: Path, database: str, lines: int, request: pytest.FixtureRequest
) -> None:
    """All or nothing of each batch; what was killed is said to be lost, and the next removal takes the rest."""
    if database == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        admin = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE killed_{lines}"))
        admin.dispose()
        places = replace(
            places, database_url=f"{server}/killed_{lines}", engine_url=f"{server}/killed_{lines}"
        )
        upgrade(places.database_url)
    write(places, "pages: {keep: 365 days}")
    engine = fill(places, now, 60)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, dump_places(places), now.isoformat()],
        cwd=repository,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    with child, child.stdout:
        for _ in range(lines):
            child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
    with reading(engine) as session:
        left = session.scalar(select(func.count()).select_from(Page)) or 0
        gone = session.scalar(select(func.count()).where(Tombstone.table_name == "page")) or 0
        assert left + gone == 61
        assert check_tombstones(session) == []
        assert audit.verify(session) == []
    _, counts = remove_by_hand(places, now)
    assert counts.pages == 60 - gone
    with reading(engine) as session:
        assert session.scalar(select(func.count()).select_from(Page)) == 1
        assert session.scalar(select(func.count()).select_from(Blob)) == 1
        assert {run.state for run in find_runs(session, verb="retention")} <= {"done", "lost"}
        assert check_tombstones(session) == []
        assert audit.verify(session) == []
        removed = [
            entry.detail["rows"].get("page", 0)
            for entry in session.scalars(select(Audit).where(Audit.action == "retention.remove"))
        ]
        assert sum(removed) == 60
    engine.dispose()


def test_a_worker_does_it_in_a_process_of_its_own(places: Places, now: datetime) -> None:
    write(places, "pages: {keep: 365 days}")
    engine = fill(places, now, 3)
    run_id = start_task(places, "retention", by="ana", reason="by hand", now=now)
    assert run_task(places, engine, run_id, stop=threading.Event(), clock=lambda: now) == "done"
    with reading(engine) as session:
        assert session.scalar(select(func.count()).select_from(Page)) == 1
        (run,) = find_runs(session, verb="retention")
        assert "3 pages" in run.message
    engine.dispose()
