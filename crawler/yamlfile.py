"""Reads a YAML file of the analyst's into a pydantic model, so that each fault is named by file, line and field.

Public names: read_model, read_node, line_of.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from crawler.errors import SiteError

Model = TypeVar("Model", bound=BaseModel)
_MESSAGES = {
    "missing": "is missing",
    "extra_forbidden": "is not known here: is it mistyped?",
    "too_short": "is empty: name at least one",
}


class _Loader(yaml.SafeLoader):
    """Safe YAML with three traps closed: `on:` is a word and not True, no key twice, no aliases (they can blow up)."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.constructor.ConstructorError(
                None, None, "anchors and aliases (& and *) are not allowed here", self.get_mark()
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value}: stands there twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"true|false"), list("tf"))


def line_of(node: yaml.Node | None, loc: tuple[int | str, ...]) -> int:
    """The line (from 1) where `loc` stands in the file, or of the nearest thing around it."""
    line = node.start_mark.line + 1 if node else 1
    for step in loc:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(step):
                    node, line = value, key.start_mark.line + 1
                    break
            else:
                break
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line


def read_node(path: Path, text: bytes, *, max_size: int) -> tuple[yaml.Node | None, Any]:
    """(where each value stands, the values) of a file's text. SiteError names file and line."""
    if len(text) > max_size:
        raise SiteError(f"{path}: is larger than {max_size // 1024} KiB, which such a file should never be")
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            return node, loader.construct_document(node) if node else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        raise SiteError(f"{path}, line {line}: {exc.problem or exc.context}") from exc
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as exc:
        raise SiteError(f"{path}: is no readable YAML ({exc})") from exc


def read_model(path: Path, node: yaml.Node | None, values: object, model: type[Model]) -> Model:
    """The values as this model. SiteError with one line for each fault: file, line, field, what is wrong."""
    if not isinstance(values, dict):
        raise SiteError(f"{path}, line 1: must be a list of `field: value` lines")
    try:
        return model.model_validate(values)
    except ValidationError as exc:
        faults = []
        for error in exc.errors(include_url=False):
            loc: tuple[int | str, ...] = tuple(step for step in error["loc"] if step != "[key]")
            message = _MESSAGES.get(error["type"], error["msg"].removeprefix("Value error, "))
            if not loc and ": " in message:  # our own checks of the whole name their field themselves
                name, message = message.split(": ", 1)
                loc = tuple(name.split("."))
            field = ".".join(str(step) for step in loc)
            faults.append(f"{path}, line {line_of(node, loc)}: {field}: {message}")
        raise SiteError("\n".join(faults)) from exc
