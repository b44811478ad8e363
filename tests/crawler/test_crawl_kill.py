"""kill -9 of the crawl at random moments: no page lost that had been stored, none stored twice, the database intact."""

from __future__ import annotations

import random
import sqlite3
import time
from collections import Counter
from types import ModuleType
from typing import Any

import pytest


def _check_database(place: Any) -> None:
    with sqlite3.connect(place.data / "tuskwatch.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


def test_a_crawl_killed_at_four_moments_comes_to_the_whole_site(place: Any, stub: ModuleType) -> None:
    rng = random.Random(20261122)
    with stub.OnionStub(stub.market, delay=0.01) as tor:
        run = place.new_run()
        stored: dict[int, tuple[str, str | None]] = {}
        for _ in range(4):
            process = place.start(run, tor.socks)
            begun = len(tor.asked)
            moment = rng.randint(1, 7)
            deadline = time.monotonic() + 30
            # A moment counted in requests, so that a slow machine is killed in the midst of its work too.
            while len(tor.asked) < begun + moment and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.001)
            time.sleep(rng.random() * 0.03)
            process.kill()
            process.communicate()
            assert process.returncode == -9, "it ended before it was killed"
            _check_database(place)
            now = {page.id: (page.url, page.body_sha256) for page in place.pages()}
            assert stored.items() <= now.items()
            stored = now
        assert 0 < len(stored) < len(stub.market_paths())
        assert place.crawl(tor.socks, run=run).code == 0
    _check_database(place)
    pages = place.pages()
    assert stored.items() <= {page.id: (page.url, page.body_sha256) for page in pages}.items()
    paths = Counter(page.url.removeprefix(f"http://{place.onion}") for page in pages)
    assert set(paths) == stub.market_paths()
    # One frontier row is one address: it may have been asked for twice (the answer to the first was lost), but once its
    # page was stored it is not fetched again.
    assert set(paths.values()) == {1}
    assert len({(page.frontier_id, page.attempt, page.hop) for page in pages}) == len(pages)
    assert all(page.kind for page in pages)
    assert {row.state for row in place.frontier()} == {"done"}
    assert place.run(run).pages == len(pages)


@pytest.mark.parametrize("state", ["fetched", "leased"])
def test_what_a_dead_run_left_is_taken_up(place: Any, stub: ModuleType, state: str) -> None:
    """The two states in which a kill can leave a row, made by hand."""
    with stub.OnionStub(stub.market) as tor:
        place.write_site(bounds={"pages": 1}, pace={"delay": 0, "in_flight": 1})
        place.crawl(tor.socks)
        with sqlite3.connect(place.data / "tuskwatch.db") as connection:
            connection.execute("DELETE FROM frontier WHERE url NOT LIKE '%.onion/'")
            connection.execute(
                f"UPDATE frontier SET state = '{state}', leased_by = 999, lease_until = '2999-01-01'"
            )
        connection.close()
        asked = len(tor.asked)
        place.write_site()
        assert place.crawl(tor.socks).code == 0
    home_again = [request for request in tor.asked[asked:] if request.path == "/"]
    # A stored page is read again from the store; only one that was never stored is asked for again.
    assert len(home_again) == (0 if state == "fetched" else 1)
    assert {page.url.removeprefix(f"http://{place.onion}") for page in place.pages()} == stub.market_paths()
