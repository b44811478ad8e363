"""The configuration of every node of the private network: Ports, Node, pick_ports, make_nodes,
write_torrcs, move_vote.

These options are for the lab alone. They switch off padding, vanguards and every defence that a network of five relays
on one machine cannot have; none of them may reach the torrc of a real run.
"""

from __future__ import annotations

import re
import secrets
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

RELAYS = 4

VOTING_INTERVAL = 30
"""Seconds between votes before the first consensus; a relay that misses one waits that long."""

_OFFSET = "TestingV3AuthVotingStartOffset"

# Below the range from which Linux takes ports for outgoing connections (32768 and up), so that none of the
# network's own connections can sit on a port that we found free a moment ago.
_FIRST_PORT, _LAST_PORT = 10_000, 31_999


@dataclass(frozen=True)
class Ports:
    """The ports of one network, all on 127.0.0.1."""

    authority: int
    directory: int
    relays: tuple[int, ...]
    socks: int
    control: int
    service: int
    """The control port of the Tor that holds the onions, which only a hard lab opens."""


@dataclass(frozen=True)
class Node:
    """One tor process: its name and its folder, which holds its torrc and its data."""

    name: str
    folder: Path

    @property
    def torrc(self) -> Path:
        return self.folder / "torrc"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "tor.log"


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that nobody uses now, in random order so that labs side by side do not meet."""
    found: list[int] = []
    with ExitStack() as held:  # all stay bound until the last is found, so none is found twice
        for _ in range(count * 200):
            if len(found) == count:
                return found
            port = _FIRST_PORT + secrets.randbelow(_LAST_PORT - _FIRST_PORT + 1)
            sock = held.enter_context(socket.socket())
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
    raise LabError(
        f"No {count} free ports between {_FIRST_PORT} and {_LAST_PORT} on 127.0.0.1. "
        "Stop programs that listen there (ss -ltn lists them) and start the lab again."
    )


def pick_ports() -> Ports:
    """Free ports for one network."""
    first, second, third, fourth, fifth, *relays = free_ports(5 + RELAYS)
    return Ports(
        authority=first, directory=second, socks=third, control=fourth, service=fifth, relays=tuple(relays)
    )


def make_nodes(root: Path) -> list[Node]:
    """The nodes, authority first, with their folders (closed to others, as tor asks)."""
    names = ["authority", *(f"relay{number}" for number in range(1, RELAYS + 1)), "client", "service"]
    nodes = [Node(name, root / name) for name in names]
    for node in nodes:
        node.data.mkdir(parents=True, mode=0o700)
        node.folder.chmod(0o700)
    return nodes


def write_torrcs(
    nodes: Sequence[Node],
    *,
    ports: Ports,
    identity: str,
    fingerprint: str,
    owner: int,
    vote_at: int,
    onions: Mapping[str, tuple[Path, int]],
    tell_circuits: bool = False,
) -> None:
    """Write each node's torrc.

    `identity` is the authority's v3 identity, `fingerprint` its relay fingerprint, `owner` the process without which the
    nodes end, `vote_at` the time of the first consensus (seconds since 1970), `onions` maps a site's name to the folder
    of its onion service and the port of its web server. `tell_circuits`: each connection to a web server begins with a
    PROXY line that names the circuit, which is how a market's front-end knows who asks, and a control port lets it close it.
    """
    common = [
        "TestingTorNetwork 1",
        "Address 127.0.0.1",
        "AssumeReachable 1",
        "EnforceDistinctSubnets 0",
        "ShutdownWaitLength 0",
        "AvoidDiskWrites 1",
        "Schedulers Vanilla",
        "GeoIPFile /dev/null",
        "GeoIPv6File /dev/null",
        f"__OwningControllerProcess {owner}",
        f"DirAuthority auth0 orport={ports.authority} no-v2 v3ident={identity} 127.0.0.1:{ports.directory} {fingerprint}",
    ]
    relay = [
        "SocksPort 0",
        "TestingMinTimeToReportBandwidth 1 day",
        "ExitRelay 0",
        "ExitPolicy reject *:*",
        "DoSCircuitCreationEnabled 0",
        "DoSConnectionEnabled 0",
        "DoSRefuseSingleHopClientRendezvous 0",
    ]
    authority = [
        f"DirPort 127.0.0.1:{ports.directory} IPv4Only",
        "ContactInfo lab@invalid",
        "AuthoritativeDirectory 1",
        "V3AuthoritativeDirectory 1",
        "V3AuthVotingInterval 300",
        "V3AuthVoteDelay 2",
        "V3AuthDistDelay 2",
        f"TestingV3AuthInitialVotingInterval {VOTING_INTERVAL}",
        "TestingV3AuthInitialVoteDelay 2",
        "TestingV3AuthInitialDistDelay 2",
        f"{_OFFSET} {vote_at % VOTING_INTERVAL}",
        "TestingDirAuthVoteGuard *",
        "TestingDirAuthVoteHSDir *",
        "TestingMinExitFlagThreshold 0",
        "MinUptimeHidServDirectoryV2 0",
        "TestingAuthDirTimeToLearnReachability 0",
        "AuthDirMaxServersPerAddr 0",
    ]
    user = [
        "ClientOnly 1",
        "UseMicrodescriptors 1",
        "ConnectionPadding 0",
        "CircuitPadding 0",
        "MaxClientCircuitsPending 256",
        "VanguardsLiteEnabled 0",
    ]
    relay_ports = iter(ports.relays)
    for node in nodes:
        lines = [
            f"Nickname {node.name}",
            f"DataDirectory {_quote(node.data)}",
            "Log notice stdout",
            *common,
        ]
        if node.name == "authority":
            lines += [f"ORPort 127.0.0.1:{ports.authority} IPv4Only", *relay, *authority]
        elif node.name == "client":
            lines += [
                f"SocksPort 127.0.0.1:{ports.socks} IsolateSOCKSAuth KeepAliveIsolateSOCKSAuth ExtendedErrors",
                f"ControlPort 127.0.0.1:{ports.control}",
                "CookieAuthentication 1",
                *user,
            ]
        elif node.name == "service":
            lines += ["SocksPort 0", *user]
            if tell_circuits:
                lines += [f"ControlPort 127.0.0.1:{ports.service}", "CookieAuthentication 1"]
            for folder, port in onions.values():
                lines += [f"HiddenServiceDir {_quote(folder)}", f"HiddenServicePort 80 127.0.0.1:{port}"]
                if tell_circuits:
                    lines.append("HiddenServiceExportCircuitID haproxy")
        else:
            lines += [f"ORPort 127.0.0.1:{next(relay_ports)} IPv4Only", *relay]
        node.torrc.write_text("\n".join(lines) + "\n", encoding="utf-8")


def move_vote(authority: Node, *, vote_at: int) -> None:
    """Put the first consensus at another time; the authority reads it on SIGHUP."""
    text = authority.torrc.read_text(encoding="utf-8")
    changed = re.sub(rf"^{_OFFSET} \d+$", f"{_OFFSET} {vote_at % VOTING_INTERVAL}", text, flags=re.MULTILINE)
    authority.torrc.write_text(changed, encoding="utf-8")


def _quote(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
