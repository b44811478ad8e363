"""What the canary rings for: a Tor that is silent, or a sign that bytes may leave elsewhere.

Public names: SILENT, LEAK, Fault, Alarm.

The difference decides who lets crawls go on: after a silence the machine does, when Tor answers and is proved anew; after
a leak, and after all that is not surely a silence, a person does.
"""

from __future__ import annotations

from dataclasses import dataclass

from crawler.sockets import Process

SILENT = "silent"
"""Tor does not answer (it died, hangs or starts anew), and nothing was seen that is not Tor's."""
LEAK = "leak"
"""A socket, a port or a circuit that must not be; or something that cannot be judged."""


@dataclass(frozen=True)
class Fault:
    """What is wrong, in words, and of which kind."""

    words: str
    kind: str = LEAK


@dataclass
class Alarm:
    """Rings for all crawls that were admitted under it. left: processes that must be gone before others are."""

    words: str = ""
    run_id: int = 0
    left: tuple[Process, ...] = ()
    kind: str = ""
