"""What doctor finds of the fleet: one thing wrong at a time, each with what to do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.places import Places
from storage.engine import open_engine, transaction
from storage.runs import create_run
from storage.sites import register_site
from storage.tables import Schedule, Worker
from tuskwatch import fleethealth
from tuskwatch.commands import doctor
from tuskwatch.finding import Finding
from tuskwatch.fleethealth import check_files, check_limits, check_plans, check_workers
from tuskwatch.places import open_places

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


def levels(found: Iterator[Finding]) -> list[tuple[str, str]]:
    return [(finding.subject, finding.level) for finding in found]


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"state": "silent"}, "fell silent"),
        ({"version": "0.0.1"}, "is version 0.0.1"),
        ({"beat_at": NOW - timedelta(minutes=9)}, "last sign of life"),
    ],
)
def test_a_worker_that_is_not_well_is_named(places: Places, given: dict[str, Any], word: str) -> None:
    values = {"state": "ready", "version": fleethealth.version("tuskwatch"), "beat_at": NOW} | given
    add(places, Worker(name="w1", host="h1", pid=1, started_at=NOW, labels=[], **values))
    (found,) = check_workers(places)
    assert (found.level, word in found.text, bool(found.remedy)) == ("warn", True, True)


def test_a_worker_that_is_well_is_well(places: Places) -> None:
    add(
        places,
        Worker(name="w1", host="h1", pid=1, started_at=NOW, beat_at=NOW, labels=[],
               version=fleethealth.version("tuskwatch")),
    )  # fmt: skip
    assert levels(check_workers(places)) == [("fleet", "ok")]


def test_late_runs_and_schedules_that_did_not_fire_are_counted(places: Places) -> None:
    assert levels(check_plans(places)) == [("runs", "ok")]
    engine = open_engine(places.database_url)
    site_id = register_site(engine, name="oldport", title="O", config_sha256="0" * 64, onions=[], now=NOW)
    create_run(
        engine, verb="crawl", site_id=site_id, by="ana", reason="", settings={}, now=NOW - timedelta(hours=1)
    )
    engine.dispose()
    due = NOW - timedelta(hours=1)
    add(places, Schedule(name="s", cron="0 3 * * *", by="ana", created_at=NOW, next_at=due, due_at=due))
    assert levels(check_plans(places)) == [("runs", "warn"), ("schedules", "warn")]


def test_a_secret_file_that_others_can_read_is_named(places: Places) -> None:
    assert levels(check_files(places)) == [("files", "ok")]
    path = places.data / "notices.yml"
    path.write_text("password: x\n")
    path.chmod(0o644)
    (found,) = check_files(places)
    assert (found.level, found.remedy) == ("fail", f"chmod 600 {path}")


def test_a_key_inside_the_data_folder_is_named(places: Places) -> None:
    key = places.data / "key.age"
    key.touch(mode=0o600)
    assert ("key file", "fail") in levels(check_files(replace(places, key_file=key)))


def test_few_open_files_are_warned_of(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleethealth.resource, "getrlimit", lambda which: (256, 256))
    assert ("limits", "warn") in levels(check_limits(places))


def test_a_database_on_a_network_disk_is_named(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleethealth, "_find_shared_disk", lambda folder: "nfs4")
    assert ("disk", "fail") in levels(check_limits(places))


def test_the_disk_here_is_none_of_those(tmp_path: Path) -> None:
    assert fleethealth._find_shared_disk(tmp_path) == ""


def test_a_check_that_hangs_hides_no_other(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    forever = threading.Event()

    def check_something(places: Places) -> Iterator[Finding]:
        forever.wait()
        yield from ()

    monkeypatch.setattr(doctor, "PATIENCE", 0.1)
    monkeypatch.setattr(doctor.os, "getloadavg", lambda: (0.1, 0.1, 0.1))
    (found,) = doctor._within(check_something, places)
    forever.set()
    assert (found.subject, found.level, "no answer" in found.text) == ("something", "fail", True)


def test_nothing_is_said_twice_when_the_database_is_not_there(tmp_path: Path, places: Places) -> None:
    nowhere = replace(places, database_url=f"sqlite:///{tmp_path}/none.db")
    assert [*check_workers(nowhere), *check_plans(nowhere)] == []
