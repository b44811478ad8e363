"""`tuskwatch serve` as a person starts it: an address, a one-time password for a demo, a worker, a clean end."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.request import urlopen

from jobs.presence import find_workers
from tuskwatch.demo import DEMO_USER, add_demo_user
from tuskwatch.places import open_places


@contextmanager
def serving(data: Any, *arguments: str) -> Iterator[tuple[str, list[str]]]:
    """The address, and what was said on stderr before it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tuskwatch", "--data", str(data), "serve", "--port", "0", *arguments],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    with process.stderr:
        said: list[str] = []
        for line in process.stderr:
            said.append(line)
            if found := re.search(r"Open (http://127\.0\.0\.1:\d+/)", line):
                break
        else:
            raise AssertionError(f"it ended: {said}")
        try:
            yield found.group(1), said
        finally:
            process.send_signal(signal.SIGINT)
            process.stderr.read()
            process.wait(60)


def test_it_serves_with_a_worker_and_leaves_none(tuskwatch: Any) -> None:
    places = open_places(tuskwatch.data)
    with serving(tuskwatch.data) as (address, said):
        with urlopen(f"{address}health") as answer:
            assert answer.read() == b"ok"
        assert len(find_workers(places)) == 1
        assert any("Nobody may sign in yet" in line for line in said)
    assert find_workers(places) == []


def test_a_demo_gets_a_fresh_one_time_password_at_each_start(tuskwatch: Any) -> None:
    add_demo_user(open_places(tuskwatch.data), now=datetime.now(UTC))
    passwords = []
    for _ in range(2):
        with serving(tuskwatch.data, "--no-worker") as (_address, said):
            (password,) = re.findall(
                rf"Sign in as {DEMO_USER} with the one-time password (\S+)", "".join(said)
            )
            passwords.append(password)
    assert passwords[0] != passwords[1]
    stored = b"".join(path.read_bytes() for path in tuskwatch.data.rglob("*") if path.is_file())
    assert not any(password.encode() in stored for password in passwords)


def test_a_taken_port_gets_a_sentence(tuskwatch: Any) -> None:
    with serving(tuskwatch.data, "--no-worker") as (address, _said):
        port = address.rstrip("/").rpartition(":")[2]
        result = tuskwatch("serve", "--no-worker", "--port", port)
    assert result.exit_code == 1
    assert f"Port {port} cannot be used" in result.stderr
