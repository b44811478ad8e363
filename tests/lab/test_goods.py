"""The goods: the same for the same seed, exactly 21 wildlife ads, lazy at any size."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest

from lab.chance import mix
from lab.goods import MARKETS, SiteGoods, share_listings, unfold
from lab.listing import GROUPS, KINDS
from lab.sites import make_sites
from lab.threads import ForumGoods
from lab.truth import Truth, sentences, truth

TODAY = date(2026, 11, 22)


def test_the_default_lab_is_shared_as_documented() -> None:
    assert share_listings(1500) == {"oldport": 600, "lanternrow": 450, "nordkontor": 350, "backroom": 100}


def test_the_same_seed_and_day_give_the_same_truth(truths: list[Truth]) -> None:
    assert truth(seed=21, listings=1500, today=TODAY) == truths


def test_another_seed_gives_another_truth(truths: list[Truth]) -> None:
    other = truth(seed=22, listings=1500, today=TODAY)
    same = sum(a.title == b.title for a, b in zip(truths, other, strict=True))
    assert same < len(truths) / 10


def test_another_day_moves_the_dates_only(truths: list[Truth]) -> None:
    later = truth(seed=21, listings=1500, today=TODAY + timedelta(days=3))
    assert [(t.title, t.price, t.posted + timedelta(days=3)) for t in truths] == [
        (t.title, t.price, t.posted) for t in later
    ]


@pytest.mark.parametrize("seed", [1, 21, 2026])
@pytest.mark.parametrize("listings", [100, 500, 1500, 4000])
def test_exactly_21_wildlife_ads_at_every_size(seed: int, listings: int) -> None:
    found = [t for t in truth(seed=seed, listings=listings, today=TODAY) if t.labels]
    assert len(found) == 21
    assert Counter(group for t in found for group in t.labels) == {"rhino_horn": 15, "ivory": 8, "tiger": 3}
    assert all(t.kind == "offer" for t in found)


def test_the_wildlife_ads_are_spread_like_in_the_survey(truths: list[Truth]) -> None:
    found = [t for t in truths if t.labels]
    assert len({t.language for t in found}) >= 6
    assert {t.site for t in found} == {"oldport", "lanternrow", "nordkontor", "backroom"}
    assert sum(t.category == "other" for t in found) > len(found) / 2
    assert sum(len(t.labels) > 1 for t in found) == 4


def test_only_offers_carry_labels_and_every_word_is_known(truths: list[Truth]) -> None:
    for t in truths:
        assert t.kind in KINDS
        assert set(t.labels) | set(t.about) <= set(GROUPS)
        assert bool(t.labels) == (t.kind == "offer")


def test_enough_of_what_fools_a_list_of_keywords(truths: list[Truth]) -> None:
    kinds = Counter(t.kind for t in truths)
    assert kinds["decoy"] >= 120
    assert kinds["other_wildlife"] >= 30
    for kind in ("wanted", "discussion", "scam_report", "replica", "substitute", "legal_antique"):
        assert any(t.kind == kind and t.about for t in truths), kind


def test_languages_alone_give_nothing_away(truths: list[Truth]) -> None:
    wildlife = {t.language for t in truths if t.labels}
    harmless = {t.language for t in truths if not t.labels and not t.about}
    assert wildlife <= harmless


def test_wildlife_sellers_sell_other_things_too(truths: list[Truth]) -> None:
    sellers = {(t.site, t.seller) for t in truths if t.labels and t.site != "backroom"}
    harmless = {(t.site, t.seller) for t in truths if t.kind == "everyday"}
    assert sellers <= harmless


def test_posted_dates_lie_in_the_twenty_weeks_before_today(truths: list[Truth]) -> None:
    ages = [(TODAY - t.posted.date()).days for t in truths]
    assert min(ages) >= 0
    assert max(ages) < 140
    weeks = Counter(age // 7 for age in ages)
    assert len(weeks) == 20
    assert all(t.posted.tzinfo is not None for t in truths)


def test_texts_are_distinct_but_for_the_relistings(truths: list[Truth]) -> None:
    originals = [(t.title, t.description) for t in truths if t.copy_of is None and t.site != "backroom"]
    assert len(set(originals)) == len(originals)
    threads = [t.description for t in truths if t.site == "backroom"]
    assert len(set(threads)) >= 0.9 * len(threads)  # people do ask the same again


def test_a_relisting_repeats_seller_and_words_under_another_number(truths: list[Truth]) -> None:
    by_key = {(t.site, t.key): t for t in truths}
    copies = [t for t in truths if t.copy_of is not None]
    assert len(copies) >= 15
    for copy in copies:
        assert copy.copy_of is not None
        source = by_key[copy.site, copy.copy_of]
        assert (copy.title, copy.description, copy.seller, copy.price) == (
            source.title, source.description, source.seller, source.price,
        )  # fmt: skip
        assert copy.key != source.key
        assert copy.posted.date() >= source.posted.date()
        assert copy.kind == "everyday"


def test_ads_have_the_length_of_ads(truths: list[Truth]) -> None:
    words = sorted(len(t.description.split()) for t in truths if t.language == "en")
    assert words[len(words) // 10] >= 20
    assert words[-1] <= 200


def test_a_hundred_thousand_listings_are_lazy_and_still_hold_21() -> None:
    sites = make_sites(seed=21, listings=100_000, today=TODAY)
    assert sum(site.count for site in sites) == 100_000
    wanted = 0
    for site in sites:
        assert len(site.goods.in_category("offers" if site.name == "backroom" else "other")) > 1000
        assert site.goods.listing(site.count - 1).title
        assert site.goods.listing.cache_info().currsize == 1  # the index composed no text
        wanted += sum(bool(raw.get("g")) for raw in site.goods._placed.values())
    assert wanted == 21


def test_one_listing_is_the_same_alone_and_among_others() -> None:
    alone = SiteGoods("oldport", seed=21, count=600, today=TODAY).listing(417)
    among = SiteGoods("oldport", seed=21, count=600, today=TODAY)
    assert [among.listing(number) for number in range(600)][417] == alone


@pytest.mark.parametrize("site", MARKETS)
def test_the_index_agrees_with_the_listings(site: str) -> None:
    goods = SiteGoods(site, seed=5, count=300, today=TODAY)
    for number in range(300):
        it = goods.listing(number)
        assert number in goods.in_category(it.category)
        assert number in goods.by_seller(it.seller)
        assert it.seller in goods.sellers


def test_the_forum_answers_in_order_and_not_after_today() -> None:
    goods = ForumGoods(seed=21, count=100, today=TODAY)
    for number in range(100):
        it = goods.listing(number)
        times = [it.posted, *(post.at for post in it.replies)]
        assert times == sorted(times)
        assert times[-1].date() <= TODAY
    assert any(len(goods.listing(number).replies) > 10 for number in range(100))


def test_a_number_beyond_the_site_is_refused() -> None:
    goods = SiteGoods("oldport", seed=21, count=100, today=TODAY)
    with pytest.raises(IndexError):
        goods.listing(100)


def test_mix_spreads_neighbours() -> None:
    lots = Counter(mix(21, "oldport", number, "x") % 10 for number in range(10_000))
    assert all(800 < count < 1200 for count in lots.values())
    assert mix(21, "a", 1, "x") != mix(21, "a", 1, "y") != mix(21, "b", 1, "x")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("one\ntwo\n\nthree\n", "one two\n\nthree"),
        ("公司，\n下一行。\n完", "公司，下一行。完"),
        ("ขาย\nของ", "ขาย ของ"),
    ],
)
def test_unfold_joins_lines_as_the_script_wants_it(raw: str, shown: str) -> None:
    assert unfold(raw) == shown


def test_sentences_hold_every_hand_written_ad(truths: list[Truth]) -> None:
    known = set(sentences())
    assert len(known) > 1200
    for t in truths:
        if t.kind != "everyday" and t.site != "backroom" and ", " not in t.title:
            assert t.title in known, t.title
