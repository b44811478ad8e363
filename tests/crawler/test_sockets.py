"""The socket table of real processes: what a crawl must not have is found, whatever kind it is."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from crawler.errors import CrawlError
from crawler.sockets import (
    Allowed,
    Process,
    find_group,
    find_owners,
    find_strays,
    parse_stat,
    parse_table,
    read_sockets,
)
from crawler.unixsockets import parse_message, read_unix_sockets

NOWHERE = Allowed(frozenset())
ME = Process(os.getpid(), 0, "me")


def _strays(before: set[int], allowed: Allowed = NOWHERE) -> list[str]:
    """What this very process has that it had not before."""
    fresh = [item for item in read_sockets([ME]) if item.inode not in before]
    return find_strays(fresh, allowed)


@pytest.fixture
def before() -> set[int]:
    return {item.inode for item in read_sockets([ME])}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:235A 00000000:0000 0A 00000000:00000000 00:00000000 00000000   107        0 111 1 0000 100 0 0 10 0
   1: 0100007F:C1D2 0200007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0000 20 4 30 10 -1
   2: 0100007F:C1D4 0100007F:235A 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0000
   torn line
"""


def test_a_table_is_read_and_torn_lines_are_left_out() -> None:
    rows = parse_table(TABLE)
    assert set(rows) == {111, 222}
    assert (rows[111].local, rows[111].listening, rows[111].uid) == (("127.0.0.1", 9050), True, 107)
    assert (rows[222].remote, rows[222].listening) == (("127.0.0.2", 8080), False)
    assert set(parse_table(TABLE, {222})) == {222}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("00000000000000000000000001000000:1F90", ("::1", 8080)),
        ("0000000000000000FFFF00000100007F:1F90", ("127.0.0.1", 8080)),
    ],
)
def test_addresses_of_version_6_and_mapped_ones(text: str, address: tuple[str, int]) -> None:
    assert sys.byteorder == "little", "the table above is written as such a machine writes it"
    row = f"h\n 0: {text} {text} 01 0:0 0:0 0 0 0 7 1"
    assert parse_table(row)[7].remote == address


def test_a_name_with_brackets_and_spaces_does_not_shift_the_fields() -> None:
    rest = " ".join(str(number) for number in range(5, 60))
    assert parse_stat(f"7 (a) b (c) S 1 2 3 {rest}")[:4] == ("a) b (c", 1, 2, 3)


def test_pairs_and_sockets_without_a_peer_are_harmless(before: set[int], stack: ExitStack) -> None:
    for end in socket.socketpair():
        stack.enter_context(end)
    stack.enter_context(socket.socket())
    stack.enter_context(socket.socket(socket.AF_UNIX))
    assert len(read_sockets([ME])) == len(before) + 4
    assert _strays(before) == []


def test_a_connection_is_a_stray_unless_it_is_allowed(before: set[int], stack: ExitStack) -> None:
    listener = stack.enter_context(socket.create_server(("127.0.0.2", 0)))
    where = listener.getsockname()
    before |= {item.inode for item in read_sockets([ME])}
    stack.enter_context(socket.create_connection(where))
    (told,) = _strays(before)
    assert f"a TCP connection to 127.0.0.2:{where[1]}" in told
    assert _strays(before, Allowed(frozenset({where}))) == []
    assert _strays(before, Allowed(frozenset({("127.0.0.1", where[1])}))) == [told]


def test_a_connection_that_is_only_being_tried_is_seen(before: set[int], stack: ExitStack) -> None:
    full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    tries = [stack.enter_context(socket.socket()) for _ in range(4)]
    before |= {item.inode for item in read_sockets([ME])}
    stack.enter_context(socket.create_connection(full.getsockname()))
    for one in tries:
        one.setblocking(False)
        one.connect_ex(full.getsockname())
    late = stack.enter_context(socket.socket())
    late.setblocking(False)
    assert late.connect_ex(full.getsockname()) != 0
    assert len(_strays(before)) >= 2


def test_version_6_is_seen(before: set[int], stack: ExitStack) -> None:
    listener = stack.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
    before |= {item.inode for item in read_sockets([ME])}
    stack.enter_context(socket.create_connection(listener.getsockname()[:2]))
    (told,) = _strays(before)
    assert f"a TCP connection to [::1]:{listener.getsockname()[1]}" in told


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_udp_socket_is_a_stray_even_before_its_first_packet(
    before: set[int], stack: ExitStack, family: socket.AddressFamily
) -> None:
    udp = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
    (told,) = _strays(before)
    assert told.startswith("a UDP socket")
    udp.connect(("127.0.0.1" if family == socket.AF_INET else "::1", 9))
    assert ":9 (" in _strays(before)[0]


def test_a_listening_socket_is_a_stray(before: set[int], stack: ExitStack) -> None:
    stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    (told,) = _strays(before)
    assert told.startswith("it listens on 127.0.0.1:")


def test_a_netlink_socket_is_a_stray(before: set[int], stack: ExitStack) -> None:
    stack.enter_context(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))
    assert _strays(before)[0].startswith("a NETLINK socket")


def test_local_services_are_told_from_pairs(before: set[int], stack: ExitStack, tmp_path: Path) -> None:
    path = f"{tmp_path}/s"
    server = stack.enter_context(socket.socket(socket.AF_UNIX))
    server.bind(path)
    server.listen()
    client = stack.enter_context(socket.socket(socket.AF_UNIX))
    client.connect(path)
    accepted, _ = server.accept()
    stack.enter_context(accepted)
    # The server's sockets are another program's here: only the client is the crawl's.
    crawl = [item for item in read_sockets([ME]) if item.inode == os.fstat(client.fileno()).st_ino]
    (told,) = find_strays(crawl, NOWHERE)
    assert f"a connection to the local service {path}" in told
    assert find_strays(crawl, Allowed(frozenset(), frozenset({path}))) == []
    mine = [item for item in read_sockets([ME]) if item.inode == os.fstat(server.fileno()).st_ino]
    assert "it listens on the local socket" in find_strays(mine, NOWHERE)[0]


def test_the_kernel_lists_both_ends_of_a_pair(stack: ExitStack) -> None:
    one, other = socket.socketpair()
    stack.enter_context(one)
    stack.enter_context(other)
    ends = [os.fstat(end.fileno()).st_ino for end in (one, other)]
    listed = read_unix_sockets()
    assert [listed[inode].peer for inode in ends] == ends[::-1]


def test_a_torn_answer_of_the_kernel_is_read_as_far_as_it_goes() -> None:
    whole = bytes([1, 1, 1, 0]) + (77).to_bytes(4, sys.byteorder) + bytes(8)
    assert parse_message(whole + b"\0\0").inode == 77
    assert parse_message(whole + b"\0\0\2\0").peer == 0


CHILDREN = """
import subprocess, sys, time
one = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; print(1, flush=True); time.sleep(60)']); time.sleep(60)"
subprocess.Popen([sys.executable, "-c", one])
time.sleep(60)
"""


def test_a_group_holds_the_children_of_children_also_when_one_leaves_it() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CHILDREN], start_new_session=True, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    with process.stdout:
        process.stdout.readline()
        group = find_group(process.pid)
        assert len(group) == 3
        assert process.pid in {member.pid for member in group}
        process.kill()
        process.wait()
        left = find_group(-1, group)
        assert len(left) == 2
        for member in left:
            os.kill(member.pid, 9)


def test_processes_that_are_gone_have_no_sockets() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert read_sockets([Process(process.pid, 1, "gone")]) == []
    assert find_group(process.pid) == []


def test_the_owner_of_a_port_is_told(stack: ExitStack) -> None:
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    port = listener.getsockname()[1]
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert other.stdin is not None
    with other.stdin:
        assert find_owners(port, os.getpid()) == []
        assert find_owners(port, other.pid) == [
            f"another program listens on port {port} (not process {other.pid})"
        ]
    other.wait()
    assert find_owners(port, other.pid) == [
        f"process {other.pid}, which should listen on port {port}, is gone"
    ]
    listener.close()
    assert find_owners(port, os.getpid()) == [f"nothing listens on port {port}"]


def test_a_socket_that_cannot_be_told_apart_is_a_stray(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, name: str) -> bytes:
        raise OSError(errno.EOPNOTSUPP, "not supported")

    with socket.create_server(("127.0.0.1", 0)):
        monkeypatch.setattr(os, "getxattr", refuse)
        strays = find_strays(read_sockets([ME]), NOWHERE)
    assert any("unidentified socket" in stray for stray in strays)


def test_a_process_that_cannot_be_looked_at_is_no_good_look(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> object:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(CrawlError, match="cannot be looked at"):
        read_sockets([ME])
