"""The sites' pages: they answer, are sound HTML, match their own site.yml, and show the truth."""

from __future__ import annotations

import gzip
import random
import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from selectolax.lexbor import LexborHTMLParser

from crawler.sites import load_site
from lab.pages import nordkontor
from lab.pages.base import ASSETS, invent_onion, page_count, tricky
from lab.pages.oldport import OldPort
from lab.register import register
from lab.sites import PAGES, LabSite
from lab.truth import Truth
from lab.wire import Request, Response, encode

VOID = {"meta", "link", "br", "img", "input", "hr", "wbr"}
NAMES = ("oldport", "lanternrow", "nordkontor", "backroom")


class Balance(HTMLParser):
    """Fails on a tag that closes nothing, closes in the wrong order, or is never closed; and on a twice used id."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a" and values.get("href"):
            self.links.append(values["href"] or "")
        if "id" in values:
            assert values["id"] not in self.ids
            self.ids.add(values["id"] or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag not in VOID
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def check(text: str) -> Balance:
    parser = Balance()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    assert text.lower().startswith("<!doctype html")
    assert "&lt;b&gt;" not in text
    return parser


def ask(site: LabSite, target: str, **headers: str) -> Response:
    return site.respond(Request("GET", target, {"cookie": f"{site.cookie}=1", **headers}))


def walk(site: LabSite, *, most: int = 10**6) -> dict[str, Response]:
    """Every page that can be reached from the start by links that site.yml does not skip."""
    skip = [re.compile(pattern) for pattern in site.skip]
    seen: dict[str, Response] = {}
    waiting = list(site.start)
    while waiting and len(seen) < most:
        target = waiting.pop()
        if target in seen:
            continue
        seen[target] = response = ask(site, target)
        links = [dict(response.headers).get("Location", "")]
        if response.content_type.startswith("text/html"):
            links += check(response.body.decode()).links
        for link in links:
            whole = urlsplit(urljoin(f"http://here{target}", link))
            path = whole.path + (f"?{whole.query}" if whole.query else "")
            if link and whole.netloc == "here" and not any(pattern.search(path) for pattern in skip):
                waiting.append(path)
    return seen


@pytest.fixture(scope="module")
def walks(sites: list[LabSite]) -> dict[str, dict[str, Response]]:
    return {site.name: walk(site) for site in sites}


def test_every_link_of_every_site_leads_to_a_page(walks: dict[str, dict[str, Response]]) -> None:
    for name, pages in walks.items():
        wrong = {target: page.status for target, page in pages.items() if page.status not in (200, 301, 302)}
        assert wrong == {}, name


def test_every_listing_is_reached_and_its_pages_carry_its_key(
    sites: list[LabSite], walks: dict[str, dict[str, Response]], truths: list[Truth]
) -> None:
    for site in sites:
        found: dict[str, set[str]] = {}
        patterns = [re.compile(p) for kind in ("listing", "thread") for p in site.kinds.get(kind, ())]
        for target in walks[site.name]:
            for pattern in patterns:
                match = pattern.search(target)
                if match is not None:
                    found.setdefault(match["key"], set()).add(target)
        true = {t.key: t.path for t in truths if t.site == site.name}
        assert set(found) == set(true)
        for key, path in true.items():
            assert path in found[key]
        if site.name == "lanternrow":
            assert all(len(pages) == 4 for pages in found.values())


@pytest.mark.parametrize("kind", ["home", "search", "seller", "rules"])
def test_every_site_has_pages_of_every_kind(
    sites: list[LabSite], walks: dict[str, dict[str, Response]], kind: str
) -> None:
    for site in sites:
        patterns = [re.compile(pattern) for pattern in site.kinds[kind]]
        hits = [target for target in walks[site.name] if any(p.search(target) for p in patterns)]
        assert hits, (site.name, kind)


def test_no_path_is_of_two_kinds(sites: list[LabSite], walks: dict[str, dict[str, Response]]) -> None:
    for site in sites:
        for target in walks[site.name]:
            kinds = [kind for kind, ps in site.kinds.items() if any(re.search(p, target) for p in ps)]
            assert len(kinds) <= 1, (site.name, target, kinds)


def test_each_site_has_redirects_a_slow_page_and_ways_out(
    walks: dict[str, dict[str, Response]], sites: list[LabSite]
) -> None:
    for site in sites:
        pages = walks[site.name]
        assert any(page.status in (301, 302) for page in pages.values()), site.name
        assert sum(page.delay > 1 for page in pages.values()) == 1, site.name
        home = pages["/"].body.decode()
        assert f"http://{site.foreign}/" in home
        assert re.search(r"(https?:)?//[a-z.]*example\.(org|net|com)/", home)
        assert ".zip" in home
        assert ".js" in home
        assert "<img" in home


def test_the_rules_forbid_wildlife_and_are_not_an_ad(sites: list[LabSite]) -> None:
    for site in sites:
        text = ask(site, "/rules").body + ask(site, "/terms").body + ask(site, "/regeln").body
        assert re.search("ivory|Elfenbein", text.decode())


@pytest.mark.parametrize(
    "target", ["/nothing", "/p/1", "/item/700002", "/angebot/NK-1", "/t/302", "/c/x?page=99", "/%00"]
)
def test_what_is_not_there_is_404(sites: list[LabSite], target: str) -> None:
    for site in sites:
        response = ask(site, target)
        assert response.status == 404
        check(response.body.decode())


@pytest.mark.parametrize("page", ["0", "-1", "999", "x", "٣"])
def test_a_page_number_out_of_range_is_404(sites: list[LabSite], page: str) -> None:
    paths = {
        "oldport": f"/c/cannabis?page={page}",
        "lanternrow": f"/category/drugs-weed-hash/{page}",
        "nordkontor": f"/kategorie/cannabis?seite={page}",
        "backroom": f"/board/talk?p={page}",
    }
    for site in sites:
        assert ask(site, paths[site.name]).status == 404, site.name


def test_a_first_visit_gets_a_session_cookie_and_a_second_does_not(sites: list[LabSite]) -> None:
    for site in sites:
        first = site.respond(Request("GET", "/", {}))
        cookie = dict(first.headers)["Set-Cookie"]
        assert cookie.startswith(f"{site.cookie}=")
        second = site.respond(Request("GET", "/", {"cookie": cookie.split(";")[0]}))
        assert "Set-Cookie" not in dict(second.headers)


@pytest.mark.parametrize("ending", sorted(ASSETS))
def test_what_is_not_text_is_there_to_be_left_alone(sites: list[LabSite], ending: str) -> None:
    for site in sites:
        response = ask(site, f"/files/thing{ending}")
        assert response.status == 200
        assert response.content_type == ASSETS[ending][0]


def test_packed_bodies_unpack_to_the_page(sites: list[LabSite]) -> None:
    site = next(site for site in sites if site.name == "lanternrow")
    request = Request("GET", "/", {"accept-encoding": "gzip, deflate"})
    raw = encode(request, site.respond(request))
    head, _, body = raw.partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    assert b"Under the lanterns" in gzip.decompress(body)


def test_a_post_is_refused(sites: list[LabSite]) -> None:
    for site in sites:
        assert site.respond(Request("POST", "/login", {})).status == 405


@pytest.mark.parametrize("name", NAMES)
def test_pages_show_what_the_truth_says(name: str, sites: list[LabSite], truths: list[Truth]) -> None:
    site = next(site for site in sites if site.name == name)
    module = PAGES[name]
    for t in (t for t in truths if t.site == name):
        pages = [t.path, f"{t.path}/description"] if name == "lanternrow" else [t.path]
        shown = " ".join(" ".join(_text(ask(site, page).body.decode()).split()) for page in pages)
        wanted = [
            t.title,
            *t.description.split("\n\n"),
            t.ships_from,
            t.ships_to,
            t.seller,
            module.show_date(t.posted),
        ]
        if t.price is not None:
            wanted.append(module.show_price(t.price))
        for words in wanted:
            assert " ".join(words.split()) in shown, (t.path, words)


def _text(page: str) -> str:
    tree = LexborHTMLParser(page)
    tree.strip_tags(["script", "style"])
    assert tree.body is not None
    return tree.body.text(separator="", deep=True).replace("\xa0", " ") + " "


def test_german_numbers_and_old_addresses(sites: list[LabSite]) -> None:
    site = next(site for site in sites if site.name == "nordkontor")
    path = site.path_of(7)
    bare = re.sub(r"(NK-\d+).*", r"\1", path)
    response = ask(site, bare)
    assert (response.status, dict(response.headers)["Location"]) == (301, path)
    assert nordkontor.show_price(site.goods.listing(7).price * 1000).count(".") >= 1  # type: ignore[operator]


def test_a_seller_with_an_umlaut_has_a_page(sites: list[LabSite]) -> None:
    site = next(site for site in sites if site.name == "nordkontor")
    response = ask(site, "/haendler/Altstadt_Tr%C3%B6del")
    assert response.status == 200
    assert unquote("Altstadt_Tr%C3%B6del") in response.body.decode()


def test_the_product_accepts_the_written_site_files(sites: list[LabSite], tmp_path: Path) -> None:
    onions = {site.name: (site, invent_onion(site.name)) for site in sites}
    written = register(tmp_path, sites=onions, socks_port=1, control_port=2, today=date(2026, 11, 22))
    assert len(written) == 5
    for site in sites:
        config = load_site(tmp_path / "sites" / site.name)
        assert (config.name, config.addresses) == (site.name, (onions[site.name][1],))
        path = site.path_of(9)
        assert config.kind_of(path).key == PAGES[site.name].key_of(9)


def test_tricks_never_change_what_is_read(sites: list[LabSite]) -> None:
    text = "Solid carved pieces, wrapped twice & posted quickly by somebody careful <really>"
    seen = set()
    for seed in range(60):
        page = tricky(text, random.Random(seed))
        seen.add(page)
        assert _text(f"<p>{page}</p>").strip() == text
    assert len(seen) > 30


def test_the_four_sites_share_no_markup(sites: list[LabSite]) -> None:
    marks = {}
    for site in sites:
        text = ask(site, site.path_of(3)).body.decode()
        marks[site.name] = set(re.findall(r'class="([\w -]+)"', text))
    names = list(marks)
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            assert not marks[one] & marks[other], (one, other)


def test_invented_onions_are_well_formed_and_differ() -> None:
    one, other = invent_onion("a"), invent_onion("b")
    assert re.fullmatch(r"[a-z2-7]{55}d\.onion", one)
    assert one != other


@pytest.mark.parametrize(("items", "pages"), [(0, 1), (1, 1), (25, 1), (26, 2), (50, 2), (51, 3)])
def test_page_count(items: int, pages: int) -> None:
    assert page_count(items, 25) == pages


def test_the_class_of_a_site_states_its_routes() -> None:
    assert len(OldPort._routes) >= 9
