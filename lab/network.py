"""The lab as others use it: Lab, LabStatus, start_lab, running_lab, stop_lab, lab_status, read_requests,
HardOptions, LabError.

A private Tor network on 127.0.0.1 with invented markets as real v3 onion services. It needs no internet, leaves nothing
behind, and several may run side by side, each in a folder of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lab.errors import LabError
from lab.keys import find_programs
from lab.ledger import read_served, summarise
from lab.options import HARD_SITES, HardOptions, read_options
from lab.pages.base import ASSETS
from lab.processes import Identity, end_processes, identify, is_alive
from lab.register import check_data_folder
from lab.sites import SITE_NAMES
from lab.state import SiteState, State, claim, is_running, read_state, sweep, with_holder
from lab.visit import ask_control, find_progress

__all__ = [
    "HardOptions", "Lab", "LabError", "LabStatus", "Request", "lab_status", "read_requests", "running_lab", "start_lab",
    "stop_lab",
]  # fmt: skip

Report = Callable[[int, str], None]

LEAST_LISTINGS, MOST_LISTINGS = 100, 1_000_000


@dataclass(frozen=True)
class Lab:
    """A running lab."""

    folder: Path
    data: Path | None
    socks_port: int
    control_port: int
    sites: dict[str, SiteState]
    """By name: title, onion, the port of its web server on 127.0.0.1, how many listings it has."""
    seed: int
    listings: int
    today: date
    keeper: Identity
    nodes: dict[str, Identity]
    hard: HardOptions | None = None


@dataclass(frozen=True)
class LabStatus:
    """What a person wants to know: is it up, how far is Tor, where is everything."""

    running: bool
    text: str
    percent: int
    folder: Path
    data: Path | None
    socks_port: int | None
    control_port: int | None
    sites: tuple[SiteState, ...]
    pids: dict[str, int]
    started_at: datetime | None
    seed: int | None
    listings: int | None
    today: date | None
    hard: dict[str, Any] | None = None
    """Of a hard lab: its options, and by site what was served, which circuits were killed and why (lab.ledger)."""


@dataclass(frozen=True)
class Request:
    """One request that reached a site of the lab."""

    site: str
    method: str
    target: str
    status: int

    @property
    def is_asset(self) -> bool:
        """Whether it asked for an image, a script, a style or an archive, which a crawler that reads text never does."""
        return Path(urlsplit(self.target).path).suffix in ASSETS


def start_lab(
    *,
    folder: Path,
    data: Path | None,
    listings: int = 1500,
    seed: int = 21,
    today: date | None = None,
    report: Report = lambda percent, text: None,
    detach: bool = True,
    hard: HardOptions | None = None,
) -> Lab:
    """Start a lab in an unused folder and return when every site answers through Tor (about 12 s; a hard one 20 s).

    `data` is the data folder where it makes itself known, if any. `detach` lets it run on after this program; otherwise it
    ends with this program, however that ends. `today` is the day the markets take for today (posted dates end there).
    `hard` puts everything in a crawler's way that the field does (lab.hard).
    Raises LabError in plain words. Interrupted (Ctrl-C) or failed, it leaves neither process nor file.
    """
    folder = folder.resolve()
    data = data.resolve() if data is not None else None
    if not LEAST_LISTINGS <= listings <= MOST_LISTINGS:
        raise LabError(f"The number of listings must be {LEAST_LISTINGS} to {MOST_LISTINGS}, not {listings}.")
    if hard is not None:
        read_options(hard.as_json())
    find_programs()
    _sweep_stale(folder, starting=True)
    if data is not None:
        check_data_folder(data, SITE_NAMES if hard is None else HARD_SITES)
    state = State(
        folder=str(folder),
        data=str(data) if data is not None else None,
        seed=seed,
        listings=listings,
        today=(today or datetime.now(UTC).date()).isoformat(),
        hard=None if hard is None else hard.as_json(),
    )
    claim(with_holder(state, "starter", os.getpid()))
    try:
        return _launch(folder, report=report, detach=detach)
    except BaseException:
        stop_lab(folder=folder)
        raise


@contextlib.contextmanager
def running_lab(
    *,
    folder: Path,
    data: Path | None,
    listings: int = 1500,
    seed: int = 21,
    today: date | None = None,
    report: Report = lambda percent, text: None,
    hard: HardOptions | None = None,
) -> Iterator[Lab]:
    """A lab that lives as long as the `with` block, and not longer even if this program is killed in it."""
    lab = start_lab(
        folder=folder,
        data=data,
        listings=listings,
        seed=seed,
        today=today,
        report=report,
        detach=False,
        hard=hard,
    )
    try:
        yield lab
    finally:
        stop_lab(folder=folder)


def stop_lab(*, folder: Path) -> bool:
    """Take the lab of that folder down and remove its files; whether there was one (running or left by a crash)."""
    folder = folder.resolve()
    state = read_state(folder)
    if state is None:
        _close_line(folder)
        return False
    keeper = state.holders.get("keeper")
    if keeper is not None and is_alive(keeper):
        with contextlib.suppress(ProcessLookupError):
            os.kill(keeper.pid, signal.SIGTERM)
        _wait_for_end([*state.holders.values()], seconds=15)
    _close_line(folder)
    ours = [holder for name, holder in state.holders.items() if name != "starter"]
    end_processes([*ours, *state.nodes.values()])
    state = read_state(folder)
    if state is not None:
        sweep(state)
    return True


def lab_status(*, folder: Path) -> LabStatus:
    """How the lab of that folder is; removes what a crashed one left."""
    folder = folder.resolve()
    swept = _sweep_stale(folder, starting=False)
    state = read_state(folder)
    if state is None:
        text = "not running" + ("; what a crashed lab had left was removed" if swept else "")
        return LabStatus(False, text, 0, folder, None, None, None, (), {}, None, None, None, None)
    percent, text = state.percent, "starting"
    if state.phase == "running":
        text = "running"
        cookies = list(folder.glob("net*/client/data/control_auth_cookie"))
        percent = 0
        try:
            phase = ask_control("status/bootstrap-phase", port=state.control_port, cookie=cookies[-1])
            percent = find_progress(phase)
        except (OSError, IndexError):
            text = "running, but its Tor client does not answer; take it down and start it again"
    pids = {**{name: who.pid for name, who in state.holders.items() if name != "starter"}}
    pids.update({name: who.pid for name, who in state.nodes.items() if is_alive(who)})
    return LabStatus(
        running=state.phase == "running",
        text=text,
        percent=percent,
        folder=folder,
        data=Path(state.data) if state.data else None,
        socks_port=state.socks_port or None,
        control_port=state.control_port or None,
        sites=state.sites,
        pids=pids,
        started_at=datetime.fromisoformat(state.started_at) if state.started_at else None,
        seed=state.seed,
        listings=state.listings,
        today=date.fromisoformat(state.today),
        hard=None if state.hard is None else {"options": state.hard, "sites": summarise(read_served(folder))},
    )


def read_requests(folder: Path) -> list[Request]:
    """Every request that reached the running lab's sites so far, in order."""
    found = []
    for line in (folder / "requests.log").read_text(encoding="utf-8", errors="replace").splitlines():
        site, method, target, status = line.split("\t")
        found.append(Request(site, method, target, int(status)))
    return found


# The write ends of the lines to attached keepers, and the keepers that are children of this process, by folder.
_lines: dict[Path, tuple[int, int]] = {}


def _launch(folder: Path, *, report: Report, detach: bool) -> Lab:
    ear, mouth = os.pipe()
    with (folder / "lab.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "lab", str(folder)],
            stdin=ear,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )
    os.close(ear)
    _lines[folder] = (mouth, process.pid)
    process.returncode = 0  # the keeper outlives this object; stop_lab and the line to it look after it
    assert process.stdout is not None
    ready = False
    with process.stdout as lines:
        for raw in lines:
            words = json.loads(raw)
            if "error" in words:
                raise LabError(words["error"])
            report(words["percent"], words["text"])
            if words.get("ready"):
                ready = True
                break
    state = read_state(folder)
    if not ready or state is None or "keeper" not in state.holders:
        raise LabError(f"The lab's own process ended while it started. {_last_line(folder / 'lab.log')}")
    if detach:
        os.write(mouth, b"stay\n")
    return Lab(
        folder=folder,
        data=Path(state.data) if state.data else None,
        socks_port=state.socks_port,
        control_port=state.control_port,
        sites={site.name: site for site in state.sites},
        seed=state.seed,
        listings=state.listings,
        today=date.fromisoformat(state.today),
        keeper=state.holders["keeper"],
        nodes=state.nodes,
        hard=None if state.hard is None else read_options(state.hard),
    )


def _close_line(folder: Path) -> None:
    """Close the line to a keeper that this process started, and reap it."""
    line = _lines.pop(folder, None)
    if line is None:
        return
    mouth, pid = line
    os.close(mouth)
    deadline = time.monotonic() + 15
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)


def _sweep_stale(folder: Path, *, starting: bool) -> bool:
    """Remove what a crashed lab left in this folder; LabError when one runs there and another is to start."""
    state = read_state(folder)
    if state is None:
        return False
    if is_running(state) and _holds(state):
        if starting:
            raise LabError(
                f"A lab is already running (folder {folder}). See it with: tuskwatch lab status. "
                "Take it down with: tuskwatch lab down"
            )
        return False
    stop_lab(folder=folder)
    return True


def _holds(state: State) -> bool:
    """Whether the lab is held: once it runs, by its keeper or supervisor; before that, by its starter too."""
    names = ("keeper", "supervisor") if state.phase == "running" else ("starter", "keeper", "supervisor")
    return any(is_alive(state.holders.get(name)) for name in names)


def _wait_for_end(identities: list[Identity], *, seconds: float) -> None:
    rest = [who for who in identities if who.pid != os.getpid()]
    deadline = time.monotonic() + seconds
    while rest and time.monotonic() < deadline:
        rest = [who for who in rest if identify(who.pid) == who]
        time.sleep(0.02)


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return f"Its last words: {lines[-1][:300]}" if lines else ""
