"""The engine's rows are JSON, never pickle, and its settings keep it to itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest

from jobs.engine import JsonSerializer, engine_config, open_client, prepare_engine
from jobs.errors import JobError
from jobs.places import Places
from jobs.runs import enqueue_run

SINGAPORE = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    "value",
    [
        {"args": [7], "kwargs": {}},
        {"args": [datetime(2026, 11, 23, 3, 15, tzinfo=SINGAPORE), {"site": "oldport"}], "kwargs": {}},
        None,
        "text with ünïcode",
    ],
)
def test_values_come_back(value: object) -> None:
    serializer = JsonSerializer()
    assert serializer.deserialize(serializer.serialize(value)) == value


def test_an_error_comes_back_as_words() -> None:
    serializer = JsonSerializer()
    back = serializer.deserialize(serializer.serialize(ValueError("broken")))
    assert isinstance(back, JobError)
    assert str(back) == "ValueError: broken"


def test_anything_else_is_refused() -> None:
    with pytest.raises(TypeError, match="has no place in the queue"):
        JsonSerializer().serialize(object())


def test_nothing_pickled_reaches_the_database(places: Places) -> None:
    with open_client(places) as client:
        enqueue_run(client, 5, site="oldport")
    with closing(sqlite3.connect(places.data / "engine.db")) as database:
        text = "\n".join(database.iterdump())
    assert '{"args": [5], "kwargs": {}}' in text
    assert "gASV" not in text  # what a pickle begins with, in the base64 that DBOS would use


def test_the_engine_is_told_to_talk_to_nobody(places: Places) -> None:
    config = engine_config(places, executor="x")
    assert config["enable_otlp"] is False
    assert not {"conductor_key", "conductor_url", "otlp_traces_endpoints", "otlp_logs_endpoints"} & set(
        config
    )


def test_the_engine_database_is_for_its_owner_only(places: Places) -> None:
    prepare_engine(places)
    assert (places.data / "engine.db").stat().st_mode & 0o777 == 0o600
