"""Numbers for monitoring: off by default, for this machine only, without a name of a site."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from web.app import WebSettings, make_app


@pytest.fixture
def measured(seeded: Any, seed: Any, make_browser: Any) -> Iterator[Any]:
    app = make_app(WebSettings(places=seeded.places, metrics=True), clock=lambda: seed.NOW)
    yield make_browser(app)
    app.state.web.engine.dispose()


def read(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(text)
    }


def test_they_are_off_by_default(stranger: Any) -> None:
    assert stranger.get("/metrics").status == 404


def test_they_count_what_is_there(measured: Any) -> None:
    answer = measured.get("/metrics")
    assert answer.status == 200
    found = read(answer.text)
    assert found["tuskwatch_runs"][("done", "crawl")] >= 1  # labels by their names
    assert found["tuskwatch_listings"][()] > 10
    assert found["tuskwatch_database_bytes"][()] > 100_000
    assert [*found["tuskwatch_build_info"].values()] == [1]
    assert "process_cpu_seconds" in found


def test_no_site_is_named(measured: Any) -> None:
    text = measured.get("/metrics").text.lower()
    assert "oldport" not in text
    assert ".onion" not in text


@pytest.mark.parametrize("name", ["forwarded", "x-forwarded-for", "x-real-ip", "via"])
def test_nobody_gets_them_through_a_proxy(measured: Any, name: str) -> None:
    assert measured.get("/metrics", headers={name: "10.0.0.7"}).status == 404


def test_under_another_name_they_are_not_given(measured: Any) -> None:
    assert replace(measured, host="tuskwatch.example").get("/metrics").status != 200
