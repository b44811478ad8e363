"""After the reading: signatures of the listings that are new or changed, and what ties them to near copies.

Public names: find_copies, CopyCounts, MOST_AFTER_A_RUN.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from storage.copies import CopyCounts, SignedRow, count_unsigned, find_unsigned, store_signatures
from storage.engine import reading

BATCH = 200
MOST_AFTER_A_RUN = 20_000
"""Listings: about a minute. What is left, after a change of version, waits for the next run or `tuskwatch extract`."""


def find_copies(
    engine: Engine,
    *,
    now: datetime,
    site_id: int | None = None,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CopyCounts:
    """Sign what is not signed yet, of one site or of all, and tie near copies within a site, across mirrors and markets.

    May be stopped and started at any time: what is signed stays. With another version of the signatures every listing
    is signed again, and until then compared only with those that already are. `limit`: no more listings than that.
    """
    from crawler.signatures import SIGNATURE_VERSION, sign_texts

    signed = linked = after = total = 0
    if progress is not None:
        with reading(engine) as session:
            total = count_unsigned(session, version=SIGNATURE_VERSION, site_id=site_id)
    while limit is None or signed < limit:
        with reading(engine) as session:
            wanted = find_unsigned(
                session, version=SIGNATURE_VERSION, limit=BATCH, site_id=site_id, after=after
            )
        if not wanted:
            break
        after = wanted[-1].listing_id
        hashes = sign_texts((each.title, each.description) for each in wanted)
        rows = [
            SignedRow(each.listing_id, each.reading_id, found)
            for each, found in zip(wanted, hashes, strict=True)
        ]
        counts = store_signatures(engine, rows, version=SIGNATURE_VERSION, now=now)
        signed, linked = signed + counts.signed, linked + counts.linked
        if progress is not None:
            progress(signed, max(total, signed))
    return CopyCounts(signed, linked)
