"""The canary beside a real Tor: what it sees of a real crawl's circuits, and of a SOCKS port that changes hands."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import stem.control

from crawler.torfacts import find_fault, knock, read_facts
from crawler.torprocess import TorProcess, wait_control_port
from jobs.crawling import run_crawl
from jobs.gateway import Gateway
from jobs.places import Places
from jobs.runs import start_crawl
from lab.network import Lab, start_lab, stop_lab
from storage.engine import open_engine, reading
from storage.issues import find_issues
from storage.proofs import find_proof
from storage.tables import Page, Run

NOBODY = "0123456789ABCDEF0123456789ABCDEF01234567"


@pytest.fixture
def tor(tmp_path: Path) -> Iterator[tuple[TorProcess, stem.control.Controller]]:
    """A tor that can reach nothing, and its control port."""
    folder = tmp_path / "tor"
    folder.mkdir(mode=0o700)
    lines = [
        f"DataDirectory {folder}", "SocksPort 127.0.0.1:auto", "ControlPort 127.0.0.1:auto", "CookieAuthentication 1",
        f"ControlPortWriteToFile {folder / 'port'}", "UseDefaultFallbackDirs 0",
        f"DirAuthority nobody orport=9 no-v2 v3ident={NOBODY} 127.0.0.1:9 {NOBODY}",
    ]  # fmt: skip
    (folder / "torrc").write_text("\n".join(lines) + "\n")
    (folder / "none").write_text("")
    process = TorProcess(["tor", "--defaults-torrc", str(folder / "none"), "-f", str(folder / "torrc")])
    port = wait_control_port(process, folder / "port", None)
    with pytest.warns(DeprecationWarning, match="setDaemon|daemon|getName|currentThread|notifyAll"):
        controller = stem.control.Controller.from_port(port=port)
    controller.authenticate()
    yield process, controller
    controller.close()
    process.end()


def test_a_real_tor_says_what_it_is(tor: tuple[TorProcess, stem.control.Controller]) -> None:
    process, controller = tor
    pid = process.popen.pid
    facts = read_facts(controller, own_pid=pid)
    assert facts.version.startswith("0.4.")
    assert (facts.pid, facts.mixed, facts.circuits) == (pid, False, ())
    assert find_fault(facts, facts.socks[0]) == ""
    assert "not the one that was started here" in find_fault(
        replace(facts, own_pid=os.getpid()), facts.socks[0]
    )


def test_a_socks_port_that_changes_hands_is_noticed(tor: tuple[TorProcess, stem.control.Controller]) -> None:
    process, controller = tor
    facts = read_facts(controller, own_pid=process.popen.pid)
    (socks,) = facts.socks
    controller.set_conf("SocksPort", "0")
    assert "nothing listens on port" in find_fault(facts, socks)
    with socket.create_server(socks):
        assert "another program listens on port" in find_fault(facts, socks)
        assert "Tor has no SOCKS port" in find_fault(read_facts(controller, own_pid=process.popen.pid), socks)


def test_a_real_tor_greets_until_it_is_frozen(tor: tuple[TorProcess, stem.control.Controller]) -> None:
    process, controller = tor
    facts = read_facts(controller, own_pid=process.popen.pid)
    (socks,) = facts.socks
    assert knock(facts, socks) == facts
    process.popen.send_signal(signal.SIGSTOP)
    try:
        assert "did not greet within" in knock(facts, socks, seconds=0.3).deaf
    finally:
        process.popen.send_signal(signal.SIGCONT)
    assert knock(facts, socks, seconds=30) == facts
    controller.set_conf("SocksPort", "0")
    assert knock(facts, socks).deaf


def test_a_socks_port_without_isolation_is_noticed(tor: tuple[TorProcess, stem.control.Controller]) -> None:
    process, controller = tor
    controller.set_conf("SocksPort", "127.0.0.1:auto NoIsolateSOCKSAuth")
    facts = read_facts(controller, own_pid=process.popen.pid)
    assert "does not keep streams of different names apart" in find_fault(facts, facts.socks[0])


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    data = tmp_path_factory.mktemp("lab-data")
    yield start_lab(folder=folder / "lab", data=data, listings=100, detach=False)
    stop_lab(folder=folder / "lab")


@pytest.mark.tor
def test_a_crawl_over_tor_leaves_its_proof(places: Places, lab: Lab) -> None:
    assert lab.data is not None
    shutil.rmtree(places.sites)
    shutil.copytree(lab.data / "sites", places.sites)
    places = replace(places, tor_control_port=lab.control_port, tor_socks_port=lab.socks_port)
    engine = open_engine(places.database_url)
    gateway = Gateway(places)
    stop = threading.Event()
    run_id = start_crawl(places, "oldport", by="ana", reason="by hand", now=datetime.now(UTC))

    def circuits() -> bool:
        facts = gateway.look()
        with reading(engine) as session:
            tokens = set(session.scalars(Page.__table__.select().with_only_columns(Page.circuit_token)))
        return any(circuit.token in tokens for circuit in facts.circuits)

    def watch() -> None:
        end = time.monotonic() + 120
        while time.monotonic() < end and not circuits():
            time.sleep(0.1)
        seen = gateway.canary.newest()
        for _ in range(2):
            while time.monotonic() < end and gateway.canary.newest() is seen:
                time.sleep(0.05)
            seen = gateway.canary.newest()
        stop.wait(2)
        stop.set()

    try:
        socks = gateway.open(lambda percent, words: None)
        watcher = threading.Thread(target=watch)
        watcher.start()
        run_crawl(
            places,
            engine,
            run_id=run_id,
            socks=socks,
            stop=stop,
            clock=lambda: datetime.now(UTC),
            canary=gateway.canary,
        )
        stop.set()
        watcher.join(150)
        with reading(engine) as session:
            proof = find_proof(session, run_id)
            tokens = set(session.scalars(Page.__table__.select().with_only_columns(Page.circuit_token)))
            state = session.scalars(Run.__table__.select().with_only_columns(Run.state)).one()
            issues = [issue.message for issue in find_issues(session) if issue.kind == "canary"]
    finally:
        gateway.close()
        engine.dispose()
    assert state in ("lost", "done")
    assert issues == []
    assert (proof["tor"], proof["owner"], proof["failed"]) == ("attached", "process", "")
    assert str(proof["tor_version"]).startswith("0.4.")
    assert proof["checks"] >= 1
    assert proof["pages"] >= 1
    assert set(proof["circuits"]) == tokens
    assert proof["foreign"] == 0
