"""One page through the lab's SOCKS port, for the lab's own readiness check and tests: fetch_page, ask_control, KNOCK."""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path

KNOCK = "lab-readiness"
"""The User-Agent of the lab's own look whether an onion is up; the hard sites answer it and do not count it."""


def fetch_page(
    onion: str,
    path: str = "/",
    *,
    socks_port: int,
    timeout: float = 20.0,
    user: str = "lab",
    agent: str = KNOCK,
) -> tuple[int, bytes]:
    """GET one page of an onion: (status, body). OSError when the way there fails."""
    deadline = time.monotonic() + timeout
    with socket.create_connection(("127.0.0.1", socks_port), timeout=timeout) as sock:
        open_stream(sock, onion, user=user)
        head = f"GET {path} HTTP/1.1\r\nHost: {onion}\r\nUser-Agent: {agent}\r\nConnection: close\r\n\r\n"
        sock.sendall(head.encode("ascii"))
        answer = b""
        while chunk := sock.recv(65_536):
            answer += chunk
            if time.monotonic() > deadline:
                raise TimeoutError(f"{onion} did not finish within {timeout} s")
    status, _, rest = answer.partition(b"\r\n")
    words = status.split(b" ")
    if len(words) < 2 or not words[1].isdigit():
        raise OSError(f"{onion} gave no HTTP answer")
    return int(words[1]), rest.partition(b"\r\n\r\n")[2]


def open_stream(sock: socket.socket, onion: str, *, user: str) -> None:
    """SOCKS5 with user name and password (which isolate circuits), then CONNECT to port 80 of the onion."""
    sock.sendall(b"\x05\x01\x02")
    if _read(sock, 2) != b"\x05\x02":
        raise OSError("the SOCKS port refused user name and password")
    name = user.encode("ascii")
    sock.sendall(b"\x01" + bytes([len(name)]) + name + bytes([len(name)]) + name)
    if _read(sock, 2)[1] != 0:
        raise OSError("the SOCKS port refused this user")
    host = onion.encode("ascii")
    sock.sendall(b"\x05\x01\x00\x03" + bytes([len(host)]) + host + b"\x00\x50")
    reply = _read(sock, 4)
    _read(sock, {1: 4, 4: 16}.get(reply[3], 0) + 2)
    if reply[1] != 0:
        raise OSError(f"Tor answered {reply[1]:#04x} for {onion}")


def ask_control(question: str, *, port: int, cookie: Path, timeout: float = 5.0) -> str:
    """The answer of the client's control port to one GETINFO; OSError when it cannot be asked."""
    secret = cookie.read_bytes().hex()
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as sock:
        sock.sendall(f"AUTHENTICATE {secret}\r\nGETINFO {question}\r\nQUIT\r\n".encode("ascii"))
        answer = b""
        with contextlib.suppress(TimeoutError):
            while chunk := sock.recv(65_536):
                answer += chunk
    lines = answer.decode("utf-8", "replace").splitlines()
    if not lines or not lines[0].startswith("250"):
        raise OSError("the control port refused the cookie")
    for line in lines:
        if line.startswith(f"250-{question}="):
            return line.partition("=")[2]
    raise OSError(f"the control port does not know {question}")


def find_progress(phase: str) -> int:
    """The percentage in a bootstrap phase such as `NOTICE BOOTSTRAP PROGRESS=100 TAG=done`."""
    for word in phase.split():
        if word.startswith("PROGRESS=") and word[9:].isdigit():
            return int(word[9:])
    return 0


def _read(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        chunk = sock.recv(count - len(data))
        if not chunk:
            raise OSError("the SOCKS port closed the connection")
        data += chunk
    return data
