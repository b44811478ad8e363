"""Which sellers are proposed as one, by what, and that nothing is decided by it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from jobs.likestyle import LEAST_TEXT, compare_styles
from jobs.places import Places
from jobs.sellers import MOST_HOLDERS, MOST_ON_A_SITE, counts, link_sellers
from storage.engine import open_engine, reading, transaction
from storage.pages import Fetched, store_page
from storage.readings import ReadingRow, store_readings
from storage.runs import create_run
from storage.sellerdecisions import decide_link
from storage.sellerfacts import find_last_reading
from storage.sellerlinks import find_links
from storage.sites import register_site
from storage.tables import Likeness, Listing, Seller

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = ("pgp", "AB" * 20, True)
WALLET = ("btc", "1InventedWallet", True)
TELEGRAM = ("telegram", "grey_heron", False)


@pytest.fixture
def engine(places: Places) -> Iterator[Engine]:
    engine = open_engine(places.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def sell(engine: Engine) -> Callable[..., int]:
    sites: dict[str, tuple[int, int]] = {}
    number = 0

    def sell(
        site: str, seller: str, *contacts: tuple[str, str, bool], text: str = "Goods.", kind: str = "listing"
    ) -> int:
        nonlocal number
        number += 1
        if site not in sites:
            site_id = register_site(engine, name=site, title=site, config_sha256="", onions=[], now=NOW)
            run_id = create_run(
                engine, verb="crawl", site_id=site_id, by="ana", reason="", settings={}, now=NOW
            )
            sites[site] = (site_id, run_id)
        site_id, run_id = sites[site]
        page_id = store_page(
            engine,
            Fetched(
                site_id=site_id, run_id=run_id, frontier_id=None, attempt=1, hop=0, url=f"http://x/{number}", method="GET",
                request_headers=(), requested_at=NOW, status=200, reason="OK", response_headers=(), received_at=NOW,
                body=b"x", content_type="text/html", content_encoding="", circuit_token="c" * 64,
            ),
            now=NOW,
        )  # fmt: skip
        row = ReadingRow(
            page_ids=(page_id,), site_id=site_id, run_id=run_id, reader_version="1", kind=kind, confidence=0.9, title=f"Ad {number}",
            description=text, fields={}, leftovers=[], content_sha256=hashlib.sha256(str(number).encode()).hexdigest(),
            key=f"k{number}", source="listing" if kind == "listing" else "", url="http://x", seller=seller, seen_at=NOW,
            contacts=contacts,
        )  # fmt: skip
        store_readings(engine, [row], now=NOW)
        with reading(engine) as session:
            return int(session.query(Seller.id).filter_by(site_id=site_id, name=seller).scalar() or 0)

    return sell


def links(engine: Engine) -> dict[tuple[int, int], list[Any]]:
    with reading(engine) as session:
        rows, _ = find_links(session)
        return {
            (row.link.a_id, row.link.b_id): [row.link.state, row.link.strength, *row.link.reasons]
            for row in rows
        }


@pytest.mark.parametrize(
    ("contact", "kind", "strength"),
    [
        (KEY, "pgp", 0.95),
        (("pgp", "AB" * 20, False), "pgp", 0.7125),
        (WALLET, "contact", 0.8),
        (TELEGRAM, "contact", 0.7),
        (("onion", "x.onion", True), "contact", 0.6),
    ],
)
def test_a_shared_contact_is_a_reason(
    engine: Engine, sell: Callable[..., int], contact: Any, kind: str, strength: float
) -> None:
    a, b = sell("oldport", "one", contact), sell("newport", "two", contact)
    assert link_sellers(engine, now=NOW).proposed == 1
    state, total, reason = links(engine)[a, b]
    assert (state, total, reason["kind"], reason["value"]) == (
        "proposed",
        pytest.approx(strength, abs=0.001),
        kind,
        contact[1],
    )
    assert len(reason["seen"]["a"]["readings"]) == 1
    assert reason["seen"]["b"]["first"] == "2026-11-22T12:00:00+00:00"


def test_several_reasons_add_up(engine: Engine, sell: Callable[..., int]) -> None:
    a, b = sell("oldport", "one", WALLET, TELEGRAM), sell("newport", "two", WALLET, TELEGRAM)
    link_sellers(engine, now=NOW)
    assert links(engine)[a, b][1] == pytest.approx(1 - 0.2 * 0.3, abs=0.001)


def test_a_key_on_a_profile_ties_as_one_in_an_ad(engine: Engine, sell: Callable[..., int]) -> None:
    sell("oldport", "one")
    a, b = sell("oldport", "one", KEY, kind="seller"), sell("newport", "two", KEY)
    link_sellers(engine, now=NOW)
    assert (a, b) in links(engine)


def test_two_names_on_one_site_are_tied_too(engine: Engine, sell: Callable[..., int]) -> None:
    a, b = sell("oldport", "one", KEY), sell("oldport", "two", KEY)
    link_sellers(engine, now=NOW)
    assert (a, b) in links(engine)


def test_the_same_name_alone_is_a_weak_reason(engine: Engine, sell: Callable[..., int]) -> None:
    a, b = sell("oldport", "GreyHeron"), sell("newport", "greyheron")
    sell("oldport", "abc")
    sell("newport", "abc")
    link_sellers(engine, now=NOW)
    assert {pair: row[:2] for pair, row in links(engine).items()} == {(a, b): ["proposed", 0.2]}


def test_a_contact_of_many_ties_nobody(engine: Engine, sell: Callable[..., int]) -> None:
    for number in range(MOST_HOLDERS + 1):
        sell(f"site{number}", f"name{number}", TELEGRAM)
    for number in range(MOST_ON_A_SITE + 1):
        sell("oldport", f"other{number}", WALLET)
    sell("oldport", "", ("email", "a@b.example", False), kind="rules")
    sell("oldport", "x1", ("email", "a@b.example", False))
    sell("newport", "y1", ("email", "a@b.example", False))
    link_sellers(engine, now=NOW)
    assert links(engine) == {}


@pytest.mark.parametrize(
    ("holders", "counted"),
    [(None, False), ({}, True), ({1: 1, 2: 2}, True), (dict.fromkeys(range(4), 1), False)],
)
def test_which_contacts_count(holders: dict[int, int] | None, counted: bool) -> None:
    assert counts(holders) is counted


def test_a_contact_that_became_common_takes_its_proposal_back(
    engine: Engine, sell: Callable[..., int]
) -> None:
    sell("oldport", "one", TELEGRAM)
    sell("newport", "two", TELEGRAM)
    link_sellers(engine, now=NOW)
    for number in range(MOST_HOLDERS):
        sell(f"site{number}", f"name{number}", TELEGRAM)
    assert link_sellers(engine, now=NOW).withdrawn == 1
    assert links(engine) == {}


def test_only_sellers_with_new_readings_are_looked_at(engine: Engine, sell: Callable[..., int]) -> None:
    sell("oldport", "one", KEY)
    sell("newport", "two", KEY)
    with reading(engine) as session:
        last = find_last_reading(session)
    assert link_sellers(engine, now=NOW, after_reading=last).proposed == 0
    seen: list[tuple[int, int]] = []
    a = sell("thirdport", "three", KEY)
    assert (
        link_sellers(engine, now=NOW, after_reading=last, progress=lambda *done: seen.append(done)).proposed
        == 2
    )
    assert {max(pair) for pair in links(engine)} == {a}
    assert seen == [(1, 1)]


def test_again_changes_nothing_and_a_decision_stays(engine: Engine, sell: Callable[..., int]) -> None:
    sell("oldport", "one", KEY)
    sell("newport", "two", KEY)
    link_sellers(engine, now=NOW)
    before = links(engine)
    counted = link_sellers(engine, now=NOW)
    assert (counted.proposed, counted.changed) == (0, 0)
    assert links(engine) == before
    decide_link(engine, 1, confirm=False, by="ana", note="", now=NOW)
    assert link_sellers(engine, now=NOW).reopened == 0
    assert next(iter(links(engine).values()))[0] == "refused"


def test_near_copies_are_a_reason(engine: Engine, sell: Callable[..., int]) -> None:
    a, b = sell("oldport", "one"), sell("newport", "two")
    with transaction(engine) as session:
        one, two = sorted(row.id for row in session.query(Listing))
        session.add(
            Likeness(
                a_id=one,
                b_id=two,
                similarity=0.93,
                kind="other_site",
                version="1",
                first_seen=NOW,
                last_seen=NOW,
            )
        )
    link_sellers(engine, now=NOW)
    _, strength, reason = links(engine)[a, b]
    assert (strength, reason["kind"], reason["seen"]["a"]["listings"]) == (0.35, "text", [one])
    assert "0.93" in reason["words"]


WORDS = [
    [
        "kindly",
        "dear",
        "friend",
        "parcel",
        "goes",
        "out",
        "monday",
        "ask",
        "first",
        "tracked",
        "honest",
        "weight",
    ],
    ["bro", "fire", "stuff", "best", "around", "hit", "me", "up", "no", "timewasters", "quick", "drop"],
    ["shipment", "stealth", "vacuum", "sealed", "worldwide", "refund", "policy", "half", "escrow", "release"],
]


def write(style: int, seed: int) -> str:
    words = WORDS[style % len(WORDS)] + [f"w{style}{letter}" for letter in "abcdefgh"]
    picked = hashlib.shake_256(f"{style} {seed}".encode()).digest(200)
    return " ".join(words[byte % len(words)] for byte in picked)


def test_those_who_write_alike_are_nearer_than_all_others() -> None:
    texts = {number: write(number, number) for number in range(30)}
    texts[100], texts[101] = write(500, 1), write(500, 2)
    found = compare_styles([(100, 101), (1, 2), (0, 3)], texts)
    assert [(style.a_id, style.b_id, style.others) for style in found] == [(100, 101, 30)]
    assert found[0].cosine > found[0].nearest


def test_without_others_to_compare_with_nothing_is_said() -> None:
    texts = {1: write(1, 1), 2: write(1, 2)}
    assert compare_styles([(1, 2)], texts) == []
    assert compare_styles([(1, 2)], dict.fromkeys(range(40), "short")) == []


def test_another_script_is_no_comparison() -> None:
    texts = {number: write(number, number) for number in range(30)}
    texts[100] = "слоновая кость " * (LEAST_TEXT // 10)
    texts[101] = texts[100] + " ещё"
    assert compare_styles([(100, 101)], texts) == []


def test_the_manner_of_writing_only_adds_to_other_reasons(engine: Engine, sell: Callable[..., int]) -> None:
    for number in range(24):
        sell("oldport", f"seller{number}", text=write(number, number))
    a, b = (
        sell("oldport", "one", TELEGRAM, text=write(500, 1)),
        sell("newport", "two", TELEGRAM, text=write(500, 2)),
    )
    sell("newport", "three", text=write(500, 3))
    link_sellers(engine, now=NOW)
    found = links(engine)
    assert list(found) == [(a, b)]
    # "three" writes the same way, so the two are not nearer to each other than to anybody else.
    assert [reason["kind"] for reason in found[a, b][2:]] == ["contact"]


def test_the_manner_of_writing_is_said_in_words(engine: Engine, sell: Callable[..., int]) -> None:
    for number in range(24):
        sell("oldport", f"seller{number}", text=write(number, number))
    a, b = (
        sell("oldport", "one", TELEGRAM, text=write(500, 1)),
        sell("newport", "two", TELEGRAM, text=write(500, 2)),
    )
    link_sellers(engine, now=NOW)
    _, strength, contact, style = links(engine)[a, b]
    assert (contact["kind"], style["kind"], strength) == ("contact", "text", pytest.approx(0.79, abs=0.001))
    assert "than either of them and any of 24 others" in style["words"]
