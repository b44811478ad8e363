"""What leaves the machine: kinds and numbers, and no more than the settings allow; and the settings themselves."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.need import KINDS, LEVELS, Need, sort_needs
from jobs.noticemail import write_mail
from jobs.noticesettings import FILE, Limits, Mail, NoticeError, find_limits, read_secret, read_settings
from jobs.noticetext import HIDDEN, MAX_TEXT, guard_text, name_subject, tell_event, tell_need
from jobs.places import Places

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ONION = "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrstuvwx.onion"
HOSTILE = f"Ivory tusk at http://{ONION}/p/1 ask @grey_heron\r\nBcc: thief@example.org\r\n\r\n<b>\x1b[31m\u202e\u2028tel:+123\x00"
NEED = Need(
    kind="gate", level="now", subject="run 12", words="Run 12 of oldport waits.", what_to_do="Open it.",
    command="tuskwatch session open oldport", link="/runs/12", since=NOW, site="oldport", site_id=3, run_id=12,
    message=HOSTILE, onions=(ONION,), people="grey_heron",
)  # fmt: skip
SECRET = ("ivory", "tusk", "grey_heron", "onion", "thief", "abcdefghij", "oldport")


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize(
    "subject",
    ["run 12", "site 3", "session 4", "issue gate of site 3", "worker ana-laptop-1", "disk ana-laptop"],
)
def test_nothing_but_kinds_and_numbers_is_told(kind: str, subject: str) -> None:
    text = tell_need(replace(NEED, kind=kind, subject=subject), allow=())
    assert [word for word in (*SECRET, "laptop") if word in text.lower()] == []
    assert text.isprintable()
    assert 10 < len(text) < 120


@pytest.mark.parametrize(
    ("subject", "site_id", "says"),
    [
        ("run 12", 3, "run 12 of site 3 waits for a person"),
        ("run 12", None, "run 12 waits for a person"),
        ("site 3", 3, "site 3 waits for a person"),
        ("session 4", 3, "session 4 of site 3 waits for a person"),
        ("issue x of site 3", 3, "site 3 waits for a person"),
        ("site file oldport", None, "a site waits for a person"),
    ],
)
def test_it_says_what_it_is_about(subject: str, site_id: int | None, says: str) -> None:
    assert tell_need(replace(NEED, subject=subject, site_id=site_id), allow=()) == says


@pytest.mark.parametrize(
    ("allow", "there", "not_there"),
    [
        (["site_names"], ["(oldport)"], ["heron", "onion", "tusk"]),
        (["addresses"], [ONION.replace(".", "[.]")], ["oldport", "heron", "tusk"]),
        (["accounts"], ["by grey_heron"], ["oldport", "onion", "tusk"]),
        (["ad_text"], [], ["oldport", "onion", "tusk", "heron"]),
        (["ad_text", "accounts"], ["Ivory tusk", HIDDEN, "@grey_heron"], ["onion", "oldport"]),
        (["ad_text", "accounts", "addresses"], ["Ivory tusk", ONION], ["oldport"]),
    ],
)
def test_each_leave_lets_its_own_out(allow: list[str], there: list[str], not_there: list[str]) -> None:
    text = tell_need(NEED, allow=allow)
    assert [part for part in there if part not in text] == []
    assert [part for part in not_there if part in text] == []
    assert text.isprintable()


def test_machines_have_names_only_where_allowed() -> None:
    need = replace(NEED, kind="disk", subject="disk ana-laptop", site="", site_id=None)
    assert tell_need(need, allow=()) == "a machine has little room left on its disk"
    assert tell_need(need, allow=["machines"]) == "disk ana-laptop has little room left on its disk"


def test_an_event_is_told_by_its_number() -> None:
    assert tell_event("report-ready", "report 5", site="", site_id=None, allow=()) == "report 5 is ready"
    assert (
        tell_event("run-done", "run 8", site="oldport", site_id=3, allow=["site_names"])
        == "run 8 of site 3 (oldport) is done"
    )


@pytest.mark.parametrize(
    ("subject", "says"),
    [
        ("run 12", "run 12"),
        ("worker ana", ""),
        ("site file x", ""),
        ("run 12\nBcc: x", ""),
        ("mirrors of site 3\n", ""),
        ("issue a of site 3", "site 3"),
        ("mirrors of site 3", "site 3"),
        ("issue a b of site 3", ""),
        ("drift of site 0", ""),
    ],
)
def test_a_subject_outside_is_a_number_or_nothing(subject: str, says: str) -> None:
    assert name_subject(subject) == says


@pytest.mark.parametrize(
    "text",
    [
        ONION, ONION.upper(), f"http://{ONION}/a?b=c", f"x{ONION}", ONION.replace(".", "[.]"), ONION.replace(".", " dot "),
        ONION.replace(".", "(dot)"), ONION.replace(".", " [.] "), ONION.replace(".", "。"), ONION[:-6], f"hxxp://{ONION[:56]}[.]onion",
        "www." + ONION, ONION.translate(str.maketrans({chr(a): chr(a + 0xFEE0) for a in range(0x61, 0x7B)})),
        "facebookcorewwwi.onion", "https://shop.example.org/p?id=1",
    ],
)  # fmt: skip
def test_addresses_are_hidden_however_they_are_written(text: str) -> None:
    shown = guard_text(f"see {text} now", allow=())
    assert HIDDEN in shown
    assert "abcdefghij" not in unicodedata.normalize("NFKC", shown).lower()
    assert "onion" not in shown.lower()
    assert "shop" not in shown


@pytest.mark.parametrize(
    "text", ["run 12 of site 3 waits", "an onion soup", "2 addresses: wait", "site file a is wrong"]
)
def test_other_words_stay(text: str) -> None:
    assert guard_text(text, allow=()) == text


@given(st.text(max_size=2_000))
@settings(max_examples=100, deadline=None)
def test_whatever_comes_leaves_as_one_line(text: str) -> None:
    shown = guard_text(text + f" {ONION} " + text, allow=())
    assert len(shown) <= MAX_TEXT
    assert shown.splitlines() in ([], [shown])
    assert ONION not in shown
    assert not [char for char in shown if unicodedata.category(char)[0] == "C"]
    mail = Mail.model_validate({"server": "h", "from": "a@b.example", "to": ["c@d.example"]})
    letter = write_mail(mail, subject="Tuskwatch: 1 notice", text=shown + "\n", message_id="m", now=NOW)
    again = message_from_bytes(letter.as_bytes())
    assert sorted(again.keys()) == sorted(letter.keys())
    assert again["Bcc"] is None


def test_urgent_ones_stand_first_then_by_kind_then_the_longest_waiting() -> None:
    needs = [
        replace(NEED, level="later", kind="review", subject="c"),
        replace(NEED, level="now", kind="disk", since=None, subject="b"),
        replace(NEED, level="now", since=NOW, subject="young"),
        replace(NEED, level="now", since=NOW.replace(year=2025), subject="old"),
        replace(NEED, level="soon", kind="drift", subject="d"),
    ]
    assert [need.subject for need in sort_needs(needs)] == ["old", "young", "b", "d", "c"]
    assert {need.level for need in needs} == set(LEVELS)


# The file


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A folder is enough: no database is asked."""
    return Places(data=tmp_path, database_url="", engine_url="", models=tmp_path)


WHOLE = """\
needs: {review_days: 3, disk_gb: 20}
mail:
  server: smtp.ngo.example
  port: 465
  security: tls
  user: tuskwatch
  password: "correct horse"
  from: tuskwatch@ngo.example
  to: [ana@ngo.example]
  every: 60
  quiet: {from: "22:00", to: "07:00", tz: Asia/Singapore}
  kinds: {review: off, run-done: on}
  allow: [site_names]
webhook:
  url: https://hooks.ngo.example/in/abc
  secret: shared words
  proxy: 127.0.0.1:9150
feed:
  token: abcdefabcdefabcdefabcdef
"""


def write_file(places: Places, text: str, *, mode: int = 0o600) -> Path:
    path = places.data / FILE
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_the_whole_file_is_read(places: Places) -> None:
    write_file(places, WHOLE)
    found = read_settings(places)
    assert found is not None
    assert list(found.channels) == ["mail", "webhook", "feed"]
    assert found.mail is not None
    assert found.webhook is not None
    assert (found.mail.tells("gate"), found.mail.tells("review"), found.mail.tells("run-done")) == (
        True,
        False,
        True,
    )
    assert (found.webhook.tells("run-done"), found.webhook.tells("run-paused")) == (False, False)
    assert (found.mail.every, found.webhook.every, found.mail.allow) == (60, 1, ("site_names",))
    assert find_limits(places) == (Limits(review_days=3, disk_gb=20), "")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "needs: {silent_days: 3}\n"])
def test_a_file_without_channels_tells_nobody(places: Places, text: str) -> None:
    write_file(places, text)
    found = read_settings(places)
    assert found is not None
    assert found.channels == {}


def test_without_a_file_there_are_no_settings(places: Places) -> None:
    assert read_settings(places) is None
    assert find_limits(places) == (Limits(), "")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604])
def test_a_file_that_others_can_read_is_refused(places: Places, mode: int) -> None:
    path = write_file(places, WHOLE, mode=mode)
    with pytest.raises(NoticeError, match=f"chmod 600 {path}"):
        read_settings(places)


MAIL = "mail:\n  server: smtp.ngo.example\n  from: a@ngo.example\n  to: [b@ngo.example]\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sms: {}\n", "line 1: sms: is not known here"),
        (MAIL + "  passwort: x\n", "line 5: mail.passwort: is not known here"),
        ("mail:\n  server: x\n", "line 1: mail.from: is missing"),
        (MAIL.replace("[b@ngo.example]", "[]"), "line 4: mail.to: is empty"),
        (
            MAIL.replace("a@ngo.example", '"a@ngo.example\\r\\nBcc: c@d.example"'),
            "line 3: mail.from: .* is no mail address",
        ),
        (
            MAIL.replace("b@ngo.example", '"b@ngo.example, c@d.example"'),
            "line 4: mail.to: .* is no mail address",
        ),
        (MAIL.replace("b@ngo.example", "B <b@ngo.example>"), "is no mail address"),
        (MAIL.replace("b@ngo.example", "b"), "is no mail address"),
        (MAIL + "  security: none\n", "line 5: mail.security: none is for a mail server on this machine"),
        (MAIL + "  user: x\n", "line 5: mail.user: a user and a password"),
        (
            MAIL + "  user: x\n  password: y\n  password_file: /z\n",
            "mail.password: name it here or in password_file",
        ),
        (MAIL + "  port: 70000\n", "line 5: mail.port"),
        (MAIL + "  every: 0\n", "line 5: mail.every"),
        (MAIL + "  kinds: {gates: off}\n", "line 5: mail.kinds: there is no kind 'gates'. Known: gate"),
        (MAIL + "  kinds: {gate: never}\n", "mail.kinds"),
        (MAIL + "  allow: [everything]\n", "line 5: mail.allow.0"),
        (MAIL + "  proxy: proxy.example.org:1080\n", 'line 5: mail.proxy: is "tor"'),
        (MAIL + '  quiet: {from: "25:00", to: "07:00"}\n', "line 5: mail.quiet.from: '25:00' is no time"),
        (MAIL + "  quiet: {from: 22:00, to: 07:00}\n", "mail.quiet.from"),
        (MAIL + '  quiet: {from: "22:00", to: "07:00", tz: Mars/North}\n', "mail.quiet.tz: 'Mars/North'"),
        ("webhook: {url: 'http://hooks.ngo.example/'}\n", "line 1: webhook.url: must begin with https"),
        ("webhook: {url: 'https://u:p@hooks.ngo.example/'}\n", "webhook.url: is no address"),
        ("webhook: {url: 'file:///etc/passwd'}\n", "webhook.url: is no address"),
        ("webhook: {url: 'https://a.example:99999/'}\n", "webhook.url: is no address"),
        ('webhook: {url: "https://a.example/x\\r\\nX: y"}\n', "webhook.url: is no address"),
        ("webhook: {url: 'http://127.0.0.1.evil.example/'}\n", "must begin with https"),
        ("feed: {token: short}\n", "line 1: feed.token: is 24 to 200"),
        ("feed: [a]\n", "line 1: feed"),
        ("- a\n", "line 1: must be a list of `field: value` lines"),
        ("mail: &a {}\nwebhook: *a\n", "anchors and aliases"),
        ("feed: {}\nfeed: {}\n", "line 2: feed: stands there twice"),
        ("a: [\n", "line 2"),
        ("x: \x00", "no readable YAML"),
        ("#" * 70_000, "is larger than 64 KiB"),
    ],
)
def test_what_is_wrong_is_named_by_line(places: Places, text: str, says: str) -> None:
    write_file(places, text)
    with pytest.raises(NoticeError, match=says):
        read_settings(places)
    limits, fault = find_limits(places)
    assert limits == Limits()
    assert fault


@pytest.mark.parametrize(
    "text",
    [
        MAIL + "  user: x\n  password: 123456789012\n", MAIL + "  user: x\n  password: [topsecretword]\n",
        "webhook: {url: 'https://a.example/', secret: {topsecretword: 1}}\n", "feed: {token: 'topsecretword in words'}\n",
        MAIL + "  password: topsecretword\n",
    ],
)  # fmt: skip
def test_a_fault_never_quotes_a_secret(places: Places, text: str) -> None:
    write_file(places, text)
    with pytest.raises(NoticeError) as caught:
        read_settings(places)
    assert "topsecretword" not in str(caught.value)
    assert "123456789012" not in str(caught.value)


def test_secrets_come_from_files_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("  from a file \nsecond line\n")
    path.chmod(0o600)
    assert read_secret("", path) == "from a file"
    assert read_secret("as written", None) == "as written"
    path.chmod(0o644)
    with pytest.raises(NoticeError, match="chmod 600"):
        read_secret("", path)


@pytest.mark.parametrize(
    ("content", "says"), [(None, "cannot be read"), ("", "is empty"), (" \nx", "is empty")]
)
def test_a_file_without_a_secret_is_said(tmp_path: Path, content: Any, says: str) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_text(content)
        path.chmod(0o600)
    with pytest.raises(NoticeError, match=says):
        read_secret("", path)
