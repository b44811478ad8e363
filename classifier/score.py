"""Scores texts, from memory or from the store, with reasons for every flag.

Public names: TextRow, Scored, ScoreCounts, score_texts, score_stored, find_zone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from classifier.explain import explain_text
from classifier.features import join_text
from classifier.model import Model
from storage.engine import reading
from storage.scores import ScoreRow, count_unscored, find_unscored, store_scores
from storage.tables import GROUPS

_BATCH = 500
_EXPLAIN_FROM = 0.05  # reasons are kept for what a person may look at; below that nobody will


@dataclass(frozen=True)
class TextRow:
    """What is scored."""

    reading_id: int
    title: str
    description: str


@dataclass(frozen=True)
class Scored:
    """Probabilities, and for each group that matters the places that spoke; see storage.tables.Score.

    zone: "flag", "look" (worth a look, below the thresholds) or "pass". kind: the likeliest kind of post, "" where the
    gate passed over the text.
    """

    reading_id: int
    ivory: float
    rhino_horn: float
    tiger: float
    flagged: bool
    zone: str
    kind: str
    thresholds: Mapping[str, float]
    reasons: Mapping[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class ScoreCounts:
    """How many listings were scored, and how many of them reached a threshold."""

    scored: int
    flagged: int


def score_texts(model: Model, rows: Sequence[TextRow], *, explain: bool = True) -> list[Scored]:
    """Score a batch, in the order of the rows; with `explain`, with reasons for what a person may look at."""
    texts = [join_text(row.title, row.description) for row in rows]
    opinion = model.cascade.judge(texts)
    return [
        _make_scored(model, row, [float(value) for value in values], kind, explain=explain)
        for row, values, kind in zip(rows, opinion.scores, opinion.kinds, strict=True)
    ]


def find_zone(model: Model, scores: Mapping[str, float]) -> str:
    """ "flag", "look" or "pass" for the scores of the groups."""
    if any(scores[group] >= model.thresholds[group] for group in GROUPS):
        return "flag"
    return "look" if any(scores[group] >= model.look[group] for group in GROUPS) else "pass"


def _make_scored(model: Model, row: TextRow, values: Sequence[float], kind: str, *, explain: bool) -> Scored:
    found = dict(zip(GROUPS, (round(min(max(value, 0.0), 1.0), 6) for value in values), strict=True))
    zone = find_zone(model, found)
    worth = [group for group in GROUPS if found[group] >= min(_EXPLAIN_FROM, model.look[group])]
    if not explain or not kind or zone == "pass":
        # An explanation reads the text ten times: for what nobody is shown it would be most of the work of a large store.
        worth = []
    reasons = explain_text(model.cascade, row.title, row.description, groups=worth) if worth else {}
    return Scored(
        reading_id=row.reading_id,
        flagged=zone == "flag",
        zone=zone,
        kind=kind,
        thresholds=dict(model.thresholds),
        reasons={group: [asdict(reason) for reason in spoken] for group, spoken in reasons.items()},
        ivory=found["ivory"],
        rhino_horn=found["rhino_horn"],
        tiger=found["tiger"],
    )


def score_stored(
    engine: Engine,
    model: Model,
    *,
    now: datetime,
    progress: Callable[[int, int], None] | None = None,
    site_id: int | None = None,
    until: Callable[[], bool] | None = None,
) -> ScoreCounts:
    """Score the latest reading of every listing, of one site when it is given, that this model has not seen.

    progress(done, all) after each batch. `until`, asked before each one, ends it there: what is scored is scored.
    """
    with reading(engine) as session:
        total = count_unscored(session, model_version=model.version, site_id=site_id)
    done = flagged = 0
    while True:
        if until is not None and until():
            return ScoreCounts(done, flagged)
        with reading(engine) as session:
            waiting = find_unscored(session, model_version=model.version, limit=_BATCH, site_id=site_id)
        if not waiting:
            return ScoreCounts(done, flagged)
        scored = score_texts(model, [TextRow(row.reading_id, row.title, row.description) for row in waiting])
        store_scores(engine, [_make_row(model, row) for row in scored], now=now)
        done += len(scored)
        flagged += sum(row.flagged for row in scored)
        if progress is not None:
            progress(done, max(total, done))


def _make_row(model: Model, row: Scored) -> ScoreRow:
    return ScoreRow(
        reading_id=row.reading_id,
        model_version=model.version,
        ivory=row.ivory,
        rhino_horn=row.rhino_horn,
        tiger=row.tiger,
        thresholds=row.thresholds,
        flagged=row.flagged,
        reasons=row.reasons,
        zone=row.zone,
        kind=row.kind,
    )
