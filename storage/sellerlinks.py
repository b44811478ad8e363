"""Links between sellers who may be one: proposed by the machine, confirmed or refused by a person, never merged.

Public names: Reason, ProposedLink, LinkCounts, LinkRow, combine, store_links, find_link, find_links, find_pairs,
iterate_links, record_act, name_reason, subject_of, LINK_STATES, WEAKEST. What people decide: sellerdecisions.py.

Strength: each reason says how likely it alone makes one seller of two (0 to 1); together they make
1 - (1 - s1)(1 - s2)..., at most 0.99. That takes the reasons as independent, which two wallets of one pair are not:
it orders the list for people, it is no probability.

A refused link stays refused while the reasons are those that were refused. It comes back as proposed, the refusal
still shown, when what is new about it weighs more than all that was refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from storage.audit import record
from storage.engine import lock, transaction
from storage.sitetables import Site
from storage.tables import Listing, Seller, SellerLink

LINK_STATES = ("proposed", "confirmed", "refused")
STRONGEST = 0.99
WEAKEST = 0.05
"""A pair with less than this is no proposal."""
MOST_REASONS = 20


@dataclass(frozen=True)
class Reason:
    """Why two sellers may be one. kind: pgp, contact, text or name. what: of a contact its kind; value: the contact, or
    which comparison of texts. words: the reason as a sentence. seen: for "a" and "b", where: readings, first, last."""

    kind: str
    what: str
    value: str
    strength: float
    words: str
    seen: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "what": self.what,
            "value": self.value,
            "strength": round(self.strength, 3),
            "words": self.words,
            "seen": dict(self.seen),
        }


@dataclass(frozen=True)
class ProposedLink:
    """What the machine found about two sellers, a_id < b_id; without reasons when it found none any more."""

    a_id: int
    b_id: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class LinkCounts:
    """proposed: new ones. reopened: refused before, with stronger reasons now. changed: other reasons or strength.
    withdrawn: proposals whose reasons are gone."""

    proposed: int = 0
    reopened: int = 0
    changed: int = 0
    withdrawn: int = 0


@dataclass(frozen=True)
class LinkRow:
    """A link with its two sellers, their sites, and how many listings each has."""

    link: SellerLink
    a: Seller
    b: Seller
    a_site: Site
    b_site: Site
    a_listings: int
    b_listings: int


def combine(strengths: Sequence[float]) -> float:
    """1 - (1 - s1)(1 - s2)..., at most 0.99."""
    left = 1.0
    for strength in strengths:
        left *= 1.0 - min(max(strength, 0.0), 1.0)
    return min(STRONGEST, round(1.0 - left, 4))


def store_links(engine: Engine, found: Sequence[ProposedLink], *, now: datetime) -> LinkCounts:
    """Keep what was found about pairs of sellers. A decision of a person stays; only stronger new reasons reopen."""
    counts = dict.fromkeys(("proposed", "reopened", "changed", "withdrawn"), 0)
    with transaction(engine) as session:
        lock(session, "seller_link")
        known = _load_known(session, found)
        for pair in found:
            outcome = _store_one(session, pair, known.get((pair.a_id, pair.b_id)), now)
            if outcome:
                counts[outcome] += 1
    return LinkCounts(**counts)


def find_link(session: Session, link_id: int) -> LinkRow | None:
    """One link, or None."""
    row = session.execute(_select_links().where(SellerLink.id == link_id)).first()
    return None if row is None else _make_row(row)


def find_links(
    session: Session, *, state: str = "", seller_id: int | None = None, page: int = 1, per_page: int = 50
) -> tuple[list[LinkRow], int]:
    """(one page of the links, how many there are), the strongest first; of one state or one seller when said."""
    statement = _filter(_select_links(), state, seller_id)
    total = (
        session.scalar(
            select(func.count()).select_from(statement.with_only_columns(SellerLink.id).subquery())
        )
        or 0
    )
    ordered = statement.order_by(SellerLink.strength.desc(), SellerLink.id.desc())
    rows = session.execute(ordered.limit(per_page).offset((max(1, page) - 1) * per_page))
    return [_make_row(row) for row in rows], total


def iterate_links(session: Session, *, state: str = "", seller_id: int | None = None) -> Iterator[LinkRow]:
    """All of them without holding them all: for CSV and JSON."""
    statement = _filter(_select_links(), state, seller_id).order_by(SellerLink.id)
    for row in session.execute(statement.execution_options(yield_per=500)):
        yield _make_row(row)


def find_pairs(session: Session, seller_ids: Collection[int]) -> list[tuple[int, int]]:
    """The pairs of sellers that are linked already, one of each among these."""
    found: set[tuple[int, int]] = set()
    ordered = list(seller_ids)
    for start in range(0, len(ordered), 400):
        part = ordered[start : start + 400]
        rows = session.execute(
            select(SellerLink.a_id, SellerLink.b_id).where(
                or_(SellerLink.a_id.in_(part), SellerLink.b_id.in_(part))
            )
        )
        found |= {(row[0], row[1]) for row in rows}
    return sorted(found)


def _select_links() -> Select[Any]:
    a, b, a_site, b_site = aliased(Seller), aliased(Seller), aliased(Site), aliased(Site)
    listings = select(func.count()).select_from(Listing)
    return (
        select(
            SellerLink, a, b, a_site, b_site,
            listings.where(Listing.seller_id == SellerLink.a_id).correlate(SellerLink).scalar_subquery(),
            listings.where(Listing.seller_id == SellerLink.b_id).correlate(SellerLink).scalar_subquery(),
        )
        .join(a, SellerLink.a_id == a.id)
        .join(b, SellerLink.b_id == b.id)
        .join(a_site, a.site_id == a_site.id)
        .join(b_site, b.site_id == b_site.id)
    )  # fmt: skip


def _filter(statement: Select[Any], state: str, seller_id: int | None) -> Select[Any]:
    if state:
        statement = statement.where(SellerLink.state == state)
    if seller_id is not None:
        statement = statement.where(or_(SellerLink.a_id == seller_id, SellerLink.b_id == seller_id))
    return statement


def _make_row(row: Any) -> LinkRow:
    return LinkRow(*row)


def _load_known(session: Session, found: Sequence[ProposedLink]) -> dict[tuple[int, int], SellerLink]:
    ids = sorted({pair.a_id for pair in found})
    links: dict[tuple[int, int], SellerLink] = {}
    for start in range(0, len(ids), 400):
        rows = session.scalars(select(SellerLink).where(SellerLink.a_id.in_(ids[start : start + 400])))
        links |= {(link.a_id, link.b_id): link for link in rows}
    return links


def _store_one(session: Session, pair: ProposedLink, link: SellerLink | None, now: datetime) -> str:
    reasons = [
        reason.as_json()
        for reason in sorted(pair.reasons, key=lambda each: (-each.strength, each.kind, each.value))[
            :MOST_REASONS
        ]
    ]
    strength = combine([reason["strength"] for reason in reasons])
    if link is None:
        if strength < WEAKEST:
            return ""
        session.add(
            SellerLink(
                a_id=pair.a_id,
                b_id=pair.b_id,
                strength=strength,
                reasons=reasons,
                first_seen=now,
                last_seen=now,
            )
        )
        return "proposed"
    if not reasons:
        if link.state == "proposed" and link.decided_at is None:
            session.delete(link)
            return "withdrawn"
        return ""  # what a person judged stays as it was judged
    refused = {name_reason(reason): reason for reason in link.reasons if reason.get("refused")}
    for reason in reasons:
        if name_reason(reason) in refused:
            reason["refused"] = True
    # Reasons that were refused and are gone now still say what the person saw.
    present = {name_reason(reason) for reason in reasons}
    reasons += [reason for name, reason in refused.items() if name not in present]
    before = (link.strength, [name_reason(reason) for reason in link.reasons], link.state)
    link.reasons, link.strength, link.last_seen = reasons, strength, now
    if link.state == "refused":
        new = combine([reason["strength"] for reason in reasons if not reason.get("refused")])
        if new > combine([reason["strength"] for reason in refused.values()]):
            link.state = "proposed"
            record_act(session, link, "reopen", by="tuskwatch", note="", before="refused", now=now)
            return "reopened"
    after = (link.strength, [name_reason(reason) for reason in link.reasons], link.state)
    return "" if after == before else "changed"


def name_reason(reason: Mapping[str, Any]) -> tuple[str, str, str]:
    """What makes two reasons the same, however strong they are."""
    return str(reason.get("kind")), str(reason.get("what")), str(reason.get("value"))


def subject_of(link_id: int) -> str:
    """What the log calls a link."""
    return f"seller_link {link_id}"


def record_act(
    session: Session, link: SellerLink, action: str, *, by: str, note: str, before: str, now: datetime
) -> None:
    """One row in the log of who did what."""
    record(
        session,
        actor=by,
        action=f"seller_link.{action}",
        subject=subject_of(link.id),
        detail={
            "a": link.a_id, "b": link.b_id, "before": before, "after": link.state, "note": note.strip(),
            "strength": link.strength,
            "reasons": [list(name_reason(reason)) for reason in link.reasons],
        },
        now=now,
    )  # fmt: skip
