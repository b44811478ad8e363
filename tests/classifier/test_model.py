"""A model file is opened only when it is the one that CURRENT names and holds only our types."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
import skops.io

from classifier.model import Model, ModelError, load_model, predict


@pytest.fixture
def models(tmp_path: Path, repository: Path, model: Model) -> Path:
    shutil.copytree(repository / "models" / model.version, tmp_path / model.version)
    shutil.copy(repository / "models" / "CURRENT", tmp_path / "CURRENT")
    return tmp_path


def _rewrite(models: Path, model: Model, name: str, body: bytes) -> None:
    """Put another file there, and its right hash into CURRENT."""
    (models / model.version / name).write_bytes(body)
    lines = (models / "CURRENT").read_text().splitlines()
    kept = [line for line in lines if not line.startswith(name)]
    (models / "CURRENT").write_text(
        "\n".join([*kept, f"{name} sha256 {hashlib.sha256(body).hexdigest()}"]) + "\n"
    )


def test_a_good_copy_is_loaded_and_scores_the_same(models: Path, model: Model) -> None:
    copy = load_model(models)
    assert copy.version == model.version
    assert (predict(copy, ["raw tusk"]) == predict(model, ["raw tusk"])).all()


def test_a_changed_byte_is_refused_before_anything_is_read(models: Path, model: Model) -> None:
    file = models / model.version / "model.skops"
    body = bytearray(file.read_bytes())
    body[len(body) // 2] ^= 1
    file.write_bytes(bytes(body))
    with pytest.raises(ModelError, match="SHA-256 differs"):
        load_model(models)


def test_changed_thresholds_are_refused(models: Path, model: Model) -> None:
    file = models / model.version / "labels.json"
    file.write_text(file.read_text().replace("0.", "0.9", 1))
    with pytest.raises(ModelError, match="SHA-256 differs"):
        load_model(models)


def test_a_file_with_other_types_is_refused_even_with_the_right_hash(models: Path, model: Model) -> None:
    _rewrite(models, model, "model.skops", skops.io.dumps({"run": shutil.rmtree}))
    with pytest.raises(ModelError, match="types that are not allowed"):
        load_model(models)


def test_a_file_that_is_no_classifier_is_refused(models: Path, model: Model) -> None:
    _rewrite(models, model, "model.skops", skops.io.dumps({"a": 1}))
    with pytest.raises(ModelError, match="is not a classifier"):
        load_model(models)


def test_garbage_with_the_right_hash_is_refused(models: Path, model: Model) -> None:
    _rewrite(models, model, "model.skops", b"garbage")
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(models)


def test_a_model_for_another_normaliser_is_refused(models: Path, model: Model) -> None:
    labels = (
        (models / model.version / "labels.json").read_text().replace('"normaliser": "', '"normaliser": "old-')
    )
    _rewrite(models, model, "labels.json", labels.encode())
    with pytest.raises(ModelError, match="another version"):
        load_model(models)


def test_a_model_for_other_features_is_refused(models: Path, model: Model) -> None:
    labels = (models / model.version / "labels.json").read_text().replace('"features": "', '"features": "0')
    _rewrite(models, model, "labels.json", labels.encode())
    with pytest.raises(ModelError, match="another version"):
        load_model(models)


@pytest.mark.parametrize("current", ["", "version ../../etc\n", "version x\n", "\x00"])
def test_a_broken_current_is_refused(models: Path, current: str) -> None:
    (models / "CURRENT").write_text(current)
    with pytest.raises(ModelError, match="does not name a version"):
        load_model(models)


def test_another_recall_gives_other_thresholds(models: Path, model: Model) -> None:
    careful = load_model(models, recall="0.99")
    assert all(careful.thresholds[group] <= model.thresholds[group] for group in model.thresholds)
    with pytest.raises(ModelError, match=r"no thresholds for a recall of 0\.5"):
        load_model(models, recall="0.5")


def test_a_version_can_be_asked_for_by_its_own_pins(models: Path, model: Model) -> None:
    assert load_model(models, version=model.version).version == model.version


def test_no_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="tuskwatch train"):
        load_model(tmp_path)


def test_a_missing_file_says_what_to_do(models: Path, model: Model) -> None:
    (models / model.version / "model.skops").unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(models)


def test_the_shipped_file_is_small_and_has_its_card(repository: Path, model: Model) -> None:
    home = repository / "models" / model.version
    assert (home / "model.skops").stat().st_size < 12_000_000
    assert model.version in (home / "card.md").read_text(encoding="utf-8")
    assert (home / "metrics.json").is_file()
