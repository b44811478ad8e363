"""Nothing but Tor's SOCKS port is ever contacted: watched from inside and from outside; and the watch can see."""

from __future__ import annotations

import re
import shutil
import socket
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent


def _tempting(stub: ModuleType) -> Any:
    """The market, with all that tempts a client to ask elsewhere: cookies with a Domain, redirects, other schemes."""

    def answer(asked: Any) -> bytes:
        host = asked.host
        if asked.path == "/":
            links = ["/c/other", "/away", "/https", "http://clear.example/", "https://clear.example/", "ftp://ftp.example/f",
                     f"https://{host}/", f"http://{stub.make_onion('foreign')}/", "//cdn.example/x", "file:///etc/passwd",
                     "data:text/html,x", "s3://bucket/key", "/refresh"]  # fmt: skip
            cookie = f"Set-Cookie: a=1; Domain={host}; Path=/"
            body = (
                "".join(f'<a href="{link}">x</a>' for link in links) + '<img src="http://img.example/i.png">'
            )
            return stub.reply(
                body, more=(cookie, "Set-Cookie: b=2; Domain=clear.example", "Set-Cookie: c=3; Domain=onion")
            )
        if asked.path == "/away":
            return stub.reply("", status="302 Found", more=("Location: http://clear.example/landing",))
        if asked.path == "/https":
            return stub.reply("", status="301 Moved", more=(f"Location: https://{host}/x",))
        if asked.path == "/refresh":
            return stub.reply(
                '<meta http-equiv="refresh" content="0; url=http://clear.example/r"><p>Moved</p>'
            )
        return stub.market(asked)

    return answer


def _watch(place: Any, socks: str, variant: str) -> tuple[Any, list[str]]:
    report = place.data / "report"
    wrap = (sys.executable, str(HERE / "watched.py"), str(report), socks.partition(":")[2], variant)
    crawled = place.crawl(socks, wrap=wrap)
    return crawled, report.read_text().splitlines()


def test_from_inside_only_the_socks_port_is_contacted(place: Any, stub: ModuleType) -> None:
    with stub.OnionStub(_tempting(stub)) as tor:
        crawled, report = _watch(place, tor.socks, "closed")
        hosts = {host for _, _, host, _ in tor.opened}
    assert report == []
    assert crawled.code == 0, crawled.err
    assert hosts == {place.onion}
    assert {f"http://{place.onion}{path}" for path in ("/", "/away", "/https", "/refresh", "/p/11")} <= {
        page.url for page in place.pages()
    }


@pytest.mark.parametrize(
    ("variant", "seen"),
    [
        ("stock-handler", "socket.getaddrinfo|socket.gethostbyname"),
        ("direct", "socket.connect"),
        ("cookies", "socket.getaddrinfo|socket.gethostbyname"),
        ("telnet", "socket.bind"),
    ],
)
def test_the_watch_inside_sees_a_crawl_that_was_opened(
    place: Any, stub: ModuleType, variant: str, seen: str
) -> None:
    place.write_site(bounds={"pages": 5})
    with stub.OnionStub(_tempting(stub)) as tor:
        _, report = _watch(place, tor.socks, variant)
    assert any(re.match(seen, line) for line in report), report


def _trace(place: Any, socks: str, variant: str) -> tuple[Any, set[str], list[str]]:
    """Run the crawl under strace: (result, "address:port" of each contact, other tell-tale calls)."""
    strace = shutil.which("strace")
    assert strace, "strace is missing: run `make test`, or apt install strace"
    out = place.data / "trace"
    inside = (sys.executable, "-m", "crawler")
    if (
        variant != "closed"
    ):  # the watch inside would stop the leak before strace can see it: it is told to allow all
        inside = (sys.executable, str(HERE / "opened.py"), socks.partition(":")[2], variant)
    trace = (
        strace,
        "-f",
        "-qq",
        "-o",
        str(out),
        "-e",
        "trace=connect,sendto,sendmsg,sendmmsg,bind,listen",
        *inside,
    )
    crawled = place.crawl(socks, wrap=trace)
    contacts: set[str] = set()
    others: list[str] = []
    for line in out.read_text().splitlines():
        found = re.search(r'sin_port=htons\((\d+)\), sin_addr=inet_addr\("([\d.]+)"\)', line)
        if found:
            contacts.add(f"{found.group(2)}:{found.group(1)}")
        elif re.search(r"\b(connect|bind|listen)\(", line) or "sin6_" in line or "sun_path" in line:
            others.append(line)
    return crawled, contacts, others


def test_from_outside_only_the_socks_port_is_contacted(place: Any, stub: ModuleType) -> None:
    with stub.OnionStub(_tempting(stub)) as tor:
        crawled, contacts, others = _trace(place, tor.socks, "closed")
    assert crawled.code == 0, crawled.err
    assert contacts == {tor.socks}
    assert others == []


def test_the_watch_outside_sees_a_crawl_that_was_opened(place: Any, stub: ModuleType) -> None:
    place.write_site(bounds={"pages": 5}, timeout=0.5)
    with stub.OnionStub(_tempting(stub)) as tor, socket.create_server(("127.0.0.1", 0)) as neighbour:
        where = neighbour.getsockname()[1]
        _, contacts, _ = _trace(place, tor.socks, f"direct-to-{where}")
    assert f"127.0.0.1:{where}" in contacts


def test_no_code_for_tls_is_loaded_and_the_memory_it_costs_is_saved(place: Any, stub: ModuleType) -> None:
    place.write_site(bounds={"pages": 3})
    with stub.OnionStub(_tempting(stub)) as tor:
        crawled = place.crawl(tor.socks, wrap=(sys.executable, "-X", "importtime", "-m", "crawler"))
    assert crawled.code in (0, 3), crawled.err
    loaded = {line.rpartition("|")[2].strip() for line in crawled.err.splitlines() if "import time:" in line}
    assert {"scrapy.crawler", "crawler.spider", "twisted.web.client"} <= loaded
    # What is asked for in vain is listed too; what it would have needed is not.
    assert loaded & {"OpenSSL._util", "cryptography", "rich.console"} == set()
