"""Sites, issues and report rows: kept up to date, counted, and numbered."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from storage.engine import reading
from storage.issues import close_issue, find_issues, raise_issue
from storage.queries import find_run_numbers
from storage.reports import find_report, find_reports, store_report
from storage.runs import find_run
from storage.sites import find_addresses, find_site, find_sites, record_check, register_site

if TYPE_CHECKING:
    from conftest import Store

ONE, TWO = "a" * 56 + ".onion", "b" * 56 + ".onion"


def raise_one(
    store: Store, site: int | None, run: int | None, *, level: str = "warn", message: str = "odd"
) -> int:
    return raise_issue(
        store.engine,
        site_id=site,
        run_id=run,
        page_id=None,
        kind="drift",
        level=level,
        message=message,
        now=store.now,
    )


def test_a_site_follows_its_file(store: Store) -> None:
    values = {"name": "oldport", "config_sha256": "1" * 64, "now": store.now}
    first = register_site(store.engine, title="Old", onions=[ONE], **values)
    record_check(store.engine, site_id=first, onion=ONE, state="alive", seconds=1.5, now=store.now)
    assert register_site(store.engine, title="Old Port", onions=[TWO, TWO], **values) == first
    with reading(store.engine) as session:
        assert find_site(session, "oldport").title == "Old Port"
        assert [site.name for site in find_sites(session)] == ["oldport"]
        found = [(address.onion, address.state) for address in find_addresses(session, first)]
    assert found == [(ONE, "dropped"), (TWO, "unverified")]
    register_site(store.engine, title="Old Port", onions=[ONE, TWO], **values)
    with reading(store.engine) as session:
        assert [address.state for address in find_addresses(session, first)] == ["unverified", "unverified"]


def test_a_run_knows_how_many_of_its_issues_a_later_run_met_again(store: Store) -> None:
    site = store.site()
    first, second = store.run(site), store.run(site)
    for message in ("odd", "odd", "other"):
        raise_one(store, site, first, message=message)
    closed = raise_one(store, site, first, message="closed")
    close_issue(store.engine, issue_id=closed, now=store.now)
    for message in ("odd", "closed", "new"):
        raise_one(store, site, second, message=message)
    with reading(store.engine) as session:
        numbers = [find_run_numbers(session, run) for run in (first, second)]
    assert [(each.issues, each.issues_met_later) for each in numbers] == [(2, 1), (3, 0)]


def test_an_issue_is_counted_and_not_repeated(store: Store) -> None:
    site = store.site()
    first_run, second_run = store.run(site), store.run(site)
    number = raise_one(store, site, first_run)
    assert raise_one(store, site, first_run) == number
    assert raise_one(store, site, second_run, level="fail") == number
    assert raise_one(store, site, second_run, message="other") != number
    assert raise_one(store, None, None) == raise_one(store, None, None)
    with reading(store.engine) as session:
        issues = {issue.id: issue for issue in find_issues(session)}
        assert (issues[number].count, issues[number].level) == (3, "fail")
        assert len(issues) == 3
        assert [find_run(session, run).issues for run in (first_run, second_run)] == [1, 2]
        assert find_issues(session)[0].id == number


def test_a_closed_issue_comes_back_as_a_new_one(store: Store) -> None:
    site = store.site()
    number = raise_one(store, site, None)
    close_issue(store.engine, issue_id=number, now=store.now)
    again = raise_one(store, site, None)
    assert again != number
    with reading(store.engine) as session:
        assert [issue.id for issue in find_issues(session, site_id=site)] == [again]
        assert len(find_issues(session, open_only=False)) == 2


def test_reports_are_numbered_and_a_failed_one_leaves_nothing(store: Store) -> None:
    def fail(number: int) -> str:
        raise OSError(f"no room for {number}")

    def write(place: object) -> int:
        return store_report(
            store.engine,
            period_from=store.now,
            period_to=store.now + timedelta(days=1),
            files={"report.html": "0" * 64},
            figures={"ads": 21},
            by="ana",
            now=store.now,
            place=place,
        )

    first = write(lambda number: f"reports/{number}")
    with pytest.raises(OSError, match="no room"):
        write(fail)
    second = write(lambda number: f"reports/{number}")
    with reading(store.engine) as session:
        assert [report.id for report in find_reports(session)] == [second, first]
        assert find_report(session, second).folder == f"reports/{second}"
        assert find_report(session, first).figures == {"ads": 21}
