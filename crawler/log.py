"""The log of one crawl: JSON lines in <data>/runs/<run>.log, with secrets taken out on the way.

Public names: open_log, redact.

What never reaches the file is said in redact.py.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import structlog

from crawler.redact import redact

__all__ = ["open_log", "redact"]


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
