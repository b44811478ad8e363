"""What doctor finds of disks, clocks and pins, and what it says of a broken installation."""

from __future__ import annotations

from collections import namedtuple
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.places import Places
from storage.engine import open_engine, transaction
from storage.growth import Growth
from storage.sites import register_site
from storage.tables import Schedule, Worker
from tuskwatch.health import check_database
from tuskwatch.places import open_places
from tuskwatch.spacehealth import check_growth, check_machines, check_pins

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time at which the test begins: all tests together take longer than a sign of life may be old."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC))


@pytest.fixture
def places(tuskwatch: Any) -> Places:
    return open_places(tuskwatch.data)


def add(places: Places, *rows: Any) -> None:
    engine = open_engine(places.database_url)
    with transaction(engine) as session:
        session.add_all(rows)
    engine.dispose()


@pytest.mark.parametrize(("days", "level"), [(1, "fail"), (9, "warn"), (900, "ok")])
def test_how_long_the_disk_lasts(
    places: Places, monkeypatch: pytest.MonkeyPatch, days: int, level: str
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(0, 0, days * 1_000_000))
    monkeypatch.setattr("storage.growth.measure_growth", lambda session, now: Growth(5, 1_000_000.0))
    (found,) = check_growth(places)
    assert (found.level, f"lasts {days:,} days" in found.text) == (level, True)


def test_an_empty_database_does_not_grow(places: Places) -> None:
    (found,) = check_growth(places)
    assert (found.level, "0.000 GB a day" in found.text) == ("ok", True)


def test_a_full_disk_and_a_clock_ahead_of_another_machine(places: Places) -> None:
    ahead = NOW + timedelta(minutes=9)
    add(
        places,
        Worker(name="w1", host="h1", started_at=NOW, beat_at=NOW, labels=[], free_bytes=10),
        Worker(name="w2", host="h2", started_at=NOW, beat_at=ahead, labels=[]),
    )
    assert [(found.subject, found.level) for found in check_machines(places)] == [
        ("disk", "warn"),
        ("clocks", "warn"),
    ]


@pytest.mark.parametrize(("labels", "count"), [([], 1), (["north"], 0)])
def test_a_site_that_no_worker_is_for(places: Places, labels: list[str], count: int) -> None:
    path = places.sites / "oldport" / "site.yml"
    path.write_text(path.read_text() + "worker: north\n")
    engine = open_engine(places.database_url)
    site = register_site(engine, name="oldport", title="O", config_sha256="0" * 64, onions=[], now=NOW)
    engine.dispose()
    add(
        places,
        Schedule(name="s", cron="0 3 * * *", by="ana", created_at=NOW, next_at=NOW, due_at=NOW, site_id=site),
        Worker(name="w1", host="h1", started_at=NOW, beat_at=NOW, labels=labels),
    )
    found = [each for each in check_pins(places) if '"north"' in each.text]
    assert [each.level for each in found] == ["warn"] * count


@pytest.mark.parametrize("kind", ["garbage", "cut", "empty", "folder"])
def test_a_broken_database_is_said_in_words(places: Places, kind: str) -> None:
    path = Path(places.data / "tuskwatch.db")
    whole = path.read_bytes()
    for name in ("tuskwatch.db", "tuskwatch.db-wal", "tuskwatch.db-shm"):
        (places.data / name).unlink(missing_ok=True)
    if kind == "folder":
        path.mkdir()
    else:
        path.write_bytes({"garbage": b"no database " * 500, "cut": whole[:5000], "empty": b""}[kind])
    found = list(check_database(places))
    assert "fail" in {each.level for each in found}
    assert all(each.remedy for each in found if each.level == "fail")
    assert [*check_growth(places), *check_machines(places), *check_pins(places)] == []
