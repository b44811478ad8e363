"""The site file: what it may say, and how a wrong one is explained."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from crawler.errors import SiteError
from crawler.sites import KindMatch, config_sha256, is_onion, load_site, load_sites

GOOD = """\
name: oldport
title: Old Port Market
addresses: [{onion}]
authorised: {{by: "A. Analyst", on: 2026-10-01, note: "why"}}
"""


@pytest.fixture
def onion(stub: ModuleType) -> str:
    made: str = stub.make_onion("sites")
    return made


@pytest.fixture
def write(tmp_path: Path, onion: str) -> Any:
    def write(text: str, name: str = "oldport") -> Path:
        folder = tmp_path / "sites" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "site.yml").write_text(text.replace("{onion}", onion))
        return folder

    return write


def test_the_least_file_has_careful_defaults(write: Any, onion: str) -> None:
    config = load_site(write(GOOD.replace("{{", "{").replace("}}", "}")))
    assert config.addresses == (onion,)
    assert config.authorised.on == date(2026, 10, 1)
    assert (config.pace.delay, config.pace.jitter, config.pace.in_flight) == (2.0, 0.5, 1)
    assert (config.bounds.pages, config.bounds.depth, config.bounds.minutes) == (20_000, 30, 600)
    assert (config.timeout, config.start) == (60, ("/",))


BASE = GOOD.replace("{{", "{").replace("}}", "}")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (BASE + "colour: red\n", 5, "colour: is not known here"),
        (re.sub(r"addresses: .*", "addresses: []", BASE), 3, "addresses: is empty: name at least one"),
        (BASE.replace("title: Old Port Market\n", ""), 1, "title: is missing"),
        (BASE.replace('by: "A. Analyst", ', ""), 4, "authorised.by: is missing"),
        (BASE.replace("authorised: ", "authorized: "), 4, "authorized: is not known here"),
        (BASE + "pace:\n  delay: 2\n  in_flight: 0\n", 7, "pace.in_flight: Input should be greater"),
        (BASE + "pace: {delay: fast}\n", 5, "pace.delay: Input should be a valid number"),
        (
            BASE + "kinds:\n  listing:\n    - '^/p/'\n    - '(('\n",
            8,
            "kinds.listing.1: is no valid regular expression",
        ),
        (BASE + "kinds: {lsting: ['x']}\n", 5, "kinds.lsting: is no page kind"),
        (BASE + "kinds: {listing: ['(?P<id>x)']}\n", 5, "may name one group only"),
        (BASE + "start: [index]\n", 5, "start.0: must start with /"),
        (BASE.replace("[{onion}]", "[{onion}, {onion}]"), 3, "addresses: the same onion stands there twice"),
        (BASE.replace("{onion}", "http://{onion}"), 3, "addresses.0: write the bare onion"),
        (BASE.replace("{onion}", "expyuzz4wqqyqhjn.onion"), 3, "addresses.0: is not a v3 onion"),
        (BASE.replace("{onion}", "a" * 56 + ".onion"), 3, "addresses.0: has a wrong checksum"),
        (BASE.replace("oldport", "Old Port"), 1, "name: 2 to 41 small letters"),
        (BASE.replace("oldport", "newport"), 1, "the folder is called 'oldport'"),
        (BASE + "title: Another\n", 5, "title: stands there twice"),
        (BASE + "start: [unclosed\n", 6, "expected"),
        (BASE + "skip: &a ['x']\nstart: *a\n", 6, "anchors and aliases"),
        ("- a\n- b\n", 1, "must be a list of"),
        ("", 1, "must be a list of"),
    ],
)
def test_a_wrong_file_is_explained_by_file_line_and_field(
    write: Any, text: str, line: int, words: str
) -> None:
    folder = write(text)
    with pytest.raises(SiteError) as caught:
        load_site(folder)
    assert f"{folder / 'site.yml'}, line {line}: " in str(caught.value)
    assert words in str(caught.value)


def test_all_faults_are_told_at_once(write: Any) -> None:
    folder = write(BASE + "colour: red\ntimeout: -1\nskip: ['[']\n")
    with pytest.raises(SiteError) as caught:
        load_site(folder)
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == ["timeout", "skip.0", "colour"]


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"site\.yml: cannot be read"):
        load_site(tmp_path)


def test_a_huge_file_is_not_read(write: Any) -> None:
    with pytest.raises(SiteError, match="larger than"):
        load_site(write(BASE + "#" * 300_000))


def test_sites_are_loaded_by_name_and_all_faults_collected(write: Any, tmp_path: Path) -> None:
    write(BASE)
    assert list(load_sites(tmp_path)) == ["oldport"]
    write("name: x", "bad1")
    write("name: y", "bad2")
    with pytest.raises(SiteError) as caught:
        load_sites(tmp_path)
    assert "bad1" in str(caught.value)
    assert "bad2" in str(caught.value)


KINDS = """\
kinds:
  listing: ['^/p/(?P<key>\\d+)$', '^/p/(?P<key>\\d+)/(refund|feedback)$']
  search: ['^/c/[\\w-]+(\\?page=\\d+)?$']
skip: ['^/logout', '[?&]sort=']
priority: {listing: 10}
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/p/7", KindMatch("listing", "7")),
        ("/p/7/feedback", KindMatch("listing", "7")),
        ("/c/other?page=2", KindMatch("search", None)),
        ("/p/7/buy", KindMatch("other", None)),
    ],
)
def test_paths_have_kinds_and_keys(write: Any, path: str, kind: KindMatch) -> None:
    assert load_site(write(BASE + KINDS)).kind_of(path) == kind


def test_skips_and_priorities(write: Any) -> None:
    config = load_site(write(BASE + KINDS))
    assert [config.skips(path) for path in ("/logout", "/c/x?sort=price", "/c/x?a=1&sort=1", "/c/x")] == [
        True
    ] * 3 + [False]
    assert config.priority_of("listing") > config.priority_of("search") > config.priority_of("other")


def test_the_hash_is_that_of_the_content(write: Any) -> None:
    one = config_sha256(load_site(write(BASE)))
    assert one == config_sha256(load_site(write("# a comment\n" + BASE)))
    assert one != config_sha256(load_site(write(BASE + "timeout: 61\n")))


def test_onions_have_a_checksum(onion: str) -> None:
    assert is_onion(onion)
    swapped = onion[1] + onion[0] + onion[2:]
    assert [is_onion(text) for text in (swapped, onion.upper(), "x.onion", "1" * 56 + ".onion", "")] == [
        False
    ] * 5
