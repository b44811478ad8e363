"""`tuskwatch session` and `run slow` as a person types them; a SOCKS port of ours plays Tor."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from crawler.doorway import Doorway
from jobs import sessions
from jobs.engine import open_client
from jobs.runs import start_crawl
from storage.engine import open_engine
from storage.runs import start_run, wait_run_for
from tuskwatch.places import open_places

WELCOME = "<h1>Market</h1>" + "<p>Carved walnut box, oiled, with a brass hinge. Price 40 EUR.</p>" * 30
CAPTCHA = '<form><p>Are you human?</p><img alt="captcha" src="/c.png"><input name="captcha"></form>'


@pytest.fixture
def home(tuskwatch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A data folder with one site; a worker is never started, the queue is enough here."""
    monkeypatch.setenv("TUSKWATCH_KEY_FILE", str(tmp_path / "keys" / "one.age"))
    monkeypatch.setattr("jobs.child.ensure_worker", lambda places: False)
    return tuskwatch


@pytest.fixture
def tor(stub: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with stub.OnionStub(
        lambda asked: stub.reply(WELCOME if "sid=right" in (asked.header("Cookie") or "") else CAPTCHA)
    ) as tor:
        monkeypatch.setattr(sessions, "_find_socks", lambda places, report: ("127.0.0.1", tor.port))
        yield tor


@pytest.fixture
def run(home: Any) -> int:
    """A run that met a captcha."""
    places, now = open_places(home.data), datetime.now(UTC)
    run_id = start_crawl(places, "oldport", by="ana", reason="by hand", now=now)
    with open_client(places) as client:
        client.cancel_workflow(f"run-{run_id}")
    engine = open_engine(places.database_url)
    start_run(engine, run_id=run_id, worker="w", pid=None, now=now)
    wait_run_for(engine, run_id=run_id, what="person", message="captcha: six letters", now=now)
    engine.dispose()
    return run_id


def test_what_is_wanted_is_shown_with_the_way_to_the_circuit(home: Any, tor: Any, run: int) -> None:
    result = home("session", "open", "oldport", "--show")
    assert result.exit_code == 0, result.output
    shown = home.json("session", "open", "oldport", "--show")
    circuit = shown["circuit"]
    for words in (
        f"run {run}",
        f"127.0.0.1:{tor.port}",
        circuit["user"],
        circuit["password"],
        "Mozilla/5.0",
        "hxxp://",
    ):
        assert words in result.stdout
    assert ".onion" not in result.stdout.replace("[.]onion", "")
    assert shown["session"]["runs"] == [run]
    assert tor.asked == []


def test_good_cookies_send_the_run_on(home: Any, tor: Any, run: int, tmp_path: Path) -> None:
    circuit = home.json("session", "open", "oldport", "--show")["circuit"]
    (tmp_path / "jar.json").write_text(json.dumps({"sid": "right-topsecret"}))
    done = home.json("session", "open", "oldport", "--cookies", str(tmp_path / "jar.json"))
    assert (done["sent_on"], done["checked"], done["cookies"], done["session"]["open"]) == (
        [run],
        True,
        1,
        True,
    )
    assert [(asked.user, asked.password) for asked in tor.asked] == [(circuit["user"], circuit["password"])]
    assert home.json("run", "show", str(run))["run"]["state"] == "queued"


def test_cookies_come_from_standard_input_too(home: Any, tor: Any, run: int) -> None:
    result = home("session", "open", "oldport", "--cookies", "-", stdin="Cookie: sid=right-topsecret\n")
    assert result.exit_code == 0, result.output
    assert f"Run {run} goes on where it stopped." in result.stdout
    assert "topsecret" not in result.output


def test_bad_cookies_are_refused_and_nothing_is_stored(home: Any, tor: Any, run: int) -> None:
    result = home("session", "open", "oldport", "--cookies", "-", stdin="sid=wrong-topsecret")
    assert result.exit_code == 1
    assert "is not good" in result.stderr
    assert "(captcha)" in result.stderr
    assert "topsecret" not in result.output
    assert home.json("session", "list")[0]["open"] is False
    assert home.json("run", "show", str(run))["run"]["waits_for"] == "person"


def test_unchecked_cookies_need_no_tor(home: Any, run: int) -> None:
    result = home("session", "open", "oldport", "--no-check", "--cookies", "-", stdin="sid=any")
    assert result.exit_code == 0, result.output
    assert "it was not checked" in result.stdout


def test_other_sites_cookies_are_counted_and_not_named(home: Any, tor: Any) -> None:
    onion = sessions.find_site(open_places(home.data), "oldport").addresses[0]
    text = f"bank.example\tTRUE\t/\tTRUE\t0\tlogin\ttopsecret\n{onion}\tFALSE\t/\tFALSE\t0\tsid\tright\n"
    result = home("session", "open", "oldport", "--cookies", "-", stdin=text)
    assert result.exit_code == 0, result.output
    assert "Left out: 1 cookies of other sites." in result.stderr
    assert "bank" not in result.output


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "words"),
    [
        (("oldport",), "", 2, "--cookies FILE"),
        (("nowhere", "--cookies", "-"), "a=b", 2, 'no site "nowhere"'),
        (("oldport", "--cookies", "-"), "topsecret", 1, "not of the form name=value"),
        (("oldport", "--cookies", "/nowhere/jar"), None, 1, "No such file"),
        (("oldport", "--cookies", "-", "--user-agent", "a\nb"), "a=b", 2, "user agent"),
        (("oldport", "--cookies", "-", "--account", "a\x07"), "a=b", 1, "1 to 100 characters"),
    ],
)
def test_what_is_wrong_is_said_in_words(
    home: Any, tor: Any, arguments: tuple[str, ...], stdin: str | None, code: int, words: str
) -> None:
    result = home("session", "open", *arguments, stdin=stdin)
    assert (result.exit_code, words in result.stderr) == (code, True), result.output
    assert "topsecret" not in result.output


def test_an_account_is_listed_without_its_name(home: Any, tor: Any) -> None:
    result = home(
        "session", "open", "oldport", "--account", "grey_heron", "--cookies", "-", stdin="sid=right"
    )
    assert result.exit_code == 0, result.output
    listed = home("session", "list")
    assert "one of yours" in listed.stdout
    assert "open until" in listed.stdout
    assert "grey_heron" not in result.output + listed.output + str(home.json("session", "list"))


def test_closing_says_what_was_there(home: Any, tor: Any) -> None:
    home("session", "open", "oldport", "--cookies", "-", stdin="sid=right")
    assert home.json("session", "close", "oldport") == {"site": "oldport", "closed": True}
    assert "No session with oldport was open" in home("session", "close", "oldport").stdout


def test_who_is_asked_finds_a_doorway_for_the_browser(
    home: Any, tor: Any, run: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuskwatch.commands.session._is_terminal", lambda: True)
    doors: list[int] = []
    enter = Doorway.__enter__

    def note(door: Doorway) -> Doorway:
        enter(door)
        doors.append(door.port)
        return door

    def paste(*_: Any, hide_input: bool, **__: Any) -> str:
        # While the person is asked, the browser gets through.
        assert hide_input
        socket.create_connection(("127.0.0.1", doors[0]), timeout=20).close()
        return "sid=right-topsecret"

    monkeypatch.setattr(Doorway, "__enter__", note)
    monkeypatch.setattr("typer.prompt", paste)
    result = home("session", "open", "oldport")
    assert result.exit_code == 0, result.output
    assert f"TOR_SOCKS_PORT={doors[0]}" in result.stdout
    assert f"Run {run} goes on where it stopped." in result.stdout
    assert "topsecret" not in result.output
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", doors[0]), timeout=20)


def test_a_schedule_with_an_account_keeps_the_name_to_itself(home: Any) -> None:
    result = home("schedule", "add", "oldport", "--cron", "15 3 * * *", "--account", "grey_heron")
    assert result.exit_code == 0, result.output
    held = [path for path in home.data.rglob("*") if path.is_file() and b"grey_heron" in path.read_bytes()]
    assert held == []


def test_before_any_visit_the_list_says_so(home: Any) -> None:
    assert "No site was visited yet" in home("session", "list").stdout


def test_a_crawl_of_a_site_that_wants_a_person_names_the_command(home: Any, run: int) -> None:
    result = home("crawl", "oldport")
    assert result.exit_code == 1
    assert '"tuskwatch session open oldport"' in " ".join(result.stderr.split())


def test_a_run_that_waits_ends_with_a_code_of_its_own(home: Any, run: int) -> None:
    result = home("run", "show", str(run), "--wait")
    assert result.exit_code == 6
    assert "waiting for a person" in result.stdout
    assert "tuskwatch session open oldport" in result.stdout


def test_a_run_is_slowed_and_made_normal_again(home: Any, run: int) -> None:
    assert home.json("run", "slow", str(run), "--factor", "3")["slow"] == 3
    assert "3 x slower" in home("run", "show", str(run)).stdout
    assert "own pace" in home("run", "slow", str(run), "--factor", "1").stdout
    assert home.json("run", "slow", str(run))["slow"] == 2


def test_a_crawl_with_an_account_keeps_the_name_to_itself(home: Any) -> None:
    result = home("crawl", "oldport", "--account", "grey_heron", "--no-wait", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["runs"][0]["account"] is True
    held = [path for path in home.data.rglob("*") if path.is_file() and b"grey_heron" in path.read_bytes()]
    assert held == []
