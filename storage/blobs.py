"""Keeps bodies by the hash of their bytes, compressed, each once.

Public names: store_blob, read_blob, measure_blobs.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

import zstandard
from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy.orm import Session

from storage.engine import insert_ignore
from storage.errors import BodyError
from storage.tables import Blob

LEVEL = 6
"""zstd: 6 packs a market page about as well as 12 in a third of the time."""


_HAS = select(Blob.__table__.c.sha256).where(Blob.__table__.c.sha256 == bindparam("sha256"))
_HOLD = _HAS.with_for_update(read=True, key_share=True)
"""The same, and retention passes the row over until this transaction ends, when a page names it (PostgreSQL)."""


def store_blob(to: Session | Connection, body: bytes, *, now: datetime) -> str:
    """Keep a body as received, unless it is kept already; its SHA-256."""
    sha256 = hashlib.sha256(body).hexdigest()
    connection = to if isinstance(to, Connection) else to.connection()
    # A body without a page may be on its way out: found it is held, gone it is put in anew. SQLite has one writer at a time.
    look = _HOLD if connection.dialect.name == "postgresql" else _HAS
    if connection.execute(look, {"sha256": sha256}).scalar() is not None:
        return sha256
    packed = zstandard.ZstdCompressor(level=LEVEL).compress(body)
    smaller = len(packed) < len(body)
    row = {
        "sha256": sha256,
        "size": len(body),
        "encoding": "zstd" if smaller else "identity",
        "data": packed if smaller else body,
        "created_at": now,
    }
    insert_ignore(connection, Blob, [row])
    return sha256


def read_blob(session: Session, sha256: str, *, max_size: int) -> bytes:
    """The bytes as received, their hash checked. BodyError when missing, altered or larger than `max_size`."""
    blob = session.get(Blob, sha256)
    if blob is None:
        raise BodyError(f"The body {sha256} is not in the store.")
    if blob.size > max_size:
        raise BodyError(f"The body {sha256} has {blob.size} bytes; at most {max_size} are read here.")
    body = _unpack(blob)
    if hashlib.sha256(body).hexdigest() != sha256:
        raise BodyError(f"The body {sha256} was altered: its bytes no longer have this hash.")
    return body


def measure_blobs(session: Session) -> tuple[int, int, int]:
    """How many bodies there are, their bytes as received, and the bytes they take here."""
    row = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(Blob.size), 0),
            func.coalesce(func.sum(func.length(Blob.data)), 0),
        )
    ).one()
    return int(row[0]), int(row[1]), int(row[2])


def _unpack(blob: Blob) -> bytes:
    if blob.encoding == "identity":
        return blob.data
    try:
        # The frame states its size; a changed statement must not make us take more than the row says.
        with zstandard.ZstdDecompressor().stream_reader(blob.data) as reader:
            return reader.read(blob.size + 1)
    except zstandard.ZstdError as exc:
        raise BodyError(f"The body {blob.sha256} was altered: it cannot be unpacked.") from exc
