"""People's verdicts as ads to train on.

Public names: make_ads.
"""

from __future__ import annotations

from collections.abc import Sequence

from classifier.ads import KINDS, LANGUAGES, Ad
from storage.lessons import Lesson
from text.language import guess_language


def make_ads(lessons: Sequence[Lesson]) -> list[Ad]:
    """In the order of the lessons. A batch is a seller, so that what is held back is held back seller by seller."""
    ads = []
    for lesson in lessons:
        text = f"{lesson.title}\n{lesson.description}".strip()
        if not text:
            continue
        language = lesson.language or guess_language(text)
        kind = lesson.kind if lesson.kind in KINDS else "offer" if lesson.labels else "everyday"
        ads.append(
            Ad(
                id=f"v-{lesson.listing_id}",
                language=language if language in LANGUAGES else "und",
                labels=lesson.labels,
                kind="offer" if lesson.labels else kind if kind != "offer" else "everyday",
                form=lesson.form,
                title=lesson.title,
                text=lesson.description,
                batch=f"seller-{lesson.seller_id}" if lesson.seller_id else f"listing-{lesson.listing_id}",
            )
        )
    return ads
