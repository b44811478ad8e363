"""Review: one flagged ad at a time; a person says what it is.

Public names: routes.

The score stands beside the ad and is never filled into the form. Saving with nothing marked is refused, because it
would say "none of them", and that is a button of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session
from starlette.responses import Response
from starlette.routing import Route

from classifier.agree import Agreement, measure_agreement
from storage.engine import reading
from storage.errors import StorageError
from storage.missed import Missed, estimate_missed
from storage.queries import ListingDetail, find_listing
from storage.queues import QUEUES, count_audit, count_waiting, is_waiting, next_for_review
from storage.tables import GROUPS, Listing, Reading, Score
from storage.verdicts import find_judgements, find_recent, find_standing, give_verdict, undo_verdict
from web import guideline
from web.visit import Refusal, Visit, bad_input, go, not_found, route
from web.words import GROUP_NAMES

STRIP = 10
MOST_SKIPPED = 200
MOST_WORDS = 6
COUNTED_A_DAY = 1_000

EXTRA = (
    ("Quantity", "quantity"),
    ("Payment", "payment"),
    ("Stock", "stock"),
    ("Sold", "sold"),
    ("Language", "language"),
)
"""Fields of a reading that are shown besides those of the listing: (as said on the screen, in the reading)."""

PROBLEMS = {
    "choose": "Mark at least one group, or press “None of them”.",
    "kind": "A group is marked only for an offer. Choose the kind “offer”, or press “None of them” and keep the kind.",
}


@dataclass(frozen=True)
class Given:
    """What the form shows as chosen: nothing, or a person's own earlier verdict."""

    labels: tuple[str, ...] = ()
    kind: str = ""
    form: str = ""
    note: str = ""


@dataclass(frozen=True)
class Card:
    """The ad on the screen; score None: the model has not seen this text."""

    listing: Listing
    reading: Reading
    score: Score | None


def latest_score(detail: ListingDetail) -> Score | None:
    """The newest score of the listing's present reading."""
    return next((score for score in detail.scores if score.reading_id == detail.reading.id), None)


def find_card(
    session: Session, listing_id: int, *, skipped: Sequence[int], queue: str = "flag"
) -> Card | None:
    """That listing, or the next of the queue when the id is 0."""
    if listing_id:
        detail = find_listing(session, listing_id)
        if detail is None:
            raise not_found("listing")
        return Card(detail.listing, detail.reading, latest_score(detail))
    waits = next_for_review(session, queue=queue, skipped=skipped)
    return None if waits is None else Card(waits.listing, waits.reading, waits.score)


def find_reasons(score: Score | None) -> dict[str, list[str]]:
    """The words that spoke for each group, the heaviest first, each once."""
    found: dict[str, list[str]] = {}
    reasons = score.reasons if score is not None and isinstance(score.reasons, Mapping) else {}
    for group in GROUPS:
        rows = [row for row in reasons.get(group) or [] if isinstance(row, Mapping) and row.get("text")]
        rows.sort(key=lambda row: -_weight(row.get("weight")))
        words = dict.fromkeys(str(row["text"]).strip().casefold() for row in rows)
        found[group] = list(words)[:MOST_WORDS]
    return found


def _weight(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def find_extra(read: Reading) -> list[tuple[str, str]]:
    """The other fields that were read, as (name, text), without the empty ones."""
    rows = []
    for name, key in EXTRA:
        text = say_value(
            (read.fields.get(key) or {}).get("value") if isinstance(read.fields.get(key), Mapping) else ""
        )
        if text:
            rows.append((name, text))
    return rows


def say_value(value: Any) -> str:
    if value is None or value == "" or value == []:
        return ""
    if isinstance(value, list):
        return ", ".join(str(each) for each in value[:20])
    return str(value)


def show_review(visit: Visit) -> Response:
    skipped = visit.query.numbers("skip", at_most=MOST_SKIPPED)
    single = visit.query.number("listing", default=0)
    saved_id = visit.query.number("saved", default=0)
    queue = visit.query.choice("queue", QUEUES, default="flag")
    problem = PROBLEMS.get(visit.query.text("problem", limit=20, default=""), "")
    with reading(visit.web.engine) as session:
        card = find_card(session, single, skipped=skipped, queue=queue)
        recent = find_recent(session, user_id=visit.person.id, limit=COUNTED_A_DAY)
        saved = next((verdict for verdict, _ in recent[:STRIP] if verdict.id == saved_id), None)
        return visit.render(
            "review.html",
            card=card,
            single=bool(single),
            given=_given(session, visit, single),
            because=find_reasons(card.score if card else None),
            extra=find_extra(card.reading) if card else [],
            waiting=count_waiting(session),
            queue=queue,
            looks=count_waiting(session, queue="look"),
            audit=_find_audit(session) if queue == "audit" else None,
            mine_today=sum(1 for verdict, _ in recent if _same_day(verdict.created_at, visit.now)),
            recent=[
                {"listing_id": listing.id, "title": listing.title, "labels": verdict.labels}
                for verdict, listing in recent[:STRIP]
            ],
            saved=", ".join(GROUP_NAMES[name] for name in saved.labels) or "none of them" if saved else "",
            skipped=skipped,
            problem=problem,
            guideline=guideline,
        )


@dataclass(frozen=True)
class AuditSeen:
    """What the random check of the passed ads has shown; missed: None while none was drawn. agreed: how far reviewers
    agree on the groups of ads that more than one of them judged."""

    passed: int
    drawn: int
    offers: int
    missed: Missed | None
    agreed: Agreement


def _find_audit(session: Session) -> AuditSeen:
    seen = count_audit(session)
    missed = estimate_missed(passed=seen.passed, drawn=seen.drawn, missed=seen.missed, found=seen.found)
    agreed = measure_agreement(find_judgements(session))
    return AuditSeen(seen.passed, seen.drawn, seen.missed, missed, agreed)


def _given(session: Session, visit: Visit, listing_id: int) -> Given:
    """Only a person's own standing verdict is shown as chosen, and only when they come back to change it."""
    standing = find_standing(session, listing_id) if listing_id else None
    if standing is None or standing.user_id != visit.person.id:
        return Given()
    return Given(tuple(standing.labels), standing.kind, standing.form, standing.note)


def _same_day(one: datetime, other: datetime) -> bool:
    return one.date() == other.date()


def save(visit: Visit) -> Response:
    form = visit.form
    act = form.choice("act", ("save", "none", "skip"), default="save")
    listing_id, reading_id = form.number("listing"), form.number("reading")
    skipped = form.numbers("skip", at_most=MOST_SKIPPED)
    kept = ",".join(map(str, skipped))
    queue = form.choice("queue", QUEUES, default="flag")
    if act == "skip":
        more = (*(each for each in skipped if each != listing_id), listing_id)[-MOST_SKIPPED:]
        return go("/review", {"skip": ",".join(map(str, more)), "queue": _in_address(queue)})
    here: dict[str, str | int] = {"skip": kept, "queue": _in_address(queue)}
    single = bool(form.text("single", limit=1, default=""))
    if single:
        here["listing"] = listing_id
    labels = form.every("labels")
    if any(label not in GROUPS for label in labels):
        raise bad_input("There is no such group. Reload the page and judge the ad again.")
    if act == "save" and not labels:
        return go("/review", here | {"problem": "choose"})
    kind = form.choice("kind", tuple(value for value, _ in guideline.KINDS), default="")
    if act == "save" and kind not in guideline.OFFERS:
        return go("/review", here | {"problem": "kind"})
    try:
        verdict_id = give_verdict(
            visit.web.engine,
            listing_id=listing_id,
            reading_id=reading_id,
            user_id=visit.person.id,
            labels=() if act == "none" else tuple(dict.fromkeys(labels)),
            kind=kind,
            form=form.choice("form", guideline.FORMS, default=""),
            note=form.text("note", limit=2_000, default=""),
            queue="" if single else queue,
            guideline_version=guideline.VERSION,
            now=visit.now,
        )
    except StorageError as exc:
        raise Refusal(409, str(exc)) from exc
    return go("/review", {"saved": verdict_id, "skip": kept, "queue": _in_address(queue)})


def _in_address(queue: str) -> str:
    """The first queue needs no word in the address."""
    return "" if queue == QUEUES[0] else queue


def undo(visit: Visit) -> Response:
    """Takes back the person's last verdict and shows that ad again."""
    undone = undo_verdict(visit.web.engine, user_id=visit.person.id, now=visit.now)
    if undone is None:
        return go("/review", {"done": "nothing"})
    kept = ",".join(map(str, visit.form.numbers("skip", at_most=MOST_SKIPPED)))
    queue = _in_address(visit.form.choice("queue", QUEUES, default="flag"))
    with reading(visit.web.engine) as session:
        done = _say_undone(session, undone.listing_id, visit.person.id)
    return go("/review", {"done": done, "listing": undone.listing_id, "skip": kept, "queue": queue})


def _say_undone(session: Session, listing_id: int, user_id: int) -> str:
    """What holds for the ad now, as a word of screen.DONE."""
    standing = find_standing(session, listing_id)
    if standing is not None:
        return "undone-again" if standing.user_id == user_id else "undone-other"
    return "undone" if is_waiting(session, listing_id) else "undone-open"


routes: list[Route] = [
    route("/review", show_review, role="reviewer"),
    route("/review", save, role="reviewer", method="POST"),
    route("/review/undo", undo, role="reviewer", method="POST"),
]
