"""One crawl process: `python -m crawler RUN` does the run of that number and ends its row.

Exit codes: 0 done, 3 paused, 4 cancelled, 5 asked to stop by a signal, 1 failed, 2 wrongly called.
"""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from urllib.parse import urlsplit

import structlog
from scrapy.crawler import AsyncCrawlerProcess
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from crawler.errors import CrawlError
from crawler.links import normalise_url, url_key
from crawler.log import open_log
from crawler.outcome import Settler, settle_left_over
from crawler.pages import Job
from crawler.settings import Environment, read_environment, site_settings
from crawler.sites import SiteConfig, load_site
from crawler.spider import MarketSpider
from storage.engine import check_schema, open_engine, reading
from storage.errors import StorageError
from storage.frontier import Link, count_states, seed
from storage.runs import BOUND_FROM, end_run, find_run, start_run

EXIT_CODES = {"done": 0, "paused": 3, "cancelled": 4, "lost": 5, "failed": 1}
_OVER = ("done", "failed", "cancelled")


def _now() -> datetime:
    return datetime.now(UTC)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not arguments[0].isdigit():
        print(
            "usage: python -m crawler RUN    (RUN is the number of a run; `tuskwatch crawl SITE` starts one)",
            file=sys.stderr,
        )
        return 2
    run_id = int(arguments[0])
    try:
        environment = read_environment(os.environ)
        engine = open_engine(environment.database_url)
        check_schema(engine)
        with reading(engine) as session:
            run = find_run(session, run_id)
            site = run.site.name if run and run.site else None
            over = run.state if run and run.state in _OVER else None
        if run is None or site is None or run.verb != "crawl":
            raise CrawlError(
                f"there is no crawl run {run_id}. `tuskwatch run list` shows the runs there are."
            )
        if over:
            raise CrawlError(f"run {run_id} is over ({over}). `tuskwatch crawl {site}` starts a new one.")
    except (CrawlError, StorageError, SQLAlchemyError) as exc:
        print(exc, file=sys.stderr)
        return 1
    state, message = "failed", "stopped by an internal error; the run's log says more"
    open_log(environment.data / "runs" / f"{run_id}.log")
    log = structlog.get_logger("crawler").bind(run=run_id, site=site)
    try:
        state, message = _do_run(engine, environment, run_id, site)
    except (CrawlError, StorageError, SQLAlchemyError) as exc:
        state, message = "failed", str(exc)
    finally:
        log.info("end", state=state, message=message)
        end_run(engine, run_id=run_id, state=state, message=message, now=_now())
        engine.dispose()
    if message:
        print(message, file=sys.stderr)
    return EXIT_CODES[state]


def _do_run(engine: Engine, environment: Environment, run_id: int, site: str) -> tuple[str, str]:
    """Prepare the frontier, crawl, and say how it ended."""
    config = load_site(environment.data / "sites" / site)
    run = start_run(engine, run_id=run_id, worker=platform.node(), pid=os.getpid(), now=_now())
    assert run.site_id is not None
    assert run.sweep_id is not None
    job = Job(
        engine=engine,
        config=config,
        site_id=run.site_id,
        run_id=run_id,
        sweep_id=run.sweep_id,
        now=_now,
        pages_before=run.pages,
        bound_from=int(run.settings.get(BOUND_FROM, 0)),
    )
    settle_left_over(Settler(job), job)
    seed(engine, site_id=job.site_id, sweep_id=job.sweep_id, links=_start_links(config), now=_now())
    process = AsyncCrawlerProcess(site_settings(config, socks=environment.socks))
    crawler = process.create_crawler(MarketSpider)
    process.crawl(crawler, job=job)
    process.start(install_signal_handlers=False)
    spider = crawler.spider
    if not isinstance(spider, MarketSpider) or spider.ending is None:
        return "failed", "the crawl ended before its plan was done; the run's log says more"
    state, message = spider.ending
    states = count_states(engine, sweep_id=job.sweep_id)
    left = sum(states.get(name, 0) for name in ("new", "leased", "fetched"))
    counts = f"{job.pages_before + spider.pages} pages stored, {left} addresses left"
    if states.get("failed"):
        counts += f", {states['failed']} given up"
    return state, f"{message}; {counts}" if message else counts


def _start_links(config: SiteConfig) -> list[Link]:
    host = config.addresses[0]
    paths = [normalise_url(urlsplit(path)) for path in config.start]
    return [
        Link(
            url=f"http://{host}{path}",
            url_key=url_key(path),
            depth=0,
            priority=max(1000, config.priority_of(config.kind_of(path).kind)),
        )
        for path in paths
        if not config.skips(path)
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
