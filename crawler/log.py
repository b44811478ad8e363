"""The log of one crawl: JSON lines in <data>/runs/<run>.log, with secrets taken out on the way.

Public names: open_log, redact.

What never reaches the file: cookies, passwords, isolation names, private keys, session ids. Onions are defanged.
"""

from __future__ import annotations

import logging
import re
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

_SECRET_KEYS = re.compile(
    r"passw|cookie|authori[sz]ation|credential|secret|private|isolation|socks_user|session", re.I
)
_HIDDEN = "[redacted]"
_PATTERNS = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----.*?(-----END [A-Z ]*-----|\Z)", re.DOTALL), _HIDDEN),
    (re.compile(r"\b(ED25519-V3|x25519|descriptor:x25519):[A-Za-z0-9+/=:]+"), rf"\1:{_HIDDEN}"),
    (re.compile(r"\b((?:set-)?cookie|(?:proxy-)?authorization)(['\"]?\s*[:=]\s*)[^\r\n]+", re.IGNORECASE), rf"\1\2{_HIDDEN}"),
    (re.compile(r"\b(pass(?:word|wd|phrase)?|secret)(['\"]?\s*[:=]\s*)\S+", re.IGNORECASE), rf"\1\2{_HIDDEN}"),
    (re.compile(r"([?&;](?:phpsessid|jsessionid|sid|session_?id|token)=)[^&\s'\"]+", re.IGNORECASE), rf"\1{_HIDDEN}"),
    (re.compile(r"://[^/\s:@]+:[^/\s@]+@"), f"://{_HIDDEN}@"),
    (re.compile(r"\b([a-z2-7]{56})\.onion\b"), r"\1[.]onion"),
)  # fmt: skip
_MAX_TEXT = 20_000


def _clean(value: Any, depth: int = 0) -> Any:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        value = value[:_MAX_TEXT]
        for pattern, instead in _PATTERNS:
            value = pattern.sub(instead, value)
        return value
    if depth > 5:
        return "..."
    if isinstance(value, dict):
        return {
            str(key): _HIDDEN if _SECRET_KEYS.search(str(key)) else _clean(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean(item, depth + 1) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _clean(str(value), depth + 1)


def redact(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: the event without secrets, whatever field or text they stand in."""
    cleaned: dict[str, Any] = _clean(dict(event))
    return cleaned


def open_log(path: Path) -> None:
    """Send all logging of this process, ours and that of the libraries, to `path` as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setLevel(
        logging.INFO
    )  # on the handler: Scrapy sets its own loggers to DEBUG, a line for each request
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                structlog.processors.JSONRenderer(sort_keys=True),
            ],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    # A line that cannot be written (the disk is full) is no reason for a traceback before the person who waits.
    logging.raiseExceptions = False
    structlog.configure(
        processors=[
            structlog.stdlib.add_logger_name,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
