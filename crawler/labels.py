"""The words that sites write beside values, in many languages; the words themselves are data in labels.toml.

Public names: Label, find_label, find_prefix, fold_label, guess_language, SECTIONS, LANGUAGES.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

SECTIONS = frozenset(("description", "terms", "refund", "feedback", "tags"))
"""Labels that head a stretch of text."""
LANGUAGES = (
    "en",
    "de",
    "es",
    "fr",
    "pt",
    "it",
    "nl",
    "ru",
    "zh",
    "vi",
    "pl",
    "tr",
    "cs",
    "ro",
    "uk",
    "el",
    "ar",
    "fa",
    "ja",
    "ko",
    "th",
    "id",
    "hi",
    "lo",
    "km",
    "my",
    "bn",
    "ne",
    "sw",
    "ms",
)

_NO_PREFIX = SECTIONS | {"autodispatch", "tiers", "coins", "days", "seller_external_ratings"}
"""Their words begin the seller's own sentences: "Instant delivery to your inbox"."""

_TWOFOLD = frozenset(
    ("ships_from", "ships_to", "product_class", "payment", "seller", "posted", "stock", "category")
)
"""Fields whose label may stand beside a word in another language that the dictionary does not know."""

_EDGES = " \t\n\u00a0:：-–—|•·*=#►▸»>()[]"
_COUNT = re.compile(r"\s*[(\[]\s*\d{1,6}\s*[)\]]$")
_LONGEST = 44
_WORD_GOES_ON = re.compile(r"\w")
_OWN = r"[^\x00-\u024f\W\d](?:[^\x00-\u024f\d]*[^\x00-\u024f\W\d])?"
_TWO_SCRIPTS = re.compile(
    rf"({_OWN})\s*[/(（]?\s*([A-Za-z][A-Za-z .']*)[)）]?|([A-Za-z][A-Za-z .']*?)\s*[/(（]?\s*({_OWN})[)）]?"
)
"""The same word in two scripts: "售价 Price", "Цена (Price)"."""


@dataclass(frozen=True)
class Label:
    """field: what the value is. languages: those that use this word for it."""

    text: str
    field: str
    languages: tuple[str, ...]


@lru_cache(maxsize=20_000)
def fold_label(text: str) -> str:
    """Without case, accents, a colon, and a count in brackets: "Prix :" -> "prix", "Reviews (3)" -> "reviews",
    "售 价：" -> "售价"."""
    text = text.strip().rstrip(":： ")
    if ")" in text or "]" in text:
        text = _COUNT.sub("", text)
    text = text.strip(_EDGES)
    if text.isascii():
        return " ".join(text.lower().strip(_EDGES).split())
    text = text.replace("’", "'")
    text = unicodedata.normalize("NFKD", text.casefold().replace("ı", "i").replace("ł", "l"))
    text = "".join([char for char in text if not unicodedata.combining(char)])
    parts = text.strip(_EDGES).split()
    # Chinese and Japanese set short labels apart to make them as wide as long ones: "售 价", "卖　家"
    spread = len(parts) > 1 and all(len(part) == 1 and "\u3040" <= part <= "\u9fff" for part in parts)
    return ("" if spread else " ").join(parts)


@lru_cache(maxsize=1)
def _read_labels() -> dict[str, Label]:
    data = tomllib.loads(files("crawler").joinpath("labels.toml").read_text("utf-8"))
    fields: dict[str, str] = {}
    languages: dict[str, list[str]] = {}
    for field, by_language in data.items():
        for language, words in by_language.items():
            for word in words:
                key = fold_label(word)
                if fields.setdefault(key, field) == field:  # the first field that claims a word keeps it
                    languages.setdefault(key, []).append(language)
    return {key: Label(key, field, tuple(dict.fromkeys(languages[key]))) for key, field in fields.items()}


def find_label(text: str) -> Label | None:
    """The label that `text` is, as a whole; None for anything else."""
    return _find_label(text) if text and len(text) <= _LONGEST else None


@lru_cache(maxsize=20_000)
def _find_label(text: str) -> Label | None:
    label = _read_labels().get(fold_label(text))
    if label is not None or (text.isascii() and "/" not in text):
        return label
    scripts = _TWO_SCRIPTS.fullmatch(text.strip().rstrip(":： "))
    if scripts is not None:
        found = _join_halves(text, [half for half in scripts.groups() if half], sure=True)
        # "Продавец lesnik": a word and a name
        return found if found is None or found.field != "seller" or len(found.languages) > 1 else None
    return _find_twofold(text) if "/" in text else None


def _find_twofold(text: str) -> Label | None:
    """A label said in two languages, "Versand aus / Ships from"; None where the halves mean different things."""
    return _join_halves(text, [half for half in text.split("/") if half.strip()], sure=" / " in text)


def _join_halves(text: str, halves: list[str], *, sure: bool) -> Label | None:
    """sure: that the halves say one thing twice, so that it is enough to know one of them."""
    found = [_read_labels().get(fold_label(half)) for half in halves]
    known = [label for label in found if label is not None]
    if len(halves) != 2 or not known or len({label.field for label in known}) > 1:
        return None
    if len(known) == 1 and (known[0].field not in _TWOFOLD or not sure):
        return None
    languages = tuple(dict.fromkeys(name for label in known for name in label.languages))
    return Label(fold_label(text), known[0].field, languages)


@lru_cache(maxsize=1)
def _prefixes() -> dict[str, list[str]]:
    """The labels that a line may begin with, by their first word, the longest first."""
    # Only labels of two words and more: "from" or "price" also open ordinary sentences.
    words = [key for key, label in _read_labels().items() if " " in key and label.field not in _NO_PREFIX]
    found: dict[str, list[str]] = {}
    for word in sorted(words, key=len, reverse=True):
        found.setdefault(word.split()[0], []).append(word)
    return found


@lru_cache(maxsize=20_000)
def _begins_label(word: str) -> bool:
    return fold_label(word) in _prefixes()


def find_prefix(line: str) -> tuple[Label, str] | None:
    """("ships from", "Peru") out of "Ships from Peru": a label of several words at the beginning, and the rest."""
    if not _begins_label(line.split(None, 1)[0]):
        return None
    head = fold_label(line[:_LONGEST])
    fitting = (word for word in _prefixes().get(head.partition(" ")[0], ()) if head.startswith(word))
    found = next((word for word in fitting if not _WORD_GOES_ON.match(head, len(word))), None)
    if found is None:
        return None
    # Folding may change lengths: take as many words off the line as the label has.
    words = found.count(" ") + 1
    rest = line.split(None, words)
    if len(rest) <= words or rest[words].startswith(
        "/"
    ):  # "Versand aus / Ships from": a label in two languages
        return None
    return _read_labels()[found], rest[words].strip(_EDGES)


def guess_language(labels: Iterable[Label], declared: str = "") -> str:
    """The language most labels agree on; a declared one counts as a vote; "" when nothing decides."""
    votes: Counter[str] = Counter()
    for label in labels:
        if len(label.languages) == 1:
            votes[label.languages[0]] += 2
        else:
            votes.update(label.languages)
    if declared[:2] in LANGUAGES:
        votes[declared[:2]] += 2
    if not votes:
        return ""
    best = votes.most_common(2)
    return best[0][0] if len(best) == 1 or best[0][1] > best[1][1] else ""
