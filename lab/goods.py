"""All goods of the lab's sites as pure functions of (seed, number): SiteGoods, share_listings, MARKETS, FORUM.

Hand-written ads stand at fixed places drawn from the seed, exactly once each; everything between them is composed when
it is asked for. A site of 100,000 listings costs no more memory than an index of two small integers a listing.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any

from lab.chance import mix, pick_rng
from lab.everyday import compose_ending, compose_goods, pick_family
from lab.listing import Listing
from lab.sellers import name_sellers
from lab.texts import read_texts

MARKETS = ("oldport", "lanternrow", "nordkontor")
FORUM = "backroom"

DAYS = 140
"""Posted dates lie in the 20 weeks before today."""

_FROM = {
    "en": ("United Kingdom", "Netherlands", "Germany", "United States", "Canada", "Spain", "Undeclared", "France",
           "Poland", "Australia", "China", "India"),
    "de": ("Deutschland", "Österreich", "Niederlande", "Schweiz", "Polen", "Tschechien", "Spanien"),
}  # fmt: skip
_TO = {
    "en": (
        "Worldwide",
        "Europe",
        "United States",
        "Worldwide except Australia",
        "European Union",
        "North America",
    ),
    "de": ("Weltweit", "Europa", "Deutschland", "EU", "DACH"),
}
_CURRENCY = {"oldport": "USD", "lanternrow": "USD", "nordkontor": "EUR", FORUM: ""}
_SITE_LANGUAGE = {"nordkontor": "de"}
_SUFFIXES = (
    "new stock",
    "second batch",
    "last three",
    "lower price",
    "also in bulk",
    "restock",
    "by request",
)


def share_listings(total: int) -> dict[str, int]:
    """How many listings each site has when there are `total` (of 1,500: 600, 450, 350 and 100 threads)."""
    counts = {"oldport": total * 40 // 100, "lanternrow": total * 30 // 100, "nordkontor": total * 7 // 30}
    counts[FORUM] = total - sum(counts.values())
    return counts


def find_specials(site: str, *, seed: int) -> list[dict[str, Any]]:
    """The hand-written ads of a market that are not among the 21, in an order drawn from the seed."""
    chosen = []
    number = 0
    for name, kind in (("nearmiss", ""), ("decoys1", "decoy"), ("decoys2", "decoy"), ("foreign", "everyday")):
        for raw in read_texts(name):
            number += 1
            if _home_of(raw, number, seed=seed) == site:
                chosen.append({"k": kind, **raw})
    pick_rng(seed, site, 0, "specials").shuffle(chosen)
    return chosen


def _home_of(raw: dict[str, Any], number: int, *, seed: int) -> str:
    """The market where a hand-written ad stands: German ones in the German market, others by lot."""
    if raw.get("l") == "de":
        return "nordkontor"
    wheel = ("oldport",) * 9 + ("lanternrow",) * 7 + ("nordkontor",) * 4
    return wheel[mix(seed, "lab", number, "home") % len(wheel)]


class SiteGoods:
    """All listings of one market. `listing(n)` for n from 0 to `count` - 1; the forum has its own class."""

    def __init__(self, site: str, *, seed: int, count: int, today: date) -> None:
        self.site = site
        self.seed = seed
        self.count = count
        self.today = today
        self._wildlife = [raw for raw in read_texts("wildlife") if raw["site"] == site]
        specials = find_specials(site, seed=seed)
        self._specials = specials[: count * 3 // 10]
        places = pick_rng(seed, site, count, "places").sample(
            range(count), k=len(self._wildlife) + len(self._specials)
        )
        self._placed = dict(zip(places, [*self._wildlife, *self._specials], strict=True))
        # A market larger than the texts go round gets further decoys: the same goods in other words.
        self._spare = [raw for raw in specials if raw["k"] == "decoy"] if count > 1000 else []
        self.sellers = name_sellers(
            max(12, count // 14),
            offset=MARKETS.index(site) * 397,
            extra=tuple(raw["s"] for raw in self._wildlife),
        )
        self.listing = lru_cache(maxsize=20_000)(self._listing)

    def _hash(self, number: int, purpose: str) -> int:
        return mix(self.seed, self.site, number, purpose)

    def source_of(self, number: int) -> int:
        """The listing whose text this one shows: itself, or the one that it repeats (a relisting)."""
        if number in self._placed or self._hash(number, "relist") % 30:
            return number
        source = number - 1 - self._hash(number, "relist of") % 12
        if source < 0 or source in self._placed or self._hash(source, "relist") % 30 == 0:
            return number
        return source

    def category_of(self, number: int) -> str:
        """The family of a listing, without composing it."""
        number = self.source_of(number)
        raw = self._placed.get(number) or self._repeated(number)
        return str(raw["c"]) if raw else pick_family(self._hash(number, "family"))

    def seller_of(self, number: int) -> str:
        """The seller of a listing, without composing it."""
        number = self.source_of(number)
        raw = self._placed.get(number)
        if raw is not None and "s" in raw:
            return str(raw["s"])
        return self.sellers[self._hash(number, "seller") % len(self.sellers)]

    def posted_at(self, number: int) -> datetime:
        """When a listing was put up: some minute of the 20 weeks before today; a relisting after its source."""
        source = self.source_of(number)
        age = 1 + self._hash(source, "age") % (DAYS - 1)
        if source != number:
            age = self._hash(number, "age") % age
        minute = self._hash(number, "minute") % 1440
        return datetime.combine(self.today - timedelta(days=age), time(minute // 60, minute % 60), tzinfo=UTC)

    def _repeated(self, number: int) -> dict[str, Any] | None:
        if self._spare and self._hash(number, "spare") % 100 < 9:
            return self._spare[self._hash(number, "which spare") % len(self._spare)]
        return None

    def _listing(self, number: int) -> Listing:
        if not 0 <= number < self.count:
            raise IndexError(f"{self.site} has {self.count} listings, not {number}")
        source = self.source_of(number)
        rng = pick_rng(self.seed, self.site, source, "listing")
        raw = self._placed.get(source)
        repeated = self._repeated(source) if raw is None else None
        home = _SITE_LANGUAGE.get(self.site, "en")
        labels: tuple[str, ...] = ()
        about: tuple[str, ...] = ()
        if raw is not None or repeated is not None:
            chosen: dict[str, Any] = raw if raw is not None else repeated or {}
            language = str(chosen.get("l", "en"))
            title, text = str(chosen["t"]), str(chosen["x"]).strip()
            labels, about = tuple(chosen.get("g", ())), tuple(chosen.get("a", ()))
            kind = "offer" if labels else str(chosen["k"])
            price = Decimal(int(chosen["p"])).quantize(Decimal("0.01"))
            if not labels:
                ending = compose_ending(rng, language=language)
                text = f"{text} {ending}".strip()
            if repeated is not None:
                title = f"{title}, {rng.choice(_SUFFIXES)}"
                price += rng.randint(-3, 12)
        else:
            language = "de" if home == "de" and rng.random() < 0.7 else "en"
            goods = compose_goods(rng, pick_family(self._hash(source, "family")), language=language)
            title, text, language, price, kind, chosen = (
                goods.title, goods.text, goods.language, goods.price, "everyday", {},
            )  # fmt: skip
        return Listing(
            site=self.site,
            number=number,
            title=title,
            text=unfold(text),
            kind=kind,
            language=language,
            category=self.category_of(number),
            seller=self.seller_of(number),
            posted=self.posted_at(number),
            labels=labels,
            about=about,
            price=price,
            currency=_CURRENCY[self.site],
            ships_from=str(chosen.get("from") or rng.choice(_FROM[home])),
            ships_to=str(chosen.get("to") or rng.choice(_TO[home])),
            copy_of=source if source != number else None,
        )

    @cached_property
    def _index(self) -> tuple[dict[str, array[int]], dict[str, array[int]]]:
        categories: dict[str, array[int]] = {}
        sellers: dict[str, array[int]] = {}
        for number in range(self.count):
            categories.setdefault(self.category_of(number), array("I")).append(number)
            sellers.setdefault(self.seller_of(number), array("I")).append(number)
        return categories, sellers

    def in_category(self, category: str) -> Sequence[int]:
        """The numbers of all listings of a family."""
        return self._index[0].get(category, ())

    def by_seller(self, seller: str) -> Sequence[int]:
        """The numbers of all listings of a seller."""
        return self._index[1].get(seller, ())


def unfold(text: str) -> str:
    """Text as shown: lines of a paragraph joined, paragraphs kept apart by one empty line."""
    joiner = {True: "", False: " "}
    paragraphs = []
    for paragraph in text.split("\n\n"):
        lines = [line.strip() for line in paragraph.strip().splitlines()]
        whole = lines[0] if lines else ""
        for line in lines[1:]:
            # Chinese, Japanese and Thai have no space between words, so none where our file breaks a line;
            # Thai has one between clauses, which is where our file breaks it.
            whole += joiner[_is_cjk(whole[-1:])] + line
        paragraphs.append(whole)
    return "\n\n".join(paragraphs)


def _is_cjk(letter: str) -> bool:
    return bool(letter) and (
        "\u3000" <= letter <= "\u30ff" or "\u4e00" <= letter <= "\u9fff" or letter in "，。：；？"
    )


def draw(rng: random.Random, pool: Sequence[Any], count: int) -> list[Any]:
    """Up to `count` different members of a pool."""
    return rng.sample(list(pool), k=min(count, len(pool)))
