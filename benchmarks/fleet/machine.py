"""A machine of the drill from the outside: started, killed, frozen and thawed; what runs on it is known by its parents.

Public names: Machine, can_separate.

Where the kernel lets us, each machine has namespaces of its own: its own host name and its own process numbers, so that a
worker can no more see or end another machine's processes than over a real network. All share the loopback.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.fleet.member import Options, find_command
from jobs.places import Places, dump_places

_APART = ("unshare", "--pid", "--uts", "--mount", "--fork", "--kill-child", "--mount-proc")


@functools.cache
def find_separation() -> tuple[str, ...]:
    """The command before which a machine is a machine of its own; empty where the kernel forbids it."""
    for words in (_APART, (*_APART, "--user", "--map-root-user")):
        try:
            done = subprocess.run([*words, "true"], capture_output=True, check=False, timeout=30)
        except FileNotFoundError:
            return ()
        if done.returncode == 0:
            return words
    return ()


def can_separate() -> bool:
    return bool(find_separation())


def find_children(pid: int) -> list[int]:
    """All that descend from a process, the nearest first."""
    found: list[int] = []
    rest = [pid]
    while rest:
        parent = rest.pop(0)
        for task in Path(f"/proc/{parent}/task").glob("*"):
            with suppress(OSError):
                children = [int(word) for word in (task / "children").read_text("ascii").split()]
                found += children
                rest += children
    return found


def read_words(pid: int) -> list[str]:
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return [word.decode("utf-8", "replace") for word in raw.split(b"\0") if word]


@dataclass
class Machine:
    """One of the fleet. state: off (no worker), on, frozen."""

    name: str
    places: Places
    options: Options
    state: str = "off"
    starts: int = 0
    since: float = field(default_factory=time.time)

    def __enter__(self) -> Machine:
        host = ["sh", "-c", f'hostname {self.name}; exec "$@"', "sh"] if can_separate() else []
        self._shim = subprocess.Popen(
            [*find_separation(), *host, *find_command("machine")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self.places.data,
            start_new_session=True,
        )
        assert self._shim.stdout is not None
        assert self._shim.stdout.readline() == b"up\n", "the drill's machine did not come up"
        self._first = self._shim.pid
        if can_separate():
            self._first = find_children(self._shim.pid)[0]
        return self

    def __exit__(self, *_: object) -> None:
        left = self.pids()
        assert self._shim.stdin is not None
        assert self._shim.stdout is not None
        with suppress(BrokenPipeError):
            self._shim.stdin.close()
        for pid in (*left, *self.pids()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            self._shim.wait(20)
        except subprocess.TimeoutExpired:
            self._shim.kill()
            self._shim.wait(20)
        self._shim.stdout.close()

    @property
    def log(self) -> Path:
        return self.places.data / "drill-worker.log"

    def pids(self) -> list[int]:
        """Everything on the machine but its first process."""
        return find_children(self._first)

    def worker(self) -> int | None:
        """The worker's process, as it is known here."""
        for pid in self.pids():
            words = read_words(pid)
            if "worker" in words and any(word.endswith("member.py") for word in words):
                return pid
        return None

    def crawls(self) -> list[int]:
        """The crawl processes on it, whoever started them."""
        return [pid for pid in self.pids() if "crawler" in read_words(pid)[-2:]]

    def start(self) -> None:
        """Start a worker."""
        order = {
            "options": self.options.write(),
            "places": dump_places(self.places),
            "data": str(self.places.data),
            "log": str(self.log),
        }
        assert self._shim.stdin is not None
        self._shim.stdin.write(json.dumps(order).encode() + b"\n")
        self._shim.stdin.flush()
        self.starts += 1
        self._turn("on")

    def kill_all(self) -> int:
        """As a power cut: the worker and all that it started. How many processes ended."""
        ended = 0
        while pids := [pid for pid in self.pids() if read_words(pid)]:  # none has words once it is dead
            self._send(pids, signal.SIGKILL)
            ended += len(pids)
            time.sleep(0.02)
        self._turn("off")
        return ended

    def kill_worker(self) -> int:
        """The worker alone; its crawls live on. How many of them."""
        pid = self.worker()
        if pid is not None:
            self._send([pid], signal.SIGKILL)
        self._turn("off")
        return len(self.crawls())

    def freeze(self) -> int:
        """Stop every process on it where it stands; how many."""
        for _ in range(3):  # one that was being started while we looked is caught the second time
            self._send(self.pids(), signal.SIGSTOP)
        self._turn("frozen")
        return len(self.pids())

    def thaw(self) -> int:
        pids = self.pids()
        self._send(pids, signal.SIGCONT)
        self._turn("on")
        return len(pids)

    def leave(self) -> None:
        """Ask the worker to end in peace."""
        pid = self.worker()
        if pid is not None:
            self._send([pid], signal.SIGTERM)

    def _turn(self, state: str) -> None:
        self.state, self.since = state, time.time()

    def _send(self, pids: list[int], number: signal.Signals) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
