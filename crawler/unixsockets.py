"""The local (unix) sockets of this machine with the other end of each: asked of the kernel, which /proc does not tell.

Public names: UnixSocket, read_unix_sockets, parse_message.

The kernel's sock_diag(7) interface; nothing leaves the machine. A pair of sockets within one process (every event loop
has one) is told from a connection to a local service by its other end.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from crawler.errors import CrawlError

_SOCK_DIAG = 4  # NETLINK_SOCK_DIAG
_BY_FAMILY = 20
_REQUEST_DUMP = 0x301
_DONE, _ERROR = 3, 2
_SHOW_NAME, _SHOW_PEER = 1, 4
_NAME, _PEER = 0, 2
_LISTEN = 10
_SECONDS = 2.0


@dataclass(frozen=True)
class UnixSocket:
    """peer: the inode of the other end, 0 for none. path: its name, empty for most."""

    inode: int
    peer: int
    path: str
    listening: bool
    datagram: bool


def read_unix_sockets() -> dict[int, UnixSocket]:
    """All of this network namespace, by inode. CrawlError when the kernel does not tell: then nothing can be proved."""
    # struct nlmsghdr, then struct unix_diag_req: family, protocol, padding, states, inode, what to show, cookie.
    request = struct.pack("=IHHIIBBHIIIII", 40, _BY_FAMILY, _REQUEST_DUMP, 1, 0, socket.AF_UNIX, 0, 0,
                          0xFFFFFFFF, 0, _SHOW_NAME | _SHOW_PEER, 0, 0)  # fmt: skip
    found: dict[int, UnixSocket] = {}
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
            kernel.settimeout(_SECONDS)
            kernel.send(request)
            while True:
                data = kernel.recv(1 << 18)
                at = 0
                while at + 16 <= len(data):
                    size, kind = struct.unpack_from("=IH", data, at)
                    if kind == _DONE:
                        return found
                    if kind == _ERROR or size < 16:
                        raise OSError("the kernel refused to list them")
                    told = parse_message(data[at + 16 : at + size])
                    found[told.inode] = told
                    at += (size + 3) & ~3
                if not data:
                    raise OSError("the kernel's answer ended early")
    except OSError as exc:
        raise CrawlError(f"The local sockets of this machine cannot be listed: {exc}.") from exc


def parse_message(data: bytes) -> UnixSocket:
    """struct unix_diag_msg and its attributes."""
    _, kind, state, _, inode = struct.unpack_from("=BBBBI", data)
    peer, path = 0, ""
    at = 16
    while at + 4 <= len(data):
        size, name = struct.unpack_from("=HH", data, at)
        if size < 4:
            break
        value = data[at + 4 : at + size]
        if name == _PEER and len(value) >= 4:
            (peer,) = struct.unpack_from("=I", value)
        elif name == _NAME:
            path = value.rstrip(b"\0").decode("utf-8", "replace").replace("\0", "@")
        at += (size + 3) & ~3
    return UnixSocket(inode, peer, path, state == _LISTEN, kind == socket.SOCK_DGRAM)
