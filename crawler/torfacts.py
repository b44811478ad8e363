"""What Tor says of itself on its control port, and what of it proves that a SOCKS port is Tor's and circuits are apart.

Public names: TorFacts, Circuit, OwnCircuits, read_facts, knock, find_fault, find_own, circuit_token.

Isolation names are hashes already; what leaves this module of them is their hash once more, the token that stored
pages carry.
"""

from __future__ import annotations

import hashlib
import re
import socket
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import stem

from crawler.errors import TorError
from crawler.sockets import find_owners

MAX_CIRCUITS = 5000
KNOCK_SECONDS = 3.0
"""So long the SOCKS port may take to greet. A Tor that is well does it in a millisecond."""
_KNOCKS = (
    (b"\x05\x01\x02", b"\x05\x02"),  # SOCKS 5, with a name and password only: "so be it"
    (
        b"\x01\x06canary\x06canary",
        b"\x01\x00",
    ),  # the name is taken; nothing is asked for, so no circuit is built
)


@dataclass(frozen=True)
class Circuit:
    """A circuit with its isolation token ("" where it has none) and the hosts of the streams upon it."""

    number: str
    status: str
    token: str
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class TorFacts:
    """socks: the ports that Tor listens on. mixed: those where streams of different names may share a circuit.

    pid: Tor's process where it runs on this machine, else None. own_pid: what it must be, for a Tor started here.
    """

    version: str
    bootstrap: int
    established: bool
    socks: tuple[tuple[str, int], ...]
    mixed: bool
    pid: int | None
    own_pid: int | None
    circuits: tuple[Circuit, ...]
    deaf: str = ""
    """Why the SOCKS port does not answer, though the control port does; empty when it does, or was not asked."""
    strange: str = ""
    """What the SOCKS port said that Tor never says."""


@dataclass(frozen=True)
class OwnCircuits:
    """foreign: streams under this run's isolation name to other places: a person's browser, when not a fault of ours."""

    numbers: frozenset[str]
    foreign: int
    fault: str


def circuit_token(user: str, password: str) -> str:
    """As crawler.isolation.Isolation.token: what a stored page says about its circuit."""
    return hashlib.sha256(f"{user}:{password}".encode()).hexdigest()


def read_facts(controller: Any, *, own_pid: int | None = None) -> TorFacts:
    """Ask Tor. Nothing is remembered from earlier answers. TorError when Tor does not answer.

    own_pid: the process that was started here, when Tor was.
    """
    names = (
        "version", "status/bootstrap-phase", "status/circuit-established", "net/listeners/socks", "process/pid",
        "circuit-status", "stream-status",
    )  # fmt: skip
    try:
        said = {name: _ask(controller, f"GETINFO {name}", name) for name in names}
        ports = _ask(controller, "GETCONF SocksPort", "SocksPort")
    except stem.ControllerError as exc:
        raise TorError(f"Tor does not answer on its control port: {exc}") from exc
    percent = said["status/bootstrap-phase"].partition("PROGRESS=")[2].split(" ")[0]
    pid = int(said["process/pid"]) if said["process/pid"].isdigit() else None
    return TorFacts(
        version=said["version"].split(" ")[0][:40],
        bootstrap=int(percent) if percent.isdigit() else 0,
        established=said["status/circuit-established"] == "1",
        socks=tuple(_read_listeners(said["net/listeners/socks"])),
        mixed="noisolatesocksauth" in ports.lower(),
        pid=pid if pid is not None and (pid == own_pid or _is_tor(pid)) else None,
        own_pid=own_pid,
        circuits=tuple(_read_circuits(said["circuit-status"], said["stream-status"])),
    )


def knock(facts: TorFacts, socks: tuple[str, int], *, seconds: float = KNOCK_SECONDS) -> TorFacts:
    """The same facts, with what the SOCKS port itself says to the greeting of a crawl; at most `seconds` are waited."""
    end = time.monotonic() + seconds
    try:
        with socket.create_connection(socks, timeout=seconds) as stream:
            for word, wanted in _KNOCKS:
                stream.sendall(word)
                said = b""
                while len(said) < len(wanted):
                    stream.settimeout(max(end - time.monotonic(), 0.001))
                    if not (more := stream.recv(len(wanted) - len(said))):
                        raise ConnectionAbortedError("it closed the connection")
                    said += more
                if said != wanted:
                    return replace(facts, strange="it does not greet as Tor does")
    except TimeoutError:
        return replace(facts, deaf=f"it did not greet within {seconds:g} seconds")
    except OSError as exc:
        return replace(facts, deaf=str(exc.strerror or exc))
    return facts


def find_fault(facts: TorFacts, socks: tuple[str, int]) -> str:
    """Why `socks` is not proved to be this Tor's port, in words; empty when it is."""
    where = f"{socks[0]}:{socks[1]}"
    if socks not in facts.socks:
        there = ", ".join(f"{host}:{port}" for host, port in facts.socks) or "none"
        return f"Tor has no SOCKS port {where} (it has: {there})"
    if facts.mixed:
        return "Tor's SOCKS port does not keep streams of different names apart (NoIsolateSOCKSAuth stands in its torrc)"
    if facts.strange:
        return f"the SOCKS port {where} is not Tor's: {facts.strange}"
    if facts.own_pid is not None and facts.pid != facts.own_pid:
        return "the Tor that answers is not the one that was started here"
    if facts.pid is None:
        return ""  # a Tor elsewhere (a container) that a person chose: its own word must do, and the proof says so
    found = find_owners(socks[1], facts.pid)
    return f"the SOCKS port {where} is not Tor's: {found[0]}" if found else ""


def find_own(facts: TorFacts, *, tokens: Collection[str], hosts: Collection[str]) -> OwnCircuits:
    """The circuits of these isolation tokens. `hosts`: the addresses of the one site that they are for."""
    own = [circuit for circuit in facts.circuits if circuit.token and circuit.token in tokens]
    fault, foreign = "", 0
    for circuit in own:
        strange = sum(_service(host) not in hosts for host in circuit.hosts)
        foreign += strange
        if 0 < strange < len(circuit.hosts):
            fault = "a circuit of this run also carries the streams of another site"
    return OwnCircuits(frozenset(circuit.number for circuit in own), foreign, fault)


def _ask(controller: Any, question: str, name: str) -> str:
    """The answer without its name. stem's own get_info would give some answers from memory."""
    answer = str(controller.msg(question))
    if answer.startswith(f"{name}=\n"):
        answer = answer[len(name) + 2 :]
    return answer.removeprefix(f"{name}=").removesuffix("\nOK").strip()


def _read_listeners(text: str) -> list[tuple[str, int]]:
    found = []
    for quoted in re.findall(r'"([^"]*)"', text):
        host, _, port = quoted.rpartition(":")
        if port.isdigit():  # else it is a local socket
            found.append((host.strip("[]"), int(port)))
    return found


def _read_circuits(circuits: str, streams: str) -> list[Circuit]:
    hosts: dict[str, list[str]] = {}
    for line in streams.splitlines():
        words = line.split()
        if len(words) >= 4 and words[2] != "0":
            hosts.setdefault(words[2], []).append(words[3].rpartition(":")[0])
    found = []
    for line in circuits.splitlines()[:MAX_CIRCUITS]:
        words = line.split()
        if len(words) < 2 or not words[0].isalnum():
            continue
        user, password = (_quoted(line, name) for name in ("SOCKS_USERNAME", "SOCKS_PASSWORD"))
        token = circuit_token(user, password) if user else ""
        found.append(Circuit(words[0], words[1], token, tuple(hosts.get(words[0], ()))))
    return found


def _quoted(line: str, name: str) -> str:
    match = re.search(rf'{name}="((?:[^"\\]|\\.)*)"', line)
    return re.sub(r"\\(.)", r"\1", match[1]) if match else ""


def _service(host: str) -> str:
    """Without what may stand before an onion's own name."""
    return ".".join(host.lower().split(".")[-2:])


def _is_tor(pid: int) -> bool:
    """Is there a tor of that number here? A Tor in a container of its own counts its processes differently."""
    try:
        name = (Path("/proc") / str(pid) / "comm").read_text().strip()
    except OSError:
        return False
    return name == "tor"
