"""Imports from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PAGE = (
    "<html><title>Carved box</title><h1>Carved box</h1><p>Seller: grey_heron</p><p>Price: USD 40</p></html>"
)


def test_a_page_is_imported_and_said_so(tuskwatch: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(PAGE)
    asked = ("import", str(page), "--site", "oldport", "--origin", "exhibit 7", "--no-read")
    plan = tuskwatch.json(*asked, "--dry-run")
    assert (plan["form"], plan["known"], plan["files"]) == ("html", "", 1)
    done = tuskwatch(*asked, "--yes")
    assert done.exit_code == 0, done.output
    assert "stored: 1\n" in done.stdout
    again = tuskwatch.json(*asked)
    assert (again["stored"], again["known"], again["listings"]) == (0, 1, None)
    (run, _) = tuskwatch.json("run", "list")[::-1]
    assert (run["verb"], run["state"], run["site"]) == ("import", "done", "oldport")


def test_what_cannot_be_done_is_said(tuskwatch: Any, tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    table.write_text("Item\nBowl\n")
    where = ("--site", "oldport", "--origin", "x")
    cases = {
        (str(table), *where): (1, "needs a mapping"),
        (str(tmp_path / "none"), *where): (1, "cannot be read"),
        (str(table), "--site", "nowhere", "--origin", "x"): (2, "--new-site"),
        (str(table), *where, "--format", "video"): (1, "is no form of archive"),
    }
    for arguments, (code, words) in cases.items():
        done = tuskwatch("import", *arguments)
        assert (done.exit_code, words in done.stderr) == (code, True), done.output


def test_a_broken_archive_ends_with_one(tuskwatch: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.warc"
    path.write_bytes(b"WARC/1.1\r\nWARC-Type: response\r\nContent-Length: 500\r\n\r\nHTTP/1.1 200 OK\r\n")
    done = tuskwatch("import", str(path), "--site", "oldport", "--origin", "x", "--no-read")
    assert (done.exit_code, "The archive is broken" in done.stderr) == (1, True)
