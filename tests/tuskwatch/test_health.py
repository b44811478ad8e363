"""What doctor finds: one thing wrong at a time."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tuskwatch.finding import Finding
from tuskwatch.health import check_clock, check_data, check_database, check_model, check_tor
from tuskwatch.places import MODELS, open_places


@contextmanager
def answering(reply: bytes) -> Iterator[int]:
    """A port that answers one connection with these bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def only(findings: Iterator[Finding], subject: str) -> Finding:
    (found,) = [finding for finding in findings if finding.subject == subject]
    return found


@pytest.mark.parametrize(
    ("reply", "level", "text"),
    [
        (b'250-PROTOCOLINFO 1\r\n250-VERSION Tor="0.4.9.11"\r\n250 OK\r\n', "ok", "version 0.4.9.11"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "fail", "is no Tor control port"),
    ],
)
def test_a_control_port_is_asked_what_it_is(tuskwatch: Any, reply: bytes, level: str, text: str) -> None:
    with answering(reply) as port:
        found = only(check_tor(replace(open_places(tuskwatch.data), tor_control_port=port)), "tor")
    assert (found.level, text in found.text) == (level, True)


def test_a_lab_that_is_gone_is_named(tuskwatch: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    (tuskwatch.data / "tor.yml").write_text(f"control_port: {port}\nlab: true\n")
    found = only(check_tor(open_places(tuskwatch.data)), "tor")
    assert (found.level, found.remedy) == ("fail", "tuskwatch lab up")


@pytest.mark.parametrize(
    ("said", "level"), [("Tor version 0.4.9.11.", "ok"), ("Tor version 0.3.5.1.", "warn"), ("a cat", "fail")]
)
def test_the_program_is_asked_for_its_version(tuskwatch: Any, tmp_path: Path, said: str, level: str) -> None:
    program = tmp_path / "tor"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o700)
    found = only(check_tor(replace(open_places(tuskwatch.data), tor_binary=str(program))), "tor")
    assert found.level == level


def test_an_altered_audit_log_is_found(tuskwatch: Any) -> None:
    import sqlite3
    from contextlib import closing

    assert tuskwatch("user", "add", "ana", "--one-time").exit_code == 0
    with closing(sqlite3.connect(tuskwatch.data / "tuskwatch.db")) as database:
        triggers = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
        )
        for (name,) in triggers.fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("UPDATE audit SET actor = 'somebody else'")
        database.commit()
    found = only(check_database(open_places(tuskwatch.data)), "audit log")
    assert (found.level, "was changed" in found.text) == ("fail", True)


def test_an_altered_model_is_found(tuskwatch: Any, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(MODELS, models)
    (model,) = [
        path for path in models.rglob("model.skops") if path.parent.name in (models / "CURRENT").read_text()
    ]
    model.write_bytes(model.read_bytes() + b"x")
    found = only(check_model(replace(open_places(tuskwatch.data), models=models)), "model")
    assert (found.level, found.remedy.startswith("tuskwatch train")) == ("fail", True)


def test_a_clock_that_went_back_is_found(tuskwatch: Any) -> None:
    import os
    import time

    later = time.time() + 3600
    os.utime(tuskwatch.data / "tuskwatch.db", (later, later))
    assert only(check_clock(open_places(tuskwatch.data)), "clock").level == "warn"


def test_little_space_is_said(tuskwatch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))  # type: ignore[attr-defined]
    assert only(check_data(open_places(tuskwatch.data)), "disk").level == "fail"


def test_findings_in_json_have_all_fields(tuskwatch: Any) -> None:
    findings = json.loads(tuskwatch("doctor", "--json").stdout)
    assert all(set(finding) == {"subject", "level", "text", "remedy"} for finding in findings)
