"""The lab's texts as data: read_texts."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one reads these files in a tenth of the time


@cache
def read_texts(name: str) -> Any:
    """The content of one text file of this package, such as `wildlife`."""
    text = files(__name__).joinpath(f"{name}.yml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, and our own file
