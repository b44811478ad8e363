"""The drill of the fleet, short: workers are killed and frozen, PostgreSQL restarted, and what is stored equals the truth.

Behind a SOCKS port that plays Tor, with a short lease and without reading and scoring, so that it takes a minute; the
long one (benchmarks/fleet_drill.py) runs on a private Tor network with the product's own lease. That the judgement can
fail is tested on made-up evidence here, and by `--sabotage` there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.fleet.drill import KINDS, make_plan, open_field, run_drill  # noqa: E402
from benchmarks.fleet.ledger import Row, Stored, Turn  # noqa: E402
from benchmarks.fleet.market import Seen, Served, make_markets  # noqa: E402
from benchmarks.fleet.verdict import Evidence, Fault, judge  # noqa: E402

LEASE = 12.0


@pytest.mark.postgres
@pytest.mark.timeout(900)
def test_a_fleet_that_is_killed_frozen_and_cut_off_loses_nothing_and_does_nothing_twice(
    tmp_path: Path,
) -> None:
    plan = make_plan(seed=6, machines=2, seconds=45, runs=10, lease=LEASE, every=10)
    said: list[str] = []
    with ExitStack() as stack:
        markets = make_markets(4, pages=30)
        served = stack.enter_context(Served(markets))
        field = open_field(
            stack,
            base=tmp_path,
            markets=markets,
            machines=2,
            pace={"delay": 0.2, "in_flight": 4, "timeout": 20},
            models=tmp_path / "no-models",
            lease=LEASE,
            reads=False,
            served=served,
        )
        field.tell = said.append
        evidence = run_drill(field, plan, settle_seconds=300)
    assert {fault.kind for fault in evidence.faults} == set(KINDS)
    assert [f"{each.what}: {each.words}" for each in judge(evidence) if not each.good] == [], "\n".join(said)


def test_the_same_seed_makes_the_same_plan() -> None:
    def plan(seed: int) -> Any:
        return make_plan(seed=seed, machines=3, seconds=600, runs=60, lease=30, every=25)

    assert plan(1) == plan(1)
    assert plan(1) != plan(2)
    assert sum(event.kind == "ask" for event in plan(1).events) == 60
    assert {event.kind for event in plan(1).events} == {"ask", *KINDS}
    assert all(event.lasts > 30 for event in plan(1).events if event.kind == "freeze")


# --- the judgement: made-up evidence of two runs of one site, the first of which was frozen ----------------------------

PATHS = frozenset({"/", "/p/1", "/p/2"})
T = 1_000.0


def seen(number: int, path: str, at: float, visit: int, connection: int = 0) -> Seen:
    return Seen(number, "alder", path, T + at, connection or visit, visit, 0, f"sha{number}")


def page(id: int, path: str, run: int, **changes: Any) -> Stored:
    plain = Stored(id, "alder", run, id, 1, 0, 200, path, f"sha{id}", id)
    return replace(plain, **changes)


def row(run: int, state: str, **changes: Any) -> Row:
    plain = Row(
        run, "alder", "crawl", state, f"drill {run}", "", 1, None, datetime(2026, 11, 1, tzinfo=UTC), ""
    )
    return replace(plain, **changes)


def turns(run: int, *states: tuple[str, float]) -> list[Turn]:
    old, made = "", []
    for state, at in states:
        made.append(Turn(run, old, state, "m1", T + at))
        old = state
    return made


def make_evidence() -> Evidence:
    """Run 1 fetched a page and was frozen at 2 s, lost at 30 s; run 2 took over and fetched the rest."""
    return Evidence(
        seen=(seen(1, "/", 1, 1), seen(2, "/p/1", 40, 2), seen(3, "/p/2", 41, 2)),
        pages=(page(1, "/", 1), page(2, "/p/1", 2), page(3, "/p/2", 2)),
        rows=(row(1, "lost"), row(2, "done", reason="takes over run 1")),
        turns=(
            *turns(1, ("queued", 0), ("running", 0.5), ("lost", 30)),
            *turns(2, ("queued", 31), ("running", 39), ("done", 42)),
        ),
        faults=(Fault("freeze", "machine1", T + 2, T + 50, (1,)),),
        truth={"alder": PATHS},
        asked=1,
        in_flight=4,
        machines=("machine1", "machine2"),
    )


def add(name: str, *more: Any) -> Callable[[Evidence], Evidence]:
    return lambda evidence: replace(evidence, **{name: (*getattr(evidence, name), *more)})


def put(name: str, *items: Any) -> Callable[[Evidence], Evidence]:
    return lambda evidence: replace(evidence, **{name: tuple(items)})


def find_bad(evidence: Evidence) -> list[str]:
    return [finding.what for finding in judge(evidence) if not finding.good]


def test_good_evidence_is_good() -> None:
    assert find_bad(make_evidence()) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (put("rows", row(1, "lost"), row(2, "running", ended_at=None)), "every run ended exactly once"),
        (add("turns", Turn(2, "done", "running", "m1", T + 50), Turn(2, "running", "done", "m1", T + 51)),
         "every run ended exactly once"),
        (add("turns", Turn(1, "lost", "done", "m1", T + 50)), "every run ended exactly once"),
        (lambda evidence: replace(evidence, asked=2), "nothing asked for was lost, every site was finished"),
        (put("rows", row(1, "lost"), row(2, "done")), None),
        (put("pages", page(1, "/", 1), page(2, "/p/1", 2)), "the stored pages equal the truth"),
        (put("pages", page(1, "/", 1), page(2, "/p/1", 2), page(3, "/p/2", 2, sha256="other")),
         "the stored pages equal the truth"),
        (add("seen", seen(4, "/p/1", 60, 1)), "no site was crawled by two at once"),
        (add("seen", seen(4, "/p/1", 70, 9), seen(5, "/p/2", 90, 2)), "no site was crawled by two at once"),
        (add("pages", page(4, "/p/2", 1, number=0, status=None)), "no page was stored by a run that had been replaced"),
        (add("pages", page(5, "/p/2", 2, frontier=3, number=0, status=None)), "nothing was stored twice"),
        (add("pages", page(5, "/p/2", 2, number=3, sha256="sha3")), "nothing was stored twice"),
        (put("turns", *turns(1, ("queued", 0), ("running", 0.5), ("lost", 70)),
             *turns(2, ("queued", 71), ("running", 79), ("done", 82))), "a lost run is noticed within a minute"),
        (put("rows", row(1, "lost"), row(2, "done", sweep=2, reason="new")), "every lost run was taken over"),
        (lambda evidence: replace(evidence, left_processes=1), "nothing was left over"),
        (lambda evidence: replace(evidence, left_flows=("crawl run-1 PENDING",)), "nothing was left over"),
        (lambda evidence: replace(evidence, audit=("Row 3 was changed",)), "the audit chain is whole"),
    ],
)  # fmt: skip
def test_each_fault_is_noticed(change: Callable[[Evidence], Evidence], what: str | None) -> None:
    bad = find_bad(change(make_evidence()))
    assert what in bad if what is not None else bad == ["nothing asked for was lost, every site was finished"]


@pytest.mark.parametrize(("late", "good"), [(0.5, True), (5.0, False)])
def test_only_what_was_in_flight_when_a_machine_froze_is_forgiven(late: float, good: bool) -> None:
    evidence = make_evidence()  # thawed at 50 s
    evidence = add("seen", seen(4, "/p/2", 50 + late, 1))(evidence)
    assert ("no site was crawled by two at once" not in find_bad(evidence)) is good


@pytest.mark.parametrize(
    ("more", "good"),
    [
        ((), False),
        ((Fault("database", "", T + 10, T + 40),), True),
        ((Fault("kill all", "machine2", T + 20, T + 30),), True),
        ((Fault("kill all", "machine1", T + 20, T + 30),), False),
    ],
)
def test_a_minute_in_which_nobody_could_notice_does_not_count(more: tuple[Fault, ...], good: bool) -> None:
    evidence = make_evidence()
    evidence = put(
        "turns",
        *turns(1, ("queued", 0), ("running", 0.5), ("lost", 70)),
        *turns(2, ("queued", 71), ("running", 79), ("done", 82)),
    )(evidence)
    assert (find_bad(add("faults", *more)(evidence)) == []) is good
