"""Hostile Content-Encodings: bombs in every packing, packings that lie, packings cut short.

Public names: CASES.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import brotli
import zstandard
from hostile.case import LAMP, MAX_BODY, Asking, Case, page, reply

MB = 1024 * 1024
TEXT = LAMP.encode()


@lru_cache
def _deflated(size: int, wbits: int) -> bytes:
    """`size` spaces, `size` being a number of megabytes. After a full flush nothing refers back: one block stands for all."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    head = packer.compress(b"<p>") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b" " * MB) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * (size // MB) + packer.flush()


def _gzip_bomb(size: int) -> bytes:
    return _deflated(size, 31)


@lru_cache
def _brotli_bomb(size: int) -> bytes:
    packer = brotli.Compressor(quality=1)
    return b"".join([*(packer.process(b" " * MB) for _ in range(size // MB)), packer.finish()])


@lru_cache
def _zstd_bomb(size: int, *, window: int = 20) -> bytes:
    """Frames follow each other, so one stands for all."""
    settings = zstandard.ZstdCompressionParameters.from_level(1, window_log=window)
    packer = zstandard.ZstdCompressor(compression_params=settings).compressobj()
    frame = b"".join([*(packer.compress(b" " * MB) for _ in range(64)), packer.flush()])
    return frame * (size // (64 * MB))


def _zstd_runs() -> bytes:
    """A frame written by hand of blocks that repeat one byte: 4 bytes stand for 128 KiB each."""
    head = struct.pack("<I", 0xFD2FB528) + bytes([0x00, 0x58])  # no size told, a window of 2 MiB
    block = struct.pack("<I", (128 * 1024) << 3 | 1 << 1)[:3] + b" "
    return head + block * 30_000


def _said(encoding: str, make: Callable[[], bytes]) -> Asking:
    """A page with that header, its body made when it is asked for."""

    def answer(asked: Any) -> bytes:
        return reply(make(), f"Content-Encoding: {encoding}")

    return answer


def _chunked(encoding: str, make: Callable[[], bytes]) -> Asking:
    def answer(asked: Any) -> Iterator[tuple[float, bytes]]:
        body = make()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: {encoding}\r\n"
        yield 0, head.encode() + b"Transfer-Encoding: chunked\r\n\r\n"
        for start in range(0, len(body), 5000):
            part = body[start : start + 5000]
            yield 0, b"%x\r\n" % len(part) + part + b"\r\n"
        yield 0, b"0\r\n\r\n"

    return answer


def _gzip_fields() -> bytes:
    """A gzip header whose file name has a megabyte."""
    return b"\x1f\x8b\x08\x08\0\0\0\0\0\x03" + b"n" * MB + b"\0" + gzip.compress(TEXT)[10:]


LEFT, PAST = "left-packed", "unpacks ("
_BAD = "is not valid"
CASES = (
    Case("gzip-bomb", "1 GB of spaces in 1 MB of gzip", _said("gzip", lambda: _gzip_bomb(1024 * MB)), LEFT, PAST),
    Case("gzip-bomb-chunked", "the same in chunks, no length told", _chunked("gzip", lambda: _gzip_bomb(1024 * MB)), LEFT, PAST),
    Case("gzip-bomb-twice", "gzip in gzip: 5 KB stand for 1 GB", _said("gzip, gzip", lambda: gzip.compress(_gzip_bomb(1024 * MB))), LEFT, PAST),
    Case("gzip-bomb-thrice", "gzip in gzip in gzip", _said("gzip, gzip, gzip", lambda: gzip.compress(gzip.compress(_gzip_bomb(1024 * MB)))), LEFT, PAST),
    Case("gzip-four-times", "packed four times", _said("gzip,gzip,gzip,gzip", lambda: gzip.compress(TEXT)), LEFT, "packed 4 times"),
    Case("gzip-bomb-members", "40 members of 1 MB each", _said("gzip", lambda: gzip.compress(b" " * MB, 9) * 40), LEFT, PAST),
    Case("gzip-many-empty-members", "200,000 empty members", _said("gzip", lambda: gzip.compress(b"") * 200_000), LEFT, "too many"),
    Case("gzip-at-the-bound", "exactly 16 MiB of spaces", _said("gzip", lambda: gzip.compress(b" " * (16 * MB))), "gate:unknown"),
    Case("gzip-past-the-bound", "one byte more", _said("gzip", lambda: gzip.compress(b" " * (16 * MB + 1))), LEFT, PAST),
    Case("gzip-cut-short", "half of a gzip stream", _said("gzip", lambda: gzip.compress(TEXT * 99)[:-30]), LEFT, "ends early"),
    Case("gzip-wrong-sum", "a gzip stream whose checksum is wrong", _said("gzip", lambda: gzip.compress(TEXT)[:-8] + b"\0" * 8), LEFT, _BAD),
    Case("gzip-wrong-magic", "says gzip, begins with other bytes", _said("gzip", lambda: b"PK" + gzip.compress(TEXT)[2:]), LEFT, _BAD),
    Case("gzip-lie-plain", "says gzip, is plain HTML", _said("gzip", lambda: TEXT), LEFT, _BAD),
    Case("gzip-then-garbage", "garbage after the stream", _said("gzip", lambda: gzip.compress(TEXT) + b"garbage" * 99), LEFT, _BAD),
    Case("gzip-zero-padding", "4 MB of zeros after the stream", _said("gzip", lambda: gzip.compress(TEXT) + b"\0" * (3 * MB)), "kept"),
    Case("gzip-long-name", "a file name of 1 MB in the gzip header", _said("gzip", _gzip_fields), "kept"),
    Case("gzip-empty", "says gzip, has no body", _said("gzip", bytes), "gate:unknown"),
    Case("gzip-untold", "gzip bytes without saying so", page(gzip.compress(TEXT * 50, mtime=0)), "kept"),
    Case("gzip-untyped", "gzip bytes, neither type nor encoding told", page(gzip.compress(TEXT * 50, mtime=0), kind=""), "cut-off", "not text"),
    Case("deflate-bomb", "1 GB in zlib", _said("deflate", lambda: _deflated(1024 * MB, 15)), LEFT, PAST),
    Case("deflate-bare-bomb", "1 GB in bare deflate", _said("deflate", lambda: _deflated(1024 * MB, -15)), LEFT, PAST),
    Case("deflate-lie", "says deflate, is gzip", _said("deflate", lambda: gzip.compress(TEXT)), LEFT, _BAD),
    Case("deflate-empty-blocks", "4 MB of empty deflate blocks", _said("deflate", lambda: b"\0\0\0\xff\xff" * (4 * MB // 5 - 9)), LEFT, "ends early"),
    Case("brotli-bomb", "256 MB in a few KB of brotli", _said("br", lambda: _brotli_bomb(256 * MB)), LEFT, PAST),
    Case("brotli-bomb-twice", "brotli in brotli", _said("br, br", lambda: brotli.compress(_brotli_bomb(256 * MB))), LEFT, PAST),
    Case("brotli-cut-short", "half of a brotli stream", _said("br", lambda: brotli.compress(bytes(range(256)) * 40)[:-5]), LEFT, "ends early"),
    Case("brotli-lie", "says br, is plain HTML", _said("br", lambda: TEXT), LEFT, _BAD),
    Case("zstd-bomb", "1 GB in 50 KB of zstd", _said("zstd", lambda: _zstd_bomb(1024 * MB)), LEFT, PAST),
    Case("zstd-runs", "zstd blocks of one byte repeated: 4 GB in 120 KB", _said("zstd", _zstd_runs), LEFT, PAST),
    Case("zstd-huge-window", "a zstd window of 128 MiB", _said("zstd", lambda: _zstd_bomb(64 * MB, window=27)), LEFT, _BAD),
    Case("zstd-cut-short", "half of a zstd frame", _said("zstd", lambda: zstandard.compress(bytes(range(256)) * 40)[:-9]), LEFT, "ends early"),
    Case("zstd-skippable", "400,000 zstd frames to be skipped", _said("zstd", lambda: struct.pack("<II", 0x184D2A50, 0) * 400_000), LEFT, "too many"),
    Case("zstd-lie", "says zstd, is plain HTML", _said("zstd", lambda: TEXT), LEFT, _BAD),
    Case("mixed-packings", "gzip, then br, then zstd: honest", _said("gzip, br, zstd", lambda: zstandard.compress(brotli.compress(gzip.compress(TEXT)))), "kept"),
    Case("mixed-wrong-order", "says gzip, br; is br, gzip", _said("gzip, br", lambda: gzip.compress(brotli.compress(TEXT))), LEFT, _BAD),
    Case("packing-unknown", "Content-Encoding: quantum", _said("quantum", lambda: TEXT), LEFT, "not known here"),
    Case("packing-compress", "Content-Encoding: compress", _said("compress", lambda: TEXT), LEFT, "not known here"),
    Case("packing-of-commas", "Content-Encoding of 5,000 commas", _said("," * 5000, lambda: TEXT), "kept"),
    Case("packing-identity", "identity, 50 times over", _said(", ".join(["identity"] * 50), lambda: TEXT), "kept"),
    Case("packing-long-name", "an encoding's name of 10,000 letters", _said("x" * 10_000, lambda: TEXT), LEFT, "not known here"),
    Case("packing-two-headers", "gzip in one header, br in the next", page(brotli.compress(gzip.compress(TEXT)), "Content-Encoding: gzip", "content-encoding: br"), "kept"),
    Case("size-at-the-bound", "a plain body of exactly 4 MiB", _said("identity", lambda: TEXT + b" " * (MAX_BODY - len(TEXT))), "kept"),
    Case("size-past-the-bound", "one byte more", _said("identity", lambda: TEXT + b" " * (MAX_BODY - len(TEXT) + 1)), "cut-off", "at most 4194304"),
)  # fmt: skip
