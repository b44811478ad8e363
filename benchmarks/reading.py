"""How well and how fast the reader reads pages whose right values are known.

    python -m benchmarks.reading DIR [--out FOLDER] [--misses N] [--market NAME]

DIR (or TUSKWATCH_BENCH_DATA) is a folder of markets, or the folder above it that holds markets/. Each market is a folder
with gold.json ([{page, kind, fields, kind_alt?, alt?}, ...]) and the pages it names. Such pages are real and stay
outside the repository. Writes predictions in the shape of gold.json to FOLDER/<market>/{generic,adapter}.json, prints
for each market and field exact, missing, wrong, extra and the rate, without and with the market's adapter, then how
that stands against the targets, then pages and megabytes a second on one core.

Without DIR it says so and ends with 0; a folder or a page that is not there ends with 2.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.gold import Counts, Score, score_market
from benchmarks.goldshape import shape_reading
from crawler.extract import read_page

CAPTURED = datetime(2021, 1, 1, tzinfo=UTC)
NEAR_CERTAIN = ("title", "seller", "price_amount", "price_currency")
"""With an adapter, one missing or wrong value of these for each market is allowed."""
EASY = ("title", "seller", "price_amount", "price_currency", "price_text", "name")


class Trouble(Exception):
    """What is wrong with the folder, in plain words."""


def predict(market: str, page: Path, *, adapter: bool) -> dict[str, Any] | None:
    """{"kind", "fields"} of one page; None when `adapter` is asked for and the market has none."""
    reader = find_adapter(market) if adapter else None
    if adapter and reader is None:
        return None
    try:
        body = page.read_bytes()
    except OSError as exc:
        raise Trouble(f"{page}: gold.json names this page, but it cannot be read ({exc.strerror})") from exc
    reading = read_page(
        body,
        url="",
        content_type="text/html",
        captured_at=CAPTURED,
        kind_hint=None,
        **({} if reader is None else {"adapter": reader}),
    )
    return shape_reading(
        reading, refresh=b"http-equiv" in body[:4000].lower() and b"refresh" in body[:4000].lower()
    )


def find_adapter(market: str) -> Any:
    """The adapter of the site family that a market is named after; None where there is none."""
    if find_spec("crawler.families") is None:
        return None
    from crawler import families  # type: ignore[attr-defined]  # the reader works without any family

    return families.find_adapter(market)


def find_markets(folder: Path) -> list[Path]:
    """The folders with a gold.json: in `folder`, or in its folder markets/."""
    if not folder.is_dir():
        raise Trouble(f"{folder} is no folder; give the folder that holds the markets")
    for place in (folder, folder / "markets"):
        found = sorted(path.parent for path in place.glob("*/gold.json"))
        if found:
            return found
    if (folder / "gold.json").is_file():
        return [folder]
    raise Trouble(f"{folder} holds no market: no folder in it has a gold.json")


def read_gold(market: Path) -> list[dict[str, Any]]:
    """The entries of one market's gold.json."""
    path = market / "gold.json"
    try:
        entries = json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as exc:
        raise Trouble(f"{path} is no JSON: {exc}") from exc
    if not isinstance(entries, list):
        raise Trouble(f"{path} must hold a list of entries")
    for number, entry in enumerate(entries, 1):
        good = (
            isinstance(entry, dict)
            and isinstance(entry.get("page"), str)
            and isinstance(entry.get("kind"), str)
        )
        if not good or not isinstance(entry.get("fields"), dict):
            raise Trouble(f'{path}, entry {number}: it must have "page", "kind" and "fields"')
        if not (market / entry["page"]).is_file():
            raise Trouble(f"{path}, entry {number}: the page {entry['page']} is not there")
    return entries


def predict_market(
    market: Path, gold: Sequence[dict[str, Any]], *, adapter: bool
) -> list[dict[str, Any]] | None:
    """Predictions for all pages of a market; None when there is no adapter."""
    found = []
    for entry in gold:
        predicted = predict(market.name, market / entry["page"], adapter=adapter)
        if predicted is None:
            return None
        found.append({"page": entry["page"], **predicted})
    return found


# --- what is printed ---


def print_market(name: str, generic: Score, adapter: Score | None) -> None:
    print(f"\n{name}: the generic reader{'' if adapter else ' (no adapter)'}")
    _print_table(generic)
    if adapter is not None:
        print(f"\n{name}: with its adapter")
        _print_table(adapter)


def _print_table(score: Score) -> None:
    print(f"{'field':<44}{'n':>6}{'exact':>7}{'missing':>9}{'wrong':>7}{'extra':>7}{'rate':>8}")
    for field, counts in sorted(score.counts.items(), key=lambda item: (item[0] != "kind", item[0])):
        rate = f"{counts.rate:>8.3f}" if counts.total else f"{'-':>8}"
        print(
            f"{field:<44}{counts.total:>6}{counts.exact:>7}{counts.missing:>9}{counts.wrong:>7}{counts.extra:>7}{rate}"
        )
    mixed = [f"{gold} -> {found}: {n}" for (gold, found), n in sorted(score.kinds.items()) if gold != found]
    if mixed:
        print("kinds that differ (gold -> read):", ", ".join(mixed))


def print_targets(scores: dict[str, tuple[Score, Score | None]]) -> bool:
    """The summary; are all targets met?"""
    print("\ntargets")
    good = True
    for name, (generic, adapter) in scores.items():
        if adapter is not None:
            short = [
                f for f, c in adapter.counts.items() if _leaf(f) in NEAR_CERTAIN and c.missing + c.wrong > 1
            ]
            good &= _say(f"{name}, adapter: title, seller, price, currency at most one off", short, adapter)
            rest = {
                f: c
                for f, c in adapter.counts.items()
                if _leaf(f) not in NEAR_CERTAIN and f != "kind" and c.rate < 0.97
            }
            good &= _say(f"{name}, adapter: other fields 97 %", list(rest), adapter)
        else:
            print(f"  {name}: no adapter")
        kind = generic.counts["kind"]
        good &= _say(
            f"{name}, generic: page kind 97 % ({kind.rate:.3f})",
            [] if kind.rate >= 0.97 else ["kind"],
            generic,
        )
        easy = [f for f, c in generic.counts.items() if _leaf(f) in EASY and c.rate < 0.95]
        good &= _say(f"{name}, generic: title, price, seller 95 %", easy, generic)
        others = [
            f for f, c in generic.counts.items() if _leaf(f) not in EASY and f != "kind" and c.rate < 0.88
        ]
        good &= _say(f"{name}, generic: other fields 88 %", others, generic)
        wrong = sum(c.wrong for c in generic.counts.values())
        total = sum(c.total for c in generic.counts.values())
        share = wrong / total if total else 0.0
        good &= _say(
            f"{name}, generic: wrong values at most 1 % ({share:.4f})", [] if share <= 0.01 else ["all"], None
        )
    return good


def _leaf(field: str) -> str:
    return field.rpartition(".")[2].removesuffix(" (none)")


def _say(what: str, short: list[str], score: Score | None) -> bool:
    if not short:
        print(f"  met      {what}")
        return True
    shown = []
    for name in sorted(short):
        counts = score.counts[name] if score is not None and name in score.counts else Counts()
        shown.append(f"{name} {counts.rate:.3f}" if counts.total else name)
    print(f"  NOT MET  {what}: {', '.join(shown)}")
    return False


def print_misses(name: str, score: Score, most: int) -> None:
    for miss in score.misses[:most]:
        gold, found = (json.dumps(value, ensure_ascii=False)[:110] for value in (miss.gold, miss.found))
        print(f"  {name} {miss.page} | {miss.field} | {miss.why} | gold {gold} | read {found}")


def measure(bodies: list[bytes]) -> None:
    """Pages a second on one core, with all fields."""
    usual = [body for body in bodies if len(body) < 40_000]
    for name, group in (("all pages", bodies), ("pages under 40 KB", usual)):
        if not group:
            continue
        rounds = 3
        started = time.process_time()
        for _ in range(rounds):
            for body in group:
                read_page(body, url="", content_type="text/html", captured_at=CAPTURED, kind_hint=None)
        seconds = (time.process_time() - started) / rounds
        size = sum(map(len, group))
        print(f"\n{name}: {len(group)} of {size / len(group) / 1000:.0f} KB on average, "
              f"{len(group) / seconds:.0f} pages/s, {size / seconds / 1e6:.1f} MB/s of processor time")  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reading",
        description="Read gold pages; print what is right, missing and wrong.",
    )
    parser.add_argument(
        "folder", nargs="?", default=os.environ.get("TUSKWATCH_BENCH_DATA", ""), metavar="DIR"
    )
    parser.add_argument("--out", type=Path, help="where predictions go (default: a new temporary folder)")
    parser.add_argument(
        "--misses", type=int, default=0, metavar="N", help="print so many misses of each market"
    )
    parser.add_argument(
        "--market", action="append", default=[], help="only this market; may be given several times"
    )
    parser.add_argument("--no-speed", action="store_true", help="do not measure the speed")
    options = parser.parse_args(arguments)
    if not options.folder:
        print(
            "skipped: give a folder or set TUSKWATCH_BENCH_DATA; pages with gold values are not in the repository"
        )
        return 0
    try:
        return _run(options)
    except Trouble as trouble:
        print(f"error: {trouble}", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace) -> int:
    markets = [
        path
        for path in find_markets(Path(options.folder))
        if not options.market or path.name in options.market
    ]
    if not markets:
        raise Trouble(f"{options.folder} holds no market named {', '.join(options.market)}")
    golds = {market: read_gold(market) for market in markets}
    out: Path = options.out or Path(tempfile.mkdtemp(prefix="tuskwatch-reading-"))
    scores: dict[str, tuple[Score, Score | None]] = {}
    for market, gold in golds.items():
        both: list[Score | None] = []
        for name, adapter in (("generic", False), ("adapter", True)):
            predicted = predict_market(market, gold, adapter=adapter)
            both.append(None if predicted is None else score_market(gold, predicted))
            if predicted is not None:
                place = out / market.name / f"{name}.json"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(json.dumps(predicted, ensure_ascii=False, indent=1), "utf-8")
        assert both[0] is not None
        scores[market.name] = both[0], both[1]
        print_market(market.name, *scores[market.name])
        print_misses(market.name, both[1] or both[0], options.misses)
    print_targets(scores)
    print(f"\npredictions: {out}")
    if not options.no_speed:
        measure([(market / entry["page"]).read_bytes() for market, gold in golds.items() for entry in gold])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
