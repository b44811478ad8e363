"""Writes the model card from measured figures.

Public names: write_card.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def write_card(metrics: Mapping[str, Any]) -> str:
    """The card as Markdown; metrics is what train() writes to metrics.json."""
    own = metrics["ways"][metrics["way"]]
    gate = metrics["gate"]
    languages = ", ".join(f"{name} {number}" for name, number in metrics["ads_by_language"].items())
    everyday = own["any_group"].get("everyday", {"texts": 0, "flagged": 0})
    return f"""# Model {metrics["version"]}

Ranks listings by how likely they offer elephant ivory, rhino horn or tiger parts. A flag is a lead for a person to
look at, never a finding.

- Trained {metrics["trained_at"]} on {metrics["ads"]} texts ({metrics["ads_without_label"]} of them offer none of the
  three; {metrics["ads_from_verdicts"]} from people's verdicts, the others invented), seed {metrics["seed"]}. Languages: {languages}.
- Two stages. The **gate** passes over what neither names the goods, disguised or not, nor sounds like an offer of them.
  The **strict stage** weighs word and letter n-grams, lexicon hits with their company and, for close calls, the
  concepts that a small language model sees; a jury of regressions and boosted trees, calibrated. Saved with skops; SHA-256 of the parameters:
  `{metrics["parameters_sha256"]}`.
- All figures are out of fold ({metrics["folds"]} folds; whole batches held back, near copies of them not trained on).
  Thresholds and calibration were chosen on the same scores, so the figures are somewhat too good.

## At the flag thresholds (recall asked for: {metrics["recall"]})

| group | offers | average precision | threshold | recall (95 % interval) | precision | false flags | best F1 |
|---|---|---|---|---|---|---|---|
{_write_groups(own)}

Macro-F1 {own["macro_f1"]:.3f}. Disguised copies of the same texts (all tricks of `classifier/tricks.py`): macro-F1
{own["disguised"]["macro_f1"]:.3f}, recall {", ".join(f"{group} {value:.3f}" for group, value in own["disguised"]["recall"].items())}.
Without the concepts (their package is optional; thresholds of their own): macro-F1
{metrics["ways"]["plain"]["macro_f1"]:.3f}.

Gate: lets through {gate["let_through"]} of {gate["offers"]} offers and disguised offers ({gate["named"]} of them by a name
of the goods), and {gate["everyday_let_through"]} of {gate["everyday"]} everyday texts.

Everyday goods flagged: {everyday["flagged"]} of {everyday["texts"]}; so of 100,000 such listings {_say_rate(everyday)}.

## Thresholds by the recall that is asked for

Each is the highest at which a recall below the one asked for is not to be feared (binomial test, 90 % sure), but never so
low that more than one in 300 everyday texts held back would be flagged: where the thresholds of two recalls are the same, more recall is not
to be had at that price.

| recall | {" | ".join(own["groups"])} |
|---|{"---|" * len(own["groups"])}
{_write_limits(metrics["limits"][metrics["way"]])}

## By kind of text

| kind | texts | flagged |
|---|---|---|
{_rows((kind, row["texts"], row["flagged"]) for kind, row in own["any_group"].items())}

The kind of post is named rightly for {own["kinds_right"]:.1%} of the texts.

## By language

| language | texts | offers | F1 |
|---|---|---|---|
{_rows((name, row["texts"], row["offers"], f"{row['f1']:.3f}") for name, row in own["languages"].items())}

## Calibration

| group | Brier | ECE | mean score -> share true (texts) |
|---|---|---|---|
{_rows((group, f"{row['brier']:.3f}", f"{row['ece']:.3f}", "; ".join(f"{mean:.2f} -> {share:.2f} ({number})" for mean, share, number in row["points"])) for group, row in own["calibration"].items())}

## What it cannot do

The corpus holds far more true ads and far more hard negatives than any market, so its precision and its probabilities do
not carry over to the field; read them as a ranking. Ads that say nothing in words (pictures only) are not seen. Texts were
invented, and those in Lao, Khmer, Burmese, Swahili, Hindi, Bengali, Nepali, Arabic and Turkish were not checked by native
speakers. Code words that are new are missed until the lexicon or the corpus has them.
"""


def _rows(rows: Any) -> str:
    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)


def _write_groups(own: Mapping[str, Any]) -> str:
    return _rows(
        (
            group, row["positives"], f"{row['average_precision']:.3f}", f"{row['threshold']:.3f}",
            f"{row['recall']:.3f} ({row['recall_low']:.3f} to {row['recall_high']:.3f})", f"{row['precision']:.3f}",
            f"{row['false_flags']} of {row['negatives']}", f"{own['best_f1'][group]:.3f}",
        )
        for group, row in own["groups"].items()
    )  # fmt: skip


def _write_limits(limits: Mapping[str, Any]) -> str:
    flag = [(recall, *(f"{value:.3f}" for value in row.values())) for recall, row in limits["flag"].items()]
    return _rows([*flag, ("look", *(f"{value:.3f}" for value in limits["look"].values()))])


def _say_rate(row: Mapping[str, int]) -> str:
    if not row["texts"]:
        return "nothing is known"
    if not row["flagged"]:
        return f"less than {300_000 / row['texts']:.0f} (3/n, 95 %)"
    return f"about {100_000 * row['flagged'] / row['texts']:.0f}"
