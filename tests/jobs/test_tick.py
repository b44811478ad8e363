"""The tick: one schedule of the engine, made once; a duty that fails keeps none of the others from being done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dbos import DBOSClient
from sqlalchemy import Engine

from jobs import tick
from jobs.engine import TICK_SCHEDULE, open_client
from jobs.errors import JobError
from jobs.places import Places
from storage.engine import open_engine

NOW = datetime(2026, 11, 22, 12, 0, 3, tzinfo=UTC)


@pytest.fixture
def engine(places: Places) -> Iterator[Engine]:
    engine = open_engine(places.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def client(places: Places) -> Iterator[DBOSClient]:
    with open_client(places) as client:
        yield client


def test_the_engine_has_one_schedule_however_many_workers_begin(
    places: Places, engine: Engine, client: DBOSClient
) -> None:
    for _ in range(3):
        tick.adopt_tick(places, engine, client, now=NOW)
    assert [each["schedule_name"] for each in client.list_schedules()] == [TICK_SCHEDULE]


def test_a_duty_that_fails_is_named_and_the_others_are_done(
    places: Places, engine: Engine, client: DBOSClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def fail(*given: Any) -> None:
        raise JobError("no")

    duties = (("bad", 15, fail), ("good", 15, lambda *given: done.append("good")))
    monkeypatch.setattr(tick, "DUTIES", duties)
    assert tick.do_tick(places, engine, client, now=NOW) == ["bad"]
    assert done == ["good"]


def test_rare_duties_are_done_once_in_their_time(
    places: Places, engine: Engine, client: DBOSClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []
    monkeypatch.setattr(tick, "DUTIES", (("rare", 60, lambda *given: done.append(1)),))
    for tenth in range(8):
        tick.do_tick(places, engine, client, now=NOW + timedelta(seconds=tick.TICK_SECONDS * tenth))
    assert len(done) == 2


def test_all_duties_can_be_done_on_an_empty_installation(
    places: Places, engine: Engine, client: DBOSClient
) -> None:
    assert tick.do_tick(places, engine, client, now=NOW) == []
