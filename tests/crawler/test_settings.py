"""Scrapy's settings: every door is shut, and what a crawl process reads from outside is checked."""

from __future__ import annotations

import configparser
from pathlib import Path
from types import ModuleType

import pytest
from scrapy.http import Request, Response
from scrapy.settings import Settings, default_settings
from scrapy.utils.conf import build_component_list

from crawler import settings
from crawler.cookies import MAX_COOKIE, OnionCookies
from crawler.errors import CrawlError, Refused
from crawler.isolation import Isolation
from crawler.resolver import NoResolver
from crawler.settings import read_environment, site_settings
from crawler.sites import SiteConfig


@pytest.fixture
def config(stub: ModuleType) -> SiteConfig:
    return SiteConfig.model_validate(
        {
            "name": "oldport",
            "title": "t",
            "addresses": [stub.make_onion("settings")],
            "authorised": {"by": "A", "on": "2026-10-01"},
            "pace": {"in_flight": 8},
            "timeout": 33,
        }
    )


@pytest.fixture
def made(config: SiteConfig) -> Settings:
    return Settings(site_settings(config, socks="127.0.0.1:9050"))


def test_http_is_the_only_scheme_and_ours_its_only_handler(made: Settings) -> None:
    handlers = made.getwithbase("DOWNLOAD_HANDLERS")
    assert {scheme for scheme, handler in handlers.items() if handler} == {"http"}
    assert handlers["http"] == "crawler.transport.OnionHandler"
    assert set(default_settings.DOWNLOAD_HANDLERS_BASE) <= set(settings.DOWNLOAD_HANDLERS)


@pytest.mark.parametrize("name", ["EXTENSIONS", "SPIDER_MIDDLEWARES", "ITEM_PIPELINES"])
def test_none_of_scrapys_components_is_on(made: Settings, name: str) -> None:
    assert build_component_list(made.get_component_priority_dict_with_base(name)) == []


def test_the_downloader_middlewares_are_ours_and_the_store_is_innermost(made: Settings) -> None:
    middlewares = build_component_list(made.get_component_priority_dict_with_base("DOWNLOADER_MIDDLEWARES"))
    assert middlewares == ["crawler.cookies.OnionCookies", "crawler.pages.PageStore"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TWISTED_DNS_RESOLVER", "crawler.resolver.NoResolver"),
        ("REMOTE_CONTROL_ENABLED", False),
        ("TELNETCONSOLE_ENABLED", False),
        ("COOKIES_ENABLED", False),
        ("ROBOTSTXT_OBEY", False),
        ("JOBDIR", None),
        ("FEEDS", {}),
        ("DOWNLOAD_TIMEOUT", 33),
        ("CONCURRENT_REQUESTS", 8),
        ("TUSKWATCH_SOCKS", "127.0.0.1:9050"),
    ],
)
def test_what_matters_is_set(made: Settings, name: str, value: object) -> None:
    found = made.get(name)
    assert (dict(found) if name == "FEEDS" else found) == value


def test_sizes_are_bounded(made: Settings) -> None:
    assert 0 < made.getint("DOWNLOAD_MAXSIZE") <= 8 * 1024 * 1024
    assert made.getint("DOWNLOAD_MAXSIZE") <= settings.MAX_PLAIN_SIZE <= 64 * 1024 * 1024


def test_every_setting_is_one_that_scrapy_knows() -> None:
    known = set(dir(default_settings)) | {"TUSKWATCH_SOCKS", "MAX_PLAIN_SIZE"}
    assert {name for name in dir(settings) if name.isupper()} - known == set()


def test_scrapy_cfg_names_these_settings_and_they_alone_fetch_nothing(repository: Path) -> None:
    parser = configparser.ConfigParser()
    parser.read(repository / "scrapy.cfg")
    assert parser["settings"]["default"] == "crawler.settings"
    assert settings.TUSKWATCH_SOCKS == ""


@pytest.mark.parametrize("socks", ["", "9050", "192.168.0.1:9050"])
def test_without_a_local_socks_port_there_are_no_settings(config: SiteConfig, socks: str) -> None:
    with pytest.raises(ValueError, match="SOCKS port"):
        site_settings(config, socks=socks)


def test_the_environment_is_read_and_its_secrets_are_not_shown(tmp_path: Path) -> None:
    given = {
        "TUSKWATCH_DATA": str(tmp_path),
        "TUSKWATCH_SOCKS": "127.0.0.1:9150",
        "TUSKWATCH_DATABASE_URL": "postgresql://u:topsecret@127.0.0.1/x",
    }
    environment = read_environment(given)
    assert (environment.data, environment.socks) == (tmp_path, "127.0.0.1:9150")
    assert environment.database_url.endswith("@127.0.0.1/x")
    assert "topsecret" not in repr(environment)
    del given["TUSKWATCH_DATABASE_URL"]
    assert read_environment(given).database_url == f"sqlite:///{tmp_path / 'tuskwatch.db'}"


@pytest.mark.parametrize("missing", ["TUSKWATCH_DATA", "TUSKWATCH_SOCKS"])
def test_a_missing_variable_is_named(missing: str) -> None:
    given = {"TUSKWATCH_DATA": "/data", "TUSKWATCH_SOCKS": "127.0.0.1:9050", missing: ""}
    with pytest.raises(CrawlError, match=missing):
        read_environment(given)


def test_no_name_is_ever_looked_up() -> None:
    resolver = NoResolver(None)
    failures: list[object] = []
    resolver.getHostByName("clear.example").addErrback(lambda failure: failures.append(failure.value))
    assert isinstance(failures[0], Refused)
    with pytest.raises(Refused):
        resolver.resolveHostName(None, "clear.example")


def _exchange(jar: OnionCookies, url: str, *cookies: str, run: int = 1, path: str = "/") -> str | None:
    """Store what a page at `url` sets, then give what a request for `path` of the same host would send."""
    meta = {"isolation": Isolation("s", "", str(run))}
    if cookies:
        jar.process_response(Request(url, meta=meta), Response(url, headers={"Set-Cookie": list(cookies)}))
    request = Request(url.split(".onion")[0] + ".onion" + path, meta=meta)
    jar.process_request(request)
    sent = request.headers.get("Cookie")
    return sent.decode() if sent else None


@pytest.mark.parametrize(
    ("cookie", "sent"),
    [
        ("a=1", "a=1"),
        ("a=1; Path=/else", None),
        ("a=1; Domain=.onion", None),
        ("a=1; Domain=clear.example", None),
        ("a=1; Max-Age=0", None),
        ("a=1; HttpOnly; SameSite=Lax", "a=1"),
    ],
)
def test_a_cookie_goes_back_to_its_own_host_only(stub: ModuleType, cookie: str, sent: str | None) -> None:
    assert _exchange(OnionCookies(), f"http://{stub.make_onion('a')}/", cookie) == sent


def test_a_cookie_never_goes_to_another_onion_or_another_run(stub: ModuleType) -> None:
    jar = OnionCookies()
    assert _exchange(jar, f"http://{stub.make_onion('a')}/", "a=1") == "a=1"
    assert _exchange(jar, f"http://{stub.make_onion('b')}/") is None
    assert _exchange(jar, f"http://{stub.make_onion('a')}/", run=2) is None


def test_a_flood_of_cookies_is_dropped(stub: ModuleType) -> None:
    flood = [f"c{number}={'x' * 1000}" for number in range(MAX_COOKIE // 1000 + 2)]
    assert _exchange(OnionCookies(), f"http://{stub.make_onion('a')}/", *flood) is None
