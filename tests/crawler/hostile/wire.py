"""Hostile HTTP: broken status lines, headers, lengths and chunks; bodies without end; answers nobody asked for.

Public names: CASES, STRAY.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hostile.case import LAMP, Case, closing, drip, flood, page, raw, reply

STRAY = "An answer nobody asked for"
"""Stands in answers to no request; no stored page may hold it."""
OK = b"HTTP/1.1 200 OK\r\n"
HTML = b"Content-Type: text/html\r\n"
HEAD = OK + HTML
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BODY = LAMP.encode()
END = b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNK = b"%x\r\n" % len(BODY) + BODY + b"\r\n"
MB = 1024 * 1024
BAD, OFF, TIME, CUT = "bad-response", "broken-off", "timeout", "cut-off"


def _length(value: str, body: bytes = BODY) -> bytes:
    return HEAD + f"Content-Length: {value}\r\n\r\n".encode() + body


def _stray(asked: Any) -> bytes:
    return reply(LAMP) + reply(f"<h1>{STRAY}</h1>")


def _stray_later(asked: Any) -> Iterator[tuple[float, bytes]]:
    yield 0, reply(LAMP)
    yield 0.02, reply(f"<h1>{STRAY}</h1>")


def _stray_in_pieces(asked: Any) -> Iterator[tuple[float, bytes]]:
    stray = reply(f"<h1>{STRAY}</h1>")
    yield 0, reply(LAMP) + stray[:9]
    yield 0.02, stray[9:]


def _small_chunks(asked: Any) -> Iterator[tuple[float, bytes]]:
    yield 0, CHUNKED
    for _ in range(4 * MB // 2 // 10_000):
        yield 0, b"2\r\nab\r\n" * 10_000
    yield 0, b"0\r\n\r\n"


def _late(asked: Any) -> Iterator[tuple[float, bytes]]:
    yield 1.0, reply(LAMP)


def _slow_lines(asked: Any) -> Iterator[tuple[float, bytes]]:
    yield 0, OK
    for number in range(10_000):
        yield 0.1, b"X-%d: y\r\n" % number


CASES = (
    # Time
    Case("drip-body", "a body of one byte at a time", drip(_length("100000", b"")), TIME, slow=True),
    Case("drip-chunks", "chunks of one byte at a time", drip(CHUNKED, b"1\r\nx\r\n"), TIME, slow=True),
    Case("drip-chunk-size", "a chunk size of one digit at a time", drip(CHUNKED, b"0"), TIME, slow=True),
    Case("drip-no-length", "one byte at a time, no length told", drip(HEAD + b"\r\n"), TIME, slow=True),
    Case("drip-trailers", "trailers one byte at a time", drip(CHUNKED + CHUNK + b"0\r\n"), TIME, slow=True),
    Case("drip-headers", "a header line every now and then", _slow_lines, TIME, slow=True),
    Case("drip-one-header", "one header line of one byte at a time", drip(OK + b"X: "), TIME, slow=True),
    Case("drip-status", "a status line of one byte at a time", drip(b"HTTP/1.1 200 "), TIME, slow=True),
    Case("drip-1xx", "100 Continue every now and then", drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), TIME, slow=True),
    Case("silent", "not one byte", drip(b"", b""), TIME, slow=True),
    Case("silent-after-headers", "headers, then nothing", raw(_length("50", b"")), TIME, slow=True),
    Case("silent-redirect", "a redirect whose body never comes", raw(b"HTTP/1.1 302 Found\r\nLocation: /c/a\r\nContent-Length: 9\r\n\r\n"), TIME, slow=True),
    Case("length-longer", "a length longer than the body, connection kept", raw(_length("9999")), TIME, slow=True),
    Case("chunk-end-missing", "no last chunk, connection kept", raw(CHUNKED + CHUNK), TIME, slow=True),
    Case("late-but-whole", "a proper page after a second", _late, slow=True),
    # Endless
    Case("endless-chunks", "chunks without end", flood(CHUNKED, b"2710\r\n" + b"x" * 10_000 + b"\r\n"), CUT, "more than 4194304"),
    Case("endless-no-length", "no length, no end", flood(HEAD + b"\r\n", b"<p>lamp" * 9000), CUT, "more than 4194304"),
    Case("endless-headers", "header lines without end", flood(OK, b"X-Y: z\r\n" * 100), BAD),
    Case("endless-header-line", "one header line without end", flood(OK + b"X: ", b"y" * 65536), BAD),
    Case("endless-status", "a status line without end", flood(b"HTTP/1.1 200 ", b"y" * 65536), BAD),
    Case("endless-1xx", "100 Continue without end", flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), BAD),
    Case("endless-early-hints", "103 with links, without end", flood(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n" * 9), BAD),
    Case("endless-newlines", "empty lines without end", flood(b"", b"\r\n" * 1000), BAD),
    Case("endless-nothing", "zero bytes without end", flood(b"", b"\0" * 65536), BAD),
    Case("endless-trailers", "trailers without end", flood(CHUNKED + CHUNK + b"0\r\n", b"X: y\r\n" * 1000), BAD),
    Case("endless-folds", "a header continued without end", flood(OK + b"X: y\r\n", b" more\r\n" * 100), BAD),
    Case("endless-extension", "a chunk extension without end", flood(CHUNKED + b"5;x=", b"y" * 4096), BAD),
    Case("endless-image", "a picture without end", flood(OK + b"Content-Type: image/jpeg\r\n\r\n", b"\xff\xd8" * 9000), CUT, "image/jpeg"),
    Case("two-byte-chunks", "2 million chunks of two bytes", _small_chunks, CUT, "pieces"),
    # Headers
    Case("header-lines-201", "201 header lines", raw(OK + b"X: y\r\n" * 201 + b"\r\n"), BAD),
    Case("header-line-1mb", "a header line of 1 MB", raw(OK + b"X: " + b"y" * MB + b"\r\nContent-Length: 0\r\n\r\n"), BAD),
    Case("header-lines-of-60kb", "header lines of 15 KB each", raw(OK + (b"X: " + b"y" * 15_000 + b"\r\n") * 9 + b"\r\n"), BAD),
    Case("header-no-colon", "header lines without a colon", raw(OK + b"nonsense\r\n" * 50 + b"" + END)),
    Case("header-nul", "NULs in a header", raw(HEAD + b"X: a\0b\r\n" + END)),
    Case("header-binary", "all bytes in a header", raw(HEAD + b"X: " + bytes(b for b in range(256) if b not in b"\r\n") + b"\r\n" + END)),
    Case("header-bare-cr", "a bare CR in a header", raw(HEAD + b"X: a\rContent-Length: 9\r\n" + END)),
    Case("header-bare-lf", "lines ended by LF alone", raw(HEAD.replace(b"\r", b"") + b"Content-Length: %d\n\n" % len(BODY) + BODY)),
    Case("header-fold-first", "begins with a continued line", raw(OK + b" fold\r\n" + END)),
    Case("header-fold-length", "the length continued on the next line", raw(HEAD + b"Content-Length:\r\n %d\r\n\r\n" % len(BODY) + BODY)),
    Case("header-space-colon", "a blank before the colon", raw(HEAD + b"Content-Length : %d\r\n\r\n" % len(BODY) + BODY)),
    # Status lines
    Case("status-none", "HTTP/0.9: a page and no more", closing(BODY), OFF),
    Case("status-garbage", "a line of nonsense", raw(b"nonsense\r\n\r\n"), BAD),
    Case("status-empty", "an empty line first", raw(b"\r\n" + HTML + END), BAD),
    Case("status-word", "a status that is no number", raw(b"HTTP/1.1 abc OK\r\n\r\n"), BAD),
    Case("status-huge", "a status of 30 digits", raw(b"HTTP/1.1 " + b"9" * 30 + b" OK\r\n" + END), BAD),
    Case("status-5000-digits", "a status of 5,000 digits", raw(b"HTTP/1.1 " + b"9" * 5000 + b" OK\r\n" + END), BAD),
    Case("status-negative", "status -200", raw(b"HTTP/1.1 -200 OK\r\n" + END), BAD),
    Case("status-zero", "status 0", raw(b"HTTP/1.1 0 OK\r\n" + END), BAD),
    Case("status-arabic-digits", "a status in other digits", raw("HTTP/1.1 ٢٠٠ OK\r\n".encode() + END), BAD),
    Case("status-999", "status 999", page(BODY, status="999 Whatever"), "gate:down"),
    Case("status-299", "status 299", page(BODY, status="299 Odd")),
    Case("status-phrase-16kb", "a reason of 15 KB", page(BODY, status="200 " + "O" * 15_000)),
    Case("status-phrase-binary", "a reason of odd bytes", raw(b"HTTP/1.1 200 \xff\xfe\0\x1b[31m\r\n" + END)),
    Case("version-9", "HTTP/9.9", raw(b"HTTP/9.9 200 OK\r\n" + END)),
    Case("version-other", "another protocol's greeting", raw(b"SSH-2.0-dropbear\r\n"), BAD),
    Case("version-http2", "an HTTP/2 preface and settings", raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04\0\0\0\0\0"), BAD),
    Case("version-http2-frame", "an HTTP/2 frame", closing(b"\0\0\x12\x04\0\0\0\0\0" + b"\0" * 18), OFF),
    Case("version-tls", "a TLS alert", closing(b"\x15\x03\x01\0\x02\x02\x28"), OFF),
    Case("status-101", "101 Switching Protocols", closing(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n\x81\x05hello"), OFF),
    Case("status-204-body", "204 with a body after it", raw(b"HTTP/1.1 204 No Content\r\nContent-Length: 45\r\n\r\n" + BODY), "gate:unknown"),
    Case("status-304-body", "304, unasked, with a body after it", raw(b"HTTP/1.1 304 Not Modified\r\n\r\n" + BODY)),
    Case("status-206", "206 with a part nobody asked for", page(BODY, "Content-Range: bytes 5-10/999999999999", status="206 Partial")),
    # Lengths
    Case("length-shorter", "a length shorter than the body", raw(_length(str(len(BODY) - 20)))),
    Case("length-longer-closed", "a length longer than the body, then closed", closing(_length("9999")), OFF),
    Case("length-negative", "Content-Length: -5", raw(_length("-5")), BAD),
    Case("length-plus", "Content-Length: +45", raw(_length("+45")), BAD),
    Case("length-hex", "Content-Length: 0x2d", raw(_length("0x2d")), BAD),
    Case("length-word", "Content-Length: many", raw(_length("many")), BAD),
    Case("length-empty", "Content-Length without a value", raw(_length("")), BAD),
    Case("length-two", "two lengths", raw(HEAD + b"Content-Length: 5\r\nContent-Length: 300\r\n\r\n" + BODY), BAD),
    Case("length-list", "a list of lengths", raw(_length("45, 5")), BAD),
    Case("length-same-twice", "the same length twice", raw(_length(f"{len(BODY)}, {len(BODY)}"))),
    Case("length-huge", "a length of 10^18", raw(_length("1000000000000000000")), CUT, "at most 4194304"),
    Case("length-5000-digits", "a length of 5,000 digits", raw(_length("1" * 5000)), BAD),
    Case("length-none", "no length, closed at the end", closing(HEAD + b"\r\n" + BODY)),
    Case("length-and-chunks", "both a length and chunks", raw(HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK + b"0\r\n\r\n"), BAD),
    # Chunks
    Case("chunk-bad-size", "a chunk size that is no number", raw(CHUNKED + b"zz\r\n" + BODY), BAD),
    Case("chunk-negative", "a chunk size of -5", raw(CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n"), BAD),
    Case("chunk-plus", "a chunk size of +5", raw(CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n"), BAD),
    Case("chunk-0x", "a chunk size of 0x5", raw(CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n"), BAD),
    Case("chunk-huge", "a chunk of 2^64 bytes, closed", closing(CHUNKED + b"ffffffffffffffff\r\n" + BODY), OFF),
    Case("chunk-1000-digits", "a chunk size of 1,000 digits", closing(CHUNKED + b"f" * 1000 + b"\r\n" + BODY), OFF),
    Case("chunk-empty-size", "a chunk without a size", raw(CHUNKED + b"\r\n" + BODY), BAD),
    Case("chunk-no-end-of-line", "no line end after a chunk", raw(CHUNKED + b"5\r\nhelloXX0\r\n\r\n"), BAD),
    Case("chunk-extension-1mb", "a chunk extension of 1 MB", raw(CHUNKED + b"5;x=" + b"y" * MB + b"\r\nhello\r\n0\r\n\r\n"), BAD),
    Case("chunk-extension", "a small chunk extension", raw(CHUNKED + b"7;x=y\r\n<p>ok</\r\n" + CHUNK + b"0\r\n\r\n")),
    Case("chunk-end-missing-closed", "no last chunk, then closed", closing(CHUNKED + CHUNK), OFF),
    Case("chunk-trailers", "a few trailers", raw(CHUNKED + CHUNK + b"0\r\nX: y\r\nSet-Cookie: a=b\r\n\r\n")),
    Case("chunk-trailers-1mb", "trailers of 1 MB", raw(CHUNKED + CHUNK + b"0\r\n" + b"X: y\r\n" * 170_000 + b"\r\n"), BAD),
    Case("chunked-twice", "Transfer-Encoding: chunked, chunked", raw(HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + CHUNK + b"0\r\n\r\n"), BAD),
    Case("chunked-gzip", "Transfer-Encoding: gzip", raw(HEAD + b"Transfer-Encoding: gzip\r\n\r\n" + BODY), BAD),
    Case("chunked-lie", "says chunked, is not", raw(CHUNKED + BODY), TIME, slow=True),
    # Connections
    Case("stray-answer", "a second answer behind the first", _stray),
    Case("stray-answer-later", "a second answer a little later", _stray_later),
    Case("stray-answer-in-pieces", "a second answer begun with the first", _stray_in_pieces),
    Case("closed-at-once", "the connection closed without a byte", closing(), OFF),
    Case("closed-in-status", "closed within the status line", closing(b"HTTP/1.1 20"), OFF),
    Case("closed-in-headers", "closed within the headers", closing(HEAD), OFF),
    Case("closed-in-body", "closed within the body", closing(_length("999", BODY)), OFF),
    Case("closed-though-kept", "says keep-alive, closes", closing(reply(BODY, "Connection: keep-alive"))),
    Case("kept-though-closed", "says close, keeps the connection", page(BODY, "Connection: close")),
    Case("keep-alive-odd", "odd Connection and Keep-Alive headers", page(BODY, "Connection: Host, Cookie, upgrade", "Keep-Alive: timeout=-1, max=99999999999999")),
)  # fmt: skip
