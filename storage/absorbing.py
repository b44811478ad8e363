"""A listing of which only cards were known turns out to be a copy of another: its sightings go there, and it goes.

Public names: CARD, absorb.
"""

from __future__ import annotations

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from storage.bands import bands_of
from storage.tables import Band, Feedback, Likeness, Listing, Sighting, Signature, Verdict

CARD = "card"
"""The source of a listing of which only cards are known, and the kind of a card's reading."""


def absorb(session: Session, card: Listing, *, into: Listing) -> bool:
    """Put the sightings of a card's listing to another one and delete it; False when a person has judged it: it stays."""
    if session.scalar(select(Verdict.id).where(Verdict.listing_id == card.id).limit(1)) is not None:
        return False
    session.flush()
    seen = select(Sighting.run_id).where(Sighting.listing_id == into.id)
    session.execute(delete(Sighting).where(Sighting.listing_id == card.id, Sighting.run_id.in_(seen)))
    session.execute(update(Sighting).where(Sighting.listing_id == card.id).values(listing_id=into.id))
    session.execute(update(Feedback).where(Feedback.listing_id == card.id).values(listing_id=into.id))
    session.execute(delete(Likeness).where(or_(Likeness.a_id == card.id, Likeness.b_id == card.id)))
    signature = session.get(Signature, card.id)
    if signature is not None:
        bands = bands_of(signature.hashes, signature.version)
        session.execute(delete(Band).where(Band.hash.in_(bands), Band.listing_id == card.id))
        session.delete(signature)
    into.first_seen = min(into.first_seen, card.first_seen)
    into.last_seen = max(into.last_seen, card.last_seen)
    session.delete(card)
    session.flush()
    return True
