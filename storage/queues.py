"""What a person reviews next: flagged ads, ads worth a look, and a random draw of those that the model passed over.

Public names: QUEUES, ReviewCard, AuditCounts, next_for_review, count_waiting, is_waiting, count_audit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal, select
from sqlalchemy.orm import Session, aliased, joinedload

from storage.readtables import Likeness
from storage.tables import Listing, Reading, Score, Verdict
from storage.verdicts import is_latest_score, standing_verdicts, top_probability

QUEUES = ("flag", "look", "audit")
"""flag: at or above a threshold, the surest first. look: below, and still worth a look, the nearest first. audit: passed
over, in an order that no one chooses, so that the share of offers among those judged holds for all of them."""

_SPREAD, _RANGE = (
    2_654_435_761,
    4_294_967_296,
)  # Knuth's multiplicative hash: the same order in both databases


@dataclass(frozen=True)
class ReviewCard:
    """One ad that waits for a person: site and seller are loaded with the listing. waiting: how many do in its queue."""

    listing: Listing
    reading: Reading
    score: Score
    waiting: int


@dataclass(frozen=True)
class AuditCounts:
    """passed: listings that the model passed over. drawn: those of them that were drawn and judged; missed: of these, the
    offers. found: flagged listings that a person confirmed."""

    passed: int
    drawn: int
    missed: int
    found: int


def next_for_review(
    session: Session, *, queue: str = "flag", skipped: Sequence[int] = ()
) -> ReviewCard | None:
    """The next ad of a queue without a standing verdict; None when none is left.

    Of near copies one comes first, the others after everything else. skipped: ids of listings that the person put off.
    """
    order: tuple[ColumnElement[Any], ...]
    if queue == "audit":
        order = ((Listing.id * literal(_SPREAD)) % literal(_RANGE),)
    else:
        order = (case((_has_earlier_copy(), 1), else_=0), top_probability().desc())
    statement = _waiting(queue).order_by(*order, Listing.id).limit(1)
    if skipped:
        statement = statement.where(Listing.id.not_in(skipped))
    row = session.execute(statement.options(joinedload(Listing.site), joinedload(Listing.seller))).first()
    if row is None:
        return None
    return ReviewCard(
        listing=row[0], reading=row[1], score=row[2], waiting=count_waiting(session, queue=queue)
    )


def count_waiting(session: Session, *, queue: str = "flag") -> int:
    """How many listings of a queue have no standing verdict, those with a changed text among them."""
    ids = _waiting(queue).with_only_columns(Listing.id).subquery()
    return session.scalar(select(func.count()).select_from(ids)) or 0


def is_waiting(session: Session, listing_id: int) -> bool:
    """Whether that listing is flagged and waits."""
    found = _waiting("flag").with_only_columns(Listing.id).where(Listing.id == listing_id)
    return session.scalar(found) is not None


def count_audit(session: Session) -> AuditCounts:
    """What the random draw has shown so far, by the verdicts that stand and the scores of today's model."""
    scored = select(Listing.id).join(Score, is_latest_score())
    passed = session.scalar(select(func.count()).select_from(scored.where(_is_in("audit")).subquery()))
    standing = standing_verdicts()
    judged = (
        select(Verdict.labels, Verdict.queue, Score.flagged)
        .join(standing, standing.c.verdict_id == Verdict.id)
        .join(Listing, Listing.id == Verdict.listing_id)
        .join(Score, is_latest_score())
    )
    drawn = missed = found = 0
    for labels, queue, flagged in session.execute(judged):
        if flagged:
            found += bool(labels)
        elif queue == "audit":
            drawn += 1
            missed += bool(labels)
    return AuditCounts(passed or 0, drawn, missed, found)


def _is_in(queue: str) -> ColumnElement[bool]:
    if queue == "flag":
        return Score.flagged.is_(True)
    looked = Score.zone == "look"
    return Score.flagged.is_(False) & (looked if queue == "look" else ~looked)


def _has_earlier_copy() -> ColumnElement[bool]:
    """Is there a near copy that was seen before this listing?"""
    return select(Likeness.id).where(Likeness.b_id == Listing.id).exists()


def _waiting(queue: str) -> Select[Listing, Reading, Score]:
    # The rule of standing_verdicts(), asked row by row along an index.
    given, undo, text = aliased(Verdict), aliased(Verdict), aliased(Reading)
    undone = select(undo.id).where(undo.undoes == given.id).exists()
    judged = (
        select(given.id)
        .join(text, given.reading_id == text.id)
        .where(
            given.listing_id == Listing.id,
            # Not "IS NULL": the index on that column would be taken, in which nearly all rows are null.
            func.coalesce(given.undoes, 0) == 0,
            ~undone,
            text.content_sha256 == Listing.content_sha256,
        )
        .exists()
    )
    return (
        select(Listing, Reading, Score)
        .join(Reading, Listing.reading_id == Reading.id)
        .join(Score, is_latest_score())
        .where(_is_in(queue), ~judged)
    )
