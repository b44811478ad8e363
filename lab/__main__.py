"""The process that holds a lab (`python -m lab`, started by lab.network, not by people): main.

Two processes guard each other. The *keeper* forks the *supervisor*, which holds the web servers and the Tor nodes. When
the supervisor ends, by whatever cause, the keeper kills what is left and removes the files; when the keeper is killed,
the kernel tells the supervisor to stop, which then removes them itself. When both are killed at once the kernel ends the
nodes, and the next `lab up`, `down` or `status` finds the stale folder and removes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import FrameType

from lab.bootstrap import Network, bring_up
from lab.errors import LabError
from lab.processes import adopt_orphans, end_with_parent
from lab.register import register
from lab.sites import make_sites
from lab.stage import HardStage
from lab.state import SiteState, read_state, remove_written, sweep, with_holder, write_state
from lab.wire import AccessLog, serve_site


def main(folder: Path) -> int:
    """Hold the lab of that folder, whose state file says what it shall be. Returns the exit code."""
    state = read_state(folder)
    if state is None:
        return 2
    adopt_orphans()
    keeper = os.getpid()
    state = with_holder(state, "keeper", keeper)
    write_state(state)
    blocked = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, blocked)  # until both have their handlers
    child = os.fork()
    if child == 0:
        end_with_parent(signal.SIGTERM)
        if os.getppid() != keeper:
            os._exit(1)
        code = 1
        try:
            code = asyncio.run(_supervise(folder, unblock=blocked))
        finally:
            sys.stderr.flush()
            os._exit(code)

    def pass_on(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)

    for number in blocked:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)
    return _keep(folder, child)


def _keep(folder: Path, child: int) -> int:
    """Wait for the supervisor, then for (or rather: end) every process it left, then remove its files."""
    _, status = os.waitpid(child, 0)
    for pid in _children():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    with contextlib.suppress(LabError):
        state = read_state(folder)
        if state is not None:
            sweep(state)
    return os.waitstatus_to_exitcode(status)


def _children() -> list[int]:
    pid = os.getpid()
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    return []


class _Starter:
    """The line to the process that started us: progress goes up through stdout, and stdin tells whether it lives."""

    def __init__(self) -> None:
        self.last = (-1, "")

    def tell(self, **words: object) -> None:
        with contextlib.suppress(OSError):
            os.write(1, (json.dumps(words) + "\n").encode())

    def report(self, percent: int, text: str) -> None:
        if (percent, text) != self.last:
            self.last = (percent, text)
            self.tell(percent=percent, text=text)

    async def wait_for_its_end(self) -> None:
        """Returns when the starter is gone; never when it said that the lab shall stay without it."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(0, "rb"))
        if await reader.readline() == b"stay\n":
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, 1)
            await asyncio.Event().wait()


async def _supervise(folder: Path, *, unblock: set[signal.Signals]) -> int:
    """Run the lab until a signal, the end of the starter or the end of a node."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in unblock:
        loop.add_signal_handler(number, stop.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, unblock)
    starter = _Starter()
    lab = _Lab(folder, starter)
    line = asyncio.create_task(starter.wait_for_its_end())
    wish = asyncio.create_task(stop.wait())
    work = asyncio.create_task(lab.run())
    try:
        await asyncio.wait({line, wish, work}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            return 0
        error = work.exception()
        if isinstance(error, LabError):
            starter.tell(error=str(error))
        elif error is not None:
            starter.tell(error=f"The lab failed: {error!r}")
            raise error
        return 1
    finally:
        for task in (line, wish, work):
            task.cancel()
        await asyncio.gather(line, wish, work, return_exceptions=True)
        lab.close()


class _Lab:
    """Everything the supervisor holds."""

    def __init__(self, folder: Path, starter: _Starter) -> None:
        state = read_state(folder)
        if state is None:
            raise LabError(f"The lab's folder {folder} was removed while it started.")
        self.folder = folder
        self.starter = starter
        self.network: Network | None = None
        self.state = with_holder(state, "supervisor", os.getpid())
        write_state(self.state)

    async def run(self) -> None:
        """Bring everything up, say so, and watch it; ends only with an error."""
        state = self.state
        self.starter.report(1, "making the markets")
        log = AccessLog(self.folder / "requests.log")
        stage = None if state.hard is None else HardStage(self.folder, state)
        written, sites = await (self._open_plain(log) if stage is None else self._open_hard(stage, log))
        assert self.network is not None
        self.state = replace(
            self.state,
            phase="running",
            percent=100,
            text="running",
            written=written,
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
            sites=sites,
        )
        write_state(self.state)
        self.starter.tell(percent=100, text="the lab is up", ready=True)
        while True:
            await asyncio.sleep(1 if stage is None else 0.2)
            if stage is not None:
                stage.look()
            for name, child in self.network.children.items():
                if child.poll() is not None:
                    raise LabError(f"The Tor node {name} ended by itself; the lab was taken down.")

    async def _open_plain(self, log: AccessLog) -> tuple[dict[str, str], tuple[SiteState, ...]]:
        """Serve the markets as they are; the files written, and the sites."""
        state, today = self.state, date.fromisoformat(self.state.today)
        sites = make_sites(seed=state.seed, listings=state.listings, today=today)
        ports = {}
        for site in sites:
            _, ports[site.name] = await serve_site(site, log=log)
        self.network = await bring_up(
            self.folder, web_ports=ports, owner=os.getpid(), report=self.starter.report, started=self._note
        )
        onions = self.network.onions
        for site in sites:
            site.onion = onions[site.name]
        written: dict[str, str] = {}
        if state.data is not None:
            written = register(
                Path(state.data),
                sites={site.name: (site, onions[site.name]) for site in sites},
                socks_port=self.network.ports.socks,
                control_port=self.network.ports.control,
                today=today,
            )
        return written, tuple(
            SiteState(site.name, site.title, onions[site.name], ports[site.name], site.count)
            for site in sites
        )

    async def _open_hard(
        self, stage: HardStage, log: AccessLog
    ) -> tuple[dict[str, str], tuple[SiteState, ...]]:
        """The same for the markets behind all that stands in a crawler's way."""
        await stage.serve(log)
        self.network = await bring_up(
            self.folder,
            web_ports=stage.ports,
            owner=os.getpid(),
            report=self.starter.report,
            started=self._note,
            keys=stage.keys,
            tell_circuits=True,
        )
        data = Path(self.state.data) if self.state.data is not None else None
        written = stage.register(data, self.network)
        return written, stage.states()

    def _note(self, network: Network) -> None:
        self.network = network
        self.state = replace(
            self.state,
            nodes=network.identities(),
            socks_port=network.ports.socks,
            control_port=network.ports.control,
        )
        write_state(self.state)

    def close(self) -> None:
        """End the nodes and remove every file."""
        if self.network is not None:
            self.network.close()
        remove_written(self.state)
        sweep(self.state)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
