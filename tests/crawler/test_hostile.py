"""Hostile answers over real HTTP: a real crawl fetches, stores and judges each, the reader reads it, within its bounds.

What becomes of each case is a test of its own. docs/hostile.md lists them with what they cost.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

os.environ.setdefault(
    "HOSTILE_SCALE", "0.1"
)  # a tenth shows a cost that grows with the square; the benchmark runs all
sys.path.insert(0, str(Path(__file__).parent))

from hostile.case import LAMP, Case, reply
from hostile.corpus import CASES, GROUPS, OUTCOMES
from hostile.redirects import BARRED
from hostile.run import Ran, Seen, run_cases
from hostile.wire import STRAY

from crawler.links import MAX_TARGETS, find_links

pytestmark = pytest.mark.timeout(900)  # the first test waits for all crawls
MAX_CPU, MAX_MB = 8.0, 400.0
"""Safety only, many times what it takes: docs/hostile.md has the figures."""
SLOW_BOUND = 5
"""Seconds for one exchange with what is never done; what comes late, but whole, comes after one."""
MAX_STORED = 5 * 1024 * 1024
STATES = {"kept": {"done"}, "left-packed": {"done"}, "cut-off": {"done"}, "redirect-barred": {"done", "refused"},
          "redirect-followed": {"done"}, "gate:login": {"done", "failed"}}  # fmt: skip


def _folder(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    for path in empty_database.parent.glob("tuskwatch.db*"):
        shutil.copy(path, folder)
    return folder


@pytest.fixture(scope="module")
def runs(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Ran]:
    """Three crawls, each with its reader, at the same time.

    Two share what costs no time, each one case after the other. The third has all that is never done, side by side, with
    a short bound and other pages that go well: its time is spent waiting.
    """
    quick = [case for case in CASES if not case.slow]
    slow = [case for case in CASES if case.slow]
    one_by_one = {"timeout": 60, "in_flight": 1, "limit": 600}
    plans: list[tuple[list[Case], dict[str, Any]]] = [
        (slow, {"timeout": SLOW_BOUND, "in_flight": 20, "extra": 30, "limit": 600}),
        (quick[::2], one_by_one),
        (quick[1::2], one_by_one),
    ]
    with ThreadPoolExecutor(len(plans)) as pool:
        waiting = [
            pool.submit(run_cases, _folder(empty_database, tmp_path_factory), cases, **how)
            for cases, how in plans
        ]
        return [one.result() for one in waiting]


@pytest.fixture(scope="module")
def seen(runs: list[Ran]) -> dict[str, Seen]:
    """Every case by its name."""
    return {name: one for ran in runs for name, one in ran.seen.items()}


def _check(seen: Seen) -> None:
    case = seen.case
    assert seen.outcome == case.outcome, seen.said
    assert case.says in seen.said
    assert seen.state in STATES.get(case.outcome, {"failed", "new"})
    assert seen.stored <= MAX_STORED
    assert seen.crawl.cpu < MAX_CPU
    assert seen.crawl.peak < MAX_MB
    assert seen.read.get("cpu", 0.0) < MAX_CPU
    assert seen.read.get("peak", 0.0) < MAX_MB
    assert STRAY.encode() not in seen.plain


@pytest.mark.parametrize("name", [case.name for case in CASES if not case.slow])
def test_a_hostile_answer_leaves_a_row_and_costs_no_more_than_its_bound(
    seen: dict[str, Seen], name: str
) -> None:
    _check(seen[name])


@pytest.mark.parametrize("name", [case.name for case in CASES if case.slow])
def test_what_is_never_done_is_left_when_its_time_is_over(seen: dict[str, Seen], name: str) -> None:
    one = seen[name]
    _check(one)
    waited = [(page.received_at - page.requested_at).total_seconds() for page in one.pages if page.error]
    assert all(seconds >= SLOW_BOUND - 0.1 for seconds in waited)


def test_each_run_comes_to_its_end_and_its_reader_too(runs: list[Ran]) -> None:
    for ran in runs:
        assert ran.code == 0, ran.message
        assert ran.read_error == ""
        assert "internal error" not in ran.log
        assert "Traceback" not in ran.errors


def test_nothing_but_the_site_was_asked(runs: list[Ran]) -> None:
    """No redirect, base, frame, header or refresh led to another host, or to an address that must not be asked for."""
    for ran in runs:
        assert len(ran.hosts) == 1
        assert [path for path in ran.asked if BARRED in path] == []
        assert [head for head in ran.headers if b"barred" in head or b"\r\nX-Y" in head] == []


def test_no_request_ever_carries_a_flood_of_cookies(runs: list[Ran]) -> None:
    assert max(len(head) for ran in runs for head in ran.headers) < 16 * 1024


def test_there_are_enough_cases_and_each_has_its_own_name() -> None:
    assert len(CASES) >= 150
    assert len({case.name for case in CASES}) == len(CASES)
    assert {case.outcome for case in CASES} == set(OUTCOMES)


def test_the_table_of_hostile_pages_lists_every_case(repository: Path) -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|", (repository / "docs" / "hostile.md").read_text(), re.M)
    listed = [row for row in rows if row not in OUTCOMES]
    assert sorted(listed) == sorted(case.name for group in GROUPS.values() for case in group)


# --- pages that lead to more pages ---


def test_the_same_link_again_and_again_is_read_no_further_than_its_bound() -> None:
    end = b"<a href=/last>x</a>"
    within = find_links(b"<a href=/a>x</a>" * (MAX_TARGETS - 1) + end, url="http://x/", hosts=["x"])
    beyond = find_links(b"<a href=/a>x</a>" * MAX_TARGETS + end, url="http://x/", hosts=["x"])
    assert (within.paths, within.too_many) == (["/a", "/last"], False)
    assert (beyond.paths, beyond.too_many) == (["/a"], True)


def _lead(path: str) -> bytes:
    """A site of circles and floods: canonical links, refreshes and frames that lead to each other, and two million links."""
    text = "<p>An everyday thing of brass, cleaned and in working order.</p>" * 20
    if path == "/":
        links = "".join(f'<a href="/c/{name}">x</a>' for name in ("a", "many"))
        return reply(f"<h1>Goods</h1>{text}{links}")
    if path == "/c/many":
        return reply(text + "".join(f'<a href="/x/{i}">x</a>' for i in range(100_000)))
    following = {"/c/a": "b", "/c/b": "c", "/c/c": "a"}.get(path)
    if following:
        here = f'<link rel=canonical href="/c/{following}"><meta http-equiv=refresh content="0;url=/c/{following}">'
        return reply(
            f'{here}<h1>Goods</h1>{text}<iframe src="/c/{following}"></iframe><a href="{path}#x">x</a>'
        )
    return reply(LAMP)


def test_circles_end_and_a_flood_of_links_has_its_bound(place: Any, stub: ModuleType) -> None:
    place.write_site(
        bounds={"pages": 60, "depth": 10},
        budgets={"alike": 1000},
        priority={"search": 5},
        pace={"delay": 0, "in_flight": 1},
    )
    with stub.OnionStub(lambda asked: _lead(asked.path)) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code in (0, 3), crawled.err
    asked = [one.path for one in tor.asked]
    assert {"/", "/c/a", "/c/b", "/c/c", "/c/many"} <= set(asked)
    assert len(asked) == len(set(asked)) <= 61
    assert len(place.frontier()) < 3000
    assert "too many links" in " ".join(issue.message for issue in place.issues())
