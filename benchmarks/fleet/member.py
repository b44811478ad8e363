"""One machine of the drill from the inside: process number one of its own namespace, the worker on it, and its crawls.

Run by fleet.machine, not by people: member.py machine | worker OPTIONS | OPTIONS crawler RUN.

`machine` starts workers as it is told on its standard input and keeps what a killed worker leaves behind, as the first
process of a real machine does. The other two are the product's own worker and crawl process; what differs from a real
start stands in Options: a clock that is wrong, a SOCKS stub in Tor's place, and what a sabotage takes out of the product.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

# The product beside this file, not one that is installed: this process is started with -P.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

SABOTAGES = ("fence", "twice", "deaf")
"""fence: the fencing token is not looked at, and a crawl does not ask whether it may go on. twice: neither, and each worker
takes every run for lost. deaf: no worker notices another one's end."""


@dataclass(frozen=True)
class Options:
    """name: of the worker. skew: seconds that its machine's clock is wrong. socks: the stub; "" for the real Tor."""

    name: str
    skew: float = 0.0
    socks: str = ""
    sabotage: str = ""
    lease: float = 0.0
    """Seconds in place of the product's own lease; 0 leaves it."""
    reads: bool = True
    """Is what was crawled read and scored?"""

    def write(self) -> str:
        return json.dumps(asdict(self))


def read_options(text: str) -> Options:
    return Options(**json.loads(text))


def find_command(*words: str) -> list[str]:
    return [sys.executable, "-P", __file__, *words]


# --- the machine ---------------------------------------------------------------------------------------------------------


def hold_machine() -> int:
    """Start a worker for each line on standard input; reap whatever dies; end with the standard input, and all with it."""
    from lab.processes import adopt_orphans

    adopt_orphans()  # in a namespace of its own process 1 has them anyway
    print("up", flush=True)
    while True:
        ready, _, _ = select.select([sys.stdin], [], [], 0.2)
        if ready:
            line = sys.stdin.readline()
            if not line:
                return 0
            start_worker(json.loads(line))
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            continue


def start_worker(order: dict[str, str]) -> None:
    with open(order["log"], "ab") as log:  # noqa: PTH123 - once a start
        process = subprocess.Popen(
            find_command("worker", order["options"]),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=order["data"],
            start_new_session=True,
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONUTF8": "1", "PYTHONWARNINGS": "default"},
        )
    assert process.stdin is not None
    try:
        process.stdin.write(order["places"].encode() + b"\n")
        process.stdin.close()
    except BrokenPipeError:
        pass  # it was killed already
    process.returncode = 0  # hold_machine reaps it


# --- the worker ----------------------------------------------------------------------------------------------------------


def skewed(seconds: float) -> Callable[[], datetime]:
    return lambda: datetime.now(UTC) + timedelta(seconds=seconds)


def run_member(options: Options) -> int:
    """The product's worker."""
    import jobs.crawling
    import jobs.worker
    from jobs.logs import open_log
    from jobs.places import load_places

    places = load_places(sys.stdin.readline())
    jobs.crawling.COMMAND = (*find_command(options.write()), "crawler")
    if options.socks:
        play_tor(options.socks)
    change_worker(options)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    open_log(places.log_level)
    jobs.worker.run_worker(places, name=options.name, stop=stop, clock=skewed(options.skew))
    return 0


def play_tor(socks: str) -> None:
    """Put the stub in the place of the worker's Tor: sockets are watched all the same, only Tor is not asked."""
    import jobs.worker
    from jobs.canary import Canary

    class Stub:
        def __init__(self, places: object, *, stop: threading.Event) -> None:
            self.words = f"ready on {socks}"
            self.canary = Canary(None)

        def open(self, report: object) -> str:
            return socks

        def look(self) -> None:
            return None

        def close(self) -> None:
            self.canary.close()

    jobs.worker.Gateway = Stub  # type: ignore[misc, assignment]


def change_worker(options: Options) -> None:
    """What a sabotage takes out of the worker; and the lease of a drill that has little time."""
    import jobs.flow
    import jobs.recovery
    import jobs.watching
    import jobs.worker

    if not options.reads:
        jobs.flow.run_after = lambda *_, **__: ""
    if options.sabotage == "twice":
        jobs.recovery.is_gone = lambda *_, **__: True
    if options.sabotage == "deaf":
        jobs.worker.recover_runs = lambda *_, **__: []
    if options.lease:
        # The defaults of a constructor were read long ago.
        jobs.watching.Watching.__init__.__kwdefaults__["lease_seconds"] = options.lease


# --- the crawl -----------------------------------------------------------------------------------------------------------


def jobs_lease() -> float:
    from jobs.watching import LEASE_SECONDS

    return LEASE_SECONDS


def run_crawler(options: Options, run_id: str) -> int:
    """The product's crawl process."""
    import crawler.leash

    if options.sabotage in ("fence", "twice"):
        import storage.engine

        storage.engine.is_fenced = lambda engine: False
        crawler.leash.Leash.check = lambda leash: None
        crawler.leash.WORKER_SECONDS = 1e9
        os.getppid = lambda: 1
    if options.lease:
        short = options.lease / jobs_lease()
        crawler.leash.SLACK_SECONDS *= short
        crawler.leash.WORKER_SECONDS *= short
    import crawler.__main__ as crawl

    crawl._now = skewed(options.skew)
    return crawl.main([run_id])


def main(words: list[str]) -> int:
    match words:
        case ["machine"]:
            return hold_machine()
        case ["worker", options]:
            return run_member(read_options(options))
        case [options, "crawler", run_id]:
            return run_crawler(read_options(options), run_id)
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
