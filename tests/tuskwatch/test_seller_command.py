"""`tuskwatch seller`: lists, one seller, links, and a person's word on them."""

from __future__ import annotations

import getpass
import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from storage.engine import open_engine
from storage.pages import Fetched, store_page
from storage.readings import ReadingRow, store_readings
from storage.runs import create_run
from storage.sites import register_site

if TYPE_CHECKING:
    from conftest import Tuskwatch

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ONION = "a" * 56 + ".onion"


@pytest.fixture
def filled(tuskwatch: Tuskwatch) -> Tuskwatch:
    """Two sellers on two sites with one key and one onion."""
    engine = open_engine(f"sqlite:///{tuskwatch.data}/tuskwatch.db")
    for number, (site, name) in enumerate((("oldport", "grey heron"), ("newport", "[b]ardea[/b]"))):
        site_id = register_site(engine, name=site, title=site, config_sha256="", onions=[], now=NOW)
        run_id = create_run(engine, verb="crawl", site_id=site_id, by="ana", reason="", settings={}, now=NOW)
        page_id = store_page(
            engine,
            Fetched(
                site_id=site_id, run_id=run_id, frontier_id=None, attempt=1, hop=0, url="http://x/1", method="GET",
                request_headers=(), requested_at=NOW, status=200, reason="OK", response_headers=(), received_at=NOW,
                body=b"x", content_type="text/html", content_encoding="", circuit_token="c" * 64,
            ),
            now=NOW,
        )  # fmt: skip
        row = ReadingRow(
            page_ids=(page_id,), site_id=site_id, run_id=run_id, reader_version="1", kind="listing", confidence=0.9, title=f"Ad {number}",
            description="Goods.", fields={}, leftovers=[], content_sha256=hashlib.sha256(name.encode()).hexdigest(), key="k",
            source="listing", url="http://x", seller=name, seen_at=NOW, contacts=(("pgp", "AB" * 20, True), ("onion", ONION, False)),
        )  # fmt: skip
        store_readings(engine, [row], now=NOW)
    engine.dispose()
    return tuskwatch


def test_sellers_are_listed_and_one_is_shown(filled: Tuskwatch) -> None:
    rows = filled.json("seller", "list")
    assert [(row["name"], row["listings"], row["contacts"]) for row in rows] == [
        ("[b]ardea[/b]", 1, 2),
        ("grey heron", 1, 2),
    ]
    assert [row["name"] for row in filled.json("seller", "list", "--text", "heron")] == ["grey heron"]
    assert [row["name"] for row in filled.json("seller", "list", "--site", "newport")] == ["[b]ardea[/b]"]
    shown = filled("seller", "show", str(rows[0]["id"]))
    assert shown.exit_code == 0
    for words in ("[b]ardea[/b]", "ABAB", "right", "looks like one", "seller 1", "Ad 1"):
        assert words in shown.stdout
    assert ONION not in shown.stdout + str(filled.json("seller", "show", "1"))


def test_links_are_proposed_shown_confirmed_refused_and_taken_back(filled: Tuskwatch) -> None:
    assert filled.json("seller", "link")["proposed"] == 1
    (link,) = filled.json("seller", "links")
    assert (link["state"], [reason["kind"] for reason in link["reasons"]]) == ("proposed", ["pgp", "contact"])
    assert "pgp ABAB" in filled("seller", "links").stdout.replace("\n", "")
    said = filled.json("seller", "confirm", str(link["id"]), "--note", "same key")
    assert (said["state"], said["decided_by"], said["note"]) == ("confirmed", getpass.getuser(), "same key")
    assert filled.json("seller", "links") == []
    assert len(filled.json("seller", "links", "--state", "all", "--seller", "2")) == 1
    assert filled.json("seller", "undo", str(link["id"]))["state"] == "proposed"
    assert filled.json("seller", "refuse", str(link["id"]))["state"] == "refused"
    assert filled.json("seller", "link") == {"proposed": 0, "reopened": 0, "changed": 0, "withdrawn": 0}
    assert "are two sellers" in filled("seller", "refuse", str(link["id"])).stdout
    assert "refused" in filled("seller", "show", "1").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("list",), 0, "No sellers."),
        (("list", "--text", "x"), 0, "No seller fits."),
        (("links",), 0, "No such links."),
        (("links", "--state", "maybe"), 2, "no state of a link"),
        (("show", "7"), 2, "no seller 7"),
        (("confirm", "7"), 1, "no link 7"),
        (("undo", "7"), 1, "no link 7"),
    ],
)
def test_what_is_not_there_is_a_sentence(
    tuskwatch: Any, arguments: tuple[str, ...], code: int, words: str
) -> None:
    shown = tuskwatch("seller", *arguments)
    assert (shown.exit_code, words in shown.output) == (code, True), shown.output
