"""Links between sellers on the screen: who, why, and a person's word; one seller; the lists for other tools."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pysequoia import ArmorKind, Tsk, armor

from jobs.sellers import link_sellers
from jobs.sellerviews import LINK_COLUMNS, SELLER_COLUMNS
from storage.audit import find_entries
from storage.engine import open_engine, reading
from storage.readings import ReadingRow, store_readings
from storage.sellerlinks import find_links
from storage.sites import find_sites
from storage.tables import Page, Seller

ONION = "b" * 56 + ".onion"
HOSTILE = "<script>alert('s')</script>=cmd"


@dataclass(frozen=True)
class Tied:
    a: int
    b: int
    link: int


def tie(places: Any, now: Any, *, text: str = "Goods.", key: str = "AB" * 20) -> Tied:
    """Two sellers of two sites with one key, one hostile handle and one onion; the ids."""
    engine = open_engine(places.database_url)
    with reading(engine) as session:
        sites = {site.name: site.id for site in find_sites(session)}
        pages = {
            page.site_id: (page.id, page.run_id) for page in session.query(Page).order_by(Page.id.desc())
        }
    rows = []
    for site, name in (("oldport", "grey heron"), ("greyhall", HOSTILE)):
        page_id, run_id = pages[sites[site]]
        rows.append(
            ReadingRow(
                page_ids=(page_id,), site_id=sites[site], run_id=run_id, reader_version="sellers", kind="listing", confidence=0.9,
                title=f"Ad of {name}", description=text, fields={}, leftovers=[], content_sha256=hashlib.sha256(name.encode()).hexdigest(),
                key=f"key {name}", source="listing", url="http://x", seller=name, seen_at=now,
                contacts=(("pgp", key, True), ("telegram", "<b>pier</b>", False), ("onion", ONION, False)),
            )
        )  # fmt: skip
    store_readings(engine, rows, now=now)
    link_sellers(engine, now=now)
    with reading(engine) as session:
        ids = {seller.name: seller.id for seller in session.query(Seller)}
        links, _ = find_links(session, seller_id=ids["grey heron"])
    engine.dispose()
    return Tied(ids["grey heron"], ids[HOSTILE], links[0].link.id)


@pytest.fixture
def tied(seeded: Any, seed: Any) -> Tied:
    return tie(seeded.places, seed.NOW)


def test_without_links_the_page_says_when_there_will_be_some(browse: Callable[[str], Any]) -> None:
    reader = browse("reader")
    assert "No link waits." in reader.get("/sellers").text
    assert "No link is refused yet." in reader.get("/sellers?state=refused").text
    assert 'href="/sellers"' in reader.get("/").text


def test_a_link_shows_both_sellers_and_every_reason(browse: Callable[[str], Any], tied: Tied) -> None:
    text = browse("reader").get("/sellers").text
    for words in (
        "grey heron",
        "Old Port Market",
        "Grey Hall",
        "AB" * 20,
        "0.95",
        "Both show the same PGP key",
        f"/sellers/{tied.b}",
        "page ",
    ):
        assert words in text, words
    assert "<script>alert" not in text
    assert "<b>pier" not in text
    assert ONION not in text
    assert "They are one" not in text  # a reader decides nothing


def test_a_reviewer_confirms_and_takes_back(browse: Callable[[str], Any], app: Any, tied: Tied) -> None:
    reviewer = browse("reviewer")
    assert "They are one" in reviewer.get("/sellers").text
    answer = reviewer.post(f"/sellers/links/{tied.link}/confirm", {"note": "same key and <i>style</i>"})
    assert (answer.status, answer.location) == (303, "/sellers?done=link-confirmed")
    assert "grey heron" not in reviewer.get("/sellers").text
    text = reviewer.get("/sellers?state=confirmed").text
    assert "confirmed by <bdi" in text
    assert "same key and &lt;i&gt;style" in text
    with reading(app.state.web.engine) as session:
        (entry,) = find_entries(session, limit=1)
    assert (entry.actor, entry.action) == ("reviewer", "seller_link.confirm")
    assert (
        reviewer.post(f"/sellers/links/{tied.link}/undo", {"seller": tied.a}).location
        == f"/sellers/{tied.a}?done=link-undone"
    )
    assert "They are one" in reviewer.get("/sellers").text


def test_a_reviewer_refuses_and_it_stays_refused(
    browse: Callable[[str], Any], app: Any, tied: Tied, seed: Any
) -> None:
    reviewer = browse("reviewer")
    assert reviewer.post(f"/sellers/links/{tied.link}/refuse", {"note": ""}).status == 303
    link_sellers(app.state.web.engine, now=seed.NOW)
    assert "grey heron" not in reviewer.get("/sellers").text
    assert "refused before" in reviewer.get("/sellers?state=refused").text


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("reader", "/sellers/links/1/confirm", 403),
        ("reviewer", "/sellers/links/77/confirm", 404),
        ("reviewer", "/sellers/links/x/refuse", 404),
        ("reviewer", "/sellers/links/1/merge", 404),
    ],
)
def test_what_may_not_be_posted(
    browse: Callable[[str], Any], tied: Tied, who: str, path: str, status: int
) -> None:
    assert browse(who).post(path, {"note": "x"}).status == status


def test_a_form_from_another_site_decides_nothing(browse: Callable[[str], Any], tied: Tied) -> None:
    answer = browse("reviewer").post(
        f"/sellers/links/{tied.link}/confirm", {}, headers={"sec-fetch-site": "cross-site"}
    )
    assert answer.status == 403


def test_one_seller_with_contacts_listings_and_links(browse: Callable[[str], Any], tied: Tied) -> None:
    text = browse("reader").get(f"/sellers/{tied.a}").text
    for words in (
        "grey heron",
        "AB" * 20,
        "right",
        "looks like one",
        "b[.]onion",
        "Ad of grey heron",
        f"Link {tied.link}",
        "1 proposed",
    ):
        assert words in text, words
    assert ONION not in text
    assert "<script>alert" not in text


def test_a_proven_key_shows_the_names_in_it(browse: Callable[[str], Any], seeded: Any, seed: Any) -> None:
    cert = Tsk.generate(user_ids=["Pier <pier@nine.example>"]).extract_certificate()
    block = armor(bytes(cert), ArmorKind.PublicKey)
    tied = tie(seeded.places, seed.NOW, text=block, key=cert.fingerprint.upper())
    assert "Pier &lt;pier@nine.example&gt;" in browse("reader").get(f"/sellers/{tied.a}").text


@pytest.mark.parametrize(
    "path", ["/sellers/99999", "/sellers/x", "/sellers/99999.json", "/sellers?page=9", "/sellers/all?page=99"]
)
def test_what_is_not_there(browse: Callable[[str], Any], path: str) -> None:
    assert browse("reader").get(path).status == 404


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("text=HERON", ["grey heron"]),
        (f"text={'AB' * 20}&site=oldport", ["grey heron"]),
        ("text=zzzz", []),
        ("text=%25", []),
    ],
)
def test_sellers_are_found_by_name_and_contact(
    browse: Callable[[str], Any], tied: Tied, query: str, names: list[str]
) -> None:
    reader = browse("reader")
    rows = json.loads(reader.get(f"/sellers/all.json?{query}").text)["sellers"]
    assert [row["name"] for row in rows] == names
    text = reader.get(f"/sellers/all?{query}").text
    assert ("No seller fits." in text) is (names == [])
    assert text.count('<td class="title">') == len(names)


def test_the_twins_hold_every_row_and_no_formula(browse: Callable[[str], Any], tied: Tied) -> None:
    reader = browse("reader")
    links = list(csv.DictReader(io.StringIO(reader.get("/sellers.csv").text)))
    assert (tuple(links[0]), {each["state"] for each in links}) == (LINK_COLUMNS, {"proposed"})
    sellers = list(csv.DictReader(io.StringIO(reader.get("/sellers/all.csv").text)))
    assert tuple(sellers[0]) == SELLER_COLUMNS
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in links + sellers for cell in row.values())
    shown = json.loads(reader.get("/sellers.json?state=proposed").text)["links"]
    (link,) = [each for each in shown if each["id"] == tied.link]
    assert (link["id"], link["reasons"][0]["kind"]) == (tied.link, "pgp")
    one = json.loads(reader.get(f"/sellers/{tied.a}.json").text)
    assert (one["name"], len(one["contact_list"]), len(one["links"])) == ("grey heron", 3, 1)
    assert ONION not in json.dumps(one) + json.dumps(link)


def test_the_address_names_only_known_states(browse: Callable[[str], Any]) -> None:
    assert browse("reader").get("/sellers?state=maybe").status == 400


def test_the_list_goes_over_pages(browse: Callable[[str], Any], app: Any, tied: Tied, seed: Any) -> None:
    from storage.sellerlinks import ProposedLink, Reason, store_links

    with reading(app.state.web.engine) as session:
        ids = sorted(seller.id for seller in session.query(Seller))
    pairs = [(a, b) for place, a in enumerate(ids) for b in ids[place + 1 :] if (a, b) != (tied.a, tied.b)][
        :30
    ]
    why = (Reason("name", "", "x", 0.2, "Both are called 'x'."),)
    store_links(app.state.web.engine, [ProposedLink(a, b, why) for a, b in pairs], now=seed.NOW)
    reader = browse("reader")
    assert "1–20 of" in reader.get("/sellers").text
    assert "21–" in reader.get("/sellers?page=2").text
