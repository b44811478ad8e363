"""aiohttp, links by lxml, nothing stored: `aio.py URL SOCKS IN_FLIGHT`."""

from __future__ import annotations

import asyncio
import json
import sys
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp_socks import ProxyConnector
from lxml import html

URL, SOCKS, IN_FLIGHT = sys.argv[1], sys.argv[2], int(sys.argv[3])


async def main() -> int:
    seen, pages = {URL}, 0
    host = urlsplit(URL).hostname
    queue: asyncio.Queue[str] = asyncio.Queue()
    queue.put_nowait(URL)
    connector = ProxyConnector.from_url(f"socks5://bench:bench@{SOCKS}", rdns=True, limit=IN_FLIGHT)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def work() -> None:
            nonlocal pages
            while True:
                url = await queue.get()
                async with session.get(url) as response:
                    body = await response.read()
                pages += 1
                for link in html.fromstring(body).xpath("//a/@href"):
                    target = urljoin(url, link)
                    if target not in seen and urlsplit(target).hostname == host:
                        seen.add(target)
                        queue.put_nowait(target)
                queue.task_done()

        workers = [asyncio.create_task(work()) for _ in range(IN_FLIGHT)]
        await queue.join()
        for worker in workers:
            worker.cancel()
    return pages


print(json.dumps({"pages": asyncio.run(main())}))
