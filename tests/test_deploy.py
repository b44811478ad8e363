"""The files of docs/deploy name only commands, settings, paths and programs that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

UNITS = ("tuskwatch.service", "tuskwatch-worker.service")


@pytest.fixture(scope="module")
def folder(repository: Path) -> Path:
    return repository / "docs/deploy"


def read_unit(path: Path) -> list[tuple[str, str, str]]:
    """(section, name, value) of each line; systemd allows a name more than once, configparser does not."""
    section, found = "", []
    for line in path.read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.append((section, name, value))
    return found


def check_command(words: list[str]) -> list[str]:
    """What is wrong with a command of ours: the command itself, or its options."""
    from tuskwatch.cli import app

    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    if words[0] not in commands:
        return [words[0]]
    command = commands[words[0]]
    known = {option for param in command.params for option in [*param.opts, *param.secondary_opts]}
    return [word for word in words[1:] if word.startswith("--") and word not in known]


@pytest.mark.parametrize("name", UNITS)
def test_units_start_commands_that_exist(folder: Path, name: str) -> None:
    starts = [value for _, key, value in read_unit(folder / name) if key == "ExecStart"]
    assert len(starts) == 1
    program, *words = shlex.split(starts[0])
    assert program.endswith("/.venv/bin/tuskwatch")
    assert check_command(words) == []


@pytest.mark.parametrize("name", UNITS)
def test_units_are_closed_and_say_everything_in_its_place(folder: Path, name: str) -> None:
    lines = read_unit(folder / name)
    assert {section for section, _, _ in lines} == {"Unit", "Service", "Install"}
    service = {key: value for section, key, value in lines if section == "Service"}
    for key, value in (
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("CapabilityBoundingSet", ""),
        ("UMask", "0077"),
        ("StateDirectoryMode", "0700"),
        ("User", "tuskwatch"),
    ):
        assert service[key] == value, key
    assert "MemoryMax" in service
    families = set(service["RestrictAddressFamilies"].split())
    # The canary asks the kernel for sockets by netlink; the screens need nothing of the kind.
    assert families - {"AF_UNIX", "AF_INET", "AF_INET6"} == ({"AF_NETLINK"} if "worker" in name else set())


def test_the_worker_has_time_to_leave(folder: Path) -> None:
    service = {key: value for _, key, value in read_unit(folder / "tuskwatch-worker.service")}
    assert service["KillMode"] == "mixed"
    assert int(service["TimeoutStopSec"]) > 60


def test_settings_named_in_these_files_exist(folder: Path, repository: Path) -> None:
    documented = set(
        re.findall(r"^\| `(TUSKWATCH_\w+)` \|", (repository / "docs/settings.md").read_text(), re.M)
    )
    named = {
        name
        for path in [*folder.iterdir(), repository / "docs/deploy.md"]
        for name in re.findall(r"TUSKWATCH_[A-Z_]+", path.read_text())
    }
    assert named
    assert named - documented == set()


def test_the_image_copies_what_is_there_and_every_package(folder: Path, repository: Path) -> None:
    text = (folder / "Containerfile").read_text()
    copied = {word for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.M) for word in line.split()[:-1]}
    assert [word for word in copied if not (repository / word).exists()] == []
    project = (repository / "pyproject.toml").read_text()
    packages = re.search(r"packages = \[(.*?)\]", project, re.S)
    assert packages is not None
    assert set(re.findall(r'"(\w+)"', packages[1])) <= copied
    assert re.search(r"^USER 10001", text, re.M)
    # What .ci/setup installs to run Tuskwatch is in the image as well.
    setup = (repository / ".ci/setup").read_text().split('"$purpose" != check', 1)[1].split("\nfi", 1)[0]
    needed = set(re.findall(r"missing\+=\(([\w.-]+)\)", setup))
    assert needed
    assert [package for package in needed if package not in text] == []


def test_compose_starts_commands_that_exist_without_rights(folder: Path) -> None:
    compose = yaml.safe_load((folder / "compose.yaml").read_text())
    ours = {
        name: service for name, service in compose["services"].items() if service.get("image") == "tuskwatch"
    }
    assert {"init", "web", "worker-1", "worker-2"} == ours.keys()
    for name, service in ours.items():
        assert check_command(service["command"]) == [], name
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    used = {
        volume.split(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", ())
    }
    assert {volume for volume in used if not volume.startswith(".")} == compose["volumes"].keys()
    # Two workers never share a data folder: each has a Tor in it.
    data = [
        volume
        for name in ("web", "worker-1", "worker-2")
        for volume in ours[name]["volumes"]
        if volume.endswith(":/var/lib/tuskwatch")
    ]
    assert len(set(data)) == 3
    # Only workers get out.
    assert [name for name, service in ours.items() if "outside" in service["networks"]] == [
        "worker-1",
        "worker-2",
    ]
    assert compose["networks"]["inside"] == {"internal": True}


def test_the_proxy_sends_what_the_screens_ask_for(folder: Path) -> None:
    from starlette.datastructures import Headers

    from web.security import ALLOWED_HOSTS, check_origin, read_host

    text = (folder / "nginx.conf").read_text()
    hosts = re.findall(r"proxy_set_header Host (\S+);", text)
    assert len(hosts) == text.count("proxy_pass ")
    assert {read_host(Headers({"host": host})) for host in hosts} <= ALLOWED_HOSTS
    assert text.count('proxy_set_header Origin "";') == len(hosts)
    # A form from our own page, behind this proxy; from elsewhere; from something that is no browser.
    assert check_origin(Headers({"host": hosts[0], "sec-fetch-site": "same-origin"})) is None
    assert check_origin(Headers({"host": hosts[0], "sec-fetch-site": "cross-site"})) is not None
    assert check_origin(Headers({"host": hosts[0]})) is not None
    assert "location = /signin" in text
    assert text.count("{") == text.count("}")
