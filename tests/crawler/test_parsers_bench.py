"""The comparison of parsing libraries: all find the same title and price, and it says what it measured."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import parsers as bench  # noqa: E402


def test_the_libraries_find_the_same_on_made_up_pages() -> None:
    for page in bench.make_pages(3):
        found = {name: read(page) for name, read in bench.LIBRARIES.items()}
        assert len({result[1:] for result in found.values()}) == 1
        assert len({result[0] for result in found.values()}) == 1
        assert 0.9 * bench.SIZE < len(page) < 1.1 * bench.SIZE


def test_our_reader_reads_all_fields_of_them() -> None:
    (page,) = bench.make_pages(1)
    count, title, price = bench.read_all_fields(page)
    assert count >= 9
    assert title.startswith("Old piece")
    assert price.startswith("$")


def test_it_prints_rates_and_the_choice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TUSKWATCH_BENCH_DATA", "")
    monkeypatch.setattr(bench, "find_pages", lambda folder: bench.make_pages(1))
    assert bench.main(["--seconds", "0.01"]) == 0
    shown = capsys.readouterr().out
    for name in (*bench.LIBRARIES, *bench.OURS):
        assert name in shown
    assert "choice: " in shown
    assert "target of 150 pages/s" in shown


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main([str(tmp_path / "nowhere")]) == 2
    assert "nowhere is no folder" in capsys.readouterr().err
