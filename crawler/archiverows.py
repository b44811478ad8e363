"""Takes tables apart into rows without reading them: CSV, JSON lines, JSON arrays, plain text. The bytes of each row stay as they are.

Public names: read_rows, Row. What a row says is told by archivecells.

A row that cannot be read is given up alone: an open quote does not swallow the rest of the file.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from crawler.archivecells import BAD_CSV, BAD_ENCODING, open_csv
from crawler.archivefiles import ArchiveError
from crawler.archivemapping import Mapping
from crawler.archivestreams import CHUNK, Stream

MAX_ROW = 1024 * 1024
MAX_LINES = 500
"""Lines of one row of CSV: a quote left open ends there."""

TOO_LONG = "a row is too long"
_TOKEN = re.compile(rb'["\\{}\[\]]')


@dataclass(frozen=True)
class Row:
    """One row as it stands in the file, from byte `offset` of the unpacked file on; trouble: why it is none."""

    offset: int
    raw: bytes
    trouble: str = ""

    @property
    def place(self) -> str:
        return f"bytes {self.offset}-{self.offset + len(self.raw)}"


def read_rows(stream: Stream, form: str, mapping: Mapping) -> Iterator[Row]:
    """All rows of a table, a row of broken bytes with a trouble; empty ones are left out."""
    if mapping.encoding == "utf-16" and stream.peek(2) == b"\xfe\xff":
        raise ArchiveError(
            "The file is UTF-16 with its high bytes first: write encoding: utf-16-be into the mapping."
        )
    skip_mark(stream)
    if form == "csv":
        yield from _read_csv(stream, mapping)
    elif form == "jsonl":
        yield from _read_json(stream)
    else:
        yield from _read_text(stream, mapping)


def skip_mark(stream: Stream) -> None:
    if stream.peek(3) == b"\xef\xbb\xbf":
        stream.read(3)


def _newline(mapping: Mapping) -> tuple[bytes, int]:
    if mapping.encoding == "utf-16-be":
        return b"\x00\n", 2
    if mapping.encoding.startswith("utf-16"):
        return b"\n\x00", 2
    return b"\n", 1


def _lines(stream: Stream, mapping: Mapping) -> Iterator[bytes]:
    """Physical lines with their ends, at most MAX_ROW + 1 bytes of each (what is longer comes in pieces that are too long)."""
    newline, width = _newline(mapping)
    if width == 1:
        while line := stream.read_line(MAX_ROW + 1):
            yield line
        return
    buffer = b""
    while part := stream.read(CHUNK):
        buffer += part
        start = at = 0
        while (at := buffer.find(newline, at)) >= 0:
            if at % width:
                at += 1
                continue
            yield buffer[start : at + 2]
            start = at = at + 2
        buffer = buffer[start:]
        if len(buffer) > MAX_ROW:
            whole = len(buffer) - len(buffer) % width
            yield buffer[:whole]
            buffer = buffer[whole:]
    if buffer:
        yield buffer


# --- CSV ---


class _TooLong(Exception):
    """The row that csv is collecting has no end in sight."""


class _Tape:
    """Feeds lines to csv and remembers the raw bytes of those that the row at hand is made of."""

    def __init__(self, lines: Iterator[bytes], mapping: Mapping, offset: int) -> None:
        self._lines = lines
        self.offset = offset
        """Of the first line that is taken."""
        self._codec = "utf-16-le" if mapping.encoding == "utf-16" else mapping.encoding
        self.back: deque[bytes] = deque()
        self.taken: list[bytes] = []
        self.size = 0

    def __iter__(self) -> _Tape:
        return self

    def __next__(self) -> str:
        line = self.back.popleft() if self.back else next(self._lines)
        self.taken.append(line)
        self.size += len(line)
        if self.size > MAX_ROW or len(self.taken) > MAX_LINES:
            raise _TooLong
        return line.decode(self._codec)

    def take(self) -> tuple[int, list[bytes]]:
        """(where they begin, the lines taken since last time)."""
        taken, offset = self.taken, self.offset
        self.offset += self.size
        self.taken, self.size = [], 0
        return offset, taken

    def put_back(self, lines: list[bytes]) -> None:
        self.offset -= sum(map(len, lines))
        self.back.extendleft(reversed(lines))


def _read_csv(stream: Stream, mapping: Mapping) -> Iterator[Row]:
    tape = _Tape(_lines(stream, mapping), mapping, stream.offset)
    while True:
        trouble = BAD_CSV
        try:
            for cells in open_csv(tape, mapping):
                offset, taken = tape.take()
                if any(cell.strip("\ufeff \t") for cell in cells):
                    yield Row(offset, b"".join(taken))
            if not tape.taken:
                return
        except _TooLong:
            trouble = TOO_LONG
        except csv.Error:
            trouble = BAD_CSV
        except UnicodeDecodeError:
            trouble = BAD_ENCODING
        offset, taken = tape.take()
        if not taken:
            continue
        # Only the first line is given up; those after it may begin rows of their own.
        yield Row(offset, taken[0], trouble)
        tape.put_back(taken[1:])


# --- JSON ---


def _read_json(stream: Stream) -> Iterator[Row]:
    while stream.peek(1).isspace():
        stream.read(1)
    if stream.peek(1) == b"[":
        stream.read(1)
        yield from _read_array(stream)
        return
    while True:
        offset = stream.offset
        line = stream.read_line(MAX_ROW + 1)
        if not line:
            return
        if len(line) <= MAX_ROW:
            if line.strip():
                yield Row(offset, line)
            continue
        yield Row(offset, line, TOO_LONG)
        while line and not line.endswith(b"\n"):
            line = stream.read_line(MAX_ROW + 1)


def _read_array(stream: Stream) -> Iterator[Row]:
    """The objects of one array, by their brackets; what stands between them is left out."""
    depth = 0
    in_text = lost = False
    row = bytearray()
    offset = stream.offset
    while part := stream.read(CHUNK):
        if part.endswith(b"\\"):
            part += stream.read(1)  # an escape is never torn apart
        at = start = 0
        while found := _TOKEN.search(part, at):
            at = found.end()
            sign = found[0]
            if in_text:
                if sign == b"\\":
                    at += 1
                elif sign == b'"':
                    in_text = False
            elif sign == b'"':
                in_text = True
            elif sign in b"{[":
                if depth == 0:
                    start = at - 1
                    offset = stream.offset - len(part) + start
                    row.clear()
                depth += 1
            elif sign in b"}]":
                if depth == 0:
                    return  # the end of the array
                depth -= 1
                if depth == 0:
                    row += part[start:at]
                    yield Row(offset, bytes(row[:MAX_ROW]), TOO_LONG if lost or len(row) > MAX_ROW else "")
                    row.clear()
                    lost = False
        if depth:
            if len(row) <= MAX_ROW:
                row += part[start:]
            else:
                lost = True
    if depth:
        yield Row(offset, bytes(row[:MAX_ROW]), "the file ends within a row")


# --- plain text ---


def _read_text(stream: Stream, mapping: Mapping) -> Iterator[Row]:
    codec = "utf-16-le" if mapping.encoding == "utf-16" else mapping.encoding
    collected: list[bytes] = []
    offset = start = stream.offset
    size = 0
    for line in _lines(stream, mapping):
        plain = line.decode(codec, "replace").strip("\ufeff \t\r\n")
        if mapping.separator:
            ends = plain == mapping.separator
        else:
            ends = mapping.records == "paragraph" and not plain
        offset += len(line)
        if not ends:
            collected.append(line)
            size += len(line)
        if ends or size > MAX_ROW or (mapping.records == "line" and not mapping.separator):
            yield from _flush(start, collected, TOO_LONG if size > MAX_ROW else "")
            collected, size, start = [], 0, offset
    yield from _flush(start, collected, "")


def _flush(start: int, lines: list[bytes], trouble: str) -> Iterator[Row]:
    raw = b"".join(lines)
    if raw.strip(b"\r\n\t \0\xff\xfe"):
        yield Row(start, raw, trouble)
