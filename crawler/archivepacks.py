"""Reads the pages in a ZIP or TAR without writing anything to the disk: no path of theirs leads anywhere.

Public names: read_pack.

Archives within archives are not opened, links and devices not followed; sizes are counted while unpacking, never believed.
"""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import IO, BinaryIO, cast

from crawler.archivefiles import ArchiveBroken, Source, open_entry, read_time
from crawler.archivepages import MAX_MHTML, read_html_file, read_mhtml
from crawler.archives import GIANT, MAX_BODY, NOT_TEXT, Record
from crawler.archivestreams import FREE, MAX_RATIO, Stream

MAX_NAMES = 1_000_000
MAX_DIRECTORY = 256 * 1024 * 1024
_NESTED = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst", ".warc")
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
)
NESTED = "an archive within the archive: unpack it and import it by itself"
UNSAFE = "its name leads out of the archive"
BOMB = "it unpacks to far more than its size, as no page does"


def read_pack(source: Source) -> Iterator[Record]:
    """The pages of a ZIP, TAR, TAR.GZ or TAR.ZST."""
    with open_entry(source.path) as file:
        if file.read(4) == b"PK\x03\x04":
            yield from _read_zip(source, file)
        else:
            file.seek(0)
            yield from _read_tar(file)


def _read_zip(source: Source, file: BinaryIO) -> Iterator[Record]:
    try:
        pack = zipfile.ZipFile(file)
        infos = pack.infolist()
    except (*_BROKEN, UnicodeDecodeError, ValueError) as exc:
        raise ArchiveBroken("the list of files at its end cannot be read: it was cut, or is no ZIP") from exc
    if len(infos) > MAX_NAMES:
        raise ArchiveBroken(f"it has more than {MAX_NAMES:,} files")
    made = 0
    seen: dict[str, int] = {}
    for info in infos:
        if info.is_dir():
            continue
        place = _place(info.filename, seen)
        trouble = _check_name(info.filename)
        if (info.external_attr >> 16) & 0o170000 == 0o120000:
            trouble = "a symbolic link: links are not followed"
        elif info.flag_bits & 1:
            trouble = "it is encrypted"
        if trouble:
            yield Record(place, "", trouble=trouble)
            continue
        limit = _limit(info.filename)
        try:
            with pack.open(info) as part:
                raw = _read_up_to(part, limit + 1)
        except (*_BROKEN, RuntimeError, ValueError):
            yield Record(place, "", trouble="it cannot be unpacked")
            continue
        made += len(raw)
        if made > FREE and made > MAX_RATIO * source.size:
            raise ArchiveBroken(
                f"it unpacks to more than {MAX_RATIO} times its size: the rest was left packed"
            )
        if len(raw) > MAX_RATIO * max(info.compress_size, 1) and len(raw) > 1024 * 1024:
            yield Record(place, "", trouble=BOMB)
            continue
        try:
            at = datetime(*info.date_time, tzinfo=UTC)
        except ValueError:
            at = None
        for record in _read_one(place, raw, at, limit):
            yield replace(record, done=min(info.header_offset + info.compress_size, source.size))


def _read_tar(file: BinaryIO) -> Iterator[Record]:
    stream = Stream(file)
    seen: dict[str, int] = {}
    try:
        with tarfile.open(fileobj=cast(IO[bytes], _Reader(stream)), mode="r|", errorlevel=1) as pack:
            for number, info in enumerate(pack):
                pack.members = []  # type: ignore[attr-defined]  # it would remember every name
                if number >= MAX_NAMES:
                    raise ArchiveBroken(f"it has more than {MAX_NAMES:,} files")
                if info.isdir():
                    continue
                place = _place(info.name, seen)
                trouble = _check_name(info.name)
                if info.issym() or info.islnk():
                    trouble = "a symbolic link: links are not followed"
                elif not info.isreg():
                    trouble = "no regular file (a device, a pipe or a socket)"
                part = None if trouble else pack.extractfile(info)
                if part is None:
                    yield Record(place, "", trouble=trouble or "it cannot be unpacked", done=stream.packed)
                    continue
                limit = _limit(info.name)
                raw = _read_up_to(part, limit + 1)
                if len(raw) < min(info.size, limit):
                    yield Record(place, "", trouble="the archive ends within it", done=stream.packed)
                    break
                for record in _read_one(place, raw, read_time(info.mtime), limit):
                    yield replace(record, done=stream.packed)
    except (*_BROKEN, ValueError, RecursionError) as exc:
        raise ArchiveBroken("it cannot be read on: it was cut, or is no TAR") from exc
    if stream.cut or stream.gaps:
        raise ArchiveBroken("its end is missing or damaged")


class _Reader:
    """What tarfile asks of a stream: read alone."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        return self._stream.read(size)


def _read_up_to(part: IO[bytes], limit: int) -> bytes:
    raw = bytearray()
    while len(raw) < limit and (more := part.read(min(65536, limit - len(raw)))):
        raw += more
    return bytes(raw)


def _limit(name: str) -> int:
    return MAX_MHTML if name.lower().endswith((".mhtml", ".mht")) else MAX_BODY


def _check_name(name: str) -> str:
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or parts[0][1:2] == ":":
        return UNSAFE
    return NESTED if name.lower().endswith(_NESTED) else ""


def _place(name: str, seen: dict[str, int]) -> str:
    """Two files of one name are two records."""
    name = name.encode("utf-8", "backslashreplace").decode()
    seen[name] = seen.get(name, 0) + 1
    return name if seen[name] == 1 else f"{name} (no. {seen[name]})"


def _read_one(place: str, raw: bytes, at: datetime | None, limit: int) -> Iterator[Record]:
    if len(raw) > limit:
        yield Record(place, "", trouble=GIANT)
    elif not raw:
        yield Record(place, "", trouble=NOT_TEXT)
    elif limit == MAX_MHTML:
        yield from read_mhtml(place, raw, changed_at=at)
    else:
        yield read_html_file(place, raw, changed_at=at)
