"""Settings: from the environment only, checked, and turned into places."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuskwatch.places import MODELS, make_places
from tuskwatch.settings import SettingsError, find_key_file, read_settings


def test_defaults_are_sqlite_in_the_data_folder(tmp_path: Path) -> None:
    places = make_places(read_settings(data=tmp_path))
    assert places.data == tmp_path
    assert places.database_url == f"sqlite:///{tmp_path}/tuskwatch.db"
    assert places.engine_url == f"sqlite:///{tmp_path}/engine.db"
    assert (places.models, places.tor_binary, places.tor_control_port, places.crawls) == (
        MODELS,
        "tor",
        None,
        4,
    )


def test_postgresql_holds_the_queue_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUSKWATCH_DATABASE_URL", "postgresql://team@db/tuskwatch")
    places = make_places(read_settings(data=tmp_path))
    assert places.database_url == places.engine_url == "postgresql://team@db/tuskwatch"


def test_the_command_line_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUSKWATCH_DATA", str(tmp_path / "one"))
    assert read_settings().data == tmp_path / "one"
    assert read_settings(data=tmp_path / "other").data == tmp_path / "other"


def test_a_link_to_a_data_folder_is_followed_once(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "last").symlink_to("first")
    assert read_settings(data=tmp_path / "last").data == tmp_path / "first"


def test_an_empty_variable_is_no_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUSKWATCH_TOR_CONTROL_PORT", "")
    assert read_settings(data=tmp_path).tor_control_port is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("CRAWLS", "0"), ("PORT", "99999"), ("TOR_CONTROL_PORT", "tor"), ("LOG_LEVEL", "LOUD")],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"TUSKWATCH_{name}", value)
    with pytest.raises(SettingsError, match=f"TUSKWATCH_{name}"):
        read_settings()


def test_the_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUSKWATCH_TOR_CONTROL_PASSWORD", "tusks")
    assert "tusks" not in repr(read_settings())


def test_each_data_folder_has_a_key_of_its_own_outside_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    one, two = (make_places(read_settings(data=tmp_path / name)).key_file for name in ("one", "two"))
    assert one is not None
    assert one != two
    assert one.parent == tmp_path / "config" / "tuskwatch" / "keys"
    assert not one.parent.exists()


def test_the_key_of_the_data_folder_that_nobody_named_lies_outside_of_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("TUSKWATCH_DATA", raising=False)
    settings = read_settings()
    assert settings.data.is_relative_to(tmp_path)
    assert find_key_file(settings).is_relative_to(tmp_path / ".config")
    assert not find_key_file(settings).is_relative_to(settings.data)


def test_a_relative_config_home_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", "somewhere")
    assert find_key_file(read_settings(data=tmp_path)).is_relative_to(tmp_path / ".config")


def test_the_key_file_that_is_set_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUSKWATCH_KEY_FILE", str(tmp_path / "mine.age"))
    assert find_key_file(read_settings(data=tmp_path)) == tmp_path / "mine.age"
