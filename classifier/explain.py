"""Why a text got its score: the places of the original text that raised and lowered it, by trying without them.

Public names: Reason, explain_text, say_reason, MAX_REASONS, MEASURED.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifier.cascade import Cascade
from classifier.features import MAX_TEXT, WORD_PATTERN, count_features, find_hits, join_text
from classifier.lexicon import DECOY_FAMILIES
from classifier.pieces import find_pieces, mask_digits, split_runs
from classifier.strict import Strict
from classifier.terms import LETTER, SPACELESS, Hit
from storage.tables import GROUPS
from text.normalise import Normalised, normalise

MAX_REASONS = 8
"""Reasons kept for each group and direction."""

_TRIED = 10  # places tried for each group and direction: those that the weights of words and pieces point at
MEASURED = 3
"""Of these the strongest each way without concepts, whose weight is measured with them."""

_LEAST = 0.1  # log-odds; below that a place said nothing worth a mark
_TOKEN = re.compile(rf"{SPACELESS}|(?:(?!{SPACELESS}){LETTER})+|[\U0001f300-\U0001faff]")
_WORD = re.compile(WORD_PATTERN)
_Place = tuple[int, int]


@dataclass(frozen=True)
class Reason:
    """text == the part's own text[start:end]. weight: by how much the log-odds of the group fall (above 0) or rise (below
    0) when that place is taken out of the text. family: the lexicon's role that it has, such as "decoy:drug" or
    "cue:wanted"; "" when none."""

    text: str
    start: int
    end: int
    part: str
    weight: float
    family: str = ""


def explain_text(
    cascade: Cascade,
    title: str,
    description: str,
    *,
    groups: Sequence[str] = GROUPS,
    measured: int = MEASURED,
) -> dict[str, list[Reason]]:
    """For each of the groups the places of the original title and description that spoke, strongest first.

    Each weight is measured: the text is scored once more without that place. Places that only work together (a word said
    twice) may each weigh little. measured: how many places each way at most, where the text's concepts count, too.
    """
    assert cascade.strict is not None
    raw = join_text(title, description)
    folded = normalise(raw)
    hits = find_hits(folded.text, cascade.strict.terms)
    title_end = min(len(title), MAX_TEXT)
    places = {
        group: _find_candidates(cascade.strict, folded, hits, group, title_end=title_end) for group in groups
    }
    if cascade.strict.way == "vectors":
        places = _sift(cascade.strict, raw, places, measured)
    tried = sorted({place for found in places.values() for place in found})
    if not tried:
        return {group: [] for group in groups}
    odds, _ = cascade.strict.decide(_take_out(raw, tried))
    reasons: dict[str, list[Reason]] = {}
    for group in groups:
        column = odds[:, GROUPS.index(group)]
        found = []
        for at, (start, end) in enumerate(tried, 1):
            weight = round(float(column[0] - column[at]), 3)
            if (start, end) in places[group] and abs(weight) >= _LEAST:
                found.append(_make_reason(raw, title_end, (start, end), weight, folded, hits))
        raised = sorted((r for r in found if r.weight > 0), key=lambda r: (-r.weight, r.part, r.start))
        lowered = sorted((r for r in found if r.weight < 0), key=lambda r: (r.weight, r.part, r.start))
        reasons[group] = raised[:MAX_REASONS] + lowered[:MAX_REASONS]
    return reasons


def _take_out(raw: str, places: Sequence[_Place]) -> list[str]:
    """The text, then the text without each of the places."""
    return [raw, *(f"{raw[:start]} {raw[end:]}" for start, end in places)]


def _sift(
    strict: Strict, raw: str, places: Mapping[str, set[_Place]], measured: int
) -> dict[str, set[_Place]]:
    """Of each group's places the few that weigh most either way when the text is scored without concepts: to read a text
    with them takes a tenth of a second, and a flagged ad has twenty places."""
    tried = sorted({place for found in places.values() for place in found})
    if not tried:
        return dict(places)
    odds, _ = strict.decide(_take_out(raw, tried), quick=True)
    kept = {}
    for group, found in places.items():
        column = odds[:, GROUPS.index(group)]
        weights = {
            place: float(column[0] - column[at]) for at, place in enumerate(tried, 1) if place in found
        }
        order = sorted(weights, key=lambda place: (-weights[place], place))
        kept[group] = {place for place in order[:measured] if weights[place] > 0} | {
            place for place in order[-measured:] if weights[place] < 0
        }
    return kept


def say_reason(reason: Reason, group: str) -> str:
    """One reason in plain words."""
    name = group.replace("_", " ")
    kind, _, detail = reason.family.partition(":")
    way = "speaks for" if reason.weight > 0 else "speaks against"
    if kind == "decoy" and reason.weight < 0:
        return f"“{reason.text}” {way} {name}: {DECOY_FAMILIES[detail]}"
    if kind == "cue" and (reason.weight < 0 or detail in ("offer", "wink")):
        return f"“{reason.text}” {way} an offer of {name}: {detail.replace('_', ' ')}"
    return f"“{reason.text}” {way} {name}"


def _make_reason(
    raw: str, title_end: int, place: _Place, weight: float, folded: Normalised, hits: Sequence[Hit]
) -> Reason:
    start, end = place
    inside = title_end >= end
    offset = 0 if inside else title_end + 1
    family = ""
    for hit in hits:
        first, last = folded.span(hit.start, hit.end)
        if first < end and start < last and hit.role.startswith(("decoy:", "cue:")):
            family = hit.role
            break
    return Reason(
        raw[start:end], start - offset, end - offset, "title" if inside else "description", weight, family
    )


def _find_candidates(
    strict: Strict, folded: Normalised, hits: Sequence[Hit], group: str, *, title_end: int
) -> set[_Place]:
    """Places of the original that the weights of this group's features point at, cut where the title ends."""
    heat = _find_heat(strict, folded.text, hits, group)
    found: dict[_Place, float] = {}
    for start, end, weight in _join_tokens(folded.text, heat):
        first, last = folded.span(start, end)
        for begin, stop in ((first, min(last, title_end)), (max(first, title_end + 1), last)):
            if stop > begin:
                found[begin, stop] = found.get((begin, stop), 0.0) + weight
    strongest = sorted(found, key=lambda place: (-abs(found[place]), place))
    up = [place for place in strongest if found[place] > 0][:_TRIED]
    down = [place for place in strongest if found[place] < 0][:_TRIED]
    return {*up, *down}


def _find_heat(strict: Strict, text: str, hits: Sequence[Hit], group: str) -> Any:
    features = strict.features_.named_steps["features"]
    row = features.transform([text]).tocsr()
    coef = np.ravel(strict.plain_.regressions_[GROUPS.index(group)].coef_)
    weights = dict(zip(row.indices.tolist(), (row.data * coef[row.indices]).tolist(), strict=True))
    heat = np.zeros(len(text) + 1)
    for column, places in _find_places(features, text, hits):
        weight = weights.get(column, 0.0)
        covered = sum(end - start for start, end in places)
        if weight and covered:
            for start, end in places:
                heat[start:end] += weight / covered
    return heat


def _join_tokens(text: str, heat: Any) -> Iterator[tuple[int, int, float]]:
    """Neighbouring words that pull the same way, with their weight together; never over the end of a line."""
    start = end = 0
    total = 0.0
    least = _LEAST / 3
    for match in _TOKEN.finditer(text):
        weight = float(heat[match.start() : match.end()].sum())
        strong = abs(weight) >= least / 2
        joins = end and strong and weight * total > 0 and not re.search(r"\w", text[end : match.start()])
        if joins and match.start() - end <= 2 and match.end() - start <= 40:
            end, total = match.end(), total + weight
            continue
        if abs(total) >= least:
            yield start, end, total
        start, end, total = (match.start(), match.end(), weight) if strong else (0, 0, 0.0)
    if abs(total) >= least:
        yield start, end, total


def _find_places(features: Any, text: str, hits: Sequence[Hit]) -> Iterator[tuple[int, list[_Place]]]:
    """(column, places in the folded text) for every feature of the text, as the three views count them."""
    masked = mask_digits(text)
    offset = 0
    for name, part in features.transformer_list:
        if name == "lexicon":
            yield from _find_lexicon(part, text, hits, offset)
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


def _find_lexicon(
    part: Any, text: str, hits: Sequence[Hit], offset: int
) -> Iterator[tuple[int, list[_Place]]]:
    """A lexicon feature speaks at the hits of its role; a feature of a group without one of its own, at all its hits."""
    columns = {name: at for at, name in enumerate(part.get_feature_names_out())}
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
