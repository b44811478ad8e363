"""Tor started, attached to, watched and missed: with real tor processes that cannot reach any network.

The started ones know one directory authority only, at a closed port of this machine, so they never bootstrap; what a
bootstrapped Tor does is tested against the lab's private network (marker `tor`).
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from crawler.errors import TorError
from crawler.tor import open_tor
from crawler.torrc import real_torrc

NOBODY = "0123456789ABCDEF0123456789ABCDEF01234567"
ALONE = (
    "UseDefaultFallbackDirs 0",
    f"DirAuthority nobody orport=9 no-v2 v3ident={NOBODY} 127.0.0.1:9 {NOBODY}",
)


def _tors(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "tor" and any(
            str(folder) in part for part in process.info["cmdline"] or []
        ):
            found.append(process)
    return found


def test_the_torrc_of_a_real_run_is_safe(tmp_path: Path) -> None:
    lines = real_torrc(tmp_path, socks_port=None, owner=42).splitlines()
    (socks,) = [line.split() for line in lines if line.startswith("SocksPort")]
    assert socks[1].startswith("127.0.0.1:")
    assert {"IsolateSOCKSAuth", "KeepAliveIsolateSOCKSAuth", "ExtendedErrors", "OnionTrafficOnly"} <= set(
        socks
    )
    assert {"CookieAuthentication 1", "ClientOnly 1", "AvoidDiskWrites 1", "SafeLogging 1"} <= set(lines)
    assert "__OwningControllerProcess 42" in lines
    (control,) = [line for line in lines if line.startswith("ControlPort ")]
    assert control.split()[1].startswith("127.0.0.1:")


@pytest.mark.parametrize(
    "weak",
    [
        "TestingTorNetwork", "Testing", "EnforceDistinctSubnets", "ConnectionPadding", "CircuitPadding", "Vanguards",
        "AssumeReachable", "DirAuthority", "DoS", "UseEntryGuards", "NumEntryGuards", "HashedControlPassword", "Schedulers",
        "MaxClientCircuitsPending", "UseMicrodescriptors", "ExcludeNodes", "EntryNodes", "ExitNodes", "StrictNodes",
        "SafeSocks 0", "SafeLogging 0", "Bridge", "HiddenServiceSingleHopMode", "HiddenServiceNonAnonymousMode", "Tor2web",
        "0.0.0.0", "DisableNetwork", "AllowNonRFC953Hostnames", "ProtocolWarnings", "Unsafe",
    ],
)  # fmt: skip
def test_no_option_of_it_weakens_tor(tmp_path: Path, weak: str) -> None:
    assert weak.lower() not in real_torrc(tmp_path / "t", socks_port=9050, owner=1).lower()


def test_no_option_of_it_is_one_of_the_labs(tmp_path: Path, repository: Path) -> None:
    """All options that the lab sets for its clients, save the harmless ones named here, are absent."""
    source = (repository / "lab" / "torrc.py").read_text()
    of_lab = set(re.findall(r'["\'\n](?:f["\'])?([A-Z][A-Za-z0-9]+) ', source))
    assert {"TestingTorNetwork", "VanguardsLiteEnabled", "ConnectionPadding"} <= of_lab, (
        "the lab's torrc moved"
    )
    harmless = {"SocksPort", "ControlPort", "CookieAuthentication", "ClientOnly", "AvoidDiskWrites", "DataDirectory", "Log",
                "CookieAuthFile", "ControlPortWriteToFile"}  # fmt: skip
    ours = {
        line.split()[0]
        for line in real_torrc(tmp_path, socks_port=None, owner=1).splitlines()
        if line[0] != "#"
    }
    assert ours & of_lab <= harmless


def test_a_missing_tor_is_explained(tmp_path: Path) -> None:
    with pytest.raises(TorError, match=r"Tor is not installed.*apt install tor"):
        open_tor(data=tmp_path, binary="tor-that-is-not-there")


def test_a_bootstrap_that_stalls_is_explained_and_leaves_no_process(tmp_path: Path) -> None:
    told: list[tuple[int, str]] = []
    with pytest.raises(
        TorError,
        match=r"got stuck at \d+ % .* no progress for 0.5 seconds.*Check that this machine is online",
    ):
        open_tor(data=tmp_path, test_lines=ALONE, stall_seconds=0.5, report=lambda *said: told.append(said))
    assert told[0] == (0, "Starting")
    assert _tors(tmp_path) == []


def test_a_network_that_is_switched_off_is_told_in_tors_words(tmp_path: Path) -> None:
    with pytest.raises(TorError, match="Its last message: DisableNetwork is set"):
        open_tor(data=tmp_path, test_lines=["DisableNetwork 1"], stall_seconds=0.3)


def test_a_taken_port_is_explained(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(TorError, match=rf"Port {port} is taken: another program"):
            open_tor(data=tmp_path, socks_port=port, test_lines=ALONE)
    assert _tors(tmp_path) == []


def test_a_setting_tor_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    with pytest.raises(TorError, match="Unknown option 'NoSuchOption'"):
        open_tor(data=tmp_path, test_lines=["NoSuchOption 1"])


def test_a_folder_that_cannot_be_used_is_explained(tmp_path: Path) -> None:
    (tmp_path / "tor").write_text("a file where the folder should be")
    with pytest.raises(TorError, match=r"folder .* cannot be used"):
        open_tor(data=tmp_path, test_lines=ALONE)


@pytest.fixture
def tor_process(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Start a tor that is not ours; gives its control port."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*lines: str) -> int:
        folder = tmp_path / f"other{len(started)}"
        folder.mkdir(mode=0o700)
        port_file = folder / "port"
        text = [
            "DataDirectory " + str(folder),
            "ControlPort 127.0.0.1:auto",
            f"ControlPortWriteToFile {port_file}",
            *ALONE,
            *lines,
        ]
        (folder / "torrc").write_text("\n".join(text) + "\n")
        (folder / "none").write_text("")
        command = ["tor", "--defaults-torrc", str(folder / "none"), "-f", str(folder / "torrc")]
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        end = time.monotonic() + 20
        while not port_file.exists():
            assert time.monotonic() < end
            assert started[-1].poll() is None
            time.sleep(0.02)
        return int(port_file.read_text().rpartition(":")[2])

    yield start
    for process in started:
        process.kill()
        process.wait(10)


def _hash(password: str) -> str:
    """tor --hash-password: RFC 2440 iterated and salted S2K, made here so that no further tor has to start."""
    salt, count = b"saltsalt", 65536
    data = salt + password.encode()
    digest = hashlib.sha1((data * (count // len(data) + 1))[:count], usedforsecurity=False).hexdigest()
    return f"16:{salt.hex()}60{digest}".upper()


@pytest.mark.parametrize(
    ("password", "words"),
    [
        (None, "wants a password. Set TUSKWATCH_TOR_CONTROL_PASSWORD"),
        ("wrong", "password for Tor's control port .* is wrong"),
    ],
)
def test_a_wrong_password_is_explained(
    tmp_path: Path, tor_process: Callable[..., int], password: str | None, words: str
) -> None:
    port = tor_process(f"HashedControlPassword {_hash('right')}", "SocksPort 0")
    with pytest.raises(TorError, match=words):
        open_tor(data=tmp_path, control_port=port, password=password)


def test_the_right_password_comes_further(tmp_path: Path, tor_process: Callable[..., int]) -> None:
    port = tor_process(f"HashedControlPassword {_hash('right')}", "SocksPort 0")
    with pytest.raises(TorError, match="got stuck at 0 %"):
        open_tor(data=tmp_path, control_port=port, password="right", stall_seconds=0.2)


def test_a_cookie_that_cannot_be_read_is_explained(tmp_path: Path, tor_process: Callable[..., int]) -> None:
    cookie = tmp_path / "cookie"
    port = tor_process("CookieAuthentication 1", f"CookieAuthFile {cookie}", "SocksPort 0")
    cookie.unlink()
    with pytest.raises(TorError, match=r"control cookie cannot be read.*debian-tor"):
        open_tor(data=tmp_path, control_port=port)


def test_nothing_at_the_control_port_is_explained(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(TorError, match=rf"Nothing answers at Tor's control port {port}"):
        open_tor(data=tmp_path, control_port=port)


def test_another_service_at_the_control_port_is_explained(tmp_path: Path) -> None:
    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        with pytest.raises(TorError, match="is not Tor's control port"):
            open_tor(data=tmp_path, control_port=server.getsockname()[1])
        thread.join(10)


def test_tor_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """Even when that one is killed: tor watches its owner."""
    code = (
        "import sys; from pathlib import Path; from crawler.tor import open_tor\n"
        f"open_tor(data=Path({str(tmp_path)!r}), stall_seconds=600, test_lines={ALONE!r})"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    )
    end = time.monotonic() + 30
    while not (tmp_path / "tor" / "control_cookie").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    (tor,) = _tors(tmp_path)
    owner.send_signal(signal.SIGKILL)
    owner.wait(10)
    psutil.wait_procs([tor], timeout=40)
    assert not tor.is_running() or tor.status() == psutil.STATUS_ZOMBIE


def test_a_tor_that_runs_in_the_folder_already_is_used(
    tmp_path: Path, tor_process: Callable[..., int]
) -> None:
    cookie = tmp_path / "cookie"
    port = tor_process("CookieAuthentication 1", f"CookieAuthFile {cookie}", "SocksPort 0")
    (tmp_path / "data" / "tor").mkdir(parents=True)
    (tmp_path / "data" / "tor" / "control_port").write_text(f"PORT=127.0.0.1:{port}\n")
    with pytest.raises(TorError, match="got stuck at 0 %"):
        open_tor(data=tmp_path / "data", stall_seconds=0.2)
    assert _tors(tmp_path / "data") == []
