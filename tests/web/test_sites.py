"""The pages of a site and of a run: coverage, proof, addresses, sessions, expectations; and nothing that may not be shown."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest

from storage.coverage import write_coverage
from storage.engine import reading
from storage.proofs import note_proof
from storage.sites import find_addresses
from web.runfacts import read_coverage, read_proof
from web.sitefacts import NEXT

PAGES = ("/sites", "/sites.json", "/sites/oldport", "/sites/oldport.json", "/runs", "/runs.json", "/runs/1", "/runs/1.json",
         "/runs/2", "/runs/2.json", "/")  # fmt: skip


@pytest.fixture(scope="session")
def siteseed() -> Any:
    spec = importlib.util.spec_from_file_location(
        "tuskwatch_site_seed", Path(__file__).parent / "siteseed.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def engine(app: Any) -> Any:
    return app.state.web.engine


@pytest.fixture
def given(engine: Any, seeded: Any, siteseed: Any, seed: Any) -> Any:
    return siteseed.add_site_facts(engine, seeded.places, seeded.runs, now=seed.NOW)


@pytest.fixture
def analyst(browse: Any) -> Any:
    return browse("analyst")


def states(engine: Any) -> dict[str, tuple[str, str]]:
    with reading(engine) as session:
        return {row.onion: (row.state, row.decided_by) for row in find_addresses(session, 1)}


def number_of(engine: Any, onion: str) -> int:
    with reading(engine) as session:
        return next(row.id for row in find_addresses(session, 1) if row.onion == onion)


# --- a run ---


def test_a_run_shows_what_it_saw_of_what_the_site_says(analyst: Any, given: Any) -> None:
    text = analyst.get("/runs/1").text
    assert "446 of 1,341" in text
    assert re.search(
        r'/c/other\?x=&lt;b&gt;</bdi></td><td class="num">1,204</td><td class="num">310</td>', text
    )
    assert ">25 %</meter>" in text


def test_what_is_missing_most_comes_first() -> None:
    kept = {"/a": {"says": 9, "seen": 9}, "/b": {"says": 9, "seen": 1}, "*": {"says": 18, "seen": 10}}
    coverage = read_coverage(kept)
    assert coverage is not None
    assert [row.path for row in coverage.categories] == ["/b", "/a"]


@pytest.mark.parametrize(
    ("says", "seen", "percent"), [(1000, 999, "99 %"), (3, 3, "100 %"), (2, 5, "100 %"), (0, 0, "–")]
)
def test_a_share_is_never_rounded_up_to_all(says: int, seen: int, percent: str) -> None:
    coverage = read_coverage({"*": {"says": says, "seen": seen}})
    assert coverage is not None
    assert coverage.total.percent == percent


def test_a_run_shows_what_was_left_out_and_why(analyst: Any, given: Any) -> None:
    part = analyst.get("/runs/1").text.split("Left out, and why")[1].split("</section>")[0]
    assert "731 addresses of a calendar were left out" in part
    assert "deeper than 12 steps" in part


def test_a_run_shows_its_proof(analyst: Any, given: Any) -> None:
    text = analyst.get("/runs/1").text
    for part in (
        "Nothing left another way",
        "1,840 at Tor",
        "0.4.9.11",
        "seen to belong to Tor&#39;s process",
    ):
        assert part.replace("&#39;", "'") in text.replace("&#39;", "'")
    assert "proof of the way out failed" not in text


def test_a_failed_proof_is_said_first(analyst: Any, given: Any) -> None:
    text = analyst.get("/runs/2").text
    alarm = text.index("The proof of the way out failed")
    assert 'role="alert"' in text[alarm - 300 : alarm]
    assert alarm < text.index('class="tiles"')
    assert "192.0.2.7:443, past Tor" in text
    assert "Nothing left another way" not in text


def test_a_run_without_counts_and_proof_says_so(analyst: Any, seeded: Any) -> None:
    text = analyst.get(f"/runs/{seeded.runs['done']}").text
    assert "the site writes no counts" in text
    assert "None was kept" in text


@pytest.mark.parametrize(
    "kept",
    [{"*": 3}, {"*": {"says": "many", "seen": None}}, {"/a": {"says": 1, "seen": 1}, "*": {"says": -4}}],
)
def test_odd_counts_do_no_harm(analyst: Any, engine: Any, seeded: Any, kept: Any) -> None:
    write_coverage(engine, run_id=seeded.runs["done"], coverage=kept)
    note_proof(engine, run_id=seeded.runs["done"], proof={"checks": "x", "first": "never", "circuits": None})
    assert analyst.get(f"/runs/{seeded.runs['done']}").status == 200
    assert analyst.get(f"/runs/{seeded.runs['done']}.json").status == 200


def test_a_proof_without_looks_is_no_good_one(analyst: Any, engine: Any, seeded: Any) -> None:
    note_proof(engine, run_id=seeded.runs["running"], proof={"checks": 0, "failed": ""})
    text = analyst.get(f"/runs/{seeded.runs['running']}").text
    assert "No look was made yet" in text
    assert "Nothing left another way" not in text


def test_times_without_a_zone_are_utc() -> None:
    proof = read_proof({"checks": 1, "first": "2026-11-19T12:30:00"})
    assert proof is not None
    assert proof.first is not None
    assert proof.first.isoformat() == "2026-11-19T12:30:00+00:00"


# --- a site ---


def test_a_site_shows_its_addresses_with_their_state(analyst: Any, given: Any, siteseed: Any) -> None:
    text = analyst.get("/sites/oldport").text
    assert "2 new addresses wait" in text
    assert siteseed.FINGERPRINT in text
    assert given.proposed[0].replace(".", "[.]") in text
    assert re.search(r'<span class="state idle"><svg.*?</svg>dropped</span>', text, re.DOTALL)


@pytest.mark.parametrize(
    ("word", "state", "said"), [("approve", "unverified", "Approved."), ("refuse", "refused", "Refused.")]
)
def test_a_person_decides_on_a_proposed_address(
    analyst: Any, engine: Any, given: Any, word: str, state: str, said: str
) -> None:
    onion = given.proposed[0]
    answer = analyst.post("/sites/oldport/address", {"address": number_of(engine, onion), "word": word})
    assert answer.status == 303
    assert said in analyst.get(answer.location).text
    assert states(engine)[onion] == (state, "analyst")
    assert states(engine)[given.proposed[1]] == ("proposed", "")


def test_an_address_refused_by_mistake_is_taken_back(analyst: Any, engine: Any, given: Any) -> None:
    number = number_of(engine, given.onion)
    analyst.post("/sites/oldport/address", {"address": number, "word": "refuse"})
    assert states(engine)[given.onion] == ("refused", "analyst")
    assert "Approve after all" in analyst.get("/sites/oldport").text
    analyst.post("/sites/oldport/address", {"address": number, "word": "approve"})
    assert states(engine)[given.onion] == ("unverified", "analyst")


@pytest.mark.parametrize("name", ["reader", "reviewer"])
def test_only_an_analyst_decides(browse: Any, engine: Any, given: Any, name: str) -> None:
    browser, onion = browse(name), given.proposed[0]
    form = {"address": number_of(engine, onion), "word": "approve"}
    assert browser.post("/sites/oldport/address", form).status == 403
    assert states(engine)[onion] == ("proposed", "")
    assert "/address" not in browser.get("/sites/oldport").text


def test_another_page_cannot_decide(analyst: Any, engine: Any, given: Any) -> None:
    form = {"address": number_of(engine, given.proposed[0]), "word": "approve"}
    answer = analyst.post("/sites/oldport/address", form, headers={"sec-fetch-site": "cross-site"})
    assert answer.status == 403
    assert states(engine)[given.proposed[0]] == ("proposed", "")


@pytest.mark.parametrize(
    ("site", "form", "status"),
    [
        ("oldport", {"address": "99999", "word": "approve"}, 404),
        ("greyhall", {"address": "1", "word": "approve"}, 404),
        ("nowhere", {"address": "1", "word": "approve"}, 404),
        ("oldport", {"address": "../1", "word": "approve"}, 400),
        ("oldport", {"address": "1", "word": "bless"}, 400),
        ("oldport", {"address": "1", "word": "approve"}, 409),
    ],
)
def test_what_cannot_be_decided(
    analyst: Any, engine: Any, given: Any, site: str, form: Any, status: int
) -> None:
    before = states(engine)
    answer = analyst.post(f"/sites/{site}/address", form)
    assert answer.status == status
    assert ".onion" not in answer.text.replace("[.]onion", "")
    assert states(engine) == before


def test_a_site_without_a_file_says_so_when_one_decides(analyst: Any, engine: Any) -> None:
    (number,) = (row.id for row in _rows(engine, 2))
    answer = analyst.post("/sites/greyhall/address", {"address": number, "word": "refuse"})
    assert answer.status == 409
    assert "There is no site" in answer.text


def _rows(engine: Any, site_id: int) -> list[Any]:
    with reading(engine) as session:
        return find_addresses(session, site_id)


def test_a_site_says_what_a_person_should_do_next(analyst: Any, given: Any) -> None:
    text = analyst.get("/sites/oldport").text
    assert '<code class="type end">tuskwatch session open oldport</code>' in text
    assert "A person solves the captcha" in text
    assert "With an account" in text
    assert "in 48 min" in text


def test_every_gate_has_a_next_step() -> None:
    from crawler.siteconfig import GATE_KINDS

    assert set(NEXT) == {*GATE_KINDS, "unknown"}


def test_a_site_shows_what_is_expected_of_it(analyst: Any, given: Any) -> None:
    text = analyst.get("/sites/oldport").text
    assert re.search(
        r'<td>pages</td><td class="num">210</td><td class="num">1,260</td><td class="num">420</td>', text
    )
    assert "12 % of the ads had a price" in text


def test_a_wrong_file_of_expectations_is_said(analyst: Any, given: Any, seeded: Any) -> None:
    (seeded.places.sites / "oldport" / "expected.yml").write_text(
        "pages: {min: 9, max: 2}\n", encoding="utf-8"
    )
    text = analyst.get("/sites/oldport").text
    assert "min is larger than max" in text
    assert str(seeded.places.data) not in text


def test_the_list_of_sites_tells_who_waits(analyst: Any, given: Any) -> None:
    text = analyst.get("/sites").text
    assert "2 proposed: approve or refuse" in text
    assert "never visited" in text


@pytest.mark.parametrize("path", [page for page in PAGES if page.endswith(".json")])
def test_the_twins_are_json(analyst: Any, given: Any, path: str) -> None:
    answer = analyst.get(path)
    assert answer.headers["content-type"] == "application/json"
    assert isinstance(json.loads(answer.text), dict)


@pytest.mark.parametrize("path", PAGES)
def test_no_page_tells_what_may_not_be_told(analyst: Any, given: Any, siteseed: Any, path: str) -> None:
    text = analyst.get(path).text
    assert ".onion" not in text.replace("[.]onion", "")
    assert "http://" not in text
    for secret in (siteseed.ACCOUNT_KEY, siteseed.CIRCUIT, siteseed.SEALED.decode(), "tokenofnobody"):
        assert secret not in text


@pytest.mark.parametrize(
    "path", ["/runs/999.json", "/runs/x.json", "/sites/nowhere.json", "/sites/%2e%2e.json"]
)
def test_what_is_not_there_is_not_found(analyst: Any, path: str) -> None:
    assert analyst.get(path).status == 404
