"""Stored pages read over again: what changed is shown first, stored only when agreed, and nothing is lost in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select
from typer.testing import CliRunner

from crawler.extract import READER_VERSION
from crawler.sites import load_site
from jobs.errors import JobError, UsageError
from jobs.places import Places
from jobs.redo import commit_again, drop_again, read_again
from jobs.sites import register
from storage.engine import open_engine, reading, transaction
from storage.pages import Fetched, store_page
from storage.readings import ReadingRow, store_readings
from storage.runs import create_run, end_run, start_run
from storage.tables import Listing, Page, Reading, Run
from tuskwatch.cli import app

KINDS = "kinds: {{listing: ['^/p/(?P<key>[0-9]+)$']}}\n"
PAGES = 4


def write_page(number: int) -> bytes:
    return (
        f"<html><head><title>Invented oldport</title></head><body><h1>Carved spoon number {number}</h1>"
        f"<table><tr><td>Price</td><td>USD {number + 40}.50</td></tr><tr><td>Vendor</td><td>spoonmaker</td></tr>"
        "<tr><td>Ships from</td><td>Norway</td></tr></table>"
        f"<h2>Description</h2><p>A spoon of birch wood with the number {number}, smooth and oiled, for soup.</p>"
        "</body></html>"
    ).encode()


@pytest.fixture
def filled(places: Places, now: datetime) -> Iterator[tuple[Places, Engine]]:
    """Four ads of one site, each read long ago by a reader that took the price for ten times as much."""
    file = places.data / "sites" / "oldport" / "site.yml"
    file.write_text(file.read_text() + KINDS.format())
    engine = open_engine(places.database_url)
    site_id = register(engine, load_site(file.parent), now=now)
    run_id = create_run(engine, verb="crawl", site_id=site_id, by="test", reason="", settings={}, now=now)
    start_run(engine, run_id=run_id, worker="w", pid=None, now=now)
    for number in range(PAGES):
        page = Fetched(
            site_id=site_id, run_id=run_id, frontier_id=None, attempt=1, hop=0, url=f"http://x.onion/p/{number}",
            method="GET", request_headers=(), requested_at=now, status=200, reason="OK", response_headers=(),
            received_at=now + timedelta(days=number), body=write_page(number), content_type="text/html",
            content_encoding="", circuit_token="0" * 64,
        )  # fmt: skip
        store_page(engine, page, now=now)
    end_run(engine, run_id=run_id, state="done", message="", now=now)
    store_readings(engine, [old_row(site_id, run_id, number, now) for number in range(PAGES)], now=now)
    yield places, engine
    engine.dispose()


def old_row(site_id: int, run_id: int, number: int, now: datetime) -> ReadingRow:
    wrong = {"value": f"{number + 40}5.0", "raw": "?", "where": "", "sure": 0.5}
    return ReadingRow(
        page_ids=(number + 1,), site_id=site_id, run_id=run_id, reader_version="generic-0", kind="listing",
        confidence=0.9, title=f"Carved spoon number {number}", description="", fields={"price_amount": wrong},
        leftovers=[], content_sha256=f"{number:064}", key=str(number), source="listing",
        url=f"http://x.onion/p/{number}", seller="spoonmaker", seen_at=now,
    )  # fmt: skip


def count(engine: Engine, table: type) -> int:
    with reading(engine) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_what_changed_is_told_before_anything_is_stored(filled: tuple[Places, Engine]) -> None:
    places, engine = filled
    redo = read_again(places, workers=1)
    assert redo.version == READER_VERSION
    assert redo.tally.pages == PAGES
    assert redo.tally.fields["price_amount"] == {"changed": PAGES}
    assert redo.tally.fields["title"] == {"same": PAGES}
    assert redo.tally.fields["ships_from"] == {"new": PAGES}
    shown = redo.tally.examples["price_amount changed"][0]
    assert (shown.page_id, shown.old, shown.new) == (1, "405.0", "40.50")
    assert count(engine, Reading) == PAGES


def test_agreed_readings_stand_beside_the_old_ones(filled: tuple[Places, Engine], now: datetime) -> None:
    places, engine = filled
    counts = commit_again(places, read_again(places, workers=1), by="ana", now=now)
    assert (counts.readings, counts.new_listings, counts.changed) == (PAGES, 0, PAGES)
    with reading(engine) as session:
        versions = session.scalars(select(Reading.reader_version).where(Reading.page_id == 1)).all()
        listing = session.scalars(select(Listing).where(Listing.key == "0")).one()
        run = session.scalars(select(Run).where(Run.verb == "extract")).one()
    assert versions == ["generic-0", READER_VERSION]
    assert str(listing.price_amount) == "40.50"
    assert (run.state, run.by, run.settings["readings"]) == ("done", "ana", PAGES)
    assert not list((places.data / "redo").iterdir())


def test_the_second_time_nothing_is_left_to_store(filled: tuple[Places, Engine], now: datetime) -> None:
    places, _ = filled
    commit_again(places, read_again(places, workers=1), by="ana", now=now)
    redo = read_again(places, workers=1)
    assert redo.tally.readings == 0
    assert redo.version == f"{READER_VERSION}#2"


def test_pages_before_a_day_and_of_other_sites_are_left_alone(
    filled: tuple[Places, Engine], now: datetime
) -> None:
    places, _ = filled
    assert read_again(places, since=now + timedelta(days=2), workers=1).tally.pages == 2
    with pytest.raises(UsageError, match="newport"):
        read_again(places, site="newport", workers=1)


def test_an_interrupted_redo_goes_on_where_it_stopped(
    filled: tuple[Places, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    places, _ = filled
    monkeypatch.setattr("jobs.redo.BATCH", 1)
    first = read_again(places, workers=1)
    (first.folder / "000002.json.zst").unlink()
    (first.folder / "000002.json.zst.77.part").write_bytes(b"half")
    again = read_again(places, workers=2)
    assert (first.resumed, again.resumed) == (0, PAGES - 1)
    assert again.tally == first.tally


def test_storing_that_was_interrupted_is_carried_through(
    filled: tuple[Places, Engine], now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    places, engine = filled
    monkeypatch.setattr("jobs.redo.BATCH", 2)
    redo = read_again(places, workers=1)
    calls: list[int] = []

    def stop(done: int, known: int) -> None:
        calls.append(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        commit_again(places, redo, by="ana", now=now, progress=stop)
    assert (calls, count(engine, Reading)) == ([1], PAGES + 2)
    redo = read_again(places, workers=1)
    assert redo.agreed
    commit_again(places, redo, by="ana", now=now)
    assert count(engine, Reading) == 2 * PAGES


def test_pages_that_came_meanwhile_do_not_disturb_it(
    filled: tuple[Places, Engine], now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    places, engine = filled
    monkeypatch.setattr("jobs.redo.BATCH", 2)
    first = read_again(places, workers=1)
    with transaction(engine) as session:
        page = session.get_one(Page, 1)
        fields = {c.name: getattr(page, c.name) for c in Page.__table__.columns if c.name != "id"}
        session.add(Page(**fields | {"attempt": 2, "url": "http://x.onion/p/9"}))
    again = read_again(places, workers=1)
    assert (again.resumed, again.pages) == (2, first.pages)


def test_a_damaged_file_is_named(filled: tuple[Places, Engine], now: datetime) -> None:
    places, engine = filled
    redo = read_again(places, workers=1)
    (redo.folder / "000000.json.zst").write_bytes(b"nothing of ours")
    with pytest.raises(JobError, match=r"000000\.json\.zst cannot be read"):
        commit_again(places, replace(redo), by="ana", now=now)
    assert count(engine, Reading) == PAGES


def test_a_dropped_redo_leaves_nothing(filled: tuple[Places, Engine]) -> None:
    places, engine = filled
    drop_again(read_again(places, workers=1))
    assert not list((places.data / "redo").iterdir())
    assert count(engine, Reading) == PAGES


def test_an_empty_store_says_so(places: Places) -> None:
    with pytest.raises(UsageError, match="no stored page"):
        read_again(places)


def test_the_command_asks_first(filled: tuple[Places, Engine]) -> None:
    places, engine = filled

    def run(*arguments: str) -> tuple[int, dict[str, object]]:
        given = ["--data", str(places.data), "extract", "--again", "--jobs", "1", "--json", *arguments]
        done = CliRunner().invoke(app, given)
        return done.exit_code, json.loads(done.stdout)

    code, said = run()
    assert (code, said["readings_that_differ"], said["stored"]) == (2, PAGES, 0)
    assert count(engine, Reading) == PAGES
    code, said = run("--yes")
    assert (code, said["stored"]) == (0, PAGES)
    assert count(engine, Reading) == 2 * PAGES
