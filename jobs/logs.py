"""What a worker and the screens say of their work: one line each on stderr, with secrets taken out on the way.

Public names: open_log.
"""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.types import Processor

from crawler.log import redact


def open_log(level: str, *, form: str = "text") -> None:
    """Begin to log: form "text" for people, "json" for a collector. On stderr, because stdout belongs to results."""
    shape: Processor = (
        structlog.processors.JSONRenderer(sort_keys=True)
        if form == "json"
        else structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,  # after all that could add a word
            shape,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
