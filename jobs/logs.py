"""What a worker and the screens say of their work: one line each on stderr, with secrets taken out on the way.

Public names: open_log.

The libraries beneath (the engine, the web server, warnings) write through the same step: a traceback of theirs may hold
the address of a database with its password.
"""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.types import Processor

from crawler.redact import redact

_NAME = "tuskwatch"
_PLAIN = "__dbos_console_log_handler__"


def open_log(level: str, *, form: str = "text") -> None:
    """Begin to log: form "text" for people, "json" for a collector. On stderr, because stdout belongs to results."""
    shape: Processor = (
        structlog.processors.JSONRenderer(sort_keys=True)
        if form == "json"
        else structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])
    )
    steps: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*steps, redact, shape],  # redact after all that could add a word
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    _open_library_log(steps, shape)


def _open_library_log(steps: list[Processor], shape: Processor) -> None:
    """Records of the standard library's logging in the same form; they matter from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.set_name(_NAME)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *steps],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, shape],
        )
    )
    # The engine's logger passes nothing on to the root, and makes itself a plain handler when it finds none.
    for logger in (logging.getLogger(), logging.getLogger("dbos")):
        for old in [each for each in logger.handlers if each.get_name() in (_NAME, _PLAIN)]:
            logger.removeHandler(old)
        logger.addHandler(handler)
    logging.getLogger("dbos").propagate = False
    logging.captureWarnings(True)
