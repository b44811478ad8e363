"""Patterns proposed from addresses, and the order of a look around."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from crawler.errand import Errand, Spread, narrow, read_errand, shape_of
from crawler.siteconfig import SiteConfig
from crawler.suggest import suggest_kinds
from storage.frontier import Link


@pytest.mark.parametrize(
    ("paths", "read_as", "pattern", "kind"),
    [
        (("/p/1", "/p/22"), {"/p/1": "listing"}, r"^/p/(?P<key>\d+)$", "listing"),
        (("/product/old-bangle", "/product/knife"), {"/product/knife": "listing"}, r"^/product/(?P<key>[\w-]+)$", "listing"),
        (("/c/other", "/c/jewelry"), {"/c/other": "search"}, r"^/c/[\w-]+(\?page=\d+)?$", "search"),
        (("/c/other?page=2", "/c/food?page=3"), {}, r"^/c/[\w-]+\?page=\d+$", ""),
        (("/v/alba", "/v/brun"), {"/v/alba": "search"}, r"^/v/[\w-]+(\?page=\d+)?$", "seller"),
        (("/viewtopic.php?t=12", "/viewtopic.php?t=7"), {"/viewtopic.php?t=7": "thread"}, r"^/viewtopic\.php\?t=(?P<key>\d+)$", "thread"),
        (
            ("/index.php?page=item&id=33", "/index.php?page=item&id=4"), {"/index.php?page=item&id=4": "listing"},
            r"^/index\.php\?page=item&id=(?P<key>\d+)$", "listing",
        ),
        (
            ("/l/ab12cd34ef56ab12/feedback", "/l/0012cd34ef56ab12/feedback"), {"/l/0012cd34ef56ab12/feedback": "listing"},
            "^/l/(?P<key>[0-9a-f-]+)/feedback$", "listing",
        ),
        (("/rules",), {"/rules": "rules"}, "^/rules$", "rules"),
        (("/",), {"/": "home"}, "^/$", "home"),
    ],
)  # fmt: skip
def test_a_pattern_is_proposed(
    paths: tuple[str, ...], read_as: Mapping[str, str], pattern: str, kind: str
) -> None:
    (found,) = suggest_kinds(paths, read_as)
    assert (found.pattern, found.kind, found.addresses) == (pattern, kind, len(paths))
    assert all(re.search(found.pattern, path) for path in paths)


def test_what_the_file_knows_is_not_proposed_again() -> None:
    known = [re.compile("^/p/")]
    assert [s.pattern for s in suggest_kinds(["/p/1", "/t/1"], {}, known=known)] == [r"^/t/\d+$"]


def test_pages_of_a_list_need_no_proposal_of_their_own() -> None:
    found = suggest_kinds(["/c/other", "/c/food", "/c/other?page=2"], {"/c/food": "search"})
    assert [suggestion.pattern for suggestion in found] == [r"^/c/[\w-]+(\?page=\d+)?$"]


@pytest.mark.parametrize(
    "path", ["//", "/%", "/a?", "/?=&=", "/" + "a/" * 900, "/ü/ö?ß=é", "/(((", "/p/1?x=[\\"]
)
def test_odd_addresses_make_patterns_that_match_them(path: str) -> None:
    (found,) = suggest_kinds([path], {})
    assert re.search(found.pattern, path), found.pattern


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/p/8831", "/p/*"), ("p/8831", "/p/*"), ("/c/other?page=2&b=1", "/c/*?b&page"), ("/", "/"), ("", "/"),
        ("/old-white-bangle", "/*"), ("/rules", "/rules"), ("/2026/11", "/*/*"),
    ],
)  # fmt: skip
def test_the_shape_of_an_address(path: str, shape: str) -> None:
    assert shape_of(path) == shape


def test_a_look_around_takes_one_of_each_shape_first() -> None:
    paths = ["/p/1", "/p/2", "/p/3", "/c/a", "/c/b", "/rules"]
    links = [Link(url=f"http://x.onion{path}", url_key=path, depth=1, priority=10) for path in paths]
    ordered = sorted(Spread().order(links), key=lambda link: -link.priority)
    assert [link.url_key for link in ordered] == ["/p/1", "/c/a", "/rules", "/p/2", "/c/b", "/p/3"]


@pytest.mark.parametrize("errand", [Errand(), Errand(only=("/p/1",)), Errand(pages=20, spread=True)])
def test_an_errand_survives_the_settings_of_a_run(errand: Errand) -> None:
    assert read_errand(errand.settings()) == errand
    assert bool(errand) == bool(errand.settings())


@pytest.mark.parametrize(
    "settings", [{"only": "/p/1"}, {"bound_pages": "many"}, {"bound_pages": 0}, {"slow": 2}]
)
def test_settings_that_are_no_errand(settings: dict[str, object]) -> None:
    assert not read_errand(settings)


def test_an_errand_narrows_the_bounds_and_never_widens_them(site_config: SiteConfig) -> None:
    one = narrow(site_config, Errand(only=("/p/1",)))
    assert (one.start, one.bounds.depth, one.bounds.pages) == (("/p/1",), 0, 5)
    assert one.kind_of("/p/1").kind == "listing"
    assert narrow(site_config, Errand(pages=20)).bounds.pages == 20
    assert narrow(site_config, Errand(pages=500)).bounds.pages == site_config.bounds.pages
    assert narrow(site_config, Errand()) is site_config


@pytest.fixture
def site_config(stub: object) -> SiteConfig:
    return SiteConfig.model_validate(
        {
            "name": "oldport",
            "title": "Old Port",
            "addresses": [stub.make_onion("oldport")],  # type: ignore[attr-defined]
            "authorised": {"by": "A. Analyst", "on": "2026-10-01"},
            "bounds": {"pages": 100},
            "kinds": {"listing": [r"^/p/(?P<key>\d+)$"]},
        }
    )
