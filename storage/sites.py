"""The sites and their addresses, as the site files say and the checks found.

Public names: register_site, record_check, find_sites, find_site, find_addresses.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from storage.engine import lock, transaction
from storage.tables import Address, Site


def register_site(
    engine: Engine, *, name: str, title: str, config_sha256: str, onions: Sequence[str], now: datetime
) -> int:
    """Add the site or bring it up to date with its file; its id. Addresses that left the file are "dropped"."""
    with transaction(engine) as session:
        lock(session, "site")
        site = session.scalar(select(Site).where(Site.name == name))
        if site is None:
            site = Site(name=name, title=title, config_sha256=config_sha256, created_at=now)
            session.add(site)
            session.flush()
        site.title = title
        site.config_sha256 = config_sha256
        known = {row.onion: row for row in session.scalars(select(Address).where(Address.site_id == site.id))}
        for onion in dict.fromkeys(onions):
            if onion not in known:
                session.add(Address(site_id=site.id, onion=onion))
            elif known[onion].state == "dropped":
                known[onion].state = "unverified"
        for onion, row in known.items():
            if onion not in onions:
                row.state = "dropped"
        return site.id


def record_check(
    engine: Engine, *, site_id: int, onion: str, state: str, seconds: float | None, now: datetime
) -> None:
    """Keep what a reachability check found: alive, slow or dead, and how long it took."""
    with transaction(engine) as session:
        row = session.scalar(select(Address).where(Address.site_id == site_id, Address.onion == onion))
        if row is None:
            raise LookupError(f"site {site_id} has no such address")
        row.state, row.seconds, row.checked_at = state, seconds, now


def find_sites(session: Session) -> list[Site]:
    """All sites by name."""
    return list(session.scalars(select(Site).order_by(Site.name)))


def find_site(session: Session, name: str) -> Site | None:
    return session.scalar(select(Site).where(Site.name == name))


def find_addresses(session: Session, site_id: int) -> list[Address]:
    """A site's addresses in the order in which they were added."""
    return list(session.scalars(select(Address).where(Address.site_id == site_id).order_by(Address.id)))
