"""The classifier: one scikit-learn Pipeline, how it is built, saved and loaded.

Public names: Model, ModelError, build_pipeline, save_model, load_model, predict, hash_parameters, MAX_MODEL_BYTES.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from skops.io.exceptions import UntrustedTypesFoundException

from classifier.features import FEATURE_NAMES, TextFolder, build_features
from classifier.terms import TermKey
from storage.tables import GROUPS
from text.normalise import NORMALISER_VERSION

MAX_MODEL_BYTES = 32 * 1024 * 1024
"""A larger file is not one of ours."""

# Every type in a model file beyond those that skops itself holds to be safe. By name, so nothing else is ever built.
_TRUSTED = [
    "classifier.features.LexiconFeatures",
    "classifier.features.TextFolder",
    "classifier.pieces.PieceFeatures",
    "classifier.pieces.mask_digits",
]
_NEXT = "Put back the models folder of your release, or train anew with: tuskwatch train"


class ModelError(RuntimeError):
    """A model that cannot be used; the message says what to do next."""


@dataclass(frozen=True)
class Model:
    """A loaded model. thresholds: what each group's probability is held against."""

    version: str
    pipeline: Pipeline
    thresholds: Mapping[str, float]


def build_pipeline(
    terms: tuple[TermKey, ...], *, seed: int, words: int = 20_000, chars: int = 40_000
) -> Pipeline:
    """The untrained classifier: folding, n-grams and lexicon, then one logistic regression for each species group."""
    regression = LogisticRegression(C=10.0, max_iter=3000, random_state=seed)
    return Pipeline(
        [
            ("fold", TextFolder()),
            ("features", build_features(terms, words=words, chars=chars)),
            ("model", OneVsRestClassifier(regression)),
        ]
    )


def predict(pipeline: Pipeline, texts: Sequence[str]) -> Any:
    """Probabilities, one row a text, one column for each of GROUPS."""
    if not texts:
        return np.zeros((0, len(GROUPS)))
    return pipeline.predict_proba(list(texts))


def hash_parameters(pipeline: Pipeline) -> str:
    """SHA-256 over vocabularies, weights and terms, sorted: the same training gives the same hash.

    A skops file holds memory addresses as names of its parts, so its own bytes differ from run to run.
    """
    digest = hashlib.sha256(NORMALISER_VERSION.encode())
    for name, part in pipeline.named_steps["features"].transformer_list:
        vocabulary = getattr(part, "vocabulary_", None)
        if vocabulary is not None:
            digest.update(
                json.dumps([name, sorted((gram, int(at)) for gram, at in vocabulary.items())]).encode()
            )
            digest.update(np.round(part.idf_, 9).tobytes())
        else:
            digest.update(json.dumps([name, part.terms]).encode())
    for estimator in pipeline.named_steps["model"].estimators_:
        digest.update(np.round(estimator.coef_, 9).tobytes() + np.round(estimator.intercept_, 9).tobytes())
    return digest.hexdigest()


def save_model(
    folder: Path,
    pipeline: Pipeline,
    *,
    version: str,
    thresholds: Mapping[str, float],
    files: Mapping[str, str],
) -> None:
    """Write <folder>/<version>/ with model.skops, labels.json and the given texts, and point CURRENT at it."""
    home = folder / version
    home.mkdir(parents=True, exist_ok=True)
    body = skops.io.dumps(pipeline, compression=8, compresslevel=9)  # 8: deflate
    labels = json.dumps(
        {
            "groups": list(GROUPS),
            "normaliser": NORMALISER_VERSION,
            "features": _hash_features(),
            "thresholds": dict(thresholds),
        },
        indent=2,
    )
    (home / "model.skops").write_bytes(body)
    (home / "labels.json").write_text(labels + "\n", encoding="utf-8")
    for name, content in files.items():
        (home / name).write_text(content, encoding="utf-8")
    current = "\n".join(
        (
            f"version {version}",
            f"model.skops sha256 {hashlib.sha256(body).hexdigest()}",
            f"labels.json sha256 {hashlib.sha256((labels + chr(10)).encode()).hexdigest()}",
        )
    )
    draft = folder / "CURRENT.new"
    draft.write_text(current + "\n", encoding="utf-8")
    draft.replace(folder / "CURRENT")


def load_model(folder: Path) -> Model:
    """The model that <folder>/CURRENT names. The files' hashes are compared before anything is parsed.

    Raises ModelError in plain words when a file is missing, changed, too large or holds a type that is not ours.
    """
    version, hashes = _read_current(folder)
    home = folder / version
    body = _read_checked(home / "model.skops", hashes["model.skops"])
    labels: Any = json.loads(_read_checked(home / "labels.json", hashes["labels.json"]))
    # The columns of the lexicon are named by the code, not by the file: another code would read them as other things.
    made_for = (labels["groups"], labels["normaliser"], labels.get("features"))
    if made_for != (list(GROUPS), NORMALISER_VERSION, _hash_features()):
        raise ModelError(f"Model {version} was made for another version of Tuskwatch. {_NEXT}")
    try:
        pipeline: Any = skops.io.loads(body, trusted=_TRUSTED)
    except UntrustedTypesFoundException as exc:
        raise ModelError(
            f"Model {version} holds types that are not allowed, so it was not opened. {_NEXT}"
        ) from exc
    except (BadZipFile, KeyError, ValueError, TypeError, AttributeError, ImportError) as exc:
        raise ModelError(f"Model {version} cannot be read: {exc}. {_NEXT}") from exc
    if not isinstance(pipeline, Pipeline):
        raise ModelError(f"Model {version} is not a classifier. {_NEXT}")
    return Model(version, pipeline, {group: float(labels["thresholds"][group]) for group in GROUPS})


def _hash_features() -> str:
    return hashlib.sha256("\n".join(FEATURE_NAMES).encode()).hexdigest()


def _read_current(folder: Path) -> tuple[str, dict[str, str]]:
    try:
        lines = [line.split() for line in (folder / "CURRENT").read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as exc:
        raise ModelError(f"There is no model: {folder / 'CURRENT'} cannot be read. {_NEXT}") from exc
    version = next((line[1] for line in lines if len(line) == 2 and line[0] == "version"), "")
    hashes = {line[0]: line[2] for line in lines if len(line) == 3 and line[1] == "sha256"}
    plain = version.replace("-", "").isalnum()
    if not plain or not {"model.skops", "labels.json"} <= set(hashes):
        raise ModelError(f"{folder / 'CURRENT'} does not name a version and its hashes. {_NEXT}")
    return version, hashes


def _read_checked(file: Path, expected: str) -> bytes:
    try:
        if file.stat().st_size > MAX_MODEL_BYTES:
            raise ModelError(f"{file} is larger than any model of ours, so it was not opened. {_NEXT}")
        body = file.read_bytes()
    except OSError as exc:
        raise ModelError(f"{file} cannot be read: {exc}. {_NEXT}") from exc
    if hashlib.sha256(body).hexdigest() != expected:
        raise ModelError(
            f"{file} is not the file that CURRENT names (its SHA-256 differs), so it was not opened. {_NEXT}"
        )
    return body
