"""Whose names the OpenPGP keys of a seller bear: read again from the readings in which the keys stood.

Public names: name_keys.

The table of contacts holds fingerprints only; the names stay in the text of the reading.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from storage.sellers import SellerDetail
from storage.tables import Reading

_MOST_KEYS = 5


def name_keys(session: Session, detail: SellerDetail) -> dict[str, tuple[str, ...]]:
    """{fingerprint: user ids}, of the seller's first few keys that are proven."""
    from crawler.pgp import find_keys

    found: dict[str, tuple[str, ...]] = {}
    keys = [each.trace for each in detail.contacts if each.trace.kind == "pgp" and each.trace.valid]
    for trace in keys[:_MOST_KEYS]:
        for number in trace.readings:
            reading = session.get(Reading, number)
            texts = [] if reading is None else [reading.description, _field(reading.fields, "pgp_key")]
            for contact in (contact for text in texts for contact in find_keys(text)):
                found.setdefault(contact.value, tuple(contact.extra.get("user_ids", ())))
            if found.get(trace.value):
                break
    return {fingerprint: names for fingerprint, names in found.items() if names}


def _field(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name, {})
    text = value.get("value") if isinstance(value, dict) else None
    return text if isinstance(text, str) else ""
