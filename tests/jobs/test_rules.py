"""The rules of a schedule: jitter that is drawn once for all, and hours in which nothing begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import UsageError
from jobs.rules import Rules, check_rules, coming_times, find_due, read_blackout, read_rules, say_rules

NIGHT = (("22:00", "06:00"),)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("", ()),
        (" , ", ()),
        ("22:00-06:00", NIGHT),
        (" 22 - 6 ", NIGHT),
        ("9:30\u201310:00; 12-13", (("09:30", "10:00"), ("12:00", "13:00"))),
        ("20:00-24:00", (("20:00", "00:00"),)),
    ],
)
def test_hours_are_read(text: str, ranges: tuple[tuple[str, str], ...]) -> None:
    assert read_blackout(text) == ranges


@pytest.mark.parametrize(
    "text",
    [
        *("22:00", "25:00-06:00", "22:60-06:00", "a-b", "00:00-24:00", "06:00-06:00", "00-12,12-24", "1-2-3"),
        *(",".join(["01:00-02:00"] * 11), "\u0662:00-03:00", "-1:00-02:00", "x" * 5000),
    ],
)
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        read_blackout(text)


@pytest.mark.parametrize(
    ("at", "tz", "ranges", "due"),
    [
        (utc(2026, 11, 22, 21, 59), "UTC", NIGHT, utc(2026, 11, 22, 21, 59)),
        (utc(2026, 11, 22, 22, 0), "UTC", NIGHT, utc(2026, 11, 23, 6)),
        (utc(2026, 11, 23, 5, 59), "UTC", NIGHT, utc(2026, 11, 23, 6)),
        (utc(2026, 11, 23, 6, 0), "UTC", NIGHT, utc(2026, 11, 23, 6)),
        # by its own clock: 21:30 UTC is 05:30 in Singapore
        (utc(2026, 11, 22, 21, 30), "Asia/Singapore", NIGHT, utc(2026, 11, 22, 22)),
        # one range ends where another begins
        (utc(2026, 11, 22, 22), "UTC", (*NIGHT, ("06:00", "07:00")), utc(2026, 11, 23, 7)),
        (utc(2026, 11, 22, 22), "UTC", (("06:00", "07:00"), *NIGHT), utc(2026, 11, 23, 7)),
        # its end does not exist in Lisbon on 28 March 2027: 01:30 is 02:00 then, 01:00 UTC
        (utc(2027, 3, 28, 0, 30), "Europe/Lisbon", (("00:00", "01:30"),), utc(2027, 3, 28, 1)),
        # its end occurs twice in Lisbon on 25 October 2026: in the first turn the first one
        (utc(2026, 10, 25, 0, 10), "Europe/Lisbon", (("00:00", "01:30"),), utc(2026, 10, 25, 0, 30)),
        # and in the second turn the second one
        (utc(2026, 10, 25, 1, 10), "Europe/Lisbon", (("00:00", "01:30"),), utc(2026, 10, 25, 1, 30)),
    ],
)
def test_what_falls_into_the_hours_waits_until_their_end(
    at: datetime, tz: str, ranges: tuple[tuple[str, str], ...], due: datetime
) -> None:
    assert find_due(Rules(blackout=ranges), name="s", tz=tz, at=at) == due


def test_times_that_wait_for_the_same_end_are_shown_as_one() -> None:
    coming = coming_times(
        "*/15 * * * *", "UTC", Rules(blackout=NIGHT), name="s", after=utc(2026, 11, 22, 21, 40), count=3
    )
    assert [(each.at, each.due) for each in coming] == [
        (utc(2026, 11, 22, 21, 45), utc(2026, 11, 22, 21, 45)),
        (utc(2026, 11, 22, 22), utc(2026, 11, 23, 6)),
        (utc(2026, 11, 23, 6, 15), utc(2026, 11, 23, 6, 15)),
    ]


CLOCK = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda pair: f"{pair[0]:02d}:{pair[1]:02d}")


@settings(max_examples=100, deadline=None)
@given(
    ranges=st.lists(st.tuples(CLOCK, CLOCK), max_size=3).map(tuple),
    jitter=st.integers(0, 59),
    minutes=st.integers(0, 60 * 24 * 400),
    tz=st.sampled_from(["UTC", "Europe/Lisbon", "America/New_York", "Australia/Lord_Howe"]),
)
def test_nothing_ever_begins_within_the_hours_nor_before_its_time(
    ranges: tuple[tuple[str, str], ...], jitter: int, minutes: int, tz: str
) -> None:
    at = utc(2026, 3, 1) + timedelta(minutes=minutes)
    rules = Rules(blackout=ranges, jitter=jitter)
    try:
        read_blackout(",".join(f"{start}-{end}" for start, end in ranges))
    except UsageError:
        return
    due = find_due(rules, name="s", tz=tz, at=at)
    assert due == find_due(rules, name="s", tz=tz, at=at)
    assert at <= due < at + timedelta(hours=27)
    clock = due.astimezone(ZoneInfo(tz)).strftime("%H:%M")
    for start, end in ranges:
        within = start <= clock < end if start < end else clock >= start or clock < end
        assert not within


def test_jitter_is_spread_and_differs_by_name() -> None:
    rules = Rules(jitter=20)
    at = [utc(2026, 11, 22, 3) + timedelta(days=day) for day in range(200)]
    drawn = [(find_due(rules, name="s", tz="UTC", at=time) - time).total_seconds() for time in at]
    assert 0 <= min(drawn) < 120
    assert 1080 < max(drawn) <= 1200
    assert len(set(drawn)) > 150
    assert find_due(rules, name="s", tz="UTC", at=at[0]) != find_due(rules, name="t", tz="UTC", at=at[0])


def test_rules_survive_being_kept() -> None:
    rules = Rules(
        jitter=5, blackout=NIGHT, overlap="queue", missed="all", pages=7, minutes=8, priority=-2, plan="full", account="k"
    )  # fmt: skip
    kept = read_rules(
        rules.settings("crawl"),
        jitter=5,
        blackout=[list(each) for each in NIGHT],
        overlap="queue",
        missed="all",
    )
    assert kept == rules


def test_rules_in_words_name_only_what_is_not_ordinary() -> None:
    assert say_rules(Rules()) == []
    assert say_rules(Rules(jitter=5, blackout=NIGHT, pages=4000, priority=3)) == [
        "up to 5 min later, drawn for each time", "not 22:00\u201306:00", "at most 4,000 pages", "priority +3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("verb", "rules", "sentence"),
    [
        ("fly", Rules(), "is not something that can be scheduled"),
        ("report", Rules(), "The period of a report is one of"),
        ("backup", Rules(period="month"), "Only a report has a period"),
        ("backup", Rules(pages=4), "Only a crawl has"),
        ("report", Rules(period="month", account="k"), "Only a crawl has"),
    ],
)
def test_rules_that_do_not_go_with_the_verb_are_refused(verb: str, rules: Rules, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        check_rules(rules, verb=verb, cron="0 3 * * *", tz="UTC", now=utc(2026, 11, 22))
