"""The lab's private Tor network: it comes up, answers, and leaves nothing behind however it ends."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from lab.network import LabError, lab_status, read_requests, running_lab, start_lab, stop_lab
from lab.processes import Identity, identify, is_alive
from lab.state import State, claim, read_state
from lab.torrc import free_ports
from lab.visit import fetch_page
from lab.wire import AccessLog

STARTER = """
import sys, time
from pathlib import Path
from lab.network import start_lab
start_lab(folder=Path(sys.argv[1]), data=None, listings=100, report=lambda p, t: print(p, flush=True), detach=sys.argv[2] == "detach")
print("up", flush=True)
if sys.argv[2] != "detach":
    time.sleep(600)
"""


def wait_until(met: Callable[[], bool], *, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def holders_and_nodes(folder: Path) -> list[Identity]:
    state = read_state(folder)
    assert state is not None
    own = os.getpid()
    return [who for who in (*state.holders.values(), *state.nodes.values()) if who.pid != own]


def test_free_ports_are_distinct_and_below_the_outgoing_range() -> None:
    ports = free_ports(40)
    assert len(set(ports)) == 40
    assert all(10_000 <= port < 32_000 for port in ports)


def test_an_identity_of_a_dead_process_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    who = identify(child.pid)
    assert is_alive(who)
    child.communicate(b"\n")
    assert not is_alive(who)


def test_a_folder_with_other_files_is_never_taken(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(LabError, match="not empty"):
        start_lab(folder=tmp_path, data=None)
    assert (tmp_path / "letter.txt").read_text() == "mine"


@pytest.mark.parametrize("listings", [0, 99, 10**7])
def test_an_impossible_number_of_listings_is_refused(tmp_path: Path, listings: int) -> None:
    with pytest.raises(LabError, match="number of listings"):
        start_lab(folder=tmp_path / "lab", data=None, listings=listings)
    assert not (tmp_path / "lab").exists()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("tor.yml", "control_port: 9051\nsocks_port: 9050\n", "a Tor of your own"),
        ("sites/oldport/site.yml", "name: oldport\nauthorised: {by: A. Analyst}\n", "a site of your own"),
        ("tor.yml", "{", "cannot be read"),
    ],
)
def test_the_users_own_files_are_never_overwritten(tmp_path: Path, name: str, text: str, words: str) -> None:
    path = tmp_path / "data" / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(LabError, match=words):
        start_lab(folder=tmp_path / "lab", data=tmp_path / "data")
    assert path.read_text() == text


def test_a_missing_tor_is_named_with_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.keys.shutil.which", lambda *args, **kwargs: None)
    with pytest.raises(LabError, match="apt-get install tor"):
        start_lab(folder=tmp_path / "lab", data=None)
    assert not (tmp_path / "lab").exists()


def test_what_a_crash_left_is_removed_by_the_next_look(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    claim(State(folder=str(folder), holders={"keeper": Identity(2**22 - 1, 1)}, phase="running"))
    (folder / "net1").mkdir()
    (folder / "net1" / "torrc").write_text("x")
    status = lab_status(folder=folder)
    assert not status.running
    assert "removed" in status.text
    assert not folder.exists()


def test_down_without_a_lab_says_so(tmp_path: Path) -> None:
    assert stop_lab(folder=tmp_path / "lab") is False


def test_an_edited_site_file_stays(tmp_path: Path) -> None:
    folder, kept = tmp_path / "lab", tmp_path / "sites" / "oldport" / "site.yml"
    kept.parent.mkdir(parents=True)
    kept.write_text("edited since")
    (kept.parent / "expected.yml").write_text("listings: 48")
    claim(State(folder=str(folder), written={str(kept): "0" * 64}))
    assert stop_lab(folder=folder) is True
    assert kept.read_text() == "edited since"
    assert (kept.parent / "expected.yml").exists()
    assert not folder.exists()


def test_what_was_learnt_about_a_site_goes_with_it(tmp_path: Path) -> None:
    folder, site = tmp_path / "lab", tmp_path / "sites" / "oldport" / "site.yml"
    site.parent.mkdir(parents=True)
    site.write_text("as the lab wrote it")
    (site.parent / "expected.yml").write_text("listings: 48")
    digest = hashlib.sha256(site.read_bytes()).hexdigest()
    claim(State(folder=str(folder), written={str(site): digest}))
    assert stop_lab(folder=folder) is True
    assert not site.parent.parent.exists()


def test_the_record_of_requests_tells_pages_from_what_no_crawler_asks_for(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "requests.log")
    log.add("oldport", "GET", "/p/1?x=a\tb", 200)
    log.add("oldport", "GET", "/static/anchor.png?v=2", 200)
    log.add("backroom", "GET", "/archive/2025.zip", 200)
    log.close()
    found = read_requests(tmp_path)
    assert [(r.site, r.target, r.is_asset) for r in found] == [
        ("oldport", "/p/1?x=a%09b", False),
        ("oldport", "/static/anchor.png?v=2", True),
        ("backroom", "/archive/2025.zip", True),
    ]


@pytest.mark.tor
def test_every_onion_answers_and_down_leaves_nothing(tmp_path: Path) -> None:
    folder, data = tmp_path / "a lab", tmp_path / "data"
    seen: list[tuple[int, str]] = []
    with running_lab(folder=folder, data=data, listings=120, report=lambda *step: seen.append(step)) as lab:
        processes = holders_and_nodes(folder)
        for site in lab.sites.values():
            status, body = fetch_page(site.onion, socks_port=lab.socks_port)
            assert status == 200
            assert site.title.encode() in body
        asked = {(request.site, request.target) for request in read_requests(folder)}
        assert {(name, "/") for name in lab.sites} <= asked

        found = lab_status(folder=folder)
        assert (found.running, found.percent, found.socks_port) == (True, 100, lab.socks_port)
        assert len(found.pids) == 9

        tor = yaml.safe_load((data / "tor.yml").read_text())
        assert tor == {"control_port": lab.control_port, "socks_port": lab.socks_port, "lab": True}
        for name, site in lab.sites.items():
            settings = yaml.safe_load((data / "sites" / name / "site.yml").read_text())
            assert settings["addresses"] == [site.onion]
            assert settings["pace"] == {"delay": 0, "jitter": 0, "in_flight": 8}

        with pytest.raises(LabError, match="already running"):
            start_lab(folder=folder, data=None)
        with pytest.raises(LabError, match="Another lab is registered"):
            start_lab(folder=tmp_path / "second", data=data)
    assert seen[-1][0] == 100
    assert not any(is_alive(who) for who in processes)
    assert not folder.exists()
    assert list(data.iterdir()) == []


@pytest.mark.tor
@pytest.mark.parametrize("victim", ["supervisor", "keeper", "relay2"])
def test_a_killed_part_takes_the_lab_down_with_all_its_files(tmp_path: Path, victim: str) -> None:
    folder, data = tmp_path / "lab", tmp_path / "data"
    start_lab(folder=folder, data=data, listings=100, detach=False)
    try:
        processes = holders_and_nodes(folder)
        state = read_state(folder)
        assert state is not None
        os.kill({**state.holders, **state.nodes}[victim].pid, signal.SIGKILL)
        wait_until(lambda: not any(is_alive(who) for who in processes))
        wait_until(lambda: not folder.exists())
        assert list(data.iterdir()) == []
    finally:
        stop_lab(folder=folder)


@pytest.mark.tor
@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGINT])
def test_a_starter_killed_half_way_leaves_nothing(tmp_path: Path, signal_: signal.Signals) -> None:
    folder = tmp_path / "lab"
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, str(folder), "detach"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as starter:
        assert starter.stdout is not None
        for line in starter.stdout:
            if int(line) > 10:
                break
        processes = holders_and_nodes(folder)
        assert len(processes) >= 9
        starter.send_signal(signal_)
        assert starter.wait(timeout=20) != 0
        wait_until(lambda: not any(is_alive(who) for who in processes))
        wait_until(lambda: not folder.exists())


@pytest.mark.tor
def test_a_detached_lab_outlives_its_starter_and_a_double_kill_leaves_no_tor(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    subprocess.run(
        [sys.executable, "-c", STARTER, str(folder), "detach"],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=120,
    )
    status = lab_status(folder=folder)
    assert (status.running, status.percent) == (True, 100)
    processes = holders_and_nodes(folder)
    for name in ("keeper", "supervisor"):
        os.kill(status.pids[name], signal.SIGKILL)
    wait_until(lambda: not any(is_alive(who) for who in processes))
    assert lab_status(folder=folder).running is False
    assert not folder.exists()
