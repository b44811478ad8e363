"""The crawl over a real Tor network: the lab's, on loopback."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from crawler.errors import TorError
from crawler.reach import check_addresses
from crawler.sites import load_site
from crawler.tor import open_tor
from lab.network import Lab, start_lab, stop_lab
from storage.sites import register_site

pytestmark = pytest.mark.tor


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    data = tmp_path_factory.mktemp("lab-data")
    started = start_lab(folder=folder / "lab", data=data, listings=100, detach=False)
    yield started
    stop_lab(folder=folder / "lab")


@pytest.fixture
def market(place: Any, lab: Lab) -> Any:
    """The place of the other tests, with one of the lab's sites in it."""
    assert lab.data is not None
    name = "oldport"
    shutil.rmtree(place.data / "sites")
    shutil.copytree(lab.data / "sites" / name, place.data / "sites" / name)
    config = load_site(place.data / "sites" / name)
    place.onion = config.addresses[0]
    place.site_id = register_site(
        place.engine,
        name=name,
        title=config.title,
        config_sha256="1" * 64,
        onions=config.addresses,
        now=place.now,
    )
    return place


def test_a_running_tor_is_attached_to_and_tells_its_health(lab: Lab, tmp_path: Path) -> None:
    told: list[int] = []
    with open_tor(
        data=tmp_path, control_port=lab.control_port, report=lambda percent, words: told.append(percent)
    ) as tor:
        health = tor.health()
        assert tor.socks == ("127.0.0.1", lab.socks_port)
        assert not tor.owned
    assert told[-1] == 100
    assert (health.alive, health.bootstrap) == (True, 100)
    assert health.version.startswith("0.4.")
    assert not tor.health().alive  # closed: an answer, no error


def test_a_socks_port_that_this_tor_does_not_have_is_explained(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(TorError, match=rf"no SOCKS port 1 .*it has: {lab.socks_port}"):
        open_tor(data=tmp_path, control_port=lab.control_port, socks_port=1)


def test_addresses_are_checked_over_tor(lab: Lab, market: Any, stub: ModuleType) -> None:
    config = load_site(market.data / "sites" / "oldport")
    nobody = stub.make_onion("published by nobody")
    both = config.model_copy(update={"addresses": (*config.addresses, nobody)})
    states = check_addresses(both, socks=("127.0.0.1", lab.socks_port), timeout=30)
    assert [state.state for state in states] == ["alive", "dead"]
    assert "not published" in states[1].reason  # Tor's own 0xF0


def test_an_onion_that_nobody_publishes_has_tors_own_name(lab: Lab, fetch: Any, stub: ModuleType) -> None:
    result = fetch(f"http://{stub.make_onion('nobody')}/", f"127.0.0.1:{lab.socks_port}", timeout=40)
    assert (result["error"], result["permanent"]) == ("descriptor-not-found", True)


def test_a_market_is_crawled_whole_over_tor(lab: Lab, market: Any) -> None:
    crawled = market.crawl(f"127.0.0.1:{lab.socks_port}")
    assert crawled.code == 0, crawled.err
    pages = market.pages()
    listings = {page.url for page in pages if page.kind == "listing" and page.status == 200}
    assert len(listings) >= lab.sites["oldport"].listings
    assert all(page.url.startswith(f"http://{market.onion}/") for page in pages)
    assert len({page.circuit_token for page in pages}) == 1
    assert {row.state for row in market.frontier()} == {"done"}


def test_when_the_real_tor_dies_the_run_stops_and_goes_on_later(
    lab: Lab, market: Any, tmp_path: Path
) -> None:
    """A Tor of our own inside the lab's network, so that the lab's client lives on for the other tests."""
    client = _client_lines(lab)
    with open_tor(data=tmp_path / "own", test_lines=client, stall_seconds=60) as tor:
        assert tor.owned
        run = market.new_run()
        process = market.start(run, f"127.0.0.1:{tor.socks[1]}")
        end = time.monotonic() + 60
        while market.run(run).pages < 5:
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.02)
        assert tor._process is not None
        os.kill(tor._process.popen.pid, signal.SIGKILL)
        _, err = process.communicate(timeout=60)
        assert not tor.health().alive
    assert process.returncode == 1
    assert "Tor is gone" in err
    assert market.run(run).state == "failed"
    stored = market.run(run).pages
    assert market.crawl(f"127.0.0.1:{lab.socks_port}").code == 0
    with sqlite3.connect(market.data / "tuskwatch.db") as connection:
        twice = connection.execute(
            "SELECT frontier_id FROM page WHERE status = 200 GROUP BY frontier_id HAVING count(*) > 1"
        ).fetchall()
        total = connection.execute("SELECT count(*) FROM page").fetchone()[0]
    connection.close()
    assert twice == []
    assert total > stored


def _client_lines(lab: Lab) -> list[str]:
    """What makes a Tor of ours join the lab's network: its authority and its test options, read from its client."""
    ours = ("SocksPort", "ControlPort", "ControlPortWriteToFile", "CookieAuth", "DataDirectory", "Log", "__Owning", "ClientOnly",
            "AvoidDiskWrites", "ControlSocket", "PidFile", "SafeLogging")  # fmt: skip
    (torrc,) = [path for path in lab.folder.rglob("*torrc*") if path.is_file() and "client" in str(path)]
    lines = [line for line in torrc.read_text().splitlines() if line and not line.startswith("#")]
    return [line for line in lines if not line.startswith(ours)]
