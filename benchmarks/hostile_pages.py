"""What each hostile page costs a crawl process and the reader, and what became of it: writes the table of docs/hostile.md.

Run: .venv/bin/python benchmarks/hostile_pages.py [--scale 1] [--write]

The cases are those of tests/crawler/hostile, over real HTTP to a real crawl process, one after the other. --scale 0.1
makes the floods ten times smaller, as the tests do. Without --write the table goes to the screen.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
DOCUMENT = REPOSITORY / "docs" / "hostile.md"
HEAD = """\
# Hostile pages

What a site may send to harm whoever reads it, what it costs, and what is left of it. Each case is an invented answer over
real HTTP: a crawl process fetches it through the port that plays Tor's, stores it, judges it and reads its links; then the
reader reads the stored page. Written by `benchmarks/hostile_pages.py --write`; the tests in `tests/crawler/test_hostile.py`
run the same cases with floods of a tenth of the size. This table: floods of {scale:.0%} of what is written beside them.

## Bounds

| what | bound | where |
|---|---|---|
| one exchange, from connecting to the last byte | `timeout` of the site file | crawler/transport.py |
| body as received | 4 MiB, and 100,000 pieces; beyond that no body is kept | crawler/transport.py |
| body without its packing | 16 MiB, 3 packings, 100 streams; beyond that it stays packed | storage/encodings.py |
| header lines of one answer | 200 lines, 64 KiB, 16 KiB each | crawler/wire.py |
| address | 2,000 characters | crawler/transport.py, crawler/links.py |
| redirects | 5 steps, the same onion only | crawler/links.py |
| links of one page | 2,000 | crawler/links.py |
| markup | depth 400, 200,000 tokens, 1,000 options, 40 attributes of 2,000 characters in a large tag | crawler/markup.py |
| text read by the reader | 3,000,000 bytes, 60,000 elements, 1,000 pairs of label and value | crawler/charsets.py, html.py, pairs.py |
| one Cookie header | 8 KiB | crawler/cookies.py |

## Outcomes

| outcome | what is left |
|---|---|
"""


def _row(seen: Any) -> str:
    read = seen.read
    cost = [f"{seen.crawl.cpu:.1f}", f"{seen.crawl.peak:.0f}" if seen.crawl.peak else ""]
    cost += [f"{read['cpu']:.1f}", f"{read['peak']:.0f}"] if read else ["", ""]
    what = seen.case.what.replace("|", "\\|").replace("<", "&lt;")
    return f"| `{seen.case.name}` | {what} | {seen.outcome} | {' | '.join(cost)} |"


def _table(seen: dict[str, Any], groups: dict[str, Any], outcomes: dict[str, str], scale: float) -> str:
    lines = [HEAD.format(scale=scale) + "\n".join(f"| {name} | {what} |" for name, what in outcomes.items())]
    for group, cases in groups.items():
        lines += [
            "",
            f"## {group}",
            "",
            "| case | what it is | outcome | crawl, CPU s | crawl, MB | reader, CPU s | reader, MB |",
        ]
        lines += ["|---|---|---|--:|--:|--:|--:|", *(_row(seen[case.name]) for case in cases)]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--write", action="store_true")
    wanted = parser.parse_args()
    os.environ["HOSTILE_SCALE"] = str(wanted.scale)
    sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests" / "crawler")]
    from hostile.corpus import CASES, GROUPS, OUTCOMES
    from hostile.run import run_cases

    from storage.engine import upgrade

    seen: dict[str, Any] = {}
    for slow in (False, True):
        cases = [case for case in CASES if case.slow is slow]
        how = {"timeout": 2, "in_flight": 20, "extra": 30} if slow else {"timeout": 60, "in_flight": 1}
        with tempfile.TemporaryDirectory() as folder:
            upgrade(f"sqlite:///{folder}/tuskwatch.db")
            seen |= run_cases(Path(folder), cases, limit=3600, **how).seen
    wrong = [one for one in seen.values() if one.outcome != one.case.outcome or one.case.says not in one.said]
    table = _table(seen, GROUPS, OUTCOMES, wanted.scale)
    if wanted.write:
        DOCUMENT.write_text(table)
    else:
        print(table)
    usual = [one for one in seen.values() if one.crawl.peak]
    print(
        f"{len(seen)} cases, {len(wrong)} with another outcome than expected: {[one.case.name for one in wrong]}"
    )
    print(
        f"dearest to crawl: {max(one.crawl.cpu for one in usual):.1f} s, {max(one.crawl.peak for one in usual):.0f} MB"
    )
    print(
        f"dearest to read: {max(one.read.get('cpu', 0) for one in usual):.1f} s, {max(one.read.get('peak', 0) for one in usual):.0f} MB"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
