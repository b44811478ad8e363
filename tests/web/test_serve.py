"""The server itself, as a process of its own."""

from __future__ import annotations

import http.client
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from storage.errors import SchemaError
from web.app import WebSettings, make_app

PROGRAM = """
import sys
from pathlib import Path
from jobs.places import Places
from web.app import WebSettings, serve
data = Path(sys.argv[1])
places = Places(data=data, database_url=f"sqlite:///{data}/tuskwatch.db", engine_url=f"sqlite:///{data}/engine.db", models=data)
serve(WebSettings(places=places), port=0, ready=lambda address: print(address, flush=True))
"""


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_it_listens_on_loopback_only_and_ends_in_order(
    seeded: Any, repository: Path, told: signal.Signals
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(seeded.places.data)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=repository,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/", address)
        assert found is not None, address
        port = int(found[1])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/health")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"ok")
        assert answer.getheader("server") is None
        connection.close()
        listening = [
            line.split()[1]
            for name in ("tcp", "tcp6")
            for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
            if line.split()[3] == "0A" and int(line.split()[1].split(":")[1], 16) == port
        ]
        assert listening == [f"0100007F:{port:04X}"]
        process.send_signal(told)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_database_without_tables_is_named_at_the_start(tmp_path: Path, seed: Any) -> None:
    places = seed.make_places(tmp_path)
    with pytest.raises(SchemaError, match="tuskwatch init"):
        make_app(WebSettings(places=places))
