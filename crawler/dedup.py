"""When two readings say the same: one hash for the same content, however it is spaced, cased or disguised.

Public names: content_hash, fold_content.
"""

from __future__ import annotations

import hashlib

from text.normalise import NORMALISER_VERSION, normalise

_LIMIT = 20_000
"""Characters of a description that count; copies differ early or not at all."""


def fold_content(text: str) -> str:
    """The text as it is compared: the project's one folding, and white space at the ends gone."""
    return " ".join(normalise(text[:_LIMIT]).text.split())


def content_hash(title: str, description: str, seller: str) -> str:
    """SHA-256 of the folded title and description and the seller: equal for a listing put up again.

    The folding's version is part of it, so that hashes of different foldings never meet.
    """
    parts = (NORMALISER_VERSION, fold_content(title), fold_content(description), seller.strip().casefold())
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
