"""A real crawl over several addresses: one dies in the middle, and nothing is lost or fetched twice."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

from storage.engine import reading
from storage.mirrors import decide_address, propose_addresses
from storage.sites import find_addresses, record_check


def _paths(place: Any) -> list[str]:
    """Of the pages that were stored with an answer."""
    found = []
    for page in place.pages():
        if page.status == 200 or page.status == 404:
            parts = urlsplit(page.url)
            found.append(f"{parts.path}?{parts.query}" if parts.query else parts.path)
    return found


def _addresses(place: Any) -> dict[str, Any]:
    with reading(place.engine) as session:
        return {row.onion: row for row in find_addresses(session, place.site_id)}


@pytest.mark.parametrize("way", ["tor says it is gone", "it breaks off", "it answers with errors"])
def test_the_first_of_two_addresses_dies_in_the_middle(place: Any, stub: ModuleType, way: str) -> None:
    second = stub.make_onion("second")
    place.write_site(
        addresses=[place.onion, second],
        pace={"delay": 0, "in_flight": 1},
        patience={"wait": 0.02, "longest": 0.05, "dead_after": 0.3, "attempts": 3},
    )
    answered: list[str] = []

    def dead(host: str) -> bool:
        return bool(host == place.onion and len(answered) >= 10)

    def answer(asked: Any) -> bytes | None:
        if dead(asked.host):
            return None if way == "it breaks off" else bytes(stub.reply("", status="503 Busy"))
        answered.append(asked.path)
        # So that its end shows in the next stream, too, when Tor is to say it.
        more = ("Connection: close",) if way == "tor says it is gone" else ()
        page = bytes(stub.market(asked))
        return page.replace(b"\r\n\r\n", "".join(f"\r\n{line}" for line in more).encode() + b"\r\n\r\n", 1)

    def code(host: str) -> int:
        return 0xF0 if way == "tor says it is gone" and dead(host) else 0

    with stub.OnionStub(answer, socks_code=code) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 0, crawled.err
    assert Counter(_paths(place)) == Counter(stub.market_paths())
    assert Counter(answered) == Counter(stub.market_paths())
    hosts = [urlsplit(page.url).hostname for page in place.pages() if page.status in (200, 404)]
    assert hosts == [place.onion] * 10 + [second] * (len(hosts) - 10)
    assert {row.state for row in place.frontier()} == {"done"}
    rows = _addresses(place)
    assert {onion: row.state for onion, row in rows.items()} == {place.onion: "dead", second: "alive"}
    assert rows[place.onion].reason
    assert rows[place.onion].recheck_at - rows[place.onion].checked_at == timedelta(minutes=30)
    assert rows[second].seconds is not None


def test_what_is_known_of_the_addresses_decides_which_is_asked(place: Any, stub: ModuleType) -> None:
    dead, slow, alive = (stub.make_onion(name) for name in ("dead", "slow", "alive"))
    place.write_site(addresses=[dead, slow, alive])
    for onion, state in ((dead, "dead"), (slow, "slow"), (alive, "alive")):
        record_check(
            place.engine, site_id=place.site_id, onion=onion, state=state, seconds=1.0, now=place.now + timedelta(days=900)
        )  # fmt: skip
    with stub.OnionStub(stub.market) as tor:
        assert place.crawl(tor.socks).code == 0
    assert {host for _, _, host, _ in tor.opened} == {alive}


def test_an_approved_address_is_used_and_a_proposed_or_refused_one_is_not(
    place: Any, stub: ModuleType
) -> None:
    names = ("approved", "proposed", "refused")
    onions = {name: stub.make_onion(name) for name in names}
    propose_addresses(
        place.engine, site_id=place.site_id, found=dict.fromkeys(onions.values(), "signed"), page_id=1,
        signed_by="f" * 40, now=place.now,
    )  # fmt: skip
    for name, yes in (("approved", True), ("refused", False)):
        decide_address(
            place.engine, site_id=place.site_id, onion=onions[name], approve=yes, by="ana", now=place.now
        )

    def answer(asked: Any) -> bytes:
        links = [f"http://{onion}/p/1" for onion in onions.values()]
        return bytes(stub.html("Home", links) if asked.path == "/" else stub.market(asked))

    with stub.OnionStub(answer, socks_code=lambda host: 0xF0 if host == place.onion else 0) as tor:
        assert place.crawl(tor.socks).code == 0
    assert {host for _, _, host, _ in tor.opened} == {place.onion, onions["approved"]}
    assert {asked.host for asked in tor.asked} == {onions["approved"]}
    assert {asked.path for asked in tor.asked} >= {"/", "/p/1"}
    # A link to an approved address is one of the site's own; the two others are foreign.
    told = " ".join(issue.message for issue in place.issues() if issue.kind == "foreign-link")
    assert onions["approved"].removesuffix(".onion") not in told
    assert onions["proposed"].removesuffix(".onion") in told
    assert onions["refused"].removesuffix(".onion") in told


def test_a_site_whose_addresses_were_all_refused_is_not_asked(place: Any, stub: ModuleType) -> None:
    decide_address(
        place.engine, site_id=place.site_id, onion=place.onion, approve=False, by="ana", now=place.now
    )
    with stub.OnionStub(stub.market) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 1
    assert tor.opened == []
    assert "tuskwatch mirror list oldport" in place.run(crawled.run).message


def test_when_every_address_is_dead_the_run_ends_and_says_so(place: Any, stub: ModuleType) -> None:
    place.write_site(addresses=[place.onion, stub.make_onion("second")])
    with stub.OnionStub(stub.market, socks_code=lambda host: 0xF0) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 1
    assert "none of its 2 addresses" in crawled.err
    assert {row.state for row in place.frontier()} == {"new"}
    assert {row.state for row in _addresses(place).values()} == {"dead"}


def test_a_link_to_a_copy_of_a_known_address_is_phishing(place: Any, stub: ModuleType) -> None:
    """It shares the first letters of an address of another site."""
    from storage.sites import register_site

    copy = stub.make_onion("copy")
    known = copy[:7] + "a" * 47 + copy[54:]
    register_site(
        place.engine, name="twin", title="Twin", config_sha256="1" * 64, onions=[known], now=place.now
    )
    with stub.OnionStub(lambda asked: stub.html("x", [f"http://{copy}/", "/p/1"])) as tor:
        assert place.crawl(tor.socks).code == 0
    assert {host for _, _, host, _ in tor.opened} == {place.onion}
    (issue,) = (issue for issue in place.issues() if issue.kind == "look-alike")
    assert issue.level == "fail"
    assert copy.removesuffix(".onion") in issue.message
    assert ".onion" not in issue.message


def test_pages_that_never_end_do_not_make_the_site_seem_dead(place: Any, stub: ModuleType) -> None:
    """Between two of them the start page is asked for: it answers, so they are to blame and the site is not."""
    place.write_site(
        timeout=1, pace={"delay": 0, "in_flight": 1},
        patience={"wait": 0.1, "longest": 0.2, "dead_after": 4, "attempts": 2},
    )  # fmt: skip
    traps = [f"/t/{number}" for number in range(2)]

    def answer(asked: Any) -> Any:
        if asked.path in traps:
            return [(60.0, b"late")]
        return stub.html(asked.path, [*traps, "/p/1"] if asked.path == "/" else [])

    with stub.OnionStub(answer) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 0, crawled.err
    assert {row.url.removeprefix(f"http://{place.onion}"): row.state for row in place.frontier()} == {
        "/": "done", "/p/1": "done", **dict.fromkeys(traps, "failed")
    }  # fmt: skip
