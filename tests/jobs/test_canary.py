"""The canary ends every crawl of its worker: real processes that open what they must not, and a Tor that is not Tor."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from crawler.errors import TorError
from crawler.isolation import Isolation
from crawler.sockets import Allowed, find_group
from crawler.torfacts import KNOCK_SECONDS, Circuit, TorFacts, knock
from jobs.alarm import Fault
from jobs.canary import SILENCE_SECONDS, Canary, CanaryFailed
from jobs.crawling import CANARY_GRACE, POLL_SECONDS, Crawl, run_crawl
from jobs.lookout import ASK_SECONDS
from jobs.places import Places
from jobs.runs import find_run, start_crawl
from storage.engine import open_engine, reading
from storage.issues import find_issues
from storage.pages import Fetched, store_page
from storage.proofs import find_proof
from storage.tables import Address, Run

HERE = Path(__file__).parent
LIMIT = 10.0
"""Seconds within which every run must have ended, by the rule."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def engine(places: Places) -> Iterator[Engine]:
    engine = open_engine(places.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def port(stack: ExitStack) -> int:
    """Where the forbidden connections go: other addresses of this machine, one port."""
    first = stack.enter_context(socket.create_server(("127.0.0.2", 0)))
    number: int = first.getsockname()[1]
    stack.enter_context(socket.create_server(("::1", number), family=socket.AF_INET6))
    return number


@pytest.fixture
def socks(stack: ExitStack) -> str:
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    return f"127.0.0.1:{listener.getsockname()[1]}"


@dataclass
class Asked:
    """Plays the control port. `facts` is what it says; a TorError is raised; None hangs until the test is over."""

    facts: TorFacts | TorError | None
    over: threading.Event = field(default_factory=threading.Event)
    port: Callable[[], TorFacts] | None = None

    def __call__(self) -> TorFacts:
        if self.port is not None:
            return self.port()
        if self.facts is None:
            self.over.wait()
            raise TorError("too late")
        if isinstance(self.facts, TorError):
            raise self.facts
        return self.facts


@pytest.fixture
def tor(socks: str) -> Iterator[Asked]:
    host, _, number = socks.rpartition(":")
    # The "Tor" that listens is this very process.
    facts = TorFacts(
        version="0.4.9.11", bootstrap=100, established=True, socks=((host, int(number)),), mixed=False,
        pid=os.getpid(), own_pid=os.getpid(), circuits=(),
    )  # fmt: skip
    asked = Asked(facts)
    yield asked
    asked.over.set()


@pytest.fixture
def canary(tor: Asked) -> Iterator[Canary]:
    canary = Canary(tor)
    yield canary
    tor.over.set()
    canary.close()


class Crawls:
    """Crawls of one worker, each in its thread; their processes are tests/jobs/leaking.py."""

    def __init__(self, places: Places, engine: Engine, canary: Canary, socks: str, ready: Path) -> None:
        self.places, self.engine, self.canary, self.socks, self.ready = places, engine, canary, socks, ready
        self.results: dict[int, Crawl | CanaryFailed] = {}
        self.threads: list[threading.Thread] = []
        self.stop = threading.Event()

    def start(self, site: str) -> int:
        run_id = start_crawl(self.places, site, by="ana", reason="by hand", now=utc_now())

        def work() -> None:
            try:
                self.results[run_id] = run_crawl(
                    self.places, self.engine, run_id=run_id, socks=self.socks, stop=self.stop, clock=utc_now,
                    canary=self.canary,
                )  # fmt: skip
            except CanaryFailed as exc:
                self.results[run_id] = exc

        self.threads.append(threading.Thread(target=work))
        self.threads[-1].start()
        return run_id

    def wait_ready(self, run_id: int) -> None:
        end = time.monotonic() + 60
        while not (self.ready / str(run_id)).exists():
            assert time.monotonic() < end
            assert run_id not in self.results, self.results
            time.sleep(0.02)

    def join(self) -> None:
        for thread in self.threads:
            thread.join(150)
            assert not thread.is_alive()

    def proof(self, run_id: int) -> dict[str, object]:
        with reading(self.engine) as session:
            return find_proof(session, run_id)

    def issues(self) -> list[tuple[str, str]]:
        with reading(self.engine) as session:
            return [(issue.kind, issue.level) for issue in find_issues(session)]


@pytest.fixture
def crawls(
    places: Places, engine: Engine, canary: Canary, socks: str, port: int, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest,
) -> Iterator[Crawls]:  # fmt: skip
    ready = tmp_path / "ready"
    ready.mkdir()
    deed = getattr(request, "param", "socks")
    command = (sys.executable, str(HERE / "leaking.py"), str(ready), deed, str(port))
    monkeypatch.setattr("jobs.crawling.COMMAND", command)
    crawls = Crawls(places, engine, canary, socks, ready)
    yield crawls
    crawls.stop.set()
    crawls.join()


@pytest.mark.parametrize(
    ("crawls", "words"),
    [
        ("tcp", "a TCP connection to 127.0.0.2:"),
        ("tcp6", "a TCP connection to [::1]:"),
        ("udp", "a UDP socket"),
        ("listen", "it listens on 127.0.0.1:"),
        ("child", "a TCP connection to 127.0.0.2:"),
        ("left", "a TCP connection to 127.0.0.2:"),
    ],
    indirect=["crawls"],
)
def test_a_leak_ends_every_crawl_of_the_worker(crawls: Crawls, words: str) -> None:
    assert crawls.start("oldport") == 1
    assert crawls.start("newport") == 2
    crawls.wait_ready(2)
    crawls.wait_ready(1)
    began = time.monotonic()
    crawls.join()
    assert time.monotonic() - began < LIMIT
    leak, other = crawls.results[1], crawls.results[2]
    assert isinstance(leak, Crawl)
    assert leak.state == "failed"
    assert words in leak.message
    assert isinstance(other, Crawl)
    assert (other.state, "run 1 failed" in other.message) == ("failed", True)
    assert crawls.issues() == [("canary", "fail"), ("canary", "fail")]
    assert words in str(crawls.proof(1)["failed"])
    assert crawls.proof(1)["failed_kind"] == "leak"
    assert [run for run in (1, 2) if find_run(crawls.engine, run).state != "failed"] == []
    assert not [line for line in _command_lines() if str(crawls.ready) in line or "127.0.0.2" in line]


def _command_lines() -> list[str]:
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:
            continue
    return lines


def test_a_crawl_that_reaches_nothing_but_the_socks_port_is_left_alone(crawls: Crawls) -> None:
    run_id = crawls.start("oldport")
    crawls.wait_ready(run_id)
    end = time.monotonic() + 60
    seen = crawls.canary.newest()
    while crawls.canary.newest() is seen:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert crawls.results == {}
    crawls.stop.set()
    crawls.join()
    proof = crawls.proof(run_id)
    assert (proof["tor_version"], proof["tor"], proof["owner"]) == ("0.4.9.11", "own", "process")
    assert (proof["socks"], proof["failed"]) == (crawls.socks, "")
    assert int(str(proof["checks"])) >= 1
    assert crawls.issues() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"socks": (("127.0.0.1", 1),)}, "Tor has no SOCKS port"),
        ({"pid": 1, "own_pid": None}, "another program listens on port"),
        ({"pid": 1}, "not the one that was started here"),
        ({"mixed": True}, "does not keep streams of different names apart"),
    ],
)
def test_a_port_that_is_not_tors_ends_every_crawl_and_lets_none_begin(
    crawls: Crawls, tor: Asked, change: dict[str, object], words: str
) -> None:
    assert isinstance(tor.facts, TorFacts)
    good = tor.facts
    crawls.start("oldport")
    crawls.start("newport")
    crawls.wait_ready(1)
    crawls.wait_ready(2)
    tor.facts = replace(good, **change)  # type: ignore[arg-type]
    began = time.monotonic()
    crawls.join()
    assert time.monotonic() - began < LIMIT
    assert {result.state for result in crawls.results.values() if isinstance(result, Crawl)} == {"failed"}
    assert any(words in str(crawls.proof(run)["failed"]) for run in (1, 2))
    refused = crawls.start("oldport")
    crawls.join()
    assert isinstance(crawls.results[refused], CanaryFailed)
    assert words in str(crawls.results[refused])
    assert not (crawls.ready / str(refused)).exists()
    tor.facts = good
    again = crawls.start("newport")
    crawls.wait_ready(again)
    assert again not in crawls.results


@pytest.mark.parametrize("silence", [None, TorError("Tor is gone.")], ids=["it hangs", "it is gone"])
def test_a_tor_that_does_not_answer_ends_every_crawl(
    crawls: Crawls, tor: Asked, silence: TorError | None
) -> None:
    # As shipped it takes 7 of the 10 seconds; shorter here, so that a busy machine does not fail the test.
    assert SILENCE_SECONDS + POLL_SECONDS + CANARY_GRACE < LIMIT
    crawls.canary._silence = 2.5
    crawls.start("oldport")
    crawls.wait_ready(1)
    tor.facts = silence
    began = time.monotonic()
    crawls.join()
    assert time.monotonic() - began < LIMIT
    result = crawls.results[1]
    assert isinstance(result, Crawl)
    assert (result.state, "goes on by itself" in result.message) == ("lost", True)
    assert crawls.proof(1)["failed_kind"] == "silent"
    assert crawls.issues() == [("canary", "fail")]


class Greeter:
    """A SOCKS port on a real listener, whose control port answers whatever it does."""

    def __init__(self, facts: TorFacts, *, seconds: float) -> None:
        self._facts, self._seconds = facts, seconds
        self._listener = socket.create_server(facts.socks[0])
        self.answers: tuple[bytes, ...] | None = (b"\x05\x02", b"\x01\x00")
        self._streams: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __call__(self) -> TorFacts:
        return knock(self._facts, self._facts.socks[0], seconds=self._seconds)

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                stream, _ = self._listener.accept()
                self._streams.append(stream)  # the crawls hold theirs open and say nothing
                self._threads.append(threading.Thread(target=self._greet, args=(stream,)))
                self._threads[-1].start()

    def _greet(self, stream: socket.socket) -> None:
        with suppress(OSError):  # whoever knocks may go in the middle
            for answer in self.answers or ():
                stream.recv(100)
                for number in answer:
                    stream.sendall(bytes([number]))

    def close(self) -> None:
        for stream in (self._listener, *self._streams):
            with suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)
            stream.close()
        for thread in self._threads:
            thread.join(30)


@pytest.mark.parametrize(
    ("answers", "words", "kind", "state"),
    [
        (None, "Tor's SOCKS port is silent: it did not greet within", "silent", "lost"),
        ((b"\x05\x00",), "it does not greet as Tor does", "leak", "failed"),
        ((b"\x05\x02", b"\x01\x01"), "it does not greet as Tor does", "leak", "failed"),
    ],
    ids=["it accepts and never answers", "it takes no names", "it refuses the name"],
)
def test_a_socks_port_that_does_not_greet_ends_every_crawl_though_the_control_port_answers(
    crawls: Crawls,
    tor: Asked,
    stack: ExitStack,
    answers: tuple[bytes, ...] | None,
    words: str,
    kind: str,
    state: str,
) -> None:
    # As shipped a question, a greeting that fails, a poll and the grace take at most 6.5 of the 10 seconds.
    assert ASK_SECONDS + KNOCK_SECONDS + POLL_SECONDS + CANARY_GRACE < LIMIT
    assert isinstance(tor.facts, TorFacts)
    with socket.create_server(("127.0.0.1", 0)) as free:
        crawls.socks = f"127.0.0.1:{free.getsockname()[1]}"
    greeter = Greeter(replace(tor.facts, socks=(("127.0.0.1", int(crawls.socks[10:])),)), seconds=2.0)
    stack.callback(greeter.close)
    tor.port = greeter
    crawls.start("oldport")
    crawls.start("newport")
    crawls.wait_ready(1)
    crawls.wait_ready(2)
    assert crawls.results == {}
    greeter.answers = answers
    began = time.monotonic()
    crawls.join()
    assert time.monotonic() - began < LIMIT
    assert {result.state for result in crawls.results.values() if isinstance(result, Crawl)} == {state}
    for run in (1, 2):
        assert words in str(crawls.proof(run)["failed"])
        assert crawls.proof(run)["failed_kind"] == kind
    refused = crawls.start("oldport")
    crawls.join()
    assert words in str(crawls.results[refused])
    greeter.answers = (b"\x05\x02", b"\x01\x00")
    again = crawls.start("newport")
    crawls.wait_ready(again)


def _store(crawls: Crawls, run_id: int, *, number: int, token: str) -> str:
    """A page as the crawl would store it; the site's onion."""
    now = utc_now()
    with reading(crawls.engine) as session:
        run = session.get(Run, run_id)
        assert run is not None
        site_id = run.site_id
        assert site_id is not None
        onion = session.query(Address.onion).filter(Address.site_id == site_id).scalar()
    page = Fetched(
        site_id=site_id, run_id=run_id, frontier_id=None, attempt=1, hop=number, url=f"http://{onion}/", method="GET",
        request_headers=(), requested_at=now, status=200, reason="OK", response_headers=(), received_at=now,
        body=b"x", content_type="text/html", content_encoding="", circuit_token=token,
    )  # fmt: skip
    store_page(crawls.engine, page, now=now)
    assert isinstance(onion, str)
    return onion


def _wait(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_circuits_of_a_run_are_known_by_the_token_of_its_pages(crawls: Crawls, tor: Asked) -> None:
    token = Isolation("oldport", "", "abc").token()  # type: ignore[arg-type]
    run_id = crawls.start("oldport")
    crawls.wait_ready(run_id)
    onion = _store(crawls, run_id, number=0, token=token)
    assert isinstance(tor.facts, TorFacts)
    mine = Circuit("7", "BUILT", token, (onion, f"www.{onion}"))
    tor.facts = replace(tor.facts, circuits=(mine, Circuit("8", "BUILT", "", ("clear.example",))))
    seen = crawls.canary.newest()
    _wait(lambda: crawls.canary.newest() is not seen)
    seen = crawls.canary.newest()
    _wait(lambda: crawls.canary.newest() is not seen)
    crawls.stop.set()
    crawls.join()
    proof = crawls.proof(run_id)
    assert proof["pages"] == 1
    assert proof["failed"] == ""
    circuits = proof["circuits"]
    assert isinstance(circuits, dict)
    assert (list(circuits), circuits[token]["most"]) == ([token], 1)
    assert "SOCKS_USERNAME" not in str(proof)


def test_a_circuit_that_two_sites_share_ends_the_crawl(crawls: Crawls, tor: Asked) -> None:
    run_id = crawls.start("oldport")
    crawls.wait_ready(run_id)
    onion = _store(crawls, run_id, number=0, token="t" * 64)
    assert isinstance(tor.facts, TorFacts)
    tor.facts = replace(tor.facts, circuits=(Circuit("7", "BUILT", "t" * 64, (onion, "other.onion")),))
    crawls.join()
    assert "also carries the streams of another site" in str(crawls.proof(run_id)["failed"])


def test_pages_that_came_by_no_circuit_of_this_tor_end_the_crawl(
    crawls: Crawls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.canary.SEEN_SECONDS", 0.0)
    run_id = crawls.start("oldport")
    crawls.wait_ready(run_id)
    for number in range(20):
        _store(crawls, run_id, number=number, token="t" * 64)
    crawls.join()
    assert "none of this run's circuits was ever seen" in str(crawls.proof(run_id)["failed"])


def test_no_crawl_begins_while_a_process_of_the_leak_lives(crawls: Crawls, canary: Canary) -> None:
    left = find_group(os.getpid())[:1]
    canary.ring(canary._alarm, Fault("a leak"), run_id=7, left=tuple(left))
    refused = crawls.start("oldport")
    crawls.join()
    assert "which the canary ended, still lives" in str(crawls.results[refused])


def test_a_crawl_that_could_not_begin_is_not_watched_for_ever(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*args: object, **more: object) -> None:
        raise OperationalError("", {}, OSError("the database is gone"))

    monkeypatch.setattr("jobs.canary.note_proof", gone)
    canary = Canary(None)
    with pytest.raises(OperationalError):
        canary.admit(engine, run_id=1, socks="127.0.0.1:9050", allowed=Allowed(frozenset()), clock=utc_now)
    assert canary._watches == 0
