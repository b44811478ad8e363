"""Reads WARC 1.0 and 1.1 record by record, stepping over what is broken.

Public names: read_warc.

The format by hand, because records come from strangers: each length, count and line is bounded, a record that lies about
its length is given up and the next one found by its own beginning. A record's place is its offset in the unpacked archive.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from crawler.archivefiles import ArchiveBroken
from crawler.archives import GIANT, MAX_BODY, MAX_URL, NOT_TEXT, REVISIT, Record, file_url, hash_body, is_text
from crawler.archivestreams import CHUNK, Stream

MAX_HEADER = 64 * 1024
MAX_HEADERS = 500
MAX_LENGTH = 1 << 44
MAX_KEPT = 64 * 1024 * 1024
"""Bytes of the last pages that are kept for revisits."""
_MARK = b"WARC/1."
_START = re.compile(rb"WARC/1\.[01]\r?\n")
_STATUS = re.compile(r"HTTP/\d(?:\.\d)? +(\d{3})(?: +(.*))?$")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,200})?\r?\n")

BAD_HEADER = "its WARC header cannot be read"
BAD_LENGTH = "its length is wrong: the next record begins within it"
BAD_HTTP = "its HTTP header cannot be read"
CUT = "the archive ends within it"

Headers = tuple[tuple[str, str], ...]


def read_warc(stream: Stream) -> Iterator[Record]:
    """All responses and resources. ArchiveBroken after the last whole record when the archive was cut or damaged."""
    strays = 0
    seen = _Seen()
    while True:
        while stream.peek(1) in (b"\r", b"\n"):
            stream.read(1)
        if not stream.peek(1):
            break
        if not _START.match(stream.peek(12)):
            strays += 1
            place = f"offset {stream.offset}"
            found = _find_next(stream)
            # What lies between two records belongs to none: it cannot be a page, but it may be what is left of one.
            yield Record(place, "", trouble=BAD_HEADER, done=stream.packed)
            if not found:
                break
            continue
        yield from _read_record(stream, seen)
    if stream.cut:
        raise ArchiveBroken("its end is missing: it was cut within a packed part")
    if stream.gaps:
        raise ArchiveBroken(f"it is damaged in {stream.gaps} places, which were stepped over")


def _find_next(stream: Stream) -> bool:
    while stream.seek_mark(_MARK):
        if _START.match(stream.peek(12)):
            return True
        stream.read(1)
    return False


def _read_record(stream: Stream, seen: _Seen) -> Iterator[Record]:
    start = stream.offset
    place = f"offset {start}"
    headers = _read_headers(stream)
    named = {name.lower(): value for name, value in headers} if headers is not None else {}
    length = named.get("content-length", "")
    if headers is None or not re.fullmatch(r"[0-9]{1,14}", length) or int(length) > MAX_LENGTH:
        yield Record(place, "", trouble=BAD_HEADER, done=stream.packed)
        return
    size = int(length)
    kind = named.get("warc-type", "").lower()
    if size > MAX_BODY + MAX_HEADER:
        sha256, whole = _pass_over(stream, size)
        if kind in ("response", "resource"):
            yield Record(place, sha256, trouble=GIANT if whole else CUT, done=stream.packed)
        return
    block = stream.read(size)
    if len(block) < size or not _ends_well(stream):
        again = _find_inner(block)
        if again >= 0:
            stream.put_back(block[again:])
            yield Record(place, "", trouble=BAD_LENGTH, done=stream.packed)
            return
        if len(block) < size:
            yield Record(place, hash_body(block), trouble=CUT, done=stream.packed)
            raise ArchiveBroken("its end is missing: it was cut within a record")
        # The length is too short, and the rest is stepped over: such a page would be half a page.
        yield Record(place, "", trouble="its length is wrong: it goes on behind its end", done=stream.packed)
        _find_next(stream)
        return
    record = seen.find(place, named, block) if kind == "revisit" else _make_record(place, kind, named, block)
    if record is not None:
        seen.keep(named, record)
        yield replace(record, done=stream.packed)


class _Seen:
    """The last pages of the archive, by the names under which a later record may say that they were seen again."""

    def __init__(self) -> None:
        self._records: OrderedDict[str, Record] = OrderedDict()
        self._size = 0

    def keep(self, named: dict[str, str], record: Record) -> None:
        if record.body is None:
            return
        for name in ("warc-record-id", "warc-payload-digest"):
            key = named.get(name, "")[:200]
            if key and key not in self._records:
                self._records[key] = record
                self._size += len(record.body)
        while self._size > MAX_KEPT:
            _, dropped = self._records.popitem(last=False)
            self._size -= len(dropped.body or b"")

    def find(self, place: str, named: dict[str, str], block: bytes) -> Record:
        """A revisit, with the body of the page that it means; what the server said then stands for what it said now."""
        for name in ("warc-refers-to", "warc-payload-digest"):
            first = self._records.get(named.get(name, "")[:200])
            if first is not None:
                date = read_date(named.get("warc-date", ""))
                url = named.get("warc-target-uri", "").strip("<>")[:MAX_URL] or first.url
                note = f"the archive says that the page was unchanged (revisit); the body is that of {first.place}"
                return replace(
                    first,
                    place=place,
                    url=url,
                    received_at=date or first.received_at,
                    note=f"{first.note}; {note}",
                )
        return Record(place, hash_body(block), trouble=REVISIT)


def _ends_well(stream: Stream) -> bool:
    """Does an empty line, a record or the end follow? Many writers are careless with the two line ends."""
    after = stream.peek(16)
    return not after or bool(re.match(rb"[\r\n]{0,8}(?:WARC/1\.|$)", after)) or after.startswith(b"\r\n\r\n")


def _find_inner(block: bytes) -> int:
    found = re.search(rb"(?:\r?\n)WARC/1\.[01]\r?\n", block)
    return found.end() - len(found[0].lstrip(b"\r\n")) if found else -1


def _read_headers(stream: Stream) -> Headers | None:
    """The named fields of a record or None when there are too many, too long or unlike any."""
    left = MAX_HEADER
    lines: list[bytes] = []
    stream.read_line(64)  # WARC/1.x
    while True:
        line = stream.read_line(left)
        left -= len(line)
        if not line.endswith(b"\n") or left <= 0 or len(lines) > MAX_HEADERS:
            return None
        if not line.strip():
            return _split(lines)
        lines.append(line)


def _split(lines: list[bytes]) -> Headers:
    """Header lines as pairs, folded ones joined; a line without a colon is left out."""
    pairs: list[tuple[str, str]] = []
    for line in lines:
        try:
            text = line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            text = line.decode("latin-1").rstrip("\r\n")
        if text[:1] in (" ", "\t") and pairs:
            name, value = pairs[-1]
            pairs[-1] = (name, f"{value} {text.strip()}")
            continue
        name, colon, value = text.partition(":")
        if colon and name.strip():
            pairs.append((name.strip()[:200], value.strip()))
    return tuple(pairs)


def _pass_over(stream: Stream, size: int) -> tuple[str, bool]:
    """Hash so many bytes without keeping them; (hash, were they all there)."""
    digest = hashlib.sha256()
    left = size
    while left and (part := stream.read(min(left, CHUNK))):
        digest.update(part)
        left -= len(part)
    return digest.hexdigest(), left == 0


def _make_record(place: str, kind: str, named: dict[str, str], block: bytes) -> Record | None:
    """None for what is no page: requests, metadata, the archive's own information."""
    if kind not in ("response", "resource"):
        return None
    date = read_date(named.get("warc-date", ""))
    url = named.get("warc-target-uri", "").strip("<>")[:MAX_URL]
    notes = ["imported; the time is that of the archive (WARC-Date)"]
    if date is None:
        notes = ["imported; the archive names no time: that of the import stands for it"]
    if not url:
        url = file_url(place)
        notes.append("the archive names no address")
    base = Record(place, "", url=url, received_at=date)
    if kind == "resource":
        content_type = named.get("content-type", "")[:200]
        notes.append("no answer of a server is in the archive; 200 stands for its status")
        if not is_text(content_type, block):
            return replace(base, sha256=hash_body(block), trouble=NOT_TEXT)
        return replace(
            base,
            sha256=hash_body(block),
            body=block,
            status=200,
            content_type=content_type,
            note="; ".join(notes),
        )
    if not url.lower().startswith(("http:", "https:", "file:")):
        return replace(base, sha256=hash_body(block), trouble=NOT_TEXT)  # dns: and the like
    return _make_response(base, block, notes)


def _make_response(base: Record, block: bytes, notes: list[str]) -> Record:
    ends = re.search(rb"\r?\n\r?\n", block[: MAX_HEADER + 4])
    head = block[: ends.start()] if ends else b""
    lines = head.split(b"\n")
    status = _STATUS.match(lines[0].decode("latin-1").rstrip("\r"))
    if ends is None or status is None or len(lines) > MAX_HEADERS:
        return replace(base, sha256=hash_body(block), trouble=BAD_HTTP)
    headers = _split(lines[1:])
    body = block[ends.end() :]
    sha256 = hash_body(body)
    content_type = _join(headers, "content-type")[:200]
    encoding = _join(headers, "content-encoding")[:100]
    if _join(headers, "transfer-encoding").lower() == "chunked":
        plain = undo_chunks(body)
        if plain is not None:
            body = plain
            notes.append("put together from its chunks")
    # A packed body without a type cannot be looked at here: the reader does that.
    if not is_text(content_type, b"" if encoding else body):
        return replace(base, sha256=sha256, trouble=NOT_TEXT)
    if len(body) > MAX_BODY:
        return replace(base, sha256=sha256, trouble=GIANT)
    return replace(
        base,
        sha256=sha256,
        body=body,
        status=int(status[1]),
        reason=(status[2] or "").strip()[:200],
        headers=headers,
        content_type=content_type,
        content_encoding=encoding,
        note="; ".join(notes),
    )


def undo_chunks(body: bytes) -> bytes | None:
    """A chunked body put together; None when it is none (many writers undo chunks and leave the header)."""
    parts: list[bytes] = []
    at = 0
    while True:
        size = _CHUNK_SIZE.match(body, at)
        if size is None:
            return None
        length = int(size[1], 16)
        at = size.end() + length
        if length == 0:
            return b"".join(parts)
        if at > len(body):
            return None
        parts.append(body[size.end() : at])
        ending = re.compile(rb"\r?\n").match(body, at)
        if ending is None:
            return None
        at = ending.end()


def read_date(text: str) -> datetime | None:
    """A W3C date with its time, up to nanoseconds, in UTC; None for anything else."""
    found = re.fullmatch(
        r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z", text.strip(), re.ASCII
    )
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    try:
        return datetime(year, month, day, hour, minute, second, int((found[7] or "0")[:6].ljust(6, "0")), UTC)
    except ValueError:
        return None


def _join(headers: Headers, name: str) -> str:
    return ", ".join(value for key, value in headers if key.lower() == name)
