"""Where we stand with each site, for each account: the gate that bars the way, or the session that a person opened.

Public names: find_session, find_sessions, is_open, ensure_session, renew_circuit, note_standing, open_session, close_session, HOLDING.

No name and no cookie passes here in the open: an account is known by its keyed hash, a session by its sealed bytes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from storage import audit
from storage.engine import insert_ignore, reading, transaction
from storage.tables import Site, SiteSession

HOLDING = ("ok", "queue", "limited", "down", "not_found")
"""States that say nothing against an open session: trouble of the site, not of ours with it."""
MAX_SEALED = 512 * 1024
"""Bytes of a sealed session. A browser keeps 180 cookies of 4 KiB for one site at most, and no market sets so many."""


def find_session(session: Session, *, site_id: int, account_key: str = "") -> SiteSession | None:
    """The row of this site and account ("" for no account), if there is one."""
    return session.scalar(
        select(SiteSession).where(SiteSession.site_id == site_id, SiteSession.account_key == account_key)
    )


def find_sessions(session: Session) -> list[tuple[SiteSession, str]]:
    """All rows with the names of their sites, by site, the one without an account first."""
    statement = (
        select(SiteSession, Site.name)
        .join(Site, SiteSession.site_id == Site.id)
        .order_by(Site.name, SiteSession.account_key, SiteSession.id)
    )
    return [(row, name) for row, name in session.execute(statement)]


def is_open(row: SiteSession | None, *, now: datetime) -> bool:
    """Does this row hold a session that a person opened and whose time is not over?"""
    return (
        row is not None
        and row.sealed is not None
        and row.state in HOLDING
        and (row.expires_at is None or row.expires_at > now)
    )


def ensure_session(
    engine: Engine, *, site_id: int, account_key: str = "", circuit: str, now: datetime
) -> SiteSession:
    """The row of this site and account. A new one starts "unknown" with `circuit`; an old one keeps its own."""
    with transaction(engine) as session:
        row = {
            "site_id": site_id,
            "account_key": account_key,
            "state": "unknown",
            "since": now,
            "message": "",
            "circuit": circuit,
            "opened_by": "",
        }
        insert_ignore(session, SiteSession, [row])
        return _get(session, site_id, account_key)


def renew_circuit(engine: Engine, *, site_id: int, account_key: str, circuit: str, now: datetime) -> None:
    """Take a new identity with the site. Never inside a run, nor while a person's session is open: ValueError."""
    with transaction(engine) as session:
        row = _get(session, site_id, account_key)
        if is_open(row, now=now):
            raise ValueError("this session is open: its cookies hold on its own circuit only")
        row.circuit = circuit


def note_standing(
    engine: Engine,
    *,
    site_id: int,
    account_key: str,
    state: str,
    message: str,
    page_id: int | None,
    now: datetime,
) -> bool:
    """Keep how a response was judged: "ok", "unknown" or a gate kind, and the stored page that shows it. Was it news?

    `since` moves only when the state does. Where nothing is new nothing is written, so this may be said of every page.
    """
    with reading(engine) as session:
        row = find_session(session, site_id=site_id, account_key=account_key)
    if row is not None and row.state == state:
        known = (row.message, row.page_id)
        if state == "ok" or known == (message, page_id):
            return False
    with transaction(engine) as session:
        row = _get(session, site_id, account_key)
        changed = row.state != state
        if changed:
            row.state, row.since = state, now
        row.message, row.page_id = ("", None) if state == "ok" else (message, page_id)
        return changed


def open_session(
    engine: Engine,
    *,
    site_id: int,
    account_key: str,
    sealed: bytes,
    by: str,
    expires_at: datetime | None,
    now: datetime,
    circuit: str | None = None,
) -> bool:
    """Keep the sealed session that a person opened. False when the row has another circuit than `circuit` by now."""
    if len(sealed) > MAX_SEALED:
        raise ValueError(f"a sealed session of {len(sealed)} bytes is more than {MAX_SEALED}")
    with transaction(engine) as session:
        row = _get(session, site_id, account_key)
        if circuit is not None and row.circuit != circuit:
            return False
        if row.state != "ok":
            row.state, row.since = "ok", now
        row.message, row.page_id = "", None
        row.sealed, row.expires_at = sealed, expires_at
        row.opened_by, row.opened_at, row.checked_at = by[:100], now, now
        ends = expires_at.isoformat() if expires_at is not None else None
        _record(
            session,
            row,
            action="session.open",
            by=by,
            detail={"account": bool(account_key), "until": ends},
            now=now,
        )
        return True


def close_session(engine: Engine, *, site_id: int, account_key: str, by: str, now: datetime) -> bool:
    """Forget the sealed session; was there one? The next run begins with a new identity."""
    with transaction(engine) as session:
        row = find_session(session, site_id=site_id, account_key=account_key)
        if row is None or row.sealed is None:
            return False
        row.sealed, row.expires_at = None, None
        row.state, row.since, row.message, row.page_id = "unknown", now, "", None
        _record(session, row, action="session.close", by=by, detail={"account": bool(account_key)}, now=now)
        return True


def _get(session: Session, site_id: int, account_key: str) -> SiteSession:
    row = session.scalar(
        select(SiteSession)
        .where(SiteSession.site_id == site_id, SiteSession.account_key == account_key)
        .with_for_update()
    )
    if row is None:
        raise LookupError(f"site {site_id} has no row for this account: ensure_session adds it")
    return row


def _record(
    session: Session, row: SiteSession, *, action: str, by: str, detail: dict[str, Any], now: datetime
) -> None:
    site = session.get(Site, row.site_id)
    name = site.name if site is not None else str(row.site_id)
    audit.record(session, actor=by, action=action, subject=f"site {name}", detail=detail, now=now)
