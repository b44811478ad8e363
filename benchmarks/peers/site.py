"""The site that all crawlers of the comparison fetch: `python site.py PORT PAGES` serves it on 127.0.0.1.

Pages of about 20 KB with 40 links: a home page, shelves of 30 goods each, the goods. Every page links to the first shelves,
as a menu does, so that a crawler must know what it has seen. `GET /delay/600` lets every later page wait so many milliseconds.
"""

from __future__ import annotations

import asyncio
import random
import sys

SHELF = 30
_WORDS = [
    "box",
    "paper",
    "lamp",
    "green",
    "window",
    "river",
    "stone",
    "letter",
    "copper",
    "kettle",
    "silent",
    "ladder",
    "cloud",
    "basket",
    "winter",
    "needle",
    "garden",
    "harbour",
    "button",
    "candle",
    "mirror",
    "thread",
    "marble",
    "pocket",
    "saddle",
    "timber",
    "velvet",
    "whistle",
    "anchor",
    "bridge",
]


def make_page(path: str, pages: int) -> bytes | None:
    """The whole response for a path, or None where there is no page."""
    shelves = max((pages - 1) // (SHELF + 1), 1)
    links = [f"/c/{n}" for n in range(min(shelves, 10))]
    if path == "/":
        links = [f"/c/{n}" for n in range(shelves)]
    elif path.startswith("/c/") and path[3:].isdigit() and int(path[3:]) < shelves:
        first = int(path[3:]) * SHELF
        links += [f"/p/{n}" for n in range(first, first + SHELF)]
    elif not (path.startswith("/p/") and path[3:].isdigit() and int(path[3:]) < shelves * SHELF):
        return None
    source = random.Random(path)  # noqa: S311 - words, not secrets
    host = "{host}"
    anchors = "".join(f'<li><a href="http://{host}{link}">{source.choice(_WORDS)}</a></li>' for link in links)
    rows = "".join(
        f"<tr><th>{source.choice(_WORDS)}</th><td>{' '.join(source.choices(_WORDS, k=40))}</td></tr>"
        for _ in range(64)
    )
    return (
        f"<html><head><title>{path}</title></head><body><ul>{anchors}</ul><h1>{path}</h1>"
        f"<table>{rows}</table></body></html>"
    ).encode()


def count_pages(pages: int) -> int:
    """How many pages there really are when about `pages` were asked for."""
    return 1 + max((pages - 1) // (SHELF + 1), 1) * (SHELF + 1)


async def _serve(port: int, pages: int) -> None:
    made: dict[str, bytes | None] = {}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                path = head.split(" ", 2)[1]
                if path in ("/served", "/reset") or path.startswith("/delay/"):
                    body: bytes | None = str(len(served)).encode()
                    if path == "/reset":
                        served.clear()
                    elif path != "/served":
                        waits["answer"] = int(path[7:]) / 1000
                else:
                    await asyncio.sleep(waits["answer"])
                    if path not in made:
                        made[path] = make_page(path, pages)
                    body = made[path]
                    if body is not None:
                        served.add(path)
                host = next(
                    (line[6:].strip() for line in head.split("\r\n") if line.lower().startswith("host:")),
                    "",
                )
                status = "200 OK" if body is not None else "404 Not Found"
                body = (body or b"nothing here").replace(b"{host}", host.encode("latin-1"))
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    served: set[str] = set()
    waits = {"answer": 0.0}
    server = await asyncio.start_server(answer, "127.0.0.1", port)
    print("serving", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
