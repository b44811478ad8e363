"""The sites and their addresses, as the site files say and the checks found.

Public names: register_site, record_check, find_sites, find_site, find_addresses, find_usable, RECHECK, BARRED.
Proposals and what people decide about them are in mirrors.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from storage.engine import lock, transaction
from storage.tables import Address, Site

RECHECK = timedelta(minutes=30)
"""A dead address is asked again after that."""
BARRED = ("proposed", "refused", "dropped")
"""States of addresses that nobody may ask."""


def register_site(
    engine: Engine, *, name: str, title: str, config_sha256: str, onions: Sequence[str], now: datetime
) -> int:
    """Add the site or bring it up to date with its file; its id. Addresses that left the file are "dropped".

    What a person refused stays refused although it stands in the file; a proposed one that now stands in the file is
    approved by that. Approved and proposed ones that never stood in the file are left alone.
    """
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
                continue
            known[onion].source = "file"
            if known[onion].state in ("dropped", "proposed"):
                known[onion].state = "unverified"
        for onion, row in known.items():
            if onion not in onions and row.source == "file" and row.state != "refused":
                row.state = "dropped"
        return site.id


def record_check(
    engine: Engine,
    *,
    site_id: int,
    onion: str,
    state: str,
    seconds: float | None,
    now: datetime,
    reason: str = "",
) -> None:
    """Keep what a check or a crawl found: alive, slow or dead, how long an answer took, and why it is dead.

    An address that may no longer be asked (a person refused it meanwhile) keeps its state.
    """
    if state not in ("alive", "slow", "dead"):
        raise ValueError(f"a check finds an address alive, slow or dead, not {state}")
    with transaction(engine) as session:
        lock(session, "site")
        row = session.scalar(select(Address).where(Address.site_id == site_id, Address.onion == onion))
        if row is None:
            raise LookupError(f"site {site_id} has no such address")
        if row.state in BARRED:
            return
        row.state, row.seconds, row.checked_at = state, seconds, now
        row.reason = reason[:500]
        row.recheck_at = now + RECHECK if state == "dead" else None


def find_sites(session: Session) -> list[Site]:
    """All sites by name."""
    return list(session.scalars(select(Site).order_by(Site.name)))


def find_site(session: Session, name: str) -> Site | None:
    return session.scalar(select(Site).where(Site.name == name))


def find_addresses(session: Session, site_id: int) -> list[Address]:
    """A site's addresses in the order in which they were added."""
    return list(session.scalars(select(Address).where(Address.site_id == site_id).order_by(Address.id)))


def find_usable(session: Session, site_id: int) -> list[Address]:
    """The addresses that may be asked: of the site file, and approved by a person."""
    return [
        row
        for row in find_addresses(session, site_id)
        # Belt and braces: what was found on a page is asked only with a decision beside it.
        if row.state not in BARRED and (row.source == "file" or row.decided_by)
    ]
