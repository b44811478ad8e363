"""The file <data>/sites/<site>/expected.yml: read so that each fault is named by line and field, written with comments.

Public names: load_expected, write_expected, EXPECTED.
"""

from __future__ import annotations

from pathlib import Path

from crawler.errors import SiteError
from crawler.limits import Expected, Range
from crawler.yamlfile import read_model, read_node

EXPECTED = "expected.yml"
_MAX_FILE = 64 * 1024
_HEAD = """\
# What a healthy run of this site looks like. Written by Tuskwatch from run {run} ({day}); yours to edit from now on.
# Below "min" a run fails, above "max" it warns: either way an issue says so. Leave out what you do not want to be held.
# Shares go from 0 to 1. Runs before "from_run" no longer count as healthy ones of now.
# When the site has changed for good: tuskwatch site expect {site} --run RUN
"""
_NOTES = {
    "pages": "stored pages of a whole sweep",
    "listings": "ads read in a whole sweep",
    "gates": "share of the pages that were gates (queue, captcha, login, errors ...)",
    "kinds": "share of the pages of a whole sweep that were of this kind",
    "fields": 'share of the ads on which this field was read; "read": of the ads\' pages that could be read as ads at all',
}


def load_expected(folder: Path) -> Expected | None:
    """What <folder>/expected.yml says; None without one. SiteError with one line for each fault."""
    path = folder / EXPECTED
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise SiteError(f"{path}: cannot be read ({exc.strerror})") from exc
    node, values = read_node(path, text, max_size=_MAX_FILE)
    return read_model(path, node, {} if node is None else values, Expected)


def write_expected(folder: Path, expected: Expected, *, site: str, run_id: int, day: str) -> Path:
    """Write the file, with what each line means. One that is there is kept as expected.yml.old."""
    path = folder / EXPECTED
    lines = [_HEAD.format(run=run_id, day=day, site=site), f"from_run: {expected.from_run}\n"]
    for name in ("pages", "listings", "gates"):
        limits: Range = getattr(expected, name)
        if limits != Range():
            lines.append(f"{name}: {_flow(limits)}  # {_NOTES[name]}\n")
    for name in ("kinds", "fields"):
        ranges: dict[str, Range] = dict(getattr(expected, name))
        if ranges:
            lines.append(f"{name}:  # {_NOTES[name]}\n")
            lines += [f"  {key}: {_flow(limits)}\n" for key, limits in ranges.items()]
    if path.exists():
        path.replace(path.with_suffix(".yml.old"))
    path.write_text("".join(lines), encoding="utf-8")
    return path


def _flow(limits: Range) -> str:
    shown = [
        f"{name}: {value:g}"
        for name, value in (("min", limits.min), ("max", limits.max))
        if value is not None
    ]
    return "{" + ", ".join(shown) + "}"
