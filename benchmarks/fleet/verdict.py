"""What the drill holds against the fleet: pure functions over what the sites' server, the database and the faults say.

Public names: Finding, Fault, Evidence, judge, group_visits.

The rule of "never two at once", from the server's side: runs of a site are ordered by their first request; a request of
an earlier run that arrives after the first request of a later one is a violation. The only ones forgiven are requests
that were under way when their machine was frozen: they arrive within FLIGHT_SECONDS after it was thawed, at most as
many as a crawl has in flight. Whose a request is, is told by the page that was stored of it, else by the visit (cookie) or
the connection that it shares with one that was stored; requests of which nothing at all was stored belong to nobody, and
must not stand in the midst of a run's own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.fleet.ledger import Row, Stored, Turn
from benchmarks.fleet.market import Seen

ENDED = ("done", "failed", "cancelled", "lost")
FLIGHT_SECONDS = 2.0
NOTICE_SECONDS = 60.0
START_SECONDS = 20.0
"""Of a visit: connections that were opened before its first answer had brought the cookie."""


@dataclass(frozen=True)
class Fault:
    """What was done to the fleet. machine "": to the database. until: when it was undone; runs: those at work on it."""

    kind: str
    machine: str
    at: float
    until: float
    runs: tuple[int, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One check: what is claimed, whether it held, and the figures or the first counter-examples."""

    what: str
    good: bool
    words: str


@dataclass(frozen=True)
class Evidence:
    """All that is judged. truth: the paths of each site."""

    seen: Sequence[Seen]
    pages: Sequence[Stored]
    rows: Sequence[Row]
    turns: Sequence[Turn]
    faults: Sequence[Fault]
    truth: Mapping[str, frozenset[str]]
    asked: int
    in_flight: int
    machines: Sequence[str]
    audit: Sequence[str] = ()
    left_processes: int = 0
    left_flows: Sequence[str] = ()
    notes: Mapping[str, object] = field(default_factory=dict)


def judge(evidence: Evidence) -> list[Finding]:
    """Every check, in the order in which they are shown."""
    return [
        check_ends(evidence),
        check_done(evidence),
        check_truth(evidence),
        check_alone(evidence),
        check_fences(evidence),
        check_twice(evidence),
        check_noticed(evidence),
        check_taken_over(evidence),
        check_left(evidence),
        Finding("the audit chain is whole", not evidence.audit, "; ".join(evidence.audit[:3]) or "whole"),
    ]


def _say(problems: Sequence[str], good: str) -> str:
    return f"{len(problems)}: {'; '.join(problems[:4])}" if problems else good


def check_ends(evidence: Evidence) -> Finding:
    """Every run ended, and once: it took one step from a live state to an end, and none after that."""
    problems = []
    history: dict[int, list[Turn]] = defaultdict(list)
    for turn in evidence.turns:
        history[turn.run].append(turn)
    for row in evidence.rows:
        turns = [turn.new for turn in history[row.id]]
        ends = [state for state in turns if state in ENDED]
        if row.state not in ENDED or row.ended_at is None:
            problems.append(f"run {row.id} of {row.site} never ended ({row.state} {row.waits_for})".strip())
        elif len(ends) != 1 or turns[-1] not in ENDED:
            problems.append(f"run {row.id}: {' > '.join(turns)}")
    states = Counter(row.state for row in evidence.rows)
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return Finding("every run ended exactly once", not problems, _say(problems, told))


def check_done(evidence: Evidence) -> Finding:
    """As many runs as were asked for are there, once each, and the last crawl of each site was done."""
    asked = Counter(row.reason for row in evidence.rows if row.reason.startswith("drill "))
    problems = [f'"{reason}" {count} times' for reason, count in asked.items() if count > 1]
    if len(asked) != evidence.asked:
        problems.append(f"{evidence.asked} asked for, {len(asked)} there")
    for site in evidence.truth:
        runs = [row for row in evidence.rows if row.site == site and row.verb == "crawl"]
        if runs and runs[-1].state != "done":
            problems.append(
                f"{site}: its last run {runs[-1].id} is {runs[-1].state} ({runs[-1].message[:80]})"
            )
    return Finding(
        "nothing asked for was lost, every site was finished",
        not problems,
        _say(problems, f"{evidence.asked} asked for, {len(evidence.rows)} runs in all"),
    )


def check_truth(evidence: Evidence) -> Finding:
    """Each stored body is the one that the server sent; the last finished sweep of each site has all its pages, no other."""
    sent = {seen.number: seen for seen in evidence.seen}
    problems = []
    for page in evidence.pages:
        seen = sent.get(page.number)
        if page.status is None:
            continue
        if seen is None or (seen.site, seen.path, seen.sha256) != (page.site, page.path, page.sha256):
            problems.append(f"page {page.id} of {page.site}{page.path} is not what was sent")
    sweep_of = {row.id: row.sweep for row in evidence.rows}
    compared = 0
    for site, paths in evidence.truth.items():
        done = [
            row for row in evidence.rows if row.site == site and row.verb == "crawl" and row.state == "done"
        ]
        if not done:
            problems.append(f"{site} was never finished")
            continue
        stored = {
            page.path
            for page in evidence.pages
            if page.site == site and page.status == 200 and sweep_of[page.run] == done[-1].sweep
        }
        compared += len(stored)
        if stored != paths:
            problems.append(f"{site}: {len(paths - stored)} missing, {len(stored - paths)} too many")
    good = (
        f"{compared} pages of {len(evidence.truth)} sites; {len(evidence.pages)} stored in all, byte by byte"
    )
    return Finding("the stored pages equal the truth", not problems, _say(problems, good))


def group_visits(evidence: Evidence) -> dict[int, int]:
    """{number of a request: its run, or minus the number of a group that no stored page names}."""
    parent: dict[str, str] = {}

    def find(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for seen in evidence.seen:
        mine = f"c{seen.connection}"
        for other in (seen.visit, seen.gave):
            if other:
                parent[find(mine)] = find(f"v{other}")
    run_of = {page.number: page.run for page in evidence.pages if page.number}
    names: dict[str, int] = {}
    for seen in evidence.seen:
        if seen.number in run_of:
            names[find(f"c{seen.connection}")] = run_of[seen.number]
    return {
        seen.number: run_of.get(seen.number)
        or names.get(find(f"c{seen.connection}"), -min(seen.connection, 10**9))
        for seen in evidence.seen
    }


def check_alone(evidence: Evidence) -> Finding:
    """No site was crawled by two at once, as the site's own server saw it."""
    owner = group_visits(evidence)
    thawed = [fault.until for fault in evidence.faults if fault.kind == "freeze"]
    problems, forgiven, nobody = [], Counter[tuple[float, int]](), 0
    for site in evidence.truth:
        first: dict[int, float] = {}
        last: dict[int, float] = {}
        mine = [seen for seen in evidence.seen if seen.site == site]
        for seen in mine:
            who = owner[seen.number]
            first.setdefault(who, seen.at)
            last[who] = seen.at
        newest, newest_at = 0, 0.0
        for seen in mine:
            who = owner[seen.number]
            if who < 0:
                nobody += 1
                around = [
                    run for run in first if run > 0 and first[run] + START_SECONDS < seen.at < last[run]
                ]
                if around:
                    problems.append(f"{site}: a request of nobody in the midst of run {around[0]}")
                continue
            if who == newest or not newest or first[who] > newest_at:
                if who != newest:
                    newest, newest_at = who, first[who]
                continue
            flight = next((at for at in thawed if 0 <= seen.at - at <= FLIGHT_SECONDS), None)
            if flight is not None and forgiven[(flight, who)] < evidence.in_flight:
                forgiven[(flight, who)] += 1
                continue
            problems.append(
                f"{site}{seen.path}: run {who} asked {seen.at - newest_at:.1f} s after run {newest} had begun"
            )
    good = (
        f"{len(evidence.seen)} requests in {len({owner[seen.number] for seen in evidence.seen})} visits; "
        f"{sum(forgiven.values())} were in flight at a thaw, {nobody} of nobody"
    )
    return Finding("no site was crawled by two at once", not problems, _say(problems, good))


def check_fences(evidence: Evidence) -> Finding:
    """No page of an older run was stored after the first page of a newer one of the same site."""
    problems = []
    newest: dict[str, int] = {}
    for page in evidence.pages:
        if page.run < newest.get(page.site, 0):
            problems.append(f"page {page.id} of run {page.run} after run {newest[page.site]} of {page.site}")
        newest[page.site] = max(newest.get(page.site, 0), page.run)
    return Finding(
        "no page was stored by a run that had been replaced",
        not problems,
        _say(problems, f"{len(evidence.pages)} pages in order"),
    )


def check_twice(evidence: Evidence) -> Finding:
    """No fetch is stored twice; what was asked for again beside, is told."""
    fetches = Counter((page.frontier, page.attempt, page.hop) for page in evidence.pages)
    numbers = Counter(page.number for page in evidence.pages if page.number)
    again = Counter((page.frontier) for page in evidence.pages if page.status == 200 and page.hop == 0)
    problems = [f"fetch {key} stored {count} times" for key, count in fetches.items() if count > 1]
    problems += [f"answer {key} stored {count} times" for key, count in numbers.items() if count > 1]
    unstored = len(evidence.seen) - len(numbers)
    extra = sum(count - 1 for count in again.values())
    return Finding(
        "nothing was stored twice",
        not problems,
        _say(
            problems,
            f"{unstored} answers of {len(evidence.seen)} were not stored, {extra} pages fetched again",
        ),
    )


def find_notices(evidence: Evidence) -> list[tuple[Fault, int, float | None]]:
    """(fault, run that was at work there, seconds until it was said to be lost, or None when it never was)."""
    found = []
    for fault in evidence.faults:
        if fault.kind not in ("kill all", "kill worker", "freeze"):
            continue
        for run in fault.runs:
            after = [turn for turn in evidence.turns if turn.run == run and turn.at >= fault.at]
            ended = next((turn for turn in after if turn.new in ENDED), None)
            found.append((fault, run, ended.at - fault.at if ended and ended.new == "lost" else None))
    return found


def find_watched(evidence: Evidence, *, start: float, end: float) -> float:
    """The longest time between two moments that some machine was undisturbed and had its database: it could notice."""
    longest = 0.0
    for machine in evidence.machines:
        begin = start
        disturbed = sorted((each.at, each.until) for each in evidence.faults if each.machine in ("", machine))
        for at, until in (*disturbed, (end, end)):
            longest = max(longest, min(at, end) - begin)
            begin = max(begin, until)
    return longest


def check_noticed(evidence: Evidence) -> Finding:
    """Each run whose worker was killed, or frozen for longer than a lease, was lost within a minute of it.

    A minute in which one machine was there, undisturbed and with its database: while all are down nobody can notice.
    """
    problems, times, other = [], [], 0
    for fault, run, seconds in find_notices(evidence):
        if seconds is None:
            other += 1  # it came to its end, or went on, before anybody had to say so
            continue
        times.append(seconds)
        watched = find_watched(evidence, start=fault.at, end=fault.at + seconds)
        if watched > NOTICE_SECONDS:
            problems.append(
                f"run {run}: {seconds:.0f} s after {fault.kind} of {fault.machine}, watched for {watched:.0f} s"
            )
    times.sort()
    told = f"{len(times)} noticed"
    if times:
        told += f": median {times[len(times) // 2]:.1f} s, longest {times[-1]:.1f} s"
    return Finding(
        "a lost run is noticed within a minute",
        not problems,
        _say(problems, f"{told}; {other} ended otherwise"),
    )


def check_taken_over(evidence: Evidence) -> Finding:
    """Each lost run is followed by one that goes on with its sweep."""
    problems, waits = [], []
    created = {turn.run: turn.at for turn in evidence.turns if not turn.old}
    lost_at = {turn.run: turn.at for turn in evidence.turns if turn.new == "lost"}
    lost = [row for row in evidence.rows if row.state == "lost" and row.verb == "crawl"]
    for row in lost:
        after = [
            each
            for each in evidence.rows
            if each.id > row.id and each.site == row.site and each.sweep == row.sweep and each.verb == "crawl"
        ]
        if not after:
            problems.append(f"run {row.id} of {row.site}: {row.message[:80]}")
        elif row.id in lost_at:
            waits.append(created[after[0].id] - lost_at[row.id])
    waits.sort()
    told = f"{len(lost)} lost, all taken over"
    if waits:
        told += f" (asked for anew after {waits[len(waits) // 2]:.1f} s, at most {waits[-1]:.1f} s)"
    return Finding("every lost run was taken over", not problems, _say(problems, told))


def check_left(evidence: Evidence) -> Finding:
    """After the workers were told to end nothing of them is left: no process, nothing in the queue."""
    good = not evidence.left_processes and not evidence.left_flows
    words = f"{evidence.left_processes} processes, {len(evidence.left_flows)} flows in the queue"
    words += f": {', '.join(evidence.left_flows[:4])}" if evidence.left_flows else ""
    return Finding("nothing was left over", good, words)
