"""Reads a site file so that each fault is named by file, line and field.

Public names: load_site.
"""

from __future__ import annotations

from pathlib import Path

from crawler.errors import SiteError
from crawler.siteconfig import SiteConfig
from crawler.yamlfile import line_of, read_model, read_node

_MAX_FILE = 256 * 1024


def load_site(folder: Path) -> SiteConfig:
    """Read <folder>/site.yml. Raises SiteError with one line for each fault: file, line, field, what is wrong."""
    path = folder / "site.yml"
    try:
        text = path.read_bytes()
    except OSError as exc:
        raise SiteError(
            f"{path}: cannot be read ({exc.strerror}). Each site needs a file of that name."
        ) from exc
    node, values = read_node(path, text, max_size=_MAX_FILE)
    config = read_model(path, node, values, SiteConfig)
    if config.name != folder.name:
        raise SiteError(
            f"{path}, line {line_of(node, ('name',))}: name: is {config.name!r}, but the folder is called "
            f"{folder.name!r}; they must be the same"
        )
    return config
