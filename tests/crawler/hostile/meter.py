"""Measures a crawl process from outside, case by case: what it took of the processor, and its peak of memory.

Public names: Meter, Cost.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Cost:
    """seconds: wall clock; cpu: seconds of the processor; peak: MB of resident memory, at most."""

    seconds: float = 0.0
    cpu: float = 0.0
    peak: float = 0.0


@dataclass
class Meter:
    """`mark(name)` whenever the process begins something new: what it took since then belongs to what was begun before.

    Right only where one thing is under way at a time.
    """

    pid: int = 0
    costs: dict[str, Cost] = field(default_factory=dict)
    name: str = ""
    _since: float = 0.0
    _cpu: float = 0.0

    def mark(self, name: str) -> None:
        if not self.pid:
            return
        folder = Path("/proc", str(self.pid))
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            status = (folder / "status").read_text()
            (folder / "clear_refs").write_text("5")  # the peak begins anew (proc(5))
        except OSError:
            return
        now, cpu = time.monotonic(), (int(fields[11]) + int(fields[12])) / _TICK
        peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
        if self.name:
            cost = self.costs.setdefault(self.name, Cost())
            cost.seconds += now - self._since
            cost.cpu += cpu - self._cpu
            cost.peak = max(cost.peak, peak)
        self.name, self._since, self._cpu = name, now, cpu
