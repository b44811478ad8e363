"""How a command reaches a running hard lab: open_wishes, ask, answer_wishes.

A wish is a file in the lab's folder; the lab does it and writes the answer beside it. No port, so nothing to protect but
the folder, which is closed to others.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from lab.errors import LabError

_FOLDER = "wishes"
_MOST = 1_000


def open_wishes(folder: Path) -> None:
    """Begin to listen."""
    (folder / _FOLDER).mkdir(mode=0o700, exist_ok=True)


def ask(folder: Path, verb: str, site: str, *, seconds: float = 20.0) -> str:
    """Have something done by the lab of that folder; what was done. LabError when it was not."""
    place = folder / _FOLDER
    name = f"{time.time_ns()}-{secrets.token_hex(4)}"
    draft, wish, answer = place / f"{name}.draft", place / f"{name}.wish", place / f"{name}.answer"
    try:
        draft.write_text(json.dumps({"verb": verb, "site": site}), encoding="utf-8")
        draft.rename(wish)
    except FileNotFoundError as exc:
        raise LabError(
            "No hard lab runs there. Start one with: tuskwatch lab up --hard (take a plain one down first)."
        ) from exc
    deadline = time.monotonic() + seconds
    while not answer.exists():
        if time.monotonic() > deadline:
            wish.unlink(missing_ok=True)
            raise LabError(f"The lab did not answer within {seconds:.0f} s. See: tuskwatch lab status")
        time.sleep(0.05)
    words = json.loads(answer.read_text(encoding="utf-8"))
    answer.unlink(missing_ok=True)
    if "error" in words:
        raise LabError(words["error"])
    return str(words["done"])


def answer_wishes(folder: Path, carry_out: Callable[[str, str], str]) -> None:
    """Do what was wished since the last look."""
    for wish in sorted((folder / _FOLDER).glob("*.wish"))[:_MOST]:
        try:
            raw = json.loads(wish.read_text(encoding="utf-8"))
            words = {"done": carry_out(str(raw["verb"]), str(raw["site"]))}
        except (LabError, ValueError, KeyError, TypeError) as exc:
            words = {"error": str(exc)}
        draft = wish.with_suffix(".draft")
        draft.write_text(json.dumps(words), encoding="utf-8")
        draft.replace(wish.with_suffix(".answer"))
        wish.unlink()
