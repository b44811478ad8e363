"""What a backup is on disk: one folder with a manifest that names each of its files, its size and its SHA-256.

Public names: Manifest, FileLine, FORMAT, MANIFEST, SUMS, DATABASE, DUMP, ENGINE_FILE, ENGINE_DUMP, NAME, read_manifest,
write_manifest, check_files, copy_file, hash_file, find_data_files, sync_folder,
sync_name.

A backup may come from anywhere, so nothing in it is believed: paths that leave the folder, links and files that the
manifest does not name are refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from jobs.errors import JobError
from jobs.places import Places
from storage.backupcheck import Check

FORMAT: Literal[1] = 1
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
DATABASE = "database/tuskwatch.db"
DUMP = "database/tuskwatch.dump"
ENGINE_FILE = "database/engine.db"
ENGINE_DUMP = "database/engine.dump"
DATA = "data/"
NAME = re.compile(r"tuskwatch-\d{8}T\d{6}Z")
"""How the folder of a backup is called."""
FOLDERS = ("sites", "reports")
FILES = ("deny.yml", "notices.yml", "retention.yml")
MAX_MANIFEST = 64 * 1024 * 1024
MAX_FILES = 200_000
PIECE = 1 << 20
PRIVATE = (b"AGE-SECRET-KEY-1", b"-----BEGIN PGP PRIVATE KEY BLOCK", b"PRIVATE KEY-----")
"""What must not get into a backup, wherever somebody laid it."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Look = Callable[[int], None]
"""Called with the bytes just done; it may raise to end the work."""


class FileLine(BaseModel):
    """One file of the backup. path: with slashes, relative to the backup's folder."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    path: Annotated[str, Field(min_length=1, max_length=1000)]
    size: Annotated[int, Field(ge=0)]
    sha256: Sha256

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        parts = value.split("/")
        if any(part in ("", ".", "..") for part in parts) or not value.isprintable() or "\\" in value:
            raise ValueError("is not a path inside the backup")
        if parts[0] not in ("database", "data") or len(parts) < 2:
            raise ValueError("is neither in database/ nor in data/")
        return value


class Manifest(BaseModel):
    """What a backup says of itself. rows: of each table, as counted in the copy itself; model: the lines of CURRENT."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: Literal[1]
    name: Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
    tuskwatch: Annotated[str, Field(max_length=40)]
    made_at: datetime
    by: Annotated[str, Field(max_length=200)]
    run: int | None = None
    database: Literal["sqlite", "postgresql"]
    server: int = 0
    """Main version of PostgreSQL; 0 for SQLite."""
    tool: int = 0
    """Main version of the pg_dump that wrote it."""
    revision: Annotated[str, Field(max_length=40)]
    """Of the database's schema."""
    origin: Sha256
    audit_head: Sha256
    rows: dict[str, int]
    engine_rows: dict[str, int] | None = None
    model: list[str]
    left_out: list[str]
    files: Annotated[list[FileLine], Field(max_length=MAX_FILES)]

    @model_validator(mode="after")
    def _names_each_once(self) -> Manifest:
        paths = {line.path for line in self.files}
        if len(paths) != len(self.files):
            raise ValueError("a file is named twice")
        if (DATABASE if self.database == "sqlite" else DUMP) not in paths:
            raise ValueError("it names no copy of the database")
        return self

    def find(self, path: str) -> FileLine | None:
        return next((line for line in self.files if line.path == path), None)


def write_manifest(folder: Path, manifest: Manifest) -> str:
    """Write manifest.json and SHA256SUMS (which `sha256sum -c` reads); the SHA-256 of the manifest."""
    text = manifest.model_dump_json(indent=1).encode() + b"\n"
    for name, content in ((MANIFEST, text), (SUMS, _list_sums(manifest, text))):
        with open_new(folder / name) as file:
            os.write(file, content)
            os.fsync(file)
    return hashlib.sha256(text).hexdigest()


def read_manifest(folder: Path) -> tuple[Manifest, str]:
    """The manifest of a backup and its SHA-256. JobError, in words, when this is no backup or an altered one."""
    if not folder.is_dir():
        raise JobError(f"{folder} is not a backup: it is not a folder.")
    try:
        text, sums = _read_bounded(folder / MANIFEST), _read_bounded(folder / SUMS)
        found = json.loads(text)
        if isinstance(found, dict) and isinstance(found.get("format"), int) and found["format"] > FORMAT:
            raise JobError(
                f"{folder.name} was made by a newer version of Tuskwatch. Install that one, and try again."
            )
        manifest = Manifest.model_validate(found)
    except FileNotFoundError as exc:
        raise JobError(f"{folder} is not a whole backup: {Path(exc.filename).name} is missing.") from exc
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise JobError(f"The manifest of {folder.name} is wrong: {where} {first['msg']}.") from exc
    except (ValueError, RecursionError) as exc:
        raise JobError(f"The manifest of {folder.name} cannot be read: it is damaged.") from exc
    if sums != _list_sums(manifest, text):
        raise JobError(f"The manifest of {folder.name} was altered: {SUMS} says otherwise.")
    return manifest, hashlib.sha256(text).hexdigest()


def _list_sums(manifest: Manifest, text: bytes) -> bytes:
    lines = [f"{hashlib.sha256(text).hexdigest()}  {MANIFEST}"]
    lines += [f"{line.sha256}  {line.path}" for line in manifest.files]
    return "\n".join(lines).encode() + b"\n"


def _read_bounded(path: Path) -> bytes:
    with _open_plain(path) as file:
        size = os.fstat(file).st_size
        if size > MAX_MANIFEST:
            raise JobError(f"{path.name} has {size:,} bytes; at most {MAX_MANIFEST:,} are read.")
        parts = []
        while piece := os.read(file, PIECE):
            parts.append(piece)
        return b"".join(parts)


def check_files(folder: Path, manifest: Manifest, *, look: Look) -> Check:
    """Is every file that the manifest names there with its bytes, and nothing else?"""
    wanted = {line.path: line for line in manifest.files}
    faults = []
    for path, plain in _walk(folder):
        if path in (MANIFEST, SUMS):
            continue
        if not plain:
            faults.append(f"{path} is a link or no plain file")
        elif path not in wanted:
            faults.append(f"{path} is not named in the manifest")
        else:
            line = wanted.pop(path)
            if (size := (folder / path).stat().st_size) != line.size:
                faults.append(f"{path} has {size:,} bytes instead of {line.size:,}")
            elif hash_file(folder / path, look=look) != line.sha256:
                faults.append(f"{path} was altered: its SHA-256 is another one")
    faults += [f"{path} is missing" for path in sorted(wanted)]
    if faults:
        more = f", and {len(faults) - 5} more" if len(faults) > 5 else ""
        return Check("files", False, f"{'; '.join(faults[:5])}{more}.")
    return Check("files", True, f"{len(manifest.files):,} files have their size and their SHA-256.")


def _walk(folder: Path, under: str = "") -> Iterator[tuple[str, bool]]:
    """(path, is it a plain file) of all that is in a folder. Links are never followed."""
    with os.scandir(folder / under) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = f"{under}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(folder, f"{path}/")
            else:
                yield path, entry.is_file(follow_symlinks=False)


def find_data_files(places: Places) -> tuple[list[str], list[str]]:
    """The files of the data folder that belong into a backup, and what lies among them and does not, with why."""
    take, leave = [], []
    folders = [name for name in FOLDERS if (places.data / name).is_dir()]
    if places.models.is_relative_to(places.data) and places.models.is_dir():
        folders.append(places.models.relative_to(places.data).as_posix())
    found = [(name, True) for name in FILES if (places.data / name).is_file()]
    for folder in folders:
        found += [(f"{folder}/{path}", plain) for path, plain in _walk(places.data / folder)]
    for path, plain in found:
        whole = places.data / path
        if not plain or whole.is_symlink():
            leave.append(f"{path}: a link or no plain file")
        elif not path.isprintable() or "\\" in path or len(path) > 900:
            leave.append(
                f"{path.encode('utf-8', 'backslashreplace').decode()[:200]}: a name that cannot be kept"
            )
        elif places.key_file is not None and whole.resolve() == places.key_file.resolve():
            leave.append(f"{path}: the key of sealed sessions")
        elif is_private(whole):
            leave.append(f"{path}: holds a private key")
        else:
            take.append(path)
    return take, leave


def is_private(path: Path) -> bool:
    """Does a private key stand at its beginning?"""
    with path.open("rb") as file:
        start = file.read(PIECE)
    return any(mark in start for mark in PRIVATE)


class open_new:
    """A new file (mode 600) as a descriptor; its folders (mode 700) are made. FileExistsError when there is one."""

    def __init__(self, path: Path) -> None:
        missing = [parent for parent in path.parents if not parent.exists()]
        for parent in reversed(missing):
            parent.mkdir(mode=0o700, exist_ok=True)
        self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)

    def __enter__(self) -> int:
        return self._file

    def __exit__(self, *_: object) -> None:
        os.close(self._file)


class _open_plain:
    """A plain file as a descriptor to read from; a link is no such file."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as exc:
            if isinstance(exc, FileNotFoundError):
                raise
            raise JobError(f"{path.name} cannot be opened: {exc.strerror}.") from exc
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            os.close(self._file)
            raise JobError(f"{path.name} is not a plain file.")

    def __enter__(self) -> int:
        return self._file

    def __exit__(self, *_: object) -> None:
        os.close(self._file)


def hash_file(path: Path, *, look: Look) -> str:
    digest = hashlib.sha256()
    with _open_plain(path) as file:
        while piece := os.read(file, PIECE):
            digest.update(piece)
            look(len(piece))
    return digest.hexdigest()


def copy_file(source: Path, to: Path, *, path: str, look: Look) -> FileLine:
    """Copy a plain file into a new one; the line that describes the bytes that were written."""
    digest, size = hashlib.sha256(), 0
    with _open_plain(source) as file, open_new(to) as out:
        while piece := os.read(file, PIECE):
            digest.update(piece)
            size += len(piece)
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(out, rest) :]
            look(len(piece))
        os.fsync(out)
    return FileLine(path=path, size=size, sha256=digest.hexdigest())


def sync_folder(folder: Path) -> None:
    """Make sure that the names in this folder, and in those within, survive a loss of power."""
    for path, _, _ in os.walk(folder):
        sync_name(Path(path))


def sync_name(folder: Path) -> None:
    """The same for the names in this one folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
