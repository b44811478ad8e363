"""A trained classifier with its thresholds: how it is saved, loaded and asked.

Public names: Model, ModelError, save_model, load_model, find_current, point_at, predict, hash_parameters,
MAX_MODEL_BYTES, RECALL.
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
from skops.io.exceptions import UntrustedTypesFoundException

from classifier.cascade import Cascade
from classifier.features import FEATURE_NAMES
from storage.tables import GROUPS
from text.normalise import NORMALISER_VERSION

MAX_MODEL_BYTES = 32 * 1024 * 1024
"""A larger file is not one of ours."""

RECALL = "0.80"
"""Recall at the flag threshold unless the analyst sets another (zones.RECALLS)."""

# Every type in a model file beyond those that skops itself holds to be safe. By name, so nothing else is ever built.
_TRUSTED = [
    "classifier.cascade.Cascade",
    "classifier.features.LexiconFeatures",
    "classifier.features.TextFolder",
    "classifier.gate.Gate",
    "classifier.jury.Jury",
    "classifier.packing.WordFeatures",
    "classifier.pieces.PieceFeatures",
    "classifier.pieces.mask_digits",
    "classifier.strict.Strict",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",  # of models from before their nodes were one table
]
_NEXT = "Put back the models folder of your release, or train anew with: tuskwatch train"


class ModelError(RuntimeError):
    """A model that cannot be used; the message says what to do next."""


@dataclass(frozen=True)
class Model:
    """A loaded model. thresholds: at or above it a group is flagged; look: at or above it a person may have a look."""

    version: str
    cascade: Cascade
    thresholds: Mapping[str, float]
    look: Mapping[str, float]

    @property
    def known_words(self) -> frozenset[str]:
        """The words of the texts that it was trained on."""
        return frozenset(self.cascade.gate.weights_) if self.cascade.gate is not None else frozenset()


def predict(model: Model, texts: Sequence[str]) -> Any:
    """Probabilities, one row a text, one column for each of GROUPS."""
    if not texts:
        return np.zeros((0, len(GROUPS)))
    return model.cascade.predict_proba(list(texts))


def hash_parameters(cascade: Cascade) -> str:
    """SHA-256 over vocabularies, weights and terms, sorted: the same training gives the same hash.

    A skops file holds memory addresses as names of its parts, so its own bytes differ from run to run.
    """
    gate, strict = cascade.gate, cascade.strict
    assert gate is not None
    assert strict is not None
    digest = hashlib.sha256(NORMALISER_VERSION.encode())
    weights = [(word, round(weight, 9)) for word, weight in sorted(gate.weights_.items())]
    digest.update(
        json.dumps([weights, round(gate.bias_, 9), round(gate.threshold, 9), gate.common_]).encode()
    )
    for name, part in strict.features_.named_steps["features"].transformer_list:
        vocabulary = getattr(part, "vocabulary_", None)
        if vocabulary is not None:
            digest.update(
                json.dumps([name, sorted((gram, int(at)) for gram, at in vocabulary.items())]).encode()
            )
            digest.update(np.round(part.idf_, 9).tobytes())
        else:
            digest.update(json.dumps([name, part.terms]).encode())
    if strict.full_ is not None:
        digest.update(np.round(strict.meaning_.idf_, 9).tobytes())
    for jury in (strict.plain_, strict.full_):
        if jury is not None:
            for regression in jury.regressions_:
                digest.update(_freeze(regression))
            for tree in jury.trees_:
                for (one,) in tree._predictors:  # no public way to a tree's nodes
                    digest.update(np.round(one.nodes["value"], 6).tobytes())
                    digest.update(np.round(one.nodes["num_threshold"], 6).tobytes())
    for way in sorted(strict.calibration_):
        digest.update(np.round(strict.calibration_[way], 6).tobytes())
    return digest.hexdigest()


def _freeze(regression: Any) -> bytes:
    return bytes(np.round(regression.coef_, 6).tobytes() + np.round(regression.intercept_, 6).tobytes())


def save_model(
    folder: Path,
    cascade: Cascade,
    *,
    version: str,
    limits: Mapping[str, Any],
    files: Mapping[str, str],
    current: bool = True,
) -> None:
    """Write <folder>/<version>/ with model.skops, labels.json and the given texts; with `current`, point CURRENT at it.

    limits: {way: {"flag": {recall: {group: threshold}}, "look": {group: threshold}}}.
    """
    home = folder / version
    home.mkdir(parents=True, exist_ok=True)
    body = skops.io.dumps(cascade, compression=8, compresslevel=9)  # 8: deflate
    labels = json.dumps(
        {
            "groups": list(GROUPS),
            "normaliser": NORMALISER_VERSION,
            "features": _hash_features(),
            "limits": limits,
        },
        indent=2,
    )
    (home / "model.skops").write_bytes(body)
    (home / "labels.json").write_text(labels + "\n", encoding="utf-8")
    for name, content in files.items():
        (home / name).write_text(content, encoding="utf-8")
    pins = "\n".join(
        (
            f"version {version}",
            f"model.skops sha256 {hashlib.sha256(body).hexdigest()}",
            f"labels.json sha256 {hashlib.sha256((labels + chr(10)).encode()).hexdigest()}",
        )
    )
    (home / "PINS").write_text(pins + "\n", encoding="utf-8")
    if current:
        point_at(folder, version)


def point_at(folder: Path, version: str) -> None:
    """Make a version of the folder the current one, by its own PINS."""
    pins = _find_pins(folder, version)
    _read_pins(pins)
    draft = folder / "CURRENT.new"
    draft.write_bytes(pins.read_bytes())
    draft.replace(folder / "CURRENT")


def load_model(folder: Path, *, version: str | None = None, recall: str = RECALL) -> Model:
    """The model that <folder>/CURRENT names, or another version by its own PINS. Hashes are compared before anything is
    parsed.

    Raises ModelError in plain words when a file is missing, changed, too large or holds a type that is not ours.
    """
    version, hashes = _read_pins(folder / "CURRENT" if version is None else _find_pins(folder, version))
    home = folder / version
    body = _read_checked(home / "model.skops", hashes["model.skops"])
    labels: Any = json.loads(_read_checked(home / "labels.json", hashes["labels.json"]))
    # The columns of the lexicon are named by the code, not by the file: another code would read them as other things.
    made_for = (labels["groups"], labels["normaliser"], labels.get("features"))
    if made_for != (list(GROUPS), NORMALISER_VERSION, _hash_features()):
        raise ModelError(f"Model {version} was made for another version of Tuskwatch. {_NEXT}")
    try:
        cascade: Any = skops.io.loads(body, trusted=_TRUSTED)
    except UntrustedTypesFoundException as exc:
        raise ModelError(
            f"Model {version} holds types that are not allowed, so it was not opened. {_NEXT}"
        ) from exc
    except (
        BadZipFile, LookupError, ValueError, TypeError, AttributeError, ImportError, RecursionError, StopIteration
    ) as exc:  # fmt: skip
        raise ModelError(f"Model {version} cannot be read: {exc}. {_NEXT}") from exc
    if not isinstance(cascade, Cascade) or cascade.strict is None:
        raise ModelError(f"Model {version} is not a classifier. {_NEXT}")
    limits = labels["limits"][cascade.strict.way]
    flag = limits["flag"].get(recall)
    if flag is None:
        raise ModelError(
            f"Model {version} has no thresholds for a recall of {recall}; there are {', '.join(sorted(limits['flag']))}."
        )
    return Model(version, cascade, flag, limits["look"])


def find_current(folder: Path) -> str:
    """The version that <folder>/CURRENT names; nothing is opened. ModelError when it names none."""
    return _read_pins(folder / "CURRENT")[0]


def _hash_features() -> str:
    return hashlib.sha256("\n".join(FEATURE_NAMES).encode()).hexdigest()


def _find_pins(folder: Path, version: str) -> Path:
    if not version.replace("-", "").isalnum():
        raise ModelError(f"{version!r} is no version of a model. See: tuskwatch models list")
    return folder / version / "PINS"


def _read_pins(file: Path) -> tuple[str, dict[str, str]]:
    try:
        lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as exc:
        raise ModelError(f"There is no model: {file} cannot be read. {_NEXT}") from exc
    version = next((line[1] for line in lines if len(line) == 2 and line[0] == "version"), "")
    hashes = {line[0]: line[2] for line in lines if len(line) == 3 and line[1] == "sha256"}
    plain = version.replace("-", "").isalnum()
    if not plain or not {"model.skops", "labels.json"} <= set(hashes):
        raise ModelError(f"{file} does not name a version and its hashes. {_NEXT}")
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
