"""Scores texts, from memory or from the store, with reasons for every flag.

Public names: TextRow, Scored, ScoreCounts, ScoreAll, score_texts, score_stored, find_zone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from classifier.explain import MEASURED, explain_text
from classifier.features import join_text
from classifier.model import Model
from storage.engine import reading
from storage.scores import ScoreRow, count_unscored, find_unscored, store_scores
from storage.tables import GROUPS

_BATCH = 2_000  # looked up at a time
_CHUNK = 10  # scored between two looks at whether to stop; a text that needs a close look takes half a second
_KEPT = 500  # in one transaction
_KEPT_SECONDS = 10.0  # of work that a crash may take
_FEW = 2  # places each way in the reasons of what is only worth a look


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
    # An explanation reads the text once for every place that it weighs, which is most of the work of a large store: so
    # groups that nobody is shown get none, and what is only worth a look a shorter one.
    worth = [group for group in GROUPS if explain and kind and found[group] >= model.look[group]]
    measured = MEASURED if zone == "flag" else _FEW
    reasons = (
        explain_text(model.cascade, row.title, row.description, groups=worth, measured=measured)
        if worth
        else {}
    )
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


ScoreAll = Callable[[Sequence[list[TextRow]]], Iterable[list[Scored]]]
"""Scores chunks of rows, in any order."""


def score_stored(
    engine: Engine,
    model: Model,
    *,
    now: datetime,
    progress: Callable[[int, int], None] | None = None,
    site_id: int | None = None,
    until: Callable[[], bool] | None = None,
    score_all: ScoreAll | None = None,
) -> ScoreCounts:
    """Score the latest reading of every listing, of one site when it is given, that this model has not seen.

    progress(done, all) after each chunk. `until`, asked after each one, ends it there: what is scored is scored.
    score_all: how the chunks are shared out; unless given, one after the other here.
    """
    with reading(engine) as session:
        total = count_unscored(session, model_version=model.version, site_id=site_id)
    done = flagged = 0

    def keep(rows: list[Scored]) -> None:
        nonlocal flagged
        store_scores(engine, [_make_row(model, row) for row in rows], now=now)
        flagged += sum(row.flagged for row in rows)
        rows.clear()

    while True:
        if until is not None and until():
            return ScoreCounts(done, flagged)
        with reading(engine) as session:
            waiting = find_unscored(session, model_version=model.version, limit=_BATCH, site_id=site_id)
        if not waiting:
            return ScoreCounts(done, flagged)
        rows = [TextRow(row.reading_id, row.title, row.description) for row in waiting]
        chunks = [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]
        fresh: list[Scored] = []
        kept_at = time.monotonic()
        try:
            for scored in score_all(chunks) if score_all else (score_texts(model, chunk) for chunk in chunks):
                fresh += scored
                done += len(scored)
                if progress is not None:
                    progress(done, max(total, done))
                if until is not None and until():
                    break
                if len(fresh) >= _KEPT or time.monotonic() - kept_at > _KEPT_SECONDS:
                    keep(fresh)
                    kept_at = time.monotonic()
        finally:
            if fresh:
                keep(fresh)  # also when it breaks off: what is scored is scored


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
