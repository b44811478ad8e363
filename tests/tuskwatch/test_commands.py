"""Each command on a real data folder: what it prints, where, and the code that it ends with."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import typer.main

from tuskwatch.cli import app


def _commands(group: Any = None, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    group = group if group is not None else typer.main.get_command(app)
    if not hasattr(group, "commands"):
        return [path]
    return [each for name, command in group.commands.items() for each in _commands(command, (*path, name))]


COMMANDS = _commands()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(bare: Any, command: tuple[str, ...]) -> None:
    result = bare(*command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout
    assert len(result.stdout.splitlines()) > 4


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in (("serve",), ("worker",))], ids=" ".join)
def test_every_command_can_answer_in_json(command: tuple[str, ...]) -> None:
    group = typer.main.get_command(app)
    for name in command:
        group = group.commands[name]  # type: ignore[attr-defined]
    assert "--json" in [option for parameter in group.params for option in parameter.opts]


def test_init_makes_a_folder_for_its_owner_only(bare: Any) -> None:
    result = bare("init")
    assert (result.exit_code, "Ready" in result.stdout, "Preparing" in result.stderr) == (0, True, True)
    assert stat.S_IMODE(bare.data.stat().st_mode) == 0o700
    assert {path.name for path in bare.data.iterdir()} == {
        "tuskwatch.db", "engine.db", "sites", "runs", "reports", "workers", "deny.yml",
    }  # fmt: skip
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in bare.data.iterdir())


def test_init_twice_is_init_once(tuskwatch: Any) -> None:
    assert tuskwatch.json("init")["data"] == str(tuskwatch.data)


@pytest.mark.parametrize(
    "command",
    [
        ("site", "list"), ("crawl", "oldport"), ("run", "list"), ("schedule", "list"), ("user", "list"), ("extract",),
        ("report", "--from", "2026-10-01", "--to", "2026-11-01"), ("serve",), ("worker",),
    ],
    ids=" ".join,
)  # fmt: skip
def test_without_a_data_folder_the_next_step_is_named(bare: Any, command: tuple[str, ...]) -> None:
    result = bare(*command)
    assert result.exit_code == 2
    assert 'Make it with "tuskwatch init"' in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("crawl",), "Name the sites to crawl, or say --all"),
        (("crawl", "nowhere"), 'There is no site "nowhere". Known sites: oldport.'),
        (("crawl", "oldport", "--all"), "not both"),
        (("run", "show", "7"), "There is no run 7."),
        (("run", "cancel", "7"), "There is no run 7."),
        (("run", "list", "--state", "lazy"), '"lazy" is no state of a run.'),
        (("schedule", "add", "oldport", "--cron", "99 * * * *"), "is not a cron line"),
        (
            ("schedule", "add", "oldport", "--cron", "1 1 * * *", "--tz", "Mars/Base"),
            "is not the name of a time zone",
        ),
        (("schedule", "add", "nowhere", "--cron", "1 1 * * *"), 'There is no site "nowhere"'),
        (("schedule", "pause", "nightly"), 'There is no schedule "nightly"'),
        (("site", "check", "nowhere"), 'There is no site "nowhere"'),
        (("report", "--from", "2026-11-01", "--to", "2026-10-01"), "The period is empty"),
        (("user", "add", "ana", "--role", "king", "--one-time"), '"king" is no role'),
        (("user", "add", "a b", "--one-time"), "A name is made of letters"),
        (("user", "reset", "nobody"), 'There is no user "nobody"'),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_slip_gets_a_sentence_and_code_2(tuskwatch: Any, command: tuple[str, ...], sentence: str) -> None:
    result = tuskwatch(*command)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert (result.stdout, "Traceback" in result.stderr) == ("", False)


def test_a_wrong_site_file_is_named_with_line_and_field(tuskwatch: Any) -> None:
    path = tuskwatch.add_site("newport", "name: {name}\ntitle: x\naddresses: [{onion}]\npaces: 1\n")
    result = tuskwatch("site", "check")
    assert result.exit_code == 1
    assert "oldport: in order" in result.stdout
    assert f"{path}, line 4: paces" in result.stdout
    assert tuskwatch("crawl", "newport").exit_code == 2


def test_a_wrong_setting_is_named(tuskwatch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUSKWATCH_CRAWLS", "many")
    result = tuskwatch("site", "list")
    assert result.exit_code == 2
    assert "TUSKWATCH_CRAWLS" in result.stderr


def test_sites_are_listed(tuskwatch: Any) -> None:
    (site,) = tuskwatch.json("site", "list")
    assert (site["name"], site["last_run"], len(site["addresses"])) == ("oldport", None, 1)


def test_a_schedule_is_added_listed_paused_and_removed(tuskwatch: Any) -> None:
    result = tuskwatch("schedule", "add", "oldport", "--cron", "15 3 * * *", "--tz", "Asia/Singapore")
    assert result.exit_code == 0
    assert "crawl oldport, every day at 03:15 Singapore time, next " in result.stdout
    assert "No worker is running" in result.stderr
    (info,) = tuskwatch.json("schedule", "list")
    following = datetime.fromisoformat(info["next"][0])
    assert (following.hour, following.minute, following.utcoffset().total_seconds()) == (19, 15, 0)  # type: ignore[union-attr]
    listed = tuskwatch("schedule", "list").stdout
    assert "03:15:00 +08" in listed
    assert tuskwatch.json("schedule", "pause", "oldport")["paused"] is True
    assert tuskwatch.json("schedule", "resume", "oldport")["paused"] is False
    assert tuskwatch.json("schedule", "remove", "oldport") == {"removed": "oldport"}
    assert tuskwatch.json("schedule", "list") == []


def test_a_crawl_without_tor_ends_with_1_and_its_run_says_why(
    tuskwatch: Any, hide_tor: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_tor()
    monkeypatch.setattr("jobs.child.LINGER_SECONDS", 0.5)
    result = tuskwatch("crawl", "oldport", "--json")
    assert result.exit_code == 1
    (run,) = json.loads(result.stdout)["runs"]
    assert (run["state"], "Tor is not installed" in run["message"]) == ("failed", True)
    shown = tuskwatch.json("run", "show", "1")
    assert shown["run"]["reason"] == "by hand"
    assert "failed" in tuskwatch("run", "list").stdout


def test_a_crawl_that_is_not_waited_for_can_be_cancelled(
    tuskwatch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.child.ensure_worker", lambda places: False)
    assert tuskwatch.json("crawl", "oldport", "--no-wait")["runs"][0]["state"] == "queued"
    again = tuskwatch("crawl", "oldport", "--no-wait")
    assert (again.exit_code, "is being crawled already" in again.stderr) == (1, True)
    assert tuskwatch.json("run", "cancel", "1")["state"] == "cancelled"
    assert tuskwatch("run", "pause", "1").exit_code == 2


def test_a_one_time_password_must_be_changed(tuskwatch: Any) -> None:
    result = tuskwatch("user", "add", "ana", "--one-time")
    assert re.search(r"One-time password: \S{10,}", result.stdout)
    (user,) = tuskwatch.json("user", "list")
    assert (user["name"], user["role"], user["must_change"]) == ("ana", "analyst", True)
    assert tuskwatch("user", "add", "ana", "--one-time").exit_code == 2


def test_a_password_from_standard_input(tuskwatch: Any) -> None:
    weak = tuskwatch("user", "add", "ana", stdin="short\n")
    assert weak.exit_code == 2
    good = tuskwatch("user", "add", "ana", stdin="a long sentence with tusks 7\n")
    assert good.exit_code == 0, good.output
    (user,) = tuskwatch.json("user", "list")
    assert user["must_change"] is False


def test_the_password_is_never_stored_as_it_is(tuskwatch: Any) -> None:
    password = tuskwatch.json("user", "add", "ana", "--one-time")["one_time_password"]
    assert password.encode() not in b"".join(path.read_bytes() for path in tuskwatch.data.glob("*.db*"))


def test_doctor_says_what_to_do(bare: Any, hide_tor: Callable[[], None]) -> None:
    hide_tor()
    result = bare("doctor")
    assert result.exit_code == 1
    assert re.search(r"FAIL +data folder: .*does not exist\n +-> tuskwatch init", result.stdout)
    assert re.search(r"FAIL +tor: there is no program /nowhere/tor\n +-> apt-get install tor", result.stdout)


def test_doctor_finds_an_initialised_folder_in_order(tuskwatch: Any) -> None:
    findings = {finding["subject"]: finding for finding in tuskwatch.json("doctor")}
    assert {name for name, finding in findings.items() if finding["level"] == "fail"} == set()
    assert {"data folder", "disk", "database", "audit log", "queue", "tor", "model", "clock", "PDF"} <= set(
        findings
    )


def test_doctor_warns_of_an_open_folder(tuskwatch: Any) -> None:
    tuskwatch.data.chmod(0o755)
    findings = {finding["subject"]: finding for finding in tuskwatch.json("doctor")}
    assert (findings["data folder"]["level"], findings["data folder"]["remedy"]) == (
        "warn",
        f"chmod 700 {tuskwatch.data}",
    )


def test_lab_status_without_a_lab_ends_with_1(tuskwatch: Any) -> None:
    result = tuskwatch("lab", "status")
    assert (result.exit_code, "not running" in result.stdout) == (1, True)
    assert tuskwatch.json("lab", "down") == {"was_running": False}


def test_help_needs_none_of_the_heavy_parts() -> None:
    heavy = (
        "sklearn",
        "scrapy",
        "altair",
        "dbos",
        "sqlalchemy",
        "pydantic",
        "stem",
        "weasyprint",
        "starlette",
        "numpy",
    )
    code = f"import sys, tuskwatch.cli; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_wrong_option_gets_usage_and_code_2() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tuskwatch", "run", "list", "--nonsense"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such option" in done.stderr
