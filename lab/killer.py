"""Closes a rendezvous circuit at the service's Tor, as market front-ends do: CircuitKiller, read_circuit_id."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from pathlib import Path

_PREFIX = ipaddress.IPv6Network("fc00:dead:beef:4dad::/96")
"""What Tor puts before the circuit's number (tor manual, HiddenServiceExportCircuitID)."""


def read_circuit_id(circuit: str) -> int | None:
    """Tor's own number of a circuit, from the address in the PROXY line; None when that names none."""
    try:
        address = ipaddress.IPv6Address(circuit)
    except ValueError:
        return None
    return int(address) & 0xFFFFFFFF if address in _PREFIX else None


class CircuitKiller:
    """Speaks to the control port of the service's Tor, once it is known."""

    def __init__(self) -> None:
        self._port = 0
        self._cookie: Path | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def attach(self, *, port: int, cookie: Path) -> None:
        """From now on circuits are really closed."""
        self._port, self._cookie = port, cookie

    def kill(self, circuit: str) -> None:
        """Close that circuit soon; until then the front-end refuses what comes on it."""
        number = read_circuit_id(circuit)
        if number is None or self._cookie is None:
            return
        task = asyncio.get_running_loop().create_task(self._close(number))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _close(self, number: int) -> None:
        assert self._cookie is not None
        with contextlib.suppress(OSError, TimeoutError):  # Tor is going down: then the circuit goes with it
            secret = self._cookie.read_bytes().hex()
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                writer.write(f"AUTHENTICATE {secret}\r\nCLOSECIRCUIT {number}\r\nQUIT\r\n".encode("ascii"))
                await asyncio.wait_for(reader.read(), timeout=5)
            finally:
                writer.close()
                await writer.wait_closed()
