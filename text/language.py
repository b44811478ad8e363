"""Which scripts a text is written in, and the language where the script alone tells it.

Public names: find_scripts, guess_language.
"""

from __future__ import annotations

import re
from collections import Counter

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
    "kana": "ja",
    "han": "zh",
    "greek": "el",
    "hebrew": "he",
    "bengali": "bn",
}
_VIETNAMESE = re.compile(r"[\u0103\u0111\u01a1\u01b0\u1ea0-\u1ef9]", re.IGNORECASE)


def find_scripts(text: str) -> dict[str, float]:
    """Scripts of the letters, with their shares, the largest first; empty when there is no known letter."""
    counts = Counter({name: sum(map(len, run.findall(text))) for name, run in _RUNS.items()})
    total = counts.total()
    return {name: count / total for name, count in counts.most_common() if count} if total else {}


def guess_language(text: str) -> str:
    """ISO 639-1 code where the letters decide it (Thai, Lao, Khmer, Burmese, Korean, Japanese, Chinese, ...), else "und"."""
    shares = find_scripts(text)
    if shares.get("kana", 0.0) >= 0.1:
        return "ja"
    for name, share in shares.items():
        if name in _LANGUAGES and share >= 0.3:
            return _LANGUAGES[name]
    return "vi" if len(_VIETNAMESE.findall(text)) >= 2 else "und"
