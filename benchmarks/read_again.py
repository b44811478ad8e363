"""How fast `extract --again` reads many stored pages on all cores beside one, and what a kill -9 in its middle costs.

    python -m benchmarks.read_again [--pages 2000]

Fills a store with invented pages of 25 KB, each another ad, and reads all of them again: with one process, then with one
for each core, killed with all its children when half is done, then resumed with what the killed one left.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy import insert

from storage.blobs import store_blob
from storage.engine import open_engine, upgrade, writing
from storage.runs import create_run, end_run, start_run
from storage.sites import register_site
from storage.tables import Page

REPOSITORY = Path(__file__).resolve().parent.parent
SIZE = 25_000
STEP = 500
_WORDS = (
    "carved old white bangle lamp silver box map coin stamp letter wooden spoon chess clock bottle green small large pair"
    " set signed dated sealed shipped tracked packed vacuum careful answer week order first buyer escrow honest price"
)
WORDS = tuple(_WORDS.split())
ONION = "a" * 56 + ".onion"


def write_page(number: int) -> bytes:
    """One ad of the invented market, of about SIZE bytes: frame, table of facts, description, ratings."""
    seeded = random.Random(number)  # noqa: S311 - the same pages every time

    def words(count: int) -> str:
        return " ".join(seeded.choices(WORDS, k=count))

    ratings = "".join(
        f"<tr><td>{'★' * seeded.randint(1, 5)}</td><td>{words(9)}</td><td>b***{n}</td><td>2026-0{n % 9 + 1}-11</td></tr>"
        for n in range(25)
    )
    menu = "".join(f'<li><a href="/c/{n}">{words(2)} ({n * 7})</a></li>' for n in range(120))
    text = (
        f"<html><head><title>{words(3)}</title></head><body><nav><ul>{menu}</ul></nav><main><h1>{words(5)} {number}</h1>"
        f"<table><tr><td>Price</td><td>USD {number % 900 + 20}.50</td></tr><tr><td>Vendor</td><td>seller{number % 300}"
        f"</td></tr><tr><td>Ships from</td><td>Norway</td></tr><tr><td>Ships to</td><td>Worldwide</td></tr>"
        f"<tr><td>Quantity left</td><td>{number % 40}</td></tr></table><h2>Description</h2><p>{words(900)}</p>"
        f"<h2>Feedback</h2><table>{ratings}</table></main></body></html>"
    )
    return (text + f"<!-- {'x' * max(0, SIZE - len(text.encode()) - 10)} -->").encode()


def fill(data: Path, pages: int) -> None:
    url = f"sqlite:///{data}/tuskwatch.db"
    upgrade(url)
    engine, now = open_engine(url), datetime.now(UTC)
    site_id = register_site(
        engine, name="again", title="again", config_sha256="0" * 64, onions=[ONION], now=now
    )
    run_id = create_run(engine, verb="crawl", site_id=site_id, by="bench", reason="", settings={}, now=now)
    start_run(engine, run_id=run_id, worker="bench", pid=None, now=now)
    for start in range(0, pages, STEP):
        with writing(engine) as write:
            for number in range(start, min(start + STEP, pages)):
                body = write_page(number)
                write.execute(
                    insert(Page.__table__).values(
                        site_id=site_id, run_id=run_id, attempt=1, hop=0, url=f"http://{ONION}/p/{number}", method="GET",
                        request_headers=[], requested_at=now, status=200, reason="OK", response_headers=[], received_at=now,
                        body_sha256=store_blob(write, body, now=now), body_size=len(body), content_type="text/html",
                        content_encoding="", circuit_token="0" * 64, error="", note="", kind="listing",
                    )
                )  # fmt: skip
        print(f"  {min(start + STEP, pages)} pages stored", end="\r", file=sys.stderr)
    print(file=sys.stderr)
    end_run(engine, run_id=run_id, state="done", message="", now=now)
    engine.dispose()


def start(data: Path, jobs: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tuskwatch", "--data", str(data), "extract", "--again", "--json"]
    return subprocess.Popen(
        [*command, "--jobs", str(jobs)], cwd=REPOSITORY, stdout=subprocess.PIPE, start_new_session=True
    )


def run(data: Path, jobs: int) -> tuple[float, dict[str, object]]:
    began = time.monotonic()
    out, _ = start(data, jobs).communicate()
    return time.monotonic() - began, json.loads(out)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=2000)
    given = parser.parse_args()
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as base:
        data = Path(base)
        fill(data, given.pages)
        redo = data / "redo"
        one, _ = run(data, 1)
        for path in redo.glob("*/*"):
            path.unlink()
        print(f"  read with one process: {given.pages / one:.0f} pages/s", file=sys.stderr)
        began = time.monotonic()
        process = start(data, cores)
        while len(list(redo.glob("*/*.json.zst"))) < given.pages / 200 and process.poll() is None:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        first = time.monotonic() - began
        kept = len(list(redo.glob("*/*.json.zst"))) * 100
        second, said = run(data, cores)
        result = {
            "pages": said["pages"],
            "cores": cores,
            "one_process_pages_per_second": round(given.pages / one, 1),
            "all_cores_pages_per_second": round(given.pages / (first + second), 1),
            "ratio": round(one / (first + second), 2),
            "killed_after_pages": kept,
            "read_twice_at_most": cores * 100,
            "seconds_after_resuming": round(second, 1),
            "load": round(os.getloadavg()[0], 1),
        }
    print(json.dumps(result))
    return 0 if said["pages"] == given.pages else 1


if __name__ == "__main__":
    sys.exit(main())
