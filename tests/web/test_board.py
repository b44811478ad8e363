"""The board as a page, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest


def test_the_board_shows_each_site_with_its_runs(browse: Any) -> None:
    text = browse("analyst").get("/board").text
    assert "Old Port Market" in text
    assert 'href="/runs/1"' in text
    assert ">fine<" in text or "fine</span>" in text


def test_the_twins_say_the_same(browse: Any) -> None:
    rows = json.loads(browse("analyst").get("/board.json").body)["sites"]
    table = list(csv.DictReader(io.StringIO(browse("analyst").get("/board.csv").text)))
    assert {row["site"] for row in rows} == {row["site"] for row in table} >= {"oldport"}
    assert {row["site"]: row["state"] for row in rows} == {row["site"]: row["state"] for row in table}


@pytest.mark.parametrize("query", ["?show=needs", "?show=fine", "?page=9"])
def test_a_part_of_the_board(browse: Any, query: str) -> None:
    assert browse("analyst").get(f"/board{query}").status == 200


@pytest.mark.parametrize("query", ["?show=everything", "?page=0", "?page=x"])
def test_a_query_that_cannot_be_is_refused_in_words(browse: Any, query: str) -> None:
    assert browse("analyst").get(f"/board{query}").status == 400
