"""The fleet's drill on a real PostgreSQL: workers are killed and frozen, the database restarted; is anything lost or done twice?

Run: .venv/bin/python benchmarks/fleet_drill.py [--minutes 10] [--machines 3] [--sites 12] [--runs 60] [--seed 1] [--stub]
     [--sqlite] [--sabotage fence|twice|deaf] [--json FILE] [--keep FOLDER]

Three workers as processes, each with its own data folder, host name and process numbers; twelve onion sites behind the
lab's private Tor network on loopback (--stub: behind a SOCKS port that only plays Tor). Their server writes down every
request; what is stored in the end is held against that. What is checked, and by which rule, stands in docs/fleet.md.
--sabotage takes something out of the product, in the drill's own processes only: the drill must then fail.
Exit code 0 when every check held.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from benchmarks.fleet.drill import KINDS, make_plan, open_field, run_drill  # noqa: E402
from benchmarks.fleet.machine import can_separate  # noqa: E402
from benchmarks.fleet.market import Served, make_markets  # noqa: E402
from benchmarks.fleet.member import SABOTAGES  # noqa: E402
from benchmarks.fleet.network import onion_network  # noqa: E402
from benchmarks.fleet.verdict import Finding, judge  # noqa: E402
from jobs.watching import LEASE_SECONDS  # noqa: E402


def show(findings: list[Finding]) -> str:
    width = max(len(finding.what) for finding in findings)
    return "\n".join(
        f"{'good' if finding.good else 'BAD '}  {finding.what:<{width}}  {finding.words}"
        for finding in findings
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--machines", type=int, default=3)
    parser.add_argument("--sites", type=int, default=12)
    parser.add_argument("--pages", type=int, default=60)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=25, help="seconds between faults, about")
    parser.add_argument("--lease", type=float, default=0, help="seconds, in place of the product's own")
    parser.add_argument("--stub", action="store_true")
    parser.add_argument("--sqlite", action="store_true", help="one machine, SQLite, no database restarts")
    parser.add_argument("--sabotage", choices=SABOTAGES, default="")
    parser.add_argument(
        "--models", action="store_true", help="score what was read, too: 25 s of CPU for each site"
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    if given.sqlite:
        given.machines = 1
    plan = make_plan(
        seed=given.seed,
        machines=given.machines,
        seconds=given.minutes * 60,
        runs=given.runs,
        lease=given.lease or LEASE_SECONDS,
        every=given.every,
        kinds=[kind for kind in KINDS if kind != "database" or not given.sqlite],
    )
    began = time.monotonic()
    with ExitStack() as stack:
        if given.keep:
            given.keep.mkdir(parents=True, exist_ok=True)
            base = given.keep
        else:
            base = Path(
                stack.enter_context(tempfile.TemporaryDirectory(dir=os.environ.get("TUSKWATCH_BENCH_DATA")))
            )
        markets = make_markets(given.sites, pages=given.pages)
        served = stack.enter_context(Served(markets))
        control = None if given.stub else stack.enter_context(onion_network(served, base / "net"))
        print(
            f"seed {given.seed}: {given.machines} machines"
            f"{'' if can_separate() else ' (not separated: the kernel forbids it)'}, {given.sites} sites, "
            f"{given.runs} runs, {given.minutes:g} minutes, {'a stub of Tor' if given.stub else 'a private Tor network'}"
            f"{', sabotage: ' + given.sabotage if given.sabotage else ''}",
            flush=True,
        )
        field = open_field(
            stack,
            base=base,
            markets=markets,
            machines=given.machines,
            pace={"delay": 0.3, "in_flight": 4, "timeout": 30},
            models=REPOSITORY / "models" if given.models else base / "no-models",
            sabotage=given.sabotage,
            control_port=control,
            lease=given.lease,
            served=served,
            sqlite=given.sqlite,
        )
        field.tell = lambda words: print(words, flush=True)
        evidence = run_drill(field, plan, settle_seconds=300)
    findings = judge(evidence)
    print(show(findings))
    print(f"{time.monotonic() - began:.0f} s in all; seed {given.seed}")
    if given.json:
        given.json.write_text(
            json.dumps(
                {"seed": given.seed, "findings": [asdict(finding) for finding in findings],
                 "faults": [asdict(fault) for fault in evidence.faults],
                 "runs": [asdict(row) for row in evidence.rows],
                 "turns": [asdict(turn) for turn in evidence.turns]},
                default=str, indent=1,
            )
        )  # fmt: skip
    return 0 if all(finding.good for finding in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
