"""Notices as rows: told once for each channel, taken by one, tried again, given up; on both databases."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from storage.engine import open_engine, reading, transaction
from storage.notices import (
    LEASE,
    MAX_TRIES,
    WAITS,
    NewNotice,
    add_notices,
    drop_cleared,
    find_due,
    find_events,
    find_last_sent,
    find_notices,
    find_undelivered,
    forget_notices,
    retry_notices,
    settle_notices,
    take_notices,
)
from storage.reports import store_report
from storage.runs import end_run
from storage.tables import Audit, Notice

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def new(store: Any, subject: str = "run 12", **changes: Any) -> NewNotice:
    plain = NewNotice(
        kind="gate", subject=subject, level="now", text=f"{subject} waits for a person", raised_at=store.now
    )
    return replace(plain, **changes)


def states(store: Any, channel: str = "mail") -> list[tuple[str, str, int]]:
    with reading(store.engine) as session:
        return [
            (row.subject, row.state, row.tries) for row in reversed(find_notices(session, channel=channel))
        ]


def due(store: Any, at: Any) -> list[int]:
    with reading(store.engine) as session:
        return [row.id for row in find_due(session, "mail", now=at)]


def test_the_same_is_told_once_for_each_channel(store: Any) -> None:
    assert add_notices(store.engine, "mail", [new(store), new(store, "run 13")], now=store.now) == 2
    assert add_notices(store.engine, "mail", [new(store), new(store)], now=store.now + DAY) == 0
    assert add_notices(store.engine, "webhook", [new(store)], now=store.now) == 1
    again = new(store, raised_at=store.now + MINUTE)
    assert add_notices(store.engine, "mail", [again], now=store.now) == 1
    assert states(store) == [("run 12", "waiting", 0), ("run 13", "waiting", 0), ("run 12", "waiting", 0)]


def test_a_state_without_a_beginning_is_told_again_after_a_while(store: Any) -> None:
    full = new(store, "disk a", kind="disk", raised_at=None, again=DAY)
    told = [
        add_notices(store.engine, "mail", [full], now=store.now + hours * timedelta(hours=1))
        for hours in (0, 1, 23, 24, 25, 49)
    ]
    assert told == [1, 0, 0, 1, 0, 1]


def test_the_feed_is_told_by_being_there(store: Any) -> None:
    add_notices(store.engine, "feed", [new(store)], now=store.now, sent=True)
    with reading(store.engine) as session:
        (row,) = find_notices(session, channel="feed")
    assert (row.state, row.sent_at, row.next_at) == ("sent", store.now, None)


def test_what_is_over_before_it_was_sent_is_dropped(store: Any) -> None:
    add_notices(
        store.engine,
        "mail",
        [new(store), new(store, "run 13"), new(store, "report 1", kind="report-ready")],
        now=store.now,
    )
    add_notices(store.engine, "webhook", [new(store, "run 13")], now=store.now)
    assert drop_cleared(store.engine, "mail", standing={("gate", "run 12")}, events=["report-ready"]) == 1
    assert states(store) == [("run 12", "waiting", 0), ("run 13", "dropped", 0), ("report 1", "waiting", 0)]
    assert states(store, "webhook") == [("run 13", "waiting", 0)]
    assert len(due(store, store.now)) == 2


def test_what_was_dropped_and_comes_again_is_told(store: Any) -> None:
    add_notices(store.engine, "mail", [new(store)], now=store.now)
    drop_cleared(store.engine, "mail", standing=set(), events=[])
    assert add_notices(store.engine, "mail", [new(store)], now=store.now + MINUTE) == 1
    assert states(store) == [("run 12", "waiting", 0)]


def test_what_was_sent_is_not_dropped(store: Any) -> None:
    add_notices(store.engine, "mail", [new(store)], now=store.now)
    taken = take_notices(store.engine, due(store, store.now), now=store.now)
    settle_notices(store.engine, taken, sent=True, error="", now=store.now)
    assert drop_cleared(store.engine, "mail", standing=set(), events=[]) == 0
    assert states(store) == [("run 12", "sent", 1)]
    with reading(store.engine) as session:
        assert find_last_sent(session, "mail") == store.now
        assert find_last_sent(session, "webhook") is None


def test_nobody_gets_what_another_has_taken(store: Any) -> None:
    add_notices(store.engine, "mail", [new(store), new(store, "run 13")], now=store.now)
    ids = due(store, store.now)
    assert [row.id for row in take_notices(store.engine, ids, now=store.now)] == ids
    assert take_notices(store.engine, ids, now=store.now) == []
    assert due(store, store.now + LEASE - MINUTE) == []


def test_who_dies_leaves_it_to_the_next(store: Any) -> None:
    add_notices(store.engine, "mail", [new(store)], now=store.now)
    first = take_notices(store.engine, due(store, store.now), now=store.now)
    later = store.now + LEASE
    second = take_notices(store.engine, due(store, later), now=later)
    assert [row.tries for row in second] == [2]
    settle_notices(store.engine, first, sent=False, error="too late", now=later)  # the first was only slow
    assert states(store) == [("run 12", "waiting", 2)]
    settle_notices(store.engine, second, sent=True, error="", now=later)
    assert states(store) == [("run 12", "sent", 2)]


def test_two_workers_at_the_same_moment_send_it_once(store: Any) -> None:
    add_notices(store.engine, "mail", [new(store, f"run {number}") for number in range(30)], now=store.now)
    ids, got, start = due(store, store.now), [], threading.Barrier(4)

    def work() -> None:
        engine = open_engine(store.engine.url.render_as_string(hide_password=False))
        start.wait()
        taken = take_notices(engine, ids, now=store.now)
        got.extend(row.id for row in taken)
        engine.dispose()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == ids


def test_two_workers_gather_a_state_without_a_beginning_once(store: Any) -> None:
    full, start, added = (
        new(store, "disk a", kind="disk", raised_at=None, again=DAY),
        threading.Barrier(4),
        [],
    )

    def work(number: int) -> None:
        engine = open_engine(store.engine.url.render_as_string(hide_password=False))
        start.wait()
        added.append(add_notices(engine, "mail", [full], now=store.now + timedelta(milliseconds=number)))
        engine.dispose()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(added) == 1


def test_tries_come_further_and_further_apart_and_end_after_a_day(store: Any) -> None:
    add_notices(store.engine, "mail", [new(store)], now=store.now)
    at, begun, waits = store.now, store.now, []
    while taken := take_notices(store.engine, due(store, at), now=at):
        given_up = settle_notices(store.engine, taken, sent=False, error="said 451", now=at)
        with reading(store.engine) as session:
            (row,) = find_notices(session)
        if given_up:
            break
        assert row.next_at is not None
        waits.append(row.next_at - at)
        at = row.next_at
    assert waits[:5] == [*WAITS, WAITS[-1]]
    assert states(store) == [("run 12", "failed", MAX_TRIES)]
    assert timedelta(hours=22) < at - begun < DAY
    assert due(store, at + 30 * DAY) == []


def fail(store: Any, times: int = 1) -> None:
    for _ in range(times):
        with transaction(store.engine) as session:
            session.execute(update(Notice).values(next_at=store.now))
        taken = take_notices(store.engine, due(store, store.now), now=store.now)
        settle_notices(store.engine, taken, sent=False, error="said 451", now=store.now)


@pytest.mark.parametrize(("times", "failed"), [(1, 0), (MAX_TRIES, 2)])
def test_what_cannot_be_delivered_is_known_and_tried_again_when_asked(
    store: Any, times: int, failed: int
) -> None:
    add_notices(store.engine, "mail", [new(store), new(store, "run 13")], now=store.now)
    add_notices(store.engine, "webhook", [new(store)], now=store.now)
    with reading(store.engine) as session:
        assert find_undelivered(session, now=store.now) == []
    fail(store, times)
    with reading(store.engine) as session:
        (found,) = find_undelivered(session, now=store.now)
    assert (found.channel, found.count, found.failed, found.since, found.error) == (
        "mail",
        2,
        failed,
        store.now,
        "said 451",
    )
    assert retry_notices(store.engine, notice_id=None, by="ana", now=store.now + DAY) == 2
    assert len(due(store, store.now + DAY)) == 2
    with reading(store.engine) as session:
        assert find_undelivered(session, now=store.now) == []
        (row,) = [row for row in session.query(Audit) if row.action == "notice.retry"]
    assert (row.actor, row.detail["count"]) == ("ana", 2)


def test_one_of_them_is_tried_again(store: Any) -> None:
    add_notices(store.engine, "mail", [new(store), new(store, "run 13")], now=store.now)
    fail(store)
    with reading(store.engine) as session:
        chosen = find_notices(session)[0].id
    assert retry_notices(store.engine, notice_id=chosen, by="ana", now=store.now) == 1
    assert retry_notices(store.engine, notice_id=999, by="ana", now=store.now) == 0


def test_what_some_of_the_receivers_refused_is_known_for_a_day(store: Any) -> None:
    add_notices(store.engine, "mail", [new(store)], now=store.now)
    taken = take_notices(store.engine, due(store, store.now), now=store.now)
    settle_notices(store.engine, taken, sent=True, error="1 of 2 recipients were refused", now=store.now)
    with reading(store.engine) as session:
        assert [each.count for each in find_undelivered(session, now=store.now + MINUTE)] == [1]
        assert find_undelivered(session, now=store.now + DAY) == []


def test_old_ones_are_forgotten_once_they_are_over(store: Any) -> None:
    add_notices(store.engine, "feed", [new(store)], now=store.now, sent=True)
    add_notices(store.engine, "mail", [new(store)], now=store.now)
    assert forget_notices(store.engine, before=store.now) == 0
    assert forget_notices(store.engine, before=store.now + DAY) == 1
    assert states(store) == [("run 12", "waiting", 0)]


def test_events_are_reports_and_runs_done(store: Any) -> None:
    site = store.site()
    done, failed = store.run(site), store.run(site)
    store.end(done)
    end_run(store.engine, run_id=failed, state="failed", message="", now=store.now)
    report = store_report(
        store.engine, period_from=store.now - DAY, period_to=store.now, files={}, figures={}, by="ana", now=store.now,
        place=lambda number: f"reports/{number}",
    )  # fmt: skip
    with reading(store.engine) as session:
        reports, runs = find_events(session, since=store.now)
        assert ([each.id for each in reports], [each.id for each in runs]) == ([report], [done])
        assert find_events(session, since=store.now + MINUTE) == ([], [])
