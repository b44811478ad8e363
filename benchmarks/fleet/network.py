"""The lab's private Tor network with the drill's sites as its onions.

Public names: onion_network.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.fleet.market import Served
from lab.bootstrap import bring_up


@contextmanager
def onion_network(served: Served, folder: Path) -> Iterator[int]:
    """The control port of its one client, which all machines attach to. The markets get the onions' addresses."""
    folder.mkdir(parents=True, mode=0o700)
    network = asyncio.run(
        bring_up(
            folder,
            web_ports=dict(served.ports),
            owner=os.getpid(),
            report=lambda percent, words: None,
            started=lambda network: None,
        )
    )
    try:
        served.rename(network.onions)
        yield network.ports.control
    finally:
        network.close()
