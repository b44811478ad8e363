"""No secret reaches the log, in whatever field or text it stands."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import structlog

from crawler.log import open_log, redact

KEY = "-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQdGBF\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----"


@pytest.mark.parametrize(
    ("event", "secret"),
    [
        ({"event": "Cookie: session=topsecret; b=2"}, "topsecret"),
        ({"event": "got {'Set-Cookie': 'session=topsecret'}"}, "topsecret"),
        ({"event": "x", "cookie": "topsecret"}, "topsecret"),
        ({"event": "x", "headers": [["Cookie", "a"], {"Authorization": "topsecret"}]}, "topsecret"),
        ({"event": "x", "password": b"topsecret"}, "topsecret"),
        ({"event": "x", "deep": {"socks_user": "topsecret"}}, "topsecret"),
        ({"event": "login with password=topsecret now"}, "topsecret"),
        ({"event": "postgresql://me:topsecret@db/x"}, "topsecret"),
        ({"event": "GET /p?sid=topsecret&x=1"}, "topsecret"),
        ({"event": f"a key: {KEY}"}, "lQdGBF"),
        ({"event": "ADD_ONION ED25519-V3:topsecret+/="}, "topsecret"),
    ],
)
def test_secrets_are_taken_out(event: dict[str, Any], secret: str) -> None:
    assert secret not in json.dumps(redact(None, "info", event))


def test_the_rest_stays(stub: ModuleType) -> None:
    onion = stub.make_onion("log")
    event = redact(
        None, "info", {"event": f"page of {onion}", "page": 7, "ok": True, "none": None, "share": 0.5}
    )
    assert event == {
        "event": f"page of {onion[:56]}[.]onion",
        "page": 7,
        "ok": True,
        "none": None,
        "share": 0.5,
    }


def test_depth_and_length_are_bounded() -> None:
    nested: Any = "x"
    for _ in range(50):
        nested = [nested]
    assert len(json.dumps(redact(None, "info", {"event": "y" * 1_000_000, "nested": nested}))) < 25_000


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    path = tmp_path / "runs" / "1.log"
    open_log(path)
    yield path
    for handler in root.handlers:
        handler.close()
    root.handlers, root.level = handlers, level
    logging.captureWarnings(False)
    structlog.reset_defaults()


def test_lines_of_ours_and_of_libraries_are_json(log: Path) -> None:
    structlog.get_logger("crawler").info("page", cookie="topsecret")
    logging.getLogger("twisted").error("Cookie: %s", "topsecret")
    try:
        raise ValueError("password=topsecret")
    except ValueError:
        logging.getLogger("scrapy").exception("failed")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["event"].split(":")[0] for line in lines] == ["page", "Cookie", "failed"]
    assert "ValueError" in lines[2]["exception"]
    assert "topsecret" not in log.read_text()
