"""Reads <data>/deny.yml, and reads it again when it changes. What cannot be read lets nothing be fetched.

Public names: DENY_FILE, DenyError, DenyWatch, read_deny_list, write_empty, add_entry, open_deny_list.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path
from typing import Any

import yaml

from crawler.deny import DenyList, Rule, make_rule
from crawler.errors import CrawlError

DENY_FILE = "deny.yml"
MAX_FILE = 2 * 1024 * 1024
MAX_ENTRIES = 20_000
_KEYS = ("salt", "terms", "hashes")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

EMPTY = """\
# What must never be kept. A page that matches leaves its hash and a line in the audit log, nothing else.
# Without this file, or with a fault in it, nothing is fetched at all. "tuskwatch deny --help" says how to change it.

# Goes into every hash below. Who gets the hashes needs it too.
salt: {salt}

# Words and phrases, compared without case, accents and disguise; whole words only.
terms: []

# The same as hashes, for a list that is shared without its words: "tuskwatch deny hash" makes them.
hashes: []
"""


class DenyError(CrawlError):
    """The deny list cannot be read, so nothing may be fetched; says what to do."""


def read_deny_list(path: Path) -> DenyList:
    """The list in this file. DenyError names what is wrong with it, by line, and never repeats its words."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE + 1)
    except FileNotFoundError as exc:
        raise DenyError(
            f'There is no deny list: {path} is missing, so nothing is fetched. "tuskwatch init" writes an empty one.'
        ) from exc
    except OSError as exc:
        raise DenyError(
            f"The deny list {path} cannot be read ({exc.strerror}), so nothing is fetched. It must be a file that you may read."
        ) from exc
    if len(raw) > MAX_FILE:
        raise DenyError(_say(path, f"is larger than {MAX_FILE // 1024} KB"))
    try:
        node = yaml.compose(raw.decode("utf-8"), Loader=_Loader)
    except UnicodeDecodeError as exc:
        raise DenyError(_say(path, "is not UTF-8 text")) from exc
    except (yaml.YAMLError, RecursionError) as exc:
        mark = getattr(exc, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark is not None else ""
        # Not the parser's own words: they repeat the line.
        raise DenyError(_say(path, f"is not valid YAML{line}")) from exc
    if not isinstance(node, yaml.MappingNode):
        raise DenyError(_say(path, "is not lines of salt, terms and hashes"))
    return _read_node(path, node, hashlib.sha256(raw).hexdigest())


class DenyWatch:
    """The list as the file says it now. Each call looks whether the file changed, which costs microseconds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._look()
        self._list = read_deny_list(path)

    def current(self) -> DenyList:
        """DenyError when the file is gone, cannot be read or is wrong."""
        stamp = self._look()
        if stamp != self._stamp:
            self._list = read_deny_list(self._path)
            self._stamp = stamp
        return self._list

    def match_url(self, url: str) -> str | None:
        """The rule that names an address; for whoever decides what to fetch."""
        return self.current().match_url(url)

    def _look(self) -> tuple[int, ...]:
        try:
            found = self._path.stat()
            readable = os.access(self._path, os.R_OK)
        except OSError:
            return ()
        return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, readable)


def open_deny_list(data: Path) -> DenyWatch:
    """The list of a data folder. DenyError when there is none or it is wrong."""
    return DenyWatch(data / DENY_FILE)


def write_empty(data: Path) -> bool:
    """Write a list without entries where there is none; was it written?"""
    path = data / DENY_FILE
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(EMPTY.format(salt=secrets.token_hex(16)))
    return True


def add_entry(path: Path, *, section: str, text: str) -> DenyList:
    """Add one entry to "terms" or "hashes" and keep all else, comments too. The list as it is then.

    DenyError when the list is wrong, or would be with it.
    """
    old = read_deny_list(path)
    lines = path.read_text("utf-8").splitlines()
    quoted = "'" + text.replace("'", "''") + "'"
    head = next(
        (at for at, line in enumerate(lines) if re.match(rf"{section}:\s*(\[\s*\])?\s*(#.*)?$", line)), None
    )
    if head is None:
        raise DenyError(
            f'{path}: "{section}:" is not a list with one entry a line. Write it so, then add to it by hand or again.'
        )
    lines[head] = f"{section}:"
    # At the end, so that the numbers of the rules before it stay: the audit log names them.
    items = [head]
    for at in range(head + 1, len(lines)):
        if re.match(r"\s*-\s", lines[at]):
            items.append(at)
        elif lines[at].strip() and not lines[at].startswith((" ", "#")):
            break
    indent = re.match(r"\s*", lines[items[1]]) if len(items) > 1 else None
    lines.insert(items[-1] + 1, f"{indent[0] if indent else '  '}- {quoted}")
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text("\n".join(lines) + "\n", "utf-8")
        fresh.chmod(path.stat().st_mode & 0o777)
        read = read_deny_list(fresh)
        if len(read) != len(old) + 1:
            raise DenyError(f"{path}: the entry could not be added to its list. Add it by hand.")
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return read


def _read_node(path: Path, node: yaml.MappingNode, version: str) -> DenyList:
    sections: dict[str, yaml.Node] = {}
    for key, value in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name not in _KEYS:
            raise DenyError(_say(path, f"has an unknown line ({line}). Known: {', '.join(_KEYS)}"))
        if name in sections:
            raise DenyError(_say(path, f"says {name} twice (line {line})"))
        sections[name] = value
    if "terms" not in sections:
        raise DenyError(_say(path, 'does not have the line terms: write "terms: []" for an empty list'))
    salt = ""
    if (node_of_salt := sections.pop("salt", None)) is not None:
        salt = node_of_salt.value if isinstance(node_of_salt, yaml.ScalarNode) else ""
        if not 8 <= len(salt) <= 200:
            raise DenyError(_say(path, "has no salt of 8 to 200 characters"))
    rules: list[Rule] = []
    for name, kind in (("terms", "term"), ("hashes", "hash")):
        if name not in sections:
            continue
        found = sections[name]
        if not isinstance(found, yaml.SequenceNode):
            raise DenyError(_say(path, f'has no list at {name}: write "{name}: []" for an empty one'))
        if len(found.value) > MAX_ENTRIES:
            raise DenyError(_say(path, f"has more than {MAX_ENTRIES} {name}"))
        for number, item in enumerate(found.value, start=1):
            line = item.start_mark.line + 1
            if not isinstance(item, yaml.ScalarNode) or "\0" in item.value:
                raise DenyError(_say(path, f"line {line}: an entry of {name} is not a text"))
            try:
                rules.append(make_rule(kind, number, item.value))
            except ValueError as exc:
                raise DenyError(_say(path, f"line {line}: entry {number} of {name} {exc}")) from exc
    if not salt and any(rule.kind != "term" for rule in rules):
        raise DenyError(_say(path, "has hashes and no salt, so they cannot be compared"))
    return DenyList(rules, salt=salt, version=version[:16])


def _say(path: Path, what: str) -> str:
    return f"The deny list {path} cannot be used, so nothing is fetched: it {what}. Correct it; tuskwatch deny check looks at it."
