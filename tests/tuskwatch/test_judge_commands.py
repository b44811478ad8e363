"""`score`, `explain` and `evaluate`: texts in, opinions out, bad lines named and passed over."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

TUSK = {
    "id": "a",
    "title": "Elephant tusk 4 kg",
    "text": "Raw tusk for sale, no papers. 2000 usd in xmr.",
    "shop": 7,
}
WEED = {"id": "b", "title": "White Rhino seeds", "body": "Indica strain, THC 20 %."}


def _lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_lines_come_back_with_scores_in_their_order(bare: Callable[..., Result]) -> None:
    done = bare("score", stdin=_lines(TUSK, WEED))
    assert done.exit_code == 0
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert first["id"] == "a"
    assert first["shop"] == 7
    assert first["text"] == TUSK["text"]
    assert (first["flag"], first["zone"], first["kind"]) == (["ivory"], "flag", "offer")
    assert (second["flag"], second["zone"]) == ([], "pass")
    assert all(0 <= row[group] <= 1 for row in (first, second) for group in ("ivory", "rhino_horn", "tiger"))


def test_reasons_are_places_of_the_text(bare: Callable[..., Result]) -> None:
    done = bare("score", "--reasons", stdin=_lines(TUSK))
    row = json.loads(done.stdout)
    reason = row["reasons"]["ivory"][0]
    whole = TUSK["title"] if reason["part"] == "title" else TUSK["text"]
    assert str(whole)[reason["start"] : reason["end"]] == reason["text"]
    assert reason["text"] in reason["say"]


def test_a_bad_line_is_named_and_the_rest_is_scored(bare: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_bytes(b"{broken\n" + _lines(TUSK).encode() + b'\xff\xfe{"id": 1}\n[]\n')
    done = bare("score", str(file))
    assert done.exit_code == 1
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["a"]
    assert all(f"Line {number} was left out" in done.stderr for number in (1, 3, 4))


def test_a_file_that_is_not_there_is_said(bare: Callable[..., Result]) -> None:
    for command in ("score", "evaluate"):
        done = bare(command, "/nowhere/texts.jsonl")
        assert done.exit_code == 2
        assert "cannot be read" in done.stderr


def test_an_explanation_names_the_words(bare: Callable[..., Result]) -> None:
    done = bare("explain", "Raw elephant tusk, no papers, price per kilo", "--title", "Old tusk")
    assert done.exit_code == 0
    assert "speaks for ivory" in done.stdout
    assert "tusk" in done.stdout


def test_a_model_is_held_against_labelled_texts(bare: Callable[..., Result]) -> None:
    rows = _lines(
        {**TUSK, "labels": ["ivory"], "kind": "offer", "lang": "en"}, {**WEED, "labels": [], "kind": "decoy"}
    )
    done = bare("evaluate", "-", "--json", stdin=rows)
    figures = json.loads(done.stdout)
    assert figures["groups"]["ivory"]["recall"] == 1
    assert figures["any"]["false_flags"] == 0
    assert figures["kinds"]["decoy"]["texts"] == 1
    table = bare("evaluate", "-", stdin=rows)
    assert "Macro-F1" in table.stdout
    wrong = bare("evaluate", "-", stdin='{"id": 1}\n')
    assert wrong.exit_code == 2
    assert "line 1: labels must be a list" in wrong.stderr
