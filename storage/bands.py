"""Looking up near copies: signatures cut into bands that lie in a table, so that nothing is built up in memory.

Public names: Near, THRESHOLD, MOST_LINKS, bands_of, find_near, compare.

Of a text that stands thousands of times, a band gives only its MOST_OF_A_BAND oldest listings, so that a lookup costs
the same however often a text was copied.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, select, union_all
from sqlalchemy.orm import Session

from storage.tables import Band, Signature

THRESHOLD = 0.8
"""Share of the shingles from which on two texts are near copies."""
MOST_OF_A_BAND = 64
MOST_LINKS = 20

_LAYOUT = re.compile(r"-b(\d{1,3})x(\d{1,3})$")


@dataclass(frozen=True)
class Near:
    """A listing whose text is nearly the wanted one."""

    listing_id: int
    similarity: float


def bands_of(hashes: bytes, version: str) -> list[int]:
    """The bands of a signature as signed 64-bit numbers; the band's place and the version are part of each.

    The layout ("-b16x8": sixteen bands of eight numbers of 16 bits) ends the version. A signature that is shorter than
    that is the hash of a whole text: one band.
    """
    if not hashes:
        return []
    bands, rows = _read_layout(version)
    width = 2 * rows
    pieces = (
        [hashes[at * width : (at + 1) * width] for at in range(bands)]
        if len(hashes) >= bands * width
        else [hashes]
    )
    seed = version.encode()
    found = []
    for place, piece in enumerate(pieces):
        digest = hashlib.blake2b(piece, digest_size=8, key=seed, salt=place.to_bytes(2, "little")).digest()
        found.append(int.from_bytes(digest, "little", signed=True))
    return found


@cache
def _read_layout(version: str) -> tuple[int, int]:
    found = _LAYOUT.search(version)
    return (int(found[1]), int(found[2])) if found else (1, 1)


def find_near(
    to: Session | Connection,
    hashes: bytes,
    *,
    version: str,
    leave: int | None = None,
    limit: int = MOST_LINKS,
) -> list[Near]:
    """Listings whose signatures agree in at least THRESHOLD, the likest first. `leave`: the listing that asks."""
    connection = to if isinstance(to, Connection) else to.connection()
    bands = bands_of(hashes, version)
    if not bands:
        return []
    values: dict[str, Any] = {f"band{place}": band for place, band in enumerate(bands)}
    rows = connection.execute(_look_up(len(bands)), {**values, "version": version}).all()
    rows = [row for row in rows if row[0] != leave]
    if not rows:
        return []
    near = [
        Near(row[0], share)
        for row, share in zip(rows, compare(hashes, [row[1] for row in rows]), strict=True)
    ]
    near = [each for each in near if each.similarity >= THRESHOLD]
    return sorted(near, key=lambda each: (-each.similarity, each.listing_id))[:limit]


@cache
def _look_up(bands: int) -> Any:
    """One statement for all: the signatures of whatever shares a band, of each band the oldest. Written once: building it
    costs more than running it."""
    pieces = []
    for place in range(bands):
        piece = (
            select(Band.listing_id)
            .where(Band.hash == bindparam(f"band{place}"))
            .order_by(Band.listing_id)
            .limit(MOST_OF_A_BAND)
            .subquery()
        )
        pieces.append(select(piece.c.listing_id))
    return select(Signature.listing_id, Signature.hashes).where(
        Signature.listing_id.in_(union_all(*pieces)), Signature.version == bindparam("version")
    )


def compare(hashes: bytes, others: Sequence[bytes]) -> list[float]:
    """The share of numbers that agree, for each of the others; signatures of another length agree in nothing."""
    import numpy as np  # here only: a crawl process has no use for its 20 MB

    if len(hashes) < 16:
        return [float(other == hashes) for other in others]
    fit = [other if len(other) == len(hashes) else b"\0" * len(hashes) for other in others]
    table = np.frombuffer(b"".join(fit), dtype="<u2").reshape(len(fit), -1)
    equal = (table == np.frombuffer(hashes, dtype="<u2")).mean(axis=1)
    return [
        float(share) if len(other) == len(hashes) else 0.0 for share, other in zip(equal, others, strict=True)
    ]
