"""One listing's past: prices with their worth, changed words, near copies, ratings; on the page and as JSON."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from storage.engine import open_engine


@pytest.fixture
def reader(seeded: Any, seed: ModuleType, browse: Callable[[str], Any]) -> Any:
    spec = importlib.util.spec_from_file_location(
        "tuskwatch_past_seed", Path(__file__).parent / "pastseed.py"
    )
    assert spec is not None
    assert spec.loader is not None
    past = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = past
    spec.loader.exec_module(past)
    engine = open_engine(seeded.places.database_url)
    past.add_past(engine, seed)
    engine.dispose()
    return browse("reader")


@pytest.fixture
def text(reader: Any, seeded: Any) -> str:
    page: str = reader.get(f"/listings/{seeded.listings['1000']}").text
    return page


@pytest.fixture
def told(reader: Any, seeded: Any) -> Any:
    answer = reader.get(f"/listings/{seeded.listings['1000']}.json")
    assert answer.headers["content-type"] == "application/json"
    return json.loads(answer.text)


def test_the_page_shows_prices_with_their_worth_at_the_day_s_rate(text: str) -> None:
    assert "Seen 7 times, 2 of them on a list only" in text
    assert re.search(r'<polyline points="[0-9., ]+"/>', text)
    assert "EUR 480.00" in text
    assert "about USD 564.20 at the rate of 2026-12-18" in text
    assert "invented bank" in text


def test_the_page_shows_which_words_changed_and_runs_none_of_them(text: str) -> None:
    assert "<del>" in text
    assert re.search(r"<ins><bdi[^>]*>Two small cracks", text)
    assert "<script>alert" not in text
    assert "<img src=x" not in text


def test_the_page_ties_near_copies_with_whose_they_are(text: str) -> None:
    copies = text[text.index('id="copies"') :]
    for words in ("same seller", "another seller of this site", "another site", "Grey Hall", "mekongdry"):
        assert words in copies
    assert len(re.findall(r'<td class="title"><a href="/listings/\d+"', copies)) == 3


def test_the_page_counts_ratings_as_signs_of_sales_without_buyers(text: str) -> None:
    assert "3 ratings of this listing: 1 good, 1 neutral, 1 bad." in text
    assert "The seller has 4 in all." in text
    assert "Never came." in text
    assert "greyheron77" not in text


def test_the_twin_says_the_same(told: Any) -> None:
    assert told["sightings"] == {"count": 7, "of_cards": 2}
    assert [step["amount"] for step in told["prices"]] == [
        "520.00",
        "480.00",
        "520.00",
        "395.00",
        "430.00",
        None,
    ]
    assert told["prices"][1]["seen_on"] == "card"
    assert told["prices"][0]["worth"]["amount"] == "564.20000"
    assert [change["field"] for change in told["changes"]] == ["description", "description"]
    assert told["near_copies"]["count"] == 3
    assert {copy["kind"] for copy in told["near_copies"]["shown"]} == {
        "same_seller",
        "other_seller",
        "other_site",
    }
    assert (told["ratings"]["count"], told["ratings"]["of_the_seller"]) == (3, 4)
    assert told["key"] == "1000"
    assert told["description"].startswith("Up for sale")
    assert "[.]onion" in told["address"]
    assert "buyer" not in json.dumps(told)


def test_a_listing_of_a_card_says_so(reader: Any) -> None:
    ids = re.findall(r'href="/listings/(\d+)"', reader.get("/listings?text=card+only").text)
    assert len(set(ids)) == 1
    assert "a card on a list: its own page was not fetched yet" in reader.get(f"/listings/{ids[0]}").text


@pytest.mark.parametrize(
    "path", ["/listings/999999.json", "/listings/x.json", "/listings/0.json", "/listings/.json"]
)
def test_no_such_listing_has_no_twin(reader: Any, path: str) -> None:
    assert reader.get(path).status == 404


def test_a_listing_seen_once_has_a_short_past(reader: Any, seeded: Any) -> None:
    page = reader.get(f"/listings/{seeded.listings['1007']}").text
    assert "Seen 1 time:" in page
    for part in ('id="copies"', 'id="ratings"', "<polyline", "What changed"):
        assert part not in page


def test_the_twin_is_for_those_who_may_read(stranger: Any, seeded: Any) -> None:
    assert stranger.get(f"/listings/{seeded.listings['1000']}.json").status == 303
