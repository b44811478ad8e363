"""Schedules: what is accepted, when the next times are, and that each change is seen by the next question."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jobs.errors import UsageError
from jobs.places import Places
from jobs.rules import Rules
from jobs.schedules import (
    add_schedule,
    change_schedule,
    describe_cron,
    find_schedules,
    next_times,
    pause_schedule,
    remove_schedule,
    resume_schedule,
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("cron", "tz", "after", "expected"),
    [
        # 03:15 in Singapore (UTC+8, no summer time) is 19:15 UTC of the day before
        (
            "15 3 * * *",
            "Asia/Singapore",
            utc(2026, 11, 22, 12),
            [utc(2026, 11, 22, 19, 15), utc(2026, 11, 23, 19, 15)],
        ),
        ("15 3 * * *", "UTC", utc(2026, 11, 22, 12), [utc(2026, 11, 23, 3, 15), utc(2026, 11, 24, 3, 15)]),
        # Berlin leaves summer time on 2026-10-25: 09:00 is 07:00 UTC before and 08:00 UTC after
        ("0 9 * * *", "Europe/Berlin", utc(2026, 10, 24, 0), [utc(2026, 10, 24, 7), utc(2026, 10, 25, 8)]),
        # Berlin enters summer time on 2027-03-28
        ("0 9 * * *", "Europe/Berlin", utc(2027, 3, 27, 0), [utc(2027, 3, 27, 8), utc(2027, 3, 28, 7)]),
        # Seconds first, when there are six fields
        (
            "*/30 0 * * * *",
            "UTC",
            utc(2026, 11, 22, 12, 0, 5),
            [utc(2026, 11, 22, 12, 0, 30), utc(2026, 11, 22, 13)],
        ),
        ("0 0 30 2 *", "UTC", utc(2026, 11, 22), []),
    ],
)
def test_next_times(cron: str, tz: str, after: datetime, expected: list[datetime]) -> None:
    assert next_times(cron, tz, after=after, count=2) == expected


def test_a_time_that_summer_time_leaves_out_does_not_stop_the_schedule() -> None:
    # 02:30 does not exist in Berlin on 2027-03-28; the days around it are as ever
    times = next_times("30 2 * * *", "Europe/Berlin", after=utc(2027, 3, 26, 12), count=4)
    assert times[0] == utc(2027, 3, 27, 1, 30)
    assert times[-1] in (utc(2027, 3, 29, 0, 30), utc(2027, 3, 30, 0, 30))
    assert times == sorted(set(times))


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("15 3 * * *", "every day at 03:15"),
        ("0 9 * * 1-5", "Monday to Friday at 09:00"),
        ("no cron", "no cron"),
    ],
)
def test_cron_in_words(cron: str, words: str) -> None:
    assert describe_cron(cron) == words


def test_an_added_schedule_is_listed_with_its_next_times(places: Places, now: datetime) -> None:
    add_schedule(places, site="oldport", cron=" 15  3 * * * ", tz="Asia/Singapore", by="ana", now=now)
    (info,) = find_schedules(places, now=now)
    assert (info.name, info.site, info.cron, info.tz, info.words, info.paused, info.by, info.last) == (
        "oldport",
        "oldport",
        "15 3 * * *",
        "Asia/Singapore",
        "every day at 03:15",
        False,
        "ana",
        None,
    )
    assert info.next == [utc(2026, 11, day, 19, 15) for day in (22, 23, 24)]


def test_names_are_made_and_kept_apart(places: Places, now: datetime) -> None:
    for _ in range(2):
        add_schedule(places, site="oldport", cron="0 1 * * *", tz="UTC", by="ana", now=now)
    add_schedule(places, site="oldport", cron="0 1 * * *", tz="UTC", by="ana", now=now, name="nightly")
    assert [info.name for info in find_schedules(places, now=now)] == ["nightly", "oldport", "oldport-2"]


def test_pause_resume_remove(places: Places, now: datetime) -> None:
    add_schedule(places, site="oldport", cron="0 1 * * *", tz="UTC", by="ana", now=now)
    paused = pause_schedule(places, "oldport", now=now)
    assert (paused.paused, paused.next) == (True, [])
    resumed = resume_schedule(places, "oldport", now=now)
    assert (resumed.paused, len(resumed.next)) == (False, 3)
    remove_schedule(places, "oldport", now=now)
    assert find_schedules(places, now=now) == []


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"site": "nowhere"}, 'There is no site "nowhere". Known sites: newport, oldport'),
        ({"site": "../oldport"}, "There is no site"),
        ({"cron": "61 3 * * *"}, "is not a cron line"),
        ({"cron": "every day"}, "is not a cron line"),
        ({"cron": "* " * 300}, "is not a cron line"),
        ({"cron": "@daily"}, "is not a cron line"),
        ({"cron": "R R * * *"}, "is not a cron line"),
        ({"cron": "r(0-5) * * * *"}, "is not a cron line"),
        ({"cron": "H 3 * * *"}, "is not a cron line"),
        ({"cron": "0 0 30 2 *"}, "names a day that does not exist"),
        ({"tz": "Asia/Singapura"}, "is not the name of a time zone"),
        ({"tz": "singapore"}, "Did you mean Asia/Singapore or Singapore?"),
        ({"tz": "../../etc/passwd"}, "is not the name of a time zone"),
        ({"name": "Not A Name"}, "cannot be the name of a schedule"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    places: Places, now: datetime, given: dict[str, str], sentence: str
) -> None:
    wanted = {"site": "oldport", "cron": "15 3 * * *", "tz": "UTC", "name": "x"} | given
    with pytest.raises(UsageError) as caught:
        add_schedule(places, by="ana", now=now, **wanted)  # type: ignore[arg-type]
    assert sentence in str(caught.value)
    assert find_schedules(places, now=now) == []


@pytest.mark.parametrize("verb", [pause_schedule, resume_schedule, remove_schedule])
def test_an_unknown_schedule_is_refused_in_words(places: Places, now: datetime, verb: object) -> None:
    with pytest.raises(UsageError, match='There is no schedule "nightly"'):
        verb(places, "nightly", now=now)  # type: ignore[operator]


def test_a_backup_by_the_clock_says_where_and_how_many_stay(places: Places, now: datetime) -> None:
    rules = Rules(to="/srv/backups", keep=7)
    info = add_schedule(places, verb="backup", cron="15 3 * * *", tz="UTC", by="ana", now=now, rules=rules)
    assert (info.rules.to, info.rules.keep) == ("/srv/backups", 7)
    changed = change_schedule(places, info.name, {"keep": 3}, by="ana", now=now)
    assert (changed.rules.to, changed.rules.keep) == ("/srv/backups", 3)


@pytest.mark.parametrize(
    ("verb", "rules"),
    [
        ("backup", Rules(to="backups")),
        ("backup", Rules(keep=-1)),
        ("retention", Rules(to="/srv/backups")),
        ("retention", Rules(keep=3)),
    ],
)
def test_what_a_backup_cannot_have_is_refused(places: Places, now: datetime, verb: str, rules: Rules) -> None:
    with pytest.raises(UsageError):
        add_schedule(places, verb=verb, cron="15 3 * * *", tz="UTC", by="ana", now=now, rules=rules)
