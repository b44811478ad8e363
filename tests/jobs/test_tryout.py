"""Adding a site: its file, trials that stay within curated sites, and stored pages made into samples."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import date, datetime

import pytest
from sqlalchemy import Engine

from crawler.errand import Errand, read_errand
from crawler.inspection import Inspection
from crawler.sites import load_site
from jobs.errors import BusyError, UsageError
from jobs.newsite import read_onion, write_site_file
from jobs.places import Places
from jobs.sites import find_site, register
from jobs.tryout import find_stored, find_target, make_site_sample, read_run, start_tryout
from storage.engine import open_engine, reading
from storage.pages import Fetched, store_page
from storage.runs import create_run, end_run, find_run

PAGE = b"""<html lang="en"><head><title>Old thing</title></head><body><a href="/">Home</a><h1>Old thing</h1><p>Sold by: alba7</p>
<p>Price: USD 40.00</p><p>Ships from: South Africa</p><h4>Description</h4><pre>Kept in a drawer for years. Ask alba7.</pre></body></html>"""


@pytest.fixture
def engine(places: Places) -> Iterator[Engine]:
    engine = open_engine(places.database_url)
    yield engine
    engine.dispose()


def onion_of(places: Places, site: str = "oldport") -> str:
    return find_site(places, site).addresses[0]


# --- the file of a new site ---


@pytest.mark.parametrize("text", ["{}", "http://{}", " HTTP://{}/p/7?x=1 ", "http://{}:80/"])
def test_an_onion_is_taken_out_of_what_was_pasted(places: Places, text: str) -> None:
    onion = onion_of(places)
    (places.sites / "oldport" / "site.yml").unlink()
    assert read_onion(places, text.format(onion)) == onion
    assert read_onion(places, text.format(onion.replace(".onion", "[.]onion"))) == onion


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("example.org", "is no onion address"),
        ("http://[::1", "is no onion address"),
        ("a" * 56 + ".onion", "no v3 onion with a right checksum"),
        ("expyuzz4wqqyqhjn.onion", "no v3 onion with a right checksum"),
    ],
)
def test_what_is_no_onion_is_refused(places: Places, text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        read_onion(places, text)


def test_an_onion_of_another_site_is_refused(places: Places) -> None:
    with pytest.raises(UsageError, match="address of oldport already"):
        read_onion(places, f"http://{onion_of(places)}/market?x=1")


def test_a_complete_file_is_right_at_once(places: Places) -> None:
    onion = onion_of(places)
    (places.sites / "oldport" / "site.yml").unlink()
    made = write_site_file(
        places, "third", onions=[onion], title='The "Third": # one', by="A. Analyst", on=date(2026, 11, 22)
    )
    assert made.faults == ()
    config = load_site(made.path.parent)
    assert (config.addresses, config.title) == ((onion,), 'The "Third": # one')
    assert (config.authorised.by, config.authorised.on) == ("A. Analyst", date(2026, 11, 22))
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    for path in (
        "/logout",
        "/cart/add/7",
        "/c/other?sort=price",
        "/Message/7",
        "/pm?to=x",
        "/newthread?b=1",
        "/reply?t=7",
    ):
        assert config.skips(path)
    for path in ("/c/other?page=2", "/p/7", "/new", "/orders-of-old", "/viewing/7"):
        assert not config.skips(path)


def test_what_is_missing_is_named_with_line_and_field(places: Places) -> None:
    made = write_site_file(places, "third", onions=[], title="", by="", on=None)
    lines = made.path.read_text().splitlines()
    found = {}
    for fault in made.faults:
        where, field, words = fault.split(": ", 2)
        found[field] = (lines[int(where.rpartition("line ")[2]) - 1].strip().partition(":")[0], words)
    assert found == {
        "addresses": ("addresses", "put at least one onion of the site here"),
        "authorised.by": ("by", "write who decided that this site may be read"),
        "authorised.on": ("on", "write when that was decided, for example 2026-11-22"),
    }


def test_a_file_is_never_written_over(places: Places) -> None:
    before = (places.sites / "oldport" / "site.yml").read_bytes()
    with pytest.raises(UsageError, match='There is a site "oldport" already'):
        write_site_file(places, "oldport", onions=[], title="", by="", on=None)
    assert (places.sites / "oldport" / "site.yml").read_bytes() == before


@pytest.mark.parametrize("name", ["", "X", "../evil", "a b", "7up", "a" * 60])
def test_a_name_is_a_folders_name(places: Places, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a site's name"):
        write_site_file(places, name, onions=[], title="", by="", on=None)


# --- what may be tried ---


def test_a_path_or_address_leads_to_its_site(places: Places) -> None:
    onion = onion_of(places)
    shown = onion.replace(".onion", "[.]onion")
    for text in (f"http://{onion}/p/7?tab=1", f"{onion}/p/7?tab=1", f"http://{shown}/p/7?tab=1#top"):
        target = find_target(places, text, site=None)
        assert (target.config.name, target.path) == ("oldport", "/p/7?tab=1")
    assert find_target(places, "/p/7", site="newport").config.name == "newport"


@pytest.mark.parametrize(
    ("text", "site", "sentence"),
    [
        ("/p/7", None, "say of which site with --site NAME. Known: newport, oldport"),
        ("http://aaaa.onion/", None, "not an address of any site with a file, so nothing is fetched"),
        ("http://{newport}/", "oldport", "not an address of oldport, so nothing is fetched"),
        ("https://{oldport}/", None, "is no address of an onion site"),
        ("http://{oldport}:8080/", None, "is no address of an onion site"),
        ("file:///etc/passwd", None, "is no address of an onion site"),
        ("http://[::1/", None, "is no address of an onion site"),
        ("/logout", "oldport", "is never fetched: the site file says so with skip[0] ^/logout"),
    ],
)
def test_nothing_else_is_fetched(places: Places, text: str, site: str | None, sentence: str) -> None:
    path = places.sites / "oldport" / "site.yml"
    path.write_text(path.read_text() + "skip: ['^/logout']\n")
    text = text.replace("{newport}", onion_of(places, "newport")).replace("{oldport}", onion_of(places))
    with pytest.raises(UsageError) as caught:
        find_target(places, text, site=site)
    assert sentence in str(caught.value)


def test_a_trial_is_a_run_with_an_errand(places: Places, engine: Engine, now: datetime) -> None:
    config = find_site(places, "oldport")
    errand = Errand(only=("/p/7",))
    run_id = start_tryout(places, engine, config, errand, by="ana", reason="tried by hand", now=now)
    with reading(engine) as session:
        run = find_run(session, run_id)
    assert run is not None
    assert (run.verb, run.state, run.plan, read_errand(run.settings)) == ("crawl", "queued", "full", errand)
    with pytest.raises(BusyError, match=f"run {run_id} is queued"):
        start_tryout(places, engine, config, errand, by="ana", reason="tried by hand", now=now)


# --- what came back ---


def keep(
    places: Places, engine: Engine, now: datetime, *, status: int | None, body: bytes | None, **more: str
) -> int:
    config = find_site(places, "oldport")
    site_id = register(engine, config, now=now)
    run_id = create_run(engine, verb="crawl", site_id=site_id, by="ana", reason="t", settings={}, now=now)
    store_page(
        engine,
        Fetched(
            site_id=site_id, run_id=run_id, frontier_id=None, attempt=1, hop=0, url=f"http://{config.addresses[0]}/p/7",
            method="GET", request_headers=(), requested_at=now, status=status, reason="", response_headers=(),
            received_at=now, body=body, content_type="text/html", content_encoding="", circuit_token="0" * 64,
            error=more.get("error", ""), note=more.get("note", ""),
        ),
        now=now,
    )  # fmt: skip
    end_run(engine, run_id=run_id, state="done", message="", now=now)
    return run_id


def test_a_runs_pages_are_seen_as_the_file_and_the_reader_see_them(
    places: Places, engine: Engine, now: datetime
) -> None:
    (page,) = read_run(engine, keep(places, engine, now, status=200, body=PAGE), find_site(places, "oldport"))
    assert isinstance(page, Inspection)
    assert (page.kind, page.why, page.gate) == ("other", "no pattern under kinds matches its address", False)
    assert (page.title, page.read_as) == ("Old thing", "listing")
    assert {row.name: row.value for row in page.fields}["price_amount"] == "40.00"


@pytest.mark.parametrize(
    ("status", "more", "sentence"),
    [
        (None, {"error": "timeout: no answer within 60 s"}, "/p/7: no answer (timeout: no answer within 60 s)"),
        (302, {}, "/p/7: leads on to another address (302)"),
        (200, {"note": "the deny list names it (rule 3)"}, "/p/7: status 200, and no body was kept (the deny list names it (rule 3))"),
    ],
)  # fmt: skip
def test_a_request_without_a_page_is_told_in_words(
    places: Places, engine: Engine, now: datetime, status: int | None, more: dict[str, str], sentence: str
) -> None:
    run_id = keep(places, engine, now, status=status, body=None, **more)
    assert read_run(engine, run_id, find_site(places, "oldport")) == [sentence]


def test_a_stored_page_becomes_a_sample_by_number_or_address(
    places: Places, engine: Engine, now: datetime
) -> None:
    keep(places, engine, now, status=200, body=PAGE)
    for wanted in ("1", "/p/7"):
        config, page = find_stored(places, engine, wanted, site="oldport")
        made, folder = make_site_sample(
            places, engine, config, page, name=None, hide=("drawer",), mask_people=True
        )
        assert made.changed == {}
        text = (folder / "page.html").read_text()
        assert "alba7" not in text
        assert "drawer" not in text
    assert {path.name for path in (places.sites / "oldport" / "samples").iterdir()} == {".salt", "001", "002"}
    assert stat.S_IMODE((places.sites / "oldport" / "samples" / ".salt").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("wanted", "site", "sentence"),
    [
        ("99", None, "There is no page 99"),
        ("1", "newport", "Page 1 is one of oldport, not of newport"),
        ("/p/8", "oldport", "No page of /p/8 is stored. Fetch it first"),
        ("1", None, "No body was kept"),
    ],
)
def test_a_page_that_cannot_become_a_sample(
    places: Places, engine: Engine, now: datetime, wanted: str, site: str | None, sentence: str
) -> None:
    keep(places, engine, now, status=200, body=None)
    with pytest.raises(UsageError) as caught:
        find_stored(places, engine, wanted, site=site)
    assert sentence in str(caught.value)


def test_a_samples_name_is_a_plain_word(places: Places, engine: Engine, now: datetime) -> None:
    keep(places, engine, now, status=200, body=PAGE)
    config, page = find_stored(places, engine, "1", site=None)
    with pytest.raises(UsageError, match="letters, digits, - and _ only"):
        make_site_sample(places, engine, config, page, name="../x", hide=(), mask_people=True)
