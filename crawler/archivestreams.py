"""Archives as a stream of plain bytes: gzip and zstd undone piece by piece, bounded, damage stepped over.

Public names: Stream.
"""

from __future__ import annotations

import zlib
from typing import BinaryIO

import zstandard

from crawler.archivefiles import ArchiveBroken

CHUNK = 64 * 1024
ZSTD_PIECE = 256
"""Fed at a time: four bytes can stand for 128 KiB."""
MAX_RATIO = 200
FREE = 1024 * 1024 * 1024
"""An archive may unpack to so many bytes, and beyond that to MAX_RATIO times what was read of it. Pages pack 5 to 30 times."""
MAX_GAPS = 1000
_GZIP = b"\x1f\x8b\x08"
_ZSTD = b"\x28\xb5\x2f\xfd"


class Stream:
    """Plain bytes of a file that may be packed. `offset` counts them; `packed` counts those read from the disk.

    gaps: stretches that could not be unpacked and were stepped over. cut: the file ends within a packed part. What was
    taken may be put back, so that a record that lied about its length can be read again from its beginning.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._buffer = bytearray()
        self._raw = b""
        self._stream: zlib._Decompress | None = None
        self._zstd: zstandard.ZstdDecompressionObj | None = None
        self._made = 0
        self._ended = False
        self.offset = 0
        self.packed = 0
        self.gaps = 0
        self.cut = False
        start = self._fetch()
        self._raw = start
        self._how = "gzip" if start[:3] == _GZIP else "zstd" if start[:4] == _ZSTD else ""

    def read(self, size: int) -> bytes:
        """Up to so many bytes; fewer only at the end."""
        while len(self._buffer) < size and self._fill():
            pass
        taken = bytes(self._buffer[:size])
        del self._buffer[: len(taken)]
        self.offset += len(taken)
        return taken

    def peek(self, size: int) -> bytes:
        while len(self._buffer) < size and self._fill():
            pass
        return bytes(self._buffer[:size])

    def read_line(self, limit: int) -> bytes:
        """Up to and with the next newline, at most `limit` bytes of it; empty at the end."""
        seen = 0
        while True:
            at = self._buffer.find(b"\n", seen, limit)
            if at >= 0:
                return self.read(at + 1)
            if len(self._buffer) >= limit:
                return self.read(limit)
            seen = len(self._buffer)
            if not self._fill():
                return self.read(seen)

    def put_back(self, data: bytes) -> None:
        self._buffer[:0] = data
        self.offset -= len(data)

    def seek_mark(self, mark: bytes) -> bool:
        """Drop everything before the next `mark`; False when there is none up to the end."""
        while True:
            at = self._buffer.find(mark)
            if at >= 0:
                self.read(at)
                return True
            keep = len(mark) - 1
            self.read(max(0, len(self._buffer) - keep))
            if not self._fill():
                self.read(len(self._buffer))
                return False

    def _fill(self) -> bool:
        """Add some plain bytes to the buffer; False at the end."""
        while not self._ended:
            made = self._unpack()
            if made:
                self._made += len(made)
                if self._how and self._made > FREE and self._made > MAX_RATIO * self.packed:
                    raise ArchiveBroken(
                        f"it unpacks to more than {MAX_RATIO} times its size, as no archive of pages does: the rest was left packed"
                    )
                self._buffer += made
                return True
        return False

    def _fetch(self) -> bytes:
        try:
            data = self._file.read(CHUNK)
        except OSError as exc:
            raise ArchiveBroken(f"the disk cannot read on ({exc.strerror or exc})") from exc
        self.packed += len(data)
        return data

    def _unpack(self) -> bytes:
        if not self._raw:
            self._raw = self._fetch()
            if not self._raw:
                self._ended = True
                self.cut = self._stream is not None or self._zstd is not None
                return b""
        if self._how == "gzip":
            return self._ungzip()
        if self._how == "zstd":
            return self._unzstd()
        made, self._raw = self._raw, b""
        return made

    def _ungzip(self) -> bytes:
        if self._stream is None:
            while len(self._raw) < 3 and (more := self._fetch()):
                self._raw += more
            if not self._raw.startswith(_GZIP):
                if self._raw.strip(b"\0"):
                    self._note_gap()
                return self._skip_to(_GZIP)
            self._stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        before = self._stream.copy()
        try:
            made = self._stream.decompress(self._raw, CHUNK)
        except zlib.error:
            # What comes before the damage is kept, the damaged part is lost, the next member begins anew.
            self._stream = None
            self._note_gap()
            made = _save(before, self._raw)
            self._raw = self._raw[1:]
            return made + self._skip_to(_GZIP)
        self._raw = self._stream.unconsumed_tail
        if self._stream.eof:
            self._raw = self._stream.unused_data
            self._stream = None
        return made

    def _unzstd(self) -> bytes:
        if self._zstd is None:
            while len(self._raw) < 4 and (more := self._fetch()):
                self._raw += more
            if not self._raw.startswith(_ZSTD):
                self._note_gap()
                return self._skip_to(_ZSTD)
            self._zstd = zstandard.ZstdDecompressor(max_window_size=128 * 1024 * 1024).decompressobj()
        piece, self._raw = self._raw[:ZSTD_PIECE], self._raw[ZSTD_PIECE:]
        try:
            made = self._zstd.decompress(piece)
        except zstandard.ZstdError:
            self._zstd = None
            self._note_gap()
            self._raw = piece[1:] + self._raw
            return self._skip_to(_ZSTD)
        if self._zstd.eof:
            self._raw = self._zstd.unused_data + self._raw
            self._zstd = None
        return made

    def _note_gap(self) -> None:
        self.gaps += 1
        if self.gaps > MAX_GAPS:
            raise ArchiveBroken("it is damaged in too many places to be read on")

    def _skip_to(self, magic: bytes) -> bytes:
        """Drop raw bytes up to the next packed part; unpacks nothing."""
        while True:
            at = self._raw.find(magic)
            if at >= 0:
                self._raw = self._raw[at:]
                return b""
            tail = self._raw[-(len(magic) - 1) :]
            more = self._fetch()
            if not more:
                self._raw = b""
                self._ended = True
                return b""
            self._raw = tail + more


def _save(stream: zlib._Decompress, raw: bytes) -> bytes:
    """What can be unpacked of a damaged stretch, byte by byte up to the damage."""
    saved = bytearray()
    for at in range(len(raw)):
        try:
            saved += stream.decompress(raw[at : at + 1])
        except zlib.error:
            break
        if len(saved) > 16 * CHUNK:
            break
    return bytes(saved)
