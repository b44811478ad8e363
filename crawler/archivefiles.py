"""The files of an archive as they lie on the disk: found without following links out of it, hashed, opened safely.

Public names: ArchiveError, ArchiveBroken, Source, Entry, open_source, open_entry, Refused.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

from crawler.errors import CrawlError

MAX_NAMES = 2_000_000
"""Files of one folder with all that is in it."""
MAX_DEPTH = 100
_CHUNK = 1024 * 1024

Progress = Callable[[int, int], None]
"""Called with (records, bytes) done."""


class ArchiveError(CrawlError):
    """An archive cannot be imported; says what to do."""


class ArchiveBroken(ArchiveError):
    """From here on an archive cannot be read; what came before is whole."""


@dataclass(frozen=True)
class Entry:
    """One file. name: its path within the archive, with /; trouble: why it cannot be read, then there is no more."""

    name: str
    path: bytes
    size: int = 0
    changed_at: datetime | None = None
    sha256: str = ""
    trouble: str = ""


@dataclass(frozen=True)
class Source:
    """An archive as received. sha256: of the file; of a folder, that of its files' names and hashes in order."""

    path: Path
    name: str
    is_folder: bool
    sha256: str
    size: int
    files: int
    stamp: tuple[int, ...] = ()
    """Of a file: what shows that it was changed after it was hashed."""

    def is_changed(self) -> bool:
        try:
            return bool(self.stamp) and _stamp(self.path.stat()) != self.stamp
        except OSError:
            return True


def open_source(path: Path, *, progress: Progress | None = None) -> Source:
    """Look at the file or folder and hash all of it. ArchiveError when it is neither, or nothing at all."""
    try:
        facts = path.stat()  # the person named it: a link at the very top is their own
    except (OSError, ValueError) as exc:
        raise ArchiveError(f"{path} cannot be read: {getattr(exc, 'strerror', None) or exc}.") from exc
    name = path.resolve().name or "/"
    if stat.S_ISREG(facts.st_mode):
        entry = Entry(name, os.fsencode(path.resolve()), facts.st_size)
        sha256 = _hash_file(entry.path, progress, 0)
        return Source(path.resolve(), name, False, sha256, facts.st_size, 1, _stamp(facts))
    if not stat.S_ISDIR(facts.st_mode):
        raise ArchiveError(f"{path} is neither a file nor a folder, so it is not read.")
    digest = hashlib.sha256()
    size = files = 0
    for entry in walk(path.resolve()):
        sha256 = entry.trouble
        if not entry.trouble:
            try:
                sha256 = _hash_file(entry.path, progress, size, files)
            except OSError:
                sha256 = "unreadable"
        digest.update(os.fsencode(entry.name) + b"\0" + sha256.encode() + b"\n")
        size += entry.size
        files += 1
    if files == 0:
        raise ArchiveError(f"The folder {path} is empty: there is nothing to import.")
    return Source(path.resolve(), name, True, digest.hexdigest(), size, files)


def _stamp(facts: os.stat_result) -> tuple[int, ...]:
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


def walk(folder: Path) -> Iterator[Entry]:
    """All files of a folder by name, folder by folder; links and devices come as entries with a trouble.

    ArchiveError when there are more than this is made for.
    """
    count = 0
    pending: list[tuple[bytes, str, int]] = [(os.fsencode(folder), "", 0)]
    while pending:
        path, prefix, depth = pending.pop()
        deeper: list[tuple[bytes, str, int]] = []
        try:
            with os.scandir(path) as found:
                names = []
                for item in found:
                    names.append(item.name)
                    count += 1
                    if count > MAX_NAMES:
                        raise ArchiveError(
                            f"The folder {folder} has more than {MAX_NAMES:,} names. Import its folders one by one."
                        )
        except OSError:
            yield Entry(prefix.rstrip("/") or ".", path, trouble="a folder cannot be opened")
            continue
        for name in sorted(names):
            entry = _look(path + b"/" + name, prefix + _show(name))
            if entry is None:
                if depth >= MAX_DEPTH:
                    yield Entry(prefix + _show(name), path, trouble="folders are nested too deep")
                else:
                    deeper.append((path + b"/" + name, f"{prefix}{_show(name)}/", depth + 1))
            else:
                yield entry
        pending.extend(reversed(deeper))


def _show(name: bytes) -> str:
    """A name as text: bytes that are no UTF-8 as \\xNN, so that two names never look the same."""
    return name.decode("utf-8", "backslashreplace")


def _look(path: bytes, name: str) -> Entry | None:
    """None for a folder."""
    try:
        facts = os.lstat(path)
    except OSError:
        return Entry(name, path, trouble="a file cannot be opened")
    if stat.S_ISDIR(facts.st_mode):
        return None
    if stat.S_ISLNK(facts.st_mode):
        return Entry(name, path, trouble="a symbolic link: links are not followed")
    if not stat.S_ISREG(facts.st_mode):
        return Entry(name, path, trouble="no regular file (a device, a pipe or a socket)")
    return Entry(name, path, facts.st_size, read_time(facts.st_mtime))


def read_time(seconds: float) -> datetime | None:
    """A file's date; None for one outside what a date can be."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def open_entry(path: bytes | Path) -> BinaryIO:
    """Open a regular file for reading: a link or a pipe that stands there meanwhile is refused. OSError."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("no regular file")
    return cast(BinaryIO, os.fdopen(descriptor, "rb"))


def _hash_file(path: bytes, progress: Progress | None, before: int, files: int = 0) -> str:
    digest = hashlib.sha256()
    done = before
    with open_entry(path) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            if progress is not None:
                progress(files, done)
    return digest.hexdigest()
