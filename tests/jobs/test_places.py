"""Places travel to child processes unharmed, and tor.yml is read with care."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jobs.errors import JobError
from jobs.places import Places, TorFile, dump_places, load_places, read_tor_file


def test_places_come_back_from_json_as_they_were(places: Places) -> None:
    full = replace(
        places, tor_control_port=9051, tor_control_password='a "quoted" pässword', tor_socks_port=9050,
        key_file=Path("/keys/one.age"),
    )  # fmt: skip
    assert load_places(dump_places(full)) == full
    assert load_places(dump_places(places)) == places


def test_dumped_places_are_one_line(places: Places) -> None:
    assert "\n" not in dump_places(replace(places, tor_control_password="two\nlines"))


def test_no_tor_file_means_none(tmp_path: Path) -> None:
    assert read_tor_file(tmp_path) is None


def test_tor_file_of_the_lab(tmp_path: Path) -> None:
    (tmp_path / "tor.yml").write_text("control_port: 9051\nsocks_port: 9050\nlab: true\n")
    assert read_tor_file(tmp_path) == TorFile(control_port=9051, socks_port=9050, lab=True)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("socks_port: 9050", "control_port is missing"),
        ("control_port: 99999", "must be a port number from 1 to 65535"),
        ("control_port: true", "must be a port number"),
        ("control_port: 9051\nsocks: 1", "unknown line 'socks'"),
        ("control_port: [", "cannot be read"),
        ("just words", "control_port is missing"),
        ("x" * 20_000, "far too large"),
    ],
)
def test_a_wrong_tor_file_is_refused_in_words(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "tor.yml").write_text(text)
    with pytest.raises(JobError, match=sentence):
        read_tor_file(tmp_path)
