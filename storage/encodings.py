"""Undoes the Content-Encoding of a body, in a stream and up to a bound.

Public names: decode_body.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import brotli
import zstandard

from storage.errors import BodyError

CHUNK = 64 * 1024
ZSTD_PIECE = 256
"""Fed at a time: four bytes can stand for a block of 128 KiB, so a piece unpacks to 8 MiB at most."""
MAX_LAYERS = 3
"""A body packed more often than this is an attack, not a page."""
MAX_STREAMS = 100
"""Streams one behind the other in one body (gzip members, zstd frames). Each costs time, even when nothing is in it."""


def decode_body(body: bytes, content_encoding: str, *, max_size: int) -> bytes:
    """The plain bytes. BodyError when they are more than `max_size`, cut short, or not what the header says."""
    names = [name.strip().lower() for name in content_encoding.split(",")]
    layers = [name for name in names if name not in ("", "identity")]
    if len(layers) > MAX_LAYERS:
        raise BodyError(f"The body says it is packed {len(layers)} times; at most {MAX_LAYERS} are undone.")
    for name in reversed(layers):
        decoder = _DECODERS.get(name)
        if decoder is None:
            raise BodyError(f"The body says it is packed with {name!r:.60}, which is not known here.")
        body = _collect(decoder(body), name, max_size)
    if len(body) > max_size:
        raise BodyError(f"The body has {len(body)} bytes; at most {max_size} are read here.")
    return body


def _collect(parts: Iterator[bytes], name: str, max_size: int) -> bytes:
    plain = bytearray()
    try:
        for part in parts:
            plain += part
            if len(plain) > max_size:
                raise BodyError(
                    f"The body unpacks ({name}) to more than {max_size} bytes; it was left packed."
                )
    except (zlib.error, brotli.error, zstandard.ZstdError) as exc:
        raise BodyError(f"The body is not valid {name}: {exc}") from exc
    return bytes(plain)


def _count(streams: int) -> int:
    if streams >= MAX_STREAMS:
        raise BodyError(
            f"The body holds too many packed parts: more than {MAX_STREAMS} one behind the other."
        )
    return streams + 1


def _ungzip(body: bytes) -> Iterator[bytes]:
    rest = body
    count = 0
    while rest:
        count = _count(count)
        stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        yield from _inflate(stream, rest)
        # Several gzip members may follow each other; zeros after the last are padding that browsers accept.
        rest = stream.unused_data.lstrip(b"\0")


def _undeflate(body: bytes) -> Iterator[bytes]:
    # "deflate" is zlib by the standard and bare deflate by old habit; the first two bytes tell which.
    zlib_header = len(body) > 1 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    yield from _inflate(zlib.decompressobj(wbits=zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS), body)


def _inflate(stream: zlib._Decompress, body: bytes) -> Iterator[bytes]:
    data = body
    while not stream.eof:
        part = stream.decompress(data, CHUNK)
        data = stream.unconsumed_tail
        if not part and not data and not stream.eof:
            raise zlib.error("it ends early")
        yield part


def _unbrotli(body: bytes) -> Iterator[bytes]:
    stream = brotli.Decompressor()
    data = body
    while not stream.is_finished():
        part = stream.process(data, output_buffer_limit=CHUNK)
        data = b""
        if not part and not stream.is_finished():
            raise brotli.error("it ends early")
        yield part


def _unzstd(body: bytes) -> Iterator[bytes]:
    # 8 MiB is the largest window that RFC 8878 asks of HTTP clients.
    decompressor = zstandard.ZstdDecompressor(max_window_size=8 * 1024 * 1024)
    rest = body
    count = 0
    while rest:
        count = _count(count)
        stream = decompressor.decompressobj()
        for start in range(0, len(rest), ZSTD_PIECE):
            yield stream.decompress(rest[start : start + ZSTD_PIECE])
            if stream.eof:
                break
        if not stream.eof:
            raise zstandard.ZstdError("it ends early")
        # Frames may follow each other.
        rest = stream.unused_data + rest[start + ZSTD_PIECE :]


_DECODERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": _ungzip,
    "x-gzip": _ungzip,
    "deflate": _undeflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
