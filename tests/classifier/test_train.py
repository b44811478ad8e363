"""Training is deterministic, measures on batches held back, and writes all that a model needs."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from classifier.ads import Ad, load_corpus
from classifier.augment import disguise, make_copies, remove_goods, swap_goods
from classifier.cascade import Cascade
from classifier.crossval import cross_validate, fit_fold, share_batches
from classifier.model import hash_parameters, load_model
from classifier.train import find_terms, train
from classifier.tricks import TRICKS
from storage.tables import GROUPS

NOW = datetime(2026, 11, 3, 8, 0, tzinfo=UTC)
TERMS = find_terms()


def _ad(name: str, text: str, *labels: str, batch: str = "x", kind: str = "offer") -> Ad:
    return Ad(name, "en", labels, kind, "", "", text, batch)


@pytest.fixture(scope="module")
def sample(repository: Path) -> list[Ad]:
    """Some English ads of three batches."""
    ads = [ad for ad in load_corpus(repository / "classifier" / "corpus") if ad.language == "en"]
    return [ad for ad in ads if ad.batch in {"a1", "a2", "b01"}][::3]


def test_training_writes_a_model_that_loads(tmp_path: Path, sample: list[Ad]) -> None:
    corpus, out = tmp_path / "corpus", tmp_path / "models"
    corpus.mkdir()
    lines = [json.dumps({**vars(ad), "labels": list(ad.labels)}) for ad in sample]
    (corpus / "x.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    said: list[str] = []
    version = train(corpus, out, seed=3, now=NOW, progress=said.append, folds=2, jobs=1, meaning=False)
    model = load_model(out)
    assert model.version == version
    assert version.startswith("20261103-")
    assert {file.name for file in (out / version).iterdir()} == {
        "model.skops",
        "PINS",
        "labels.json",
        "metrics.json",
        "card.md",
        "held.npz",
    }
    metrics = json.loads((out / version / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["ads"] == len(sample)
    assert set(metrics["ways"][metrics["way"]]["groups"]) == set(GROUPS)
    assert said[-1] == f"saved {version}"


def test_the_same_seed_gives_the_same_parameters(sample: list[Ad]) -> None:
    def fit(seed: int) -> str:
        copies = make_copies(sample[:60], TERMS, seed=seed)
        return hash_parameters(Cascade(*fit_fold(copies, [ad.batch for ad in sample], TERMS, seed=seed)))

    one, again, other = (fit(seed) for seed in (3, 3, 4))
    assert one == again != other


def test_every_ad_gets_a_score_from_a_model_that_did_not_see_its_batch(sample: list[Ad]) -> None:
    secret = [
        _ad(f"z-{at}", f"only here zzword{at} raw elephant tusk", "ivory", batch="z") for at in range(3)
    ]
    ads = [*sample[::2], *secret]
    held = cross_validate(ads, TERMS, seed=3, folds=2, progress=lambda line: None, meaning=False)
    assert held.truth.shape == (len(ads), 3)
    for odds in held.odds.values():
        assert odds.shape == (2 * len(ads), 3)
        assert (odds != 0).all()
    assert set(held.kinds) <= {ad.kind for ad in ads}


def test_batches_are_shared_out_evenly() -> None:
    ads = [
        _ad(f"x-{batch}-{at}", "t", batch=batch)
        for batch, size in (("p", 6), ("q", 5), ("r", 4))
        for at in range(size)
    ]
    assert share_batches(ads, 2) == {"p": 0, "q": 1, "r": 1}


def test_changed_copies_are_the_same_for_the_same_seed(sample: list[Ad]) -> None:
    assert make_copies(sample, TERMS, seed=1) == make_copies(sample, TERMS, seed=1)


def test_the_ads_themselves_come_first_and_unchanged(sample: list[Ad]) -> None:
    copies = make_copies(sample, TERMS, seed=1)
    own = copies[: len(sample)]
    assert [(copy.at, copy.text, copy.labels) for copy in own] == [
        (at, ad.joined, ad.labels) for at, ad in enumerate(sample)
    ]
    assert {copy.change for copy in own} == {""}
    assert all(copy.change for copy in copies[len(sample) :])


def test_a_copy_holds_text_of_its_own_batch_only() -> None:
    ads = [
        _ad("p-1", "elephant tusk", "ivory", batch="p"),
        _ad("p-2", "pword weed", batch="p", kind="everyday"),
        _ad("q-1", "qword coke", batch="q", kind="everyday"),
    ]
    beside = [copy.text for copy in make_copies(ads, TERMS, seed=1) if copy.change == "beside"]
    assert len(beside) == 1
    assert "pword" in beside[0]


def test_a_disguise_changes_the_goods_and_nothing_else() -> None:
    changed = {disguise("cheap elephant tusk here", TERMS, random.Random(seed)) for seed in range(20)}
    assert len(changed) > 3
    assert all(text.startswith("cheap ") and text.endswith(" here") for text in changed)


@pytest.mark.parametrize("name", sorted(TRICKS))
def test_every_trick_takes_any_word(name: str) -> None:
    for word in ("tusk", "elephant tusk", "象牙", "งา", "ok", "x", "слоновая кость", "हाथी दांत", "ngà voi"):
        for seed in range(4):
            assert TRICKS[name](word, random.Random(seed))


def test_goods_are_taken_out() -> None:
    assert remove_goods("Raw elephant tusk, 3 kg, no papers", TERMS) == "raw , 3 kg, no papers"


def test_goods_are_exchanged_with_their_label() -> None:
    ad = _ad("x-1", "selling tiger bone 2 kg", "tiger")
    pools = {("en", "ivory"): ["elephant tusk"]}
    assert swap_goods(ad, TERMS, pools, random.Random(1)) == ("selling elephant tusk 2 kg", ("ivory",))


def test_goods_of_two_groups_are_left_alone() -> None:
    ad = _ad("x-1", "tiger bone and rhino horn", "tiger", "rhino_horn")
    assert swap_goods(ad, TERMS, {("en", "ivory"): ["tusk"]}, random.Random(1)) is None
