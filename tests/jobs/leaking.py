"""Stands for a crawl process that does what it must not do: called as leaking.py FOLDER DEED PORT RUN.

Each says when it is done by making the file FOLDER/RUN, and then stays; one that leaks is deaf to SIGTERM.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

folder, deed, port, run = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
if run == "1" and deed != "socks":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
kept: list[socket.socket] = []

CONNECT = f"import socket, time; kept = socket.create_connection(('127.0.0.2', {port})); time.sleep(300)"
NESTED = (
    f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {CONNECT!r}]); time.sleep(300)"
)


def do(what: str) -> None:
    if what == "tcp":
        kept.append(socket.create_connection(("127.0.0.2", port)))
    elif what == "tcp6":
        kept.append(socket.create_connection(("::1", port)))
    elif what == "udp":
        kept.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        kept[-1].sendto(b"x", ("127.0.0.1", port))
    elif what == "listen":
        kept.append(socket.create_server(("127.0.0.1", 0)))
    elif what == "child":
        subprocess.Popen([sys.executable, "-c", NESTED])
    elif what == "left":
        # Its child leaves the process group and the session.
        subprocess.Popen([sys.executable, "-c", CONNECT], start_new_session=True)
    elif what == "socks":
        # As a crawl does: nothing but the SOCKS port, which its environment names.
        host, _, number = os.environ["TUSKWATCH_SOCKS"].rpartition(":")
        kept.append(socket.create_connection((host, int(number))))
    else:
        raise ValueError(what)


# Run 1 does the deed; whatever else runs beside it is innocent. It waits for run 2, because a crawl that has not begun
# when another leaks is refused, not ended.
while run == "1" and deed != "socks" and not (folder / "2").exists():
    time.sleep(0.02)
do(deed if run == "1" else "socks")
(folder / run).touch()
time.sleep(300)
