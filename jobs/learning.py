"""Learning from verdicts: a challenger is trained, held against the current model, and promoted only if it is not worse.

Public names: Learned, learn, use_model, find_models.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from classifier.duel import LEAST_TEXTS, Duel, hold_back, hold_duel
from classifier.lessons import make_ads
from classifier.model import ModelError, load_model, point_at, predict
from classifier.train import FOLDS, train
from jobs.errors import UsageError
from jobs.places import Places
from storage import audit
from storage.engine import check_schema, open_engine, reading, transaction
from storage.lessons import find_lessons


@dataclass(frozen=True)
class Learned:
    """What came of it. promoted: the challenger is the current model now. duel: None when too few texts were judged."""

    champion: str
    challenger: str
    promoted: bool
    learned_from: int
    duel: Duel | None


def learn(
    places: Places,
    corpus: Path,
    *,
    seed: int,
    by: str,
    now: datetime,
    progress: Callable[[str], None],
    folds: int = FOLDS,
    jobs: int | None = None,
    meaning: bool = True,
) -> Learned:
    """Train on the corpus and the older verdicts, compare on the newest, which neither model has seen, and promote or not.
    jobs, meaning: as for classifier.train.train.

    UsageError when too few texts were judged since the current model was trained to say anything.
    """
    engine = open_engine(places.database_url)
    try:
        check_schema(engine)
        champion = load_model(places.models, recall=places.recall)
        with reading(engine) as session:
            lessons = find_lessons(session)
        known, held = hold_back(make_ads(lessons))
        if len(held) < LEAST_TEXTS:
            raise UsageError(
                f"{len(lessons)} texts were judged, and of these {len(held)} can be held back to compare models on; at "
                f"least {LEAST_TEXTS} are needed. Review more listings, or train from the corpus alone: tuskwatch train"
            )
        progress(f"{len(known)} verdicts to learn from, {len(held)} to compare on")
        version = train(
            corpus,
            places.models,
            seed=seed,
            now=now,
            progress=progress,
            folds=folds,
            current=False,
            more=known,
            jobs=jobs,
            meaning=meaning,
        )
        challenger = load_model(places.models, version=version, recall=places.recall)
        texts = [ad.joined for ad in held]
        duel = hold_duel(
            held,
            predict(champion, texts),
            predict(challenger, texts),
            (champion.thresholds, challenger.thresholds),
        )
        detail = {"champion": champion.version, "learned_from": len(known), **_tell(duel)}
        with transaction(engine) as session:
            audit.record(
                session, actor=by, action="model.promote" if duel.won else "model.refuse", subject=version,
                detail=detail, now=now,
            )  # fmt: skip
        if duel.won:
            point_at(places.models, version)
        return Learned(champion.version, version, duel.won, len(known), duel)
    finally:
        engine.dispose()


def use_model(places: Places, version: str, *, by: str, reason: str, now: datetime) -> str:
    """Make another trained version the current one; the version before. ModelError when it cannot be used."""
    engine = open_engine(places.database_url)
    try:
        check_schema(engine)
        load_model(places.models, version=version, recall=places.recall)
        try:
            before = load_model(places.models, recall=places.recall).version
        except ModelError:
            before = ""
        with transaction(engine) as session:
            audit.record(
                session, actor=by, action="model.use", subject=version,
                detail={"before": before, "reason": reason}, now=now,
            )  # fmt: skip
        point_at(places.models, version)
        return before
    finally:
        engine.dispose()


def find_models(places: Places) -> list[dict[str, Any]]:
    """Every version in the folder of models, the newest first: version, current, trained_at, ads, macro_f1, problem."""
    try:
        current = load_model(places.models, recall=places.recall).version
    except ModelError:
        current = ""
    found = []
    for home in sorted(places.models.glob("*/"), reverse=True):
        row: dict[str, Any] = {"version": home.name, "current": home.name == current, "problem": ""}
        try:
            metrics = json.loads((home / "metrics.json").read_text(encoding="utf-8"))
            own = metrics["ways"][metrics["way"]]
            row |= {"trained_at": metrics["trained_at"], "ads": metrics["ads"], "macro_f1": own["macro_f1"]}
        except (OSError, ValueError, KeyError, TypeError) as exc:
            row["problem"] = f"its figures cannot be read: {exc}"
        found.append(row)
    return found


def _tell(duel: Duel) -> dict[str, Any]:
    return {"texts": duel.texts, "bouts": [asdict(bout) | {"worse": bout.worse} for bout in duel.bouts]}
