"""Cron lines in time zones: held against a walk through every minute around a change of the clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.cron import check_cron, find_instant, is_interval, make_cron, next_time, next_times
from jobs.cronwords import describe_cron, say_in, say_moment, say_plan, say_zone
from jobs.errors import UsageError

MINUTE = timedelta(minutes=1)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


CHANGES = [
    # zone, the moment at which its clock changes
    ("Europe/Lisbon", utc(2027, 3, 28, 1)),  # 01:00 becomes 02:00
    ("Europe/Lisbon", utc(2026, 10, 25, 1)),  # 02:00 becomes 01:00
    ("America/New_York", utc(2027, 3, 14, 7)),  # 02:00 becomes 03:00
    ("America/New_York", utc(2026, 11, 1, 6)),  # 02:00 becomes 01:00
    ("Australia/Lord_Howe", utc(2026, 10, 3, 15, 30)),  # 02:00 becomes 02:30
    ("Australia/Lord_Howe", utc(2027, 4, 3, 15)),  # 02:00 becomes 01:30
    ("Pacific/Apia", utc(2011, 12, 30, 10)),  # a whole day is left out
    ("Asia/Singapore", utc(2026, 11, 1)),  # never
]
LINES = [
    *(
        "30 2 * * *",
        "30 1 * * *",
        "0 1 * * *",
        "0 2 * * *",
        "45 1 * * *",
        "0 3 * * *",
        "0 0 * * *",
        "59 1 * * *",
    ),
    *("0 * * * *", "30 * * * *", "*/15 * * * *", "* * * * *", "5,50 0-23 * * *"),
    *("*/20 0-22 * * *", "0 */2 * * *", "15 1,2,3 * * *", "* 1 * * *", "* 2 * * *"),
    *("30 1 * * 0", "30 2 * * 6", "45 * * * 0", "0 2 28 3 *", "0 1 25 10 *", "*/30 1-2 1 11 *"),
]


@lru_cache(maxsize=16)
def walls(tz: str, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Each minute as an instant and as clocks show it."""
    zone, count = ZoneInfo(tz), (end - start) // MINUTE + 1
    instants = [start + MINUTE * number for number in range(count)]
    return [(each, each.astimezone(zone).replace(tzinfo=None, fold=0)) for each in instants]


class Line:
    """A line's fields as sets, without any clock."""

    def __init__(self, cron: str) -> None:
        fields = croniter.expand(cron)[0]
        ranges = (range(60), range(24), [*range(1, 32), "l"], range(1, 13), range(7))
        self.minute, self.hour, self.day, self.month, self.weekday = (
            set(all_ if field == ["*"] else field) for field, all_ in zip(fields, ranges, strict=True)
        )
        self.both = fields[2] != ["*"] and fields[4] != ["*"]
        self.last = "l" in fields[2]

    def names(self, wall: datetime) -> bool:
        if wall.minute not in self.minute or wall.hour not in self.hour or wall.month not in self.month:
            return False
        day = wall.day in self.day or (self.last and (wall + timedelta(days=1)).day == 1)
        weekday = wall.isoweekday() % 7 in self.weekday
        return day or weekday if self.both else day and weekday


def walk(cron: str, tz: str, start: datetime, end: datetime) -> list[datetime]:
    """What a person with a clock on the wall would do, who looks at it every minute."""
    line, every_hour = Line(cron), is_interval(cron)
    fires, seen, before = [], set(), None
    for instant, wall in walls(tz, start - timedelta(days=1), end):
        due = line.names(wall)
        if not every_hour:
            due = due and wall not in seen
            for left_out in minutes_between(before, wall):
                due = due or (line.names(left_out) and left_out not in seen)
            seen.add(wall)
        if due and instant > start:
            fires.append(instant)
        before = wall
    return fires


def minutes_between(before: datetime | None, wall: datetime) -> Iterator[datetime]:
    while before is not None and (before := before + MINUTE) < wall:
        yield before


def fire(cron: str, tz: str, start: datetime, end: datetime) -> list[datetime]:
    fires, time = [], next_time(cron, tz, after=start)
    while time is not None and time <= end:
        fires.append(time)
        time = next_time(cron, tz, after=time)
    return fires


@pytest.mark.parametrize(("tz", "change"), CHANGES, ids=lambda value: str(value).replace("/", "-"))
def test_each_line_fires_as_a_clock_on_the_wall_says(tz: str, change: datetime) -> None:
    start, end = change - timedelta(hours=26), change + timedelta(hours=27)
    wrong = [line for line in LINES if fire(line, tz, start, end) != walk(line, tz, start, end)]
    assert wrong == []


FIELD = st.sampled_from
LINE = st.tuples(
    FIELD(["0", "30", "59", "*/15", "*", "1,31", "10-20/5"]),
    FIELD(["*", "0", "1", "2", "3", "*/2", "0-22", "1-3", "23"]),
    FIELD(["*", "*", "*", "1", "14", "28-31", "L"]),
    FIELD(["*", "*", "3,10,11", "4"]),
    FIELD(["*", "*", "0", "6", "1-5"]),
).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(line=LINE, where=st.sampled_from(CHANGES), minutes=st.integers(-26 * 60, 4 * 60))
def test_any_line_from_any_moment_around_a_change(
    line: str, where: tuple[str, datetime], minutes: int
) -> None:
    tz, change = where
    start = change + timedelta(minutes=minutes)
    end = start + timedelta(hours=8)
    assert fire(line, tz, start, end) == walk(line, tz, start, end)


@settings(max_examples=100, deadline=None)
@given(line=LINE, where=st.sampled_from(CHANGES), seconds=st.integers(-200_000, 200_000))
def test_times_only_ever_go_forward(line: str, where: tuple[str, datetime], seconds: int) -> None:
    after = where[1] + timedelta(seconds=seconds, microseconds=seconds % 7)
    times = next_times(line, where[0], after=after, count=5)
    assert times == sorted(set(times))
    assert all(time > after for time in times)


@pytest.mark.parametrize(
    ("cron", "tz", "after", "expected"),
    [
        # the gap: 02:30 does not exist in New York on 14 March 2027; 03:00 is the first moment after it
        ("30 2 * * *", "America/New_York", utc(2027, 3, 14, 5), [utc(2027, 3, 14, 7), utc(2027, 3, 15, 6, 30)]),
        # Lord Howe's gap is half an hour: 02:15 becomes 02:30
        ("15 2 * * *", "Australia/Lord_Howe", utc(2026, 10, 3, 0), [utc(2026, 10, 3, 15, 30), utc(2026, 10, 4, 15, 15)]),
        # 01:30 occurs twice in Lisbon on 25 October 2026: the first one counts
        ("30 1 * * *", "Europe/Lisbon", utc(2026, 10, 24, 12), [utc(2026, 10, 25, 0, 30), utc(2026, 10, 26, 1, 30)]),
        # every hour means every hour, the one that occurs twice too
        ("0 * * * *", "Europe/Lisbon", utc(2026, 10, 24, 23, 30), [utc(2026, 10, 25, 0), utc(2026, 10, 25, 1)]),
        # asked in the second turn of the hour that occurs twice: the next is tomorrow's
        ("30 1 * * *", "Europe/Lisbon", utc(2026, 10, 25, 1, 10), [utc(2026, 10, 26, 1, 30), utc(2026, 10, 27, 1, 30)]),
    ],
)  # fmt: skip
def test_what_a_change_of_the_clock_does(
    cron: str, tz: str, after: datetime, expected: list[datetime]
) -> None:
    assert next_times(cron, tz, after=after, count=2) == expected


@pytest.mark.parametrize("tz", ["Europe/Lisbon", "America/New_York", "Asia/Singapore"])
def test_a_quarter_of_an_hour_is_one_all_year_long(tz: str) -> None:
    times = next_times("*/15 * * * *", tz, after=utc(2026, 10, 20), count=15 * 96)
    assert {later - early for early, later in pairwise(times)} == {timedelta(minutes=15)}


def test_half_an_hour_of_lord_howe_makes_one_long_hour() -> None:
    times = next_times("0 * * * *", "Australia/Lord_Howe", after=utc(2026, 10, 3), count=30)
    gaps = [(later - early) / MINUTE for early, later in pairwise(times)]
    assert sorted(set(gaps)) == [60, 90]
    assert gaps.count(90) == 1


def test_the_end_of_a_gap_is_found_to_the_second() -> None:
    lisbon = ZoneInfo("Europe/Lisbon")
    for minute in (0, 17, 59):
        assert find_instant(datetime(2027, 3, 28, 1, minute), lisbon) == utc(2027, 3, 28, 1)


@pytest.mark.parametrize("cron", ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 5 31 4 *"])
def test_a_line_that_never_fires_is_refused(cron: str) -> None:
    with pytest.raises(UsageError, match="never fire"):
        check_cron(cron)


@pytest.mark.parametrize(
    "cron",
    [
        *("", " ", "*", "* * * *", "* * * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8"),
        *("@daily", "@reboot", "R * * * *", "H H * * *", "a b c d e", "*/0 * * * *", "5-1-2 * * * *", "1,,2 * * * *"),
        *("\u0661 3 * * *", "* * * * *\x00", "-1 * * * *", "9" * 300, "* " * 3000, "1e3 * * * *"),
        "*/99999999999999999999 * * * *",
    ],
)  # fmt: skip
def test_what_is_no_cron_line_is_refused_in_words(cron: str) -> None:
    with pytest.raises(UsageError, match=r"is not a cron line"):
        check_cron(cron)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="0123456789*/,-LlWw#?@ RHMONJANfri\t\n\x00é", max_size=40))
def test_any_text_is_a_line_or_is_refused(text: str) -> None:
    try:
        cron = check_cron(text)
    except UsageError:
        return
    assert next_time(cron, "Europe/Lisbon", after=utc(2026, 11, 22)) is not None
    assert describe_cron(cron)


@pytest.mark.parametrize(
    ("every", "at", "on", "cron"),
    [
        ("hour", "", "", "0 * * * *"),
        ("hour", "15", "", "15 * * * *"),
        ("day", "", "", "0 3 * * *"),
        ("day", "03:15", "", "15 3 * * *"),
        ("week", "4:30", "", "30 4 * * 1"),
        ("week", "23:59", "Sun", "59 23 * * 0"),
        ("month", "06:00", "", "0 6 1 * *"),
        ("month", "06:00", "last", "0 6 L * *"),
        ("month", "06:00", "28", "0 6 28 * *"),
        ("quarter", "", "2", "0 3 2 1,4,7,10 *"),
    ],
)
def test_plain_words_make_a_line(every: str, at: str, on: str, cron: str) -> None:
    assert make_cron(every, at=at, on=on) == check_cron(cron)


@pytest.mark.parametrize(
    ("every", "at", "on"),
    [
        *(
            ("year", "", ""),
            ("day", "24:00", ""),
            ("day", "3", ""),
            ("day", "", "monday"),
            ("hour", "60", ""),
        ),
        *(
            ("week", "", "moonday"),
            ("week", "", "s"),
            ("month", "", "31"),
            ("month", "", "0"),
            ("hour", "1", "2"),
        ),
        ("day", "\u0663:15", ""),
    ],
)
def test_words_that_make_no_line_are_refused(every: str, at: str, on: str) -> None:
    with pytest.raises(UsageError):
        make_cron(every, at=at, on=on)


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("15 3 * * *", "every day at 03:15"),
        ("15 3,15 * * *", "every day at 03:15 and 15:15"),
        ("0 9 * * 1-5", "Monday to Friday at 09:00"),
        ("0 9 * * 0,3", "every Wednesday and Sunday at 09:00"),
        ("0 9 * * 7", "every Sunday at 09:00"),
        ("*/15 * * * *", "every 15 minutes"),
        ("* * * * *", "every minute"),
        ("0 * * * *", "every hour on the hour"),
        ("5 * * * *", "every hour at 5 min past"),
        ("0 */6 * * *", "every 6 hours"),
        ("0 6 1 * *", "on the 1st of every month at 06:00"),
        ("0 6 2,22 * *", "on the 2nd and 22nd of every month at 06:00"),
        ("0 6 L * *", "on the last day of every month at 06:00"),
        ("0 6 1 1,4,7,10 *", "on the 1st of every quarter at 06:00"),
        ("0 6 1 1 *", "on the 1st of January at 06:00"),
        ("*/7 1-5 * * *", "every 7 minutes, between 01:00 and 05:59"),  # by the library
        ("* * * * * *", "every second"),
        ("no cron", "no cron"),
    ],
)
def test_a_line_in_words(cron: str, words: str) -> None:
    assert describe_cron(cron) == words


def test_the_whole_sentence() -> None:
    now = utc(2026, 11, 22, 14, 15)
    times = next_times("15 3 * * *", "Asia/Singapore", after=now, count=3)
    said = say_plan("15 3 * * *", "Asia/Singapore", times, now=now)
    assert said == "every day at 03:15 Singapore time, next Monday 03:15, in 5 h"


@pytest.mark.parametrize(
    ("tz", "said"),
    [
        *(("UTC", "UTC"), ("Asia/Singapore", "Singapore time"), ("Etc/GMT+3", "Etc/GMT+3")),
        ("America/Argentina/Buenos_Aires", "Buenos Aires time"),
    ],
)
def test_a_zone_in_words(tz: str, said: str) -> None:
    assert say_zone(tz) == said


@pytest.mark.parametrize(
    ("time", "said", "ahead"),
    [
        (utc(2026, 11, 22, 14, 16), "Sunday 22:16", "in 1 min"),
        (utc(2026, 11, 28, 15, 59), "Saturday 23:59", "in 6 d"),
        (utc(2026, 11, 28, 16, 0), "Sun 29 Nov 00:00", "in 6 d"),
        (utc(2027, 1, 4, 0, 0, 30), "Mon 4 Jan 2027 08:00:30", "in 42 d"),
        (utc(2026, 11, 22, 14, 15), "Sunday 22:15", "now"),
    ],
)
def test_a_moment_in_words(time: datetime, said: str, ahead: str) -> None:
    now = utc(2026, 11, 22, 14, 15)
    assert say_moment(time, "Asia/Singapore", now=now) == said
    assert say_in(time, now=now) == ahead
