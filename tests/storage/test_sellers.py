"""Links between sellers: what the machine finds, what a person decides, and that neither undoes the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from storage.audit import find_entries, verify
from storage.engine import reading, transaction
from storage.errors import StorageError
from storage.readings import store_readings
from storage.sellerdecisions import decide_link, find_decisions, undo_decision
from storage.sellerfacts import (
    contact_key,
    find_copies,
    find_holders,
    find_last_reading,
    find_touched,
    find_traces,
)
from storage.sellerlinks import (
    ProposedLink,
    Reason,
    combine,
    find_link,
    find_links,
    iterate_links,
    store_links,
)
from storage.sellers import SellerFilter, find_seller, find_sellers, iterate_sellers, name_sellers
from storage.tables import Likeness, Listing, Seller, Sighting

KEY = "AB" * 20
PGP = Reason("pgp", "pgp", KEY, 0.95, "Both show the same PGP key.")
NAME = Reason("name", "", "heron", 0.2, "Both are called 'heron'.")
TELEGRAM = Reason("contact", "telegram", "grey_heron", 0.7, "Both show the same telegram.")


@pytest.fixture
def sell(store: Any) -> Callable[..., int]:
    """Puts one ad of a seller in the store; the seller's id."""
    runs: dict[str, tuple[int, int]] = {}

    def sell(
        site: str, seller: str, *contacts: tuple[str, str, bool], kind: str = "listing", **changes: Any
    ) -> int:
        if site not in runs:
            site_id = store.site(site)
            runs[site] = (site_id, store.run(site_id))
        site_id, run_id = runs[site]
        page_id = store.page(site_id, run_id)
        source = "listing" if kind == "listing" else ""
        row = store.row(
            page_id, site_id, run_id, seller=seller, contacts=contacts, key=f"k{page_id}", kind=kind, source=source,
            title=changes.pop("title", f"Ad {page_id}"), **changes,
        )  # fmt: skip
        store_readings(store.engine, [row], now=store.now)
        with reading(store.engine) as session:
            found = session.query(Seller.id).filter_by(site_id=site_id, name=seller).scalar()
        return int(found or 0)

    return sell


@pytest.fixture
def pair(sell: Callable[..., int]) -> tuple[int, int]:
    a, b = sell("oldport", "heron"), sell("newport", "grey heron")
    return min(a, b), max(a, b)


def link_of(store: Any, pair: tuple[int, int], *reasons: Reason) -> int:
    store_links(store.engine, [ProposedLink(*pair, reasons)], now=store.now)
    with reading(store.engine) as session:
        rows, total = find_links(session)
    assert total == 1
    return rows[0].link.id


def state_of(store: Any, link_id: int) -> tuple[str, float]:
    with reading(store.engine) as session:
        row = find_link(session, link_id)
    assert row is not None
    return row.link.state, row.link.strength


@pytest.mark.parametrize(
    ("strengths", "together"),
    [([], 0.0), ([0.7], 0.7), ([0.5, 0.5], 0.75), ([0.95, 0.95], 0.99), ([2.0], 0.99)],
)
def test_reasons_add_up(strengths: list[float], together: float) -> None:
    assert combine(strengths) == pytest.approx(together)


def test_a_proposal_is_kept_once_and_brought_up_to_date(store: Any, pair: tuple[int, int]) -> None:
    link_id = link_of(store, pair, NAME)
    assert link_of(store, pair, NAME, PGP) == link_id
    assert state_of(store, link_id) == ("proposed", 0.96)
    with reading(store.engine) as session:
        row = find_link(session, link_id)
        assert row is not None
        assert [reason["kind"] for reason in row.link.reasons] == ["pgp", "name"]  # the strongest first
        assert {row.a_site.name, row.b_site.name} == {"oldport", "newport"}
        assert (row.a_listings, row.b_listings) == (1, 1)


def test_too_weak_a_pair_is_no_proposal(store: Any, pair: tuple[int, int]) -> None:
    store_links(store.engine, [ProposedLink(*pair, (Reason("name", "", "x", 0.01, ""),))], now=store.now)
    with reading(store.engine) as session:
        assert find_links(session) == ([], 0)


def test_a_proposal_without_reasons_any_more_goes(store: Any, pair: tuple[int, int]) -> None:
    link_of(store, pair, NAME)
    assert store_links(store.engine, [ProposedLink(*pair, ())], now=store.now).withdrawn == 1
    with reading(store.engine) as session:
        assert find_links(session) == ([], 0)


@pytest.mark.parametrize("confirm", [True, False])
def test_what_a_person_decided_is_in_the_log_and_stays(
    store: Any, pair: tuple[int, int], confirm: bool
) -> None:
    link_id = link_of(store, pair, PGP)
    decide_link(store.engine, link_id, confirm=confirm, by="ana", note=" same key ", now=store.now)
    word = "confirmed" if confirm else "refused"
    store_links(store.engine, [ProposedLink(*pair, (PGP,))], now=store.now + timedelta(days=1))
    store_links(store.engine, [ProposedLink(*pair, ())], now=store.now + timedelta(days=1))
    assert state_of(store, link_id)[0] == word
    with reading(store.engine) as session:
        (decision,) = find_decisions(session, link_id)
        assert (decision.by, decision.note, decision.at) == ("ana", "same key", store.now)
        assert find_entries(session, limit=1)[0].detail["after"] == word
        assert verify(session) == []


def test_a_refused_link_is_not_proposed_again_by_the_same_or_weaker_reasons(
    store: Any, pair: tuple[int, int]
) -> None:
    link_id = link_of(store, pair, TELEGRAM)
    decide_link(store.engine, link_id, confirm=False, by="ana", note="two people", now=store.now)
    for reasons in ((TELEGRAM,), (TELEGRAM, NAME), (NAME,)):
        counts = store_links(store.engine, [ProposedLink(*pair, reasons)], now=store.now)
        assert (counts.reopened, state_of(store, link_id)[0]) == (0, "refused")


def test_stronger_new_reasons_bring_a_refused_link_back_with_the_refusal_shown(
    store: Any, pair: tuple[int, int]
) -> None:
    link_id = link_of(store, pair, TELEGRAM)
    decide_link(store.engine, link_id, confirm=False, by="ana", note="two people", now=store.now)
    counts = store_links(store.engine, [ProposedLink(*pair, (TELEGRAM, PGP))], now=store.now)
    assert (counts.reopened, state_of(store, link_id)[0]) == (1, "proposed")
    with reading(store.engine) as session:
        row = find_link(session, link_id)
        assert row is not None
        assert (row.link.decided_by, row.link.note) == ("ana", "two people")
        assert [(reason["kind"], reason.get("refused", False)) for reason in row.link.reasons] == [
            ("pgp", False),
            ("contact", True),
        ]
        assert [each.action for each in find_decisions(session, link_id)] == [
            "seller_link.refuse",
            "seller_link.reopen",
        ]
    decide_link(store.engine, link_id, confirm=False, by="bo", note="", now=store.now)
    store_links(store.engine, [ProposedLink(*pair, (TELEGRAM, PGP))], now=store.now)
    assert state_of(store, link_id)[0] == "refused"


@pytest.mark.parametrize("confirm", [True, False])
def test_a_decision_is_taken_back(store: Any, pair: tuple[int, int], confirm: bool) -> None:
    link_id = link_of(store, pair, PGP)
    decide_link(store.engine, link_id, confirm=confirm, by="ana", note="", now=store.now)
    undo_decision(store.engine, link_id, by="bo", note="wrong button", now=store.now)
    assert state_of(store, link_id)[0] == "proposed"
    with reading(store.engine) as session:
        row = find_link(session, link_id)
        assert row is not None
        assert (row.link.decided_by, row.link.decided_at) == ("", None)
        assert not any(reason.get("refused") for reason in row.link.reasons)
        assert [each.by for each in find_decisions(session, link_id)] == ["ana", "bo"]
    with pytest.raises(StorageError, match="nothing to undo"):
        undo_decision(store.engine, link_id, by="bo", note="", now=store.now)


def test_a_link_that_is_not_there(store: Any) -> None:
    with pytest.raises(StorageError, match="no link 77"):
        decide_link(store.engine, 77, confirm=True, by="ana", note="", now=store.now)
    with reading(store.engine) as session:
        assert find_link(session, 77) is None


def test_links_are_listed_by_state_and_seller_the_strongest_first(
    store: Any, sell: Callable[..., int]
) -> None:
    a, b, c = (sell("oldport", name) for name in ("one", "two", "three"))
    found = [ProposedLink(a, b, (NAME,)), ProposedLink(a, c, (PGP,)), ProposedLink(b, c, (TELEGRAM,))]
    store_links(store.engine, found, now=store.now)
    with reading(store.engine) as session:
        rows, total = find_links(session)
        assert ([row.link.strength for row in rows], total) == ([0.95, 0.7, 0.2], 3)
        assert [row.link.strength for row in find_links(session, page=2, per_page=2)[0]] == [0.2]
        assert [row.link.strength for row in find_links(session, seller_id=a)[0]] == [0.95, 0.2]
        assert find_links(session, state="refused") == ([], 0)
        assert len(list(iterate_links(session, state="proposed"))) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("btc", "1abc"), ("bch", "1abc")),
        (("eth", "0xAb"), ("eth", "0xab")),
        (("telegram", "+4915123"), ("whatsapp", "+4915123")),
    ],
)
def test_contacts_that_are_one(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert contact_key(*one) == contact_key(*other)


def test_contacts_that_are_two() -> None:
    assert contact_key("telegram", "heron") != contact_key("wickr", "heron")


def test_traces_say_where_and_when(store: Any, sell: Callable[..., int]) -> None:
    seller = sell("oldport", "heron", ("pgp", KEY, False))
    sell("oldport", "heron", ("pgp", KEY, True), seen_at=store.now + timedelta(days=2))
    with reading(store.engine) as session:
        (trace,) = find_traces(session, [seller])[seller].values()
    assert (trace.value, trace.valid, len(trace.readings)) == (KEY, True, 2)
    assert trace.last - trace.first >= timedelta(days=1)


def test_what_many_show_or_the_site_itself_counts_for_nothing(store: Any, sell: Callable[..., int]) -> None:
    for number in range(5):
        sell("oldport", f"s{number}", ("email", "help@oldport.example", False), ("wickr", "heronwork", False))
    sell("oldport", "", ("wickr", "heronwork", False), kind="rules")
    seller = sell(
        "newport", "x", ("onion", "a" * 56 + ".onion", False), ("tox", "AA", True), ("eth", "0xAB", True)
    )
    other = sell("oldport", "y", ("eth", "0xab", False))
    keys = [
        ("email", "help@oldport.example"),
        ("wickr", "heronwork"),
        ("onion", "a" * 56 + ".onion"),
        ("tox", "AA"),
        ("eth", "0xab"),
    ]
    with reading(store.engine) as session:
        found = find_holders(session, keys, most=4)
    assert [found[key] for key in keys[:3]] == [None, None, None]
    assert set(found["tox", "AA"] or ()) == {seller}
    assert set(found["eth", "0xab"] or ()) == {seller, other}


def test_only_sellers_with_new_readings_are_touched(store: Any, sell: Callable[..., int]) -> None:
    a = sell("oldport", "one", ("tox", "AA", True))
    with reading(store.engine) as session:
        last = find_last_reading(session)
    b = sell("oldport", "two")
    with reading(store.engine) as session:
        assert find_touched(session, after_reading=last) == [b]
        assert find_touched(session) == [a, b]
        runs = sorted({row.run_id for row in session.query(Sighting)})
        assert find_touched(session, run_id=runs[0]) == [a, b]
        assert find_touched(session, run_id=runs[0] + 99) == []


def test_near_copies_of_two_sellers(store: Any, pair: tuple[int, int]) -> None:
    with transaction(store.engine) as session:
        listings = {row.seller_id: row.id for row in session.query(Listing)}
        low, high = sorted(listings.values())
        session.add(
            Likeness(
                a_id=low,
                b_id=high,
                similarity=0.9,
                kind="other_site",
                version="1",
                first_seen=store.now,
                last_seen=store.now,
            )
        )
    with reading(store.engine) as session:
        (copies,) = find_copies(session, [pair[1]])
    assert (copies.a_id, copies.b_id, copies.count, copies.similarity) == (*pair, 1, 0.9)
    assert copies.pairs == ((listings[pair[0]], listings[pair[1]]),)


def test_sellers_are_found_by_name_site_and_contact(store: Any, sell: Callable[..., int]) -> None:
    a = sell("oldport", "Grey%Heron", ("telegram", "grey_heron", False))
    b = sell("newport", "coot")
    with reading(store.engine) as session:
        assert [row.seller.id for row in find_sellers(session, SellerFilter(text="grey%h"))[0]] == [a]
        assert [row.seller.id for row in find_sellers(session, SellerFilter(text="grey_heron"))[0]] == [a]
        assert [row.seller.id for row in find_sellers(session, SellerFilter(site="newport"))[0]] == [b]
        assert (
            find_sellers(session, SellerFilter())[1]
            == len(list(iterate_sellers(session, SellerFilter())))
            == 2
        )
        assert name_sellers(session, [a, b]) == {a: ("Grey%Heron", "Oldport"), b: ("coot", "Newport")}


def test_all_about_one_seller(store: Any, sell: Callable[..., int]) -> None:
    a = sell("oldport", "heron", ("tox", "AA", True), ("email", "a@b.example", False))
    sell("oldport", "heron", ("pgp", KEY, True), kind="seller")
    b = sell("newport", "coot", ("tox", "AA", True))
    with reading(store.engine) as session:
        detail = find_seller(session, a, most_holders=4)
        assert detail is not None
        assert [(each.trace.kind, each.holders) for each in detail.contacts] == [
            ("pgp", ()),
            ("tox", (b,)),
            ("email", ()),
        ]
        assert (detail.row.listings, detail.row.contacts, len(detail.listings), len(detail.profiles)) == (
            1,
            3,
            1,
            1,
        )
        assert find_seller(session, 999, most_holders=4) is None
