"""Runs one crawl with every socket and every name look-up watched from inside; `opened` variants make it leak.

Called as: watched.py REPORT PORT VARIANT RUN. Each contact with anything but 127.0.0.1:PORT becomes a line of REPORT
and fails. VARIANT is `closed` (the product as it is) or one of the ways to open it, which prove that the watch sees.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from typing import Any

report, port, variant, run = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
report.write_text("")
# A list of public suffixes that an earlier run left on the disk would hide the look-up of the variant `cookies`.
os.environ["TLDEXTRACT_CACHE"] = str(report.parent / "suffixes")


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    told = ""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"):
        if arguments[1] != ("127.0.0.1", port):
            told = repr(arguments[1])
    elif event in (
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.gethostbyaddr",
        "socket.getnameinfo",
    ) or event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"):
        told = repr(arguments[0])
    if told:
        with report.open("a") as lines:
            lines.write(f"{event} {told}\n")
        raise PermissionError(f"the watch saw {event} {told}")


def _open_stock_handler() -> None:
    import scrapy.utils.ssl  # noqa: F401 - else there is no OpenSSL, and the stock handler cannot even be loaded

    import crawler.settings

    handlers: Any = {"http": "scrapy.core.downloader.handlers.http11.HTTP11DownloadHandler"}
    crawler.settings.DOWNLOAD_HANDLERS = handlers
    crawler.settings.TWISTED_DNS_RESOLVER = "scrapy.resolver.CachingThreadedResolver"


def _open_direct() -> None:
    """The endpoint goes straight to a neighbouring port, as a fallback would."""
    from twisted.internet.endpoints import TCP4ClientEndpoint

    from crawler.socks import SocksEndpoint

    def connect(self: Any, factory: Any) -> Any:
        return TCP4ClientEndpoint(self._reactor, "127.0.0.1", port ^ 1, timeout=2).connect(factory)

    SocksEndpoint.connect = connect  # type: ignore[method-assign]


def _open_cookies() -> None:
    import crawler.settings

    crawler.settings.COOKIES_ENABLED = True
    middlewares: Any = {
        "scrapy.downloadermiddlewares.cookies.CookiesMiddleware": 700,
        "crawler.pages.PageStore": 999,
    }
    crawler.settings.DOWNLOADER_MIDDLEWARES = middlewares


def _open_remote_control() -> None:
    import crawler.settings

    crawler.settings.EXTENSIONS_BASE = {"scrapy.extensions.telnet.TelnetConsole": 0}
    crawler.settings.TELNETCONSOLE_ENABLED = True


sys.argv = ["crawler", run]
{
    "closed": lambda: None,
    "stock-handler": _open_stock_handler,
    "direct": _open_direct,
    "cookies": _open_cookies,
    "telnet": _open_remote_control,
}[variant]()
sys.addaudithook(_watch)
runpy.run_module("crawler", run_name="__main__")
