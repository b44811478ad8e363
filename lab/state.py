"""What is written down about a running lab, and how its leavings are found and removed: State, claim, read_state,
write_state, is_running, sweep.

The lab's folder holds `lab.json` from the first moment to the last: a folder without it is never deleted, and one whose
processes are all gone is stale and may be.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.processes import Identity, end_processes, identify, is_alive

_NAME = "lab.json"
_LEARNT = "expected.yml"
"""What the product writes beside a site file after the first healthy run: it is about sites that are gone then."""


@dataclass(frozen=True)
class SiteState:
    """One running site: its onion, and the port where its web server listens on 127.0.0.1."""

    name: str
    title: str
    onion: str
    web_port: int
    listings: int


@dataclass(frozen=True)
class State:
    """One lab. `phase`: starting or running. `holders` are the processes that will clean up: starter, keeper, supervisor.

    `nodes` are its tor processes. `written` maps each file put into the data folder to the SHA-256 of its bytes.
    """

    folder: str
    phase: str = "starting"
    percent: int = 0
    text: str = ""
    data: str | None = None
    seed: int = 0
    listings: int = 0
    today: str = ""
    socks_port: int = 0
    control_port: int = 0
    started_at: str = ""
    holders: dict[str, Identity] = field(default_factory=dict)
    nodes: dict[str, Identity] = field(default_factory=dict)
    sites: tuple[SiteState, ...] = ()
    written: dict[str, str] = field(default_factory=dict)
    hard: dict[str, Any] | None = None
    """The options of a hard lab (lab.options); None for a plain one."""


def claim(state: State) -> None:
    """Take an unused folder for a new lab: made if need be, and marked before anything else is put into it."""
    folder = Path(state.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        foreign = [entry.name for entry in folder.iterdir()]
    except OSError as exc:
        raise LabError(
            f"The lab's folder {folder} cannot be used: {exc.strerror}. Choose another folder."
        ) from exc
    if foreign:
        raise LabError(
            f"The folder {folder} is not empty and no lab made it. Choose another folder for the lab."
        )
    ready = folder / f"{_NAME}.{os.getpid()}"
    ready.write_text(_encode(state), encoding="utf-8")
    try:
        os.link(ready, folder / _NAME)  # fails when another start was faster, and never shows half a file
    except FileExistsError as exc:
        raise LabError(f"Another lab is starting in {folder}.") from exc
    finally:
        ready.unlink()


def read_state(folder: Path) -> State | None:
    """The lab of that folder, running or not; None when there is none."""
    try:
        raw = json.loads((folder / _NAME).read_text(encoding="utf-8"))
        return _decode(raw)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as exc:
        raise LabError(
            f"{folder / _NAME} cannot be read ({exc}). Delete the folder {folder} by hand."
        ) from exc


def write_state(state: State) -> None:
    """Replace the state file in one step. Does nothing when the folder is gone (the lab is being taken down)."""
    folder = Path(state.folder)
    draft = folder / f"{_NAME}.{os.getpid()}"
    try:
        draft.write_text(_encode(state), encoding="utf-8")
        draft.replace(folder / _NAME)
    except FileNotFoundError:
        return


def is_running(state: State) -> bool:
    """Whether any process that answers for this lab lives."""
    return any(is_alive(holder) for holder in state.holders.values())


def with_holder(state: State, name: str, pid: int) -> State:
    """The state with one more process that answers for it."""
    identity = identify(pid)
    holders = dict(state.holders) if identity is None else {**state.holders, name: identity}
    return replace(state, holders=holders)


def sweep(state: State) -> None:
    """Remove everything a lab left: its tor processes, its files in the data folder (unless edited since), its folder."""
    end_processes(state.nodes.values(), seconds=3.0)
    remove_written(state)
    folder = Path(state.folder)
    if (folder / _NAME).exists():
        for entry in folder.iterdir():  # lab.json goes last: an interrupted sweep is found and done again
            if entry.name == _NAME:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
        (folder / _NAME).unlink(missing_ok=True)
    try:
        folder.rmdir()
    except OSError:  # already gone, or somebody put a file there: then it is theirs
        return


def remove_written(state: State) -> None:
    """Take the lab's site files and tor.yml out of the data folder again, and the site folders this leaves empty."""
    for name, digest in state.written.items():
        path = Path(name)
        try:
            if hashlib.sha256(path.read_bytes()).hexdigest() == digest:
                path.unlink()
                if path.name == "site.yml":
                    (path.parent / _LEARNT).unlink(missing_ok=True)
            if path.name == "site.yml":
                path.parent.rmdir()
                path.parent.parent.rmdir()
        except OSError:  # gone already, or the folder holds something of the user's
            continue


def _encode(state: State) -> str:
    return json.dumps(asdict(state), indent=1, sort_keys=True)


def _decode(raw: dict[str, Any]) -> State:
    raw["holders"] = {name: Identity(**value) for name, value in raw["holders"].items()}
    raw["nodes"] = {name: Identity(**value) for name, value in raw["nodes"].items()}
    raw["sites"] = tuple(SiteState(**value) for value in raw["sites"])
    return State(**raw)
