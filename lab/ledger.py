"""What each request to the hard lab was really answered with, to hold the crawler's judgement against: Served, Ledger,
read_served, summarise, NAME.

One line of JSON a request, written at once. The figures are counted from it, so that nothing has to be in step with it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

NAME = "served.jsonl"


@dataclass(frozen=True)
class Served:
    """One request and what it got.

    `at`: seconds since 1970. `door`: which of the site's onions. `circuit`: a name for the rendezvous circuit, the same
    for all requests on it. `kind`: a kind of page or gate as in site.yml, or one of redirect, asset, refused (method),
    phishing, hostile, dropped (closed without an answer), hung (never answered), cut (half an answer). `note`: what there is to say, such as the trap.
    `killed`: why the front-end killed the circuit with this request. `barred`: whether it barred the cookie with it.
    """

    at: float
    site: str
    door: str
    circuit: str
    method: str
    path: str
    status: int
    kind: str
    note: str = ""
    killed: str = ""
    barred: bool = False


class Ledger:
    """Writes them down."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, served: Served) -> None:
        os.write(self._file, (json.dumps(asdict(served), ensure_ascii=False) + "\n").encode())

    def close(self) -> None:
        os.close(self._file)


def name_circuit(circuit: str) -> str:
    """A short name for what Tor calls a circuit, without giving its number away."""
    return hashlib.sha256(circuit.encode()).hexdigest()[:12] if circuit else ""


def read_served(folder: Path) -> list[Served]:
    """Every request so far, in order."""
    try:
        lines = (folder / NAME).read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return []
    return [Served(**json.loads(line)) for line in lines[:-1]]


def summarise(rows: Iterable[Served]) -> dict[str, Any]:
    """By site: requests, kinds, circuits, killed circuits by reason, barred cookies, and the fastest that one circuit was
    (requests within one second)."""
    found: dict[str, Any] = {}
    sites: dict[str, list[Served]] = defaultdict(list)
    for row in rows:
        sites[row.site].append(row)
    for site, served in sites.items():
        times: dict[str, list[float]] = defaultdict(list)
        for row in served:
            times[row.circuit].append(row.at)
        found[site] = {
            "requests": len(served),
            "kinds": dict(Counter(row.kind for row in served).most_common()),
            "circuits": len(times),
            "killed": dict(Counter(row.killed for row in served if row.killed)),
            "barred": sum(row.barred for row in served),
            "peak_rate": max(_peak(moments) for moments in times.values()),
        }
    return found


def _peak(moments: list[float]) -> int:
    """The most requests within any one second."""
    moments = sorted(moments)
    first = most = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= 1:
            first += 1
        most = max(most, last - first + 1)
    return most
