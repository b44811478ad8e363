"""The tables about a site as a place to visit: the site, its addresses, and the sessions held there.

Public names: Site, Address, SiteSession. Imported by tables.py, which has all the others.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.base import Base
from storage.types import ForeignText


class Site(Base):
    """A market or forum that the analyst curates. Its settings live in <data>/sites/<name>/site.yml."""

    __tablename__ = "site"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(ForeignText(200))
    config_sha256: Mapped[str] = mapped_column(String(64))
    fence: Mapped[int] = mapped_column(default=0)
    """Goes up whenever a crawl of the site begins: a crawl with an older number stores nothing any more."""
    created_at: Mapped[datetime]


class Address(Base):
    """One onion of a site.

    state: unverified, alive, slow, dead, dropped (no longer in the site file), proposed (found on the site's signed page of
    mirrors; waits for a person) or refused (by a person). Only those in the site file, and those that a person approved,
    are ever asked.
    """

    __tablename__ = "address"
    __table_args__ = (UniqueConstraint("site_id", "onion"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    onion: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(16), default="unverified")
    checked_at: Mapped[datetime | None]
    seconds: Mapped[float | None]
    """How long the last check took."""
    reason: Mapped[str] = mapped_column(ForeignText(), default="")
    """Why it is dead, in words; of a proposed one, how it was found."""
    recheck_at: Mapped[datetime | None]
    """A dead one is asked again from then on."""
    source: Mapped[str] = mapped_column(String(16), default="file")
    """file: the site file; page: the site's own page of mirrors."""
    found_on: Mapped[int | None]
    """The stored page it was found on."""
    signed_by: Mapped[str] = mapped_column(String(64), default="")
    """Fingerprint of the key on file whose signature was right."""
    decided_by: Mapped[str] = mapped_column(String(100), default="")
    decided_at: Mapped[datetime | None]


class SiteSession(Base):
    """Where we stand with a site, for one account (or none): which gate bars the way, and the session a person opened.

    One row for each site and account. It holds no name and no cookie in the open: `account_key` is a keyed hash of the
    account's name ("" for no account), `sealed` an age file with name, cookies and user agent.
    """

    __tablename__ = "session"
    __table_args__ = (UniqueConstraint("site_id", "account_key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    account_key: Mapped[str] = mapped_column(String(64), default="")
    state: Mapped[str] = mapped_column(String(16), default="unknown")
    """ok, unknown, or a gate kind."""
    since: Mapped[datetime]
    message: Mapped[str] = mapped_column(ForeignText(), default="")
    page_id: Mapped[int | None]
    """The stored gate page that shows what is wanted."""
    circuit: Mapped[str] = mapped_column(String(64))
    """Random; the SOCKS credentials are made from it. A new one only with a new identity, never inside a session."""
    sealed: Mapped[bytes | None]
    opened_by: Mapped[str] = mapped_column(String(100), default="")
    opened_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
