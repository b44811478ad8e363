"""Every command, setting and route is documented, and nothing is documented that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer


def _commands(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        path = f"{prefix} {name}"
        if hasattr(command, "commands"):
            yield from _commands(command, path)
        else:
            yield path, command


@pytest.fixture(scope="module")
def commands() -> dict[str, Any]:
    from tuskwatch.cli import app

    return dict(_commands(typer.main.get_command(app), "tuskwatch"))


def test_the_page_of_commands_lists_all_and_no_other(repository: Path, commands: dict[str, Any]) -> None:
    rows = re.findall(r"^\| `(tuskwatch [^`]*)` \|", (repository / "docs/commands.md").read_text(), re.M)
    documented = [re.match(r"tuskwatch(?: [a-z]+)+", row)[0] for row in rows]  # type: ignore[index]
    assert sorted(documented) == sorted(commands)


def test_documented_options_exist(repository: Path, commands: dict[str, Any]) -> None:
    wrong = []
    for row in re.findall(r"^\| `(tuskwatch [^`]*)` \|", (repository / "docs/commands.md").read_text(), re.M):
        name = re.match(r"tuskwatch(?: [a-z]+)+", row)[0]  # type: ignore[index]
        known = {option for param in commands[name].params for option in [*param.opts, *param.secondary_opts]}
        wrong += [f"{name} {option}" for option in re.findall(r"--[a-z-]+", row) if option not in known]
    assert wrong == []


def test_every_command_has_help_and_json(commands: dict[str, Any]) -> None:
    stays = {"tuskwatch serve", "tuskwatch worker"}  # these run until Ctrl-C and have no result to print
    assert [name for name, command in commands.items() if not command.help] == []
    assert [
        name
        for name, command in commands.items()
        if name not in stays and not any("--json" in param.opts for param in command.params)
    ] == []


def test_the_page_of_settings_lists_all_and_no_other(repository: Path) -> None:
    from tuskwatch.settings import Settings

    documented = re.findall(r"^\| `(TUSKWATCH_\w+)` \|", (repository / "docs/settings.md").read_text(), re.M)
    assert sorted(documented) == sorted(f"TUSKWATCH_{name.upper()}" for name in Settings.model_fields)


def test_commands_typed_in_readme_and_tutorial_exist(repository: Path, commands: dict[str, Any]) -> None:
    wrong = []
    for page in ("README.md", "docs/tutorial.md", "docs/sites.md", "docs/deploy.md"):
        text = (repository / page).read_text()
        for line in re.findall(r"^\s*(tuskwatch [^#\n]*)", text, re.M):
            words = line.split()
            name = next(
                (" ".join(words[:size]) for size in (3, 2) if " ".join(words[:size]) in commands), None
            )
            if name is None:
                wrong.append(f"{page}: {line}")
                continue
            known = {option for param in commands[name].params for option in param.opts}
            wrong += [f"{page}: {line}" for option in re.findall(r"--[a-z-]+", line) if option not in known]
    assert wrong == []


def test_every_make_target_is_explained(repository: Path) -> None:
    text = (repository / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", text, re.M)
    assert targets is not None
    explained = set(re.findall(r"^([a-z]+):.*## \S", text, re.M))
    assert explained == set(targets[1].split())


def test_the_page_of_screens_lists_all_routes_and_no_other(repository: Path, tmp_path: Path) -> None:
    from storage.engine import upgrade
    from tuskwatch.places import make_places
    from tuskwatch.settings import read_settings
    from web.app import WebSettings, make_app

    upgrade(f"sqlite:///{tmp_path / 'tuskwatch.db'}")
    app = make_app(WebSettings(make_places(read_settings(data=tmp_path))))
    routes = {str(getattr(route, "path", "")) for route in app.routes}
    page = (repository / "docs/screens.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `/")]
    documented = {path for row in rows for path in re.findall(r"`([^`]+)`", row)}
    assert documented == routes
