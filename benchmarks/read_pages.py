"""How well and how fast the reader reads real pages whose right values are known.

    TUSKWATCH_BENCH_DATA=/where/the/pages/are python benchmarks/read_pages.py [--misses N]

The folder holds markets/<market>/gold.json ([{page, kind, fields, kind_alt?, alt?}, ...]) and the pages it names. Such
pages are real and stay outside the repository. Prints for each market and field: exact, missing, wrong, extra; then
pages and megabytes a second on one core. Without the folder it says so and ends with 0.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crawler.extract import PageReading, read_page

CAPTURED = datetime(2021, 1, 1, tzinfo=UTC)
SAME_NAME = (
    "title",
    "description",
    "seller",
    "category",
    "price_text",
    "price_amount",
    "price_currency",
    "prices_other",
)
RENAMED = {
    "stock": "quantity", "product_class": "product_class", "ends": "ends_in", "ships_from": "ships_from",
    "ships_to": "ships_to", "payment": "payment_text", "sold": "sold", "coins": "coins", "terms": "seller_terms",
}  # fmt: skip
NUMBERS = ("price_amount", "amount", "sold")
KINDS = {"queue": "refresh"}


def predict(reading: PageReading, refresh: bool) -> dict[str, Any]:
    """A reading in the names and forms of the gold file."""
    fields: dict[str, Any] = {}
    for name, value in reading.fields.items():
        if value.value is None:
            continue
        if reading.kind == "listing":
            if name in SAME_NAME:
                fields[name] = value.value
            elif name in RENAMED:
                fields[RENAMED[name]] = value.value
            elif name == "posted":
                fields["posted"] = value.raw
        elif name in ("name", "description"):
            fields[name] = value.value
        elif name in ("joined", "last_seen"):
            fields[name] = value.raw
    if reading.kind in ("search", "home"):
        fields["items"] = [
            {"title": c.title, "url": c.url, "seller": c.seller, "price_amount": c.price_amount, "price_currency": c.price_currency}
            for c in reading.cards
        ]  # fmt: skip
    kind = KINDS.get(reading.kind, reading.kind) if refresh else reading.kind
    return {"kind": kind, "fields": fields}


def simplify(field: str, value: Any) -> Any:
    """Values as they are compared: white space and case folded, numbers as Decimal, addresses by path and query."""
    if isinstance(value, (list, tuple)):
        items = [simplify(field, item) for item in value]
        return items if field == "category" else sorted(set(map(str, items)))
    if isinstance(value, dict):
        return {key: simplify(key, item) for key, item in sorted(value.items())}
    if field in NUMBERS:
        try:
            return Decimal(str(value).replace(",", "")).normalize()
        except InvalidOperation:
            return value
    if field == "url":
        parts = urlsplit(str(value))
        return parts.path.lstrip("./"), parts.query
    return " ".join(str(value).replace("\u200b", "").split()).casefold()


class Score:
    """exact, missing, wrong and extra of each field."""

    def __init__(self) -> None:
        self.counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self.misses: list[str] = []

    def add(self, page: str, field: str, gold: Any, found: Any, others: list[Any]) -> None:
        name = field.rpartition(".")[2]
        if found in (None, "", (), []):
            self.counts[field][1] += 1
            self.misses.append(f"{page} {field}: missing {str(gold)[:70]!r}")
        elif any(simplify(name, right) == simplify(name, found) for right in (gold, *others)):
            self.counts[field][0] += 1
        else:
            self.counts[field][2] += 1
            self.misses.append(f"{page} {field}: {str(gold)[:70]!r} but read {str(found)[:70]!r}")

    def compare(self, entry: dict[str, Any], found: dict[str, Any]) -> None:
        page, kinds = entry["page"], [entry["kind"], *entry.get("kind_alt", [])]
        self.add(page, "kind", entry["kind"], found["kind"], kinds)
        gold = entry["fields"]
        others = entry.get("alt", {})
        for name, value in gold.items():
            field = f"{entry['kind']}.{name}"
            if name == "items":
                self._compare_items(page, field, value, found["fields"].get(name, []))
            elif (
                name in (*SAME_NAME, *RENAMED.values(), "posted", "name", "joined", "last_seen")
                and value != []
            ):
                self.add(page, field, value, found["fields"].get(name), others.get(name, []))
        for name in found["fields"]:
            if name not in gold and name not in others and found["kind"] == entry["kind"]:
                self.counts[f"{entry['kind']}.{name}"][3] += 1

    def _compare_items(
        self, page: str, field: str, gold: list[dict[str, Any]], found: list[dict[str, Any]]
    ) -> None:
        by_url = {simplify("url", item["url"]): item for item in reversed(found)}
        for item in gold:
            other = by_url.pop(simplify("url", item.get("url", "")), {})
            for name in ("title", "seller", "price_amount", "price_currency"):
                if name in item:
                    self.add(page, f"{field}[].{name}", item[name], other.get(name), [])
        self.counts[f"{field}[]"][3] += len(by_url)


def main() -> int:
    parser = argparse.ArgumentParser(description="Read gold pages; print what is right, missing and wrong.")
    parser.add_argument("--misses", type=int, default=0, help="print so many misses of each market")
    options = parser.parse_args()
    folder = os.environ.get("TUSKWATCH_BENCH_DATA", "")
    golds = sorted(Path(folder).glob("markets/*/gold.json")) if folder else []
    if not golds:
        print(
            "skipped: TUSKWATCH_BENCH_DATA names no folder with markets/*/gold.json, and such pages are not in the repository"
        )
        return 0
    bodies: list[bytes] = []
    for path in golds:
        score = Score()
        for entry in json.loads(path.read_text("utf-8")):
            body = (path.parent / entry["page"]).read_bytes()
            bodies.append(body)
            reading = read_page(body, url="", content_type="text/html", captured_at=CAPTURED, kind_hint=None)
            score.compare(entry, predict(reading, b"http-equiv" in body[:600]))
        print(f"\n{path.parent.name}\n{'field':<32}{'exact':>7}{'missing':>9}{'wrong':>7}{'extra':>7}")
        for field, counts in sorted(score.counts.items()):
            print(f"{field:<32}{counts[0]:>7}{counts[1]:>9}{counts[2]:>7}{counts[3]:>7}")
        for miss in score.misses[: options.misses]:
            print(f"  {miss}")
    measure(bodies)
    return 0


def measure(bodies: list[bytes]) -> None:
    usual = [body for body in bodies if len(body) < 40_000]
    for name, group in (("all pages", bodies), ("pages under 40 KB", usual)):
        if not group:
            continue
        started = time.process_time()
        rounds = 5
        for _ in range(rounds):
            for body in group:
                read_page(body, url="", content_type="text/html", captured_at=CAPTURED, kind_hint=None)
        seconds = (time.process_time() - started) / rounds
        size = sum(map(len, group))
        print(f"\n{name}: {len(group)} of {size / len(group) / 1000:.0f} KB on average, "
              f"{len(group) / seconds:.0f} pages/s, {size / seconds / 1e6:.1f} MB/s of processor time")  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
