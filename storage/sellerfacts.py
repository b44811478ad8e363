"""What linking sellers needs to know: who showed which contact, whose ads are near copies, who bears whose name.

Public names: Trace, Copies, contact_key, find_last_reading, find_touched, find_traces, find_holders, find_copies,
find_namesakes, find_recent, find_texts, ContactKey.

Nothing here judges: strengths and limits are in jobs/sellers.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from storage.sitetables import Address
from storage.tables import Contact, Likeness, Listing, Page, Reading, Seller, Sighting

_T = TypeVar("_T")
ContactKey = tuple[str, str]
"""What makes two contacts one: see contact_key."""

OWN_KINDS = ("home", "rules", "directory", "other", "search")
"""Pages on which a site speaks for itself: a contact that stands there without a seller is the site's own."""
KEPT_READINGS = 5
_CHUNK = 400
_PHONED = ("telegram", "signal", "whatsapp", "viber", "zalo", "wechat")


@dataclass(frozen=True)
class Trace:
    """One contact as one seller showed it. readings: the first few ids; valid: its checksum was right at least once."""

    kind: str
    value: str
    valid: bool
    readings: tuple[int, ...]
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Copies:
    """Ads of two sellers that are near copies of each other; a_id < b_id are sellers. pairs: (listing of a, of b)."""

    a_id: int
    b_id: int
    count: int
    similarity: float
    pairs: tuple[tuple[int, int], ...]
    first: datetime
    last: datetime


def contact_key(kind: str, value: str) -> ContactKey:
    """One address is one whatever the coin it is said to be for; one telephone, whatever the messenger on it."""
    if kind in ("btc", "ltc", "bch"):
        return "wallet", value
    if kind in _PHONED and value.startswith("+") and value[1:].isdigit():
        return "phone", value
    return kind, value.lower() if kind == "eth" else value


def find_last_reading(session: Session) -> int:
    """The newest reading's id, 0 when there is none: what comes after it is new."""
    return session.scalar(select(func.max(Reading.id))) or 0


def find_touched(session: Session, *, run_id: int | None = None, after_reading: int = 0) -> list[int]:
    """Sellers of whom there is a reading of this run's pages, or a reading after this one; all when neither is said."""
    if run_id is None and after_reading <= 0:
        return list(session.scalars(select(Seller.id).order_by(Seller.id)))
    named = select(Contact.seller_id).where(Contact.seller_id.is_not(None))
    seen = (
        select(Listing.seller_id)
        .join(Sighting, Sighting.listing_id == Listing.id)
        .where(Listing.seller_id.is_not(None))
    )
    if run_id is not None:
        own = select(Reading.id).join(Page, Reading.page_id == Page.id).where(Page.run_id == run_id)
        named, seen = named.where(Contact.reading_id.in_(own)), seen.where(Sighting.run_id == run_id)
    if after_reading > 0:
        named, seen = (
            named.where(Contact.reading_id > after_reading),
            seen.where(Sighting.reading_id > after_reading),
        )
    found = {*session.scalars(named.distinct()), *session.scalars(seen.distinct())}
    return sorted(seller_id for seller_id in found if seller_id is not None)


def find_traces(session: Session, seller_ids: Collection[int]) -> dict[int, dict[ContactKey, Trace]]:
    """All contacts of some sellers."""
    found: dict[int, dict[ContactKey, Trace]] = defaultdict(dict)
    for part in _parts(seller_ids):
        rows = session.execute(
            select(
                Contact.seller_id,
                Contact.kind,
                Contact.value,
                Contact.valid,
                Contact.reading_id,
                Reading.seen_at,
            )
            .join(Reading, Contact.reading_id == Reading.id)
            .where(Contact.seller_id.in_(part))
            .order_by(Contact.reading_id)
        )
        for seller_id, kind, value, valid, reading_id, seen_at in rows:
            if seller_id is None:
                continue
            key = contact_key(kind, value)
            known = found[seller_id].get(key)
            if known is None:
                found[seller_id][key] = Trace(kind, value, valid, (reading_id,), seen_at, seen_at)
            else:
                found[seller_id][key] = replace(
                    known,
                    valid=known.valid or valid,
                    readings=(*known.readings, reading_id)[:KEPT_READINGS],
                    first=min(known.first, seen_at),
                    last=max(known.last, seen_at),
                )
    return dict(found)


def find_holders(
    session: Session, keys: Collection[ContactKey], *, most: int
) -> dict[ContactKey, dict[int, int] | None]:
    """{contact: {seller: site}} of all sellers who show it; None where more than `most` do, or a site itself does."""
    wanted = set(keys)
    values = {value for _, value in wanted}
    count = func.count(func.distinct(Contact.seller_id))
    common: set[ContactKey] = set()
    for part in _parts(values):
        crowded = session.execute(
            select(Contact.kind, Contact.value)
            .where(Contact.value.in_(part))
            .group_by(Contact.kind, Contact.value)
            .having(count > most)
        )
        common |= {contact_key(kind, value) for kind, value in crowded}
        own = session.execute(
            select(Contact.kind, Contact.value)
            .join(Reading, Contact.reading_id == Reading.id)
            .where(Contact.value.in_(part), Contact.seller_id.is_(None), Reading.kind.in_(OWN_KINDS))
            .distinct()
        )
        common |= {contact_key(kind, value) for kind, value in own}
        common |= {
            ("onion", onion)
            for onion in session.scalars(select(Address.onion).where(Address.onion.in_(part)))
        }
    found: dict[ContactKey, dict[int, int]] = {key: {} for key in wanted - common}
    for part in _parts({value for _, value in found}):
        # Ethereum is written in two cases; its index by kind bears the longer look.
        either = or_(Contact.value.in_(part), (Contact.kind == "eth") & func.lower(Contact.value).in_(part))
        rows = session.execute(
            select(Contact.kind, Contact.value, Contact.seller_id, Seller.site_id)
            .join(Seller, Contact.seller_id == Seller.id)
            .where(either)
            .distinct()
        )
        for kind, value, seller_id, site_id in rows:
            key = contact_key(kind, value)
            if key in found and seller_id is not None:
                found[key][seller_id] = site_id
    result: dict[ContactKey, dict[int, int] | None] = dict.fromkeys(common & wanted)
    result |= {key: holders if len(holders) <= most else None for key, holders in found.items()}
    return result


def find_copies(session: Session, seller_ids: Collection[int]) -> list[Copies]:
    """Pairs of different sellers with ads that are near copies, one of them among these sellers."""
    found: dict[tuple[int, int], Copies] = {}
    one, other = aliased(Listing), aliased(Listing)
    for part in _parts(seller_ids):
        rows = session.execute(
            select(Likeness, one.seller_id, other.seller_id)
            .join(one, Likeness.a_id == one.id)
            .join(other, Likeness.b_id == other.id)
            .where(
                or_(one.seller_id.in_(part), other.seller_id.in_(part)),
                one.seller_id != other.seller_id,
            )
            .order_by(Likeness.similarity.desc(), Likeness.id)
        )
        for likeness, first, second in rows:
            if first is None or second is None:
                continue
            a_id, b_id = min(first, second), max(first, second)
            pair = (likeness.a_id, likeness.b_id) if first < second else (likeness.b_id, likeness.a_id)
            known = found.get((a_id, b_id))
            if known is None:
                found[a_id, b_id] = Copies(
                    a_id, b_id, 1, likeness.similarity, (pair,), likeness.first_seen, likeness.last_seen
                )
            elif pair not in known.pairs:
                found[a_id, b_id] = replace(
                    known,
                    count=known.count + 1,
                    pairs=(*known.pairs, pair)[:KEPT_READINGS],
                    first=min(known.first, likeness.first_seen),
                    last=max(known.last, likeness.last_seen),
                )
    return list(found.values())


def find_namesakes(session: Session, seller_ids: Collection[int], *, most: int) -> dict[str, list[int]]:
    """Names (in lower case) that these sellers share with others, with all who bear them; not those that more than
    `most` bear."""
    names: set[str] = set()
    for part in _parts(seller_ids):
        names |= set(session.scalars(select(func.lower(Seller.name)).where(Seller.id.in_(part))))
    found: dict[str, list[int]] = defaultdict(list)
    for names_part in _parts(names):
        rows = session.execute(
            select(func.lower(Seller.name), Seller.id)
            .where(func.lower(Seller.name).in_(names_part))
            .order_by(Seller.id)
        )
        for name, seller_id in rows:
            found[name].append(seller_id)
    return {name: ids for name, ids in found.items() if 1 < len(ids) <= most}


def find_recent(session: Session, *, limit: int) -> list[int]:
    """The sellers last seen."""
    return list(
        session.scalars(select(Seller.id).order_by(Seller.last_seen.desc(), Seller.id.desc()).limit(limit))
    )


def find_texts(
    session: Session, seller_ids: Collection[int], *, listings: int, length: int
) -> dict[int, str]:
    """What some sellers wrote: titles and texts of their newest ads, no text twice, at most `length` characters each."""
    texts: dict[int, dict[str, None]] = {seller_id: {} for seller_id in seller_ids}
    for part in _parts(seller_ids):
        newest = (
            select(
                Listing.seller_id,
                Listing.title,
                Listing.reading_id,
                func.row_number()
                .over(partition_by=Listing.seller_id, order_by=(Listing.last_seen.desc(), Listing.id.desc()))
                .label("place"),
            )
            .where(Listing.seller_id.in_(part))
            .subquery()
        )
        rows = session.execute(
            select(newest.c.seller_id, newest.c.title, func.substr(Reading.description, 1, length))
            .join(Reading, newest.c.reading_id == Reading.id)
            .where(newest.c.place <= listings)
            .order_by(newest.c.seller_id, newest.c.place)
        )
        for seller_id, title, description in rows:
            texts[seller_id] |= {title: None, description: None}
    return {number: "\n".join(filter(None, parts))[:length] for number, parts in texts.items()}


def _parts(items: Collection[_T]) -> Iterator[Sequence[_T]]:
    ordered = list(items)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]
