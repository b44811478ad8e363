"""What a page says to fetch next: addresses in one spelling, bounds, what is never fetched, where each word matters."""

from __future__ import annotations

from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.links import (
    MAX_LINKS,
    ForeignLink,
    defang,
    find_hop,
    find_links,
    is_login_path,
    make_links,
    normalise_url,
    url_key,
)
from crawler.sites import SiteConfig


@pytest.fixture
def host(stub: ModuleType) -> str:
    made: str = stub.make_onion("links")
    return made


def _find(html: str, host: str, url: str = "/c/1?page=2", *, more: tuple[str, ...] = ()) -> Any:
    return find_links(html.encode(), url=f"http://{host}{url}", hosts=(host, *more))


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("/p/1", "/p/1"),
        ("p/1", "/c/p/1"),
        ("../x", "/x"),
        ("?page=3", "/c/1?page=3"),
        ("/p/1#reviews", "/p/1"),
        ("/a b?q=ü", "/a%20b?q=%C3%BC"),
        (" /p/\n1 ", "/p/1"),
        ("HTTP://{HOST}/P", "/P"),
        ("http://{host}:80/x", "/x"),
        ("//{host}/y", "/y"),
        ("http://{host}", "/"),
        ("/x;jsessionid=AB12?y=1", "/x?y=1"),
        ("/p?b=2&a=1&b=1", "/p?b=2&a=1&b=1"),
        ("/%7Euser", "/%7Euser"),
    ],
)
def test_own_links_come_in_one_spelling(host: str, href: str, path: str) -> None:
    filled = href.replace("{host}", host).replace("{HOST}", host.upper())
    assert _find(f'<a href="{filled}">x</a>', host).paths == [path]


@pytest.mark.parametrize(
    "href",
    [
        "",
        "#top",
        "javascript:go()",
        "data:text/html,x",
        "about:blank",
        "http://[::1/",
        "http://x:99999/",
        "x" * 9000,
    ],
)
def test_what_leads_nowhere_is_left(host: str, href: str) -> None:
    found = _find(f'<a href="{href}">x</a>', host, "/")
    assert found.foreign == []
    assert found.paths in ([], ["/"])


@pytest.mark.parametrize(
    ("href", "kind", "where"),
    [
        ("http://clear.example/a?b", "clear-net", "clear[.]example"),
        ("https://clear.example:8443/", "clear-net", "clear[.]example:8443"),
        ("//cdn.example/x", "clear-net", "cdn[.]example"),
        ("mailto:someone@clear.example", "other", "mailto"),
        ("magnet:?xt=1", "other", "magnet"),
        ("ftp://x.example/", "other", "ftp"),
    ],
)
def test_links_that_leave_are_told_defanged(host: str, href: str, kind: str, where: str) -> None:
    found = _find(f'<a href="{href}">x</a>', host)
    assert (found.paths, found.foreign) == ([], [ForeignLink(kind, where)])


def test_other_onions_and_our_own_by_other_doors_are_foreign(host: str, stub: ModuleType) -> None:
    other = stub.make_onion("other")
    found = _find(
        f'<a href="http://{other}/x">1</a><a href="https://{host}/x">2</a><a href="http://{host}:81/">3</a>',
        host,
    )
    assert found.paths == []
    assert [link.kind for link in found.foreign] == ["onion", "onion", "onion"]
    assert found.foreign[0].host == defang(other)


def test_frames_areas_bases_and_refreshes_are_links(host: str) -> None:
    html = """<base href="/deep/"><meta http-equiv="Refresh" content="0; URL='/moved'"><area href="a"><iframe src="b"></iframe>
    <img src="/pic"><form action="/post"></form><script src="/s"></script><link href="/css" rel="stylesheet">"""
    assert sorted(_find(html, host).paths) == ["/deep/a", "/deep/b", "/moved"]


def test_the_number_of_links_is_bounded(host: str) -> None:
    found = _find("".join(f"<a href='/p/{n}'>x</a>" for n in range(MAX_LINKS + 5)), host)
    assert (len(found.paths), found.too_many) == (MAX_LINKS, True)


def test_addresses_too_long_are_left_and_counted(host: str) -> None:
    assert _find(f'<a href="/{"x" * 3000}">x</a>', host).too_long == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/p?a=1&sid=77", "/p?a=1&sid=88"),
        ("/p?PHPSESSID=1", "/p"),
        ("/p?s=" + "0" * 32, "/p?s=" + "f" * 32),
        ("/p?a=1&b=2", "/p?b=2&a=1"),
    ],
)
def test_session_ids_and_the_order_of_names_make_no_new_address(one: str, other: str) -> None:
    assert url_key(one) == url_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("/p?a=1", "/p?a=2"), ("/p?a=1&a=2", "/p?a=2&a=1"), ("/p?s=horn", "/p?s=tusk"), ("/p", "/p/")],
)
def test_other_differences_do(one: str, other: str) -> None:
    assert url_key(one) != url_key(other)


@given(st.text(max_size=200))
def test_any_link_text_gives_a_path_that_stays_the_same(text: str) -> None:
    host = "a" * 56 + ".onion"
    found = find_links(f'<a href="{text}">'.encode(), url=f"http://{host}/", hosts=[host])
    for path in found.paths:
        assert path.startswith("/")
        assert path.isascii()
        assert " " not in path
        assert normalise_url(urlsplit(f"http://{host}{path}")) == path


def _config(host: str, **more: Any) -> SiteConfig:
    values = {
        "name": "ab",
        "title": "t",
        "addresses": [host],
        "authorised": {"by": "x", "on": "2026-10-01"},
        **more,
    }
    return SiteConfig.model_validate(values)


def test_what_is_skipped_or_no_text_is_never_asked_for(host: str) -> None:
    config = _config(host, skip=["^/logout"], kinds={"listing": ["^/p/"]}, priority={"listing": 10})
    html = "".join(
        f"<a href='{href}'>x</a>" for href in ("/logout", "/a.JPG", "/b.zip?x=1", "/p/1", "/q.php", "/s.js")
    )
    links, left_out = make_links(_find(html, host), config, depth=1, host=host)
    assert [(link.url.rpartition("onion")[2], link.priority) for link in links] == [
        ("/p/1", 10),
        ("/q.php", -1),
    ]
    assert left_out == {"skip": 1, "not-text": 3, "depth": 0, "denied": 0}


def test_what_the_deny_list_names_is_never_asked_for(host: str) -> None:
    found = _find("<a href='/a'>x</a><a href='/bad'>x</a>", host)
    links, left_out = make_links(found, _config(host), depth=1, host=host, denied=lambda path: path == "/bad")
    assert [link.url.rpartition("onion")[2] for link in links] == ["/a"]
    assert left_out["denied"] == 1


def test_learned_session_names_make_no_new_address() -> None:
    assert url_key("/p?x=1&t=77", without=("t",)) == url_key("/p?t=88&x=1", without=("t",))
    assert url_key("/p?x=1&t=77") != url_key("/p?x=1&t=88")


def test_each_link_has_its_shape_and_its_element(host: str) -> None:
    found = _find("<a href='/p/7'>Old thing</a><a href='/p/7'>again</a>", host)
    links, _ = make_links(found, _config(host), depth=1, host=host)
    assert [link.shape for link in links] == ["/p/N"]
    assert found.nodes["/p/7"].text() == "Old thing"


def test_the_depth_is_bounded(host: str) -> None:
    links, left_out = make_links(
        _find("<a href='/x'>", host), _config(host, bounds={"depth": 2}), depth=3, host=host
    )
    assert (links, left_out["depth"]) == ([], 1)


@pytest.mark.parametrize(
    ("path", "login"),
    [
        ("/login", True),
        ("/sign-in?next=/", True),
        ("/register", True),
        ("/auth/2fa", True),
        ("/p/1", False),
        ("/blogin", False),
    ],
)
def test_login_pages_are_known_by_their_address(path: str, login: bool) -> None:
    assert is_login_path(path) is login


@pytest.mark.parametrize(
    ("location", "path", "why"),
    [
        ("/p/7", "/p/7", ""),
        ("?page=2", "/a?page=2", ""),
        ("http://{host}/x#y", "/x", ""),
        ("http://clear.example/", None, "another place"),
        ("https://{host}/", None, "another place"),
        ("http://{host}:81/", None, "another place"),
        ("/logout", None, "never fetched"),
        ("/photo.jpg", None, "never fetched"),
        ("http://[::1/", None, "nowhere"),
        ("http://{host}:99999/", None, "nowhere"),
        ("javascript:go()", None, "another place"),
    ],
)
def test_redirects_are_followed_within_the_onion_only(
    host: str, location: str, path: str | None, why: str
) -> None:
    config = _config(host, skip=["^/logout"])
    url, reason = find_hop(f"http://{host}/a", location.format(host=host), config=config, hop=0)
    assert (url and url.removeprefix(f"http://{host}")) == path
    assert why in reason


def test_redirects_come_to_an_end(host: str) -> None:
    assert find_hop(f"http://{host}/a", "/b", config=_config(host), hop=5) == (
        None,
        "on for more than 5 steps",
    )


def test_a_large_page_gives_the_same_links_as_a_small_one(host: str) -> None:
    """Large pages are tamed before they are parsed: nothing that leads on may be lost by that."""
    links = (
        '<base href="/sub/"><meta http-equiv="refresh" content="9; url=/m"><a href="x">x</a><a href=\'/p/1\'>'
        '<map><area href="/area"></map><iframe src="/frame"></iframe><iframe src=/f2 loading="lazy">x</iframe>'
        '<a href="/c/1?a=1&amp;b=2">y</a><ul><li><a class="z" href=/p/2>z</ul>'
    )
    small = _find(links, host)
    assert small.paths == ["/sub/x", "/p/1", "/area", "/frame", "/f2", "/c/1?a=1&b=2", "/p/2", "/m"]
    assert _find(links + "<p>text</p>" * 5000, host).paths == small.paths
    frames = '<frameset><frame src="/a"><frame src="/b"></frameset>'
    assert _find(frames + "<!-- x -->" * 5000, host).paths == ["/a", "/b"]


def test_links_are_found_however_deep_they_stand(host: str) -> None:
    assert _find("<div>" * 6000 + '<a href="/p/1">x</a><a href="/p/2">y</a>', host).paths == ["/p/1", "/p/2"]
