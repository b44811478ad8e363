"""The sockets of a crawl's processes, read from /proc and judged: nothing is contacted, nothing is tried.

Public names: Socket, Process, Allowed, find_group, read_sockets, find_strays, find_owners, parse_table, parse_stat.

A process may end while it is read: what has gone is left out. The kernel names the kind of each socket itself, so that
one that stands in no table (a UDP socket before its first packet) is seen too.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import struct
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from crawler.errors import CrawlError
from crawler.unixsockets import UnixSocket, read_unix_sockets

PROC = Path("/proc")
MAX_ENTRIES = 100_000
_TABLES = ("tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6")
_LISTEN = "0A"
_KINDS = {"TCPv6": "TCP", "UDPv6": "UDP", "RAWv6": "RAW", "PINGv6": "PING"}
_GONE = (errno.ENOENT, errno.ESRCH)
UNKNOWN = "unidentified"
_LIKE_TCP = ("TCP", "MPTCP", "SMC")


@dataclass(frozen=True)
class Process:
    """One process. `start` makes the number one that is never used again."""

    pid: int
    start: int
    name: str


@dataclass(frozen=True)
class Socket:
    """One open socket. kind: TCP, UDP, RAW, PING, UNIX, NETLINK, PACKET ... as the kernel says.

    local, remote: (address, port), None where no table has the socket: then it is neither connected nor listening.
    """

    process: Process
    inode: int
    kind: str
    local: tuple[str, int] | None = None
    remote: tuple[str, int] | None = None
    listening: bool = False


@dataclass(frozen=True)
class Allowed:
    """What a crawl may be connected to: addresses, and paths of local sockets."""

    peers: frozenset[tuple[str, int]]
    paths: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Row:
    """A socket as a table of /proc/net has it."""

    local: tuple[str, int]
    remote: tuple[str, int]
    listening: bool
    uid: int


def parse_stat(text: str) -> tuple[str, int, int, int, int]:
    """(name, parent, group, session, start) out of /proc/<pid>/stat; the name may hold spaces and brackets."""
    name, _, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()
    return name, int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19])


def parse_table(text: str, inodes: Collection[int] | None = None) -> dict[int, Row]:
    """The rows of /proc/net/tcp, udp, raw or their version 6 twins, by inode; only `inodes` when they are given."""
    rows: dict[int, Row] = {}
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or not fields[9].isdigit():
            continue
        inode = int(fields[9])
        if inode == 0 or (inodes is not None and inode not in inodes):
            continue
        listening = fields[3] == _LISTEN
        rows[inode] = Row(_address(fields[1]), _address(fields[2]), listening, int(fields[7]))
    return rows


def find_group(leader: int, known: Iterable[Process] = ()) -> list[Process]:
    """The processes of a crawl: the leader's group and session, all that they started, and those of `known` that live."""
    wanted = set(known)
    rows: dict[int, tuple[Process, int]] = {}
    mine: set[int] = set()
    for pid in _list_numbers(PROC):
        try:
            with open(f"{PROC}/{pid}/stat", "rb") as file:  # noqa: PTH123 - hundreds of them, every second
                name, parent, group, session, start = parse_stat(file.read().decode("utf-8", "replace"))
        except (OSError, ValueError, IndexError):
            continue
        process = Process(pid, start, name)
        rows[process.pid] = (process, parent)
        if leader in (process.pid, group, session) or process in wanted:
            mine.add(process.pid)
    grown = True
    while grown:
        more = {pid for pid, (_, parent) in rows.items() if parent in mine} - mine
        mine |= more
        grown = bool(more)
    return [rows[pid][0] for pid in sorted(mine)]


def read_sockets(processes: Iterable[Process]) -> list[Socket]:
    """All open sockets of these processes. Those that end meanwhile have none any more."""
    sockets: list[Socket] = []
    for process in processes:
        held = dict(_read_descriptors(process.pid))
        rows: dict[int, Row] = {}
        for table in _TABLES if held else ():
            try:
                text = (PROC / str(process.pid) / "net" / table).read_text("ascii", "replace")
            except OSError:
                continue  # the process has ended, or this kernel has no such protocol
            rows |= parse_table(text, held)
        for inode, kind in held.items():
            row = rows.get(inode)
            if row is None:
                sockets.append(Socket(process, inode, kind))
            else:
                sockets.append(Socket(process, inode, kind, row.local, row.remote, row.listening))
    return sockets


def find_strays(
    sockets: Collection[Socket], allowed: Allowed, *, unix: Mapping[int, UnixSocket] | None = None
) -> list[str]:
    """What a crawl must not have, in words; empty when all is well. `unix`: read when needed, unless given."""
    own = {socket.inode for socket in sockets}
    strays: list[str] = []
    for socket in sockets:
        if socket.kind == "UNIX":
            if unix is None:
                unix = read_unix_sockets()
            told = _judge_unix(socket, unix, own, allowed)
        elif socket.kind in _LIKE_TCP:
            told = _judge_tcp(socket, allowed)
        else:
            told = f"a {socket.kind} socket" + (
                f" to {_write(socket.remote)}" if _is_named(socket.remote) else ""
            )
        if told:
            strays.append(f"{told} (process {socket.process.pid}, {socket.process.name})")
    return strays


def find_owners(port: int, pid: int) -> list[str]:
    """Why the TCP port of this machine is not (only) the process `pid`'s; empty when it is its alone.

    Where this user may not look into the process (a Tor of the system), the owner's user is compared instead.
    """
    listeners: dict[int, Row] = {}
    for table in ("tcp", "tcp6"):
        try:
            rows = parse_table((PROC / "self" / "net" / table).read_text("ascii", "replace"))
        except OSError:
            continue
        listeners |= {
            inode: row
            for inode, row in rows.items()
            if row.listening and row.local[1] == port and _is_reached_by_loopback(row.local[0])
        }
    if not listeners:
        return [f"nothing listens on port {port}"]
    try:
        held = set(dict(_read_descriptors(pid, strict=True)))
    except PermissionError:
        try:
            user = (PROC / str(pid)).stat().st_uid
        except OSError:
            return [f"process {pid}, which should listen on port {port}, is gone"]
        wrong = [inode for inode, row in listeners.items() if row.uid != user]
    except OSError:
        return [f"process {pid}, which should listen on port {port}, is gone"]
    else:
        wrong = [inode for inode in listeners if inode not in held]
    return [f"another program listens on port {port} (not process {pid})"] if wrong else []


def _read_descriptors(pid: int, *, strict: bool = False) -> Iterator[tuple[int, str]]:
    """(inode, kind) of each socket that the process holds."""
    folder = PROC / str(pid) / "fd"
    try:
        numbers = _list_numbers(folder)
    except OSError as exc:
        if strict:
            raise
        if exc.errno not in _GONE and not _is_zombie(pid):
            raise CrawlError(
                f"the sockets of process {pid} cannot be looked at ({exc.strerror}): run the worker as the same user"
            ) from exc
        return
    for number in numbers:
        target = ""
        path = f"{folder}/{number}"
        try:
            target = os.readlink(path)  # noqa: PTH115 - as above
            if not target.startswith("socket:["):
                continue
            raw = os.getxattr(path, "system.sockprotoname").rstrip(b"\0").decode("ascii", "replace")
        except OSError as exc:
            if exc.errno in _GONE or not target:
                continue  # closed meanwhile
            # What cannot be told apart counts as a stray: a look that saw nothing must not pass for a good one.
            raw = UNKNOWN
        kind = "UNIX" if raw.startswith("UNIX") else _KINDS.get(raw, raw)
        yield int(target[8:-1]), kind


def _is_zombie(pid: int) -> bool:
    """Has it ended, and only waits for its parent? Its sockets are gone, and not everybody may look."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _list_numbers(folder: Path) -> list[int]:
    with os.scandir(folder) as entries:
        return [
            int(entry.name)
            for entry, _ in zip(entries, range(MAX_ENTRIES), strict=False)
            if entry.name.isdigit()
        ]


def _judge_tcp(socket: Socket, allowed: Allowed) -> str:
    if socket.listening:
        return f"it listens on {_write(socket.local)}"
    if socket.remote is None or not _is_named(socket.remote) or socket.remote in allowed.peers:
        return ""  # not connected (any more), or where it should be
    return f"a TCP connection to {_write(socket.remote)}"


def _judge_unix(
    socket: Socket, unix: Mapping[int, UnixSocket], own: Collection[int], allowed: Allowed
) -> str:
    told = unix.get(socket.inode)
    if told is None:
        return ""  # closed meanwhile
    if told.listening:
        return f"it listens on the local socket {told.path or '(no name)'}"
    if told.peer in own:
        return ""
    if told.peer == 0:
        return "a datagram socket of this machine" if told.datagram else ""
    other = unix.get(told.peer)
    path = other.path if other is not None else ""
    return "" if path in allowed.paths else f"a connection to the local service {path or '(no name)'}"


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    # Words of four bytes, each in the order of this machine.
    packed = b"".join(struct.pack("=I", int(host[start : start + 8], 16)) for start in range(0, len(host), 8))
    address = ipaddress.ip_address(packed)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address), int(port, 16)


def _is_reached_by_loopback(host: str) -> bool:
    return host in ("127.0.0.1", "0.0.0.0", "::")  # noqa: S104 - read, not bound


def _is_named(where: tuple[str, int] | None) -> bool:
    return where is not None and not (where[1] == 0 and ipaddress.ip_address(where[0]).is_unspecified)


def _write(where: tuple[str, int] | None) -> str:
    if where is None:
        return "nowhere"
    return f"[{where[0]}]:{where[1]}" if ":" in where[0] else f"{where[0]}:{where[1]}"
