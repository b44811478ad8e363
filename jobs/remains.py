"""What is left of a process that ended: the name of the signal that ended it, and its last words.

Public names: name_signal, read_last_words.
"""

from __future__ import annotations

import signal
from pathlib import Path

TAIL = 4_000


def name_signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def read_last_words(path: Path) -> str:
    """The last line that a process wrote on stderr, whatever bytes it has; "" for none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return "".join(char if char.isprintable() else "\ufffd" for char in lines[-1][:500]) if lines else ""
