"""Rates from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_a_table_is_imported_listed_and_asked(tuskwatch: Any, tmp_path: Path) -> None:
    file = tmp_path / "daily.csv"
    file.write_text("day,code,value\n2026-11-01,BTC,430.10\n2026-11-02,VND,0.0000393\n")
    assert "No rates yet" in tuskwatch("rates", "list").stdout
    result = tuskwatch("rates", "import", str(file), "--source", "a bank")
    assert "2 rates from 2026-11-01 to 2026-11-02: 2 new, 0 known already." in result.stdout
    assert tuskwatch.json("rates", "import", str(file), "--source", "a bank")["known"] == 2
    assert [(t["code"], t["source"], t["days"]) for t in tuskwatch.json("rates", "list")] == [
        ("BTC", "a bank", 1), ("VND", "a bank", 1),
    ]  # fmt: skip
    assert "a bank" in tuskwatch("rates", "list").stdout
    shown = tuskwatch("rates", "show", "vnd", "2026-11-05")
    assert shown.stdout.strip() == "1 VND = 0.0000393 USD on 2026-11-02 (source: a bank)"
    assert tuskwatch.json("rates", "show", "BTC", "2026-11-01")["value"] == "430.10"


def test_what_is_not_there_is_said(tuskwatch: Any, tmp_path: Path) -> None:
    none = tuskwatch("rates", "show", "XMR", "2026-11-01")
    assert (none.exit_code, "There is no rate of XMR in USD" in none.stderr) == (1, True)
    wrong = tuskwatch("rates", "show", "XMR", "yesterday")
    assert (wrong.exit_code, '"yesterday" is no day' in wrong.stderr) == (2, True)
    missing = tuskwatch("rates", "import", str(tmp_path / "none.csv"))
    assert (missing.exit_code, "No such file" in missing.stderr) == (1, True)
    bad = tmp_path / "bad.csv"
    bad.write_text("day,code,value\n2026-11-01,BTC,1\nx,y,z\n")
    refused = tuskwatch("rates", "import", str(bad))
    assert (refused.exit_code, "line 3:" in refused.stderr) == (2, True)
    assert tuskwatch.json("rates", "list") == []
