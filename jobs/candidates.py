"""Candidate terms for the lexicon: proposed from verdicts, and tried on all that is stored before anybody enables one.

Public names: Tried, try_terms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from classifier.candidates import LEAST, Candidate, propose_terms
from classifier.features import join_text
from classifier.lessons import make_ads
from classifier.terms import Matcher
from classifier.train import find_terms
from jobs.places import Places
from storage.engine import check_schema, open_engine, reading
from storage.lessons import find_lessons, iterate_told
from text.normalise import normalise

_MOST = 200
_EVERY = 1_000


@dataclass(frozen=True)
class Tried:
    """A candidate, and in how many stored ads it stands: all; confirmed as offers; judged to be none; flagged and not
    judged; neither flagged nor judged, which are those that it would bring up."""

    candidate: Candidate
    ads: int
    offers: int
    refused: int
    flagged: int
    passed: int


def try_terms(
    places: Places, *, least: int = LEAST, progress: Callable[[int], None] | None = None
) -> list[Tried]:
    """In the order of propose_terms. progress(ads looked through)."""
    engine = open_engine(places.database_url)
    try:
        check_schema(engine)
        with reading(engine) as session:
            found = propose_terms(make_ads(find_lessons(session)), find_terms(), least=least)[:_MOST]
            if not found:
                return []
            matcher = Matcher(tuple((one.text, one.text, False) for one in found))
            counts: Counter[tuple[str, str]] = Counter()
            for at, told in enumerate(iterate_told(session), 1):
                folded = normalise(join_text(told.title, told.description)).text
                state = "flagged" if told.flagged else "passed"
                if told.offered is not None:
                    state = "offers" if told.offered else "refused"
                counts.update((text, state) for text in {hit.role for hit in matcher.find(folded)})
                if progress is not None and at % _EVERY == 0:
                    progress(at)
    finally:
        engine.dispose()
    rows = []
    for one in found:
        offers, refused, flagged, passed = (
            counts[one.text, state] for state in ("offers", "refused", "flagged", "passed")
        )
        rows.append(Tried(one, offers + refused + flagged + passed, offers, refused, flagged, passed))
    return rows
