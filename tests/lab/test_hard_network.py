"""The hard lab over a real Tor network: circuits have names, a limit ends one of them, and a person gets in."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from lab.bootstrap import Network
from lab.hard import MIRRORED, read_description
from lab.killer import read_circuit_id
from lab.ledger import Served, read_served
from lab.network import HardOptions, Lab, LabError, lab_status, running_lab
from lab.person import Person
from lab.visit import fetch_page, open_stream
from lab.wishes import ask

AGENT = "a browser"


def wait_until(met: Callable[[], bool], *, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def served(lab: Lab, site: str) -> list[Served]:
    return [row for row in read_served(lab.folder) if row.site == site]


def flood(lab: Lab, onion: str, *, user: str, most: int = 200) -> int:
    """Requests as fast as one connection carries them, until it is closed; how many were answered."""
    request = f"GET / HTTP/1.1\r\nHost: {onion}\r\nUser-Agent: {AGENT}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", lab.socks_port), timeout=30) as sock:
        open_stream(sock, onion, user=user)
        sock.sendall(request * most)
        data = b""
        while chunk := sock.recv(65_536):
            data += chunk
    return data.count(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("circuit", "number"),
    [
        ("fc00:dead:beef:4dad::0:2a", 42),
        ("fc00:dead:beef:4dad::ffff:ffff", 2**32 - 1),
        ("::1", None),
        ("", None),
    ],
)
def test_the_address_in_the_proxy_line_is_the_circuits_number(circuit: str, number: int | None) -> None:
    assert read_circuit_id(circuit) == number


def test_without_a_hard_lab_a_wish_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="lab up --hard"):
        ask(tmp_path, "break", "oldport")
    with pytest.raises(LabError, match="lab up --hard"):
        read_description(tmp_path)


@pytest.mark.tor
def test_the_hard_lab_over_tor(tmp_path: Path) -> None:
    folder, data = tmp_path / "lab", tmp_path / "data"
    options = HardOptions(queue=0.5, break_after=0, outages=0.3)
    with running_lab(folder=folder, data=data, listings=100, hard=options) as lab:
        truth = read_description(folder)
        onions = {name: site["onions"] for name, site in truth["sites"].items()}
        assert onions[MIRRORED]["main"][:6] == onions[MIRRORED]["phish"][:6]
        assert served(lab, "oldport") == []
        _check_circuits(lab, onions)
        _check_person(lab, onions)
        _check_mirrors(lab, onions)
        status = lab_status(folder=folder).hard
        assert status is not None
        assert status["sites"]["tollgate"]["killed"] == {"too fast": 1}
        assert status["sites"]["oldport"]["killed"] == {}
        settings = yaml.safe_load((data / "sites" / MIRRORED / "site.yml").read_text())
        assert settings["addresses"] == [onions[MIRRORED]["main"], onions[MIRRORED]["b"]]
        assert "PUBLIC KEY" in (data / "sites" / MIRRORED / "mirrors.asc").read_text()
    assert not folder.exists()
    assert list(data.iterdir()) == []


def _check_circuits(lab: Lab, onions: dict[str, dict[str, str]]) -> None:
    """Each isolation user has a circuit of its own, and a flood ends only the one it came on."""
    onion = onions["tollgate"]["main"]
    for user in ("calm", "fast", "calm", "fast"):
        fetch_page(onion, socks_port=lab.socks_port, user=user, agent=AGENT)
    calm, fast, calm2, fast2 = (row.circuit for row in served(lab, "tollgate"))
    assert (calm, fast) == (calm2, fast2)
    assert calm != fast
    answered = flood(lab, onion, user="fast")
    assert 5 <= answered < 200
    killed = [row for row in served(lab, "tollgate") if row.killed]
    assert [(row.circuit, row.killed) for row in killed] == [(fast, "too fast")]
    assert fetch_page(onion, socks_port=lab.socks_port, user="calm", agent=AGENT)[0] == 200
    assert served(lab, "tollgate")[-1].circuit == calm

    def fast_is_back() -> bool:  # Tor closed the circuit, so that its user gets a new one
        try:
            return fetch_page(onion, socks_port=lab.socks_port, user="fast", agent=AGENT)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    wait_until(fast_is_back)
    assert served(lab, "tollgate")[-1].circuit not in (calm, fast)


def _check_person(lab: Lab, onions: dict[str, dict[str, str]]) -> None:
    """A person with the crawl's credentials solves the captcha and logs in; the cookies are good on that circuit."""
    way = {"socks_port": lab.socks_port, "agent": AGENT}
    with Person(lab.folder, user="oldport", password="oldport", **way) as person:  # type: ignore[arg-type]
        opened = person.open_gate("oldport")
    assert "dcap" in opened.cookies
    assert f"\t{opened.cookies['dcap']}\n" in opened.netscape
    cookie = "; ".join(f"{name}={value}" for name, value in opened.cookies.items())
    agent = f"{AGENT}\r\nCookie: {cookie}"
    onion = onions["oldport"]["main"]
    for user, word in (("oldport", b"Welcome ashore"), ("stranger", b"placed in a queue")):
        assert word in fetch_page(onion, socks_port=lab.socks_port, user=user, agent=agent)[1]
    assert [row.kind for row in served(lab, "oldport")] == [
        "queue", "captcha", "redirect", "home", "home", "queue",
    ]  # fmt: skip
    with Person(lab.folder, user="shop", password="shop", **way) as person:  # type: ignore[arg-type]
        assert "kontor_konto" in person.open_gate("nordkontor", path="/konto").cookies


def _check_mirrors(lab: Lab, onions: dict[str, dict[str, str]]) -> None:
    """A broken onion is gone, the next one answers."""
    assert "is dead" in ask(lab.folder, "break", MIRRORED)

    def is_gone() -> bool:
        try:
            fetch_page(onions[MIRRORED]["main"], socks_port=lab.socks_port, user="m", agent=AGENT)
        except OSError:
            return True
        return False

    wait_until(is_gone)
    body = fetch_page(onions[MIRRORED]["b"], socks_port=lab.socks_port, user="m", agent=AGENT)[1]
    assert b"placed in a queue" in body
    with pytest.raises(LabError, match="no site"):
        ask(lab.folder, "break", "nowhere")


def test_a_network_lists_its_nodes_in_order(tmp_path: Path) -> None:
    from lab.torrc import make_nodes, pick_ports

    network = Network(tmp_path, pick_ports(), make_nodes(tmp_path))
    assert [node.name for node in network.nodes][-2:] == ["client", "service"]
    ports = network.ports
    assert (
        len({ports.socks, ports.control, ports.service, ports.authority, ports.directory, *ports.relays}) == 9
    )
