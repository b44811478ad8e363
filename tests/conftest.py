"""What holds for every test: nothing but loopback is ever contacted, and no name is looked up outside."""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import structlog

REPOSITORY = Path(__file__).resolve().parent.parent

# Libraries that would ask the network for news or lists are told not to, for child processes too.
os.environ["NO_PROXY"] = "*"
os.environ.pop("TUSKWATCH_DATABASE_URL", None)
os.environ.pop("TUSKWATCH_DATA", None)

# A shell that starts the tests in the background makes them deaf to Ctrl-C, and so every child that a test interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_escaped: list[str] = []


def _is_local(host: object) -> bool:
    if host in (None, "", "localhost", b"localhost", b""):
        return True
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text.split("%")[0]).is_loopback
    except ValueError:
        return False


def _watch_sockets(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: it cannot be removed, so no test can switch it off by mistake."""
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple) and not _is_local(address[0]):
            _escaped.append(f"{event} {address!r}")
            raise PermissionError(f"a test tried to leave this machine: {event} {address!r}")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr") and not _is_local(
        arguments[0]
    ):
        _escaped.append(f"{event} {arguments[0]!r}")
        raise PermissionError(f"a test tried to look up a name: {arguments[0]!r}")


sys.addaudithook(_watch_sockets)


_LONG = (
    "tests/tuskwatch/test_lab_way.py",
    "tests/jobs/test_fleet",
    "tests/jobs/test_learning.py",
    "tests/jobs/test_worker.py",
    "tests/tuskwatch/",
    "tests/lab/",
    "tests/classifier/",
)
"""Files that take minutes, the longest first: begun last, they would keep one worker busy while the others wait."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {path: at for at, path in enumerate(_LONG)}

    def rank(item: pytest.Item) -> int:
        return min((at for path, at in places.items() if item.nodeid.startswith(path)), default=len(places))

    items.sort(key=rank)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes never name a test: packed ones hold the time at which they were packed, and two workers that collect in different
    seconds would not agree on which tests there are."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(autouse=True)
def _stays_on_this_machine() -> Iterator[None]:
    """Fails the test whose code tried to leave, even where that code swallowed the refusal."""
    before = len(_escaped)
    yield
    assert _escaped[before:] == []


@pytest.fixture(autouse=True)
def _logs_go_nowhere_in_particular() -> Iterator[None]:
    """A worker or a crawl that is tried within this process points the logs at a stream that its test then closes."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def stub() -> ModuleType:
    """The module tests/crawler/stub.py, a SOCKS port that plays Tor (tests are imported without packages)."""
    name = "tests_stub"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, REPOSITORY / "tests" / "crawler" / "stub.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def _find_binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        pytest.fail("PostgreSQL is not installed: run `make test`, or install Debian's package postgresql.")
    return Path(on_path).parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL (without a database name) of a PostgreSQL that lives as long as the tests; root drops to postgres."""
    binaries = _find_binaries()
    identity: dict[str, int] = {}
    folder = Path(tempfile.mkdtemp(prefix="tuskwatch-pg-"))
    if os.geteuid() == 0:
        person = pwd.getpwnam("postgres")
        identity = {"user": person.pw_uid, "group": person.pw_gid}
        os.chown(folder, person.pw_uid, person.pw_gid)
    data, port = folder / "data", _free_port()

    def run(*command: str) -> None:
        with (folder / "log").open("ab") as log:
            subprocess.run(
                command,
                check=True,
                cwd=folder,
                stdout=log,
                stderr=log,
                timeout=120,
                env={"LC_ALL": "C.UTF-8"},
                **identity,
            )

    settings = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off -c max_connections=50"
    try:
        run(str(binaries / "initdb"), "-D", str(data), "-U", "tuskwatch", "-A", "trust", "-E", "UTF8")
        run(
            str(binaries / "pg_ctl"),
            "-D",
            str(data),
            "-w",
            "-o",
            settings,
            "-l",
            str(folder / "server.log"),
            "start",
        )
        try:
            yield f"postgresql+psycopg://tuskwatch@127.0.0.1:{port}"
        finally:
            run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
