"""Scrapy's settings for every crawl, each with its why, and what a crawl process reads from its environment.

Public names: the settings in capitals, site_settings, Environment, read_environment.

Nothing is read at import time. The default of each setting below is either a leak (tor.md §1), a trace of the tool, or a
load on the site.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crawler.errors import CrawlError
from crawler.sites import SiteConfig
from crawler.socks import read_socks_address

BOT_NAME = "tuskwatch"
SPIDER_MODULES = ["crawler.spider"]

# --- One way out -----------------------------------------------------------------------------------------------------
# Every scheme but http is gone: ftp, s3, file and data would open sockets or files by themselves, and an onion needs no
# https (its address is its key).
DOWNLOAD_HANDLERS = {
    "http": "crawler.transport.OnionHandler",
    "https": None,
    "ftp": None,
    "s3": None,
    "file": None,
    "data": None,
}
# Scrapy makes no name look-up for us; should any code try, it fails instead of asking the machine's resolver.
TWISTED_DNS_RESOLVER = "crawler.resolver.NoResolver"
DNSCACHE_ENABLED = False
# The handler speaks Twisted; asyncio is Scrapy's default loop and the one the spider's start() runs on.
TWISTED_REACTOR = "twisted.internet.asyncioreactor.AsyncioSelectorReactor"
# Tor's port; empty here, so that a crawl started without it (scrapy shell, scrapy crawl) fetches nothing at all.
TUSKWATCH_SOCKS = ""

# --- Nobody may come in ----------------------------------------------------------------------------------------------
# On by default since Scrapy 2.19: runs code for whoever reaches a port on loopback.
REMOTE_CONTROL_ENABLED = False
# The same, over telnet.
TELNETCONSOLE_ENABLED = False
# With the two above off nothing of this list is needed: run rows, logs and bounds are ours.
EXTENSIONS_BASE: dict[str, Any] = {}
ADDONS: dict[Any, int] = {}

# --- The request is ours, byte by byte -------------------------------------------------------------------------------
# All of Scrapy's downloader middlewares are off, by name of the harm: offsite and robotstxt (fetch or drop what the plan
# did not say), httpauth, defaultheaders and useragent (give the tool away), retry (would hammer a site in trouble; our
# frontier retries), metarefresh and redirect (would follow to other hosts unseen), httpcompression (would alter the
# evidence), cookies (looks up public suffixes on the net), httpproxy (reads http_proxy from the environment), httpcache.
DOWNLOADER_MIDDLEWARES_BASE: dict[str, int] = {}
DOWNLOADER_MIDDLEWARES = {
    "crawler.cookies.OnionCookies": 700,
    # The innermost: sees each response before anything else does, and stores it.
    "crawler.pages.PageStore": 999,
}
# Referer is set by us, from the page where the link stood; depth and length are bounded where links are read.
SPIDER_MIDDLEWARES_BASE: dict[str, int] = {}
COOKIES_ENABLED = False  # Scrapy's; ours is the middleware above
ROBOTSTXT_OBEY = False  # asking for /robots.txt is what no visitor with Tor Browser does
USER_AGENT = ""  # never used: crawler.headers writes the whole header

# --- Bounds ----------------------------------------------------------------------------------------------------------
# Scrapy's default is 1 GiB. No market page comes near 4 MiB; the unpacked page is bounded where it is read.
DOWNLOAD_MAXSIZE = 4 * 1024 * 1024
DOWNLOAD_WARNSIZE = 0
MAX_PLAIN_SIZE = 16 * 1024 * 1024
"""Bytes of a page after its Content-Encoding is undone."""
DOWNLOAD_TIMEOUT = 60  # seconds for the whole exchange; a site file may say otherwise
REACTOR_THREADPOOL_MAXSIZE = 2  # nothing should need a thread

# --- Pace ------------------------------------------------------------------------------------------------------------
# The spider keeps the pace itself, so that pausing never waits for a queue inside Scrapy.
DOWNLOAD_DELAY = 0
CONCURRENT_REQUESTS = 1
CONCURRENT_REQUESTS_PER_DOMAIN = 1
CONCURRENT_ITEMS = (
    1  # Scrapy makes that many tasks for each response, and the spider yields at most one request
)

# --- What must survive is in SQL -------------------------------------------------------------------------------------
JOBDIR = None  # survives clean stops only; the frontier table survives all
DUPEFILTER_CLASS = "scrapy.dupefilters.BaseDupeFilter"  # the frontier's unique key does it
HTTPERROR_ALLOW_ALL = True  # an error page is evidence too

# --- Quiet -----------------------------------------------------------------------------------------------------------
LOG_INSTALL_ROOT_HANDLER = False
LOG_ENABLED = False  # crawler.log takes all records, with secrets taken out
STATS_DUMP = False
LOG_VERSIONS: list[str] = []
WARN_ON_GENERATOR_RETURN_VALUE = False


def site_settings(config: SiteConfig, *, socks: str) -> dict[str, Any]:
    """All of the above as one dictionary, with what one site says on top. `socks` is checked here."""
    read_socks_address(socks)
    settings = {name: value for name, value in globals().items() if name.isupper()}
    settings |= {
        "TUSKWATCH_SOCKS": socks,
        "DOWNLOAD_TIMEOUT": config.timeout,
        "CONCURRENT_REQUESTS": config.pace.in_flight,
        "CONCURRENT_REQUESTS_PER_DOMAIN": config.pace.in_flight,
    }
    return settings


@dataclass(frozen=True)
class Environment:
    """What one crawl process is told from outside."""

    data: Path
    database_url: str = field(repr=False)
    socks: str
    key_file: Path | None = None
    """The age key that unseals sessions; it lies outside the data folder."""


def read_environment(environ: Mapping[str, str]) -> Environment:
    """From TUSKWATCH_DATA, _DATABASE_URL, _SOCKS and _KEY_FILE; CrawlError says which one is missing."""
    data = environ.get("TUSKWATCH_DATA", "")
    socks = environ.get("TUSKWATCH_SOCKS", "")
    if not data:
        raise CrawlError(
            "TUSKWATCH_DATA is not set: it names the data folder. Use `tuskwatch crawl`, which sets it."
        )
    if not socks:
        raise CrawlError(
            "TUSKWATCH_SOCKS is not set: it names Tor's SOCKS port (127.0.0.1:9050), and without it nothing is fetched."
        )
    try:
        read_socks_address(socks)
    except ValueError as exc:
        raise CrawlError(str(exc)) from exc
    folder = Path(data)
    url = environ.get("TUSKWATCH_DATABASE_URL", "") or f"sqlite:///{folder.resolve() / 'tuskwatch.db'}"
    key_file = environ.get("TUSKWATCH_KEY_FILE", "")
    return Environment(
        data=folder, database_url=url, socks=socks, key_file=Path(key_file) if key_file else None
    )
