"""How many listings a second the classifier scores on one core, beside plain TF-IDF with logistic regression.

    python -m benchmarks.score_speed [--listings N] [--positive-every N]

The mix is made of the texts of our corpus: everyday goods and decoys in the proportions of a market (99 of 100 are
everyday goods, most with a long seller's text beside), and one true offer in 20,000. With TUSKWATCH_BENCH_DATA, the
listings of agartha.jsonl and the titles of agora_titles.jsonl take the place of the everyday texts. Prints listings a
second of processor time for both systems in the same run, the share that each stage sees, memory, and start-up.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.score_texts import train_plain
from classifier.ads import load_corpus
from classifier.features import join_text
from classifier.model import load_model
from classifier.score import TextRow, score_texts

ROOT = Path(__file__).resolve().parent.parent
_CHUNK = 500


def make_mix(number: int, every: int, *, seed: int) -> tuple[list[tuple[str, str]], str]:
    """(title, text) of `number` listings, and where the everyday ones come from."""
    rng = random.Random(seed)  # noqa: S311  # for variety, not for secrets
    ads = load_corpus(ROOT / "classifier" / "corpus")
    offers = [(ad.title, ad.text) for ad in ads if ad.labels]
    decoys = [(ad.title, ad.text) for ad in ads if ad.kind == "decoy"]
    usual = [(ad.title, ad.text) for ad in ads if ad.kind == "everyday"]
    source = "our corpus"
    folder = Path(os.environ.get("TUSKWATCH_BENCH_DATA", "")) / "text"
    if os.environ.get("TUSKWATCH_BENCH_DATA") and folder.is_dir():
        lines = [json.loads(line) for line in (folder / "agartha.jsonl").read_text().splitlines()]
        titles = [json.loads(line) for line in (folder / "agora_titles.jsonl").read_text().splitlines()]
        usual = [(row["name"], row["info"] or "") for row in lines] + [(row["title"], "") for row in titles]
        source = f"{len(lines)} real listings and {len(titles)} real titles"
    mix = []
    for at in range(number):
        pool = offers if at % every == every - 1 else decoys if rng.random() < 0.01 else usual
        title, text = rng.choice(pool)
        mix.append((f"{title} #{at % 997}", text))  # no two alike, as in a market
    return mix, source


def measure(score: Callable[[Sequence[tuple[str, str]]], Any], mix: Sequence[tuple[str, str]]) -> float:
    """Listings a second of processor time."""
    score(mix[:_CHUNK])  # memories warm, as after the first seconds of a run
    began = time.process_time()
    for first in range(0, len(mix), _CHUNK):
        score(mix[first : first + _CHUNK])
    return len(mix) / (time.process_time() - began)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--listings", type=int, default=20_000)
    parser.add_argument("--positive-every", type=int, default=20_000)
    chosen = parser.parse_args()
    began = time.perf_counter()
    started = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); from pathlib import Path; "
         "from classifier.model import load_model; from classifier.score import TextRow, score_texts; "
         f"score_texts(load_model(Path({str(ROOT / 'models')!r})), [TextRow(0, 'raw tusk', 'no papers')])"],
        check=True,
    )  # fmt: skip
    assert started.returncode == 0
    start_up = time.perf_counter() - began
    mix, source = make_mix(chosen.listings, chosen.positive_every, seed=7)
    model = load_model(ROOT / "models")
    plain = train_plain(load_corpus(ROOT / "classifier" / "corpus"))
    ours = measure(lambda some: score_texts(model, [TextRow(at, *row) for at, row in enumerate(some)]), mix)
    peer = measure(lambda some: plain.predict_proba([join_text(*row) for row in some]), mix)
    texts = [join_text(*row) for row in mix]
    assert model.cascade.gate is not None
    looked = model.cascade.gate.passes(texts)
    print(
        f"{len(mix)} listings of {sum(map(len, texts)) // len(texts)} characters on average, from {source}; "
        f"one in {chosen.positive_every} an offer"
    )
    print(
        f"tuskwatch {model.version}: {ours:,.0f} listings a second and core ({model.cascade.strict.way if model.cascade.strict else ''})"
    )
    print(f"TF-IDF + logistic regression: {peer:,.0f}; ours is {ours / peer:.1f} x that")
    print(f"the strict stage sees {100 * looked.mean():.1f} %")
    print(
        f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB with both; start-up to the first score {start_up:.1f} s"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
