"""`tuskwatch schedule` as a person uses it: every rule from the command line, and the same words as on the screen."""

from __future__ import annotations

from typing import Any

import pytest

DAILY = ("schedule", "add", "oldport", "--every", "day", "--at", "03:15", "--tz", "Asia/Singapore")


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is put on the queue: making the engine's tables would take a second each time."""
    monkeypatch.setattr("jobs.byhand.put_on_queue", lambda *given: "")


def test_it_says_the_sentence_and_the_next_three_times(tuskwatch: Any) -> None:
    result = tuskwatch(*DAILY, "--jitter", "20", "--blackout", "22:00-03:30")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith(
        'Added schedule "oldport": crawl oldport, every day at 03:15 Singapore time, next '
    )
    assert lines[0].endswith("(up to 20 min later, drawn for each time; not 22:00\u201303:30).")
    assert len(lines) == 4
    assert all("03:15:00 +08" in line and ", begins " in line for line in lines[1:])


def test_a_dry_run_says_the_same_and_adds_nothing(tuskwatch: Any) -> None:
    result = tuskwatch(*DAILY, "--dry-run")
    assert "Would add crawl oldport: every day at 03:15 Singapore time, next " in result.stdout
    assert len(tuskwatch.json(*DAILY, "--dry-run")["next"]) == 3
    assert tuskwatch.json("schedule", "list") == []


def test_a_report_every_month_is_about_the_last_full_one(tuskwatch: Any) -> None:
    info = tuskwatch.json("schedule", "add", "report", "--every", "month")
    assert (info["name"], info["verb"], info["site"], info["cron"]) == ("report", "report", "", "0 3 1 * *")
    assert info["rules"]["period"] == "month"
    info = tuskwatch.json(
        "schedule", "add", "report", "--cron", "0 6 * * 1", "--period", "week", "--name", "weekly"
    )
    assert info["rules"]["period"] == "week"


@pytest.mark.parametrize("verb", ["retention", "backup", "extract", "classify"])
def test_work_of_all_sites_is_named_by_its_verb(tuskwatch: Any, verb: str) -> None:
    info = tuskwatch.json("schedule", "add", verb, "--every", "week", "--on", "sunday", "--at", "4:30")
    assert (info["verb"], info["site"], info["words"]) == (verb, "", "every Sunday at 04:30")


def test_reading_of_one_site(tuskwatch: Any) -> None:
    assert (
        tuskwatch.json("schedule", "add", "extract", "--site", "oldport", "--every", "day")["site"]
        == "oldport"
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "Say when"),
        (("--cron", "1 1 * * *", "--every", "day"), "not with both"),
        (("--at", "03:00"), "belong to --every"),
        (("--every", "year"), "is not one of hour, day"),
        (("--every", "month", "--on", "31"), "not a day that every month has"),
        (("--every", "day", "--jitter", "1440"), "from 0 to 720"),
        (("--every", "hour", "--jitter", "60"), "would mix up times"),
        (("--every", "day", "--blackout", "00-24"), "begin and end at the same time"),
        (("--every", "day", "--blackout", "soon"), "are not hours"),
        (("--every", "day", "--overlap", "x"), "is one of skip, queue"),
        (("--every", "day", "--missed", "x"), "is one of once, all, none"),
        (("--every", "day", "--priority", "10"), "from -9 to 9"),
        (("--every", "day", "--period", "month"), "Only a report has a period"),
        (("--every", "day", "--plan", "x"), "is one of due, full, known"),
        (("--every", "day", "--name", "Oldport!"), "cannot be the name"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_slip_gets_a_sentence_and_code_2(tuskwatch: Any, options: tuple[str, ...], sentence: str) -> None:
    result = tuskwatch("schedule", "add", "oldport", *options)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stdout == ""


def test_one_schedule_from_change_to_removal(tuskwatch: Any) -> None:
    tuskwatch(*DAILY)
    changed = tuskwatch.json(
        "schedule", "change", "oldport", "--cron", "0 4 * * *", "--pages", "500", "--missed", "none"
    )
    assert (changed["cron"], changed["tz"], changed["rules"]["pages"]) == ("0 4 * * *", "Asia/Singapore", 500)
    assert tuskwatch("schedule", "change", "oldport").exit_code == 2
    run = tuskwatch.json("schedule", "trigger", "oldport")["run"]
    again = tuskwatch("schedule", "trigger", "oldport")
    assert again.exit_code == 1
    assert f"Run {run} is queued" in again.stderr
    shown = tuskwatch("schedule", "show", "oldport").stdout
    for part in ("every day at 04:00 Singapore time", "at most 500 pages", "by hand, beside schedule oldport",
                 "changed cron 15 3 * * * \u2192 0 4 * * *", f"ran it now as well: run {run}"):  # fmt: skip
        assert part.lower() in shown.lower()
    told = tuskwatch.json("schedule", "show", "oldport")
    assert (told["runs"][0]["id"], len(told["changes"])) == (run, 3)
    assert (
        tuskwatch.json("schedule", "change", "oldport", "--pages", "0", "--blackout", "none")["rules"][
            "pages"
        ]
        == 0
    )
    assert tuskwatch.json("schedule", "remove", "oldport") == {"removed": "oldport"}


def test_a_backfill_is_counted_and_asked_about(tuskwatch: Any) -> None:
    tuskwatch("schedule", "add", "report", "--every", "month")
    period = ("--from", "2026-01-01", "--to", "2026-04-01")
    assert len(tuskwatch.json("schedule", "backfill", "report", *period, "--dry-run")["times"]) == 3
    no = tuskwatch("schedule", "backfill", "report", *period, stdin="n\n")
    assert (no.exit_code, "Ask for 3 runs of report?" in no.stderr) == (1, True)
    assert tuskwatch.json("run", "list") == []
    yes = tuskwatch("schedule", "backfill", "report", *period, "--yes")
    assert "3 runs are in the queue: 1 to 3." in yes.stdout
    assert (
        "0 runs would be asked for; 3 times have one."
        in tuskwatch("schedule", "backfill", "report", *period).stdout
    )


def test_the_key_of_an_account_is_not_printed(tuskwatch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.sessions.find_account", lambda places, account, now: "k" * 16)
    info = tuskwatch.json(*DAILY, "--account", "grey_heron")
    assert info["rules"]["account"] is True
    assert "kkkk" not in tuskwatch("schedule", "show", "oldport").stdout
    assert tuskwatch.json("schedule", "change", "oldport", "--no-account")["rules"]["account"] is False
