"""Which scripts a text is written in, and its language: by the script where that decides, else by common words.

Public names: find_scripts, guess_language, LANGUAGES.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter, defaultdict
from functools import lru_cache
from importlib.resources import files

_SCRIPTS = {
    "latin": "a-zA-Z\u00c0-\u024f\u1e00-\u1eff",
    "cyrillic": "\u0400-\u052f",
    "greek": "\u0370-\u03ff",
    "arabic": "\u0600-\u06ff\u0750-\u077f",
    "hebrew": "\u0590-\u05ff",
    "devanagari": "\u0900-\u097f",
    "bengali": "\u0980-\u09ff",
    "thai": "\u0e00-\u0e7f",
    "lao": "\u0e80-\u0eff",
    "myanmar": "\u1000-\u109f",
    "khmer": "\u1780-\u17ff",
    "hangul": "\u1100-\u11ff\uac00-\ud7af",
    "kana": "\u3040-\u30ff",
    "han": "\u3400-\u4dbf\u4e00-\u9fff",
}
_RUNS = {name: re.compile(f"[{ranges}]+") for name, ranges in _SCRIPTS.items()}
_LANGUAGES = {
    "thai": "th",
    "lao": "lo",
    "khmer": "km",
    "myanmar": "my",
    "hangul": "ko",
    "greek": "el",
    "hebrew": "he",
    "bengali": "bn",
}
_WORDS = {
    # Letters only: no multiplication sign, no Arabic comma or digits, no danda.
    "latin": re.compile("[a-z\u00df-\u00f6\u00f8-\u024f\u1e00-\u1eff]+"),
    "cyrillic": re.compile("[\u0430-\u052f]+"),
    "arabic": re.compile("[\u0620-\u065f\u066e-\u06d3\u06d5\u06fa-\u06ff\u0750-\u077f]+"),
    "devanagari": re.compile("[\u0900-\u0963\u0971-\u097f]+"),
}
# Letters of Vietnamese alone (with two of Yoruba, \u1eb9 and \u1ecd, and one of Guarani, \u1ebd, left out).
_VIETNAMESE = re.compile(r"[\u01a1\u01b0\u1ea0-\u1eb8\u1eba-\u1ebc\u1ebe-\u1ecc\u1ece-\u1ef7]", re.IGNORECASE)
# Sellers type Persian with an Arabic keyboard and the other way round: these two letters tell nothing.
_ONE_LETTER = str.maketrans("\u064a\u0643\u0649", "\u06cc\u06a9\u06cc")
_HELD_BACK = "und"

_LOOKED_AT = 2_000  # characters; the rest of a long text says the same
_FEWEST_LETTERS = 20
_SHORT, _LETTER, _ENDING, _WITHOUT_ACCENT = 0.3, 0.7, 0.4, 0.7
_ENOUGH = 1.9  # weight: about two words that no other language has
_MARGIN = 1.7  # the best to the second
_COVER = 0.13  # weight by word of the text


def find_scripts(text: str) -> dict[str, float]:
    """Scripts of the letters, with their shares, the largest first; empty when there is no known letter."""
    counts = _count_scripts(text)
    total = counts.total()
    return {name: count / total for name, count in counts.most_common() if count} if total else {}


def guess_language(text: str) -> str:
    """ISO 639-1 code, or "und" where it is not sure: a short text, a mixed one, a language without a list of words.

    Looks at the first 2,000 characters. Thai, Lao, Khmer, Burmese, Korean, Japanese, Chinese, Greek, Hebrew, Bengali
    and Vietnamese are told by their letters, however few; the others need 20 letters (LANGUAGES names them).
    """
    text = text[:_LOOKED_AT]
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    counts = _count_scripts(text)
    total = counts.total()
    if not total:
        return _HELD_BACK
    east = counts["kana"] + counts["han"]
    if east >= 0.3 * total and east >= counts["hangul"]:
        # One kana sign among many characters may be a shop's decoration in a Chinese text.
        return "ja" if counts["kana"] >= 0.1 * east else "zh" if counts["kana"] < 0.03 * east else _HELD_BACK
    script, most = counts.most_common(1)[0]
    for name, language in _LANGUAGES.items():
        if counts[name] >= 0.3 * total:
            return language
    if script not in _WORDS or most < 0.5 * total:
        return _HELD_BACK
    if script == "latin" and not text.isascii() and len(_VIETNAMESE.findall(text)) >= max(2, 0.05 * most):
        return "vi"
    return _judge_words(text, script) if most >= _FEWEST_LETTERS else _HELD_BACK


def _count_scripts(text: str) -> Counter[str]:
    """Letters of each script. Counting characters first is several times faster than a search for each script."""
    counts: Counter[str] = Counter()
    for letter, times in Counter(text).items():
        if script := _find_script(letter):
            counts[script] += times
    return counts


@lru_cache(maxsize=8192)
def _find_script(letter: str) -> str:
    return next((name for name, run in _RUNS.items() if run.match(letter)), "")


def _judge_words(text: str, script: str) -> str:
    """The language whose words, letters and endings the text has, if it has enough and clearly more than others."""
    known, letters, endings = _load_marks(script)
    text = text.lower()
    words = _WORDS[script].findall(text.translate(_ONE_LETTER) if script == "arabic" else text)
    scores: dict[str, float] = defaultdict(float)
    for word, times in Counter(words).items():
        # A word that is repeated says little more than once: a list of "gold ring" is no text.
        much = 1.0 if times == 1 else 1.5
        marks = known.get(word)
        if marks is None and len(word) > 5:
            marks = endings.get(word[-5:]) or endings.get(word[-4:]) or endings.get(word[-3:])
        for language, weight in marks or ():
            scores[language] += weight * much
        if not word.isascii():
            for letter in letters.keys() & set(word):
                for language, weight in letters[letter]:
                    scores[language] += weight * much
    if not scores:
        return _HELD_BACK
    ranked = [*sorted(scores.items(), key=lambda item: -item[1])[:2], ("", 0.0)]
    (best, score), (_, second) = ranked[0], ranked[1]
    sure = score >= max(_ENOUGH, _MARGIN * second, _COVER * len(set(words)))
    return best if sure and best in LANGUAGES else _HELD_BACK


_Marks = dict[str, tuple[tuple[str, float], ...]]


@lru_cache(maxsize=1)
def _load_lists() -> dict[str, dict[str, str]]:
    data = tomllib.loads(files("text").joinpath("languages.toml").read_text("utf-8"))
    return {language: dict(entry) for language, entry in data.items()}


@lru_cache(maxsize=8)
def _load_marks(script: str) -> tuple[_Marks, _Marks, _Marks]:
    """(words, letters, endings) of a script: who has each, with its weight; shared ones weigh less."""
    words: dict[str, dict[str, float]] = {}
    letters: dict[str, dict[str, float]] = {}
    endings: dict[str, dict[str, float]] = {}
    for language, entry in _load_lists().items():
        if entry["script"] != script:
            continue
        own = set(_WORDS[script].findall(entry["words"].lower().translate(_ONE_LETTER)))
        for word in own:
            words.setdefault(word, {})[language] = _SHORT if len(word) == 1 else 1.0
        for word in {_strip(word) for word in own} - own if script == "latin" else ():
            if len(word) > 2:
                words.setdefault(word, {}).setdefault(language, _WITHOUT_ACCENT)
        for letter in entry.get("letters", ""):
            letters.setdefault(letter, {})[language] = _LETTER
        for ending in entry.get("endings", "").translate(_ONE_LETTER).split():
            endings.setdefault(ending, {})[language] = _ENDING
    marks = _weigh(letters)
    for language, entry in _load_lists().items():
        for letter in entry.get("foreign", ""):
            marks[letter] = (*marks.get(letter, ()), (language, -1.0))
    return _weigh(words), marks, _weigh(endings)


def _weigh(owners: dict[str, dict[str, float]]) -> _Marks:
    return {
        mark: tuple((language, weight / len(found) ** 0.5) for language, weight in found.items())
        for mark, found in owners.items()
    }


def _strip(word: str) -> str:
    """The word as people type it who have no keyboard for it."""
    plain = unicodedata.normalize("NFD", word.replace("đ", "d").replace("ł", "l").replace("ı", "i"))
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).replace("ß", "ss")


LANGUAGES = frozenset(
    {
        "en",
        "de",
        "es",
        "fr",
        "pt",
        "it",
        "nl",
        "pl",
        "cs",
        "ro",
        "tr",
        "vi",
        "id",
        "ru",
        "uk",
        "bg",
        "ar",
        "fa",
        "hi",
    }
) | frozenset({*_LANGUAGES.values(), "ja", "zh"})
