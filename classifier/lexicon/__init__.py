"""The lexicon: names of the goods, code words, cues and decoys by language, read from the YAML files beside this module.

Public names: Term, LexiconError, KINDS_OF_CUE, DECOY_FAMILIES, load_lexicon, read_lexicon_file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from storage.tables import GROUPS
from text.normalise import normalise

STRENGTHS = ("strong", "bare", "code")
_CUES = "wanted discussion news scam_report feedback replica substitute legal other_wildlife wink offer"
KINDS_OF_CUE = frozenset(_CUES.split())
DECOY_FAMILIES = {
    "drug": "a drug, a strain, a pill",
    "food": "food, drink, medicine",
    "colour": "a colour or a finish",
    "mineral": "a stone, wood or shell",
    "place": "a place, a person, a document",
    "software": "software, media, an account",
    "weapon": "a weapon or gear",
    "fraud": "cards, banks, casinos",
    "fashion": "fashion, a brand, a replica of one",
    "community": "a name or a saying",
}
"""Decoy family -> what such a word means instead of our goods, in plain words."""


class LexiconError(ValueError):
    """A lexicon file that cannot be used; the message names file and place."""


@dataclass(frozen=True)
class Term:
    """One word or phrase in its folded form. role: "ivory:strong", "part", "cue:wanted", "decoy:drug" ..."""

    text: str
    role: str
    language: str
    source: str
    prefix: bool


def load_lexicon(folder: Path | None = None) -> tuple[Term, ...]:
    """All terms of all files, sorted; raises LexiconError for a file that breaks the rules of its README."""
    folder = folder or Path(__file__).parent
    files = sorted(folder.glob("*.yml"))
    if not files:
        raise LexiconError(f"{folder}: no lexicon files (*.yml) there")
    terms = {term for file in files for term in read_lexicon_file(file)}
    return tuple(
        sorted(terms, key=lambda term: (term.text, term.role, term.language, term.source, term.prefix))
    )


def read_lexicon_file(file: Path) -> tuple[Term, ...]:
    """The terms of one language."""
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise LexiconError(f"{file.name}: not readable as YAML in UTF-8: {exc}") from exc
    if not isinstance(data, dict):
        raise LexiconError(f"{file.name}: expected a mapping at the top")
    unknown = set(data) - {"language", "source", "groups", "parts", "cues", "decoys"}
    if unknown:
        raise LexiconError(f"{file.name}: unknown section {sorted(map(str, unknown))}")
    language, source = data.get("language"), data.get("source")
    if language != file.stem or not isinstance(source, str) or not source:
        raise LexiconError(
            f"{file.name}: 'language' must equal the file's name, and 'source' must say where from"
        )
    return tuple(
        _read_term(entry, role, language=language, source=source, where=f"{file.name}: {role}")
        for role, entries in _find_sections(data, file.name)
        for entry in entries
    )


def _find_sections(data: dict[str, Any], name: str) -> Iterator[tuple[str, list[Any]]]:
    groups = _read_mapping(data, "groups", set(GROUPS), name)
    for group, strengths in groups.items():
        if not isinstance(strengths, dict) or set(strengths) - set(STRENGTHS):
            raise LexiconError(f"{name}: groups.{group} must hold only {', '.join(STRENGTHS)}")
        for strength, entries in strengths.items():
            yield f"{group}:{strength}", _read_list(entries, f"{name}: groups.{group}.{strength}")
    yield "part", _read_list(data.get("parts") or [], f"{name}: parts")
    for section, known, prefix in (
        ("cues", KINDS_OF_CUE, "cue"),
        ("decoys", frozenset(DECOY_FAMILIES), "decoy"),
    ):
        for key, entries in _read_mapping(data, section, set(known), name).items():
            yield f"{prefix}:{key}", _read_list(entries, f"{name}: {section}.{key}")


def _read_mapping(data: dict[str, Any], section: str, known: set[str], name: str) -> dict[str, Any]:
    found = data.get(section) or {}
    if not isinstance(found, dict) or set(found) - known:
        raise LexiconError(f"{name}: '{section}' may hold only {', '.join(sorted(known))}")
    return found


def _read_list(entries: object, where: str) -> list[Any]:
    if not isinstance(entries, list):
        raise LexiconError(f"{where}: expected a list")
    return entries


def _read_term(entry: object, role: str, *, language: str, source: str, where: str) -> Term:
    raw: object = entry
    if isinstance(entry, dict):
        if set(entry) != {"term", "source"}:
            raise LexiconError(
                f"{where}: an entry with a source is {{term: ..., source: ...}}, not {entry!r}"
            )
        raw, source = entry["term"], str(entry["source"])
    if not isinstance(raw, str):
        raise LexiconError(f"{where}: {raw!r} is not text; put it in quotes")
    prefix = raw.endswith("*")
    folded = normalise(raw.removesuffix("*")).text
    if not folded or len(folded) > 60:
        raise LexiconError(f"{where}: {raw!r} is empty or longer than 60 characters once folded")
    return Term(folded, role, language, source, prefix)
