"""What holds for the repository as a whole: its documentation, its shape, its words."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

PACKAGES = ("text", "storage", "crawler", "classifier", "reports", "jobs", "web", "lab", "tuskwatch")


def _tracked(repository: Path) -> list[Path]:
    """The files that git would commit; in an unpacked archive without git, every file outside hidden folders."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=repository,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
        return [repository / name for name in names if (repository / name).is_file()]
    return [path for path in repository.rglob("*") if path.is_file() and "/." not in str(path)]


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\s<>=!~;\[]", line, maxsplit=1)[0].lower() for line in requirements}


def _list_requirements(project: dict[str, Any]) -> list[str]:
    """Those that are always needed, then those of the extras."""
    return [
        *project["dependencies"],
        *(line for lines in project["optional-dependencies"].values() for line in lines),
    ]


def test_every_dependency_has_its_reason(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    declared = _names(_list_requirements(project))
    page = (repository / "docs/dependencies.md").read_text()
    documented = {
        re.split(r"[\s(\[]", row.group(1), maxsplit=1)[0].lower()
        for row in re.finditer(r"^\| ([a-z][^|]*?) \|", page, re.M)
    } - {"package"}
    assert documented == declared


def test_every_declared_dependency_is_imported_somewhere(repository: Path) -> None:
    modules = {
        "argon2-cffi": "argon2",
        "beautifulsoup4": "bs4",
        "cron-descriptor": "cron_descriptor",
        "price-parser": "price_parser",
        "prometheus-client": "prometheus_client",
        "pydantic-settings": "pydantic_settings",
        "pyyaml": "yaml",
        "scikit-learn": "sklearn",
        "vl-convert-python": "vl_convert",
    }
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    source = "\n".join(
        path.read_text() for package in PACKAGES for path in (repository / package).rglob("*.py")
    )
    unused = [
        name
        for name in sorted(_names(project["dependencies"]))
        if (module := modules.get(name, name)) is not None
        and not re.search(rf"^\s*(?:import|from) {re.escape(module)}\b", source, re.M)
    ]
    assert unused == []


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_are_short_and_say_what_they_are(repository: Path, package: str) -> None:
    problems = []
    for path in (repository / package).rglob("*.py"):
        if "versions" in path.parts:
            continue
        text = path.read_text()
        if text.count("\n") > 400:
            problems.append(f"{path.relative_to(repository)}: {text.count(chr(10))} lines, 400 is the limit")
        if not text.lstrip().startswith(('"""', 'r"""')):
            problems.append(f"{path.relative_to(repository)}: no docstring")
    assert problems == []


def test_decisions_are_short_and_listed(repository: Path) -> None:
    folder = repository / "docs/decisions"
    index = (folder / "README.md").read_text()
    pages = sorted(path for path in folder.glob("[0-9]*.md"))
    assert pages
    assert [path.name for path in pages if path.name not in index] == []
    assert [path.name for path in pages if path.read_text().count("\n") > 40] == []


def test_no_real_looking_onion_is_in_the_repository(repository: Path) -> None:
    """Invented addresses in samples must fail the checksum of v3 onions or be made by a test at run time."""
    from crawler.sites import is_onion

    found = []
    for path in _tracked(repository):
        if path.suffix in {".lock", ".skops", ".png", ".woff2"}:
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        found += [
            f"{path.relative_to(repository)}: {match}"
            for match in re.findall(r"\b[a-z2-7]{56}\b", text)
            if is_onion(f"{match}.onion")
        ]
    assert found == []


def test_local_links_in_the_documentation_lead_somewhere(repository: Path) -> None:
    broken = []
    for page in [*repository.glob("*.md"), *(repository / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(repository)}: {target}")
    assert broken == []


def test_every_imported_package_is_declared(repository: Path) -> None:
    # What these bring along is theirs to pin: Scrapy is built on Twisted, scikit-learn on SciPy, and so on.
    carried = {"twisted", "zope", "w3lib", "scipy", "joblib", "threadpoolctl", "markupsafe", "urllib3"}
    modules = {
        "argon2": "argon2-cffi",
        "bs4": "beautifulsoup4",
        "cron_descriptor": "cron-descriptor",
        "price_parser": "price-parser",
        "prometheus_client": "prometheus-client",
        "pydantic_settings": "pydantic-settings",
        "yaml": "pyyaml",
        "sklearn": "scikit-learn",
        "vl_convert": "vl-convert-python",
    }
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    declared = _names(_list_requirements(project))
    imported = set()
    for package in PACKAGES:
        for path in (repository / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    imported.add(node.module.split(".")[0])
    foreign = imported - set(sys.stdlib_module_names) - set(PACKAGES) - carried
    assert {modules.get(name, name) for name in foreign} - declared == set()
