"""Schedules fire: once for each time, by their rules, whatever the clock does and whoever dies in between."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select, update

import jobs.asking
import jobs.clockwork
from crawler.denyfile import write_empty
from jobs.adoption import adopt_old
from jobs.byhand import backfill_schedule, plan_backfill, read_moment, trigger_schedule
from jobs.clockwork import MOST_MADE_UP, fire_due
from jobs.engine import CRAWL_FLOW, SCHEDULE_FLOW, TASK_FLOW, open_client, rank
from jobs.errors import BusyError, PersonWanted, UsageError
from jobs.places import Places
from jobs.rules import Rules
from jobs.schedulepast import find_past
from jobs.schedules import (
    add_schedule,
    change_schedule,
    find_schedule,
    find_schedules,
    pause_schedule,
    remove_schedule,
    resume_schedule,
)
from storage.audit import verify
from storage.engine import open_engine, reading, transaction, upgrade
from storage.issues import find_issues
from storage.runs import create_run, end_run, start_run, wait_run_for
from storage.tables import Audit, Run, Schedule

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pattern") / "pattern.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def places(tmp_path: Path, pattern: Path, add_site: Callable[[Path, str], None]) -> Places:
    data = tmp_path / "data"
    add_site(data, "oldport")
    add_site(data, "newport")
    shutil.copy(pattern, data / "tuskwatch.db")
    write_empty(data)
    url = f"sqlite:///{data}/tuskwatch.db"
    return Places(data=data, database_url=url, engine_url=f"sqlite:///{data}/engine.db", models=tmp_path)


@pytest.fixture
def engine(places: Places) -> Iterator[Engine]:
    engine = open_engine(places.database_url)
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    yield engine
    engine.dispose()


@pytest.fixture(autouse=True)
def queue(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> list[int]:
    """The ids put on the queue. The engine itself is asked only by tests that want real_queue: making its tables takes a second."""
    put: list[int] = []
    if "real_queue" not in request.fixturenames:

        def note(places: Places, runs: list[Run], errand: object) -> str:
            put.extend(run.id for run in runs)
            return ""

        monkeypatch.setattr(jobs.clockwork, "put_on_queue", note)
        monkeypatch.setattr("jobs.byhand.put_on_queue", note)
    return put


@pytest.fixture
def real_queue() -> None:
    """Named by tests that look at the engine's own queue."""


class Desk:
    """Short ways to make a schedule and to look at what became of it."""

    def __init__(self, places: Places, engine: Engine) -> None:
        self.places, self.engine = places, engine

    def add(self, cron: str = "15 3 * * *", *, tz: str = "UTC", verb: str = "crawl", name: str = "s", **rules: Any) -> None:  # fmt: skip
        if verb == "report":
            rules = {"period": "month", **rules}
        add_schedule(
            self.places, site="oldport" if verb == "crawl" else "", verb=verb, cron=cron, tz=tz, by="ana", now=NOW,
            name=name, rules=Rules(**rules),
        )  # fmt: skip

    def fire(self, now: datetime) -> list[int]:
        return fire_due(self.places, self.engine, now=now)

    def row(self, name: str = "s") -> Schedule:
        with reading(self.engine) as session:
            row = session.scalar(select(Schedule).where(Schedule.name == name))
            assert row is not None
            return row

    def runs(self) -> list[Run]:
        with reading(self.engine) as session:
            return list(session.scalars(select(Run).order_by(Run.id)))

    def end(self, run_id: int, state: str = "done") -> None:
        end_run(self.engine, run_id=run_id, state=state, message="", now=NOW)

    def issues(self) -> list[str]:
        with reading(self.engine) as session:
            return [issue.message for issue in find_issues(session, limit=50)]


@pytest.fixture
def desk(places: Places, engine: Engine) -> Desk:
    return Desk(places, engine)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def test_a_time_fires_once_and_the_next_one_is_set(desk: Desk, queue: list[int]) -> None:
    desk.add(pages=500, priority=3, account="k" * 16)
    assert desk.fire(utc(2026, 11, 23, 3, 14, 59)) == []
    (run_id,) = desk.fire(utc(2026, 11, 23, 3, 15, 2))
    assert desk.fire(utc(2026, 11, 23, 3, 15, 2)) == []
    (run,) = desk.runs()
    assert (run.id, run.verb, run.state, run.schedule, run.by, run.reason) == (
        run_id, "crawl", "queued", "s", "ana", "schedule s",
    )  # fmt: skip
    assert (run.due_at, run.priority, run.plan) == (utc(2026, 11, 23, 3, 15), 3, "full")
    assert run.settings == {"pages": 500, "account": "k" * 16, "at": "2026-11-23T03:15:00+00:00"}
    row = desk.row()
    assert (row.next_at, row.last_at, row.last_run_id, row.last_words) == (
        utc(2026, 11, 24, 3, 15), utc(2026, 11, 23, 3, 15), run_id, f"run {run_id}",
    )  # fmt: skip
    assert queue == [run_id]


def test_the_second_crawl_looks_at_the_known_ads(desk: Desk) -> None:
    desk.add("15 3,15 * * *")
    desk.end(desk.fire(utc(2026, 11, 22, 15, 15))[0])
    desk.fire(utc(2026, 11, 23, 3, 15))
    assert [run.plan for run in desk.runs()] == ["full", "known"]


def test_a_report_is_for_the_time_it_was_asked_for(desk: Desk) -> None:
    desk.add("0 6 1 * *", verb="report")
    (run_id,) = desk.fire(utc(2026, 12, 1, 6, 0, 10))
    (run,) = desk.runs()
    assert (run.id, run.verb, run.site_id) == (run_id, "report", None)
    assert run.settings == {"period": "month", "at": "2026-12-01T06:00:00+00:00"}


MISSED = [
    # rule, how many times were missed, (runs, words)
    ("once", 1, 1, "run 1; 1 time was missed: made up for"),
    ("once", 9, 1, "run 1; 9 times were missed: made up for once"),
    ("none", 1, 0, "1 time was missed and left out"),
    ("none", 9, 0, "9 times were missed and left out"),
    ("all", 1, 1, "run 1; 1 time was missed: made up for"),
    ("all", 9, 9, "runs 1 to 9; 9 times were missed: all made up for"),
    ("all", 150, 100, "runs 1 to 100; 150 times were missed: 100 made up for, 50 left out"),
]


@pytest.mark.parametrize(("rule", "missed", "made", "words"), MISSED)
def test_missed_times_are_treated_as_their_rule_says(
    desk: Desk, rule: str, missed: int, made: int, words: str
) -> None:
    desk.add("0 6 * * *", verb="report", missed=rule)
    # Nobody was there at the last `missed` times; it is an hour after the last of them.
    fired = desk.fire(utc(2026, 11, 22, 7) + missed * DAY)
    assert len(fired) == made
    row = desk.row()
    assert row.last_words == words
    assert row.next_at == utc(2026, 11, 23, 6) + missed * DAY
    assert row.last_at == utc(2026, 11, 22, 6) + missed * DAY
    # The newest are made up for, and each knows its time.
    times = [run.settings["at"] for run in desk.runs()]
    assert times == [(utc(2026, 11, 23, 6) + day * DAY).isoformat() for day in range(missed - made, missed)]
    if "left out" in words:
        assert [message for message in desk.issues() if "left out" in message] != []
    # Being made up for now, they are not late from the start.
    assert {run.due_at for run in desk.runs()} <= {utc(2026, 11, 22, 7) + missed * DAY}


def test_a_year_of_minutes_is_left_out_quickly_and_not_counted_one_by_one(desk: Desk, engine: Engine) -> None:
    desk.add("* * * * *", verb="backup", missed="all")
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    fired = desk.fire(NOW + 365 * DAY + timedelta(seconds=1))
    # 100 missed ones; of the timely minutes none, since those are still queued.
    assert len(fired) == MOST_MADE_UP
    assert desk.row().next_at == NOW + 365 * DAY + MINUTE
    assert "more than 1,00" in desk.row().last_words
    assert len(statements) < 20 * MOST_MADE_UP


def test_five_minutes_late_is_still_in_time(desk: Desk) -> None:
    desk.add(missed="none")
    assert len(desk.fire(utc(2026, 11, 23, 3, 20))) == 1
    assert desk.fire(utc(2026, 11, 24, 3, 20, 1)) == []


def test_a_missed_time_beside_one_that_is_due_now_is_made_up_for_by_it(desk: Desk) -> None:
    desk.add("0 * * * *", verb="backup")
    (run_id,) = desk.fire(utc(2026, 11, 22, 20, 1))
    assert desk.row().last_words == f"run {run_id}; 7 times were missed: made up for once"
    assert desk.runs()[0].due_at == utc(2026, 11, 22, 20)


@pytest.mark.parametrize(
    ("state", "says"),
    [("queued", "skipped: run 1 is still queued"), ("running", "skipped: run 1 is still running")],
)
def test_a_busy_site_is_skipped_and_an_issue_says_so(desk: Desk, state: str, says: str) -> None:
    desk.add()
    site_id = desk.row().site_id
    run_id = create_run(
        desk.engine, verb="crawl", site_id=site_id, by="bo", reason="by hand", settings={}, now=NOW
    )
    if state == "running":
        start_run(desk.engine, run_id=run_id, worker="w", pid=None, now=NOW)
    assert desk.fire(utc(2026, 11, 23, 3, 15)) == []
    assert desk.row().last_words == says
    assert desk.row().next_at == utc(2026, 11, 24, 3, 15)
    assert desk.issues() == ['Schedule "s" fired and nothing was crawled: the site was still being crawled']


def test_queue_lets_one_wait_and_no_more(desk: Desk) -> None:
    desk.add("0 * * * *", overlap="queue")
    (first,) = desk.fire(utc(2026, 11, 22, 13))
    start_run(desk.engine, run_id=first, worker="w", pid=None, now=NOW)
    (second,) = desk.fire(utc(2026, 11, 22, 14))
    assert desk.fire(utc(2026, 11, 22, 15)) == []
    assert desk.row().last_words == f"skipped: run {second} is still queued"
    desk.end(first)
    start_run(desk.engine, run_id=second, worker="w", pid=None, now=NOW)
    assert len(desk.fire(utc(2026, 11, 22, 16))) == 1


@pytest.mark.parametrize("overlap", ["skip", "queue"])
@pytest.mark.parametrize("missed", ["once", "all"])
def test_a_site_that_waits_for_a_person_is_never_crawled_beside_it(
    desk: Desk, overlap: str, missed: str
) -> None:
    desk.add(overlap=overlap, missed=missed)
    site_id = desk.row().site_id
    run_id = create_run(
        desk.engine, verb="crawl", site_id=site_id, by="bo", reason="by hand", settings={}, now=NOW
    )
    start_run(desk.engine, run_id=run_id, worker="w", pid=None, now=NOW)
    wait_run_for(desk.engine, run_id=run_id, what="person", message="captcha", now=NOW)
    assert desk.fire(utc(2026, 11, 23, 3, 15)) == []
    assert desk.fire(utc(2026, 11, 25, 5)) == []
    assert f"run {run_id} waits for a person" in desk.row().last_words
    assert any('"tuskwatch session open oldport"' in message for message in desk.issues())
    with pytest.raises(PersonWanted, match="waits for a person"):
        trigger_schedule(desk.places, "s", by="ana", now=NOW)


def test_a_report_waits_for_no_other_schedule(desk: Desk) -> None:
    desk.add("0 6 1 * *", verb="report", name="monthly")
    desk.add("0 6 * * *", verb="report", name="daily", period="week")
    assert len(desk.fire(utc(2026, 12, 1, 6))) == 2


def test_a_site_whose_file_is_gone_is_said_and_the_others_go_on(desk: Desk) -> None:
    desk.add(name="a")
    desk.add("20 3 * * *", verb="backup", name="b")
    (desk.places.sites / "oldport" / "site.yml").unlink()
    assert len(desk.fire(utc(2026, 11, 23, 3, 20))) == 1
    assert 'There is no site "oldport"' in desk.row("a").last_words
    assert desk.row("a").next_at == utc(2026, 11, 24, 3, 15)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"cron": "no cron"},
        {"tz": "Mars/Base"},
        {"blackout": [["x", "y"]]},
        {"blackout": 7},
    ],
    ids=str,
)
def test_a_row_that_cannot_be_read_is_paused_and_said(desk: Desk, spoilt: dict[str, Any]) -> None:
    desk.add(name="a")
    desk.add("20 3 * * *", verb="backup", name="b")
    with transaction(desk.engine) as session:
        session.execute(update(Schedule).where(Schedule.name == "a").values(**spoilt))
    assert len(desk.fire(utc(2026, 11, 23, 3, 20))) == 1
    assert desk.row("a").paused
    assert any('Schedule "a" cannot be read and is paused' in message for message in desk.issues())
    assert [info.name for info in find_schedules(desk.places, now=NOW)] == ["a", "b"]


def test_a_clock_put_back_fires_nothing_twice(desk: Desk) -> None:
    desk.add("0 * * * *", verb="backup", overlap="queue")
    desk.end(desk.fire(utc(2026, 11, 22, 15, 0, 5))[0])
    fired = []
    for minute in range(0, 3 * 60, 7):
        fired += desk.fire(utc(2026, 11, 22, 13) + minute * MINUTE)
    assert fired == []
    assert desk.row().next_at == utc(2026, 11, 22, 16)
    assert len(desk.fire(utc(2026, 11, 22, 16))) == 1


def test_a_clock_put_forward_is_as_if_nobody_was_there(desk: Desk) -> None:
    desk.add("0 * * * *", verb="backup")
    assert len(desk.fire(utc(2026, 11, 23, 0, 30))) == 1
    assert desk.row().last_words.endswith("12 times were missed: made up for once")


def test_a_clock_that_stood_far_ahead_is_set_right_by_a_person(desk: Desk) -> None:
    desk.add("0 6 * * *", verb="backup", missed="none")
    desk.fire(NOW + 400 * DAY)
    assert desk.row().next_at is not None
    assert desk.row().next_at > NOW + 399 * DAY
    pause_schedule(desk.places, "s", by="ana", now=NOW)
    resume_schedule(desk.places, "s", by="ana", now=NOW)
    assert desk.row().next_at == utc(2026, 11, 23, 6)


def test_workers_whose_clocks_differ_fire_once(desk: Desk) -> None:
    desk.add("0 * * * *", verb="backup", overlap="queue", missed="all")
    fired = []
    for minute in (hour + near for hour in (0, 60, 120, 180) for near in (0, 1, 2, 30, 58, 59)):
        fired += desk.fire(NOW + minute * MINUTE + timedelta(seconds=55))
        fired += desk.fire(NOW + minute * MINUTE - timedelta(seconds=5))
        for run_id in fired:
            desk.end(run_id)
    assert len(fired) == 3  # 13, 14 and 15 o'clock
    assert len({run.settings["at"] for run in desk.runs()}) == 3


CHANGES = [
    # zone, day of the change, cron, how many runs that day and when, UTC
    ("Europe/Lisbon", utc(2027, 3, 28), "30 1 * * *", [utc(2027, 3, 28, 1)]),
    ("Europe/Lisbon", utc(2026, 10, 25), "30 1 * * *", [utc(2026, 10, 25, 0, 30)]),
    ("America/New_York", utc(2027, 3, 14), "30 2 * * *", [utc(2027, 3, 14, 7)]),
    ("America/New_York", utc(2026, 11, 1), "30 1 * * *", [utc(2026, 11, 1, 5, 30)]),
    ("Australia/Lord_Howe", utc(2026, 10, 3, 13), "15 2 * * *", [utc(2026, 10, 3, 15, 30)]),
    ("Australia/Lord_Howe", utc(2027, 4, 3, 13), "45 1 * * *", [utc(2027, 4, 3, 14, 45)]),
]


@pytest.mark.parametrize(("tz", "day", "cron", "expected"), CHANGES)
def test_a_change_of_the_clock_fires_each_time_once(
    desk: Desk, tz: str, day: datetime, cron: str, expected: list[datetime]
) -> None:
    """A worker that looks every ten minutes through the night of the change."""
    add_schedule(desk.places, verb="backup", cron=cron, tz=tz, by="ana", now=day, name="s")
    fired = []
    for step in range(20 * 6):
        now = day + step * 10 * MINUTE
        fired += [now - now.minute % 1 * MINUTE for _ in desk.fire(now)]
        for run in desk.runs():
            if run.state == "queued":
                desk.end(run.id)
    assert [run.settings["at"] for run in desk.runs()] == [time.isoformat() for time in expected]
    assert all(timedelta() <= when - time <= 10 * MINUTE for when, time in zip(fired, expected, strict=True))


def test_paused_times_are_neither_fired_nor_counted_as_missed(desk: Desk) -> None:
    desk.add(missed="all")
    pause_schedule(desk.places, "s", by="bo", now=NOW)
    assert desk.fire(NOW + 10 * DAY) == []
    info = resume_schedule(desk.places, "s", by="bo", now=NOW + 10 * DAY)
    assert info.next[0] == utc(2026, 12, 3, 3, 15)
    assert desk.fire(NOW + 10 * DAY) == []


def test_what_falls_into_blackout_hours_waits_and_is_one_run(desk: Desk) -> None:
    desk.add("*/15 * * * *", blackout=(("13:00", "14:30"),))
    desk.end(desk.fire(utc(2026, 11, 22, 12, 15))[0])
    desk.end(desk.fire(utc(2026, 11, 22, 12, 30))[0])
    desk.end(desk.fire(utc(2026, 11, 22, 12, 45))[0])
    assert [desk.fire(utc(2026, 11, 22, 13, minute)) for minute in (0, 15, 59)] == [[], [], []]
    assert desk.fire(utc(2026, 11, 22, 14, 29, 59)) == []
    assert len(desk.fire(utc(2026, 11, 22, 14, 30))) == 1
    assert desk.row().next_at == utc(2026, 11, 22, 14, 45)
    assert "missed" not in desk.row().last_words


def test_jitter_stays_where_it_was_drawn(desk: Desk) -> None:
    desk.add(jitter=30)
    due = desk.row().due_at
    assert due is not None
    assert utc(2026, 11, 23, 3, 15) < due <= utc(2026, 11, 23, 3, 45)
    assert desk.fire(due - timedelta(seconds=1)) == []
    assert find_schedule(desk.places, "s", now=NOW + HOUR).due[0] == due
    assert len(desk.fire(due)) == 1
    assert desk.runs()[0].due_at == due


def test_a_change_moves_the_coming_times_and_is_kept_with_its_author(desk: Desk) -> None:
    desk.add()
    desk.end(desk.fire(utc(2026, 11, 23, 3, 15))[0])
    # Changed with the same minute: the time dealt with is not fired again, by a clock that is a little behind either.
    change_schedule(
        desk.places, "s", {"cron": "15 3,4 * * *", "pages": 9}, by="bo", now=utc(2026, 11, 23, 3, 14)
    )
    assert desk.row().next_at == utc(2026, 11, 23, 4, 15)
    past = find_past(desk.places, "s", now=NOW)
    assert past.changes[0].by == "bo"
    assert (
        past.changes[0].words == "changed cron 15 3 * * * \u2192 15 3,4 * * *; settings none \u2192 pages 9"
    )
    assert (past.info.changed_by, past.info.by) == ("bo", "ana")
    assert [run.id for run in past.runs] == [1]
    with reading(desk.engine) as session:
        assert verify(session) == []


def test_the_key_of_an_account_is_not_in_the_chain(desk: Desk) -> None:
    desk.add(account="k" * 16)
    change_schedule(desk.places, "s", {"account": "m" * 16}, by="bo", now=NOW)
    with reading(desk.engine) as session:
        text = " ".join(str(row.detail) for row in session.scalars(select(Audit)))
    assert "kkkk" not in text
    assert "mmmm" not in text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"cron": "99 * * * *"}, "is not a cron line"),
        ({"tz": "Mars/Base"}, "is not the name of a time zone"),
        ({"jitter": -1}, "from 0 to 720"),
        ({"jitter": 721}, "from 0 to 720"),
        ({"cron": "* * * * *", "jitter": 1}, "would mix up times"),
        ({"blackout": (("00:00", "12:00"), ("12:00", "00:00"))}, "cover the whole day"),
        ({"blackout": (("03:00", "03:00"),)}, "begin and end at the same time"),
        ({"overlap": "both"}, "is one of skip, queue"),
        ({"missed": "some"}, "is one of once, all, none"),
        ({"pages": -5}, "from 0 to"),
        ({"priority": 10}, "from -9 to 9"),
        ({"plan": "all"}, "is one of due, full, known"),
        ({"period": "month"}, "Only a report has a period"),
        ({"paused": True}, "cannot be changed"),
        ({"name": "t"}, "cannot be changed"),
    ],
    ids=str,
)  # fmt: skip
def test_a_change_that_cannot_be_is_refused_and_nothing_is_changed(
    desk: Desk, changes: dict[str, Any], sentence: str
) -> None:
    desk.add()
    with pytest.raises(UsageError, match=sentence):
        change_schedule(desk.places, "s", changes, by="bo", now=NOW)
    assert (desk.row().changed_by, desk.row().cron) == ("", "15 3 * * *")


def test_run_now_as_well_leaves_the_coming_times_alone(desk: Desk, queue: list[int]) -> None:
    desk.add()
    pause_schedule(desk.places, "s", by="bo", now=NOW)
    run_id = trigger_schedule(desk.places, "s", by="bo", now=NOW)
    resume_schedule(desk.places, "s", by="bo", now=NOW)
    (run,) = desk.runs()
    assert (run.by, run.reason, run.schedule, queue) == ("bo", "by hand, beside schedule s", "s", [run_id])
    assert desk.row().next_at == utc(2026, 11, 23, 3, 15)
    with pytest.raises(BusyError, match=f"Run {run_id} is queued"):
        trigger_schedule(desk.places, "s", by="bo", now=NOW)


def test_past_times_are_made_up_for_once(desk: Desk) -> None:
    desk.add("0 6 1 * *", verb="report")
    first, last = read_moment("2026-08-01", "UTC"), read_moment("2026-11-15", "UTC")
    assert len(plan_backfill(desk.places, "s", start=first, end=last, now=NOW).times) == 4
    runs = backfill_schedule(desk.places, "s", start=first, end=last, by="bo", now=NOW)
    assert [run.settings["at"][:10] for run in desk.runs()] == [
        "2026-08-01",
        "2026-09-01",
        "2026-10-01",
        "2026-11-01",
    ]
    assert backfill_schedule(desk.places, "s", start=first, end=last, by="bo", now=NOW) == []
    # One that failed may be made up for again.
    desk.end(runs[1], "failed")
    again = plan_backfill(desk.places, "s", start=first, end=last, now=NOW)
    assert ([time.month for time in again.times], again.done) == ([9], 3)
    assert desk.row().next_at == utc(2026, 12, 1, 6)


@pytest.mark.parametrize(
    ("start", "end", "sentence"),
    [
        ("2026-11-02", "2026-11-01", "is not after its beginning"),
        ("2026-11-01", "2026-11-01", "is not after its beginning"),
        ("2026-11-01", "2027-01-01", "still to come"),
        ("2000-01-01", "2026-11-01", "more than 100 runs"),
        ("0001-01-01", "2026-11-01", "too far away"),
        ("yesterday", "2026-11-01", "is not a day or a time"),
        ("2026-13-01", "2026-11-01", "is not a day or a time"),
        ("", "2026-11-01", "is not a day or a time"),
    ],
)
def test_a_backfill_has_bounds(desk: Desk, start: str, end: str, sentence: str) -> None:
    desk.add("0 6 * * *", verb="backup")
    with pytest.raises(UsageError, match=sentence):
        plan_backfill(desk.places, "s", start=read_moment(start, "UTC"), end=read_moment(end, "UTC"), now=NOW)


@pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
def test_a_worker_killed_in_between_loses_no_time_and_repeats_none(
    desk: Desk, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.add()
    where = "create_run_in" if moment == "before the commit" else "put_on_queue"
    module = jobs.asking if moment == "before the commit" else jobs.clockwork
    pid = os.fork()
    if pid == 0:  # in a process of its own, which ends there as by kill -9
        real = getattr(module, where)

        def die(*given: Any, **named: Any) -> None:
            if moment == "before the commit":
                real(*given, **named)
            os._exit(9)

        monkeypatch.setattr(module, where, die)
        desk.engine.dispose(close=False)
        fire_due(desk.places, open_engine(desk.places.database_url), now=utc(2026, 11, 23, 3, 15))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    ids = desk.fire(utc(2026, 11, 23, 3, 15, 30))
    assert len(ids) == (1 if moment == "before the commit" else 0)
    assert len(desk.runs()) == 1
    assert desk.row().next_at == utc(2026, 11, 24, 3, 15)
    with reading(desk.engine) as session:
        assert verify(session) == []


def test_a_removed_schedule_fires_no_more_and_its_runs_stay(desk: Desk) -> None:
    desk.add()
    desk.fire(utc(2026, 11, 23, 3, 15))
    remove_schedule(desk.places, "s", by="bo", now=NOW)
    assert desk.fire(NOW + 5 * DAY) == []
    assert [run.schedule for run in desk.runs()] == ["s"]


@pytest.mark.usefixtures("real_queue")
def test_what_is_asked_for_is_on_the_queue(desk: Desk) -> None:
    desk.add(name="a", priority=2)
    desk.add("16 3 * * *", verb="backup", name="b")
    crawl, backup = desk.fire(utc(2026, 11, 23, 3, 16))
    with open_client(desk.places) as client:
        flows = {flow.workflow_id: flow for flow in client.list_workflows()}
    assert set(flows) == {f"run-{crawl}", f"run-{backup}"}
    flow = flows[f"run-{crawl}"]
    assert (flow.name, flow.queue_partition_key, flow.priority) == (CRAWL_FLOW, "oldport", rank(2))
    assert flows[f"run-{backup}"].name == TASK_FLOW


@pytest.mark.usefixtures("real_queue")
def test_schedules_of_an_older_version_are_taken_over_once(desk: Desk) -> None:
    def old(name: str, **context: str) -> None:
        client.create_schedule(
            schedule_name=name, workflow_name=SCHEDULE_FLOW, schedule="15 3 * * *", cron_timezone="Asia/Singapore",
            context={"schedule": name, "by": "ben", "account": "", **context},
        )  # fmt: skip

    with open_client(desk.places) as client:
        old("nightly", site="oldport", account="k" * 16)
        old("asleep", site="newport")
        old("orphan", site="nowhere")
        client.pause_schedule("asleep")
        client.create_schedule(schedule_name="other", workflow_name="tick", schedule="* * * * *")
    infos = find_schedules(desk.places, now=NOW)
    assert [(i.name, i.site, i.tz, i.paused, i.by, i.rules.account) for i in infos] == [
        ("asleep", "newport", "Asia/Singapore", True, "ben", ""),
        ("nightly", "oldport", "Asia/Singapore", False, "ben", "k" * 16),
    ]
    assert infos[1].next[0] == utc(2026, 11, 22, 19, 15)
    with open_client(desk.places) as client:
        # What nobody can crawl rests there; a schedule that is not ours is left alone.
        assert {row["schedule_name"]: row["status"] for row in client.list_schedules()} == {
            "orphan": "PAUSED", "other": "ACTIVE",
        }  # fmt: skip
    assert adopt_old(desk.places, desk.engine, now=NOW) == []
    with reading(desk.engine) as session:
        assert session.scalar(select(func.count()).select_from(Schedule)) == 2


def test_a_run_that_a_person_paused_does_not_hold_up_its_schedule(desk: Desk) -> None:
    """A paused run ended: the next one of its plan takes over its sweep."""
    desk.add(plan="full")
    (run_id,) = desk.fire(utc(2026, 11, 23, 3, 15))
    start_run(desk.engine, run_id=run_id, worker="w", pid=None, now=NOW)
    desk.end(run_id, "paused")
    assert len(desk.fire(utc(2026, 11, 24, 3, 15))) == 1
    assert [run.sweep_id for run in desk.runs()] == [run_id, run_id]


def test_a_list_tells_of_a_time_that_nobody_fired_and_of_one_that_waits(desk: Desk) -> None:
    desk.add("0 * * * *", blackout=(("13:00", "15:00"),))
    waiting = find_schedule(desk.places, "s", now=utc(2026, 11, 22, 14))
    assert (waiting.overdue, waiting.next[0], waiting.due[0]) == (
        None,
        utc(2026, 11, 22, 13),
        utc(2026, 11, 22, 15),
    )
    assert waiting.next[1:] == [utc(2026, 11, 22, 16), utc(2026, 11, 22, 17)]
    late = find_schedule(desk.places, "s", now=utc(2026, 11, 22, 16, 30))
    assert (late.overdue, late.next[0]) == (utc(2026, 11, 22, 15), utc(2026, 11, 22, 17))
