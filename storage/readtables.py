"""The tables about what was read beside listings: copies, sales, links between sellers, rates, archives brought in.

Public names: Signature, Band, Likeness, Feedback, SellerLink, Rate, Archive, ArchiveRecord. Imported by tables.py, which
has all the others.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.base import Base
from storage.types import ForeignText


class Signature(Base):
    """The MinHash of a listing's normalised text: what near copies are found by. A view, may be made again."""

    __tablename__ = "signature"
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    reading_id: Mapped[int] = mapped_column(ForeignKey("reading.id"), index=True)
    """The reading whose text it was made from."""
    version: Mapped[str] = mapped_column(String(40))
    """Of the normaliser, the shingles and the seed; only signatures of one version may be compared."""
    hashes: Mapped[bytes]


class Band(Base):
    """One band of a signature: listings that share one are compared."""

    __tablename__ = "band"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - half the space: the key is the row
    hash: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Signed 64 bits; the band's number and the signature's version are part of it."""
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), primary_key=True, autoincrement=False)


class Likeness(Base):
    """Two listings whose texts are nearly the same; a_id < b_id. They stay two listings."""

    __tablename__ = "likeness"
    __table_args__ = (UniqueConstraint("a_id", "b_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    a_id: Mapped[int] = mapped_column(ForeignKey("listing.id"))
    b_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    similarity: Mapped[float]
    """Estimated Jaccard similarity of their shingles, 0 to 1."""
    kind: Mapped[str] = mapped_column(String(16))
    """same_seller, other_seller (on one site) or other_site."""
    version: Mapped[str] = mapped_column(String(40))
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]


class Feedback(Base):
    """One rating that a buyer left: evidence that something was sold. Buyers' names are kept masked and never indexed."""

    __tablename__ = "feedback"
    __table_args__ = (UniqueConstraint("site_id", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    key: Mapped[str] = mapped_column(String(64))
    """SHA-256 of seller, text, product, buyer, price and day: the same rating seen again has the same key."""
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), index=True)
    page_id: Mapped[int] = mapped_column(ForeignKey("page.id"), index=True)
    reading_id: Mapped[int] = mapped_column(ForeignKey("reading.id"), index=True)
    seller_id: Mapped[int | None] = mapped_column(ForeignKey("seller.id"), index=True)
    listing_id: Mapped[int | None] = mapped_column(ForeignKey("listing.id"), index=True)
    sign: Mapped[str] = mapped_column(String(8), default="")
    """good, neutral, bad or "" where the page shows none."""
    stars: Mapped[float | None]
    """Out of five."""
    text: Mapped[str] = mapped_column(ForeignText(), default="")
    product: Mapped[str] = mapped_column(ForeignText(), default="")
    buyer: Mapped[str] = mapped_column(ForeignText(20), default="")
    """Masked, by the site or by us: at most the first and the last character."""
    price_amount: Mapped[Decimal | None]
    price_currency: Mapped[str] = mapped_column(ForeignText(8), default="")
    price_text: Mapped[str] = mapped_column(ForeignText(), default="")
    at: Mapped[datetime | None] = mapped_column(index=True)
    date_text: Mapped[str] = mapped_column(ForeignText(100), default="")
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]


class SellerLink(Base):
    """Two sellers who may be one; a_id < b_id. The machine proposes, a person confirms or refuses; nothing is merged.

    reasons: [{"kind": "pgp"|"contact"|"text", "value": ..., "strength": 0..1, ...}], the strongest first.
    """

    __tablename__ = "seller_link"
    __table_args__ = (UniqueConstraint("a_id", "b_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    a_id: Mapped[int] = mapped_column(ForeignKey("seller.id"))
    b_id: Mapped[int] = mapped_column(ForeignKey("seller.id"), index=True)
    strength: Mapped[float]
    reasons: Mapped[list[Any]]
    state: Mapped[str] = mapped_column(String(16), default="proposed", index=True)
    """proposed, confirmed or refused."""
    decided_by: Mapped[str] = mapped_column(String(100), default="")
    decided_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(ForeignText(), default="")
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]


class Rate(Base):
    """What one unit of a currency or coin was worth on a day, from a table that an analyst imported."""

    __tablename__ = "rate"
    __table_args__ = (UniqueConstraint("code", "base", "day", "source"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(8))
    base: Mapped[str] = mapped_column(String(8))
    day: Mapped[str] = mapped_column(String(10), index=True)
    """ISO date."""
    value: Mapped[Decimal]
    """Units of `base` for one unit of `code`."""
    source: Mapped[str] = mapped_column(ForeignText(200))
    imported_by: Mapped[str] = mapped_column(String(100))
    imported_at: Mapped[datetime]


class Archive(Base):
    """A file or folder of pages that somebody else fetched, brought in with its origin and custody. Its run's verb is import."""

    __tablename__ = "archive"
    __table_args__ = (UniqueConstraint("sha256", "site_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), index=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    name: Mapped[str] = mapped_column(ForeignText(300))
    form: Mapped[str] = mapped_column(String(16))
    """warc, html, mhtml, csv, jsonl or text."""
    sha256: Mapped[str] = mapped_column(String(64))
    """Of the file as received; of a folder, that of the sorted list of its files' names and hashes."""
    size: Mapped[int] = mapped_column(BigInteger)
    origin: Mapped[str] = mapped_column(ForeignText())
    """Where it comes from, in words: whose device, which crawler, which exhibit number."""
    custodian: Mapped[str] = mapped_column(ForeignText(200), default="")
    """Who handed it over."""
    obtained_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(ForeignText(), default="")
    by: Mapped[str] = mapped_column(String(100))
    imported_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16), default="open")
    """open, done or broken (its end could not be read; what could be, is in)."""
    message: Mapped[str] = mapped_column(ForeignText(), default="")
    stored: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)


class ArchiveRecord(Base):
    """One record of an archive and what became of it: a stored page, or the reason why not."""

    __tablename__ = "archive_record"
    __table_args__ = (UniqueConstraint("archive_id", "place"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    archive_id: Mapped[int] = mapped_column(ForeignKey("archive.id"))
    place: Mapped[str] = mapped_column(ForeignText(500))
    """Where in the archive: an offset in bytes, a path, a row's number."""
    sha256: Mapped[str] = mapped_column(String(64), default="")
    """Of the record's body as it stood in the archive."""
    page_id: Mapped[int | None] = mapped_column(ForeignKey("page.id"), index=True)
    message: Mapped[str] = mapped_column(ForeignText(), default="")
    """Why it was skipped; "" when it was stored."""
