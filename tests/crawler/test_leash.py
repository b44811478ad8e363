"""A crawl ends when its worker is dead, hangs, or when its site was given to another crawl; and asks after a long sleep."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from crawler.leash import SLACK_SECONDS, WORKER_SECONDS, Leash, Unleashed
from storage.engine import open_engine, reading, transaction, upgrade
from storage.errors import FencedError
from storage.fencing import set_fence
from storage.runs import create_run, find_run, start_run, wish_run
from storage.sites import register_site
from storage.takeover import take_away
from storage.workers import beat_worker, enter_worker

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0
        self.parent = 77

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path}/t.db"
    upgrade(url)
    engine = open_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def run_id(engine: Engine) -> int:
    enter_worker(engine, name="w1", host="h", pid=1, version="1", labels=["worker"], crawls=4, now=NOW)
    site_id = register_site(
        engine, name="oldport", title="Oldport", config_sha256="0" * 64, onions=["a" * 56 + ".onion"], now=NOW
    )
    run_id = create_run(
        engine, verb="crawl", site_id=site_id, by="ana", reason="by hand", settings={}, now=NOW
    )
    run = start_run(engine, run_id=run_id, worker="w1", pid=None, now=NOW, fence=True)
    assert run.fence is not None
    set_fence(engine, site_id=site_id, fence=run.fence)
    return run_id


@pytest.fixture
def leash(engine: Engine, run_id: int, clock: Clock) -> Leash:
    return Leash(
        engine, run_id=run_id, worker="w1", now=lambda: NOW, clock=clock, parent=lambda: clock.parent
    )


def outside(engine: Engine) -> Engine:
    """Another process's view of the same database: not fenced."""
    return open_engine(str(engine.url))


def test_wishes_are_heard(engine: Engine, leash: Leash, run_id: int) -> None:
    assert leash.renew() is None
    wish_run(engine, run_id=run_id, wish="pause", by="ana", now=NOW)
    assert leash.renew() == "pause"


def test_a_crawl_whose_worker_died_ends(leash: Leash, clock: Clock) -> None:
    leash.renew()
    clock.parent = 1
    with pytest.raises(Unleashed, match="is gone"):
        leash.renew()


def test_a_crawl_whose_worker_hangs_ends(engine: Engine, leash: Leash, clock: Clock) -> None:
    leash.renew()
    clock.at += WORKER_SECONDS
    leash.renew()
    clock.at += 1
    with pytest.raises(Unleashed, match="no sign of life"):
        leash.renew()


def test_a_worker_that_beats_is_enough(engine: Engine, leash: Leash, clock: Clock) -> None:
    for _ in range(5):
        beat_worker(engine, name="w1", tor="", free_bytes=None, now=NOW)
        leash.renew()
        clock.at += WORKER_SECONDS + 1


def test_a_site_that_was_given_away_ends_the_crawl(engine: Engine, leash: Leash, run_id: int) -> None:
    other = outside(engine)
    assert take_away(other, run_id=run_id, message="taken", now=NOW)[0]
    with pytest.raises(FencedError):
        leash.renew()
    with pytest.raises(FencedError), transaction(engine):
        pass
    with reading(other) as session:
        run = find_run(session, run_id)
        assert run is not None
        assert (run.state, run.message) == ("lost", "taken")
    other.dispose()


def test_before_a_request_the_database_is_asked_after_a_long_sleep_only(
    engine: Engine, leash: Leash, run_id: int, clock: Clock
) -> None:
    other = outside(engine)
    leash.renew()
    take_away(other, run_id=run_id, message="taken", now=NOW)
    other.dispose()
    clock.at += SLACK_SECONDS - 1
    leash.check()  # a moment ago it was ours, and the next page's store would tell
    clock.at += 2
    with pytest.raises(FencedError):
        leash.check()
