"""Content encodings are undone to the byte, within the bound, and refused in plain words."""

from __future__ import annotations

import gzip
import random
import tracemalloc
import zlib

import brotli
import pytest
import zstandard

from storage.encodings import decode_body
from storage.errors import BodyError

PLAIN = b"".join(f"<li>offer {number}</li>".encode() for number in range(20_000)) + random.Random(
    4
).randbytes(90_000)


def bare_deflate(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(body) + stream.flush()


PACKERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda body: brotli.compress(body, quality=4),
    "zstd": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("body", [b"", b"x", PLAIN], ids=["empty", "short", "long"])
def test_packed_and_undone(name: str, body: bytes) -> None:
    assert decode_body(PACKERS[name](body), name, max_size=len(PLAIN)) == body


@pytest.mark.parametrize(
    ("packed", "name", "plain"),
    [
        (b"as it is", "", b"as it is"),
        (b"as it is", "identity", b"as it is"),
        (bare_deflate(PLAIN), "deflate", PLAIN),
        (brotli.compress(gzip.compress(b"twice")), "gzip, br", b"twice"),
        (gzip.compress(b"capitals"), " GZIP ", b"capitals"),
        (gzip.compress(b"one ") + gzip.compress(b"two"), "gzip", b"one two"),
        (zstandard.compress(b"one ") + zstandard.compress(PLAIN[:9000]), "zstd", b"one " + PLAIN[:9000]),
        (gzip.compress(b"padded") + bytes(30), "gzip", b"padded"),
    ],
)
def test_unusual_but_valid(packed: bytes, name: str, plain: bytes) -> None:
    assert decode_body(packed, name, max_size=len(PLAIN)) == plain


@pytest.mark.parametrize("name", PACKERS)
def test_a_bomb_is_left_packed_at_once(name: str) -> None:
    bomb = PACKERS[name](bytes(40_000_000))
    tracemalloc.start()
    with pytest.raises(BodyError, match=r"unpacks .* to more than 100000 bytes"):
        decode_body(bomb, name, max_size=100_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize("name", PACKERS)
def test_a_body_cut_short_is_refused(name: str) -> None:
    packed = PACKERS[name](PLAIN)
    with pytest.raises(BodyError, match="is not valid"):
        decode_body(packed[: len(packed) // 2], name, max_size=10_000_000)


@pytest.mark.parametrize("name", [*PACKERS, "gzip, gzip"])
def test_rubbish_is_refused(name: str) -> None:
    with pytest.raises(BodyError, match="is not valid"):
        decode_body(b"\x01\xfe" + PLAIN[-5000:], name, max_size=10_000_000)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("aes128gcm", "packed with 'aes128gcm', which is not known"),
        ("gzip, gzip, gzip, gzip", "packed 4 times; at most 3"),
    ],
)
def test_what_is_not_undone(name: str, message: str) -> None:
    with pytest.raises(BodyError, match=message):
        decode_body(b"", name, max_size=10)


def test_a_plain_body_over_the_bound_is_refused() -> None:
    with pytest.raises(BodyError, match="has 11 bytes; at most 10"):
        decode_body(b"x" * 11, "", max_size=10)
