"""The threads of the lab's forum, as pure functions of (seed, number): ForumGoods, BOARDS."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from typing import Any

from lab.chance import mix, pick_rng
from lab.everyday import compose_goods, pick_family
from lab.goods import DAYS, FORUM, draw, unfold
from lab.listing import Listing, Post
from lab.sellers import name_sellers
from lab.texts import read_texts

BOARDS = {
    "offers": "Vendor Offers",
    "wanted": "Wanted (WTB)",
    "talk": "General Discussion",
    "scams": "Scam Reports",
}
_BOARD_OF = {"offer": "offers", "wanted": "wanted", "scam_report": "scams", "substitute": "offers"}

_ADDITIONS = (
    "Asking for the {n}rd time since the summer, hence the short text.",
    "I was told in {city} that this is the right board, move it if not.",
    "Edit: {n} people wrote already, please only answer here.",
    "For the record, I have been around since the old place and have {days} posts to my name.",
    "Sorry for the English, I type this on a bus to {city}.",
    "Close the thread after {days} days if nobody has an idea.",
)


class ForumGoods:
    """All threads of the forum. `listing(n)` for n from 0 to `count` - 1."""

    def __init__(self, *, seed: int, count: int, today: date) -> None:
        self.site = FORUM
        self.seed = seed
        self.count = count
        self.today = today
        wildlife = [{"k": "offer", **raw} for raw in read_texts("wildlife") if raw["site"] == FORUM]
        own = list(read_texts("forum")["threads"])
        pick_rng(seed, FORUM, 0, "specials").shuffle(own)
        own = own[: max(0, count // 2 - len(wildlife))] if count < 60 else own
        places = pick_rng(seed, FORUM, count, "places").sample(range(count), k=len(wildlife) + len(own))
        self._placed: dict[int, dict[str, Any]] = dict(zip(places, [*wildlife, *own], strict=True))
        self.sellers = name_sellers(
            max(30, count // 4), offset=1511, extra=tuple(raw["s"] for raw in wildlife)
        )
        self.listing = lru_cache(maxsize=20_000)(self._listing)

    def _hash(self, number: int, purpose: str) -> int:
        return mix(self.seed, FORUM, number, purpose)

    def _kind_of(self, number: int) -> str:
        raw = self._placed.get(number)
        if raw is not None:
            return str(raw["k"])
        lot = self._hash(number, "kind") % 100
        return (
            "discussion" if lot < 35 else "everyday" if lot < 70 else "wanted" if lot < 85 else "scam_report"
        )

    def category_of(self, number: int) -> str:
        """The board of a thread."""
        kind = self._kind_of(number)
        if kind == "everyday":
            return "offers"
        return _BOARD_OF.get(kind, "talk")

    def seller_of(self, number: int) -> str:
        """Who opened a thread."""
        raw = self._placed.get(number, {})
        return str(raw.get("s") or self.sellers[self._hash(number, "seller") % len(self.sellers)])

    def _listing(self, number: int) -> Listing:
        if not 0 <= number < self.count:
            raise IndexError(f"{FORUM} has {self.count} threads, not {number}")
        rng = pick_rng(self.seed, FORUM, number, "listing")
        raw = self._placed.get(number)
        kind = self._kind_of(number)
        source = read_texts("forum")
        own_replies: list[str] = []
        language, labels, about = "en", (), ()
        if raw is not None:
            title, text = str(raw["t"]), unfold(str(raw["x"]))
            language = str(raw.get("l", "en"))
            labels, about = tuple(raw.get("g", ())), tuple(raw.get("a", ()))
            own_replies = list(raw.get("r", ()))
        elif kind == "everyday":
            goods = compose_goods(rng, pick_family(self._hash(number, "family")), language="en")
            title, text = f"[S] {goods.title}", goods.text
        else:
            pool = {
                "discussion": "everyday_discussion",
                "wanted": "everyday_wanted",
                "scam_report": "everyday_scam",
            }
            found = rng.choice(source[pool[kind]])
            title, text = str(found["t"]), str(found["x"])
            language = language_of(title)
            if language == "en" and rng.random() < 0.7:
                cities = read_texts("everyday_en")["common"]["cities"]
                addition = rng.choice(_ADDITIONS)
                text += " " + addition.format(
                    n=rng.randint(3, 9), days=rng.randint(20, 90), city=rng.choice(cities)
                )
        age = 1 + self._hash(number, "age") % (DAYS - 1)
        minute = self._hash(number, "minute") % 1440
        opened = datetime.combine(
            self.today - timedelta(days=age), time(minute // 60, minute % 60), tzinfo=UTC
        )
        # One thread in nine is long, so that some run over several pages.
        common = draw(
            rng, source["replies"], rng.randint(12, 18) if rng.random() < 0.11 else rng.randint(0, 5)
        )
        return Listing(
            site=FORUM,
            number=number,
            title=title,
            text=text,
            kind=kind,
            language=language,
            category=self.category_of(number),
            seller=self.seller_of(number),
            posted=opened,
            labels=labels,
            about=about,
            ships_from=str(raw.get("from", "")) if raw else "",
            ships_to=str(raw.get("to", "")) if raw else "",
            replies=self._answers(number, opened, [*own_replies, *common]),
        )

    def _answers(self, number: int, opened: datetime, texts: Sequence[str]) -> tuple[Post, ...]:
        """The replies in order of time, none after today."""
        rng = pick_rng(self.seed, FORUM, number, "answers")
        last = datetime.combine(self.today, time(0, 0), tzinfo=UTC)
        span = max(1, int((last - opened).total_seconds() // 60))
        minutes = sorted(rng.randint(1, span) for _ in texts)
        return tuple(
            Post(rng.choice(self.sellers), opened + timedelta(minutes=minute), text)
            for minute, text in zip(minutes, texts, strict=True)
        )

    @cached_property
    def _index(self) -> tuple[dict[str, array[int]], dict[str, array[int]]]:
        boards: dict[str, array[int]] = {}
        authors: dict[str, array[int]] = {}
        for number in range(self.count):
            boards.setdefault(self.category_of(number), array("I")).append(number)
            authors.setdefault(self.seller_of(number), array("I")).append(number)
        return boards, authors

    def in_category(self, category: str) -> Sequence[int]:
        """The numbers of all threads of a board."""
        return self._index[0].get(category, ())

    def by_seller(self, seller: str) -> Sequence[int]:
        """The numbers of all threads that somebody opened."""
        return self._index[1].get(seller, ())


def language_of(title: str) -> str:
    """The language of an everyday thread; its file does not say, and a few opening words tell them apart."""
    if any("а" <= letter <= "я" for letter in title.lower()):
        return "ru"
    for words, language in ((("Suche", "Fragen"), "de"), (("Cerco",), "it"), (("Busco", "¿Qué"), "es")):
        if title.startswith(words):
            return language
    return "en"
