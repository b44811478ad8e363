"""The invented sites, walked by the Follower without any network: nothing honest is left out, whatever the site file says."""

from __future__ import annotations

import re
from collections import deque
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from crawler.follow import Follower
from crawler.links import normalise_url
from crawler.pages import Job
from crawler.sites import SiteConfig
from lab.pages.base import invent_onion
from lab.sites import SITE_NAMES, make_sites
from lab.wire import Request

NOW = datetime(2026, 11, 1, 20, 0, tzinfo=UTC)


def _walk(place: Any, site: Any, config: SiteConfig, *, most: int = 3000) -> tuple[set[str], list[str]]:
    """(the paths that a crawl would have fetched with status 200, the issues)."""
    issues: list[str] = []
    job = Job(place.engine, config, place.site_id, 1, 1, lambda: NOW)
    follower = Follower(
        job, lambda kind, message, *, page_id, level="warn": issues.append(f"{kind}: {message}")
    )
    host = config.addresses[0]
    queue = deque((path, 0) for path in config.start)
    met = set(config.start)
    good: set[str] = set()
    while queue and len(met) < most:
        path, depth = queue.popleft()
        target, _, query = path.partition("?")
        response = site.respond(Request("GET", path, {"cookie": f"{site.cookie}=x"}))
        del target, query
        for name, value in response.headers:
            if name == "Location":
                paths = [normalise_url(urlsplit(value))] if value.startswith("/") else []
                queue.extend((new, depth) for new in paths if new not in met and not config.skips(new))
                met.update(paths)
        if response.status != 200:
            continue
        good.add(path)
        links, seen = follower.read_links(response.body, url=f"http://{host}{path}", depth=depth, page_id=1)
        follower.remember(seen)
        for link in links:
            new = normalise_url(urlsplit(link.url))
            if new not in met:
                met.add(new)
                queue.append((new, link.depth))
    follower.finish()
    return good, [issue for issue in issues if not issue.startswith("foreign-link")]


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("name", SITE_NAMES)
def test_nothing_honest_is_left_out(place: Any, name: str, named: bool) -> None:
    site = next(s for s in make_sites(seed=3, listings=600, today=date(2026, 11, 1)) if s.name == name)
    config = SiteConfig.model_validate(
        {
            "name": name,
            "title": site.title,
            "addresses": [invent_onion(name)],
            "authorised": {"by": "x", "on": "2026-10-01"},
            "start": site.start,
            "kinds": site.kinds if named else {},
            "skip": site.skip,
        }
    )
    good, issues = _walk(place, site, config)
    listings = [re.compile(pattern) for pattern in site.kinds.get("listing", site.kinds.get("thread", ()))]
    want = {site.path_of(number) for number in range(site.count)}
    assert want <= good, sorted(want - good)[:5]
    assert issues == []
    assert listings
