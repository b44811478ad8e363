"""Sellers and their links as plain values with names: the same for the command line, JSON and CSV. Onions are defanged.

Public names: view_seller, view_detail, view_link, SELLER_COLUMNS, LINK_COLUMNS, defang_contact.
"""

from __future__ import annotations

import re
from typing import Any

from storage.sellerlinks import LinkRow
from storage.sellers import SellerDetail, SellerRow

SELLER_COLUMNS = (
    "id", "name", "site", "listings", "contacts", "feedback", "confirmed_links", "proposed_links", "first_seen", "last_seen",
)  # fmt: skip
LINK_COLUMNS = (
    "id", "state", "strength", "a_id", "a_name", "a_site", "a_listings", "b_id", "b_name", "b_site", "b_listings", "reasons",
    "decided_by", "decided_at", "note", "first_seen", "last_seen",
)  # fmt: skip
_ONION = re.compile(r"\.(?=onion(?![a-z0-9-]))", re.IGNORECASE)


def defang_contact(value: str) -> str:
    """A contact that no program turns into a link."""
    return _ONION.sub("[.]", value)


def view_seller(row: SellerRow) -> dict[str, Any]:
    """One seller, by the names in SELLER_COLUMNS."""
    return {
        "id": row.seller.id,
        "name": row.seller.name,
        "site": row.site.name,
        "listings": row.listings,
        "contacts": row.contacts,
        "feedback": row.feedback,
        "confirmed_links": row.confirmed,
        "proposed_links": row.proposed,
        "first_seen": row.seller.first_seen,
        "last_seen": row.seller.last_seen,
    }


def view_detail(detail: SellerDetail, links: list[LinkRow]) -> dict[str, Any]:
    """One seller with contacts, listings and links. shared_by: ids of others; null where too many show it to mean anything."""
    return view_seller(detail.row) | {
        "contact_list": [
            {
                "kind": each.trace.kind,
                "value": defang_contact(each.trace.value),
                "valid": each.trace.valid,
                "first_seen": each.trace.first,
                "last_seen": each.trace.last,
                "readings": list(each.trace.readings),
                "shared_by": None if each.holders is None else list(each.holders),
            }
            for each in detail.contacts
        ],
        "listing_list": [
            {
                "id": listing.id,
                "title": listing.title,
                "first_seen": listing.first_seen,
                "last_seen": listing.last_seen,
            }
            for listing in detail.listings
        ],
        "links": [view_link(row) for row in links],
    }


def view_link(row: LinkRow) -> dict[str, Any]:
    """One link, by the names in LINK_COLUMNS; `reasons` is a list."""
    link = row.link
    return {
        "id": link.id,
        "state": link.state,
        "strength": round(link.strength, 3),
        "a_id": row.a.id,
        "a_name": row.a.name,
        "a_site": row.a_site.name,
        "a_listings": row.a_listings,
        "b_id": row.b.id,
        "b_name": row.b.name,
        "b_site": row.b_site.name,
        "b_listings": row.b_listings,
        "reasons": [
            reason | {"value": defang_contact(str(reason.get("value", "")))} for reason in link.reasons
        ],
        "decided_by": link.decided_by,
        "decided_at": link.decided_at,
        "note": link.note,
        "first_seen": link.first_seen,
        "last_seen": link.last_seen,
    }
