"""What the rows say that a person should see to, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from storage.engine import reading, transaction
from storage.issues import find_issues, raise_issue
from storage.mirrors import propose_addresses
from storage.needs import (
    close_issues,
    count_proposed,
    find_clock_gap,
    find_ending_sessions,
    find_late,
    find_open_issues,
    find_unmended,
    find_without_tor,
)
from storage.overdue import count_unreviewed, find_silent
from storage.runs import set_run
from storage.sessions import ensure_session, open_session
from storage.tables import Audit, Run, Schedule
from storage.verdicts import give_verdict

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def add_run(store: Any, *, state: str, verb: str = "crawl", site: int | None = None, **values: Any) -> int:
    at = store.now
    row = {
        "by": "ana",
        "created_at": at,
        "ended_at": at if state not in ("queued", "running", "waiting") else None,
    }
    with transaction(store.engine) as session:
        run = Run(verb=verb, site_id=site, state=state, **(row | values))
        session.add(run)
        session.flush()
        return run.id


@pytest.mark.parametrize("state", ["failed", "lost", "paused"])
@pytest.mark.parametrize(
    ("later", "stays"),
    [
        (None, True),
        ({"state": "done"}, False),
        ({"state": "queued"}, False),
        ({"state": "done", "verb": "extract"}, True),
        ({"state": "done", "site": "other"}, True),
        ({"state": "done", "verb": "report", "retry_of": "first"}, False),
    ],
)
def test_what_failed_stays_until_somebody_goes_on(store: Any, state: str, later: Any, stays: bool) -> None:
    sites = {"own": store.site(), "other": store.site("newport")}
    first = add_run(store, state=state, site=sites["own"])
    if later is not None:
        values = {"site": sites[later.get("site", "own")], **{k: v for k, v in later.items() if k != "site"}}
        values |= {"retry_of": first} if "retry_of" in values else {}
        add_run(store, **values)
    with reading(store.engine) as session:
        found = [run.id for run in find_unmended(session, since=store.now - DAY)]
    assert found == ([first] if stays else [])


def test_of_several_that_failed_the_last_is_told(store: Any) -> None:
    site = store.site()
    ids = [add_run(store, state="failed", site=site) for _ in range(3)]
    with reading(store.engine) as session:
        assert [run.id for run in find_unmended(session, since=store.now - DAY)] == [ids[-1]]
        assert find_unmended(session, since=store.now + HOUR) == []


def test_a_report_is_made_good_by_the_same_report_only(store: Any) -> None:
    first = add_run(store, state="failed", verb="report", schedule="monthly")
    add_run(store, state="done", verb="report", schedule="weekly")
    with reading(store.engine) as session:
        assert [run.id for run in find_unmended(session, since=store.now - DAY)] == [first]
    add_run(store, state="done", verb="report", schedule="monthly")
    with reading(store.engine) as session:
        assert find_unmended(session, since=store.now - DAY) == []


def test_a_verb_without_a_site_is_made_good_by_the_next(store: Any) -> None:
    first = add_run(store, state="failed", verb="backup", schedule="nightly")
    with reading(store.engine) as session:
        assert [run.id for run in find_unmended(session, since=store.now - DAY)] == [first]
    add_run(store, state="done", verb="backup")
    with reading(store.engine) as session:
        assert find_unmended(session, since=store.now - DAY) == []


def test_late_is_counted_from_when_it_was_due(store: Any) -> None:
    site = store.site()
    old = add_run(store, state="queued", site=site, created_at=store.now - HOUR)
    add_run(store, state="queued", site=site, created_at=store.now - HOUR, due_at=store.now)
    overdue = add_run(
        store, state="queued", site=site, created_at=store.now - HOUR, due_at=store.now - 2 * HOUR
    )
    add_run(store, state="running", site=site, created_at=store.now - HOUR)
    with reading(store.engine) as session:
        assert [run.id for run in find_late(session, before=store.now - HOUR / 6)] == [overdue, old]


def test_waiting_for_tor_is_told_after_a_while(store: Any) -> None:
    run_id = store.run(store.site())
    set_run(store.engine, run_id=run_id, state="waiting", message="10 %", now=store.now, waits_for="tor")
    with reading(store.engine) as session:
        assert find_without_tor(session, before=store.now) == []
        assert [run.id for run in find_without_tor(session, before=store.now + HOUR)] == [run_id]


def raise_one(
    store: Any,
    site: int | None,
    kind: str,
    message: str = "m",
    level: str = "warn",
    at: datetime | None = None,
) -> int:
    return raise_issue(
        store.engine,
        site_id=site,
        run_id=None,
        page_id=None,
        kind=kind,
        level=level,
        message=message,
        now=at or store.now,
    )


def test_issues_are_one_for_each_site_and_kind(store: Any) -> None:
    site = store.site()
    raise_one(store, site, "reading", "one")
    raise_one(store, site, "reading", "one", at=store.now + HOUR)
    newest = raise_one(store, site, "reading", "two", level="fail", at=store.now + DAY)
    none = raise_one(store, None, "reading")
    with reading(store.engine) as session:
        found = {group.site_id: group for group in find_open_issues(session)}
    assert set(found) == {site, None}
    group = found[site]
    assert (group.level, group.count, group.issues, group.newest, group.message) == (
        "fail",
        3,
        2,
        newest,
        "two",
    )
    assert (group.first_seen, group.last_seen) == (store.now, store.now + DAY)
    assert found[None].newest == none


@pytest.mark.parametrize("placed", [True, False])
def test_closing_closes_what_was_seen_and_no_more(store: Any, placed: bool) -> None:
    site = store.site() if placed else None
    other = store.site("newport")
    first = raise_one(store, site, "reading", "one")
    seen = raise_one(store, site, "reading", "two")
    stay = [
        raise_one(store, site, "reading", "three"),
        raise_one(store, site, "gate"),
        raise_one(store, other, "reading"),
    ]
    assert close_issues(store.engine, issue_id=seen, by="ana", note="mended", now=store.now) == 2
    assert close_issues(store.engine, issue_id=seen, by="ana", note="", now=store.now) == 0
    with reading(store.engine) as session:
        assert sorted(issue.id for issue in find_issues(session)) == sorted(stay)
        (row,) = [row for row in session.query(Audit) if row.action == "issue.close"]
        assert (row.actor, row.detail["issues"], row.detail["note"]) == ("ana", [first, seen], "mended")
    with pytest.raises(LookupError):
        close_issues(store.engine, issue_id=999, by="ana", note="", now=store.now)


@pytest.mark.parametrize(
    ("ends", "told"), [(None, False), (2 * DAY, False), (HOUR, True), (-HOUR, True), (-9 * DAY, False)]
)
def test_sessions_are_told_when_they_end_soon_or_just_ended(
    store: Any, ends: timedelta | None, told: bool
) -> None:
    site = store.site()
    ensure_session(store.engine, site_id=site, circuit="c", now=store.now)
    until = None if ends is None else store.now + ends
    open_session(
        store.engine, site_id=site, account_key="", sealed=b"x", by="ana", expires_at=until, now=store.now
    )
    with reading(store.engine) as session:
        found = find_ending_sessions(session, after=store.now - 7 * DAY, before=store.now + DAY)
    assert [(row.expires_at, site.name) for row, site in found] == ([(until, "oldport")] if told else [])


def test_mirrors_that_wait_are_counted_by_site(store: Any) -> None:
    site = store.site()
    run = store.run(site)
    page = store.page(site, run)
    onions = {letter * 56 + ".onion": "signed" for letter in "bc"}
    propose_addresses(store.engine, site_id=site, found=onions, page_id=page, signed_by="f", now=store.now)
    with reading(store.engine) as session:
        (found,) = count_proposed(session)
    assert (found.site_id, found.count, found.since) == (site, 2, store.now + timedelta(seconds=1))
    assert set(found.onions) == set(onions)


def test_flags_count_from_the_first_score_that_gave_them(store: Any) -> None:
    site = store.site()
    run = store.run(site)
    begin, user = store.now, store.user()
    readings = [store.listing(site, run, str(key)) for key in range(4)]
    for number, (_, reading_id) in enumerate(readings):
        store.now = begin + number * DAY
        store.score(reading_id)
    store.now = begin + 30 * DAY
    store.score(readings[0][1], model="m2")  # a newer model says the same
    store.score(readings[1][1], model="m2", flagged=False)  # and this one no more
    give_verdict(
        store.engine, listing_id=readings[2][0], reading_id=readings[2][1], user_id=user, labels=(), kind="", form="",
        note="", guideline_version="1", now=store.now,
    )  # fmt: skip
    with reading(store.engine) as session:
        found = count_unreviewed(session, before=begin + 10 * DAY)
        assert (found.count, found.since, found.capped) == (2, begin, False)
        assert count_unreviewed(session, before=begin + DAY).count == 1
        assert count_unreviewed(session, before=begin).count == 0
        capped = count_unreviewed(session, before=begin + 10 * DAY, most=1)
        assert (capped.count, capped.capped) == (1, True)


def add_schedule(store: Any, site: int, *, paused: bool = False) -> None:
    with transaction(store.engine) as session:
        session.add(
            Schedule(
                name=f"s{site}", site_id=site, cron="0 3 * * *", by="ana", created_at=store.now, paused=paused
            )
        )


@pytest.mark.parametrize(
    ("kind", "status", "silent"),
    [("listing", 200, False), (None, 200, False), ("captcha", 200, True), ("listing", 503, True)],
)
def test_a_site_is_silent_when_no_good_page_comes(
    store: Any, kind: str | None, status: int, silent: bool
) -> None:
    site = store.site()
    run = store.run(site)
    page = store.page(site, run, status=status)
    with transaction(store.engine) as session:
        session.execute(update(Run).where(Run.id == run).values(pages=1, ended_at=store.now + 8 * DAY))
        if kind is not None:
            from storage.tables import Page

            session.execute(update(Page).where(Page.id == page).values(kind=kind))
    add_schedule(store, site)
    with reading(store.engine) as session:
        found = find_silent(session, before=store.now + 7 * DAY, bad_kinds=("captcha",))
        assert [(each.id, last) for each, last in found] == ([(site, None)] if silent else [])
        later = find_silent(session, before=store.now + 9 * DAY, bad_kinds=("captcha",))
        assert [each.id for each, _ in later] == [site]


def test_nobody_misses_a_site_that_nobody_asks_for(store: Any) -> None:
    asked, planned, paused = store.site(), store.site("newport"), store.site("teahouse")
    add_schedule(store, planned)
    add_schedule(store, paused, paused=True)
    store.site("youngport")
    now = store.now + 30 * DAY
    store.now = now - DAY
    add_run(store, state="failed", site=asked)
    add_schedule(store, store.site("newcomer"))
    with reading(store.engine) as session:
        found = find_silent(session, before=now - 7 * DAY, bad_kinds=())
    assert [site.name for site, _ in found] == ["oldport", "newport"]


def test_only_a_server_has_a_clock_of_its_own(store: Any) -> None:
    with reading(store.engine) as session:
        gap = find_clock_gap(session, now=store.now)
    assert (gap == timedelta(0)) == (store.engine.dialect.name == "sqlite")
