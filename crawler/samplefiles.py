"""Samples as they lie on disk: <data>/sites/<site>/samples/<name>/ with page.html, page.json and expected.json.

Public names: Sample, load_samples, write_sample, SAMPLES.

page.json: kind, path, address (an invented one), status, time of receipt. expected.json: what should be read; written with
what is read now, to be corrected by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from crawler.errors import SiteError
from crawler.extract import READER_VERSION
from crawler.inspection import Stored

SAMPLES = "samples"
_MAX_FILE = 8_000_000


@dataclass(frozen=True)
class Sample:
    """One sample as it lies on disk. expected: {"kind", "language", "cards", "fields": {name: value}}."""

    name: str
    page: Stored
    expected: Mapping[str, Any]


def write_sample(folder: Path, sample: Sample) -> Path:
    """Write a sample into <site folder>/samples/<name>/; SiteError when there is one of that name already."""
    target = folder / SAMPLES / sample.name
    if target.exists():
        raise SiteError(
            f"{target} is there already, and may hold corrections of yours. Remove it, or save the page as another name."
        )
    target.mkdir(parents=True, mode=0o700)
    page = sample.page
    about = {
        "kind": page.kind,
        "path": page.path,
        "url": page.url,
        "status": page.status,
        "content_type": page.content_type,
        "received": page.received_at.isoformat(),
        "reader": READER_VERSION,
    }
    (target / "page.html").write_bytes(page.body)
    _write_json(target / "page.json", about)
    _write_json(target / "expected.json", sample.expected)
    return target


def load_samples(folder: Path) -> list[Sample]:
    """All samples of a site's folder by name. SiteError names file and fault."""
    return [_load(path) for path in sorted((folder / SAMPLES).glob("*/")) if not path.name.startswith(".")]


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _load(folder: Path) -> Sample:
    about, expected = _read_json(folder / "page.json"), _read_json(folder / "expected.json")
    path = folder / "page.html"
    try:
        body = path.read_bytes()
    except OSError as exc:
        raise SiteError(f"{path}: cannot be read ({exc.strerror}). A sample needs its page.") from exc
    try:
        received = datetime.fromisoformat(str(about["received"]))
        url = str(about.get("url") or f"http://invented.onion{about['path']}")
        status = int(about.get("status", 200))
    except (KeyError, ValueError, TypeError) as exc:
        raise SiteError(f"{folder / 'page.json'}: needs path, status and received (a time); {exc!s}") from exc
    if received.tzinfo is None:
        raise SiteError(f"{folder / 'page.json'}: received: needs its zone, for example +00:00")
    kind = about.get("kind")
    return Sample(
        folder.name,
        Stored(
            url=url,
            status=status,
            headers=(),
            content_type=str(about.get("content_type", "text/html; charset=utf-8")),
            body=body,
            received_at=received,
            kind=str(kind) if kind else None,
        ),
        expected,
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_FILE:
            raise SiteError(f"{path}: is far too large for what it should be")
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise SiteError(f"{path}: cannot be read ({exc.strerror}). A sample needs it.") from exc
    except json.JSONDecodeError as exc:
        raise SiteError(f"{path}, line {exc.lineno}: is no JSON: {exc.msg}") from exc
    except (UnicodeDecodeError, RecursionError) as exc:
        raise SiteError(f"{path}: is no readable JSON ({exc})") from exc
    if not isinstance(value, dict):
        raise SiteError(f"{path}, line 1: must be an object: {{...}}")
    return value
