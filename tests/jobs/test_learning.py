"""Learning from verdicts on a real store: a challenger is trained, compared and promoted or refused, with audit rows."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from classifier.ads import CorpusError
from classifier.model import ModelError, load_model
from classifier.train import train
from jobs.candidates import try_terms
from jobs.errors import UsageError
from jobs.learning import find_models, learn, use_model
from jobs.places import Places
from storage.engine import open_engine, reading
from storage.lessons import find_lessons
from storage.pages import Fetched, store_page
from storage.readings import ReadingRow, store_readings
from storage.runs import create_run
from storage.sites import register_site
from storage.tables import Audit, Listing
from storage.users import add_user
from storage.verdicts import give_verdict

NOW = datetime(2026, 11, 3, 8, 0, tzinfo=UTC)
SOLD = [
    ("Elephant tusk {n} kg", "Raw tusk, no papers, price per kilo in xmr, lot {n}.", ["ivory"]),
    ("Tiger bone {n} g", "Real tiger bone, glue too, ask for the price, lot {n}.", ["tiger"]),
    ("Weed {n} g", "Indica buds, next day, lot {n}.", []),
    ("Bank card {n}", "Platinum, balance checked, lot {n}.", []),
]


def _unlike(name: str, at: int) -> str:
    """Words that no other text has, so that texts are no near copies of each other."""
    return " ".join(
        f"{word}{name}{at * 7919}" for word in ("amber", "brook", "cedar", "delta", "ember", "flint")
    )


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few dozen texts of three batches."""
    folder = tmp_path_factory.mktemp("corpus")
    for batch in ("p", "q", "r"):
        rows = [
            {
                "id": f"{batch}-{at:03}", "language": "en", "labels": labels, "kind": "offer" if labels else "everyday", "form": "",
                "title": title.format(n=f"{batch}{at}"), "text": f"{text.format(n=at)} {_unlike(batch, at)}", "batch": batch,
            }
            for at in range(8)
            for title, text, labels in [SOLD[at % 4]]
        ]  # fmt: skip
        (folder / f"{batch}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def _judge(places: Places, number: int, *, wrong: bool = False) -> None:
    """So many listings of as many sellers, each with a verdict."""
    engine = open_engine(places.database_url)
    site = register_site(engine, name="oldport", title="Old Port", config_sha256="0" * 64, onions=[], now=NOW)
    run = create_run(engine, verb="crawl", site_id=site, by="test", reason="", settings={}, now=NOW)
    user = add_user(
        engine, name="ana", password_hash="x", role="reviewer", must_change=False, by="test", now=NOW
    )
    for at in range(number):
        title, text, labels = SOLD[at % 4]
        address = f"http://{'a' * 56}.onion/p/{at}"
        fetched = Fetched(
            site_id=site, run_id=run, frontier_id=None, attempt=1, hop=0, url=address, method="GET", request_headers=(),
            requested_at=NOW, status=200, reason="OK", response_headers=(), received_at=NOW, body=str(at).encode(),
            content_type="text/html", content_encoding="", circuit_token="c",
        )  # fmt: skip
        page = store_page(engine, fetched, now=NOW)
        row = ReadingRow(
            page_ids=(page,), site_id=site, run_id=run, reader_version="r1", kind="listing", confidence=1.0,
            title=title.format(n=at), description=f"{text.format(n=at)} {_unlike('v', at)}", fields={"language": {"value": "en"}},
            leftovers=[], content_sha256=f"{at:064}", key=str(at), source="listing", url=address, seller=f"seller{at}", seen_at=NOW,
        )  # fmt: skip
        store_readings(engine, [row], now=NOW)
        with reading(engine) as session:
            listing = session.query(Listing).filter_by(key=str(at)).one()
        give_verdict(
            engine, listing_id=listing.id, reading_id=listing.reading_id, user_id=user, labels=[] if wrong else labels,
            guideline_version="t", now=NOW + timedelta(minutes=at), kind="offer" if labels and not wrong else "everyday",
        )  # fmt: skip
    engine.dispose()


@pytest.fixture(scope="module")
def models(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    train(corpus, folder, seed=1, now=NOW - timedelta(days=9), folds=2, jobs=1, meaning=False)
    return folder


@pytest.fixture
def trained(places: Places, models: Path) -> Places:
    shutil.copytree(models, places.models)
    return places


def _actions(places: Places) -> list[str]:
    engine = open_engine(places.database_url)
    with reading(engine) as session:
        found = [
            row.action for row in session.query(Audit).order_by(Audit.id) if row.action.startswith("model.")
        ]
    engine.dispose()
    return found


def test_a_challenger_that_is_not_worse_is_promoted_and_can_be_taken_back(
    trained: Places, corpus: Path
) -> None:
    _judge(trained, 110)
    before = load_model(trained.models).version
    said: list[str] = []
    done = learn(
        trained, corpus, seed=1, by="ana", now=NOW, progress=said.append, folds=2, jobs=1, meaning=False
    )
    assert done.duel is not None
    assert done.promoted == done.duel.won
    assert done.learned_from + done.duel.texts == 110
    current = load_model(trained.models).version
    assert current == (done.challenger if done.promoted else before)
    assert _actions(trained) == ["model.promote" if done.promoted else "model.refuse"]
    assert {row["version"] for row in find_models(trained)} == {before, done.challenger}
    assert use_model(trained, before, by="ana", reason="too many strains", now=NOW) == current
    assert load_model(trained.models).version == before
    assert _actions(trained)[-1] == "model.use"


def test_too_few_verdicts_say_so_and_change_nothing(trained: Places, corpus: Path) -> None:
    _judge(trained, 12)
    before = load_model(trained.models).version
    with pytest.raises(UsageError, match="at least 30 are needed"):
        learn(trained, corpus, seed=1, by="ana", now=NOW, progress=lambda line: None)
    assert load_model(trained.models).version == before
    assert _actions(trained) == []


def test_a_corpus_that_is_too_small_is_refused_in_words(tmp_path: Path, corpus: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    (small / "p.jsonl").write_text("".join((corpus / "p.jsonl").read_text().splitlines(keepends=True)[:4]))
    with pytest.raises(CorpusError, match="too few to hold back"):
        train(small, tmp_path / "models", seed=1, now=NOW, jobs=1, meaning=False)


def test_lessons_are_what_stands(places: Places) -> None:
    _judge(places, 4)
    engine = open_engine(places.database_url)
    with reading(engine) as session:
        lessons = find_lessons(session)
    engine.dispose()
    assert [lesson.labels for lesson in lessons] == [("ivory",), ("tiger",), (), ()]
    assert {lesson.language for lesson in lessons} == {"en"}
    assert len({lesson.seller_id for lesson in lessons}) == 4


@pytest.mark.parametrize("version", ["../corpus", "20200101-00000000", ""])
def test_another_version_must_be_one_of_ours(trained: Places, version: str) -> None:
    with pytest.raises(ModelError):
        use_model(trained, version, by="ana", reason="", now=NOW)
    assert _actions(trained) == []


def test_a_tampered_version_cannot_be_used(trained: Places) -> None:
    version = load_model(trained.models).version
    copy = trained.models / "20200101-1"
    shutil.copytree(trained.models / version, copy)
    (copy / "PINS").write_text((copy / "PINS").read_text().replace(version, "20200101-1"))
    (copy / "model.skops").write_bytes(b"other")
    with pytest.raises(ModelError, match="SHA-256 differs"):
        use_model(trained, "20200101-1", by="ana", reason="", now=NOW)


def test_new_words_are_tried_on_all_that_is_stored(places: Places) -> None:
    _judge(places, 24)
    tried = {row.candidate.text: row for row in try_terms(places)}
    # said of tusks by six sellers, and by nobody else
    assert tried["per kilo"].candidate.group == "ivory"
    row = tried["per kilo"]
    assert (row.ads, row.offers, row.refused, row.flagged, row.passed) == (6, 6, 0, 0, 0)


def test_without_verdicts_no_word_is_proposed(places: Places) -> None:
    assert try_terms(places) == []
