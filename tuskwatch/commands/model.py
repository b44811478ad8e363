"""`tuskwatch classify` and `train`: what is done with the model, all offline.

Public names: classify, train.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tuskwatch.output import Json, data_option, say, show_json, show_text, watch_progress
from tuskwatch.places import MODELS, open_places

CORPUS = Path(__file__).resolve().parent.parent.parent / "classifier" / "corpus"


def classify(context: typer.Context, as_json: Json = False) -> None:
    """Score the listings that the current model has not scored yet. Needs no Tor."""
    from jobs.verbs import score_listings

    places = open_places(data_option(context))
    with watch_progress() as progress:
        bar = progress.add_task("scoring listings", total=None, note="")
        counts = score_listings(
            places,
            now=datetime.now(UTC),
            progress=lambda done, known: progress.update(bar, completed=done, total=known),
        )
    _show(asdict(counts), as_json)


def train(
    corpus: Annotated[Path, typer.Option("--corpus", help="The folder of labelled texts.")] = CORPUS,
    out: Annotated[
        Path, typer.Option("--out", help="The folder of models, where the new one becomes CURRENT.")
    ] = MODELS,
    seed: Annotated[int, typer.Option("--seed", help="The same seed and corpus give the same model.")] = 1,
    as_json: Json = False,
) -> None:
    """Train the classifier from the corpus and make the result the current model."""
    from classifier.train import train as train_model

    say(f"Training from {corpus}")
    version = train_model(corpus, out, seed=seed, now=datetime.now(UTC))
    if as_json:
        show_json({"version": version, "folder": out / version})
    else:
        show_text(f"Model {version} is ready in {out / version} and is now the current one.")


def _show(counts: dict[str, object], as_json: bool) -> None:
    if as_json:
        show_json(counts)
        return
    for name, value in counts.items():
        show_text(f"{name.replace('_', ' ')}: {value}")
