"""What the canary needs to know of a run, and the proof that it leaves with it.

Public names: Fresh, find_fresh, find_last, find_hosts, find_proof, note_proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from storage.engine import transaction
from storage.tables import Address, Page, Run

_MAX_TOKENS = 20


@dataclass(frozen=True)
class Fresh:
    """Pages stored since: how many, the newest one's id, and the isolation tokens that they came under."""

    pages: int
    last_id: int
    tokens: frozenset[str]


def find_fresh(session: Session, run_id: int, *, after: int) -> Fresh:
    """Of the run's answered pages with a higher id than `after`."""
    wanted = (Page.run_id == run_id, Page.id > after, Page.status.is_not(None))
    count, last = session.execute(select(func.count(), func.max(Page.id)).where(*wanted)).one()
    tokens = session.scalars(select(Page.circuit_token).where(*wanted).distinct().limit(_MAX_TOKENS))
    return Fresh(int(count), int(last or after), frozenset(tokens) if count else frozenset())


def find_last(session: Session, run_id: int) -> int:
    """The id of the run's newest page, 0 when it has none."""
    return int(session.scalar(select(func.max(Page.id)).where(Page.run_id == run_id)) or 0)


def find_hosts(session: Session, site_id: int | None) -> frozenset[str]:
    """All addresses of the site, whatever their state."""
    return frozenset(session.scalars(select(Address.onion).where(Address.site_id == site_id)))


def find_proof(session: Session, run_id: int) -> dict[str, Any]:
    """What was kept with the run so far; empty before its first check."""
    return dict(session.scalar(select(Run.proof).where(Run.id == run_id)) or {})


def note_proof(engine: Engine, *, run_id: int, proof: Mapping[str, Any]) -> None:
    """Keep it with the run, in place of what was kept before."""
    with transaction(engine) as session:
        session.execute(update(Run).where(Run.id == run_id).values(proof=dict(proof)))
