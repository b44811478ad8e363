"""What is true about every listing of the lab, to check a reader and a classifier against: Truth, truth, sentences.

The truth is made by the same functions that the pages show, from the same seed, total and day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from lab.sites import PAGES, LabSite, make_sites
from lab.texts import read_texts

TEXT_FILES = ("wildlife", "nearmiss", "decoys1", "decoys2", "foreign", "forum", "everyday_en", "everyday_de")


@dataclass(frozen=True)
class Truth:
    """One listing or thread. `key` and `path` are the site's own; empty strings and None mean that no page states it.

    `labels` are the groups the listing *offers* (empty for all but the 21), `about` the groups it talks about otherwise.
    `price` and `currency` are those of the money price, not of the coins beside it. `posted` is exact for the forum;
    markets show the day only. `copy_of` is the key of the listing that this one repeats word for word.
    """

    site: str
    key: str
    path: str
    title: str
    description: str
    labels: tuple[str, ...]
    about: tuple[str, ...]
    kind: str
    language: str
    posted: datetime
    price: Decimal | None
    currency: str
    ships_from: str
    ships_to: str
    seller: str
    category: str
    copy_of: str | None

    def as_json(self) -> dict[str, Any]:
        """The same as plain values for JSON."""
        raw = asdict(self)
        raw["posted"] = self.posted.isoformat()
        raw["price"] = None if self.price is None else str(self.price)
        return raw


def truth(*, seed: int, listings: int, today: date) -> list[Truth]:
    """Every listing of a lab with that seed, that total and that day."""
    sites = make_sites(seed=seed, listings=listings, today=today)
    return [true_listing(site, number) for site in sites for number in range(site.count)]


def true_listing(site: LabSite, number: int) -> Truth:
    """What is true about one listing."""
    key_of = PAGES[site.name].key_of
    it = site.goods.listing(number)
    return Truth(
        site=site.name,
        key=key_of(number),
        path=site.path_of(number),
        title=it.title,
        description=it.text,
        labels=it.labels,
        about=it.about,
        kind=it.kind,
        language=it.language,
        posted=it.posted,
        price=it.price,
        currency=it.currency,
        ships_from=it.ships_from if it.price is not None else "",
        ships_to=it.ships_to if it.price is not None else "",
        seller=it.seller,
        category=it.category,
        copy_of=None if it.copy_of is None else key_of(it.copy_of),
    )


def sentences() -> Iterator[str]:
    """Every title and sentence that the lab's texts are made of, with the places to fill in still in braces."""
    for name in TEXT_FILES:
        for text in _strings(read_texts(name)):
            for part in re.split(r"(?<=[.!?。！？])\s+|\n\s*\n|(?<=[。！？])", text):
                sentence = " ".join(part.split())
                if sentence:
                    yield sentence


def _strings(node: Any) -> Iterator[str]:
    """The texts in a file; single short words (codes, categories, sites) are not among them."""
    if isinstance(node, str):
        if len(node) > 12 or " " in node:
            yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            if key not in ("site", "c", "s", "l", "g", "a", "k", "from", "to"):
                yield from _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)
