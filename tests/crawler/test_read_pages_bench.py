"""The benchmark of the reader: it says when its pages are missing, and counts right and wrong on invented ones."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "read_pages", HERE.parent.parent / "benchmarks" / "read_pages.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(bench: ModuleType, monkeypatch: pytest.MonkeyPatch, folder: str) -> int:
    monkeypatch.setenv("TUSKWATCH_BENCH_DATA", folder)
    monkeypatch.setattr(sys, "argv", ["read_pages.py", "--misses", "9"])
    code: int = bench.main()
    return code


def test_without_its_pages_it_says_so(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(bench, monkeypatch, "") == 0
    assert capsys.readouterr().out.startswith("skipped: TUSKWATCH_BENCH_DATA")


def test_it_counts_right_missing_and_wrong(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "markets" / "quayside"
    folder.mkdir(parents=True)
    shutil.copy(HERE / "samples" / "label_table" / "page.html", folder / "a.html")
    fields = {
        "title": "Old white bangle 62g",
        "seller": "somebody",
        "price_amount": "1410.00",
        "coins": ["BTC"],
    }
    (folder / "gold.json").write_text(json.dumps([{"page": "a.html", "kind": "listing", "fields": fields}]))
    monkeypatch.setattr(bench, "measure", lambda bodies: None)
    assert run(bench, monkeypatch, str(tmp_path)) == 0
    rows = {
        line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines() if line.strip()
    }
    assert rows["listing.title"] == ["1", "0", "0", "0"]
    assert rows["listing.price_amount"] == ["1", "0", "0", "0"]
    assert rows["listing.seller"] == ["0", "0", "1", "0"]
    assert rows["listing.coins"] == ["0", "1", "0", "0"]
