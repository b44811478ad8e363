"""How well gates are told from content on real pages whose kinds are known.

    TUSKWATCH_BENCH_DATA=/where/the/pages/are python benchmarks/judge_gates.py [--misses]

The folder holds markets/<market>/gold.json ([{page, kind, kind_alt?}, ...]) and the pages it names. Such pages are real and
stay outside the repository. Nothing is told of their addresses, so that the pages speak for themselves. Prints a confusion
table (rows: what they are, columns: what they were judged to be) and milliseconds a page. Without the folder it says so and
ends with 0; with a wrong judgement it ends with 1.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crawler.gates import judge

GATES = ("captcha", "login", "not_found", "queue", "limited", "banned", "seized", "exit", "down")
RIGHT = {"refresh": ("queue", "login")}
"""A bare page that refreshes itself: a queue, or, where it leads to the login, a login."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--misses", action="store_true", help="name the pages judged wrongly")
    wanted = parser.parse_args()
    folder = os.environ.get("TUSKWATCH_BENCH_DATA", "")
    files = sorted(Path(folder).glob("markets/*/gold.json")) if folder else []
    if not files:
        print("skipped: TUSKWATCH_BENCH_DATA names no folder with markets/*/gold.json")
        return 0
    table: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    spent = 0.0
    for file in files:
        for entry in json.loads(file.read_text(encoding="utf-8")):
            body = (file.parent / entry["page"]).read_bytes()
            began = time.process_time()
            gate = judge(200, [("Content-Type", "text/html")], body, path="/x")
            spent += time.process_time() - began
            seen = gate.kind if gate else "content"
            kind = entry["kind"]
            right = RIGHT.get(kind, (kind,) if kind in GATES else ("content",))
            table[kind if kind in GATES or kind in RIGHT else "content", seen] += 1
            if seen not in right:
                wrong.append(f"{file.parent.name}/{entry['page']}: is {kind}, judged {seen}")
    columns = sorted({seen for _, seen in table})
    print(f"{'is':12}" + "".join(f"{name:>11}" for name in columns))
    for row in sorted({kind for kind, _ in table}):
        print(f"{row:12}" + "".join(f"{table[row, name] or '.':>11}" for name in columns))
    count = sum(table.values())
    print(f"{count} pages, {len(wrong)} wrong, {spent / count * 1000:.2f} ms of CPU a page")
    if wanted.misses:
        print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
