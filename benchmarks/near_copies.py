"""Near-copy lookup among many listings: bands in the database beside datasketch's MinHashLSH in memory.

    python -m benchmarks.near_copies --listings 1000000 [--peer 100000] [--lookups 1000] [--folder DIR] [--seed 21]

Each lookup begins with a text and ends with the listings that are its near copies: fold, sign, look up, compare. The
texts are invented: 2,000 ads, and for each one a changed copy that is looked up; they lie among signatures drawn by
chance, as texts that have nothing in common have them, a tenth of these in families of near copies and one in a hundred
thousand copies of one text. Both sides hold the same signatures in the same bands. The peer runs in a process of its
own, so that its memory is its own; it holds everything in memory and is built anew at each start, so it can be given
fewer listings (--peer) than fit in ours.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from crawler.shapes import words
from crawler.signatures import BANDS, PERMUTATIONS, ROWS, SIGNATURE_VERSION, find_shingles, sign_text
from storage.bands import THRESHOLD, bands_of, find_near
from storage.engine import open_engine, reading, upgrade
from text.normalise import normalise

PLANTED = 2_000
BATCH = 50_000
TARGET = 5.0
_WORDS = sorted(
    words("""
    old new small large carved painted heavy light family estate collection shipping tracked escrow message before order grams
    piece pieces set pair photo scale crack polished raw natural origin seller stealth refund days week stock quality
    sample batch sealed fresh account guide manual leather silver watch ring lamp paper cotton kettle copper
""")
)


def write_texts(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """(text, the same with up to one word in twelve changed), 40 to 250 words."""
    dice = random.Random(seed)  # noqa: S311 - invented words
    many = [*_WORDS, *(f"{one}{other}" for one in _WORDS[:30] for other in _WORDS[30:])]
    for _ in range(count):
        text = [dice.choice(many) for _ in range(dice.randint(40, 250))]
        changed = list(text)
        for _ in range(dice.randint(0, len(text) // 12)):
            changed[dice.randrange(len(changed))] = dice.choice(many)
        yield " ".join(text), " ".join(changed)


def draw_signatures(count: int, seed: int) -> Iterator[Any]:
    """Blocks of signatures: most have nothing in common, one in ten is of a family, one in a hundred a plain copy."""
    dice = np.random.default_rng(seed)
    hub = dice.integers(0, 65_536, PERMUTATIONS, dtype="u2")
    for begin in range(0, count, BATCH):
        size = min(BATCH, count - begin)
        block = dice.integers(0, 65_536, (size, PERMUTATIONS), dtype="u2")
        for first in range(0, size // 10, 5):  # families of five
            block[first : first + 5] = block[first]
            mask = dice.random((len(block[first : first + 5]), PERMUTATIONS)) < 0.1
            block[first : first + 5][mask] = dice.integers(0, 65_536, int(mask.sum()), dtype="u2")
        block[size - size // 100 :] = hub
        yield block.astype("<u2")


def all_signatures(count: int, seed: int) -> Iterator[tuple[int, bytes]]:
    """(listing, signature): the drawn ones with the planted texts spread among them."""
    texts = min(PLANTED, count // 10)
    planted = {
        1 + place * count // texts: sign_text("", text)
        for place, (text, _) in enumerate(write_texts(texts, seed))
    }
    listing = 0
    for block in draw_signatures(count, seed):
        for row in block:
            listing += 1
            yield listing, planted.get(listing) or row.tobytes()


def build(path: Path, count: int, seed: int) -> float:
    """Our tables, filled in the order in which listings come; seconds."""
    upgrade(f"sqlite:///{path}")
    started = time.perf_counter()
    # Straight to the driver, without the listings themselves: only the two tables that are asked.
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -600000")
    signatures: list[tuple[int, int, str, bytes]] = []
    bands: list[tuple[int, int]] = []

    def flush() -> None:
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO signature VALUES (?, ?, ?, ?)", signatures)
        connection.executemany("INSERT OR IGNORE INTO band VALUES (?, ?)", sorted(bands))
        connection.execute("COMMIT")
        signatures.clear()
        bands.clear()

    columns = [row[1] for row in connection.execute("PRAGMA table_info(signature)")]
    if columns != ["listing_id", "reading_id", "version", "hashes"]:
        raise SystemExit(f"the table signature has other columns by now: {columns}")
    for listing, hashes in all_signatures(count, seed):
        signatures.append((listing, listing, SIGNATURE_VERSION, hashes))
        bands += [(band, listing) for band in bands_of(hashes, SIGNATURE_VERSION)]
        if len(signatures) == BATCH:
            flush()
    flush()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return time.perf_counter() - started


def wanted_texts(count: int, lookups: int, seed: int) -> list[tuple[int, str, bool]]:
    """(listing of the original, the changed text, whether the two really share THRESHOLD of their shingles)."""
    texts = min(PLANTED, count // 10)
    wanted = []
    for place, (text, changed) in enumerate(write_texts(texts, seed)):
        if place < lookups:
            one, other = find_shingles(normalise(text).text), find_shingles(normalise(changed).text)
            share = len(one & other) / len(one | other)
            wanted.append((1 + place * count // texts, changed, share >= THRESHOLD + 0.05))
    return wanted


def measure_ours(path: Path, count: int, lookups: int, seed: int) -> dict[str, Any]:
    """Times of lookups, each in a read transaction of its own, as a screen or a batch has it."""
    engine = open_engine(f"sqlite:///{path}")
    wanted = wanted_texts(count, lookups, seed)
    with reading(engine) as session:
        find_near(
            session, sign_text("", "a text to load what is loaded once " * 9), version=SIGNATURE_VERSION
        )
    whole, inner, found, busy = [], [], 0, time.process_time()
    for listing, text, near in wanted:
        started = time.perf_counter()
        hashes = sign_text("", text)
        signed = time.perf_counter()
        with reading(engine) as session:
            ids = [each.listing_id for each in find_near(session, hashes, version=SIGNATURE_VERSION)]
        ended = time.perf_counter()
        whole.append(ended - started)
        inner.append(ended - signed)
        found += near and listing in ids
    busy = time.process_time() - busy
    hub = next(iter(draw_signatures(min(count, BATCH), seed)))[-1].tobytes()
    started = time.perf_counter()
    with reading(engine) as session:
        copies = find_near(session, hub, version=SIGNATURE_VERSION)
    hub_ms = (time.perf_counter() - started) * 1000
    engine.dispose()
    return {
        "listings": count,
        **say_times("with signing", whole),
        **say_times("lookup alone", inner),
        "processor time with signing, mean ms": round(busy * 1000 / len(wanted), 2),
        "found of those truly near": f"{found} of {sum(near for *_, near in wanted)}",
        f"a text that stands {count // 100:,} times, ms": round(hub_ms, 2),
        "its copies given": len(copies),
        "peak memory of the process, MB": peak_memory(),
    }


def measure_peer(count: int, lookups: int, seed: int) -> dict[str, Any]:
    """datasketch's MinHashLSH with the same bands over the same signatures; candidates compared as ours are."""
    from datasketch import MinHash, MinHashLSH

    started = time.perf_counter()
    index = MinHashLSH(num_perm=PERMUTATIONS, params=(BANDS, ROWS))
    kept: dict[int, Any] = {}

    def sketch(hashes: bytes) -> Any:
        numbers = np.frombuffer(hashes, dtype="<u2").astype("u4")
        return MinHash(
            num_perm=PERMUTATIONS, hashvalues=numbers, permutations=permutations, scheme="affine32"
        )

    permutations = MinHash(PERMUTATIONS, scheme="affine32").permutations
    with index.insertion_session() as session:
        for listing, hashes in all_signatures(count, seed):
            kept[listing] = np.frombuffer(hashes, dtype="<u2")
            session.insert(listing, sketch(hashes), check_duplication=False)
    built = time.perf_counter() - started
    wanted = wanted_texts(count, lookups, seed)
    whole, inner, found, busy = [], [], 0, time.process_time()
    for listing, text, near in wanted:
        started = time.perf_counter()
        hashes = sign_text("", text)
        signed = time.perf_counter()
        numbers = np.frombuffer(hashes, dtype="<u2")
        ids = [each for each in index.query(sketch(hashes)) if (kept[each] == numbers).mean() >= THRESHOLD]
        ended = time.perf_counter()
        whole.append(ended - started)
        inner.append(ended - signed)
        found += near and listing in ids
    busy = time.process_time() - busy
    return {
        "listings": count,
        **say_times("with signing", whole),
        **say_times("lookup alone", inner),
        "processor time with signing, mean ms": round(busy * 1000 / len(wanted), 2),
        "found of those truly near": f"{found} of {sum(near for *_, near in wanted)}",
        "built at each start, s": round(built, 1),
        "peak memory of the process, MB": peak_memory(),
    }


def say_times(name: str, seconds: list[float]) -> dict[str, float]:
    times = np.array(seconds) * 1000
    return {
        f"{name}, median ms": round(float(np.median(times)), 2),
        f"{name}, 99 of 100 under ms": round(float(np.percentile(times, 99)), 2),
        f"{name}, mean ms": round(float(times.mean()), 2),
    }


def peak_memory() -> int:
    """MB. Not from getrusage, which for a child begins with what its parent held."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) // 1024 if found else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--listings", type=int, default=100_000)
    parser.add_argument("--peer", type=int, default=100_000, help="listings of the peer; 0: leave it out")
    parser.add_argument("--lookups", type=int, default=1_000)
    parser.add_argument("--folder", type=Path, help="where the database is made, and kept")
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--part", choices=("ours", "peer"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.listings < 1_000 or given.lookups < 1 or given.peer < 0:
        parser.error("at least 1,000 listings and one lookup")
    if given.part == "peer":
        json.dump(measure_peer(given.peer, given.lookups, given.seed), sys.stdout)
        return 0
    folder = given.folder or Path(tempfile.mkdtemp(prefix="near-copies-"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"near-{given.listings}-{given.seed}.db"
    if given.part == "ours":
        json.dump(measure_ours(path, given.listings, given.lookups, given.seed), sys.stdout)
        return 0
    try:
        if not path.exists():
            seconds = build(path, given.listings, given.seed)
            print(f"{given.listings:,} signatures and their bands written in {seconds:.0f} s")
        ours = run_part("ours", given, folder)
        ours["database, MB"] = path.stat().st_size // 1_000_000
        peer = run_part("peer", given, folder) if given.peer else {}
        for name in dict.fromkeys((*ours, *peer)):
            print(f"{name:45} {ours.get(name, '')!s:>14} {peer.get(name, '')!s:>14}")
        if peer:
            name = "lookup alone, median ms"
            print(
                f"ours takes {ours[name] / max(peer[name], 0.001):.1f} times as long as the peer for a lookup"
            )
        good = ours["with signing, mean ms"] < TARGET
        print(f"target: under {TARGET} ms each: {'reached' if good else 'MISSED'}")
        return 0 if good else 1
    finally:
        if given.folder is None:
            shutil.rmtree(folder)


def run_part(part: str, given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One side in a process of its own, so that its memory is its own."""
    names = ("listings", "peer", "lookups", "seed")
    numbers = [text for name in names for text in (f"--{name}", str(getattr(given, name)))]
    command = [sys.executable, __file__, "--part", part, "--folder", str(folder), *numbers]
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return told


if __name__ == "__main__":
    sys.exit(main())
