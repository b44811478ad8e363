"""What models made of readings.

Public names: ToScore, ScoreRow, find_unscored, count_unscored, store_scores, find_model_version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Select, exists, func, select
from sqlalchemy.orm import Session

from storage.engine import insert_ignore, transaction
from storage.tables import Listing, Reading, Score


@dataclass(frozen=True)
class ToScore:
    """A listing's latest reading, which the model has not seen."""

    reading_id: int
    title: str
    description: str


@dataclass(frozen=True)
class ScoreRow:
    """What one model made of one reading; see tables.Score for thresholds and reasons."""

    reading_id: int
    model_version: str
    ivory: float
    rhino_horn: float
    tiger: float
    thresholds: Mapping[str, float]
    flagged: bool
    reasons: Mapping[str, Any]
    zone: str = ""
    kind: str = ""


def find_unscored(session: Session, *, model_version: str, limit: int) -> list[ToScore]:
    """Latest readings of listings that this model has not scored, in the order in which they were read."""
    statement = _unscored(model_version).order_by(Reading.id).limit(limit)
    return [ToScore(row[0], row[1], row[2]) for row in session.execute(statement)]


def count_unscored(session: Session, *, model_version: str) -> int:
    """How many find_unscored would give without a limit."""
    return session.scalar(select(func.count()).select_from(_unscored(model_version).subquery())) or 0


def store_scores(engine: Engine, rows: Sequence[ScoreRow], *, now: datetime) -> int:
    """Keep a batch of scores in one transaction; how many were new (a reading has one score of each model)."""
    with transaction(engine) as session:
        values = [
            {
                "reading_id": row.reading_id,
                "model_version": row.model_version,
                "ivory": float(row.ivory),
                "rhino_horn": float(row.rhino_horn),
                "tiger": float(row.tiger),
                "thresholds": dict(row.thresholds),
                "flagged": bool(row.flagged),
                "reasons": dict(row.reasons),
                "zone": row.zone,
                "kind": row.kind,
                "created_at": now,
            }
            for row in rows
        ]
        return insert_ignore(session, Score, values)


def find_model_version(session: Session) -> str | None:
    """The model that scored last."""
    return session.scalar(select(Score.model_version).order_by(Score.id.desc()).limit(1))


def _unscored(model_version: str) -> Select[int, str, str]:
    scored = exists().where(Score.reading_id == Reading.id, Score.model_version == model_version)
    return (
        select(Reading.id, Reading.title, Reading.description)
        .join(Listing, Listing.reading_id == Reading.id)
        .where(~scored)
    )
