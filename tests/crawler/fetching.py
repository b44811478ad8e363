"""A process with a reactor for the transport tests: reads requests as JSON lines, writes one result for each.

Public names: none; started by the fixture `fetch`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from typing import Any

from scrapy.utils.reactor import install_reactor

install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")

from scrapy import Request, Spider  # noqa: E402
from scrapy.exceptions import NotConfigured  # noqa: E402
from scrapy.utils.test import get_crawler  # noqa: E402
from twisted.internet import reactor  # noqa: E402

from crawler.errors import FetchError  # noqa: E402
from crawler.isolation import Isolation  # noqa: E402
from crawler.transport import OnionHandler  # noqa: E402

_handlers: dict[str, OnionHandler] = {}


def _handler(task: dict[str, Any]) -> OnionHandler:
    settings = {
        "TUSKWATCH_SOCKS": task["socks"],
        "DOWNLOAD_TIMEOUT": task.get("timeout", 5),
        "DOWNLOAD_MAXSIZE": task.get("max_size", 100_000),
        "CONCURRENT_REQUESTS": 4,
        "REMOTE_CONTROL_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
    }
    key = json.dumps(settings)
    if key not in _handlers:
        _handlers[key] = OnionHandler.from_crawler(get_crawler(Spider, settings))
    return _handlers[key]


async def _fetch(task: dict[str, Any]) -> dict[str, Any]:
    began = asyncio.get_running_loop().time()
    request = Request(task["url"], method=task.get("method", "GET"), headers=task.get("headers", {}))
    if task.get("isolation", True):
        request.meta["isolation"] = Isolation(
            task.get("site", "s"), task.get("account", ""), task.get("run", 1)
        )
    result: dict[str, Any] = {}
    try:
        response = await _handler(task).download_request(request)
        result = {"status": response.status, "body": base64.b64encode(response.body).decode()}
    except FetchError as exc:
        result = {"error": exc.name, "text": str(exc), "permanent": exc.permanent, "scope": exc.scope}
    except (NotConfigured, ValueError) as exc:
        result = {"refused": str(exc)}
    if (exchange := request.meta.get("exchange")) is not None:
        result |= {
            "sent": exchange.request_headers,
            "received": exchange.response_headers,
            "note": exchange.note,
            "reason": exchange.reason,
            "token": exchange.circuit_token,
        }
    result["seconds"] = asyncio.get_running_loop().time() - began
    return result


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    try:
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            result = await _fetch(json.loads(line))
            print(json.dumps(result), flush=True)
        for handler in _handlers.values():
            await handler.close()
    finally:
        reactor.stop()  # type: ignore[attr-defined]


asyncio.get_event_loop_policy().get_event_loop().create_task(_serve())
reactor.run()  # type: ignore[attr-defined]
