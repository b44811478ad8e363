"""Runs one crawl whose endpoint was made to go straight to another loopback port: for the watch from outside.

Called as: opened.py PORT direct-to-NUMBER RUN.
"""

from __future__ import annotations

import runpy
import sys
from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint

target = int(sys.argv[2].rpartition("-")[2])


def main() -> None:
    from crawler.socks import SocksEndpoint

    def connect(self: Any, factory: Any) -> Any:
        return TCP4ClientEndpoint(self._reactor, "127.0.0.1", target, timeout=2).connect(factory)

    SocksEndpoint.connect = connect  # type: ignore[method-assign]
    sys.argv = ["crawler", sys.argv[3]]
    runpy.run_module("crawler", run_name="__main__")


main()
