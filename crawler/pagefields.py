"""The fields of pages that are no listing: sellers, lists, queues; and the ratings on any page that has some.

Public names: read_fields, read_waiting.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from crawler.categories import read_list
from crawler.feedback import FeedbackItem, as_value
from crawler.html import Tree
from crawler.listings import ListingReader
from crawler.profiles import read_profile
from crawler.values import Card, Value
from crawler.waits import read_refresh


def read_fields(
    kind: str, reader: ListingReader, *, cards: Sequence[Card], feedback: Sequence[FeedbackItem]
) -> dict[str, Value]:
    """The fields of a page of this kind. `reader`: one that has read it as a listing."""
    if kind == "listing":
        found = dict(reader.fields)
    elif kind in ("seller", "feedback", "pgp"):
        found = read_profile(reader, cards=cards)
        if kind == "seller" and feedback:
            found["n_reviews"] = Value(Decimal(len(feedback)), "", feedback[0].where, 0.8)
    elif kind in ("search", "home"):
        return read_list(reader.page, cards, language=reader.language, home=kind == "home")
    else:
        return read_waiting(reader.page.tree)
    if feedback:
        found["feedback"] = as_value(feedback)
    return found


def read_waiting(tree: Tree) -> dict[str, Value]:
    """refresh_seconds and refresh_url of a page that sends itself on."""
    seconds, address = read_refresh([tree.refresh]) if tree.refresh else (None, "")
    if seconds is None:
        return {}
    found = {"refresh_seconds": Value(Decimal(int(seconds)), tree.refresh[:200], "meta", 0.95)}
    if address:
        found["refresh_url"] = Value(address[:2000], tree.refresh[:200], "meta", 0.95)
    return found
