"""The drill itself: runs are asked for while workers are killed and frozen and the database is restarted, all by one seed.

Public names: Plan, Event, make_plan, Field, run_drill.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from benchmarks.fleet.ledger import read_pages, read_rows, read_turns, watch_database
from benchmarks.fleet.machine import Machine
from benchmarks.fleet.market import SITE, Market, Served
from benchmarks.fleet.member import Options
from benchmarks.fleet.postgres import Postgres
from benchmarks.fleet.verdict import ENDED, Evidence, Fault
from crawler.denyfile import write_empty
from jobs.engine import TICK_FLOW, open_client
from jobs.errors import JobError
from jobs.places import Places
from jobs.runs import start_crawl
from storage import audit
from storage.engine import open_engine, reading, upgrade

KINDS = ("kill all", "kill worker", "freeze", "database")
SKEWS = (0.0, 55.0, -55.0)
"""Seconds by which the machines' clocks are wrong."""
LIVE = ("queued", "waiting", "running")


@dataclass(frozen=True)
class Event:
    """at: seconds after the begin; lasts: until it is undone. machine: its number; kind "ask": a run is asked for."""

    at: float
    kind: str
    machine: int = 0
    lasts: float = 0.0
    number: int = 0


@dataclass(frozen=True)
class Plan:
    """What happens when. seconds: how long faults are made; runs are asked for over the first four fifths of it."""

    seed: int
    machines: int
    seconds: float
    runs: int
    events: tuple[Event, ...]


def make_plan(
    *,
    seed: int,
    machines: int,
    seconds: float,
    runs: int,
    lease: float,
    every: float,
    kinds: Sequence[str] = KINDS,
) -> Plan:
    """A fault about every `every` seconds, each kind at least once; a machine is frozen for longer than a lease."""
    rng = random.Random(seed)  # noqa: S311 - a drill's moments, not secrets
    events = [
        Event(seconds * 0.8 * number / max(1, runs) + rng.uniform(0, 1), "ask", number=number + 1)
        for number in range(runs)
    ]
    count = max(len(kinds), round(seconds / every))
    order = [*kinds, *(rng.choice(kinds) for _ in range(count - len(kinds)))]
    rng.shuffle(order)
    first = min(15.0, seconds / 5)
    for number, kind in enumerate(order):
        at = first + (seconds - first) * (number + rng.uniform(0.0, 0.8)) / count
        lasts = {
            "freeze": lease * rng.uniform(1.3, 2.0) + 3,
            "database": rng.uniform(0.0, 6.0),
        }.get(kind, rng.uniform(1.0, 8.0))
        events.append(Event(at, kind, rng.randrange(machines), lasts))
    return Plan(seed, machines, seconds, runs, tuple(sorted(events, key=lambda event: event.at)))


@dataclass
class Field:
    """Where the drill takes place: its database, machines and sites."""

    places: list[Places]
    machines: list[Machine]
    engine: Engine
    server: Postgres | None
    served: Served
    stack: ExitStack = field(default_factory=ExitStack)
    faults: list[Fault] = field(default_factory=list)
    tell: Callable[[str], None] = lambda words: None
    ended: int = 0
    """How often a worker ended by itself."""


def open_field(
    stack: ExitStack,
    *,
    base: Path,
    markets: Sequence[Market],
    machines: int,
    pace: dict[str, float],
    models: Path,
    sabotage: str = "",
    lease: float = 0.0,
    reads: bool = True,
    crawls: int = 4,
    control_port: int | None = None,
    served: Served,
    sqlite: bool = False,
) -> Field:
    """Make everything. Without a control port the served sites' own stub plays Tor."""
    server = None if sqlite else stack.enter_context(Postgres())
    if server is None:
        database, queue = (f"sqlite:///{base / name}" for name in ("tuskwatch.db", "engine.db"))
    else:
        database, queue = server.create("tuskwatch"), server.create("engine")
    upgrade(database)
    engine = open_engine(database)
    stack.callback(engine.dispose)
    watch_database(engine)
    fleet, places = [], []
    for number in range(machines):
        data = base / f"machine{number + 1}"
        for market in markets:
            folder = data / "sites" / market.name
            folder.mkdir(parents=True)
            config = SITE.format(name=market.name, onion=market.onion, **pace)
            (folder / "site.yml").write_text(config)
        write_empty(data)
        place = Places(
            data=data,
            database_url=database,
            engine_url=queue,
            models=models,
            tor_control_port=control_port,
            tor_binary="/nowhere/tor",
            crawls=crawls,
        )
        options = Options(
            f"m{number + 1}",
            skew=SKEWS[number % len(SKEWS)],
            socks="" if control_port else served.socks,
            sabotage=sabotage,
            lease=lease,
            reads=reads,
        )
        places.append(place)
        fleet.append(stack.enter_context(Machine(f"machine{number + 1}", place, options)))
    return Field(places, fleet, engine, server, served, stack)


def run_drill(field: Field, plan: Plan, *, settle_seconds: float) -> Evidence:
    """Carry the plan out, undo every fault, wait until all is over, end the workers; what is to be judged."""
    began = time.monotonic()
    for machine in field.machines:
        machine.start()
    undo: list[tuple[float, Callable[[], None]]] = []
    events = list(plan.events)
    asking: list[int] = []
    rng = random.Random(plan.seed + 1)  # noqa: S311
    while events or undo or asking:
        now = time.monotonic() - began
        for at, back in [each for each in undo if each[0] <= now]:
            undo.remove((at, back))
            back()
        while events and events[0].at <= now:
            event = events.pop(0)
            if event.kind == "ask":
                asking.append(event.number)
            else:
                if not do_fault(field, event, now, undo):  # what it would hit is down already
                    events.insert(0, replace(event, at=now + 1))
        if asking and ask(field, asking[0], rng):
            asking.pop(0)
        tend(field, now)
        if now > plan.seconds + settle_seconds:
            field.tell(f"{now:6.1f} s  {len(asking)} runs could not be asked for")
            break
        time.sleep(0.1)
    wait_settled(field, began, until=time.monotonic() + settle_seconds)
    for machine in field.machines:
        machine.leave()
    end = time.monotonic() + 60
    while time.monotonic() < end and any(machine.pids() for machine in field.machines):
        time.sleep(0.2)
    return collect(field, plan)


TEND_SECONDS = 5.0


def tend(field: Field, now: float) -> None:
    """Start a worker again that ended by itself, as a service manager does."""
    for machine in field.machines:
        if machine.state == "on" and time.time() - machine.since > TEND_SECONDS and machine.worker() is None:
            field.tell(f"{now:6.1f} s  {machine.name}: its worker had ended by itself, started again")
            field.ended += 1
            machine.start()


def do_fault(field: Field, event: Event, now: float, undo: list[tuple[float, Callable[[], None]]]) -> bool:
    """Do one fault and plan its undoing; False when what it would hit is down already."""
    if event.kind == "database":
        server = field.server
        assert server is not None, "a file is not restarted"
        if any(fault.kind == "database" and fault.until > time.time() for fault in field.faults):
            return False
        at = time.time()
        server.stop()

        def start() -> None:
            server.start()
            field.faults[slot] = Fault("database", "", at, time.time())
            field.tell(f"{time.time() - at:6.1f} s  was the database down")

        slot = len(field.faults)
        field.faults.append(Fault("database", "", at, at + 1e9))
        undo.append((now + event.lasts, start))
        field.tell(f"{now:6.1f} s  database stopped for {event.lasts:.1f} s")
        return True
    machine = choose_machine(field, event.machine)
    if machine is None:
        return False
    runs = tuple(find_crawls(machine))
    at = time.time()
    count = {"kill all": machine.kill_all, "kill worker": machine.kill_worker, "freeze": machine.freeze}[
        event.kind
    ]()
    slot = len(field.faults)
    field.faults.append(Fault(event.kind, machine.name, at, at + 1e9, runs))

    def back() -> None:
        machine.thaw() if event.kind == "freeze" else machine.start()
        field.faults[slot] = Fault(event.kind, machine.name, at, time.time(), runs)

    undo.append((now + event.lasts, back))
    field.tell(
        f"{now:6.1f} s  {event.kind} {machine.name} for {event.lasts:.1f} s: runs {list(runs)}, {count} processes"
    )
    return True


def choose_machine(field: Field, number: int) -> Machine | None:
    """The machine of that number, or the next one that is up; one at work goes before one that is idle."""
    order = [*field.machines[number:], *field.machines[:number]]
    up = [machine for machine in order if machine.state == "on"]
    return max(up, key=lambda machine: bool(machine.crawls()), default=None)


def find_crawls(machine: Machine) -> list[int]:
    """The runs whose crawl processes are on a machine."""
    from benchmarks.fleet.machine import read_words

    return sorted(int(words[-1]) for pid in machine.crawls() if (words := read_words(pid)))


def ask(field: Field, number: int, rng: random.Random) -> bool:
    """Ask for one run of a site that is free; False when it could not be asked for just now."""
    reason = f"drill {number}"
    sites = list(field.served.ports)
    rng.shuffle(sites)
    try:
        with reading(field.engine) as session:
            # After an error nobody knows whether it was asked for; its row does.
            if session.scalar(text("SELECT count(*) FROM run WHERE reason = :reason"), {"reason": reason}):
                return True
        for site in sites:
            with suppress(JobError):
                start_crawl(field.places[0], site, by="drill", reason=reason, now=datetime.now(UTC))
                return True
    except SQLAlchemyError:
        return False
    return False


def wait_settled(field: Field, began: float, *, until: float) -> None:
    """Until nothing is queued or at work any more, and nothing new came for some seconds."""
    told = quiet_since = time.monotonic()
    while time.monotonic() < until:
        now = time.monotonic()
        tend(field, now - began)
        try:
            rows = read_rows(field.engine)
            flows = find_flows(field)
        except (SQLAlchemyError, JobError):
            rows, flows = [], ["unknown"]
        live = [row for row in rows if row.state not in ENDED]
        last = {row.site: row for row in rows if row.verb == "crawl"}
        lost = [site for site, row in last.items() if row.state == "lost"]
        if live or flows:
            quiet_since = now
        # A site whose last run is lost is taken up again, or it is not: then the drill says so.
        if now - quiet_since > (60 if lost else 3):
            return
        if now - told > 10:
            told = now
            field.tell(
                f"{now - began:6.1f} s  {len(live)} runs not over, {len(flows)} flows, {len(lost)} sites lost at the end"
            )
        time.sleep(0.3)


def find_flows(field: Field) -> list[str]:
    """What the engine has left to do, but for its tick."""
    with open_client(field.places[0]) as client:
        flows = client.list_workflows(status=["ENQUEUED", "PENDING"], load_input=False, load_output=False)
    return [f"{flow.name} {flow.workflow_id} {flow.status}" for flow in flows if flow.name != TICK_FLOW]


def collect(field: Field, plan: Plan) -> Evidence:
    with reading(field.engine) as session:
        trouble = audit.verify(session)
    return Evidence(
        seen=tuple(field.served.seen),
        pages=read_pages(field.engine),
        rows=read_rows(field.engine),
        turns=read_turns(field.engine),
        faults=tuple(field.faults),
        truth={market.name: market.paths for market in field.served.markets},
        asked=plan.runs,
        in_flight=4,
        machines=[machine.name for machine in field.machines],
        audit=trouble,
        left_processes=sum(len(machine.pids()) for machine in field.machines),
        left_flows=tuple(find_flows(field)),
        notes={"workers that ended by themselves": field.ended},
    )
