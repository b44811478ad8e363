"""What retention takes away and what it leaves, decided for a few pages and everything that hangs together with them.

Public names: Decision, Gone, decide, REASONS.

The rules (docs/retention.md has them with their reasons):
- a page is *safe* when it is young, on hold (or its site is), not read yet, of a sweep that may go on, or the newest;
- a listing is *kept* when it is on hold (or its seller is), flagged or reviewed and not past that date, or not scored;
- a listing *lives* when it is kept, was seen on a safe page or is the newest; one that does not live goes, with its verdicts;
- a page stays when it is safe, shows a kept listing or something on hold, has a flagged reading that is not past its
  date, or when something that stays rests on one of its readings ("needed"). Pages read together stay together.

So a listing that is not kept never keeps another one, and nothing that is taken away changes what is decided later.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.absorbing import CARD
from storage.safety import Cutoffs, Ground, PageFacts, look_at_pages, pieces, read_ground
from storage.tables import Contact, Feedback, Listing, Reading, ReadingPage, Score, Sighting, Verdict

REASONS = ("hold", "flagged", "waiting", "open", "needed", "newest")
"""Why a page past its date stays."""


@dataclass
class Gone:
    """What a dry run has taken away in thought; empty for a real one."""

    pages: set[int] = field(default_factory=set)
    listings: set[int] = field(default_factory=set)
    readings: set[int] = field(default_factory=set)
    bodies: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Decision:
    """pages: those that go, with the rule each falls under. kept: the asked ones that stay, and why. listings: those that
    go. readings: those that go, all of pages that go."""

    pages: dict[int, str]
    kept: dict[int, str]
    listings: frozenset[int]
    readings: frozenset[int]
    facts: dict[int, PageFacts]


@dataclass(frozen=True)
class _Reading:
    page_id: int
    kind: str
    content: str


@dataclass(frozen=True)
class _Listing:
    id: int
    reading_id: int
    seller_id: int | None


@dataclass(frozen=True)
class _Seen:
    listing_id: int
    page_id: int
    reading_id: int


def decide(
    session: Session, page_ids: Collection[int], *, cut: Cutoffs, gone: Gone | None = None
) -> Decision:
    """What becomes of these pages and of the listings on them. Within a write transaction it is binding."""
    return _Case(session, cut, gone or Gone()).judge(page_ids)


class _Case:
    """One decision: what is looked at, loaded step by step, each step in few statements."""

    def __init__(self, session: Session, cut: Cutoffs, gone: Gone) -> None:
        self._session = session
        self._cut = cut
        self._gone = gone
        self._ground: Ground = read_ground(session, cut)

    def judge(self, page_ids: Collection[int]) -> Decision:
        ties = self._find_ties(page_ids)
        pages = set(page_ids).union(*ties.values()) - self._gone.pages
        seen = self._load_seen(Sighting.page_id, pages) | self._load_seen(Sighting.reading_id, ties)
        others = {each.page_id for each in seen} - pages
        seen |= self._load_seen(Sighting.page_id, others)
        around = pages | others
        own = self._find_readings(around)
        ratings = self._load_ratings(around)
        judged = self._load_verdicts(Verdict.reading_id, ties)
        listing_ids = {each.listing_id for each in seen}
        listing_ids |= {row.listing_id for row in ratings if row.listing_id is not None}
        listing_ids |= {row.listing_id for row in judged}
        self._listings = self._load_listings(listing_ids, ties)
        self._seen = self._load_seen(Sighting.listing_id, self._listings)
        self._by_listing: dict[int, list[_Seen]] = defaultdict(list)
        for each in self._seen:
            self._by_listing[each.listing_id].append(each)
        current = {listing.reading_id for listing in self._listings.values()}
        self._readings = self._load_readings(current | {each.reading_id for each in self._seen} | set(own))
        self._facts = look_at_pages(
            self._session,
            around
            | {each.page_id for each in self._seen}
            | {self._readings[reading_id].page_id for reading_id in current},
            self._ground,
            self._cut,
        )
        self._load_scores()
        self._newest_verdict: dict[int, datetime] = {}
        for row in self._load_verdicts(Verdict.listing_id, self._listings):
            self._newest_verdict[row.listing_id] = max(
                row.created_at, self._newest_verdict.get(row.listing_id, row.created_at)
            )
        kept = {listing_id: self._keep_listing(listing) for listing_id, listing in self._listings.items()}
        living = {
            listing_id for listing_id in self._listings if kept[listing_id] or self._is_seen_safe(listing_id)
        }
        staying = self._find_staying(around, own, ratings, kept)
        why = {page_id: reason for page_id, reason in staying.items() if page_id in pages}
        for reading_id in self._find_needed(ties, judged, living, staying):
            for page_id in ties[reading_id]:
                why.setdefault(page_id, "needed")
        for row in ratings:
            if self._cut.pages is not None and row.last_seen >= self._cut.pages and row.page_id in pages:
                why.setdefault(row.page_id, "needed")
        _tie(ties, why)
        flagged = self._find_flagged_pages(pages, own, ratings)
        going = {
            page_id: "flagged" if page_id in flagged else "pages" for page_id in sorted(pages - why.keys())
        }
        return Decision(
            pages=going,
            kept={page_id: why[page_id] for page_id in page_ids if page_id in why},
            listings=frozenset(self._listings.keys() - living),
            readings=frozenset(
                reading_id for reading_id in ties if self._readings_page(ties, reading_id) in going
            ),
            facts=self._facts,
        )

    # --- what is there ---

    def _find_ties(self, page_ids: Collection[int]) -> dict[int, set[int]]:
        """The readings of these pages, each with all pages that it was made from, and theirs in turn."""
        ties: dict[int, set[int]] = defaultdict(set)
        fresh = set(page_ids) - self._gone.pages
        known: set[int] = set()
        while fresh:
            known |= fresh
            reading_ids = {
                row[0] for row in self._ask(select(ReadingPage.reading_id), ReadingPage.page_id, fresh)
            } | {row[0] for row in self._ask(select(Reading.id), Reading.page_id, fresh)}
            reading_ids -= ties.keys()
            for reading_id, page_id in self._ask(
                select(ReadingPage.reading_id, ReadingPage.page_id), ReadingPage.reading_id, reading_ids
            ):
                ties[reading_id].add(page_id)
            for reading_id, page_id in self._ask(
                select(Reading.id, Reading.page_id), Reading.id, reading_ids
            ):
                ties[reading_id].add(page_id)
            fresh = set().union(*(ties[each] for each in reading_ids)) - known - self._gone.pages
        return dict(ties)

    def _find_readings(self, pages: Collection[int]) -> dict[int, set[int]]:
        """The readings made from any of these pages, each with those of the pages."""
        found: dict[int, set[int]] = defaultdict(set)
        for reading_id, page_id in self._ask(
            select(ReadingPage.reading_id, ReadingPage.page_id), ReadingPage.page_id, pages
        ):
            found[reading_id].add(page_id)
        for reading_id, page_id in self._ask(select(Reading.id, Reading.page_id), Reading.page_id, pages):
            found[reading_id].add(page_id)
        return dict(found)

    def _load_seen(self, column: Any, ids: Iterable[int]) -> set[_Seen]:
        rows = self._ask(select(Sighting.listing_id, Sighting.page_id, Sighting.reading_id), column, ids)
        gone = self._gone
        return {
            _Seen(*row)
            for row in rows
            if row[0] not in gone.listings and row[1] not in gone.pages and row[2] not in gone.readings
        }

    def _load_ratings(self, pages: Collection[int]) -> list[Any]:
        statement = select(Feedback.page_id, Feedback.listing_id, Feedback.seller_id, Feedback.last_seen)
        return [
            row
            for row in self._ask(statement, Feedback.page_id, pages)
            if row.page_id not in self._gone.pages
        ]

    def _load_verdicts(self, column: Any, ids: Iterable[int]) -> list[Any]:
        statement = select(Verdict.listing_id, Verdict.reading_id, Verdict.created_at)
        return [row for row in self._ask(statement, column, ids) if row.listing_id not in self._gone.listings]

    def _load_listings(self, ids: Collection[int], readings: Collection[int]) -> dict[int, _Listing]:
        statement = select(Listing.id, Listing.reading_id, Listing.seller_id)
        rows = [*self._ask(statement, Listing.id, ids), *self._ask(statement, Listing.reading_id, readings)]
        return {row[0]: _Listing(*row) for row in rows if row[0] not in self._gone.listings}

    def _load_readings(self, ids: Collection[int]) -> dict[int, _Reading]:
        rows = self._ask(
            select(Reading.id, Reading.page_id, Reading.kind, Reading.content_sha256), Reading.id, ids
        )
        return {row[0]: _Reading(*row[1:]) for row in rows}

    def _load_scores(self) -> None:
        """Which of the readings were scored, by today's model, and flagged or found worth a look."""
        self._scored: set[int] = set()
        self._scored_now: set[int] = set()
        self._flagged: set[int] = set()
        rows = self._ask(
            select(Score.reading_id, Score.model_version, Score.flagged, Score.zone),
            Score.reading_id,
            self._readings,
        )
        for reading_id, model, flagged, zone in rows:
            self._scored.add(reading_id)
            if model == self._ground.model:
                self._scored_now.add(reading_id)
            if flagged or zone in ("flag", "look"):
                self._flagged.add(reading_id)

    def _ask(self, statement: Any, column: Any, ids: Iterable[int]) -> list[Any]:
        return [
            row
            for some in pieces(set(ids))
            for row in self._session.execute(statement.where(column.in_(some)))
        ]

    # --- listings ---

    def _of(self, listing: _Listing) -> set[int]:
        return {listing.reading_id, *(each.reading_id for each in self._by_listing[listing.id])}

    def _is_marked(self, listing: _Listing) -> bool:
        """Was it ever flagged, found worth a look, or judged by a person?"""
        return listing.id in self._newest_verdict or not self._flagged.isdisjoint(self._of(listing))

    def _keep_listing(self, listing: _Listing) -> str:
        """Why a listing and all pages that it was seen on stay; "" when they need not."""
        if listing.id in self._ground.held_listings or listing.seller_id in self._ground.held_sellers:
            return "hold"
        if self._is_marked(listing):
            pages = {each.page_id for each in self._by_listing[listing.id]}
            pages.add(self._readings[listing.reading_id].page_id)
            last = max(self._facts[page_id].age_at for page_id in pages)
            if self._cut.flagged is None or last >= self._cut.flagged:
                return "flagged"
            judged = self._newest_verdict.get(listing.id)
            if judged is not None and (self._cut.verdicts is None or judged >= self._cut.verdicts):
                return "flagged"
        return "waiting" if self._is_waiting(listing) else ""

    def _is_waiting(self, listing: _Listing) -> bool:
        """Is its present text not scored by today's model, or was an earlier text never scored?"""
        if listing.reading_id not in self._scored_now:
            return True
        readings = self._of(listing)
        scored = {self._readings[each].content for each in readings if each in self._scored}
        return any(
            self._readings[each].content not in scored and self._readings[each].kind != CARD
            for each in readings
        )

    def _is_seen_safe(self, listing_id: int) -> bool:
        if listing_id in self._ground.newest_listings:
            return True
        if self._facts[self._readings[self._listings[listing_id].reading_id].page_id].safe:
            return True
        return any(self._facts[each.page_id].safe for each in self._by_listing[listing_id])

    # --- pages ---

    def _find_staying(
        self,
        pages: Collection[int],
        own: dict[int, set[int]],
        ratings: Collection[Any],
        kept: dict[int, str],
    ) -> dict[int, str]:
        """The pages that stay on their own account or for a kept listing that they show, and why."""
        why = {page_id: self._facts[page_id].safe for page_id in pages if self._facts[page_id].safe}
        claims: list[tuple[int, str]] = [(each.page_id, kept[each.listing_id]) for each in self._seen]
        for row in ratings:
            claims.append((row.page_id, kept.get(row.listing_id, "")))
            claims.append((row.page_id, "hold" if row.seller_id in self._ground.held_sellers else ""))
        held = self._ask(
            select(Contact.reading_id).where(Contact.seller_id.in_(self._ground.held_sellers)),
            Contact.reading_id,
            own if self._ground.held_sellers else (),
        )
        claims += [(page_id, "hold") for row in held for page_id in own[row[0]]]
        for reading_id in self._flagged & own.keys():
            for page_id in own[reading_id]:
                old = self._cut.flagged is not None and self._facts[page_id].age_at < self._cut.flagged
                claims.append((page_id, "" if old else "flagged"))
        for page_id, reason in sorted(claims, key=lambda claim: _rank(claim[1])):
            if reason and page_id in pages:
                why.setdefault(page_id, reason)
        return why

    def _find_needed(
        self,
        ties: Collection[int],
        judged: Collection[Any],
        living: Collection[int],
        staying: Collection[int],
    ) -> set[int]:
        """The readings that something rests on which stays."""
        needed = {row.reading_id for row in judged if row.listing_id in living}
        for listing_id in living:
            listing = self._listings[listing_id]
            needed.add(listing.reading_id)
            seen = self._by_listing[listing_id]
            needed |= {each.reading_id for each in seen if each.page_id in staying}
            # The one reading whose text was scored, while others of the same text stand there that were not.
            bare = {self._readings[each].content for each in self._of(listing) - self._scored}
            needed |= {
                each for each in self._of(listing) & self._scored if self._readings[each].content in bare
            }
        return needed.intersection(ties)

    def _find_flagged_pages(
        self, pages: Collection[int], own: dict[int, set[int]], ratings: Collection[Any]
    ) -> set[int]:
        """Those that fall under the rule for what was flagged or reviewed."""
        marked = {listing.id for listing in self._listings.values() if self._is_marked(listing)}
        found = {each.page_id for each in self._seen if each.listing_id in marked}
        found |= {row.page_id for row in ratings if row.listing_id in marked}
        return found.union(*(own[each] for each in self._flagged & own.keys())).intersection(pages)

    def _readings_page(self, ties: dict[int, set[int]], reading_id: int) -> int:
        return min(ties[reading_id])


def _rank(reason: str) -> int:
    return REASONS.index(reason) if reason in REASONS else len(REASONS)


def _tie(ties: dict[int, set[int]], why: dict[int, str]) -> None:
    """Let all pages of a reading stay when one does, and so on."""
    left: Iterable[set[int]] = list(ties.values())
    changed = True
    while changed:
        changed = False
        rest = []
        for pages in left:
            if pages.isdisjoint(why):
                rest.append(pages)
            else:
                changed = changed or not pages <= why.keys()
                for page_id in pages:
                    why.setdefault(page_id, "needed")
        left = rest
