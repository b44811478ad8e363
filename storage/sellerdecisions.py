"""What people decide about links between sellers: confirm, refuse, take back. Each act is a row of the log.

Public names: Decision, decide_link, undo_decision, find_decisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from storage.engine import lock, transaction
from storage.errors import StorageError
from storage.sellerlinks import record_act, subject_of
from storage.tables import Audit, SellerLink


@dataclass(frozen=True)
class Decision:
    """One thing that a person did with a link."""

    at: datetime
    by: str
    action: str
    note: str


def decide_link(
    engine: Engine, link_id: int, *, confirm: bool, by: str, note: str, now: datetime
) -> SellerLink:
    """A person says that two sellers are one, or are not. Raises StorageError when there is no such link."""
    with transaction(engine) as session:
        link = _lock_link(session, link_id)
        before = link.state
        link.state = "confirmed" if confirm else "refused"
        link.decided_by, link.decided_at, link.note = by, now, note.strip()
        # What was judged is marked, so that the same is never proposed again after a refusal.
        link.reasons = [
            {name: value for name, value in reason.items() if name != "refused"}
            | ({} if confirm else {"refused": True})
            for reason in link.reasons
        ]
        record_act(
            session, link, "confirm" if confirm else "refuse", by=by, note=note, before=before, now=now
        )
    return link


def undo_decision(engine: Engine, link_id: int, *, by: str, note: str, now: datetime) -> SellerLink:
    """The link is proposed again, as if nobody had decided; the log keeps that somebody did. Raises StorageError."""
    with transaction(engine) as session:
        link = _lock_link(session, link_id)
        if link.decided_at is None:
            raise StorageError(f"Nobody has decided on link {link_id} yet, so there is nothing to undo.")
        before = link.state
        link.state = "proposed"
        link.decided_by, link.decided_at, link.note = "", None, ""
        link.reasons = [{n: v for n, v in reason.items() if n != "refused"} for reason in link.reasons]
        record_act(session, link, "undo", by=by, note=note, before=before, now=now)
    return link


def find_decisions(session: Session, link_id: int) -> list[Decision]:
    """What people did with a link, the oldest first, from the log of who did what."""
    rows = session.scalars(select(Audit).where(Audit.subject == subject_of(link_id)).order_by(Audit.id))
    return [Decision(row.at, row.actor, row.action, str(row.detail.get("note", ""))) for row in rows]


def _lock_link(session: Session, link_id: int) -> SellerLink:
    lock(session, "seller_link")
    link = session.get(SellerLink, link_id)
    if link is None:
        raise StorageError(f"There is no link {link_id}. `tuskwatch seller links` shows those there are.")
    return link
