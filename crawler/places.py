"""Where a parcel comes from and goes to: countries, regions, everywhere, and what is left out, in many languages.

Public names: Places, read_places.

Names, codes and words are data in places.toml. Rules, each with its reason:
- A code counts in capitals only, or in a list of codes alone: "in" and "no" are words, "IN" and "NO" India and Norway.
- What could be several places ("SA": South Africa, Saudi Arabia, South America; "Georgia"; "Korea") stays with its candidates.
- Regions stay regions: the member states of "EU" are not listed, for they change and "Europe" has no list.
- A part that is no known place is kept as `unknown`; nothing is guessed from cities or from likeness.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

MAX_TEXT = 2_000
MAX_PARTS = 300

_SPLIT = re.compile(r"\s*(?:[,;、，；|\n•·]|\s/\s|/)\s*")
# Only where the whole is no place: "Bosnia and Herzegovina", "Congo - Kinshasa".
_AND = re.compile(
    r"\s+(?:and|und|y|et|e|en|и|та|i|a|și|och|og|ja|και|ve|và|dan|और|و|ו|na|or|oder|o|ou|или|[-–—])\s+|\s*[&+]\s*|[和与及]",
    re.IGNORECASE,
)
_AFTER_CHINESE = re.compile(
    r"除(?:了)?(?P<a>[^,，;；()（）]{1,200}?)(?:以外|之外|外)|(?P<b>[^,，;；()（）]{1,200}?)(?:除外|を除く|제외|को छोड़कर|hariç|dışında)"
)
_LEAD = re.compile(
    r"^(?:ships?|shipping|we ship|delivers?|delivery|versand|sends?)?\s*(?:to|from|into|nach|aus|von|a|à|из|в|sang|đến|từ|to:|from:)\s+",
    re.IGNORECASE,
)


_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")


@dataclass(frozen=True)
class Places:
    """What a "ships from" or "ships to" names.

    countries, except_: ISO 3166-1 alpha-2 codes (and XK); a region that is left out stands in except_ by its name. regions:
    "EU", "Europe", "North America" … ambiguous: each unclear part with its candidates (codes, or names of regions). unknown:
    parts that are no known place. undeclared: the site says that it is not told.
    """

    raw: str
    countries: tuple[str, ...] = ()
    worldwide: bool = False
    regions: tuple[str, ...] = ()
    except_: tuple[str, ...] = ()
    ambiguous: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unknown: tuple[str, ...] = ()
    undeclared: bool = False

    @property
    def sure(self) -> bool:
        """Was every part of it read, and does each mean one place?"""
        return not self.ambiguous and not self.unknown


@dataclass
class _Found:
    countries: list[str]
    regions: list[str]
    ambiguous: list[tuple[str, tuple[str, ...]]]
    unknown: list[str]
    worldwide: bool = False
    undeclared: bool = False


def read_places(text: str, language: str = "") -> Places:
    """The places of a value such as "Worldwide except AU/NZ"; `language` (ISO 639-1) settles words of several meanings."""
    raw = text
    text = _read_flags(unicodedata.normalize("NFKC", text[:MAX_TEXT])).strip()
    kept, left_out = _part_exceptions(text)
    found, without = _read_list(kept, language), _read_list(left_out, language)
    return Places(
        raw=raw,
        countries=tuple(dict.fromkeys(found.countries)),
        worldwide=found.worldwide,
        regions=tuple(dict.fromkeys(found.regions)),
        except_=tuple(dict.fromkeys([*without.countries, *without.regions])),
        ambiguous=tuple(dict.fromkeys([*found.ambiguous, *without.ambiguous])),
        unknown=tuple(dict.fromkeys([*found.unknown, *without.unknown])),
        undeclared=found.undeclared,
    )


def _read_flags(text: str) -> str:
    """Flags as the codes that they are made of; one beside a name is an ornament."""
    if not _FLAG.search(text):
        return text
    codes = _FLAG.sub(
        lambda match: f", {''.join(chr(ord(char) - 0x1F1E6 + 65) for char in match[0])}, ", text
    )
    rest = _FLAG.sub(" ", text)
    return rest if any(map(str.isalnum, rest)) else codes.strip(", ")


def _part_exceptions(text: str) -> tuple[str, str]:
    """The text before and after "except"; Chinese, Japanese, Korean and Turkish put the word behind the places."""
    behind = _AFTER_CHINESE.search(text)
    if behind is not None and (
        behind["a"] or re.search(r"[,，;；(（\s]", text[: behind.start() + 1]) or behind.start()
    ):
        rest = f"{text[: behind.start()]} {text[behind.end() :]}".strip(" ,，;；()（）")
        if rest:
            return rest, behind["a"] or behind["b"]
    match = _find_except(text)
    if match is None:
        return text, ""
    before, after = text[: match.start()], text[match.end() :]
    if match[0].strip(" (").lower() in ("no", "not") and not before.strip(" ("):
        return text, ""
    return before.rstrip(" (-–:,;"), after.strip(" ):.-–")


def _find_except(text: str) -> re.Match[str] | None:
    return _except_pattern().search(text)


@cache
def _except_pattern() -> re.Pattern[str]:
    words = sorted(_read_data()["except"]["words"], key=len, reverse=True)
    spaced = "|".join(re.escape(word) for word in words if not re.match("[\u0e00-\uffff]", word))
    close = "|".join(re.escape(word) for word in words if re.match("[\u0e00-\uffff]", word))
    # "NO" in capitals is Norway, and so is a "no" between commas.
    return re.compile(rf"(?<![^\W_])(?!NO\b)(?!no\s*(?:,|$))(?i:{spaced})\.?:?(?![^\W_])|(?:{close})")


def _read_list(text: str, language: str) -> _Found:
    found = _Found([], [], [], [])
    parts = [_trim(part) for part in _SPLIT.split(text)]
    parts = [part for part in parts if part][:MAX_PARTS]
    codes = len(parts) > 1 and all(re.fullmatch("[A-Za-z]{2}", part) for part in parts)
    for part in parts:
        if not _take(part, found, language, codes):
            pieces = [piece for piece in map(_trim, _AND.split(part)) if piece]
            if len(pieces) > 1:
                for piece in pieces:
                    if not _take(piece, found, language, codes):
                        found.unknown.append(piece[:100])
            else:
                found.unknown.append(part[:100])
    return found


def _trim(part: str) -> str:
    part = part.strip(" [].:*-–\u200b")
    return part if re.search(r"[^(]\(.*\)$", part) else part.strip(" ().")


def _take(part: str, found: _Found, language: str, codes: bool) -> bool:
    """Enter one place into `found`; False where it is none that is known."""
    for text in dict.fromkeys((part, _LEAD.sub("", part), *_strip_only(part))):
        name = _fold(text)
        if candidates := _find_ambiguous(text, name, codes):
            found.ambiguous.append((part, candidates))
        elif (text.isupper() or codes) and len(text) in (2, 3) and (code := _find_codes().get(text.upper())):
            found.countries.append(code)
        elif name in _find_words("worldwide"):
            found.worldwide = True
        elif name in _find_words("undeclared"):
            found.undeclared = True
        elif region := _find_regions().get(name):
            found.regions.append(region)
        elif country := (_find_short().get(text.lower()) if len(name) <= 3 else _find_names().get(name)):
            found.countries.append(country)
        else:
            continue
        return True
    return False


def _strip_only(part: str) -> Sequence[str]:
    """ "US only" -> "US", "仅限中国" -> "中国"."""
    lower = part.lower()
    rest = []
    for word in _read_data()["only"]["words"]:
        if lower.startswith(word) and (part[len(word) : len(word) + 1] == " " or word > "\u0e00"):
            rest.append(part[len(word) :].strip())
        if lower.endswith(word) and (part[-len(word) - 1 : -len(word)] == " " or word > "\u0e00"):
            rest.append(part[: -len(word)].strip())
    return rest


def _fold(text: str) -> str:
    plain = "".join(
        char
        for char in unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).lower())
        if not 0x300 <= ord(char) <= 0x36F
    )
    plain = re.sub("[.'’ʼ`´]", "", plain).replace("&", " and ").replace("-", " ").replace("‑", " ")
    return " ".join(plain.split()).removeprefix("the ")


@cache
def _read_data() -> dict[str, Any]:
    return tomllib.loads(files("crawler").joinpath("places.toml").read_text("utf-8"))


@cache
def _find_names() -> dict[str, str]:
    ambiguous = {_fold(name) for name in _read_data()["ambiguous"]}
    return {
        folded: code
        for code, names in _read_data()["countries"].items()
        for name in names
        if (folded := _fold(name)) not in ambiguous
    }


@cache
def _find_short() -> dict[str, str]:
    """Names of up to three letters, with their accents: "Mỹ" is the United States, "my" no country."""
    return {name.lower(): code for code, names in _read_data()["countries"].items() for name in names}


@cache
def _find_codes() -> dict[str, str]:
    data = _read_data()
    codes = {code: code for code in data["countries"]}
    codes |= {long: code for code, long in data["alpha3"].items()}
    return codes | {
        "UK": "GB",
        "USA": "US",
        "UAE": "AE",
        "KSA": "SA",
        "RSA": "ZA",
        "PRC": "CN",
        "EN": "",
        "EL": "GR",
    }


def _find_ambiguous(text: str, name: str, codes: bool) -> tuple[str, ...]:
    if len(text) == 2 and (text.isupper() or codes):
        return tuple(_read_data()["ambiguous"].get(text.upper(), ()))
    return _find_ambiguous_names().get(name, ())


@cache
def _find_ambiguous_names() -> dict[str, tuple[str, ...]]:
    return {
        _fold(name): tuple(places)
        for name, places in _read_data()["ambiguous"].items()
        if len(name) > 2 or not name.isascii()
    }


@cache
def _find_words(section: str) -> frozenset[str]:
    return frozenset(_fold(word) for word in _read_data()[section]["words"])


@cache
def _find_regions() -> dict[str, str]:
    return {
        _fold(word): region.replace("_", " ")
        for region, words in _read_data()["regions"].items()
        for word in words
    }
