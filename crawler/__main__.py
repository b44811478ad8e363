"""One crawl process: `python -m crawler RUN` does the run of that number and ends its row.

Exit codes: 0 done, 3 paused, 4 cancelled, 5 asked to stop by a signal, 6 waits for a person,
7 taken from its worker, 8 without its database, 1 failed, 2 wrongly called.
"""

from __future__ import annotations

import gc
import os
import sys
import time
import types
from datetime import UTC, datetime

# structlog loads rich for colours that no crawl process shows; without it each of fifty side by side is 3 MB smaller.
sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
if __name__ == "__main__":
    # Twisted and Scrapy load OpenSSL, 13 MB with what it needs, for a TLS that no onion is asked with: Tor encrypts. Scrapy
    # wants its version for a line of the log that is off (LOG_VERSIONS).
    sys.modules.setdefault("OpenSSL", None)  # type: ignore[arg-type]
    stand_in = sys.modules.setdefault("scrapy.utils.ssl", types.ModuleType("scrapy.utils.ssl"))
    vars(stand_in).setdefault("get_openssl_version", lambda: "none")
    gc.disable()  # what is loaded now stays: to look through it again and again is a fifth of the time that loading takes

import structlog
from scrapy.crawler import AsyncCrawlerProcess
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from crawler.account import open_account
from crawler.denyfile import open_deny_list
from crawler.errand import bound, narrow, read_errand
from crawler.errors import CrawlError
from crawler.leash import Leash
from crawler.log import open_log
from crawler.mirrors import make_mirrors, use_known
from crawler.outcome import Settler, settle_left_over
from crawler.pace import Pace
from crawler.pages import Job
from crawler.plan import PLANS, start_links
from crawler.settings import Environment, read_environment, site_settings
from crawler.sites import load_site
from crawler.spider import AWAY, TAKEN, WAITING, MarketSpider
from crawler.upkeep import Upkeep
from storage.engine import check_schema, open_engine, reading
from storage.errors import FencedError, StorageError
from storage.fencing import set_fence
from storage.frontier import count_states, seed
from storage.plans import find_known_ads
from storage.runs import BOUND_FROM, SLOW, end_run, find_run, start_run, wait_run_for
from storage.sites import find_usable
from storage.troubles import explain_trouble, is_away

CACHE_KB = 800
"""Of the database; a crawl asks for a few rows at a time, and many crawls run side by side."""
EXIT_CODES = {"done": 0, "paused": 3, "cancelled": 4, "lost": 5, WAITING: 6, TAKEN: 7, AWAY: 8, "failed": 1}
FINAL = ("seized", "exit")
"""Where a site stood that no schedule asks again."""
_SAID = {"seized": "seized", "exit": "closing for good"}
_GOOD_ENDS = ("done", "paused", "cancelled", "lost", WAITING)
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
        engine = open_engine(environment.database_url, cache_kb=CACHE_KB)
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
    except FencedError as exc:
        state, message = TAKEN, str(exc)
    except (CrawlError, StorageError, SQLAlchemyError) as exc:
        state, message = AWAY if is_away(exc) else "failed", explain_trouble(exc) or str(exc)
    finally:
        log.info("end", state=state, message=message)
        try:
            if state == TAKEN:
                pass  # its row is no longer ours: whoever took the run says what became of it
            elif state == WAITING:
                wait_run_for(engine, run_id=run_id, what="person", message=message, now=_now())
            else:
                again = "database" if state == AWAY else ""
                ended = "lost" if state == AWAY else state
                end_run(engine, run_id=run_id, state=ended, message=message, now=_now(), again=again)
        except FencedError as exc:
            state, message = TAKEN, str(exc)
        except SQLAlchemyError as exc:
            # The row still says "running": whoever looks after lost runs finds that its process is gone.
            trouble = explain_trouble(exc)
            message = (
                message
                if trouble and trouble in message
                else f"{message or state}; its end is not written: {trouble}"
            )
            state = AWAY if is_away(exc) else "failed"
        engine.dispose()
    if message:
        print(message, file=sys.stderr)
    return EXIT_CODES[state]


def _do_run(engine: Engine, environment: Environment, run_id: int, site: str) -> tuple[str, str]:
    """Prepare identity, mirrors and frontier, crawl, and say how it ended."""
    config = load_site(environment.data / "sites" / site)
    run = start_run(engine, run_id=run_id, worker=None, pid=os.getpid(), now=_now())
    assert run.site_id is not None
    if run.fence is not None:
        set_fence(engine, site_id=run.site_id, fence=run.fence)
    assert run.sweep_id is not None
    with reading(engine) as session:
        addresses = find_usable(session, run.site_id)
    errand = read_errand(run.settings)
    config = bound(narrow(use_known(config, addresses), errand), run.settings)
    job = Job(
        engine=engine,
        config=config,
        site_id=run.site_id,
        run_id=run_id,
        sweep_id=run.sweep_id,
        now=_now,
        pages_before=run.pages,
        bound_from=int(run.settings.get(BOUND_FROM, 0)),
        errand=errand,
        deny=open_deny_list(environment.data),
        leash=Leash(engine, run_id=run_id, worker=run.worker, now=_now) if run.fence is not None else None,
    )
    account = open_account(
        engine,
        config,
        site_id=job.site_id,
        key=str(run.settings.get("account") or ""),
        key_file=environment.key_file,
        data=environment.data,
        goes_on=run.sweep_id != run_id or run.pages > 0 or bool(errand),
        now=_now(),
    )
    if account.state in FINAL and run.reason.startswith("schedule"):
        return "paused", (
            f"paused: nothing was fetched, because the site was {_SAID[account.state]} when it was last seen. When it is "
            f"there again, start a crawl of it by hand: `tuskwatch crawl {site}`"
        )
    plan = run.plan if run.plan in PLANS else "full"
    settler = Settler(job, plan=plan)
    settle_left_over(settler, job)
    with reading(engine) as session:
        known = find_known_ads(session, site_id=job.site_id, now=_now())
    links = start_links(config, plan, () if errand else known)
    seed(engine, site_id=job.site_id, sweep_id=job.sweep_id, links=links, now=_now())
    mirrors = make_mirrors(config, addresses, now=_now(), at=time.monotonic())
    upkeep = Upkeep(job, mirrors=mirrors, socks=environment.socks, account=account)
    slowed = run.settings.get(SLOW, 1.0)
    process = AsyncCrawlerProcess(site_settings(config, socks=environment.socks))
    crawler = process.create_crawler(MarketSpider)
    process.crawl(
        crawler,
        job=job,
        account=account,
        mirrors=mirrors,
        pace=Pace(config.pace, seed=run_id, slowed=float(slowed)),
        settler=settler,
        upkeep=upkeep,
    )
    process.start(install_signal_handlers=False)
    spider = crawler.spider
    if not isinstance(spider, MarketSpider) or spider.ending is None:
        return "failed", "the crawl ended before its plan was done; the run's log says more"
    state, message = spider.ending
    if state == TAKEN:
        return state, message
    if state in _GOOD_ENDS:
        settler.finish()
    if state in _GOOD_ENDS or mirrors.current is None:
        upkeep.write_mirrors(at=time.monotonic())
    _keep_session(upkeep, run_id, failed=state not in _GOOD_ENDS)
    states = count_states(engine, sweep_id=job.sweep_id)
    left = sum(states.get(name, 0) for name in ("new", "leased", "fetched"))
    stored = job.pages_before + spider.pages
    counts = f"{stored} {'page' if stored == 1 else 'pages'} stored, {left} {'address' if left == 1 else 'addresses'} left"
    if states.get("failed"):
        counts += f", {states['failed']} given up"
    return state, f"{message}; {counts}" if message else counts


def _keep_session(upkeep: Upkeep, run_id: int, *, failed: bool) -> None:
    """What the site renewed is sealed again, however the run ended."""
    try:
        upkeep.keep_session()
    except SQLAlchemyError as exc:
        if not failed:
            raise
        # Why the run failed must not be hidden by what comes after.
        structlog.get_logger("crawler").bind(run=run_id).warning(
            "what the site renewed could not be kept", why=explain_trouble(exc) or type(exc).__name__
        )


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    sys.exit(main(sys.argv[1:]))
