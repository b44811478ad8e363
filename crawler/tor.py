"""Tor: started here or attached to, waited for with a percentage, watched, and closed.

Public names: open_tor, Tor, Health. (The torrc is crawler.torrc.real_torrc.)

Every fault that a person may meet is a TorError that says in plain words what happened and what to do.
"""

from __future__ import annotations

import os
import shutil
import socket
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stem
import stem.connection
import stem.control

from crawler.errors import TorError, TorUnwanted
from crawler.torfacts import TorFacts, knock, read_facts
from crawler.torprocess import TorProcess, read_port, wait_control_port
from crawler.torrc import real_torrc

Report = Callable[[int, str], None]

_STALL_SECONDS = 90.0


@dataclass(frozen=True)
class Health:
    """alive: the control port answers. bootstrap: percent. circuits: built ones. clock_skew: seconds, when Tor told."""

    alive: bool
    bootstrap: int
    circuits: int
    version: str
    clock_skew: float | None
    message: str


class Tor:
    """A Tor that is ready. `socks` is what a crawl needs; `owned` says whether close() ends the process."""

    def __init__(self, controller: Any, *, control_port: int, process: TorProcess | None) -> None:
        self._controller = controller
        self._process = process
        self._skew: float | None = None
        self.socks: tuple[str, int] = ("", 0)
        self.control_port = control_port
        self.owned = process is not None
        controller.add_event_listener(self._note_status, stem.control.EventType.STATUS_GENERAL)

    def __enter__(self) -> Tor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def health(self) -> Health:
        """How Tor is now. Never raises: a dead Tor is an answer."""
        try:
            percent, message = _read_phase(self._controller)
            version = str(self._controller.get_info("version"))
            circuits = sum(circuit.status == "BUILT" for circuit in self._controller.get_circuits())
        except stem.ControllerError:
            last = self._process.last_words() if self._process else ""
            return Health(False, 0, 0, "", self._skew, f"Tor does not answer any more. {last}".strip())
        return Health(True, percent, circuits, version, self._skew, message)

    def facts(self) -> TorFacts:
        """What proves that the SOCKS port is this Tor's, asked anew. Raises TorError when Tor does not answer."""
        facts = read_facts(self._controller, own_pid=self._process.popen.pid if self._process else None)
        # The two ports can part: one freezes or is held by a firewall, and the other still answers.
        return knock(facts, self.socks)

    def close(self) -> None:
        """Let go of the control port, and end Tor when it was started here."""
        self._controller.close()
        if self._process:
            self._process.end()

    def _note_status(self, event: Any) -> None:
        if event.action == "CLOCK_SKEW":
            try:
                self._skew = float(event.arguments.get("SKEW", ""))
            except ValueError:
                self._skew = None


def open_tor(
    *,
    data: Path,
    control_port: int | None = None,
    password: str | None = None,
    socks_port: int | None = None,
    binary: str = "tor",
    report: Report = lambda percent, message: None,
    until: Callable[[], bool] = lambda: False,
    stall_seconds: float = _STALL_SECONDS,
    test_lines: Sequence[str] = (),
) -> Tor:
    """Attach to the Tor at `control_port`, or start one in <data>/tor; returns when it is ready (100 %).

    `report` gets the percentage and Tor's own words whenever they change. `test_lines` are further lines for the torrc
    of a started Tor; they exist for the tests, which must not reach the network. Raises TorError; TorUnwanted when `until`,
    asked all the time, says that nobody waits any more.
    """
    if control_port is not None:
        tor = _attach(control_port, password, process=None)
        own = None
    else:
        tor, own = _start(data / "tor", binary, socks_port, test_lines, until)
    try:
        _wait_bootstrap(tor._controller, own, report, stall_seconds, until)
        tor.socks = _find_socks(tor._controller, socks_port)
    except BaseException:
        tor.close()
        raise
    return tor


def _start(
    folder: Path, binary: str, socks_port: int | None, test_lines: Sequence[str], until: Callable[[], bool]
) -> tuple[Tor, TorProcess | None]:
    found = shutil.which(binary)
    if found is None:
        raise TorError(
            f"Tor is not installed: there is no program {binary!r}. Install it (Debian: apt install tor), or let "
            "Tuskwatch use a running one by its control port (TUSKWATCH_TOR_CONTROL_PORT=9051)."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        if (running := _find_running(folder)) is not None:
            return running, None
        for stale in ("control_port", "control_cookie", "tor.log"):
            (folder / stale).unlink(missing_ok=True)
        text = real_torrc(folder, socks_port=socks_port, owner=os.getpid())
        (folder / "torrc").write_text(text + "".join(f"{line}\n" for line in test_lines))
        (folder / "no-defaults").write_text("")
    except OSError as exc:
        raise TorError(
            f"Tor's folder {folder} cannot be used: {exc.strerror}. It must belong to you."
        ) from exc
    # An empty file of defaults: the machine's own /etc/tor must not change a run's settings.
    process = TorProcess(
        [found, "--defaults-torrc", str(folder / "no-defaults"), "-f", str(folder / "torrc")]
    )
    try:
        port = wait_control_port(process, folder / "control_port", socks_port, until)
        return _attach(port, None, process=process), process
    except BaseException:
        process.end()
        raise


def _find_running(folder: Path) -> Tor | None:
    """A Tor that another process of ours runs in the same folder: one is enough."""
    port = read_port(folder / "control_port")
    if port is None:
        return None
    try:
        return _attach(port, None, process=None)
    except TorError:
        return None


def _attach(port: int, password: str | None, *, process: TorProcess | None) -> Tor:
    _probe(port)
    try:
        with warnings.catch_warnings():
            # stem 1.8.2 (2023) starts its threads in a way that newer Pythons call deprecated; it works.
            warnings.simplefilter("ignore", DeprecationWarning)
            controller = stem.control.Controller.from_port(port=port)
    except stem.SocketError as exc:
        raise TorError(f"Tor's control port {port} closed the connection: {exc}.") from exc
    try:
        controller.authenticate(password=password)
        return Tor(controller, control_port=port, process=process)
    except stem.connection.MissingPassword as exc:
        fault = TorError(f"Tor's control port {port} wants a password. Set TUSKWATCH_TOR_CONTROL_PASSWORD.")
        fault.__cause__ = exc
    except stem.connection.IncorrectPassword as exc:
        fault = TorError(
            f"The password for Tor's control port {port} is wrong. It must be the one whose hash stands behind "
            "HashedControlPassword in Tor's torrc (tor --hash-password makes it)."
        )
        fault.__cause__ = exc
    except (stem.connection.CookieAuthFailed, stem.connection.NoAuthCookie) as exc:
        fault = TorError(
            f"Tor's control cookie cannot be read ({exc}). Add your user to Tor's group (Debian: adduser $USER "
            "debian-tor, then sign in again), or set a control password in Tor's torrc."
        )
        fault.__cause__ = exc
    except (stem.connection.AuthenticationFailure, stem.ControllerError) as exc:
        fault = TorError(f"Tor's control port {port} did not let us in: {exc}")
        fault.__cause__ = exc
    controller.close()
    raise fault


def _probe(port: int) -> None:
    """Is Tor there at all? stem would wait for ever for the answer of something else."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as probe:
            probe.sendall(b"PROTOCOLINFO 1\r\n")
            answer = probe.recv(64)
    except TimeoutError as exc:
        raise TorError(f"What listens on port {port} does not answer as Tor's control port does.") from exc
    except OSError as exc:
        raise TorError(
            f"Nothing answers at Tor's control port {port}. Is Tor running, and does its torrc say ControlPort {port}? "
            "Without a control port setting Tuskwatch starts a Tor of its own."
        ) from exc
    if not answer.startswith((b"250", b"5")):
        raise TorError(
            f"What listens on port {port} is not Tor's control port. (Its SOCKS port is another one: usually 9050 is for "
            "SOCKS and 9051 for control.)"
        )


def _find_socks(controller: Any, wanted: int | None) -> tuple[str, int]:
    try:
        listeners = controller.get_listeners(stem.control.Listener.SOCKS)
    except stem.ControllerError as exc:
        raise TorError(f"Tor did not tell its SOCKS port: {exc}") from exc
    ports = [port for host, port in listeners if host.startswith("127.")]
    if wanted is not None and wanted not in ports:
        there = ", ".join(str(port) for port in ports) or "none"
        raise TorError(
            f"This Tor has no SOCKS port {wanted} on this machine (it has: {there}). Correct the setting."
        )
    if not ports:
        raise TorError(
            "This Tor has no SOCKS port on this machine. Add `SocksPort 9050` to its torrc and restart it."
        )
    return "127.0.0.1", wanted if wanted is not None else ports[0]


def _read_phase(controller: Any) -> tuple[int, str]:
    """(percent, Tor's words). The answer reads: NOTICE BOOTSTRAP PROGRESS=45 TAG=... SUMMARY="..." WARNING="..."."""
    answer = str(controller.get_info("status/bootstrap-phase"))
    percent = answer.partition("PROGRESS=")[2].split(" ")[0]
    summary = answer.partition('SUMMARY="')[2].partition('"')[0]
    warning = answer.partition('WARNING="')[2].partition('"')[0]
    return int(percent or 0), f"{summary} ({warning})" if warning else summary


def _wait_bootstrap(
    controller: Any,
    process: TorProcess | None,
    report: Report,
    stall_seconds: float,
    until: Callable[[], bool],
) -> None:
    seen: tuple[int, str] | None = None
    best, since = -1, time.monotonic()
    while True:
        try:
            phase = _read_phase(controller)
        except stem.ControllerError as exc:
            last = process.last_words() if process else ""
            raise TorError(f"Tor ended while it was connecting. {last}".strip()) from exc
        if phase != seen:
            seen = phase
            report(*phase)
        if phase[0] >= 100:
            return
        if until():
            raise TorUnwanted(f"The worker ended while its Tor connected ({phase[0]} %).")
        now = time.monotonic()
        if phase[0] > best:
            best, since = phase[0], now
        if now - since >= stall_seconds:
            last = process.last_words() if process else ""
            raise TorError(
                f"Tor got stuck at {phase[0]} % ({phase[1]}) and made no progress for {stall_seconds:g} seconds."
                + (f" Its last message: {last.rstrip(chr(46))}." if last else "")
                + " Check that this machine is online and its clock is right. Where Tor is blocked, use a Tor with bridges "
                "and attach to it (TUSKWATCH_TOR_CONTROL_PORT)."
            )
        time.sleep(0.1)
