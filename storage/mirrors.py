"""Addresses that a site's own signed page names: proposed to a person, approved or refused, and how new the list was.

Public names: propose_addresses, decide_address, accept_list, find_accepted, find_known_onions, Accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from storage import audit
from storage.engine import lock, transaction
from storage.tables import Address, Audit, Site

_ACCEPTED = "mirror.list"


@dataclass(frozen=True)
class Accepted:
    """The newest signed list of a site that was accepted: when it was signed, and the key that signed it."""

    signed_at: datetime
    fingerprint: str


def propose_addresses(
    engine: Engine,
    *,
    site_id: int,
    found: Mapping[str, str],
    page_id: int,
    signed_by: str,
    now: datetime,
) -> list[str]:
    """Keep those that the site does not have yet as "proposed"; which ones were new. `found`: onion -> how, in words.

    What a person refused is not proposed again. What left the site file is: the site itself says that it is its own.
    """
    new: list[str] = []
    with transaction(engine) as session:
        lock(session, "site")
        rows = {row.onion: row for row in session.scalars(select(Address).where(Address.site_id == site_id))}
        for onion, reason in found.items():
            row = rows.get(onion)
            if row is None:
                row = Address(site_id=site_id, onion=onion)
                session.add(row)
            elif row.state != "dropped":
                continue
            row.state, row.source, row.reason = "proposed", "page", reason[:500]
            row.found_on, row.signed_by = page_id, signed_by
            row.checked_at = row.seconds = row.recheck_at = row.decided_at = None
            row.decided_by = ""
            new.append(onion)
        if new:
            detail = {"onions": [_defang(onion) for onion in new], "page": page_id}
            _record(session, site_id, "mirror.propose", "crawler", detail, now)
    return new


def decide_address(
    engine: Engine, *, site_id: int, onion: str, approve: bool, by: str, now: datetime
) -> tuple[str, str]:
    """A person's word on one address; its state before and after. LookupError when the site has no such address.

    Approved: it may be asked from now on. Refused: never, though it stand in the site file. Either may be undone by the
    other. An address that is in use already is approved as it is.
    """
    with transaction(engine) as session:
        lock(session, "site")
        row = session.scalar(select(Address).where(Address.site_id == site_id, Address.onion == onion))
        if row is None:
            raise LookupError(f"site {site_id} has no such address")
        before = row.state
        if not approve:
            row.state = "refused"
        elif before in ("proposed", "refused"):
            row.state = "unverified"
        elif before == "dropped":
            raise ValueError("it left the site file: write it there again")
        if row.state != before:
            row.decided_by, row.decided_at = by, now
            row.recheck_at = None
            action = "mirror.approve" if approve else "mirror.refuse"
            _record(session, site_id, action, by, {"onion": _defang(onion), "was": before}, now)
        return before, row.state


def accept_list(
    engine: Engine,
    *,
    site_id: int,
    signed_at: datetime,
    fingerprint: str,
    page_id: int,
    count: int,
    now: datetime,
) -> bool:
    """Note a list whose signature was right, unless one as new was noted. False for an older one: a replay.

    Kept in the audit log, which nobody can set back.
    """
    with transaction(engine) as session:
        lock(session, "site")
        last = find_accepted(session, site_id)
        # Dates of one key are compared with each other only: a new key on file begins anew.
        if last is not None and last.fingerprint == fingerprint and signed_at <= last.signed_at:
            return signed_at == last.signed_at
        detail = {
            "signed_at": signed_at.isoformat(),
            "key": fingerprint,
            "page": page_id,
            "addresses": count,
        }
        _record(session, site_id, _ACCEPTED, "crawler", detail, now)
        return True


def find_accepted(session: Session, site_id: int) -> Accepted | None:
    """The signed list that was accepted last."""
    detail = session.scalar(
        select(Audit.detail)
        .where(Audit.action == _ACCEPTED, Audit.subject == _subject(session, site_id))
        .order_by(Audit.id.desc())
        .limit(1)
    )
    return Accepted(datetime.fromisoformat(detail["signed_at"]), detail["key"]) if detail else None


def find_known_onions(session: Session, *, except_site: int | None = None) -> list[str]:
    """All addresses of all sites that the analyst ever wrote down or approved: what a phisher would copy."""
    statement = select(Address.onion).where(Address.state.not_in(("proposed", "refused")))
    if except_site is not None:
        statement = statement.where(Address.site_id != except_site)
    return list(dict.fromkeys(session.scalars(statement.order_by(Address.id))))


def _defang(onion: str) -> str:
    return onion.replace(".", "[.]")


def _subject(session: Session, site_id: int) -> str:
    return f"site {session.scalar(select(Site.name).where(Site.id == site_id))}"


def _record(
    session: Session, site_id: int, action: str, actor: str, detail: dict[str, Any], now: datetime
) -> None:
    subject = _subject(session, site_id)
    audit.record(session, actor=actor, action=action, subject=subject, detail=detail, now=now)
