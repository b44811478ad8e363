"""The shipped model flags what it should, keeps quiet about the rest, and gives reasons that stand in the text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from classifier.explain import explain_text, say_reason
from classifier.features import MAX_TEXT, join_text
from classifier.model import Model
from classifier.score import Scored, TextRow, score_stored, score_texts
from storage.engine import open_engine, reading, upgrade
from storage.pages import Fetched, store_page
from storage.readings import ReadingRow, store_readings
from storage.runs import create_run
from storage.scores import find_unscored
from storage.sites import register_site
from storage.tables import GROUPS, Score

NOW = datetime(2026, 11, 3, 8, 0, tzinfo=UTC)


def _score(model: Model, title: str, text: str) -> Scored:
    return score_texts(model, [TextRow(1, title, text)])[0]


def _flags(scored: Scored) -> set[str]:
    return {group for group in GROUPS if getattr(scored, group) >= scored.thresholds[group]}


def _store_listings(engine: Engine, site: int, run: int) -> None:
    for key, (title, text) in enumerate([OFFERS[0][:2], NOT_OFFERS[0]]):
        address = f"http://{'a' * 56}.onion/p/{key}"
        fetched = Fetched(
            site_id=site, run_id=run, frontier_id=None, attempt=1, hop=0, url=address, method="GET", request_headers=(),
            requested_at=NOW, status=200, reason="OK", response_headers=(), received_at=NOW, body=title.encode(),
            content_type="text/html", content_encoding="", circuit_token="c",
        )  # fmt: skip
        page = store_page(engine, fetched, now=NOW)
        row = ReadingRow(
            page_ids=(page,), site_id=site, run_id=run, reader_version="r1", kind="listing", confidence=1.0, title=title,
            description=text, fields={}, leftovers=[], content_sha256=str(key) * 64, key=str(key), source="listing",
            url=address, seller="grey_heron", seen_at=NOW,
        )  # fmt: skip
        store_readings(engine, [row], now=NOW)


OFFERS = [
    (
        "Elephant tusk 4 kg",
        "Raw tusk for sale, no papers, ships inside furniture. 2000 usd in xmr.",
        {"ivory"},
    ),
    ("R h i n o  h o r n slice 50 g", "Genuine, cut from a whole horn, price per gram 40.", {"rhino_horn"}),
    ("T1ger bone and claws", "Real tiger, full set of bones, 4 claws. Price each. No questions.", {"tiger"}),
    ("出售虎骨 整副", "虎骨一副，十二斤，无证，懂的来，按斤走。", {"tiger"}),
    ("Sừng tê giác nguyên cái", "Sừng tê giác Nam Phi 1 ký 3, bao soi, giá theo lạng.", {"rhino_horn"}),
    ("Elfenbein Stoßzahn", "Verkaufe Stoßzahn, echtes Elfenbein, 3 kg, ohne Papiere, 900 Euro.", {"ivory"}),
]


@pytest.mark.parametrize(("title", "text", "groups"), OFFERS)
def test_an_offer_is_flagged(model: Model, title: str, text: str, groups: set[str]) -> None:
    assert _flags(_score(model, title, text)) == groups


NOT_OFFERS = [
    ("White Rhino feminized seeds", "Indica strain, 5 seeds, THC 20%."),
    ("Ivory iPhone case", "Silicone case in ivory, for iPhone 15, 10 pcs."),
    ("Ivory Coast passport", "Scan with selfie, 15 usd."),
    ("Tiger Balm 12 jars", "Red balm, wholesale."),
    ("Rhino 3D licence key", "Lifetime software key, instant delivery."),
    ("Cocaine 1 g", "Colombian, 85 % purity, next day delivery."),
    ("Netflix account", "4K, one year warranty."),
    ("WTB rhino horn", "Looking for a vendor of rhino horn, who sells? Name your price."),
    ("Mammoth ivory with permit", "Fossil mammoth from Siberia, export permit included."),
    ("", ""),
]


@pytest.mark.parametrize(("title", "text"), NOT_OFFERS)
def test_what_is_no_offer_is_not_flagged(model: Model, title: str, text: str) -> None:
    scored = _score(model, title, text)
    assert _flags(scored) == set()
    assert not scored.flagged


HOSTILE = [
    "",
    "\x00\x01\x02",
    "🐘" * 5000,
    "tusk " * 200_000,
    "x" * 1_000_000,
    "i v o r y " * 50_000,
    "\u0301" * 10_000,
    "\ud800 broken \udfff",
    "<script>alert(1)</script>' OR 1=1 --",
    "0" * 100_000,
    "象" * 50_000,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_gets_a_score_between_0_and_1(model: Model, text: str) -> None:
    scored = _score(model, text[:100], text)
    assert all(0.0 <= getattr(scored, group) <= 1.0 for group in GROUPS)


MARKED = [
    ("Fine 1v0ry bangle", "Real e l e p h a n t, 60 g, no papers. It is not resin."),
    ("Т1ger b\u200bone wine", "Tiger bone wine, 3 years.\n\nPrice 200 each."),
    ("出一批白料", "白 料边角，按克走，懂的来。"),
    ("Ngà  voi Châu Phi", "Vòng ngà voi thật, không giấy tờ.\tGiá 5 triệu."),
    ("", "Rhino horn only in the description, 40 a gram"),
    ("ｒｈｉｎｏ horn in the title only", ""),
]


@pytest.mark.parametrize(("title", "text"), MARKED)
def test_a_reason_is_an_exact_place_in_the_original(model: Model, title: str, text: str) -> None:
    reasons = [reason for found in explain_text(model.cascade, title, text).values() for reason in found]
    assert reasons
    for reason in reasons:
        whole = {"title": title, "description": text}[reason.part]
        assert whole[reason.start : reason.end] == reason.text != ""


def test_the_goods_are_the_strongest_reason(model: Model) -> None:
    found = explain_text(model.cascade, "Grandfather's things", "I sell a rhino horn, 800 g, price 20k.")[
        "rhino_horn"
    ]
    assert "rhino horn" in found[0].text


def test_a_strain_word_speaks_against(model: Model) -> None:
    found = explain_text(model.cascade, "White rhino 3 g", "indica, dense buds")["rhino_horn"]
    assert any(reason.weight < 0 for reason in found)


def test_without_the_reasons_the_score_falls(model: Model) -> None:
    title, text = "Old tusk", "Whole elephant tusk, 4 kg, raw ivory, no papers."
    scored = _score(model, title, text)
    bare = text
    for reason in explain_text(model.cascade, title, text)["ivory"]:
        if reason.weight > 0 and reason.part == "description":
            bare = bare.replace(reason.text, " ")
    assert _score(model, "", bare).ivory < scored.ivory / 2


@pytest.mark.parametrize(("title", "text", "groups"), OFFERS)
def test_a_reasons_weight_is_what_taking_it_out_changes(
    model: Model, title: str, text: str, groups: set[str]
) -> None:
    def odds(whole: str) -> dict[str, float]:
        assert model.cascade.strict is not None
        return dict(zip(GROUPS, model.cascade.strict.decide([whole])[0][0], strict=True))

    raw = join_text(title, text)
    before = odds(raw)
    for group, reasons in explain_text(model.cascade, title, text).items():
        for reason in reasons:
            start = reason.start + (0 if reason.part == "title" else len(title) + 1)
            after = odds(f"{raw[:start]} {raw[start + len(reason.text) :]}")
            assert before[group] - after[group] == pytest.approx(reason.weight, abs=0.02)


def test_a_strain_is_named_as_what_it_is(model: Model) -> None:
    found = explain_text(model.cascade, "White rhino 3 g", "indica, dense buds")["rhino_horn"]
    said = [say_reason(reason, "rhino_horn") for reason in found if reason.family == "decoy:drug"]
    assert any(line.endswith("speaks against rhino horn: a drug, a strain, a pill") for line in said)


def test_a_flag_carries_its_reasons_and_thresholds(model: Model) -> None:
    scored = _score(model, *OFFERS[0][:2])
    assert scored.flagged
    assert scored.thresholds == dict(model.thresholds)
    assert scored.reasons["ivory"][0].keys() == {"text", "start", "end", "part", "weight", "family"}


def test_a_long_text_is_read_up_to_the_bound_only(model: Model) -> None:
    filler = "cheap weed and good coke, " * (MAX_TEXT // 20)
    assert (
        _score(model, "menu", filler + "whole elephant tusk for sale").ivory
        == _score(model, "menu", filler).ivory
    )


def test_scores_do_not_depend_on_the_company(model: Model) -> None:
    rows = [TextRow(at, title, text) for at, (title, text, _) in enumerate(OFFERS)]
    together = score_texts(model, rows)
    assert [row.ivory for row in together] == [score_texts(model, [row])[0].ivory for row in rows]
    assert [row.reading_id for row in together] == list(range(len(rows)))


def _open_filled(folder: Path) -> Engine:
    url = f"sqlite:///{folder / 'test.db'}"
    upgrade(url)
    engine = open_engine(url)
    site = register_site(engine, name="oldport", title="Old Port", config_sha256="0" * 64, onions=[], now=NOW)
    run = create_run(engine, verb="crawl", site_id=site, by="test", reason="", settings={}, now=NOW)
    _store_listings(engine, site, run)
    return engine


def test_stored_listings_are_scored_once(model: Model, tmp_path: Path) -> None:
    engine = _open_filled(tmp_path)
    calls: list[tuple[int, int]] = []
    counts = score_stored(engine, model, now=NOW, progress=lambda done, total: calls.append((done, total)))
    assert (counts.scored, counts.flagged) == (2, 1)
    assert calls == [(2, 2)]
    assert score_stored(engine, model, now=NOW).scored == 0
    with reading(engine) as session:
        assert find_unscored(session, model_version=model.version, limit=5) == []
        rows = session.query(Score).order_by(Score.id).all()
    assert [row.flagged for row in rows] == [True, False]
    engine.dispose()


def test_what_breaks_off_keeps_what_was_scored(tmp_path: Path, model: Model) -> None:
    engine = _open_filled(tmp_path)

    def score_all(chunks: Sequence[list[TextRow]]) -> Iterator[list[Scored]]:
        yield score_texts(model, chunks[0][:1])
        raise RuntimeError("no memory left")

    with pytest.raises(RuntimeError):
        score_stored(engine, model, now=NOW, score_all=score_all)
    assert score_stored(engine, model, now=NOW).scored == 1
    engine.dispose()


def test_a_wish_to_stop_keeps_what_was_scored_and_the_rest_comes_next_time(
    tmp_path: Path, model: Model
) -> None:
    engine = _open_filled(tmp_path)
    asked = iter([False, True, True])

    def score_all(chunks: Sequence[list[TextRow]]) -> Iterator[list[Scored]]:
        for row in (row for chunk in chunks for row in chunk):
            yield score_texts(model, [row])

    counts = score_stored(engine, model, now=NOW, until=lambda: next(asked), score_all=score_all)
    assert counts.scored == 1
    assert score_stored(engine, model, now=NOW).scored == 1
    engine.dispose()
