"""What is left of a page that the deny list names: a row without text, a hash and a line in the audit log."""

from __future__ import annotations

import hashlib
import sqlite3
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy import Request
from scrapy.http import Response
from sqlalchemy import select

from crawler.denyfile import DenyError, add_entry, open_deny_list
from crawler.errors import Refused
from crawler.isolation import Exchange
from crawler.pages import Job, PageStore
from crawler.sites import load_site
from storage import audit
from storage.engine import reading
from storage.frontier import Link, lease, seed
from storage.runs import start_run
from storage.tables import Audit, Blob, Frontier

WORD = "gravelstone"


@pytest.fixture
def store(place: Any) -> PageStore:
    add_entry(place.data / "deny.yml", section="terms", text=WORD)
    run_id = place.new_run()
    run = start_run(place.engine, run_id=run_id, worker="w", pid=None, now=place.now)
    assert run.sweep_id is not None
    job = Job(
        engine=place.engine, config=load_site(place.data / "sites" / "oldport"), site_id=place.site_id, run_id=run_id,
        sweep_id=run.sweep_id, now=lambda: place.now, deny=open_deny_list(place.data),
    )  # fmt: skip
    return PageStore(SimpleNamespace(spider=SimpleNamespace(job=job)))  # type: ignore[arg-type]


def ask(place: Any, path: str = "/p/1", hop: int = 0) -> Request:
    """A request as the spider makes it, leased from the frontier."""
    link = Link(url=f"http://{place.onion}{path}", url_key=path, depth=0, priority=0)
    sweep = place.run(1).sweep_id
    seed(place.engine, site_id=place.site_id, sweep_id=sweep, links=[link], now=place.now)
    (leased,) = lease(
        place.engine, site_id=place.site_id, sweep_id=sweep, run_id=1, limit=1, now=place.now, seconds=60
    )
    return Request(link.url, meta={"leased": leased, "hop": hop})


def answer(
    place: Any,
    store: PageStore,
    body: bytes,
    *headers: tuple[str, str],
    status: int = 200,
    reason: str = "OK",
) -> tuple[Request, Response]:
    request = ask(place)
    request.meta["exchange"] = Exchange(
        request_headers=(("Host", place.onion),), requested_at=place.now, received_at=place.now, circuit_token="t",
        reason=reason, response_headers=(("Content-Type", "text/html"), *headers),
    )  # fmt: skip
    shown = dict(headers)
    return request, store.process_response(
        request, Response(request.url, status=status, headers=shown, body=body)
    )


def everything(place: Any) -> str:
    """All that the database holds, as text."""
    with sqlite3.connect(place.data / "tuskwatch.db") as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    return dump


def test_a_denied_page_leaves_a_row_a_hash_and_no_word(place: Any, store: PageStore) -> None:
    body = f"<title>The {WORD} shop</title><p>and other text</p>".encode()
    request, response = answer(place, store, body, ("X-About", f"all of {WORD}"), reason=WORD)
    assert request.meta["denied"] == "term 1"
    assert (response.body, response.headers) == (b"", {})
    (page,) = place.pages()
    assert (page.status, page.body_sha256, page.body_size, page.reason) == (200, None, 0, "")
    assert page.response_headers == []
    assert page.note == "denied by term 1 (the text was not kept)"
    with reading(place.engine) as session:
        row = session.scalars(select(Audit).where(Audit.action == "page.deny")).one()
        assert audit.verify(session) == []
        assert session.scalars(select(Blob)).all() == []
        assert session.scalars(select(Frontier.state)).all() == ["fetched"]
    version = open_deny_list(place.data).current().version
    assert row.detail == {
        "page": page.id, "sha256": hashlib.sha256(body).hexdigest(), "rule": "term 1", "list": version,
    }  # fmt: skip
    dump = everything(place).lower()
    assert WORD not in dump
    assert "other text" not in dump


def test_a_redirect_to_a_denied_address_ends_there(place: Any, store: PageStore) -> None:
    request, response = answer(place, store, b"", ("Location", f"/p/{WORD}"), status=302)
    assert request.meta["denied"] == "term 1"
    assert response.headers.get("Location") is None
    assert WORD not in everything(place)


def test_a_page_of_other_words_is_kept_whole(place: Any, store: PageStore) -> None:
    request, response = answer(place, store, b"<p>sand</p>")
    assert "denied" not in request.meta
    assert response.body == b"<p>sand</p>"
    (page,) = place.pages()
    assert (page.note, page.body_size) == ("", 11)


def test_a_body_that_cannot_be_unpacked_is_kept_and_the_row_says_it_was_not_read(
    place: Any, store: PageStore
) -> None:
    answer(place, store, WORD.encode(), ("Content-Encoding", "gzip"))
    (page,) = place.pages()
    assert page.body_sha256 is not None
    assert "only its hash was held against the deny list" in page.note


def test_a_denied_address_is_not_asked_for(place: Any, store: PageStore) -> None:
    request = ask(place, f"/p/{WORD}")
    with pytest.raises(Refused, match=r"names this address \(term 1\)") as caught:
        store.process_request(request)
    assert WORD not in str(caught.value)
    store.process_exception(request, caught.value)
    assert place.pages() == []
    store.process_request(ask(place, "/p/2"))


@pytest.mark.parametrize("damage", ["terms: [", None])
def test_once_the_list_is_wrong_nothing_is_asked_for_and_nothing_stored(
    place: Any, store: PageStore, damage: str | None
) -> None:
    path = place.data / "deny.yml"
    if damage is None:
        path.unlink()
    else:
        path.write_text(damage)
    with pytest.raises(DenyError):
        store.process_request(ask(place, "/p/2"))
    with pytest.raises(DenyError):
        answer(place, store, b"<p>sand</p>")
    assert place.pages() == []


def test_a_word_added_while_the_crawl_runs_holds_from_then_on(place: Any, store: PageStore) -> None:
    answer(place, store, b"<p>sand</p>")
    add_entry(place.data / "deny.yml", section="terms", text="clay")
    with pytest.raises(Refused):
        store.process_request(ask(place, "/p/clay"))


def test_a_crawl_keeps_no_word_of_the_list_and_goes_on(place: Any, stub: Any) -> None:
    """A real crawl: one page says the word, one link leads to an address with it, all else is stored as ever."""
    add_entry(place.data / "deny.yml", section="terms", text=WORD)

    def answer(asked: Any) -> Any:
        if asked.path == "/":
            links = ("/p/1", "/p/2", f"/p/3/{WORD}", "/p/4")
            return stub.reply("".join(f'<a href="{link}">a thing</a> ' for link in links))
        if asked.path == "/p/1":
            return stub.html("Thing", ["/p/9"], text=f"some {WORD.upper()} here")
        if asked.path == "/p/4":
            return stub.reply("", status="302 Found", more=(f"Location: /p/{WORD}",))
        return stub.html("Thing", text="An everyday thing.")

    with stub.OnionStub(answer) as tor:
        crawled = place.crawl(tor.socks)
        asked = {request.path for request in tor.asked}
    assert crawled.code == 0, crawled.err
    assert asked == {"/", "/p/1", "/p/2", "/p/4"}
    notes = {page.url.partition(".onion")[2]: page.note for page in place.pages()}
    assert {path for path, note in notes.items() if note.startswith("denied by term 1")} == {"/p/1", "/p/4"}
    states = {row.url.partition(".onion")[2]: row.state for row in place.frontier()}
    assert states == {"/": "done", "/p/1": "refused", "/p/2": "done", "/p/4": "refused"}
    with reading(place.engine) as session:
        assert len(session.scalars(select(Audit).where(Audit.action == "page.deny")).all()) == 2
    assert WORD not in place.log(crawled.run)
    # The address stands in the home page that was kept, which is packed; nowhere else.
    assert WORD not in everything(place).lower()
