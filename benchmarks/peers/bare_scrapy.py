"""Bare Scrapy with LinkExtractor over its own SOCKS-capable handler or over ours: `bare_scrapy.py URL SOCKS IN_FLIGHT [ours]`.

It follows the same links as Tuskwatch and stores nothing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import scrapy
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import HtmlResponse, Response
from scrapy.linkextractors import LinkExtractor

URL, SOCKS, IN_FLIGHT = sys.argv[1], sys.argv[2], int(sys.argv[3])
OURS = len(sys.argv) > 4
pages = 0


class Bare(scrapy.Spider):
    name = "bare"
    links = LinkExtractor()

    def ask(self, url: str) -> scrapy.Request:
        meta: dict[str, Any] = {}
        if OURS:
            from crawler.isolation import Isolation

            meta["isolation"] = Isolation("bench", "", "0" * 64)
        else:
            meta["proxy"] = f"socks5://bench:bench@{SOCKS}"
        return scrapy.Request(url, callback=self.parse, meta=meta)

    async def start(self) -> AsyncIterator[scrapy.Request]:
        yield self.ask(URL)

    def parse(self, response: Response, **kwargs: Any) -> Iterator[scrapy.Request]:
        global pages
        pages += 1
        if OURS:  # which keeps bytes as bytes
            response = HtmlResponse(
                response.url, body=response.body, encoding="utf-8", request=response.request
            )
        for link in self.links.extract_links(response):
            yield self.ask(link.url)


settings: dict[str, Any] = {
    "LOG_ENABLED": False,
    "CONCURRENT_REQUESTS": IN_FLIGHT,
    "CONCURRENT_REQUESTS_PER_DOMAIN": IN_FLIGHT,
    "COOKIES_ENABLED": False,
    "TELNETCONSOLE_ENABLED": False,
    "REMOTE_CONTROL_ENABLED": False,
    "ROBOTSTXT_OBEY": False,
    "DOWNLOAD_DELAY": 0,
    "DOWNLOADER_MIDDLEWARES_BASE": {},
}
if OURS:
    settings |= {
        "DOWNLOAD_HANDLERS": {"http": "crawler.transport.OnionHandler"},
        "TUSKWATCH_SOCKS": SOCKS,
        "TWISTED_DNS_RESOLVER": "crawler.resolver.NoResolver",
    }
else:
    settings |= {"DOWNLOAD_HANDLERS": {"http": "scrapy.core.downloader.handlers._httpx.HttpxDownloadHandler"}}
process = AsyncCrawlerProcess(settings)
process.crawl(Bare)
process.start()
print(json.dumps({"pages": pages}))
