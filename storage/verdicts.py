"""What people made of listings. A verdict stands while it is the newest on the listing's present text that was not undone.

Public names: standing_verdicts, is_latest_score, top_probability, give_verdict, undo_verdict, find_recent, find_standing,
find_earlier, find_judgements.

The text is what content_sha256 says: title, description and seller. So an ad that its seller changes after the review
waits for a person again, and a new price or a new reader version asks nobody twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, Select, Subquery, case, func, select
from sqlalchemy.orm import Session, aliased, joinedload

from storage import audit
from storage.engine import lock, transaction
from storage.errors import StorageError
from storage.tables import GROUPS, Listing, Reading, Score, Sighting, User, Verdict
from storage.types import clean_text


def standing_verdicts(*, any_text: bool = False) -> Subquery:
    """(listing_id, verdict_id) of every verdict that stands for the present text; with `any_text` the last one that
    was not undone, whatever the text was then."""
    undo, judged, at = aliased(Verdict), aliased(Reading), aliased(Listing)
    statement = (
        select(Verdict.listing_id, func.max(Verdict.id).label("verdict_id"))
        .where(Verdict.undoes.is_(None), ~select(undo.id).where(undo.undoes == Verdict.id).exists())
        .group_by(Verdict.listing_id)
    )
    if not any_text:
        statement = (
            statement.join(judged, Verdict.reading_id == judged.id)
            .join(at, Verdict.listing_id == at.id)
            .where(judged.content_sha256 == at.content_sha256)
        )
    return statement.subquery()


def is_latest_score() -> ColumnElement[bool]:
    """For a join of Score to Listing: the score is the newest of the listing's latest reading.

    Asked row by row along indexes, so that a query costs what it finds and not what the store holds.
    """
    newer = aliased(Score)
    superseded = select(newer.id).where(newer.reading_id == Score.reading_id, newer.id > Score.id).exists()
    return (Score.reading_id == Listing.reading_id) & ~superseded


def top_probability() -> ColumnElement[float]:
    """A score's highest probability (SQLite and PostgreSQL have different functions for it)."""
    return case(
        ((Score.ivory >= Score.rhino_horn) & (Score.ivory >= Score.tiger), Score.ivory),
        (Score.rhino_horn >= Score.tiger, Score.rhino_horn),
        else_=Score.tiger,
    )


def give_verdict(
    engine: Engine,
    *,
    listing_id: int,
    reading_id: int,
    user_id: int,
    labels: Sequence[str],
    guideline_version: str,
    now: datetime,
    kind: str = "",
    form: str = "",
    note: str = "",
    queue: str = "",
) -> int:
    """Keep a person's verdict on the reading they saw; its id. No labels says "none of the groups". queue: which of
    storage.queues.QUEUES showed the ad; "" when the person chose it.

    The same again from the same person, as a form sent twice, adds nothing and gives the id of what already stands.

    StorageError when a label is no species group or the reading is not one of the listing's.
    """
    unknown = sorted(set(labels) - set(GROUPS))
    if unknown:
        raise StorageError(f"{', '.join(unknown)} is no species group. Choose from: {', '.join(GROUPS)}.")
    with transaction(engine) as session:
        lock(session, "verdict")
        if session.scalar(_belongs(listing_id, reading_id)) is None:
            raise StorageError(
                "This text does not belong to this listing. Reload the page and judge it again."
            )
        verdict = Verdict(
            listing_id=listing_id,
            reading_id=reading_id,
            user_id=user_id,
            labels=[group for group in GROUPS if group in labels],
            kind=kind,
            form=form,
            note=clean_text(note),
            queue=queue,
            guideline_version=guideline_version,
            created_at=now,
        )
        last = _find_last(session, listing_id, reading_id)
        if last is not None and _said(last) == _said(verdict):
            return last.id
        session.add(verdict)
        session.flush()
        _log(session, verdict, "verdict.give", now)
        return verdict.id


def undo_verdict(engine: Engine, *, user_id: int, now: datetime) -> Verdict | None:
    """Undo the last verdict of that person which they have not undone yet; the verdict, or None when there is none."""
    undo = aliased(Verdict)
    with transaction(engine) as session:
        lock(session, "verdict")
        last = session.scalar(
            select(Verdict)
            .where(
                Verdict.user_id == user_id,
                Verdict.undoes.is_(None),
                ~select(undo.id).where(undo.undoes == Verdict.id).exists(),
            )
            .order_by(Verdict.id.desc())
            .limit(1)
        )
        if last is None:
            return None
        session.add(
            Verdict(
                listing_id=last.listing_id,
                reading_id=last.reading_id,
                user_id=user_id,
                labels=[],
                guideline_version=last.guideline_version,
                undoes=last.id,
                created_at=now,
            )
        )
        _log(session, last, "verdict.undo", now)
        return last


def find_recent(session: Session, *, user_id: int, limit: int = 10) -> list[tuple[Verdict, Listing]]:
    """The last verdicts of a person that were not undone, each with its listing (and site), the newest first."""
    undo = aliased(Verdict)
    rows = session.execute(
        select(Verdict, Listing)
        .join(Listing, Verdict.listing_id == Listing.id)
        .options(joinedload(Listing.site))
        .where(
            Verdict.user_id == user_id,
            Verdict.undoes.is_(None),
            ~select(undo.id).where(undo.undoes == Verdict.id).exists(),
        )
        .order_by(Verdict.id.desc())
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


def find_standing(session: Session, listing_id: int) -> Verdict | None:
    """The listing's standing verdict with its person."""
    standing = standing_verdicts()
    return session.scalar(
        select(Verdict)
        .join(standing, standing.c.verdict_id == Verdict.id)
        .options(joinedload(Verdict.user))
        .where(standing.c.listing_id == listing_id)
    )


def find_earlier(session: Session, listing_id: int) -> frozenset[int]:
    """Ids of the verdicts that were given on another text than the listing's present one."""
    return frozenset(
        session.scalars(
            select(Verdict.id)
            .join(Reading, Verdict.reading_id == Reading.id)
            .join(Listing, Verdict.listing_id == Listing.id)
            .where(Verdict.listing_id == listing_id, Reading.content_sha256 != Listing.content_sha256)
        )
    )


def find_judgements(session: Session) -> list[tuple[tuple[int, str], int, tuple[str, ...]]]:
    """((listing, text), person, groups) of every verdict that was not undone, of ads on which more than one person gave
    one; the oldest first."""
    undo = aliased(Verdict)
    kept = (Verdict.undoes.is_(None), ~select(undo.id).where(undo.undoes == Verdict.id).exists())
    shared = (
        select(Verdict.listing_id)
        .where(*kept)
        .group_by(Verdict.listing_id)
        .having(func.count(func.distinct(Verdict.user_id)) > 1)
    )
    rows = session.execute(
        select(Verdict.listing_id, Reading.content_sha256, Verdict.user_id, Verdict.labels)
        .join(Reading, Verdict.reading_id == Reading.id)
        .where(*kept, Verdict.listing_id.in_(shared))
        .order_by(Verdict.id)
    )
    return [((row[0], row[1]), row[2], tuple(sorted(row[3]))) for row in rows]


def _belongs(listing_id: int, reading_id: int) -> Select[int]:
    return (
        select(Sighting.id)
        .where(Sighting.listing_id == listing_id, Sighting.reading_id == reading_id)
        .limit(1)
    )


def _find_last(session: Session, listing_id: int, reading_id: int) -> Verdict | None:
    """The listing's newest verdict, not undone, on the text of that reading."""
    undo = aliased(Verdict)
    content = select(Reading.content_sha256).where(Reading.id == reading_id).scalar_subquery()
    return session.scalar(
        select(Verdict)
        .join(Reading, Verdict.reading_id == Reading.id)
        .where(
            Verdict.listing_id == listing_id,
            Verdict.undoes.is_(None),
            ~select(undo.id).where(undo.undoes == Verdict.id).exists(),
            Reading.content_sha256 == content,
        )
        .order_by(Verdict.id.desc())
        .limit(1)
    )


def _said(verdict: Verdict) -> tuple[object, ...]:
    """All that a verdict says, save when."""
    return (
        verdict.user_id,
        verdict.reading_id,
        tuple(verdict.labels),
        verdict.kind,
        verdict.form,
        verdict.note,
        verdict.guideline_version,
    )


def _log(session: Session, verdict: Verdict, action: str, now: datetime) -> None:
    user = session.get(User, verdict.user_id)
    audit.record(
        session,
        actor="" if user is None else user.name,
        action=action,
        subject=f"listing {verdict.listing_id}",
        detail={"verdict": verdict.id, "labels": list(verdict.labels)},
        now=now,
    )
