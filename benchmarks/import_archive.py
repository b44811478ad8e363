"""Writes a WARC of a given size and imports it: records and megabytes a second, and the most memory it took.

    python -m benchmarks.import_archive [--megabytes 500] [--giant 0] [--plain] [--read]

Everything happens in a temporary folder. --giant N puts one record of N MB in, of which only the hash is kept.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
SEED = 7
WORDS = (
    "carved",
    "old",
    "box",
    "wood",
    "shipping",
    "stealth",
    "quality",
    "fresh",
    "pack",
    "gram",
    "vendor",
    "escrow",
)


def write_archive(path: Path, *, megabytes: float, giant: int, plain: bool) -> int:
    """How many records of about 25 KB were written."""
    chance = random.Random(SEED)  # noqa: S311 - invented pages
    filler = [" ".join(chance.choices(WORDS, k=3000)) for _ in range(50)]
    written = count = 0
    with path.open("wb") as file:
        while written < megabytes * 1e6:
            count += 1
            text = filler[count % 50]
            body = (
                f"<html><title>Item {count}</title><h1>Item {count}</h1><table><tr><th>Seller</th><td>seller{count % 90}</td></tr>"
                f"<tr><th>Price</th><td>USD {count % 900}.00</td></tr></table><h2>Description</h2><p>{count} {text}</p></html>"
            ).encode()
            record = _wrap(count, len(body)) + body + b"\r\n\r\n"
            written += len(record)
            file.write(record if plain else gzip.compress(record, 6))
        if giant:
            size = giant * 1_000_000
            file.write(_wrap(0, size) if plain else gzip.compress(_wrap(0, size)))
            piece = bytes(1_000_000)
            packed = piece if plain else gzip.compress(chance.randbytes(1_000_000), 1)
            for _ in range(giant):
                file.write(packed)
            file.write(b"\r\n\r\n" if plain else gzip.compress(b"\r\n\r\n"))
    return count


def _wrap(number: int, size: int) -> bytes:
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    head = (
        f"WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: http://invented.onion/p/{number}\r\n"
        f"WARC-Date: 2026-03-05T10:20:30Z\r\nContent-Length: {len(http) + size}\r\n\r\n"
    )
    return head.encode() + http


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=500, help="of pages, unpacked")
    parser.add_argument("--giant", type=int, default=0, help="MB of one giant record")
    parser.add_argument("--plain", action="store_true", help="not gzipped")
    parser.add_argument("--read", action="store_true", help="read and score too")
    asked = parser.parse_args()

    from crawler.denyfile import write_empty
    from jobs.archives import Custody, import_archive
    from jobs.places import Places
    from storage.engine import upgrade

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        url = f"sqlite:///{data}/tuskwatch.db"
        upgrade(url)
        write_empty(data)
        places = Places(data=data, database_url=url, engine_url="sqlite://", models=REPOSITORY / "models")
        path = Path(folder) / ("x.warc" if asked.plain else "x.warc.gz")
        records = write_archive(path, megabytes=asked.megabytes, giant=asked.giant, plain=asked.plain)
        size = path.stat().st_size
        start = time.perf_counter()
        done = import_archive(
            places, path, site="bench", custody=Custody("benchmark"), by="bench", clock=lambda: datetime.now(UTC),
            new_site=True, read=asked.read,
        )  # fmt: skip
        seconds = time.perf_counter() - start
        again = time.perf_counter()
        import_archive(
            places, path, site="bench", custody=Custody("benchmark"), by="bench", clock=lambda: datetime.now(UTC),
            read=False,
        )  # fmt: skip
        result = {
            "records": records,
            "stored": done.stored,
            "skipped": done.skipped,
            "file_mb": round(size / 1e6, 1),
            "unpacked_mb": asked.megabytes + asked.giant,
            "seconds": round(seconds, 1),
            "records_per_second": round(records / seconds),
            "unpacked_mb_per_second": round((asked.megabytes + asked.giant) / seconds, 1),
            "again_seconds": round(time.perf_counter() - again, 1),
            "most_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
