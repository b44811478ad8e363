"""Reads all stored pages as the tool does, and prints for each what it cost and what the reader noted, as JSON lines.

Run: python read_all.py DATA SITE
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import crawler.reading
from crawler.sitefile import load_site
from storage.engine import open_engine

SELF = Path("/proc/self")


def _peak() -> float:
    return int((SELF / "status").read_text().partition("VmHWM:")[2].split()[0]) / 1024


def main(data: Path, site: str) -> None:
    read_group, read_page = crawler.reading.read_group, crawler.reading.read_page
    noted: dict[str, list[str]] = {}

    def note(body: bytes, **how: Any) -> Any:
        reading = read_page(body, **how)
        noted.setdefault(how["url"], []).extend(reading.notes)
        return reading

    def measure(session: Any, group: Any, config: Any, troubles: Any) -> Any:
        (SELF / "clear_refs").write_text("5")
        began, worked = time.monotonic(), time.process_time()
        row = read_group(session, group, config, troubles)
        line = {
            "url": row.url,
            "seconds": time.monotonic() - began,
            "cpu": time.process_time() - worked,
            "peak": _peak(),
            "kind": row.kind,
            "title": row.title[:80],
            "notes": noted.get(row.url, []),
        }
        print(json.dumps(line), flush=True)
        return row

    crawler.reading.read_page = note
    crawler.reading.read_group = measure
    engine = open_engine(f"sqlite:///{data / 'tuskwatch.db'}")
    sites = {site: load_site(data / "sites" / site)}
    began = time.monotonic()
    counts = crawler.reading.read_stored_pages(engine, sites, now=datetime.now(UTC))
    print(json.dumps({"pages": counts.pages, "seconds": time.monotonic() - began}), flush=True)
    engine.dispose()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
