"""`tuskwatch mirror`: addresses are shown so that nobody clicks them, and a person's word holds."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine

from storage.audit import find_entries
from storage.engine import open_engine, reading
from storage.mirrors import propose_addresses
from storage.sites import find_site

if TYPE_CHECKING:
    from conftest import Tuskwatch

NEW = "newmirror" + "a" * 47 + ".onion"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _engine(tuskwatch: Tuskwatch) -> Engine:
    return open_engine(f"sqlite:///{tuskwatch.data}/tuskwatch.db")


@pytest.fixture
def proposed(tuskwatch: Tuskwatch) -> Tuskwatch:
    tuskwatch.json("mirror", "list")
    engine = _engine(tuskwatch)
    with reading(engine) as session:
        site = find_site(session, "oldport")
    assert site is not None
    propose_addresses(
        engine, site_id=site.id, found={NEW: "signed 2026-11-20: mirror 2"}, page_id=7, signed_by="f" * 40, now=NOW
    )  # fmt: skip
    engine.dispose()
    return tuskwatch


def test_the_addresses_of_a_site_are_listed_and_cannot_be_clicked(proposed: Tuskwatch) -> None:
    rows = proposed.json("mirror", "list", "oldport")
    assert [(row["state"], row["source"], row["in_file"]) for row in rows] == [
        ("proposed", "page", False),
        ("unverified", "file", True),
    ]
    shown = proposed("mirror", "list")
    assert shown.exit_code == 0
    assert "signed page 7" in shown.stdout
    assert "mirror 2" in shown.stdout
    assert "1 waits for approval" in shown.stderr
    assert ".onion" not in shown.output + str(rows)


def test_no_sites_are_a_sentence(bare: Any) -> None:
    assert bare("init").exit_code == 0
    shown = bare("mirror", "list")
    assert shown.exit_code == 0
    assert "No sites yet" in shown.stdout


@pytest.mark.parametrize(
    "written", [NEW, NEW.replace(".", "[.]"), "newmirror", f"http://{NEW}/", NEW.upper()]
)
def test_an_address_is_approved_as_it_is_written_anywhere(proposed: Tuskwatch, written: str) -> None:
    view = proposed.json("mirror", "approve", "oldport", written)
    assert (view["state"], view["decided_by"]) == ("unverified", getpass.getuser())
    engine = _engine(proposed)
    with reading(engine) as session:
        (newest,) = find_entries(session, limit=1)
    engine.dispose()
    assert (newest.actor, newest.action) == (getpass.getuser(), "mirror.approve")


def test_a_refused_address_is_barred_although_it_stands_in_the_file(
    proposed: Tuskwatch, hide_tor: Any
) -> None:
    hide_tor()
    own = next(row["address"] for row in proposed.json("mirror", "list") if row["in_file"])
    refused = proposed("mirror", "refuse", "oldport", own)
    assert refused.exit_code == 0
    assert "no run asks it" in refused.stdout
    assert "Take it out there" in refused.stderr
    assert {row["address"]: row["state"] for row in proposed.json("mirror", "list")}[own] == "refused"
    checked = proposed("mirror", "check", "oldport")
    assert checked.exit_code == 1
    assert "no address of oldport may be asked" in checked.stderr


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("newmi", "no such address"),
        ("a" * 56 + ".onion", "checksum is wrong"),
        ("zzzzzzzz", "no such address"),
    ],
)
def test_what_names_no_address_is_refused_in_words(proposed: Tuskwatch, written: str, words: str) -> None:
    result = proposed("mirror", "approve", "oldport", written)
    assert result.exit_code == 2
    assert words in result.stderr


def test_an_unknown_site_is_a_sentence(tuskwatch: Tuskwatch) -> None:
    result = tuskwatch("mirror", "list", "nowhere")
    assert result.exit_code == 2
    assert 'no site "nowhere"' in result.stderr


def test_without_tor_a_check_says_what_to_do(proposed: Tuskwatch, hide_tor: Any) -> None:
    hide_tor()
    result = proposed("mirror", "check", "oldport")
    assert result.exit_code == 1
    assert "Tor" in result.stderr
