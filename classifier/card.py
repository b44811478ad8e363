"""Writes the model card from measured figures.

Public names: write_card.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def write_card(metrics: Mapping[str, Any]) -> str:
    """The card as Markdown; metrics is what train() writes to metrics.json."""
    groups = "\n".join(
        f"| {group} | {row['positives']} | {row['average_precision']:.3f} | {row['threshold']:.2f} | "
        f"{row['recall']:.3f} ({row['recall_low']:.3f} to {row['recall_high']:.3f}) | {row['precision']:.3f} | "
        f"{row['false_flags']} of {row['negatives']} |"
        for group, row in metrics["groups"].items()
    )
    kinds = "\n".join(
        f"| {kind} | {row['texts']} | {row['flagged']} |" for kind, row in metrics["any_group"].items()
    )
    languages = ", ".join(f"{name} {number}" for name, number in metrics["ads_by_language"].items())
    return f"""# Model {metrics["version"]}

Ranks listings by how likely they offer elephant ivory, rhino horn or tiger parts. A flag is a lead for a person to
look at, never a finding.

- Trained {metrics["trained_at"]} on {metrics["ads"]} invented ads ({metrics["ads_without_label"]} of them offer none of
  the three), seed {metrics["seed"]}. Languages: {languages}.
- One scikit-learn Pipeline: `text.normalise`, word and letter n-grams, lexicon hits with their company, one logistic
  regression for each group. Saved with skops; SHA-256 of the parameters: `{metrics["parameters_sha256"]}`.
- Figures below are out of fold ({metrics["folds"]} folds; whole batches held back, near copies of them not trained on).
  Thresholds were chosen on the same scores, and lexicon terms were added after looking at misses on these texts, so
  they are somewhat too good.

| group | ads | average precision | threshold | recall (95 % interval) | precision | false flags |
|---|---|---|---|---|---|---|
{groups}

Flagged for any group, by kind of text ("labelled": true offers):

| kind | texts | flagged |
|---|---|---|
{kinds}

Thresholds: the lowest at which no everyday text and at most 2 % of the hard negatives of the corpus are flagged.

What it cannot do: the corpus holds far more true ads and far more hard negatives than any market, so its precision
and its probabilities do not carry over to the field; read them as a ranking. Ads that say nothing in words (pictures
only) are not seen. Texts were invented and minority languages were not checked by native speakers. Code words that are
new are missed until the lexicon or the corpus has them.
"""
