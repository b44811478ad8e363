"""The training corpus keeps its own rules, and a corpus that does not is refused with file and line."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from classifier.ads import Ad, CorpusError, find_near_copies, load_corpus
from storage.tables import GROUPS

GOOD: dict[str, Any] = {
    "id": "x-1", "language": "en", "labels": ["ivory"], "kind": "offer", "form": "tusk", "title": "A tusk",
    "text": "One tusk, 3 kg.", "batch": "x",
}  # fmt: skip


@pytest.fixture(scope="module")
def ads(repository: Path) -> list[Ad]:
    return load_corpus(repository / "classifier" / "corpus")


def test_every_file_of_the_corpus_is_valid(ads: list[Ad]) -> None:
    assert len(ads) > 1000


def test_most_of_the_corpus_offers_nothing(ads: list[Ad]) -> None:
    assert sum(not ad.labels for ad in ads) > len(ads) * 0.55


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_is_offered_in_many_languages(ads: list[Ad], group: str) -> None:
    assert len({ad.language for ad in ads if group in ad.labels}) >= 15


def test_no_text_is_a_near_copy_of_another(ads: list[Ad]) -> None:
    pairs = find_near_copies([ad.joined for ad in ads])
    assert [(ads[one].id, ads[other].id) for one, other in pairs] == []


def test_there_are_enough_batches_to_hold_some_back(ads: list[Ad]) -> None:
    assert len(Counter(ad.batch for ad in ads)) >= 6


def test_near_copies_are_found() -> None:
    texts = [
        "Two ivory bangles, 61 g each, from Lagos",
        "Two IVORY bangles, 61 g each from Lagos!",
        "Weed, 3 g",
    ]
    assert find_near_copies(texts) == [(0, 1)]


BROKEN = [
    ("not json", "not a JSON object"),
    ("[1]", "exactly the fields"),
    (json.dumps({**GOOD, "labels": ["panda"]}), "labels must be"),
    (json.dumps({**GOOD, "labels": ["ivory", "ivory"]}), "labels must be"),
    (json.dumps({**GOOD, "kind": "advert"}), "unknown kind"),
    (json.dumps({**GOOD, "kind": "wanted"}), "only an offer carries labels"),
    (json.dumps({**GOOD, "language": "xx"}), "unknown language"),
    (json.dumps({**GOOD, "id": "No good"}), "is not an id"),
    (json.dumps({**GOOD, "title": "", "text": " "}), "neither title nor text"),
    (json.dumps({**GOOD, "title": 7}), "are text"),
    (json.dumps({**GOOD, "batch": ""}), "no batch"),
    (json.dumps({key: GOOD[key] for key in GOOD if key != "form"}), "exactly the fields"),
]


@pytest.mark.parametrize(("line", "message"), BROKEN)
def test_a_broken_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "x.jsonl").write_text(line + "\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"x\.jsonl:1") as caught:
        load_corpus(tmp_path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "is used already"),
        ({"id": "x-2"}, "the same text"),
        ({"id": "x-2", "title": "A T u S K"}, "the same text"),
    ],
)
def test_ids_and_texts_stand_once(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    second = {**GOOD, **change}
    if change.get("title"):
        second["title"] = "A TUSK"
    (tmp_path / "x.jsonl").write_text(f"{json.dumps(GOOD)}\n{json.dumps(second)}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        load_corpus(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no corpus files"):
        load_corpus(tmp_path)
