"""The lab's texts are an honest test of the classifier only while the training corpus holds none of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from classifier.ads import load_corpus
from lab.truth import sentences, truth
from text.normalise import normalise

SHORTEST = 4
"""Words. "Stealth shipping worldwide" and the like are common property."""

# Scripts without spaces between words: there a letter carries about as much as a third of a word.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_END = re.compile(r"[.!?;。！？；\n|]+")


def _sentences(texts: Iterable[str]) -> set[str]:
    found = set()
    for text in texts:
        for part in _END.split(text):
            plain = re.sub(r"\W+", " ", normalise(part).text).strip()
            if len(plain.split()) + len(_UNSPACED.findall(plain)) / 3 >= SHORTEST:
                found.add(plain)
    return found


def _corpus(repository: Path) -> set[str]:
    return _sentences(ad.joined for ad in load_corpus(repository / "classifier" / "corpus"))


def test_the_lab_and_the_training_corpus_share_no_sentence(repository: Path) -> None:
    lab = _sentences(sentences())
    corpus = _corpus(repository)
    assert len(lab) > 500
    assert len(corpus) > 1000
    assert sorted(lab & corpus) == []


def test_no_wildlife_ad_of_the_lab_stands_in_the_training_corpus(repository: Path) -> None:
    """The 21 ads as the sites show them, not only the fragments they are made of."""
    ads = [row for row in truth(seed=21, listings=1500, today=date(2026, 11, 1)) if row.labels]
    assert len(ads) == 21
    shown = _sentences(f"{ad.title}. {ad.description}" for ad in ads)
    assert sorted(shown & _corpus(repository)) == []
