"""One listing (or forum thread) of the lab, and the vocabulary of its fields: Listing, Post, KINDS, GROUPS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

GROUPS = ("ivory", "rhino_horn", "tiger")

KINDS = (
    "offer", "wanted", "discussion", "scam_report", "replica", "substitute", "legal_antique", "other_wildlife",
    "decoy", "everyday",
)  # fmt: skip


@dataclass(frozen=True)
class Post:
    """One post of a thread."""

    author: str
    at: datetime
    text: str


@dataclass(frozen=True)
class Listing:
    """Everything that is true about one listing; a page shows it, the truth states it.

    `number` counts from 0 within its site. `labels` are the groups it offers (only of kind `offer`), `about` those it
    talks about without offering. `category` is a family such as `cannabis`, or a board of the forum. `copy_of` is the
    number of the listing that this one repeats word for word.
    """

    site: str
    number: int
    title: str
    text: str
    kind: str
    language: str
    category: str
    seller: str
    posted: datetime
    labels: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    price: Decimal | None = None
    currency: str = ""
    ships_from: str = ""
    ships_to: str = ""
    replies: tuple[Post, ...] = ()
    copy_of: int | None = None

    @property
    def day(self) -> date:
        return self.posted.date()
