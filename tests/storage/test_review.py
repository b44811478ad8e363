"""Verdicts stand, are undone, and decide what waits for review; lists filter by them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from storage.engine import reading, transaction
from storage.errors import StorageError
from storage.queries import ListingFilter, find_listing, find_listings, iterate_listings
from storage.queues import AuditCounts, count_audit, count_waiting, next_for_review
from storage.readtables import Likeness
from storage.scores import count_unscored, find_model_version, find_unscored
from storage.sites import find_site
from storage.trends import find_ads
from storage.verdicts import find_recent, find_standing, give_verdict, undo_verdict

if TYPE_CHECKING:
    from conftest import Store


def judge(store: Store, listing: tuple[int, int], user: int, *labels: str, **said: str) -> int:
    return give_verdict(
        store.engine,
        listing_id=listing[0],
        reading_id=listing[1],
        user_id=user,
        labels=labels,
        **({"guideline_version": "1"} | said),
        now=store.now,
    )


@pytest.fixture
def listings(store: Store) -> dict[str, tuple[int, int]]:
    """Five listings: three flagged with falling certainty, one below the threshold, one not scored."""
    site, other = store.site("oldport"), store.site("reedmarket")
    run = store.run(site)
    made = {
        "sure": store.listing(site, run, "1", title="Tusk pair", posted_at=store.now - timedelta(days=9)),
        "less": store.listing(site, run, "2", description="carved 100% horn_cup"),
        "least": store.listing(other, store.run(other), "3"),
        "below": store.listing(site, run, "4"),
        "unscored": store.listing(site, run, "5"),
    }
    store.score(made["sure"][1], ivory=0.9, tiger=0.6)
    store.score(made["less"][1], rhino_horn=0.8)
    store.score(made["least"][1], tiger=0.7)
    store.score(made["below"][1], flagged=False, ivory=0.2)
    return made


def card(store: Store, *skipped: int) -> int | None:
    with reading(store.engine) as session:
        found = next_for_review(session, skipped=skipped)
        return None if found is None else found.listing.id


def test_the_surest_flag_comes_first_and_skipped_ones_wait(
    store: Store, listings: dict[str, tuple[int, int]]
) -> None:
    sure, less, least = (listings[name][0] for name in ("sure", "less", "least"))
    assert card(store) == sure
    assert card(store, sure) == less
    assert card(store, sure, less) == least
    assert card(store, sure, less, least) is None


def test_a_card_carries_its_text_score_and_the_number_waiting(
    store: Store, listings: dict[str, tuple[int, int]]
) -> None:
    with reading(store.engine) as session:
        found = next_for_review(session)
    assert found.reading.title == "Tusk pair"
    assert (found.score.ivory, found.score.thresholds["ivory"]) == (0.9, 0.5)
    assert (found.listing.site.name, found.listing.seller.name, found.waiting) == ("oldport", "grey_heron", 3)


def test_a_verdict_takes_the_listing_off_the_queue_and_undo_puts_it_back(
    store: Store, listings: dict[str, tuple[int, int]]
) -> None:
    user = store.user()
    verdict = judge(store, listings["sure"], user, "tiger", "ivory")
    with reading(store.engine) as session:
        assert count_waiting(session) == 2
        assert find_standing(session, listings["sure"][0]).labels == ["ivory", "tiger"]
    assert undo_verdict(store.engine, user_id=user, now=store.now).id == verdict
    with reading(store.engine) as session:
        assert count_waiting(session) == 3
        assert find_standing(session, listings["sure"][0]) is None
    assert undo_verdict(store.engine, user_id=user, now=store.now) is None


def test_undo_takes_back_only_ones_own_and_the_one_before_stands_again(
    store: Store, listings: dict[str, tuple[int, int]]
) -> None:
    ana, ben = store.user("ana"), store.user("ben")
    first = judge(store, listings["sure"], ana, "ivory")
    second = judge(store, listings["sure"], ben)
    with reading(store.engine) as session:
        assert find_standing(session, listings["sure"][0]).id == second
    undo_verdict(store.engine, user_id=ben, now=store.now)
    with reading(store.engine) as session:
        assert find_standing(session, listings["sure"][0]).id == first


def test_recent_verdicts_leave_out_what_was_undone(
    store: Store, listings: dict[str, tuple[int, int]]
) -> None:
    user = store.user()
    judge(store, listings["sure"], user, "ivory")
    judge(store, listings["less"], user)
    undo_verdict(store.engine, user_id=user, now=store.now)
    judge(store, listings["least"], user, "tiger")
    with reading(store.engine) as session:
        assert [listing.id for _, listing in find_recent(session, user_id=user)] == [
            listings["least"][0],
            listings["sure"][0],
        ]


@pytest.mark.parametrize(
    ("label", "reading_of", "message"),
    [("bear", "sure", "bear is no species group"), ("ivory", "less", "does not belong to this listing")],
)
def test_a_verdict_that_makes_no_sense_is_refused(
    store: Store, listings: dict[str, tuple[int, int]], label: str, reading_of: str, message: str
) -> None:
    user = store.user()
    with pytest.raises(StorageError, match=message):
        judge(store, (listings["sure"][0], listings[reading_of][1]), user, label)


@pytest.mark.parametrize(
    "statement", ["UPDATE verdict SET note = 'x'", "DELETE FROM verdict", "DELETE FROM score"]
)
def test_opinions_are_never_changed(
    store: Store, listings: dict[str, tuple[int, int]], statement: str
) -> None:
    judge(store, listings["sure"], store.user(), "ivory")
    with pytest.raises(DBAPIError, match="never changed or deleted"), transaction(store.engine) as session:
        session.execute(text(statement))


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (ListingFilter(), "sure less least below unscored"),
        (ListingFilter(text="tusk"), "sure"),
        (ListingFilter(text="PAIR tusk"), "sure"),
        (ListingFilter(text="100%"), "less"),
        (ListingFilter(text="horn_cup"), "less"),
        (ListingFilter(text="hornxcup"), ""),
        (ListingFilter(text="'; DROP TABLE listing; --"), ""),
        (ListingFilter(site="reedmarket"), "least"),
        (ListingFilter(state="flagged"), "sure less least"),
        (ListingFilter(state="unreviewed"), "least"),
        (ListingFilter(state="reviewed"), "sure less unscored"),
        (ListingFilter(state="ad"), "sure unscored"),
        (ListingFilter(group="ivory"), "sure"),
        (ListingFilter(group="rhino_horn"), "unscored"),
        (ListingFilter(group="tiger"), "least"),
        (ListingFilter(group="tiger", site="oldport"), ""),
    ],
)
def test_lists_are_filtered(
    store: Store, listings: dict[str, tuple[int, int]], wanted: ListingFilter, names: str
) -> None:
    user = store.user()
    judge(store, listings["sure"], user, "ivory")
    judge(store, listings["less"], user)
    judge(store, listings["unscored"], user, "rhino_horn")
    expected = {listings[name][0] for name in names.split()}
    with reading(store.engine) as session:
        found = find_listings(session, wanted)
        assert {row.listing.id for row in found.rows} == expected
        assert found.total == len(expected)
        assert {row.listing.id for row in iterate_listings(session, wanted)} == expected


def test_lists_come_in_pages_that_overlap_nowhere(store: Store, listings: dict[str, tuple[int, int]]) -> None:
    with reading(store.engine) as session:
        pages = [find_listings(session, ListingFilter(), page=page, per_page=2) for page in (1, 2, 3)]
    ids = [row.listing.id for page in pages for row in page.rows]
    assert ids[:3] == [listings[name][0] for name in ("sure", "less", "least")]
    assert sorted(ids) == sorted(listing for listing, _ in listings.values())
    assert (pages[0].total, pages[0].pages) == (5, 3)


@pytest.mark.parametrize("wanted", [ListingFilter(state="odd"), ListingFilter(group="bear")])
def test_an_unknown_filter_is_an_error(store: Store, wanted: ListingFilter) -> None:
    with reading(store.engine) as session, pytest.raises(ValueError, match="is not one of"):
        find_listings(session, wanted)


def test_a_listing_is_shown_with_all_that_is_known(
    store: Store, listings: dict[str, tuple[int, int]]
) -> None:
    user = store.user()
    judge(store, listings["sure"], user, "ivory")
    undo_verdict(store.engine, user_id=user, now=store.now)
    judge(store, listings["sure"], user, "tiger")
    with reading(store.engine) as session:
        detail = find_listing(session, listings["sure"][0])
        assert find_listing(session, 999_999) is None
    assert [verdict.labels for verdict, _ in detail.verdicts] == [["ivory"], [], ["tiger"]]
    assert [name for _, name in detail.verdicts] == ["ana", "ana", "ana"]
    assert detail.standing.labels == ["tiger"]
    assert len(detail.scores) == len(detail.sightings) == len(detail.pages) == 1
    assert detail.pages[0].body_sha256 is not None


def test_each_model_scores_a_listings_latest_reading_once(
    store: Store, listings: dict[str, tuple[int, int]]
) -> None:
    with reading(store.engine) as session:
        assert [row.reading_id for row in find_unscored(session, model_version="m1", limit=9)] == [
            listings["unscored"][1]
        ]
        assert count_unscored(session, model_version="m2") == 5
    store.score(listings["sure"][1], model="m1", ivory=0.1)
    store.score(listings["sure"][1], model="m2", flagged=False, ivory=0.1)
    with reading(store.engine) as session:
        assert find_model_version(session) == "m2"
        assert count_unscored(session, model_version="m2") == 4
    assert card(store) == listings["less"][0]


CHANGES = {
    "another description": ({"description": "Now with a second pair."}, True),
    "another title": ({"title": "Tusk pair, heavy"}, True),
    "another price": ({"price_amount": Decimal("99"), "fields": {"price_amount": {"value": "99"}}}, False),
    "another reader": ({"reader_version": "r2"}, False),
}


def change(store: Store, seen: int, key: str = "1", **changes: Any) -> tuple[int, int]:
    """The listing of that key at oldport as it is seen `seen` hours later, flagged again; the listing and its reading."""
    with reading(store.engine) as session:
        site = find_site(session, "oldport").id
    later = store.now + timedelta(hours=seen)
    made = store.listing(site, store.run(site), key, **({"title": "Tusk pair", "seen_at": later} | changes))
    store.score(made[1], ivory=0.9)
    return made


@pytest.mark.parametrize("name", CHANGES)
def test_a_verdict_stands_for_the_text_that_was_judged(
    store: Store, listings: dict[str, tuple[int, int]], name: str
) -> None:
    changes, waits = CHANGES[name]
    verdict = judge(store, listings["sure"], store.user())
    listing, present = change(store, 1, **changes)
    assert listing == listings["sure"][0]
    with reading(store.engine) as session:
        detail = find_listing(session, listing)
        assert detail.reading.id == present != listings["sure"][1]
        assert count_waiting(session) == (3 if waits else 2)
        assert (find_standing(session, listing) is None) is waits
        assert (detail.standing is None) is waits
        assert detail.earlier == ({verdict} if waits else set())
        for state, there in (("unreviewed", waits), ("reviewed", not waits), ("flagged", True)):
            rows = find_listings(session, ListingFilter(state=state)).rows
            assert (listing in [row.listing.id for row in rows]) is there
        ad = next(
            ad
            for ad in find_ads(
                session, start=store.now - timedelta(days=30), end=store.now + timedelta(days=1)
            )
            if ad.listing_id == listing
        )
        assert ad.judged == (None if waits else ())
    assert (card(store) == listing) is waits


def test_an_earlier_verdict_stands_again_with_its_text_and_undo_goes_back_in_order(
    store: Store, listings: dict[str, tuple[int, int]]
) -> None:
    user = store.user()
    first = judge(store, listings["sure"], user)
    second = judge(store, change(store, 1, description="Other."), user, "ivory")
    listing = listings["sure"][0]

    def standing() -> int | None:
        with reading(store.engine) as session:
            found = find_standing(session, listing)
            return None if found is None else found.id

    assert standing() == second
    change(store, 2)
    assert standing() == first
    change(store, 3, description="Other.", price_amount=Decimal("7"))
    assert standing() == second
    assert undo_verdict(store.engine, user_id=user, now=store.now).id == second
    assert standing() is None
    assert card(store) == listing
    change(store, 4)
    assert standing() == first
    assert undo_verdict(store.engine, user_id=user, now=store.now).id == first
    assert standing() is None


def test_a_copy_elsewhere_leaves_the_verdict_standing(
    store: Store, listings: dict[str, tuple[int, int]]
) -> None:
    judge(store, listings["sure"], store.user())
    copy = change(store, 1, key="77")
    assert copy[0] == listings["sure"][0]
    with reading(store.engine) as session:
        assert find_standing(session, copy[0]) is not None
        assert find_listing(session, copy[0]).earlier == set()
        assert count_waiting(session) == 2


@pytest.mark.parametrize(("ivory", "judged"), [(0.01, ("ivory",)), (0.9, None)])
def test_a_confirmed_ad_made_harmless_stays_in_the_figures_and_one_flagged_anew_waits(
    store: Store, listings: dict[str, tuple[int, int]], ivory: float, judged: tuple[str, ...] | None
) -> None:
    judge(store, listings["sure"], store.user(), "ivory")
    with reading(store.engine) as session:
        site = find_site(session, "oldport").id
    later = store.now + timedelta(hours=1)
    listing, read = store.listing(
        site, store.run(site), "1", title="Picture frames", description="Of oak.", seen_at=later
    )
    store.score(read, ivory=ivory, flagged=ivory > 0.5)
    with reading(store.engine) as session:
        ads = find_ads(session, start=store.now - timedelta(days=30), end=store.now + timedelta(days=1))
        assert {ad.listing_id: ad.judged for ad in ads}[listing] == judged


def test_a_verdict_on_a_text_that_changed_meanwhile_does_not_stand(
    store: Store, listings: dict[str, tuple[int, int]]
) -> None:
    change(store, 1, description="Changed while it was on the screen.")
    judge(store, listings["sure"], store.user())
    assert card(store) == listings["sure"][0]


def test_the_same_verdict_sent_twice_is_kept_once(store: Store, listings: dict[str, tuple[int, int]]) -> None:
    user = store.user()
    said = {"kind": "offer", "form": "carving", "note": "seen\0before"}
    first = judge(store, listings["sure"], user, "tiger", "ivory", **said)
    assert judge(store, listings["sure"], user, "ivory", "tiger", **said) == first
    assert undo_verdict(store.engine, user_id=user, now=store.now).id == first
    assert card(store) == listings["sure"][0]
    again = judge(store, listings["sure"], user, "ivory", "tiger", **said)
    assert again > first
    with reading(store.engine) as session:
        given = [
            (verdict.id, verdict.undoes) for verdict, _ in find_listing(session, listings["sure"][0]).verdicts
        ]
    assert given == [(first, None), (first + 1, first), (again, None)]


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "offer"},
        {"form": "carving"},
        {"note": "seen"},
        {"guideline_version": "2"},
        {"labels": "tiger"},
    ],
)
def test_a_verdict_that_says_anything_else_is_a_new_one(
    store: Store, listings: dict[str, tuple[int, int]], said: dict[str, str]
) -> None:
    user = store.user()
    first = judge(store, listings["sure"], user, "ivory")
    second = judge(
        store,
        listings["sure"],
        user,
        said.get("labels", "ivory"),
        **{k: v for k, v in said.items() if k != "labels"},
    )
    assert second != first
    with reading(store.engine) as session:
        assert find_standing(session, listings["sure"][0]).id == second


def test_the_same_verdict_of_another_person_or_on_another_text_is_a_new_one(
    store: Store, listings: dict[str, tuple[int, int]]
) -> None:
    ana, ben = store.user("ana"), store.user("ben")
    given = [judge(store, listings["sure"], person, "ivory") for person in (ana, ben, ana)]
    given.append(judge(store, change(store, 1, description="Other."), ana, "ivory"))
    assert len(set(given)) == 4


def test_what_is_worth_a_look_and_what_was_passed_have_queues_of_their_own(store: Store) -> None:
    site = store.site("oldport")
    run = store.run(site)
    made = {name: store.listing(site, run, name) for name in ("flag", "near", "far", "passed", "gone")}
    store.score(made["flag"][1], ivory=0.9)
    store.score(made["near"][1], flagged=False, zone="look", ivory=0.4)
    store.score(made["far"][1], flagged=False, zone="look", ivory=0.2)
    store.score(made["passed"][1], flagged=False, zone="pass")
    store.score(made["gone"][1], flagged=False)  # by an early model, without a zone
    with reading(store.engine) as session:
        look = next_for_review(session, queue="look")
        assert look is not None
        assert (look.listing.id, look.waiting) == (made["near"][0], 2)
        further = next_for_review(session, queue="look", skipped=[made["near"][0]])
        assert further is not None
        assert further.listing.id == made["far"][0]
        drawn = next_for_review(session, queue="audit")
        assert drawn is not None
        assert drawn.listing.id in {made["passed"][0], made["gone"][0]}
        assert count_waiting(session) == 1


def test_the_random_check_counts_only_what_it_showed_itself(store: Store) -> None:
    site, user = store.site("oldport"), store.user()
    run = store.run(site)
    passed = [store.listing(site, run, str(at)) for at in range(5)]
    for listing in passed:
        store.score(listing[1], flagged=False, zone="pass")
    flagged = store.listing(site, run, "f")
    store.score(flagged[1], ivory=0.9)
    judge(store, flagged, user, "ivory", queue="flag")
    judge(store, passed[0], user, queue="audit")
    judge(store, passed[1], user, "tiger", queue="audit")
    judge(store, passed[2], user, "tiger")  # somebody chose it: no random draw
    with reading(store.engine) as session:
        assert count_audit(session) == AuditCounts(passed=5, drawn=2, missed=1, found=1)


def test_the_order_of_the_random_check_is_not_that_of_the_store(store: Store) -> None:
    site = store.site("oldport")
    run = store.run(site)
    ids = []
    for at in range(12):
        listing = store.listing(site, run, str(at))
        store.score(listing[1], flagged=False, zone="pass")
        ids.append(listing[0])
    seen: list[int] = []
    with reading(store.engine) as session:
        while (card := next_for_review(session, queue="audit", skipped=seen)) is not None:
            seen.append(card.listing.id)
    assert sorted(seen) == ids
    assert seen != ids


def test_of_near_copies_one_comes_first(store: Store) -> None:
    site = store.site("oldport")
    run = store.run(site)
    first, copy, other = (store.listing(site, run, key) for key in "abc")
    store.score(first[1], ivory=0.95)
    store.score(copy[1], ivory=0.94)
    store.score(other[1], ivory=0.6)
    with transaction(store.engine) as session:
        session.add(
            Likeness(
                a_id=first[0], b_id=copy[0], similarity=0.9, kind="same_seller", version="1",
                first_seen=store.now, last_seen=store.now,
            )
        )  # fmt: skip
    assert card(store) == first[0]
    assert card(store, first[0]) == other[0]
    assert card(store, first[0], other[0]) == copy[0]
