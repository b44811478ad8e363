"""`tuskwatch score`, `explain` and `evaluate`: the model asked about texts that are not in the store. Offline.

Public names: score, explain, evaluate.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuskwatch.output import Exit, Json, data_option, say, show_json, show_table, show_text
from tuskwatch.places import find_places

if TYPE_CHECKING:
    from classifier.model import Model

_CHUNK = 256
Source = Annotated[
    str,
    typer.Argument(metavar="FILE", help="JSON lines with id, title and body (or text); - is standard input."),
]


def score(
    context: typer.Context,
    file: Source = "-",
    reasons: Annotated[
        bool, typer.Option("--reasons", help="Reasons for every flag and every look.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Has no effect: the result is JSON lines in any case.")
    ] = False,
) -> None:
    """Score texts: JSON lines in, the same lines out with scores, flags, zone and kind, one by one as they come."""
    from classifier.trial import TrialError, read_texts

    model = _open_model(context)
    bad = 0
    with _lines(file) as lines:
        rows: list[dict[str, Any]] = []
        for number, line in enumerate(lines, 1):
            try:
                rows += [row for _, row in read_texts([line])]
            except TrialError as exc:
                bad += 1
                say(f"Line {number} was left out: {str(exc).removeprefix('line 1: ')}.")
            if len(rows) >= _CHUNK:
                _write_scores(model, rows, reasons=reasons)
                rows = []
        _write_scores(model, rows, reasons=reasons)
    if bad:
        raise typer.Exit(Exit.FAILED)


def _write_scores(model: Model, rows: list[dict[str, Any]], *, reasons: bool) -> None:
    from classifier.explain import Reason, say_reason
    from classifier.score import TextRow, score_texts
    from storage.tables import GROUPS

    texts = [TextRow(at, row["title"], row["body"]) for at, row in enumerate(rows)]
    for row, scored in zip(rows, score_texts(model, texts, explain=reasons), strict=True):
        out = {name: value for name, value in row.items() if name != "body" or "text" not in row}
        for group in GROUPS:
            out[group] = getattr(scored, group)
        out["flag"] = [group for group in GROUPS if out[group] >= scored.thresholds[group]]
        out["zone"], out["kind"], out["model"] = scored.zone, scored.kind, model.version
        if reasons and scored.zone != "pass":
            out["reasons"] = {
                group: [{**reason, "say": say_reason(Reason(**reason), group)} for reason in found]
                for group, found in scored.reasons.items()
            }
        sys.stdout.write(json.dumps(out, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def explain(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="The text; - is standard input.")],
    title: Annotated[str, typer.Option("--title", help="Its title.")] = "",
    as_json: Json = False,
) -> None:
    """Say why a text gets its scores: the places that raise and lower them, and by how much."""
    from dataclasses import asdict

    from classifier.explain import explain_text, say_reason
    from classifier.score import TextRow, score_texts
    from storage.tables import GROUPS

    model = _open_model(context)
    body = sys.stdin.read() if text == "-" else text
    scored = score_texts(model, [TextRow(0, title, body)], explain=False)[0]
    reasons = explain_text(model.cascade, title, body)
    if as_json:
        rows = {
            group: {
                "score": getattr(scored, group),
                "threshold": model.thresholds[group],
                "reasons": [
                    {**asdict(reason), "say": say_reason(reason, group)} for reason in reasons[group]
                ],
            }
            for group in GROUPS
        }
        show_json({"model": model.version, "zone": scored.zone, "kind": scored.kind, "groups": rows})
        return
    show_text(
        f"Model {model.version}. Zone: {scored.zone}. Kind of post: {scored.kind or 'not asked, the gate passed it over'}."
    )
    for group in GROUPS:
        name = group.replace("_", " ")
        show_text(f"\n{name}: {getattr(scored, group):.4f} (flagged from {model.thresholds[group]:.4f})")
        if not scored.kind:
            continue
        for reason in reasons[group]:
            show_text(f"  {reason.weight:+.2f}  {say_reason(reason, group)}")


def evaluate(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON lines with labels; - is standard input.")],
    as_json: Json = False,
) -> None:
    """Hold the current model against labelled texts, by group, kind and language, with intervals."""
    from classifier.trial import TrialError, measure_trial, read_labelled

    model = _open_model(context)
    try:
        with _lines(file) as lines:
            rows = read_labelled(lines)
    except TrialError as exc:
        say(f"{file}: {exc}")
        raise typer.Exit(Exit.USAGE) from exc
    figures = measure_trial(model, rows, model.cascade.judge([row.joined for row in rows]))
    if as_json:
        show_json(figures)
        return
    columns = [
        "group",
        "offers",
        "recall",
        "precision",
        "F1",
        "average precision",
        "false flags",
        "per 10,000",
    ]
    table = [
        (
            group, row["offers"], _span(row, "recall"), _span(row, "precision"), _span(row, "f1"),
            f"{row['average_precision']:.3f}", row["false_flags"], f"{row['false_per_10000']:.1f}",
        )
        for group, row in [*figures["groups"].items(), ("any of them", figures["any"])]
    ]  # fmt: skip
    low, high = figures["macro_f1_interval"]
    show_table(columns, table, title=f"Model {model.version} on {len(rows)} texts")
    show_text(f"Macro-F1 {figures['macro_f1']:.3f} ({low:.3f} to {high:.3f}).")
    for name, title in (("kinds", "kind"), ("languages", "language")):
        rows_of = [
            (key or "(not said)", row["texts"], row["offers"], row["found"], row["false_flags"], f"{row.get('f1', 0):.3f}" if "f1" in row else "")
            for key, row in figures[name].items()
        ]  # fmt: skip
        show_table([title, "texts", "offers", "found", "false flags", "F1"], rows_of)


def _span(row: dict[str, Any], name: str) -> str:
    low, high = row[f"{name}_interval"]
    return f"{row[name]:.3f} ({low:.3f}-{high:.3f})"


def _open_model(context: typer.Context) -> Model:
    from classifier.model import load_model

    places = find_places(data_option(context))
    return load_model(places.models, recall=places.recall)


@contextmanager
def _lines(file: str) -> Iterator[Iterable[str]]:
    if file == "-":
        yield sys.stdin
        return
    try:
        with Path(file).open(encoding="utf-8", errors="replace") as lines:
            yield lines
    except OSError as exc:
        say(f"{file} cannot be read: {exc.strerror}.")
        raise typer.Exit(Exit.USAGE) from exc
