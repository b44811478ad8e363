"""Samples of a site: made from a page without changing what is read, and checked against every rule of the file."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from crawler.errors import SiteError
from crawler.inspection import Stored
from crawler.samplefiles import Sample, load_samples, write_sample
from crawler.samples import Made, check_samples, make_sample
from crawler.siteconfig import Marks, SiteConfig

LISTING = """<html lang="en"><head><title>Old Port - Old white bangle 62g</title><script>let u = "ourname"</script></head><body>
<!-- {onion} -->
<a href="/">Home</a> <a href="/c/other?page=2">Other</a> <a href="/v/nk88">nk88</a> <a href="/logout">Out</a> <a href="/faq">Faq</a>
<h1>Old white bangle 62g</h1><p>Sold by <a href="/v/nk88">nk88</a></p>
<table><tr><td>Price</td><td>USD 410.00</td></tr><tr><td>Ships from</td><td>South Africa</td></tr>
<tr><td>Ships to</td><td>Worldwide</td></tr><tr><td>Posted on</td><td>03 Sep 2026</td></tr></table>
<h4>Description</h4><pre>A nice old piece, you know what it is. Ask nk88 for more, or write to seller@mail.example any day.</pre>
<form><input type="hidden" name="csrf" value="Zk3r9QwLx8"></form><img src="/x.png" alt="x"></body></html>"""
LOGIN = (
    '<html><body><form method="post"><input name="u"><input type="password" name="p"></form></body></html>'
)
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def config(stub: ModuleType) -> SiteConfig:
    return SiteConfig.model_validate(
        {
            "name": "oldport",
            "title": "Old Port",
            "addresses": [stub.make_onion("oldport")],
            "authorised": {"by": "A. Analyst", "on": "2026-10-01"},
            "kinds": {
                "listing": [r"^/p/(?P<key>\d+)$"],
                "search": [r"^/c/", r"^/browse/"],
                "seller": [r"^/v/"],
                "home": ["^/$"],
            },
            "skip": ["^/logout", "^/cart"],
            "marks": {
                "listing": {"require": ["h1"], "forbid": ["input[type=password]"]},
                "thread": {"require": ["div.post"]},
            },
            "plan": {"interest": ["^/c/other"]},
        }
    )


def stored(config: SiteConfig, path: str, html: str) -> Stored:
    onion = config.addresses[0]
    return Stored(
        url=f"http://{onion}{path}",
        status=200,
        headers=(("Content-Type", "text/html"),),
        content_type="text/html; charset=utf-8",
        body=html.replace("{onion}", onion).encode(),
        received_at=NOW,
    )


def sample(config: SiteConfig, path: str = "/p/7", html: str = LISTING, name: str = "001") -> Made:
    return make_sample(stored(config, path, html), config, name=name, salt=b"salt", hide=("ourname",))


def test_a_sample_is_read_as_its_page_was_and_tells_nothing(config: SiteConfig) -> None:
    made = sample(config)
    text = made.sample.page.body.decode()
    assert (made.changed, made.kept) == ({}, ())
    for secret in (config.addresses[0], "nk88", "ourname", "Zk3r9QwLx8", "seller@mail", "<script", "<img"):
        assert secret not in text + json.dumps(made.sample.expected) + made.sample.page.url
    fields = made.sample.expected["fields"]
    assert (fields["title"], fields["price_amount"]) == ("Old white bangle 62g", "410.00")
    assert f'href="/v/{fields["seller"]}"' in text


def test_without_the_mask_people_stay(config: SiteConfig) -> None:
    made = make_sample(stored(config, "/p/7", LISTING), config, name="1", salt=b"salt", mask_people=False)
    assert made.sample.expected["fields"]["seller"] == "nk88"
    assert b"seller@mail.example" in made.sample.page.body


def test_a_step_that_would_change_the_reading_is_left_out_and_named(
    config: SiteConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A seller whose name is a label: without it nothing says what the price is."""
    made = sample(config, html=LISTING.replace("nk88", "Price"))
    assert made.kept == ("sellers",)
    assert made.changed == {}


def test_written_and_loaded_it_is_the_same(config: SiteConfig, tmp_path: Path) -> None:
    made = sample(config)
    folder = write_sample(tmp_path, made.sample)
    assert {path.name for path in folder.iterdir()} == {"page.html", "page.json", "expected.json"}
    assert load_samples(tmp_path) == [made.sample]


def test_a_sample_is_never_overwritten(config: SiteConfig, tmp_path: Path) -> None:
    write_sample(tmp_path, sample(config).sample)
    with pytest.raises(SiteError, match="is there already, and may hold corrections of yours"):
        write_sample(tmp_path, sample(config).sample)


def check(config: SiteConfig, *samples: Sample):  # type: ignore[no-untyped-def]
    return check_samples(samples, config)


def test_a_good_sample_has_no_fault_and_shows_what_each_rule_matches(config: SiteConfig) -> None:
    found = check(config, sample(config).sample)
    assert found.faults == 0
    page = found.samples[0].inspection
    assert page.patterns == (r"kinds.listing[0] ^/p/(?P<key>\d+)$",)
    assert page.why == r"the address matches kinds.listing[0] ^/p/(?P<key>\d+)$, key 7"
    assert [(mark.selector, mark.found, mark.good) for mark in page.marks] == [
        ("h1", 1, True), ("input[type=password]", 0, True), ("div.post", 0, False),
    ]  # fmt: skip
    assert found.idle == (
        "kinds.search[1] ^/browse/", "skip[1] ^/cart",
        "marks.listing.forbid input[type=password]", "marks.thread.require div.post",
    )  # fmt: skip


def test_a_page_that_no_pattern_matches_is_named(config: SiteConfig) -> None:
    made = sample(config, path="/offer/old-bangle", name="odd")
    assert check(config, made.sample).unnamed == ("odd",)


@pytest.mark.parametrize(
    ("field", "value", "state"),
    [
        ("price_amount", "410.00", "ok"),
        ("price_amount", "14.10", "wrong"),
        ("quantity", "62 g", "missing"),
        ("ships_to", ["Worldwide"], "ok"),
        ("ships_to", ["France"], "wrong"),
    ],
)
def test_each_field_is_held_against_what_is_expected(
    config: SiteConfig, field: str, value: object, state: str
) -> None:
    made = sample(config).sample
    wanted = {**made.expected, "fields": {**made.expected["fields"], field: value}}
    found = check(config, replace(made, expected=wanted))
    (row,) = (row for row in found.samples[0].fields if row.field == field)
    assert (row.state, found.faults) == (state, 0 if state == "ok" else 1)


def test_a_field_that_is_read_and_not_expected_is_new_and_no_fault(config: SiteConfig) -> None:
    made = sample(config).sample
    wanted = {**made.expected, "fields": {"title": "Old white bangle 62g"}}
    found = check(config, replace(made, expected=wanted))
    assert ("seller", "new") in {(row.field, row.state) for row in found.samples[0].fields}
    assert found.faults == 0


def test_a_sample_that_lacks_a_mark_of_its_kind_is_no_content_and_a_fault(config: SiteConfig) -> None:
    made = sample(config).sample
    strict = config.model_copy(update={"marks": {"listing": Marks(require=("table.offer",))}})
    found = check(strict, made)
    assert (found.samples[0].inspection.kind, found.faults > 0) == ("unknown", True)
    assert check(config, replace(made, page=replace(made.page, kind="unknown"))).faults == 0


def test_a_gate_is_kept_as_a_gate(config: SiteConfig) -> None:
    made = sample(config, path="/login", html=LOGIN)
    found = check(config, made.sample)
    assert found.samples[0].inspection.kind == "login"
    assert (found.faults, found.unnamed) == (0, ())


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("expected.json", "{", "line 1: is no JSON"),
        ("expected.json", "[]", "line 1: must be an object"),
        ("expected.json", '{"fields": 7}', "fields: must be an object"),
        ("page.json", "{}", "needs path, status and received"),
        ("page.json", '{"path": "/p/7", "received": "2026-11-01T12:00:00"}', "received: needs its zone"),
    ],
)
def test_a_broken_sample_names_the_file(
    config: SiteConfig, tmp_path: Path, file: str, text: str, fault: str
) -> None:
    folder = write_sample(tmp_path, sample(config).sample)
    (folder / file).write_text(text)
    with pytest.raises(SiteError) as caught:
        check_samples(load_samples(tmp_path), config)
    assert file in str(caught.value)
    assert fault in str(caught.value)
