"""After scoring, a site whose texts are no longer like those before is named in an issue with a sample page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from jobs.drift import check_drift
from jobs.places import Places
from storage.engine import open_engine, reading
from storage.issues import find_issues
from storage.pages import Fetched, store_page
from storage.readings import ReadingRow, store_readings
from storage.runs import create_run
from storage.scores import ScoreRow, find_last_score, find_scores, store_scores
from storage.sites import register_site
from storage.tables import Reading

NOW = datetime(2026, 11, 3, 8, 0, tzinfo=UTC)
KNOWN = frozenset(("weed", "plain"))


@pytest.fixture
def engine(places: Places) -> Iterator[Engine]:
    engine = open_engine(places.database_url)
    yield engine
    engine.dispose()


def _score(
    engine: Engine, name: str, keys: range, *, top: float, language: str = "en", model: str = "m1"
) -> int:
    """So many ads of that site, read and scored; the number of the last score."""
    site = register_site(engine, name=name, title=name, config_sha256="0" * 64, onions=[], now=NOW)
    run = create_run(engine, verb="crawl", site_id=site, by="test", reason="", settings={}, now=NOW)
    for key in keys:
        address = f"http://{'a' * 56}.onion/p/{key}"
        page = store_page(
            engine,
            Fetched(
                site_id=site, run_id=run, frontier_id=None, attempt=1, hop=0, url=address, method="GET", request_headers=(),
                requested_at=NOW, status=200, reason="OK", response_headers=(), received_at=NOW, body=str(key).encode(),
                content_type="text/html", content_encoding="", circuit_token="c",
            ),
            now=NOW,
        )  # fmt: skip
        row = ReadingRow(
            page_ids=(page,), site_id=site, run_id=run, reader_version="r1", kind="listing", confidence=1.0, title="weed",
            description="plain weed", fields={"language": {"value": language}}, leftovers=[], content_sha256=f"{key:064}",
            key=str(key), source="listing", url=address, seller="nk", seen_at=NOW,
        )  # fmt: skip
        store_readings(engine, [row], now=NOW)
        with reading(engine) as session:
            number = session.query(Reading.id).filter_by(page_id=page).scalar()
        score = ScoreRow(
            reading_id=number, model_version=model, ivory=top, rhino_horn=0.0, tiger=0.0, thresholds={}, flagged=top > 0.5,
            reasons={},
        )  # fmt: skip
        store_scores(engine, [score], now=NOW)
    with reading(engine) as session:
        return find_last_score(session)


def test_a_site_that_changed_is_named_with_a_page(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifier.drift.LEAST", 8)
    _score(engine, "oldport", range(10), top=0.0001)
    since = _score(engine, "greyhall", range(10, 20), top=0.0001)
    _score(engine, "oldport", range(20, 30), top=0.9, language="vi")
    _score(engine, "greyhall", range(30, 40), top=0.0001)
    found = check_drift(engine, model_version="m1", known=KNOWN, since=since, now=NOW)
    assert {site: [drift.kind for drift in drifts] for site, drifts in found.items()} == {
        "oldport": ["scores", "languages"]
    }
    with reading(engine) as session:
        issues = [issue for issue in find_issues(session, limit=50) if issue.kind.startswith("score-drift")]
        assert {issue.kind for issue in issues} == {"score-drift-scores", "score-drift-languages"}
        assert all(issue.page_id for issue in issues)


def test_another_model_s_scores_are_no_measure(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifier.drift.LEAST", 8)
    since = _score(engine, "oldport", range(10), top=0.0001, model="m0")
    _score(engine, "oldport", range(10, 20), top=0.9)
    assert check_drift(engine, model_version="m1", known=KNOWN, since=since, now=NOW) == {}


def test_the_newest_scores_come_first_and_numbers_bound_them(engine: Engine) -> None:
    first = _score(engine, "oldport", range(3), top=0.1)
    _score(engine, "oldport", range(3, 5), top=0.7)
    with reading(engine) as session:
        assert [row.top for row in find_scores(session, model_version="m1", after=first, limit=9)] == [
            0.7,
            0.7,
        ]
        assert [row.top for row in find_scores(session, model_version="m1", upto=first, limit=2)] == [
            0.1,
            0.1,
        ]
