"""What models made of readings.

Public names: ToScore, ScoreRow, SeenScore, find_unscored, count_unscored, store_scores, find_model_version, find_last_score,
find_scores.
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


@dataclass(frozen=True)
class SeenScore:
    """One score beside what was scored. language: the reader's, may be "". top: the highest probability."""

    site_id: int
    page_id: int
    title: str
    description: str
    language: str
    top: float


def find_unscored(
    session: Session, *, model_version: str, limit: int, site_id: int | None = None
) -> list[ToScore]:
    """Latest readings of listings (of one site) that this model has not scored, in the order in which they were read."""
    statement = _unscored(model_version, site_id).order_by(Reading.id).limit(limit)
    return [ToScore(row[0], row[1], row[2]) for row in session.execute(statement)]


def count_unscored(session: Session, *, model_version: str, site_id: int | None = None) -> int:
    """How many find_unscored would give without a limit."""
    return session.scalar(select(func.count()).select_from(_unscored(model_version, site_id).subquery())) or 0


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


def find_last_score(session: Session) -> int:
    """The number of the newest score; 0 when there is none."""
    return session.scalar(select(func.max(Score.id))) or 0


def find_scores(
    session: Session,
    *,
    model_version: str,
    site_id: int | None = None,
    after: int = 0,
    upto: int | None = None,
    limit: int,
) -> list[SeenScore]:
    """The newest scores of that model with numbers in (after, upto], of one site when it is given."""
    statement = (
        select(
            Reading.site_id, Reading.page_id, Reading.title, Reading.description, Reading.fields,
            Score.ivory, Score.rhino_horn, Score.tiger,
        )
        .join(Reading, Reading.id == Score.reading_id)
        .where(Score.model_version == model_version, Score.id > after)
        .order_by(Score.id.desc())
        .limit(limit)
    )  # fmt: skip
    if site_id is not None:
        statement = statement.where(Reading.site_id == site_id)
    if upto is not None:
        statement = statement.where(Score.id <= upto)
    return [
        SeenScore(
            row[0],
            row[1],
            row[2],
            row[3],
            str((row[4].get("language") or {}).get("value") or ""),
            max(row[5:8]),
        )
        for row in session.execute(statement)
    ]


def _unscored(model_version: str, site_id: int | None) -> Select[int, str, str]:
    scored = exists().where(Score.reading_id == Reading.id, Score.model_version == model_version)
    statement = (
        select(Reading.id, Reading.title, Reading.description)
        .join(Listing, Listing.reading_id == Reading.id)
        .where(~scored)
    )
    return statement if site_id is None else statement.where(Listing.site_id == site_id)
