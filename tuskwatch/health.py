"""What `tuskwatch doctor` looks at: one function a subject, each gives findings and never raises for what it finds.

Public names: CHECKS. Those of the fleet are in fleethealth.py, of disks and pins in spacehealth.py.
"""

from __future__ import annotations

import ctypes.util
import os
import re
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from jobs.places import Places, read_tor_file
from tuskwatch.finding import Finding
from tuskwatch.fleethealth import FLEET_CHECKS
from tuskwatch.output import explain_error
from tuskwatch.spacehealth import SPACE_CHECKS

LEAST_TOR = (0, 4, 8)
LEAST_DISK = 1 << 30
GOOD_DISK = 10 << 30
RELEASED = datetime(2026, 11, 1, tzinfo=UTC)
"""No clock that is right shows a time before this version was written."""


def _explained(subject: str, error: BaseException, remedy: str) -> Finding:
    return Finding(subject, "fail", explain_error(error) or f"{type(error).__name__}: {error}", remedy)


def check_data(places: Places) -> Iterator[Finding]:
    data = places.data
    if not data.is_dir():
        yield Finding("data folder", "fail", f"{data} does not exist", "tuskwatch init")
        return
    mode = stat.S_IMODE(data.stat().st_mode)
    if mode & 0o077:
        yield Finding(
            "data folder", "warn", f"{data} can be opened by others (mode {mode:o})", f"chmod 700 {data}"
        )
    else:
        yield Finding("data folder", "ok", f"{data}, mode {mode:o}")
    free = shutil.disk_usage(data).free
    level = "ok" if free > GOOD_DISK else "warn" if free > LEAST_DISK else "fail"
    remedy = "" if level == "ok" else "Free some space, or move the data folder: pages are kept for ever."
    yield Finding("disk", level, f"{free / (1 << 30):,.1f} GiB free", remedy)


def check_database(places: Places) -> Iterator[Finding]:
    from sqlalchemy.exc import SQLAlchemyError

    from storage import audit
    from storage.engine import check_schema, open_engine, reading
    from storage.errors import StorageError

    url = places.database_url
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        yield Finding("database", "fail", "there is none yet", "tuskwatch init")
        return
    engine = open_engine(url)
    try:
        check_schema(engine)
        yield Finding("database", "ok", f"{engine.dialect.name}, schema as this version needs it")
        with reading(engine) as session:
            problems = audit.verify(session)
        if problems:
            remedy = "Somebody changed the log outside of Tuskwatch. Compare it with a backup."
            yield Finding("audit log", "fail", problems[0], remedy)
        else:
            yield Finding("audit log", "ok", "the chain is whole")
    except (StorageError, SQLAlchemyError, ImportError) as exc:
        yield _explained("database", exc, "tuskwatch init; for PostgreSQL look whether the server runs.")
    finally:
        engine.dispose()


def check_queue(places: Places) -> Iterator[Finding]:
    from jobs.errors import JobError
    from jobs.presence import find_workers
    from jobs.schedules import find_schedules

    if not places.data.is_dir():
        return
    now = datetime.now(UTC)
    try:
        schedules = [schedule for schedule in find_schedules(places, now=now) if not schedule.paused]
    except JobError as exc:
        yield _explained("queue", exc, "tuskwatch init")
        return
    yield Finding("queue", "ok", f"{len(schedules)} active schedules")
    workers = find_workers(places)
    if workers:
        for worker in workers:
            silent = (now - datetime.fromisoformat(worker.beat)).total_seconds()
            level, remedy = (
                ("ok", "") if silent < 60 else ("warn", f"It hangs: kill {worker.pid}, then start it again.")
            )
            yield Finding(
                "worker", level, f"{worker.name}: seen {silent:.0f} s ago, Tor {worker.tor}", remedy
            )
    elif schedules:
        yield Finding(
            "worker", "warn", "none runs, so no schedule fires", "tuskwatch worker, or tuskwatch serve"
        )
    else:
        yield Finding("worker", "ok", "none runs; a crawl starts one")


def check_tor(places: Places) -> Iterator[Finding]:
    from jobs.errors import JobError

    try:
        named = read_tor_file(places.data)
    except JobError as exc:
        yield _explained("tor", exc, "Correct the file, or remove it.")
        return
    port = places.tor_control_port or (named.control_port if named else None)
    if port is not None:
        yield _ask_port(port, lab=bool(named and named.lab))
        return
    program = shutil.which(places.tor_binary)
    if program is None:
        remedy = "apt-get install tor, or set TUSKWATCH_TOR_BINARY or TUSKWATCH_TOR_CONTROL_PORT."
        yield Finding("tor", "fail", f"there is no program {places.tor_binary}", remedy)
        return
    try:
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=20, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as exc:
        yield Finding(
            "tor", "fail", f"{program} does not run: {exc}", "Install it again: apt-get install tor"
        )
        return
    found = re.search(r"(\d+)\.(\d+)\.(\d+)(?:\.(\d+))?", said)
    if found is None:
        yield Finding("tor", "fail", f"{program} does not say its version", "Is it the Tor program?")
    elif tuple(map(int, found.groups()[:3])) < LEAST_TOR:
        yield Finding(
            "tor", "warn", f"{program} is version {found.group()}, which is old", "apt-get upgrade tor"
        )
    else:
        yield Finding(
            "tor", "ok", f"{program}, version {found.group()}; a worker starts it when it is needed"
        )


def _ask_port(port: int, *, lab: bool) -> Finding:
    import socket

    what = "the lab's Tor" if lab else "Tor"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"PROTOCOLINFO 1\r\n")
            answer = connection.recv(4096).decode("ascii", "replace")
    except OSError as exc:
        remedy = (
            "tuskwatch lab up"
            if lab
            else "Start that Tor, or remove tor.yml and the TUSKWATCH_TOR_ settings."
        )
        return Finding(
            "tor", "fail", f"{what} does not answer on control port {port} ({exc.strerror or exc})", remedy
        )
    version = re.search(r'VERSION Tor="([^"]{1,60})"', answer)
    if version is None:
        return Finding(
            "tor", "fail", f"what answers on port {port} is no Tor control port", "Correct the port."
        )
    return Finding("tor", "ok", f"{what} answers on control port {port}, version {version.group(1)}")


def check_deny_list(places: Places) -> Iterator[Finding]:
    from crawler.denyfile import DenyError, open_deny_list

    if not places.data.is_dir():
        return
    try:
        deny = open_deny_list(places.data).current()
    except DenyError as exc:
        yield _explained("deny list", exc, "Until then nothing is fetched.")
        return
    if len(deny):
        yield Finding("deny list", "ok", f"{len(deny)} rules")
    else:
        yield Finding("deny list", "ok", "empty: every page is kept")


def check_canary(places: Places) -> Iterator[Finding]:
    """Can the kernel be asked what the canary asks during each crawl?"""
    from crawler.errors import CrawlError
    from crawler.sockets import find_group, read_sockets
    from crawler.unixsockets import read_unix_sockets

    try:
        read_unix_sockets()
        count = len(read_sockets(find_group(os.getpid())))
    except (CrawlError, OSError) as exc:
        yield _explained(
            "canary", exc, "It must be able to read /proc and the kernel's list of local sockets."
        )
        return
    yield Finding("canary", "ok", f"sockets can be read ({count} of this process)")


def check_model(places: Places) -> Iterator[Finding]:
    from classifier.model import ModelError, load_model
    from classifier.score import TextRow, score_texts

    try:
        model = load_model(places.models, recall=places.recall)
        # Loading proves the file, scoring proves that this version's features are those it was trained with.
        score_texts(model, [TextRow(0, "A carved thing", "Words to be scored.")])
    except (ModelError, OSError, ValueError) as exc:
        yield _explained("model", exc, "tuskwatch train, or take the models folder of a release.")
    else:
        yield Finding("model", "ok", f"{model.version}, its hash is right and it scores")


def check_clock(places: Places) -> Iterator[Finding]:
    now = datetime.now(UTC)
    remedy = "Set the clock (timedatectl set-ntp true): Tor and the times of the evidence depend on it."
    if now < RELEASED:
        yield Finding("clock", "fail", f"it shows {now:%Y-%m-%d}, before this version was written", remedy)
        return
    newest = places.data / "tuskwatch.db"
    if newest.exists() and newest.stat().st_mtime > time.time() + 120:
        yield Finding("clock", "warn", "the database was changed in the future, the clock went back", remedy)
        return
    yield Finding("clock", "ok", f"{now:%Y-%m-%d %H:%M:%S} UTC")


def check_paper(places: Places) -> Iterator[Finding]:
    packages = {
        "pango-1.0": "libpango-1.0-0",
        "pangoft2-1.0": "libpangoft2-1.0-0",
        "harfbuzz-subset": "libharfbuzz-subset0",
    }
    missing = [package for library, package in packages.items() if ctypes.util.find_library(library) is None]
    if missing:
        yield Finding("PDF", "fail", "libraries are missing", f"apt-get install {' '.join(missing)}")
        return
    fonts = Path("/usr/share/fonts")
    if not any(fonts.rglob("DejaVuSans*.ttf")):
        yield Finding("PDF", "warn", "the DejaVu fonts are missing", "apt-get install fonts-dejavu-core")
    elif not any(fonts.rglob("NotoSansCJK*")):
        remedy = "apt-get install fonts-noto-cjk"
        yield Finding("PDF", "warn", "no font for Chinese and Japanese: such titles show as boxes", remedy)
    else:
        yield Finding("PDF", "ok", "pango and fonts are there")


CHECKS: tuple[Callable[[Places], Iterator[Finding]], ...] = (
    check_data,
    check_database,
    check_queue,
    check_tor,
    check_canary,
    check_deny_list,
    check_model,
    check_clock,
    check_paper,
    *FLEET_CHECKS,
    *SPACE_CHECKS,
)
