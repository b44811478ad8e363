"""A tor process of ours: its life, its words, and why it died.

Public names: TorProcess, wait_control_port, read_port.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from crawler.errors import TorError, TorUnwanted

_START_SECONDS = 30.0


class TorProcess:
    """A tor process of ours and what it says."""

    def __init__(self, command: Sequence[str]) -> None:
        self._said: deque[str] = deque(maxlen=200)
        self.popen = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, name="tor-log", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self._said.append(line.strip())

    def said(self) -> str:
        return "\n".join(self._said)

    def last_words(self) -> str:
        """The last warning or error, else the last line: without Tor's time stamp."""
        empty = ("see warnings above", "See logs for details", "running Tor as root")
        lines = [line for line in self._said if not any(words in line for words in empty)]
        loud = [line for line in lines if "[warn]" in line or "[err]" in line] or lines
        return loud[-1].split("] ", 1)[-1] if loud else ""

    def end(self) -> None:
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(5)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait(5)
        self._reader.join(5)
        if self.popen.stdout:
            self.popen.stdout.close()


def wait_control_port(
    process: TorProcess, path: Path, socks_port: int | None, until: Callable[[], bool] = lambda: False
) -> int:
    """The port, once Tor listens there. TorUnwanted when `until` says so meanwhile."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if until():
            raise TorUnwanted("The worker ended while its Tor started.")
        if process.popen.poll() is not None:
            process.end()
            _explain_death(process, socks_port)
        if (port := read_port(path)) is not None:
            return port
        time.sleep(0.02)
    raise TorError(
        f"Tor did not open its control port within {_START_SECONDS:g} seconds. It said: {process.last_words()}"
    )


def _explain_death(process: TorProcess, socks_port: int | None) -> NoReturn:
    said, last = process.said(), process.last_words()
    if "Address already in use" in said:
        raise TorError(
            f"Port {socks_port} is taken: another program (perhaps another Tor) listens there. Stop it, choose another "
            "port (TUSKWATCH_TOR_SOCKS_PORT), leave the port out so that a free one is taken, or attach to the running "
            "Tor (TUSKWATCH_TOR_CONTROL_PORT)."
        )
    if "another Tor process is running with the same data directory" in said:
        raise TorError(
            "Another Tor already runs in this data folder and does not answer. End it, then try again."
        )
    if "not owned by this user" in said or "Permission denied" in said:
        raise TorError(
            f"Tor may not use its folder: {last} Give the folder to your user, or choose another data folder."
        )
    raise TorError(f"Tor stopped at once. It said: {last}")


def read_port(path: Path) -> int | None:
    try:
        return int(path.read_text().strip().rpartition(":")[2])
    except (OSError, ValueError):
        return None
