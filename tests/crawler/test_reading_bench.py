"""The benchmark of the reader: it counts by the rules of the gold files, and says what is wrong with a folder."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import reading as bench  # noqa: E402
from benchmarks.gold import is_same, score_market  # noqa: E402

FIELDS = {
    "title": "Old white bangle 62g",
    "seller": "somebody",
    "price_amount": "1410.00",
    "coins": ["BTC"],
}


@pytest.fixture
def markets(tmp_path: Path) -> Path:
    folder = tmp_path / "markets" / "quayside" / "listing"
    folder.mkdir(parents=True)
    shutil.copy(HERE / "samples" / "label_table" / "page.html", folder / "00.html")
    gold = [{"page": "listing/00.html", "kind": "listing", "fields": FIELDS}]
    (folder.parent / "gold.json").write_text(json.dumps(gold))
    return tmp_path


def rows(text: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if len(line.split()) > 1}


@pytest.mark.parametrize("below", ["", "markets", "markets/quayside"])
def test_it_counts_right_missing_and_wrong(
    markets: Path, below: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.main([str(markets / below), "--out", str(markets / "out"), "--no-speed"]) == 0
    shown = rows(capsys.readouterr().out)
    assert shown["listing.title"] == ["1", "1", "0", "0", "0", "1.000"]
    assert shown["listing.price_amount"] == ["1", "1", "0", "0", "0", "1.000"]
    assert shown["listing.seller"] == ["1", "0", "0", "1", "0", "0.000"]
    assert shown["listing.coins"][1:4] in (["0", "1", "0"], ["0", "0", "1"])


def test_predictions_have_the_shape_of_gold(markets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main([str(markets), "--out", str(markets / "out"), "--no-speed"]) == 0
    found = json.loads((markets / "out" / "quayside" / "generic.json").read_text())
    assert [entry["page"] for entry in found] == ["listing/00.html"]
    assert found[0]["kind"] == "listing"
    assert found[0]["fields"]["price_amount"] == "1410.00"
    assert str(markets / "out") in capsys.readouterr().out


def test_a_market_without_adapter_is_read_all_the_same(
    markets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.main([str(markets), "--out", str(markets / "out"), "--no-speed"])
    assert "quayside: no adapter" in capsys.readouterr().out
    assert bench.predict("quayside", markets / "markets/quayside/listing/00.html", adapter=True) is None


def test_the_misses_are_shown_when_asked_for(markets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench.main([str(markets), "--misses", "5", "--no-speed", "--out", str(markets / "out")])
    assert 'listing.seller | wrong | gold "somebody"' in capsys.readouterr().out


def test_without_a_folder_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TUSKWATCH_BENCH_DATA", raising=False)
    assert bench.main([]) == 0
    assert capsys.readouterr().out.startswith("skipped: ")


def test_the_folder_may_come_from_the_environment(
    markets: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TUSKWATCH_BENCH_DATA", str(markets))
    assert bench.main(["--no-speed", "--out", str(markets / "out")]) == 0
    assert "quayside" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("gold", "said"),
    [
        ("[{", "is no JSON"),
        ("{}", "must hold a list"),
        ('[{"page": "listing/00.html"}]', 'entry 1: it must have "page", "kind" and "fields"'),
        ('[{"page": "listing/07.html", "kind": "listing", "fields": {}}]', "listing/07.html is not there"),
    ],
)
def test_a_broken_gold_file_is_named(
    markets: Path, capsys: pytest.CaptureFixture[str], gold: str, said: str
) -> None:
    (markets / "markets" / "quayside" / "gold.json").write_text(gold)
    assert bench.main([str(markets)]) == 2
    assert said in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main([str(tmp_path / "nowhere")]) == 2
    assert "nowhere is no folder" in capsys.readouterr().err
    assert bench.main([str(tmp_path)]) == 2
    assert "no folder in it has a gold.json" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["-m", "benchmarks.reading"], ["benchmarks/reading.py"]])
def test_it_runs_as_a_module_and_as_a_script(markets: Path, command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *command, str(markets), "--no-speed", "--out", str(markets / "out")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "quayside" in done.stdout


@pytest.mark.parametrize(
    ("name", "gold", "found", "same"),
    [
        ("title", "Old  Bangle", "old bangle", True),
        ("price_amount", "9478.97", "$9,478.970", True),
        ("price_amount", "9478.97", "9478.98", False),
        ("url", "./p/8831?x=1", "/p/8831?x=1", True),
        ("url", "http://a.onion/p/8831", "/p/8831", True),
        ("ships_to", ["Peru", "Chile"], ["chile", "peru"], True),
        ("category", ["Art", "Old"], ["Old", "Art"], False),
        ("pgp_key", True, "true", False),
        ("sold", "12", 12, True),
        ("title", "x", "", False),
    ],
)
def test_values_are_compared_by_the_rules(name: str, gold: Any, found: Any, same: bool) -> None:
    assert is_same(name, gold, found) is same


def invent(seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Gold entries of all shapes, and predictions that are right, wrong, missing or too many."""
    chance = random.Random(seed)
    gold: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []

    def spoil(value: Any) -> Any:
        roll = chance.random()
        if roll < 0.2:
            return None
        if roll < 0.4:
            return "something else"
        return f" {value} ".upper() if isinstance(value, str) and roll < 0.7 else value

    for number in range(80):
        page, kind = f"x/{number:02}.html", chance.choice(["listing", "search", "seller"])
        items = [
            {"title": f"thing {n}", "url": f"./p/{n}?a={n}", "price_amount": f"1,{n:03}.50", "prices_other": [{"amount": str(n), "currency": "BTC"}]}
            for n in range(chance.randrange(5))
        ]  # fmt: skip
        fields: dict[str, Any] = {
            "title": f"A thing {number}", "price_amount": str(number), "price_currency": "USD", "ships_to": ["Peru", "Chile"],
            "category": ["Art", "Old"], "pgp_key": chance.random() < 0.5, "items": items,
            "feedback_counts": {"positive": ["1", "2", "3"], "negative": ["0", "0", "0"]},
            "prices_other": [{"amount": "0.5", "currency": "XMR"}],
        }  # fmt: skip
        entry: dict[str, Any] = {"page": page, "kind": kind, "fields": fields}
        if number % 5 == 0:
            entry["kind_alt"] = ["home"]
            entry["alt"] = {"title": ["The other title"], "description": ["One", "Two"]}
        gold.append(entry)
        if number % 11 == 0:
            continue
        predicted = {name: spoil(value) for name, value in fields.items()}
        predicted["items"] = [
            {key: spoil(value) for key, value in item.items()}
            for item in chance.sample(items, len(items))
            if chance.random() < 0.8
        ] + [{"title": "too much"}] * chance.randrange(2)
        predicted["extra"] = chance.choice([None, "more"])
        predicted["description"] = chance.choice([None, "two", "three"])
        found.append({"page": page, "kind": chance.choice([kind, kind, "home", ""]), "fields": predicted})
    return gold, found


def test_the_counts_agree_with_the_scorer_that_came_with_the_gold_pages(tmp_path: Path) -> None:
    folder = os.environ.get("TUSKWATCH_BENCH_DATA", "")
    places = [Path(folder) / "score_extract.py", Path(folder).parent / "score_extract.py"] if folder else []
    scorer = next((place for place in places if place.is_file()), None)
    if scorer is None:
        pytest.skip(
            "TUSKWATCH_BENCH_DATA names no folder with score_extract.py, which is not in the repository"
        )
    gold, found = invent(7)
    (tmp_path / "gold.json").write_text(json.dumps(gold))
    (tmp_path / "found.json").write_text(json.dumps(found))
    arguments = [tmp_path / "gold.json", tmp_path / "found.json", "--json", tmp_path / "out.json"]
    subprocess.run([sys.executable, scorer, *map(str, arguments)], check=True, capture_output=True)
    table = json.loads((tmp_path / "out.json").read_text())["table"]
    theirs = {key: (t["ok"], t["missing"], t["wrong"], t["extra"]) for key, t in table.items()}
    ours = score_market(gold, found)
    assert {key: (c.exact, c.missing, c.wrong, c.extra) for key, c in ours.counts.items()} == theirs
    assert len(theirs) > 20


def test_invented_predictions_are_counted_in_full() -> None:
    gold, found = invent(8)
    score = score_market(gold, found)
    assert score.counts["kind"].total == len(gold)
    assert score.counts["kind"].missing >= 8
    for name in ("exact", "missing", "wrong", "extra"):
        assert sum(getattr(counts, name) for counts in score.counts.values()) > 10
    perfect = score_market(gold, gold)
    assert not perfect.misses
