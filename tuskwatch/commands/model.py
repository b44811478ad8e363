"""`tuskwatch classify`, `train`, `learn` and `models`: what is done with the model, all offline.

Public names: classify, train, learn, app.
"""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tuskwatch.commands.report import show_ended
from tuskwatch.output import Json, data_option, say, show_json, show_table, show_text, watch_progress
from tuskwatch.places import MODELS, find_places, open_places

app = typer.Typer(help="The trained versions of the classifier.", no_args_is_help=True)
CORPUS = Path(__file__).resolve().parent.parent.parent / "classifier" / "corpus"


def classify(context: typer.Context, as_json: Json = False) -> None:
    """Score the listings that the current model has not scored yet. Needs no Tor."""
    from jobs.taskrun import do_by_hand

    places = open_places(data_option(context))
    with watch_progress() as progress:
        bar = progress.add_task("scoring listings", total=None, note="")
        ended = do_by_hand(
            places,
            "classify",
            by=getpass.getuser(),
            show=lambda done, known: progress.update(bar, completed=done, total=known),
        )
    show_ended(ended, as_json)


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
    version = train_model(corpus, out, seed=seed, now=datetime.now(UTC), progress=say)
    if as_json:
        show_json({"version": version, "folder": out / version})
    else:
        show_text(f"Model {version} is ready in {out / version} and is now the current one.")


def learn(
    context: typer.Context,
    by: Annotated[
        str, typer.Option("--by", help="Who asks for it; stands in the audit log.")
    ] = "command line",
    corpus: Annotated[Path, typer.Option("--corpus", help="The folder of labelled texts.")] = CORPUS,
    seed: Annotated[int, typer.Option("--seed")] = 1,
    as_json: Json = False,
) -> None:
    """Learn from people's verdicts: train a challenger, compare it on verdicts it has not seen, promote it if not worse."""
    from jobs.learning import learn as learn_now

    places = open_places(data_option(context))
    done = learn_now(places, corpus, seed=seed, by=by, now=datetime.now(UTC), progress=say)
    if as_json:
        show_json(asdict(done) | {"won": done.promoted})
        return
    assert done.duel is not None
    rows = [
        (
            bout.about, bout.texts, f"{bout.champion:.3f}", f"{bout.challenger:.3f}", f"{bout.low:+.3f} to {bout.high:+.3f}",
            "worse" if bout.worse else "not worse",
        )
        for bout in done.duel.bouts
    ]  # fmt: skip
    show_table(
        ["about", "texts", done.champion, done.challenger, "difference (95 %)", ""], rows,
        title=f"F1 on {done.duel.texts} verdicts that neither has seen",
    )  # fmt: skip
    if done.promoted:
        show_text(
            f"{done.challenger} is the current model now. To go back: tuskwatch models use {done.champion}"
        )
    else:
        show_text(f"{done.champion} stays the current model. The challenger is kept: tuskwatch models list")


@app.command("terms")
def show_terms(
    context: typer.Context,
    least: Annotated[
        int, typer.Option("--least", min=1, help="Sellers who must have used a word in an offer.")
    ] = 2,
    as_json: Json = False,
) -> None:
    """Words that confirmed offers use and the lexicon lacks, tried on all stored ads. Nothing is enabled by this."""
    from jobs.candidates import try_terms

    places = open_places(data_option(context))
    with watch_progress() as progress:
        bar = progress.add_task("looking through stored ads", total=None, note="")
        tried = try_terms(places, least=least, progress=lambda done: progress.update(bar, completed=done))
    if as_json:
        show_json([asdict(row) for row in tried])
        return
    if not tried:
        show_text("No new word: confirmed offers use what the lexicon has, or too few sellers were judged.")
        return
    show_table(
        ["word", "speaks for", "language", "sellers", "stored ads", "offers", "none", "flagged", "passed"],
        [
            (
                row.candidate.text, row.candidate.group.replace("_", " "), row.candidate.language, row.candidate.sellers,
                row.ads, row.offers, row.refused, row.flagged, row.passed,
            )
            for row in tried
        ],
        title="Candidates; offers and none by verdict, flagged and passed without one",
    )  # fmt: skip
    show_text(
        "To enable one, write it into classifier/lexicon/<language>.yml with its source, then: tuskwatch train"
    )


@app.command("list")
def list_models(context: typer.Context, as_json: Json = False) -> None:
    """The versions there are, the newest first, and which is in use."""
    from jobs.learning import find_models

    found = find_models(find_places(data_option(context)))
    if as_json:
        show_json(found)
        return
    show_table(
        ["version", "", "trained", "texts", "macro-F1", "problem"],
        [
            (
                row["version"], "in use" if row["current"] else "", row.get("trained_at", "")[:16], row.get("ads", ""),
                f"{row['macro_f1']:.3f}" if "macro_f1" in row else "", row["problem"],
            )
            for row in found
        ],
    )  # fmt: skip


@app.command("show")
def show_model(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="Empty: the one in use.")] = "",
    as_json: Json = False,
) -> None:
    """The card of a version: what it was trained on, its figures, what it cannot do."""
    from classifier.model import load_model

    places = find_places(data_option(context))
    name = load_model(places.models, version=version or None, recall=places.recall).version
    if as_json:
        show_json(json.loads((places.models / name / "metrics.json").read_text(encoding="utf-8")))
    else:
        show_text((places.models / name / "card.md").read_text(encoding="utf-8"))


@app.command("use")
def use_model(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="A version of models list.")],
    by: Annotated[
        str, typer.Option("--by", help="Who asks for it; stands in the audit log.")
    ] = "command line",
    reason: Annotated[str, typer.Option("--reason", help="Why; stands in the audit log.")] = "",
    as_json: Json = False,
) -> None:
    """Make another version the current one: a promotion by hand, or a roll-back. Scores of other versions stay."""
    from jobs.learning import use_model as use

    places = open_places(data_option(context))
    before = use(places, version, by=by, reason=reason, now=datetime.now(UTC))
    if as_json:
        show_json({"version": version, "before": before})
    else:
        show_text(
            f"{version} is the current model now; before it was {before or 'none'}. Score with it: tuskwatch classify"
        )
