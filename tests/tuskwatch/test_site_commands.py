"""`tuskwatch site new`, `try`, `save`, `check`, `expect` as a person types them, on a data folder without a network."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

PAGE = b"""<html lang="en"><head><title>Old thing</title></head><body><a href="/">Home</a><h1>Old thing</h1><p>Sold by: alba7</p>
<p>Price: USD 40.00</p><p>Ships from: South Africa</p><h4>Description</h4><pre>Kept in a drawer for years.</pre></body></html>"""


@pytest.fixture
def with_page(tuskwatch: Any) -> Any:
    """One stored page of oldport, as a run would leave it."""
    from jobs.sites import find_site, register
    from storage.engine import open_engine
    from storage.pages import Fetched, store_page
    from storage.runs import create_run, end_run
    from tuskwatch.places import find_places

    places = find_places(tuskwatch.data)
    engine = open_engine(places.database_url)
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    config = find_site(places, "oldport")
    site_id = register(engine, config, now=now)
    run_id = create_run(engine, verb="crawl", site_id=site_id, by="ana", reason="t", settings={}, now=now)
    store_page(
        engine,
        Fetched(
            site_id=site_id, run_id=run_id, frontier_id=None, attempt=1, hop=0, url=f"http://{config.addresses[0]}/p/7",
            method="GET", request_headers=(), requested_at=now, status=200, reason="", response_headers=(),
            received_at=now, body=PAGE, content_type="text/html", content_encoding="", circuit_token="0" * 64,
        ),
        now=now,
    )  # fmt: skip
    end_run(engine, run_id=run_id, state="done", message="", now=now)
    engine.dispose()
    return tuskwatch


def test_new_writes_a_file_says_what_is_missing_and_what_comes_next(tuskwatch: Any) -> None:
    result = tuskwatch("site", "new", "lantern", "--title", "Lantern Row")
    assert result.exit_code == 1
    path = tuskwatch.data / "sites" / "lantern" / "site.yml"
    assert f"Wrote {path}" in result.stdout
    assert "addresses: put at least one onion of the site here" in result.stdout
    assert "authorised.by: write who decided" in result.stdout
    assert "tuskwatch site try lantern --pages 20" in result.stdout
    checked = tuskwatch("site", "check", "lantern")
    assert (checked.exit_code, "lantern: wrong" in checked.stdout) == (1, True)


def test_new_with_all_that_is_needed_passes_the_check(tuskwatch: Any) -> None:
    source = (tuskwatch.data / "sites" / "oldport" / "site.yml").read_text()
    onion = source.partition("[")[2].partition("]")[0]
    (tuskwatch.data / "sites" / "oldport" / "site.yml").unlink()
    made = tuskwatch.json(
        "site", "new", "lantern", "--address", f"http://{onion}/", "--by", "A. Analyst", "--on", "2026-11-22"
    )
    assert made["faults"] == []
    assert tuskwatch("site", "check", "lantern").exit_code == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("new", "oldport"), 'There is a site "oldport" already'),
        (("new", "lantern", "--on", "yesterday"), '"yesterday" is no day. Write it like 2026-11-22.'),
        (("new", "lantern", "--address", "example.org"), "is no onion address"),
        (("try", "http://example.org/"), "not an address of any site with a file, so nothing is fetched"),
        (("try", "nowhere", "--pages", "20"), 'There is no site "nowhere"'),
        (("save", "7"), "There is no page 7"),
        (("expect", "oldport", "--run", "3"), "There is no crawl 3 of oldport"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    tuskwatch: Any, words: tuple[str, ...], sentence: str
) -> None:
    result = tuskwatch("site", *words)
    assert (result.exit_code, sentence in result.stderr) == (2, True), result.output
    assert result.stdout == ""


def test_a_sample_is_saved_checked_and_found_wrong_once_it_is_corrected(with_page: Any) -> None:
    saved = with_page("site", "save", "1", "--as", "thing")
    assert saved.exit_code == 0, saved.output
    assert "The sample is read as the page was." in saved.stdout
    assert "1 sellers" in saved.stdout
    good = with_page("site", "check", "oldport")
    assert (good.exit_code, "1 samples, all as expected" in good.stdout) == (0, True)
    assert "no pattern under kinds matches the address of sample thing" in good.stdout
    path: Path = with_page.data / "sites" / "oldport" / "samples" / "thing" / "expected.json"
    expected = json.loads(path.read_text())
    expected["fields"] |= {"price_amount": "41.00", "quantity": "62 g"}
    path.write_text(json.dumps(expected))
    wrong = with_page("site", "check", "oldport")
    assert (wrong.exit_code, "1 samples, 1 NOT as expected" in wrong.stdout) == (1, True)
    rows = {line.split("│")[1].strip(): line for line in wrong.stdout.splitlines() if line.startswith("│")}
    assert "wrong" in rows["price_amount"]
    assert "missing" in rows["quantity"]
    assert "ok" in rows["title"]


def test_check_answers_in_json_for_each_sample(with_page: Any) -> None:
    with_page("site", "save", "/p/7", "--site", "oldport")
    found = with_page.json("site", "check", "oldport")
    (sample,) = found["samples"]
    assert (sample["sample"], sample["kind"], sample["faults"], sample["unnamed"]) == (
        "001",
        "other",
        0,
        ["001"],
    )


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("expected.yml", "pages: {mni: 3}\n", "expected.yml, line 1: pages.mni: is not known here"),
        ("samples/001/expected.json", "{\n", "expected.json, line 2: is no JSON"),
    ],
)
def test_check_names_the_line_of_what_lies_beside_the_site_file(
    with_page: Any, file: str, text: str, fault: str
) -> None:
    with_page("site", "save", "1")
    (with_page.data / "sites" / "oldport" / file).write_text(text)
    result = with_page("site", "check", "oldport")
    assert (result.exit_code, fault in result.stdout) == (1, True), result.stdout


def test_a_trial_without_tor_ends_with_a_sentence(
    tuskwatch: Any, hide_tor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_tor()
    result = tuskwatch("site", "try", "/", "--site", "oldport")
    assert result.exit_code == 1
    assert "Run 1 is failed" in result.stdout
