"""requests in threads, links by lxml, nothing stored: `threads.py URL SOCKS IN_FLIGHT`."""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from urllib.parse import urljoin, urlsplit

import requests
from lxml import html

URL, SOCKS, IN_FLIGHT = sys.argv[1], sys.argv[2], int(sys.argv[3])
local = threading.local()


def fetch(url: str) -> list[str]:
    if not hasattr(local, "session"):
        local.session = requests.Session()
        local.session.trust_env = False
        proxy = f"socks5h://bench:bench@{SOCKS}"
        local.session.proxies = {"http": proxy}
    body = local.session.get(url, timeout=60).content
    return [urljoin(url, link) for link in html.fromstring(body).xpath("//a/@href")]


seen, pages = {URL}, 0
host = urlsplit(URL).hostname
with ThreadPoolExecutor(IN_FLIGHT) as pool:
    waiting: set[Future[list[str]]] = {pool.submit(fetch, URL)}
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            pages += 1
            for link in future.result():
                if link not in seen and urlsplit(link).hostname == host:
                    seen.add(link)
                    waiting.add(pool.submit(fetch, link))
print(json.dumps({"pages": pages}))
