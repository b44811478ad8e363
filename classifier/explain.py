"""Why a text got its score: the words that spoke for and against each group, as places in the original text.

Public names: Reason, explain_text, MAX_REASONS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.pipeline import Pipeline

from classifier.features import MAX_TEXT, WORD_PATTERN, count_features, find_hits, join_text
from classifier.pieces import find_pieces, mask_digits, split_runs
from storage.tables import GROUPS
from text.normalise import normalise

MAX_REASONS = 8
"""Reasons kept for each group and direction."""

_LEAST = 0.08  # log-odds; below that a word said nothing worth a mark
_NO_SPACES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_TOKEN = re.compile(rf"[{_NO_SPACES}]|[^\W_{_NO_SPACES}]+|[\U0001f300-\U0001faff]")
_WORD = re.compile(WORD_PATTERN)
_Place = tuple[int, int]


@dataclass(frozen=True)
class Reason:
    """text == the part's own text[start:end]; weight: log-odds for (above 0) or against (below 0) the group."""

    text: str
    start: int
    end: int
    part: str
    weight: float


def explain_text(
    pipeline: Pipeline, title: str, description: str, *, groups: Sequence[str] = GROUPS
) -> dict[str, list[Reason]]:
    """For each of the groups the places of the original title and description that spoke, strongest first."""
    raw = join_text(title, description)
    folded = normalise(raw[:MAX_TEXT])
    text = folded.text
    features = pipeline.named_steps["features"]
    row = features.transform([text]).tocsr()
    names = list(_find_places(pipeline, text))
    title_end = min(len(title), MAX_TEXT)
    reasons: dict[str, list[Reason]] = {}
    for group in groups:
        coef = np.ravel(pipeline.named_steps["model"].estimators_[GROUPS.index(group)].coef_)
        weights = dict(zip(row.indices.tolist(), (row.data * coef[row.indices]).tolist(), strict=True))
        heat = np.zeros(len(text) + 1)
        for column, places in names:
            weight = weights.get(column, 0.0)
            covered = sum(end - start for start, end in places)
            if weight and covered:
                for start, end in places:
                    heat[start:end] += weight / covered
        found: list[Reason] = []
        for start, end, weight in _join_tokens(text, heat):
            found += _split_parts(raw, folded.span(start, end), title_end, weight)
        raised = sorted((r for r in found if r.weight > 0), key=lambda r: (-r.weight, r.part, r.start))
        lowered = sorted((r for r in found if r.weight < 0), key=lambda r: (r.weight, r.part, r.start))
        reasons[group] = raised[:MAX_REASONS] + lowered[:MAX_REASONS]
    return reasons


def _join_tokens(text: str, heat: np.ndarray) -> Iterator[tuple[int, int, float]]:
    """Neighbouring words that pull the same way, with their weight together."""
    start = end = 0
    total = 0.0
    for match in _TOKEN.finditer(text):
        weight = float(heat[match.start() : match.end()].sum())
        strong = abs(weight) >= _LEAST / 2
        joins = end and strong and weight * total > 0 and not re.search(r"\w", text[end : match.start()])
        if joins and match.start() - end <= 2 and match.end() - start <= 40:
            end, total = match.end(), total + weight
            continue
        if abs(total) >= _LEAST:
            yield start, end, total
        start, end, total = (match.start(), match.end(), weight) if strong else (0, 0, 0.0)
    if abs(total) >= _LEAST:
        yield start, end, total


def _split_parts(raw: str, place: _Place, title_end: int, weight: float) -> Iterator[Reason]:
    start, end = place
    pieces = [
        ("title", start, min(end, title_end), 0),
        ("description", max(start, title_end + 1), end, title_end + 1),
    ]
    whole = sum(max(stop - begin, 0) for _, begin, stop, _ in pieces)
    for part, begin, stop, offset in pieces:
        if stop > begin:
            share = round(weight * (stop - begin) / whole, 3)
            yield Reason(raw[begin:stop], begin - offset, stop - offset, part, share)


def _find_places(pipeline: Pipeline, text: str) -> Iterator[tuple[int, list[_Place]]]:
    """(column, places in the folded text) for every feature of the text, as the three views count them."""
    masked = mask_digits(text)
    offset = 0
    for name, part in pipeline.named_steps["features"].transformer_list:
        if name == "lexicon":
            yield from _find_lexicon(part, text, offset)
            offset += len(part.get_feature_names_out())
            continue
        places: dict[str, list[_Place]] = {}
        for gram, place in (
            _find_words(masked) if name == "word" else _find_pieces(masked, part.low, part.high)
        ):
            places.setdefault(gram, []).append(place)
        for gram, where in places.items():
            column = part.vocabulary_.get(gram)
            if column is not None:
                yield offset + int(column), where
        offset += len(part.vocabulary_)


def _find_words(text: str) -> Iterator[tuple[str, _Place]]:
    last: re.Match[str] | None = None
    for match in _WORD.finditer(text):
        yield match.group(), match.span()
        if last is not None:
            yield f"{last.group()} {match.group()}", (last.start(), match.end())
        last = match


def _find_pieces(text: str, low: int, high: int) -> Iterator[tuple[str, _Place]]:
    for word, first in split_runs(text):
        for piece, start, end in find_pieces(word, low, high):
            yield piece, (first + start, first + end)


def _find_lexicon(part: object, text: str, offset: int) -> Iterator[tuple[int, list[_Place]]]:
    """A lexicon feature speaks at the hits of its role; a feature of a group without one of its own, at all its hits."""
    hits = find_hits(text, part.terms)  # type: ignore[attr-defined]
    columns = {name: at for at, name in enumerate(part.get_feature_names_out())}  # type: ignore[attr-defined]
    for name in count_features(text, hits):
        group, _, detail = name.partition("~")
        if detail:
            places = [(hit.start, hit.end) for hit in hits if hit.role == detail]
        elif name.startswith(("cue:", "decoy:")):
            places = [(hit.start, hit.end) for hit in hits if hit.role == name]
        else:
            group, _, detail = name.partition(":")
            role = f"{group}:{ {'clear': 'strong'}.get(detail, detail.split('_')[0]) }"
            places = [(hit.start, hit.end) for hit in hits if hit.role == role] or [
                (hit.start, hit.end) for hit in hits if hit.role.startswith(f"{group}:")
            ]
        yield offset + columns[name], places
