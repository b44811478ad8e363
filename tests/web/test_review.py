"""The review page, as forms without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from storage.engine import reading
from storage.queries import find_listing
from web import guideline

CHECKED = re.compile(r'<input type="checkbox" name="labels"[^>]*checked')


def shown(text: str) -> tuple[int, int]:
    """(listing, reading) of the ad on the page."""
    found = re.search(
        r'name="listing" value="(\d+)">\s*<input type="hidden" name="reading" value="(\d+)"', text
    )
    assert found is not None
    return int(found[1]), int(found[2])


def answer_form(text: str, **fields: Any) -> dict[str, Any]:
    listing, read = shown(text)
    return {"listing": listing, "reading": read, "act": "save", "kind": "", "form": "", "note": ""} | fields


@pytest.fixture
def reviewer(browse: Callable[[str], Any]) -> Any:
    return browse("reviewer")


def verdicts(seeded: Any, app: Any, listing: int) -> list[Any]:
    with reading(app.state.web.engine) as session:
        detail = find_listing(session, listing)
        assert detail is not None
        return [verdict for verdict, _ in detail.verdicts]


def test_the_surest_ad_comes_first_with_its_reasons(reviewer: Any) -> None:
    text = reviewer.get("/review").text
    assert "<b>6</b> waiting" in text
    assert '<mark class="rhino_horn" title="rhino horn">Horn slices</mark>' in text
    assert "because: " in text
    assert "0.97" in text
    assert "USD 5,200" in text
    assert "Undeclared" in text


def test_the_score_is_never_filled_in(reviewer: Any) -> None:
    assert not CHECKED.search(reviewer.get("/review").text)


def test_saving_keeps_the_verdict_and_shows_the_next(reviewer: Any, seeded: Any, app: Any) -> None:
    text = reviewer.get("/review").text
    form = answer_form(
        text, labels=["rhino_horn", "ivory"], kind="offer", form="piece or slice", note=" seen before "
    )
    answer = reviewer.post("/review", form)
    assert answer.status == 303
    after = reviewer.get(answer.location).text
    assert shown(after) != shown(text)
    assert "Saved: ivory, rhino horn" in after
    assert "<b>5</b> waiting" in after
    [verdict] = verdicts(seeded, app, form["listing"])
    assert verdict.labels == ["ivory", "rhino_horn"]
    assert (verdict.kind, verdict.form, verdict.note) == ("offer", "piece or slice", "seen before")
    assert verdict.guideline_version == guideline.VERSION
    assert verdict.reading_id == form["reading"]


def test_none_of_them_ignores_marked_boxes(reviewer: Any, seeded: Any, app: Any) -> None:
    form = answer_form(reviewer.get("/review").text, labels=["ivory"], act="none")
    reviewer.post("/review", form)
    assert [verdict.labels for verdict in verdicts(seeded, app, form["listing"])] == [[]]


def test_saving_nothing_is_refused(reviewer: Any, seeded: Any, app: Any) -> None:
    form = answer_form(reviewer.get("/review").text)
    answer = reviewer.post("/review", form)
    after = reviewer.get(answer.location).text
    assert "Mark at least one group" in after
    assert shown(after) == (form["listing"], form["reading"])
    assert verdicts(seeded, app, form["listing"]) == []


def test_skipping_goes_through_the_queue_and_ends_it(reviewer: Any) -> None:
    location, seen = "/review", []
    for _ in range(6):
        text = reviewer.get(location).text
        seen.append(shown(text)[0])
        skip = ",".join(map(str, seen[:-1]))
        location = reviewer.post("/review", answer_form(text, act="skip", skip=skip)).location
    assert len(set(seen)) == 6
    assert "Every skipped ad still waits." in reviewer.get(location).text


def test_undo_brings_the_ad_back(reviewer: Any, seeded: Any, app: Any) -> None:
    text = reviewer.get("/review").text
    form = answer_form(text, act="none")
    reviewer.post("/review", form)
    answer = reviewer.post("/review/undo")
    after = reviewer.get(answer.location).text
    assert shown(after)[0] == form["listing"]
    assert "Undone." in after
    assert not CHECKED.search(after)
    given = verdicts(seeded, app, form["listing"])
    assert [verdict.undoes for verdict in given] == [None, given[0].id]


def test_a_form_sent_twice_is_undone_at_once(reviewer: Any, seeded: Any, app: Any) -> None:
    form = answer_form(reviewer.get("/review").text, act="none")
    assert reviewer.post("/review", form).location == reviewer.post("/review", form).location
    after = reviewer.get(reviewer.post("/review/undo").location).text
    assert "Undone. The ad is back in the queue." in after
    assert len(verdicts(seeded, app, form["listing"])) == 2
    assert "<b>6</b> waiting" in after


def test_undoing_a_changed_verdict_says_that_the_earlier_one_stands(reviewer: Any) -> None:
    form = answer_form(reviewer.get("/review").text)
    reviewer.post("/review", form | {"labels": ["ivory"]})
    reviewer.post("/review", form | {"act": "none"})
    after = reviewer.get(reviewer.post("/review/undo").location).text
    assert "Undone: your earlier verdict stands again." in after
    assert "<b>5</b> waiting" in after
    assert len(CHECKED.findall(after)) == 1
    after = reviewer.get(reviewer.post("/review/undo").location).text
    assert "Undone. The ad is back in the queue." in after
    assert "<b>6</b> waiting" in after


def test_undo_says_when_anothers_verdict_stands(browse: Callable[[str], Any], reviewer: Any) -> None:
    form = answer_form(reviewer.get("/review").text, act="none")
    browse("analyst").post("/review", form)
    reviewer.post("/review", form)
    after = reviewer.get(reviewer.post("/review/undo").location).text
    assert "verdict stands, so the ad does not wait." in after
    assert "<b>5</b> waiting" in after


def test_undo_on_an_ad_that_is_not_flagged_promises_no_queue(reviewer: Any, seeded: Any) -> None:
    form = answer_form(reviewer.get(f"/review?listing={seeded.listings['1020']}").text, act="none")
    reviewer.post("/review", form)
    after = reviewer.get(reviewer.post("/review/undo").location).text
    assert "The ad is not flagged, so it is not in the queue." in after


def test_undo_takes_back_only_ones_own(browse: Callable[[str], Any]) -> None:
    answer = browse("analyst").post("/review/undo")
    assert "nothing of yours to undo" in browse("analyst").get(answer.location).text


def test_the_last_verdicts_are_listed_and_can_be_changed(reviewer: Any, seeded: Any) -> None:
    text = reviewer.get("/review").text
    assert "<b>2</b> by you today" in text
    listing = seeded.listings["1004"]
    assert f'href="/review?listing={listing}"' in text
    again = reviewer.get(f"/review?listing={listing}").text
    assert '<option value="decoy" selected>' in again
    assert "Seeds, a strain." in again


def test_anothers_verdict_is_not_filled_in(browse: Callable[[str], Any], seeded: Any) -> None:
    text = browse("analyst").get(f"/review?listing={seeded.listings['1007']}").text
    assert not CHECKED.search(text)
    assert "selected>offer" not in text


def test_the_guideline_and_the_keys_stand_on_the_page(reviewer: Any) -> None:
    text = reviewer.get("/review").text
    assert f"Guideline {guideline.VERSION}" in text
    assert all(line.split("“")[0] in text for _, lines in guideline.POLICY for line in lines)
    for key in ("1", "2", "3", "Enter", "x", "Space", "?"):
        assert f">{key}</kbd>" in text


def test_hostile_text_is_text(reviewer: Any, seeded: Any, seed: Any) -> None:
    text = reviewer.get(f"/review?listing={seeded.listings['1005']}").text
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;alert" in text
    assert "\u202e" not in text
    assert 'title="U+202E right-to-left override">RLO</span>' in text


def test_huge_text_is_cut_with_a_note(reviewer: Any, seeded: Any) -> None:
    answer = reviewer.get(f"/review?listing={seeded.listings['1006']}")
    assert len(answer.body) < 100_000
    assert "20,000 of 135,000 characters shown" in answer.text


BAD = [
    ({"act": "explode"}, 400),
    ({"listing": "0"}, 400),
    ({"listing": "x"}, 400),
    ({"listing": "99999999999999999999"}, 400),
    ({"listing": "2147483647"}, 409),
    ({"reading": "2147483647"}, 409),
    ({"labels": ["pangolin"]}, 400),
    ({"kind": "bargain"}, 400),
    ({"form": "whole animal"}, 400),
    ({"note": "n" * 2_001}, 400),
    ({"note": "a\0b"}, 400),
    ({"skip": "1,2,x"}, 400),
]


@pytest.mark.parametrize(("fields", "status"), BAD)
def test_a_bad_form_is_refused_and_nothing_kept(
    reviewer: Any, seeded: Any, app: Any, fields: dict[str, Any], status: int
) -> None:
    listing, read = seeded.listings["1000"], 1
    form = {"listing": listing, "reading": read, "act": "save", "labels": ["ivory"]} | fields
    assert reviewer.post("/review", form).status == status
    assert verdicts(seeded, app, listing) == []


@pytest.mark.parametrize("missing", ["listing", "reading"])
def test_a_missing_field_is_named(reviewer: Any, missing: str) -> None:
    form = answer_form(reviewer.get("/review").text, labels=["ivory"])
    del form[missing]
    answer = reviewer.post("/review", form)
    assert answer.status == 400
    assert f"“{missing}” is missing" in answer.text


@pytest.mark.parametrize(
    ("kind", "kept"), [("", True), ("offer", True), ("wanted", False), ("replica", False)]
)
def test_a_group_goes_only_with_an_offer(reviewer: Any, seeded: Any, app: Any, kind: str, kept: bool) -> None:
    form = answer_form(reviewer.get("/review").text, labels=["tiger"], kind=kind)
    answer = reviewer.post("/review", form)
    assert bool(verdicts(seeded, app, form["listing"])) is kept
    assert ("only for an offer" in reviewer.get(answer.location).text) is not kept


def test_kinds_are_those_of_the_training_texts() -> None:
    from classifier.ads import KINDS

    assert tuple(value for value, _ in guideline.KINDS) == KINDS


def test_the_random_check_shows_passed_ads_and_says_what_they_tell(
    reviewer: Any, seeded: Any, app: Any
) -> None:
    text = reviewer.get("/review?queue=audit").text
    assert "was judged yet" in text
    form = answer_form(text, act="none", queue="audit")
    answer = reviewer.post("/review", form)
    assert "queue=audit" in answer.location
    after = reviewer.get(answer.location).text
    assert shown(after) != shown(text)
    assert re.search(r"<b>1</b> of \d+ judged, <b>0</b> were offers", after)
    [verdict] = verdicts(seeded, app, form["listing"])
    assert verdict.queue == "audit"


def test_how_far_two_people_agree_is_said(browse: Callable[[str], Any], seeded: Any) -> None:
    one, other = browse("reviewer"), browse("admin")
    assert "No ad was judged by two people yet" in one.get("/review?queue=audit").text
    for number, (person, groups) in enumerate(
        ((one, ["ivory"]), (other, ["ivory"]), (one, ["tiger"]), (other, ["rhino_horn"]))
    ):
        text = person.get(f"/review?listing={seeded.listings[('1020', '1021')[number // 2]]}").text
        person.post("/review", answer_form(text, labels=groups, kind="offer", act="save", single="1"))
    said = re.sub(r"<[^>]+>|\s+", " ", one.get("/review?queue=audit").text)
    assert re.search(r"2\s+ads were judged by two people or more, who agree in\s+1\s+of\s+2\s+pairs", said)
    assert "kappa 0.33" in said


def test_an_ad_that_a_person_chose_is_no_random_draw(reviewer: Any, seeded: Any, app: Any) -> None:
    text = reviewer.get(f"/review?listing={seeded.listings['1020']}&queue=audit").text
    form = answer_form(text, act="none", queue="audit", single="1")
    reviewer.post("/review", form)
    assert [verdict.queue for verdict in verdicts(seeded, app, form["listing"])] == [""]


def test_a_queue_that_is_not_there_is_refused(reviewer: Any) -> None:
    assert reviewer.get("/review?queue=nonsense").status == 400


def test_skipping_stays_in_the_queue(reviewer: Any) -> None:
    text = reviewer.get("/review?queue=audit").text
    location = reviewer.post("/review", answer_form(text, act="skip", queue="audit")).location
    assert "queue=audit" in location
    assert shown(reviewer.get(location).text) != shown(text)
