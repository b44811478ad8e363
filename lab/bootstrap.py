"""Brings a private Tor network up until every onion answers: Network, bring_up.

A testing network votes at fixed times, and a relay that is late for the first vote is out for 30 s. A fixed lead is
either too long or, on a busy machine, too short. So the vote is first set far ahead, and moved to the next possible
moment as soon as the authority has a descriptor of every relay. A start that fails all the same is done anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.errors import LabError
from lab.keys import find_programs, make_authority_keys
from lab.processes import Identity, identify, start_child
from lab.torrc import Node, Ports, make_nodes, move_vote, pick_ports, write_torrcs
from lab.visit import ask_control, fetch_page, find_progress

Report = Callable[[int, str], None]

ATTEMPTS = 3

_PATIENCE = 27
"""Seconds that the relays have to report to the authority; the vote stands just behind that until it is moved."""

_VOTE_LEAD = 5
"""Seconds from moving the vote to its consensus: 2 to vote, 2 to publish, 1 to spare."""


class Late(Exception):
    """This attempt did not come up in time; another may."""


@dataclass
class Network:
    """The running nodes of one attempt."""

    root: Path
    ports: Ports
    nodes: list[Node]
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    onions: dict[str, str] = field(default_factory=dict)

    def identities(self) -> dict[str, Identity]:
        found = {name: identify(child.pid) for name, child in self.children.items()}
        return {name: identity for name, identity in found.items() if identity is not None}

    def check(self) -> None:
        """Late, with tor's own last words, when a node has ended."""
        for node in self.nodes:
            child = self.children.get(node.name)
            if child is not None and child.poll() is not None:
                raise Late(f"the node {node.name} ended: {_last_words(node)}")

    def close(self) -> None:
        """End every node and wait for it."""
        for child in self.children.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + 3
        for child in self.children.values():
            try:
                child.wait(timeout=max(0.05, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


async def bring_up(
    root: Path,
    *,
    web_ports: Mapping[str, int],
    owner: int,
    report: Report,
    started: Callable[[Network], None],
    keys: Mapping[str, bytes] | None = None,
    tell_circuits: bool = False,
) -> Network:
    """Start the network under `root` and return once each onion has given a page.

    `started` is told of each attempt's nodes at once, so that they are on record before anything can go wrong. `keys` holds
    the secret key files of onions that shall not get one by lot; `tell_circuits` as in lab.torrc.
    """
    reasons = []
    for attempt in range(1, ATTEMPTS + 1):
        folder = root / f"net{attempt}"
        folder.mkdir(mode=0o700)
        network = Network(folder, pick_ports(), make_nodes(folder))
        try:
            _write_keys(network, keys or {})
            await _start_nodes(
                network, web_ports=web_ports, owner=owner, report=report, tell_circuits=tell_circuits
            )
            started(network)
            await _wait_until_ready(network, report=report)
        except Late as exc:
            network.close()
            reasons.append(str(exc))
            report(2, f"attempt {attempt} failed ({exc}); trying again")
        except BaseException:
            network.close()
            raise
        else:
            return network
    raise LabError(
        f"The private Tor network did not come up in {ATTEMPTS} attempts: {reasons[-1]}. "
        "The machine may be overloaded: stop other work and start the lab again."
    )


def _write_keys(network: Network, keys: Mapping[str, bytes]) -> None:
    services = network.root / "onions"
    services.mkdir(mode=0o700)
    for name, key in keys.items():
        (services / name).mkdir(mode=0o700)
        path = services / name / "hs_ed25519_secret_key"
        path.touch(mode=0o600)
        path.write_bytes(key)


async def _start_nodes(
    network: Network, *, web_ports: Mapping[str, int], owner: int, report: Report, tell_circuits: bool
) -> None:
    report(3, "making the authority's keys")
    tor, _ = find_programs()
    ports = network.ports
    identity, fingerprint = make_authority_keys(
        network.nodes[0].data, port=ports.authority, directory=ports.directory
    )
    services = network.root / "onions"
    write_torrcs(
        network.nodes,
        ports=ports,
        identity=identity,
        fingerprint=fingerprint,
        owner=owner,
        vote_at=int(time.time()) + _PATIENCE + 2,
        onions={name: (services / name, port) for name, port in web_ports.items()},
        tell_circuits=tell_circuits,
    )
    empty = network.root / "empty-torrc"
    empty.touch()
    report(8, f"starting {len(network.nodes)} Tor nodes on 127.0.0.1")
    for node in network.nodes:
        command = [tor, "-f", str(node.torrc), "--defaults-torrc", str(empty)]
        network.children[node.name] = start_child(command, log=node.log)


async def _wait_until_ready(network: Network, *, report: Report) -> None:
    begin = time.monotonic()
    wanted = sum(node.name not in ("client", "service") for node in network.nodes)
    directory = network.ports.directory
    while (known := await asyncio.to_thread(_count_lines, directory, "/tor/server/all", "router ")) < wanted:
        network.check()
        if time.monotonic() - begin > _PATIENCE - 3:
            raise Late(f"only {known} of {wanted} relays reported to the authority")
        report(10 + 4 * known, f"{known} of {wanted} relays have reported to the authority")
        await asyncio.sleep(0.1)
    authority = network.nodes[0]
    move_vote(authority, vote_at=int(time.time()) + _VOTE_LEAD)
    network.children[authority.name].send_signal(signal.SIGHUP)
    report(35, "waiting for the first consensus")
    moved = time.monotonic()
    consensus = "/tor/status-vote/current/consensus-microdesc"
    while (
        listed := await asyncio.to_thread(_count_lines, directory, consensus, "s ", "HSDir", "Running")
    ) < wanted:
        network.check()
        waited = time.monotonic() - moved
        if listed or waited > _VOTE_LEAD + 8:
            raise Late(f"the first vote listed {listed} of {wanted} relays")
        report(35 + int(min(waited / _VOTE_LEAD, 1) * 20), "waiting for the first consensus")
        await asyncio.sleep(0.1)
    report(60, f"consensus with {listed} relays; telling every node")
    for child in network.children.values():  # relays would wait 14 s before they look again
        child.send_signal(signal.SIGHUP)
    client = next(node for node in network.nodes if node.name == "client")
    percent = 0
    while percent < 100:
        network.check()
        if time.monotonic() - moved > 30:
            raise Late(f"the client stayed at {percent} %")
        with contextlib.suppress(OSError):
            phase = await asyncio.to_thread(
                ask_control,
                "status/bootstrap-phase",
                port=network.ports.control,
                cookie=client.data / "control_auth_cookie",
            )
            percent = find_progress(phase)
        report(60 + percent * 25 // 100, f"the client is at {percent} %")
        await asyncio.sleep(0.1)
    await _wait_for_onions(network, report=report)


async def _wait_for_onions(network: Network, *, report: Report) -> None:
    services = network.root / "onions"
    for folder in sorted(services.iterdir()):
        network.onions[folder.name] = (folder / "hostname").read_text(encoding="ascii").strip()
    report(86, f"waiting for {len(network.onions)} onions to be published")
    deadline = time.monotonic() + 25 + 2 * len(network.onions)
    open_ = dict(network.onions)

    async def knock(name: str) -> None:
        attempt = 0
        while time.monotonic() < deadline:
            attempt += 1
            network.check()
            try:
                # A new SOCKS user for each try: a new circuit, which a failure of the last cannot have spoilt.
                await asyncio.to_thread(
                    fetch_page,
                    network.onions[name],
                    socks_port=network.ports.socks,
                    timeout=8,
                    user=f"knock{attempt}",
                )
            except OSError:
                await asyncio.sleep(0.3)
                continue
            del open_[name]
            report(99 - 3 * len(open_), f"{len(network.onions) - len(open_)} onions answer")
            return
        raise Late(f"the onion of {name} did not answer")

    await asyncio.gather(*(knock(name) for name in network.onions))


def _count_lines(port: int, path: str, start: str, *words: str) -> int:
    """How many lines of a document of the authority begin so and hold all of the words; 0 while it has none."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:
            text = answer.read(1_000_000).decode("utf-8", "replace")
    except OSError:
        return 0
    return sum(line.startswith(start) and set(words) <= set(line.split()) for line in text.splitlines())


def _last_words(node: Node) -> str:
    lines: list[str] = []
    with contextlib.suppress(OSError):
        lines = node.log.read_text(encoding="utf-8", errors="replace").splitlines()
    telling = [line for line in lines if "[err]" in line or "[warn]" in line] or lines
    return " / ".join(telling[-2:])[:400] if telling else "it wrote no log"
