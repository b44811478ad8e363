"""Processes that end with their parent and are known by more than a number: Identity, identify, is_alive, start_child,
end_with_parent, adopt_orphans, end_processes.

A process id alone may be given to another process after a crash, so every id that is written down carries the time at
which the kernel started that process (field 22 of /proc/PID/stat).
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Identity:
    """One process, for good: its id and the kernel's clock ticks at its start."""

    pid: int
    ticks: int


def identify(pid: int) -> Identity | None:
    """Who has this id now; None when nobody has, or only a zombie that waits to be reaped."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[
        2
    ].split()  # the name in brackets may hold anything, spaces and brackets too
    if len(fields) < 20 or fields[0] in "ZX":
        return None
    return Identity(pid, int(fields[19]))


def is_alive(identity: Identity | None) -> bool:
    """Whether that very process still runs."""
    return identity is not None and identify(identity.pid) == identity


def end_with_parent(sig: int = signal.SIGKILL) -> None:
    """Ask the kernel to send `sig` to this process when its parent dies, however it dies."""
    _libc.prctl(_PR_SET_PDEATHSIG, int(sig), 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies, so that none can be lost."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def start_child(command: Sequence[str], *, log: Path) -> subprocess.Popen[bytes]:
    """Start a process that the kernel kills when this one dies; what it prints goes to `log`."""
    parent = os.getpid()

    def before_exec() -> None:
        end_with_parent(signal.SIGKILL)
        if os.getppid() != parent:  # the parent died between the fork and the line above
            os._exit(1)

    with log.open("ab") as out:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            preexec_fn=before_exec,
        )


def end_processes(identities: Iterable[Identity], *, seconds: float = 5.0) -> None:
    """Ask those processes to end, and kill the ones that have not after `seconds`. Strangers are left alone."""
    rest = [identity for identity in identities if is_alive(identity)]
    for sig in (signal.SIGTERM, signal.SIGKILL):
        for identity in rest:
            if is_alive(identity):
                try:
                    os.kill(identity.pid, sig)
                except ProcessLookupError:
                    continue
        deadline = time.monotonic() + seconds
        while rest and time.monotonic() < deadline:
            rest = [identity for identity in rest if is_alive(identity)]
            if rest:
                time.sleep(0.05)
