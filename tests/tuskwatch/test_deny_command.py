"""The deny list from the command line: added to, shown, hashed, and held against what is stored."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jobs.runs import start_crawl
from storage.engine import open_engine, reading
from storage.pages import Fetched, store_page
from storage.runs import find_run
from tuskwatch.health import check_canary, check_deny_list
from tuskwatch.places import open_places

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_words_are_added_and_shown_as_they_are_compared(tuskwatch: Any) -> None:
    result = tuskwatch("deny", "add", "Wet GRÁVEL")
    assert (result.exit_code, "1 rules" in result.stdout) == (0, True)
    assert tuskwatch.json("deny", "list") == [
        {"rule": "term 1", "kind": "term", "words": None, "text": "wet gravel"}
    ]


def test_hashed_words_are_never_printed_nor_kept(tuskwatch: Any) -> None:
    assert tuskwatch("deny", "add", "--hashed", "wet gravel").exit_code == 0
    shown = tuskwatch("deny", "list")
    assert "hash of 2 word(s)" in shown.stdout
    assert "gravel" not in shown.output
    assert "gravel" not in (tuskwatch.data / "deny.yml").read_text()
    engine = open_engine(open_places(tuskwatch.data).database_url)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT action, detail FROM audit").fetchall()
    engine.dispose()
    assert any(action == "deny.add" for action, _ in rows)
    assert "gravel" not in str(rows)


def test_a_hash_that_was_printed_can_be_added(tuskwatch: Any, tmp_path: Path) -> None:
    said = tuskwatch("deny", "hash", "gravel")
    line = said.stdout.strip()
    assert re.fullmatch(r"words-1:[0-9a-f]{64}", line)
    assert "It holds for lists with this salt only" in said.stderr
    assert tuskwatch.json("deny", "list") == []
    assert tuskwatch.json("deny", "add", line) == {"section": "hashes", "rules": 1}
    body = tmp_path / "body"
    body.write_bytes(b"<p>x</p>")
    assert tuskwatch.json("deny", "add", "--file", str(body))["rules"] == 2
    assert [row["kind"] for row in tuskwatch.json("deny", "list")] == ["hash", "body"]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("add",), 2, "Say which words"),
        (("add", "-", "--hashed"), 2, "fewer than two letters"),
        (("add", "x"), 1, "fewer than two letters"),
        (("add", "words-1:12"), 1, "is not what"),
        (("hash",), 2, "Say which words"),
    ],
)
def test_a_slip_is_said_in_words(tuskwatch: Any, words: tuple[str, ...], code: int, sentence: str) -> None:
    before = (tuskwatch.data / "deny.yml").read_text()
    result = tuskwatch("deny", *words)
    assert (result.exit_code, sentence in result.stderr) == (code, True), result.stderr
    assert (tuskwatch.data / "deny.yml").read_text() == before


def test_stored_pages_that_would_match_today_are_counted_and_stay(tuskwatch: Any) -> None:
    places = open_places(tuskwatch.data)
    run_id = start_crawl(places, "oldport", by="ana", reason="by hand", now=NOW)
    engine = open_engine(places.database_url)
    with reading(engine) as session:
        run = find_run(session, run_id)
    assert run is not None
    assert run.site_id is not None
    ids = []
    for hop, body in enumerate((b"<p>wet gravel</p>", b"<p>sand</p>", b"<p>gravel, wet</p>")):
        page = Fetched(
            site_id=run.site_id, run_id=run_id, frontier_id=None, attempt=1, hop=hop, url="http://x.onion/p/1", method="GET",
            request_headers=(), requested_at=NOW, status=200, reason="OK", response_headers=(), received_at=NOW,
            body=body, content_type="text/html", content_encoding="", circuit_token="0" * 64,
        )  # fmt: skip
        ids.append(store_page(engine, page, now=NOW))
    assert tuskwatch("deny", "check").exit_code == 0
    tuskwatch("deny", "add", "wet gravel")
    result = tuskwatch("deny", "check")
    assert (result.exit_code, "term 1: 1 stored pages, for example page 1" in result.stdout) == (1, True)
    assert "Stored pages are evidence and stay" in result.stdout
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM page").scalar() == 3
    engine.dispose()
    assert tuskwatch("deny", "check", "--no-stored").exit_code == 0


def test_doctor_names_a_list_that_is_wrong_or_missing(tuskwatch: Any) -> None:
    places = open_places(tuskwatch.data)
    assert [finding.level for finding in (*check_deny_list(places), *check_canary(places))] == ["ok", "ok"]
    path = tuskwatch.data / "deny.yml"
    path.write_text("terms: [")
    (found,) = check_deny_list(places)
    assert (found.level, "not valid YAML" in found.text) == ("fail", True)
    path.unlink()
    (found,) = check_deny_list(places)
    assert (found.level, "tuskwatch init" in found.text) == ("fail", True)
    assert tuskwatch("init").exit_code == 0
    (found,) = check_deny_list(places)
    assert found.level == "ok"
