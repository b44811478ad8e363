"""The one list: each kind of trouble stands on it with words, a command and a link, and leaves it when it is over."""

from __future__ import annotations

import re
import shutil
from collections import namedtuple
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from jobs import fleetneeds
from jobs.need import EVENTS, KINDS, LEVELS, Need
from jobs.needs import find_needs
from jobs.places import Places
from storage.engine import open_engine, transaction, upgrade
from storage.issues import raise_issue
from storage.mirrors import propose_addresses
from storage.needs import close_issues
from storage.notices import NewNotice, add_notices, find_due, settle_notices, take_notices
from storage.runs import create_run, end_run, start_run, wait_run_for
from storage.sessions import ensure_session, open_session
from storage.sites import register_site
from storage.tables import Run, Schedule, Worker

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Usage = namedtuple("Usage", "free")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Engine]]:
    """A database as it is made, and one engine for all tests: it keeps the statements that it has compiled."""
    folder = tmp_path_factory.mktemp("shared")
    upgrade(f"sqlite:///{folder}/pattern.db")
    engine = open_engine(f"sqlite:///{folder}/data/tuskwatch.db")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    yield folder, engine
    engine.dispose()


@pytest.fixture
def places(shared: tuple[Path, Engine], add_site: Callable[[Path, str], None]) -> Places:
    """A data folder that is new in each test, at the same place."""
    folder, engine = shared
    engine.dispose()
    data = folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    add_site(data, "oldport")
    shutil.copy(folder / "pattern.db", data / "tuskwatch.db")
    return Places(data=data, database_url=f"sqlite:///{data}/tuskwatch.db", engine_url="", models=folder)


@pytest.fixture
def engine(shared: tuple[Path, Engine], places: Places) -> Engine:
    return shared[1]


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How much is free on this machine's disk; a test may change it."""
    free = {"bytes": 10**12}
    monkeypatch.setattr(fleetneeds.shutil, "disk_usage", lambda path: Usage(free["bytes"]))
    return free


@pytest.fixture
def site(engine: Engine, now: datetime) -> int:
    onions = ["a" * 56 + ".onion"]
    return register_site(
        engine, name="oldport", title="Old Port", config_sha256="0", onions=onions, now=now - DAY
    )


def look(engine: Engine, places: Places, now: datetime, *kinds: str) -> list[Need]:
    found = find_needs(engine, places, now=now)
    for need in found:
        assert need.kind in KINDS
        assert need.kind not in EVENTS
        assert need.level in LEVELS
        assert need.words.endswith(".")
        assert need.what_to_do
        assert re.match(r"tuskwatch |timedatectl", need.command)
        assert need.link.startswith("/")
        assert len(need.subject) <= 120
        assert need.since is None or need.since.tzinfo is not None
    return [need for need in found if not kinds or need.kind in kinds]


def add_run(
    engine: Engine, site: int | None, at: datetime, *, verb: str = "crawl", start: bool = True
) -> int:
    run_id = create_run(engine, verb=verb, site_id=site, by="ana", reason="by hand", settings={}, now=at)
    if start:
        start_run(engine, run_id=run_id, worker="w", pid=1, now=at)
    return run_id


def test_a_quiet_installation_needs_nobody(engine: Engine, places: Places, site: int, now: datetime) -> None:
    assert look(engine, places, now) == []


def test_a_gate_stands_first(engine: Engine, places: Places, site: int, now: datetime) -> None:
    run_id = add_run(engine, site, now)
    ensure_session(engine, site_id=site, circuit="c", now=now)
    wait_run_for(engine, run_id=run_id, what="person", message="captcha: six letters", now=now)
    raise_issue(
        engine,
        site_id=site,
        run_id=run_id,
        page_id=None,
        kind="person-wanted",
        level="fail",
        message="m",
        now=now,
    )
    raise_issue(
        engine,
        site_id=site,
        run_id=run_id,
        page_id=None,
        kind="gate-captcha",
        level="fail",
        message="m",
        now=now,
    )
    (need,) = look(engine, places, now)
    assert (need.kind, need.level, need.subject, need.since) == ("gate", "now", f"run {run_id}", now)
    assert need.command == "tuskwatch session open oldport"
    assert (need.site, need.site_id, need.run_id, need.message) == (
        "oldport",
        site,
        run_id,
        "captcha: six letters",
    )


@pytest.mark.parametrize(
    ("state", "kind", "level", "command"),
    [
        ("failed", "run-failed", "soon", "tuskwatch run retry"),
        ("lost", "run-lost", "soon", "tuskwatch run retry"),
        ("paused", "run-paused", "later", "tuskwatch run resume"),
    ],
)
def test_runs_that_ended_badly(
    engine: Engine, places: Places, site: int, now: datetime, state: str, kind: str, level: str, command: str
) -> None:
    run_id = add_run(engine, site, now)
    end_run(engine, run_id=run_id, state=state, message="Tor is gone.", now=now)
    (need,) = look(engine, places, now)
    assert (need.kind, need.level, need.command, need.link) == (
        kind,
        level,
        f"{command} {run_id}",
        f"/runs/{run_id}",
    )
    assert (need.message, need.since) == ("Tor is gone.", now)
    assert look(engine, places, now + 40 * DAY, kind) == []
    add_run(engine, site, now)
    assert look(engine, places, now) == []


def test_a_verb_is_named(engine: Engine, places: Places, now: datetime) -> None:
    run_id = add_run(engine, None, now, verb="backup")
    end_run(engine, run_id=run_id, state="failed", message="", now=now)
    (need,) = look(engine, places, now)
    assert need.words == f"Run {run_id} (backup) failed."


def test_a_late_run_and_the_worker_that_is_missing(
    engine: Engine, places: Places, site: int, now: datetime
) -> None:
    run_id = add_run(engine, site, now, start=False)
    assert look(engine, places, now + HOUR / 7) == []
    late, worker = sorted(look(engine, places, now + HOUR), key=lambda need: need.kind)
    assert (late.kind, late.subject, late.since) == ("run-late", f"run {run_id}", now)
    assert (worker.kind, worker.level, worker.subject, worker.since) == ("worker", "now", "workers", now)
    add_worker(engine, now + HOUR)
    assert [need.kind for need in look(engine, places, now + HOUR)] == ["run-late"]


@pytest.mark.parametrize(
    ("ahead", "words"),
    [(2 * DAY, None), (5 * HOUR, "ends at 2026-11-22 17:00 UTC"), (-5 * HOUR, "has ended")],
)
def test_sessions_that_end(
    engine: Engine, places: Places, site: int, now: datetime, ahead: timedelta, words: str | None
) -> None:
    ensure_session(engine, site_id=site, account_key="k", circuit="c", now=now)
    open_session(
        engine, site_id=site, account_key="k", sealed=b"x", by="ana", expires_at=now + ahead, now=now
    )
    found = look(engine, places, now)
    assert [need.kind for need in found] == ([] if words is None else ["session"])
    for need in found:
        assert words is not None
        assert words in need.words
        assert need.command == "tuskwatch session open oldport --account NAME"


@pytest.mark.parametrize(
    ("kind", "level", "shown", "urgent"),
    [
        ("score-drift-language", "warn", "drift", "later"),
        ("drift-field-price", "fail", "drift", "soon"),
        ("limit-pages", "warn", "drift", "later"),
        ("canary", "fail", "tor", "now"),
        ("look-alike", "fail", "mirror", "soon"),
        ("reading", "fail", "issue", "later"),
        ("gate-seized", "fail", "issue", "later"),
        ("reading", "warn", None, None),
        ("mirror-proposed", "warn", None, None),
        ("schedule", "warn", None, None),
    ],
)
def test_issues(
    engine: Engine,
    places: Places,
    site: int,
    now: datetime,
    kind: str,
    level: str,
    shown: str | None,
    urgent: str | None,
) -> None:
    raise_issue(
        engine,
        site_id=site,
        run_id=None,
        page_id=None,
        kind=kind,
        level=level,
        message="what it says",
        now=now,
    )
    found = look(engine, places, now)
    assert [(need.kind, need.level) for need in found] == ([] if shown is None else [(shown, urgent)])
    for need in found:
        assert need.message == "what it says"
        assert need.what_to_do.endswith(f": tuskwatch needs close {need.issue_id}.")
        assert need.command == "tuskwatch site check oldport"
        assert need.issue_id is not None
        close_issues(engine, issue_id=need.issue_id, by="ana", note="", now=now)
    assert look(engine, places, now) == []


def test_all_drift_of_a_site_is_one_and_the_gravest_is_shown(
    engine: Engine, places: Places, site: int, now: datetime
) -> None:
    for kind, level in (
        ("drift-field-price", "fail"),
        ("drift-kinds", "warn"),
        ("score-drift-words", "warn"),
    ):
        raise_issue(
            engine, site_id=site, run_id=None, page_id=None, kind=kind, level=level, message=kind, now=now
        )
    (need,) = look(engine, places, now)
    assert (need.count, need.message, need.level, need.subject) == (
        3,
        "drift-field-price",
        "soon",
        f"drift of site {site}",
    )


def test_a_schedule_left_out_again_and_again(
    engine: Engine, places: Places, site: int, now: datetime
) -> None:
    for _ in range(3):
        raise_issue(
            engine,
            site_id=site,
            run_id=None,
            page_id=None,
            kind="schedule",
            level="warn",
            message="busy",
            now=now,
        )
    (need,) = look(engine, places, now)
    assert (need.kind, need.count) == ("schedule", 3)
    assert look(engine, places, now + 8 * DAY) == []


def add_schedule(engine: Engine, site: int | None, at: datetime, **values: Any) -> None:
    row = {"name": "nightly", "cron": "0 3 * * *", "by": "ana", "created_at": at, "site_id": site, **values}
    with transaction(engine) as session:
        session.add(Schedule(**row))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "cannot fire"),
        ({"next": HOUR}, None),
        ({"next": -HOUR / 7}, None),
        ({"next": -HOUR}, "should have fired"),
        ({"paused": True}, None),
    ],
)
def test_schedules_that_do_not_fire(
    engine: Engine, places: Places, site: int, now: datetime, values: dict[str, Any], says: str | None
) -> None:
    at = now + values.pop("next") if "next" in values else None
    add_schedule(engine, site, now, next_at=at, due_at=at, **values)
    add_worker(engine, now)
    found = look(engine, places, now, "schedule")
    assert len(found) == (says is not None)
    for need in found:
        assert says is not None
        assert says in need.words


def test_a_silent_site(engine: Engine, places: Places, site: int, now: datetime) -> None:
    add_schedule(engine, site, now, next_at=now + HOUR, due_at=now + HOUR)
    assert look(engine, places, now) == []
    (need,) = look(engine, places, now + 7 * DAY, "silent")
    assert (need.level, need.site, need.since) == ("soon", "oldport", now - DAY)


def test_mirrors_wait(engine: Engine, places: Places, site: int, now: datetime) -> None:
    run_id = add_run(engine, site, now)
    propose_addresses(
        engine, site_id=site, found={"b" * 56 + ".onion": "x"}, page_id=run_id, signed_by="f", now=now
    )
    (need,) = look(engine, places, now, "mirror")
    assert (need.count, need.level, need.command) == (1, "later", "tuskwatch mirror list oldport")
    assert "b" * 56 not in need.words


def test_a_site_file_that_is_wrong(engine: Engine, places: Places, site: int, now: datetime) -> None:
    path = places.sites / "oldport" / "site.yml"
    good = path.read_text()
    path.write_text(good + "speed: fast\n")
    (need,) = look(engine, places, now)
    assert (need.kind, need.level, need.site_id) == ("site-file", "now", site)
    assert "speed: is not known here" in need.message
    path.write_text(good)
    assert look(engine, places, now) == []


def add_worker(engine: Engine, at: datetime, name: str = "w1", **values: Any) -> None:
    row = {
        "name": name,
        "host": name,
        "started_at": at - DAY,
        "beat_at": at,
        "tor": "ready on 127.0.0.1:9050",
        **values,
    }
    with transaction(engine) as session:
        session.add(Worker(**row))


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, []),
        ({"free_bytes": 10**11}, []),
        ({"free_bytes": 2 * 10**9}, [("disk", "soon")]),
        ({"free_bytes": 10**8}, [("disk", "now")]),
        ({"free_bytes": 10**8, "state": "stopped"}, []),
        ({"tor": "could not be opened"}, [("tor", "soon")]),
        ({"tor": "not opened yet"}, []),
        ({"state": "silent"}, [("worker", "now")]),
        ({"state": "stopped"}, []),
        ({"ahead": 50}, []),
        ({"ahead": 61}, [("clock", "soon")]),
        ({"ahead": 86_400}, [("clock", "soon")]),
        ({"ahead": -60}, []),
        ({"ahead": -100}, [("worker", "now")]),
    ],
)
def test_a_worker(
    engine: Engine, places: Places, now: datetime, values: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    at = now + timedelta(seconds=values.pop("ahead", 0))
    add_worker(engine, at, **values)
    assert [(need.kind, need.level) for need in look(engine, places, now)] == found


def test_a_worker_that_others_hear_has_a_clock_that_is_behind(
    engine: Engine, places: Places, now: datetime
) -> None:
    add_worker(engine, now - HOUR)
    add_worker(engine, now, "w2")
    (need,) = look(engine, places, now)
    assert (need.kind, need.subject) == ("clock", "clock w1")
    assert "3,600 s behind" in need.words


def test_a_silent_worker_that_was_started_again_needs_nobody(
    engine: Engine, places: Places, now: datetime
) -> None:
    add_worker(engine, now - HOUR, state="silent", host="here")
    add_worker(engine, now, "w2", host="here", started_at=now - HOUR / 2)
    assert look(engine, places, now) == []


@pytest.mark.parametrize(("free", "level"), [(10**10, None), (4 * 10**9, "soon"), (10**8, "now")])
def test_the_disk_of_this_machine(
    engine: Engine, places: Places, now: datetime, room: dict[str, int], free: int, level: str | None
) -> None:
    room["bytes"] = free
    assert [(need.kind, need.level) for need in look(engine, places, now)] == (
        [] if level is None else [("disk", level)]
    )


def test_a_data_folder_that_is_gone(
    engine: Engine, places: Places, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise FileNotFoundError(2, "No such file or directory", str(path))

    monkeypatch.setattr(fleetneeds.shutil, "disk_usage", refuse)
    (need,) = look(engine, places, now)
    assert (need.kind, need.level) == ("disk", "now")


def test_notices_that_do_not_arrive(engine: Engine, places: Places, now: datetime) -> None:
    new = NewNotice("gate", "run 12", "now", "run 12 waits for a person", now)
    add_notices(engine, "mail", [new], now=now)
    with transaction(engine) as session:
        ids = [row.id for row in find_due(session, "mail", now=now)]
    settle_notices(engine, take_notices(engine, ids, now=now), sent=False, error="said 451", now=now)
    (need,) = look(engine, places, now)
    assert (need.kind, need.level, need.subject, need.message) == (
        "notice",
        "soon",
        "channel mail",
        "said 451",
    )


def test_a_file_of_notices_that_is_wrong(engine: Engine, places: Places, now: datetime) -> None:
    (places.data / "notices.yml").write_text("sms: {}\n")
    (places.data / "notices.yml").chmod(0o600)
    (need,) = look(engine, places, now)
    assert (need.kind, need.level) == ("notice", "now")
    assert "line 1: sms" in need.message


def test_run_waits_long_for_tor(engine: Engine, places: Places, site: int, now: datetime) -> None:
    from storage.runs import set_run

    run_id = add_run(engine, site, now)
    set_run(engine, run_id=run_id, state="waiting", message="", now=now, waits_for="tor")
    (need,) = look(engine, places, now + HOUR, "tor")
    assert (need.subject, need.level) == (f"run {run_id}", "soon")


def test_limits_come_from_the_file(
    engine: Engine, places: Places, now: datetime, room: dict[str, int]
) -> None:
    room["bytes"] = 50 * 10**9
    assert look(engine, places, now) == []
    (places.data / "notices.yml").write_text("needs: {disk_gb: 100}\n")
    (places.data / "notices.yml").chmod(0o600)
    assert [need.kind for need in look(engine, places, now)] == ["disk"]


def test_a_thousand_troubles_are_bounded(
    engine: Engine, places: Places, site: int, now: datetime, add_site: Callable[[Path, str], None]
) -> None:
    with transaction(engine) as session:
        session.add_all(
            [
                Run(
                    verb="crawl",
                    site_id=site,
                    state="queued",
                    by="ana",
                    created_at=now - timedelta(seconds=number),
                )
                for number in range(1_000)
            ]
        )
    found = look(engine, places, now + HOUR, "run-late")
    assert len(found) == 500
    assert found[0].since == now - timedelta(seconds=999)
