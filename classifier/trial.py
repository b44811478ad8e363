"""Holds a model against labelled texts of a file, with bootstrap intervals.

Public names: Labelled, TrialError, read_labelled, measure_trial, read_texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score

from classifier.cascade import Opinion
from classifier.features import join_text
from classifier.model import Model
from storage.tables import GROUPS

REPEATS = 500
"""Resamples for an interval."""

MAX_LINE = 5_000_000
"""Characters of one line; a longer one is a mistake, not a text."""


class TrialError(ValueError):
    """A line that cannot be used; the message names it."""


@dataclass(frozen=True)
class Labelled:
    """One text and what a person says of it."""

    id: str
    title: str
    body: str
    labels: frozenset[str]
    kind: str
    language: str

    @property
    def joined(self) -> str:
        return join_text(self.title, self.body)


def read_texts(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, object) of JSON lines with `id`, `title`, `body` (or `text`); blank lines are passed over. Other keys
    stay in the object. Raises TrialError."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if len(line) > MAX_LINE:
            raise TrialError(f"line {number}: longer than {MAX_LINE} characters")
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as exc:
            raise TrialError(f"line {number}: not a JSON object ({exc})") from exc
        if not isinstance(row, dict):
            raise TrialError(f"line {number}: not a JSON object")
        row.setdefault("body", row.get("text", ""))
        for name in ("title", "body"):
            row[name] = row.get(name) or ""
            if not isinstance(row[name], str):
                raise TrialError(f"line {number}: {name!r} is not text")
        row["id"] = str(row.get("id", number))
        yield number, row


def read_labelled(lines: Iterable[str]) -> list[Labelled]:
    """Lines as for read_texts, with `labels` (a list, or {group: 0 or 1}), and where known `kind` and `language` (`lang`)."""
    found = []
    for number, row in read_texts(lines):
        labels = row.get("labels")
        if isinstance(labels, dict):
            labels = [group for group, mark in labels.items() if mark]
        if not isinstance(labels, list) or any(label not in GROUPS for label in labels):
            raise TrialError(f"line {number}: labels must be a list out of {', '.join(GROUPS)}")
        language = row.get("language") or row.get("lang") or ""
        found.append(
            Labelled(
                row["id"],
                row["title"],
                row["body"],
                frozenset(labels),
                str(row.get("kind") or ""),
                str(language),
            )
        )
    if not found:
        raise TrialError("there are no texts")
    return found


def measure_trial(
    model: Model, rows: Sequence[Labelled], opinion: Opinion, *, seed: int = 7
) -> dict[str, Any]:
    """Figures of each group, kind and language. Intervals: 95 %, from REPEATS resamples of the texts.

    recall, precision, f1 at the flag thresholds; average_precision over all; false_per_10000 of texts without the label.
    """
    truth = np.array([[group in row.labels for group in GROUPS] for row in rows], dtype=bool)
    limits = np.array([model.thresholds[group] for group in GROUPS])
    said = opinion.scores >= limits
    rng = np.random.default_rng(seed)
    samples = [rng.integers(0, len(rows), len(rows)) for _ in range(REPEATS)]
    groups = {
        group: _measure(truth[:, at], opinion.scores[:, at], said[:, at], samples)
        for at, group in enumerate(GROUPS)
    }
    wanted, flagged = truth.any(axis=1), said.any(axis=1)
    macro = [
        np.mean([_shares(truth[some, at], said[some, at])["f1"] for at in range(len(GROUPS))])
        for some in samples
    ]
    return {
        "model": model.version,
        "thresholds": dict(model.thresholds),
        "texts": len(rows),
        "groups": groups,
        "macro_f1": round(float(np.mean([row["f1"] for row in groups.values()])), 4),
        "macro_f1_interval": _interval(macro),
        "any": _measure(wanted, opinion.scores.max(axis=1), flagged, samples),
        "kinds": _split([row.kind for row in rows], wanted, flagged),
        "languages": {
            name: {**row, **_shares(truth[_where(rows, name)].ravel(), said[_where(rows, name)].ravel())}
            for name, row in _split([row.language for row in rows], wanted, flagged).items()
        },
    }


def _where(rows: Sequence[Labelled], language: str) -> Any:
    return np.array([row.language == language for row in rows], dtype=bool)


def _measure(truth: Any, scores: Any, said: Any, samples: Sequence[Any]) -> dict[str, Any]:
    figures: dict[str, Any] = {"offers": int(truth.sum()), **_shares(truth, said)}
    figures["average_precision"] = (
        round(float(average_precision_score(truth, scores)), 4) if truth.any() else 0.0
    )
    negatives = int((~truth).sum())
    false = int((said & ~truth).sum())
    figures["false_flags"] = false
    figures["false_per_10000"] = round(10_000 * false / negatives, 1) if negatives else 0.0
    resampled = [_shares(truth[some], said[some]) for some in samples]
    for name in ("recall", "precision", "f1"):
        figures[f"{name}_interval"] = _interval([row[name] for row in resampled])
    return figures


def _shares(truth: Any, said: Any) -> dict[str, float]:
    hits = int((truth & said).sum())
    own, flags = int(truth.sum()), int(said.sum())
    return {
        "recall": round(hits / own, 4) if own else 0.0,
        "precision": round(hits / flags, 4) if flags else 0.0,
        "f1": round(2 * hits / (own + flags), 4) if own + flags else 0.0,
    }


def _split(names: Sequence[str], wanted: Any, flagged: Any) -> dict[str, dict[str, int]]:
    table = {}
    for name in sorted(set(names)):
        own = np.array([other == name for other in names], dtype=bool)
        table[name] = {
            "texts": int(own.sum()),
            "offers": int((own & wanted).sum()),
            "found": int((own & wanted & flagged).sum()),
            "false_flags": int((own & ~wanted & flagged).sum()),
        }
    return table


def _interval(values: Sequence[Any]) -> list[float]:
    return [round(float(np.quantile(values, at)), 4) for at in (0.025, 0.975)]
