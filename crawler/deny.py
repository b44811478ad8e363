"""The deny list: words whose pages are never kept. Pure matching; the file is read by crawler.denyfile.

Public names: DenyList, Rule, make_rule, hash_words, hash_body, split_words, MAX_WORDS.

A rule is a word or phrase, or the salted SHA-256 of one, or that of a whole body. Words are compared as the classifier
sees them (text.normalise: case, accents, look-alike letters, leet and spaced-out letters undone), whole words only;
scripts that write no spaces are searched for the stretch of text. Normalising a whole page would cost more than all
else that is done with it, so words are folded one by one and remembered.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import unquote

from text.normalise import normalise

MAX_WORDS = 8
"""Words of a phrase."""
MAX_TERM = 200
MAX_TEXT = 1_000_000
"""Characters of one page that are looked at; a longer one is not kept, because it was not looked at."""
_MAX_KNOWN = 20_000
_MAX_CLEAN = 20_000
# Everything but spaces and signs: vowel marks are no letters to "\\w", and whole scripts are written with them.
_TOKEN = re.compile(
    r"[^\s\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\xbf×÷\u2000-\u2bff\u2e00-\u2e7f\u3000-\u303f\ufe10-\ufe1f\ufe30-\ufe6f"
    r"\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]+"
)
# Words that normalising would leave as they are: no digit or sign beside a letter, no single letters, no letter thrice.
_PLAIN = re.compile(r"[a-z]++|[a-z]{2,}(?:[-'/.,_&+:;()]+[a-z]{2,})++|[\d.,:%/+()-]++", re.ASCII)
_TRIPLE = re.compile(r"([a-z])\1\1")
_EDGES = ".,:;()[]{}\"'?»«„“”‘’…-–—"
_LETTERS = 4
"""Single letters in a row that are taken for one word, as text.normalise does."""
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_URL_SIGNS = re.compile(r"[/_\-+.=&?,;:%~]+")


@dataclass(frozen=True)
class Rule:
    """One line of the list. kind: term, hash (of words) or body. value: the words, or 64 hex digits.

    name: what may be said of it: kind and number, never its words.
    """

    name: str
    kind: str
    value: str
    words: int = 1


def split_words(text: str) -> tuple[str, ...]:
    """The words of a short text as they are compared."""
    return tuple(_TOKEN.findall(normalise(text).text))


def hash_words(words: Iterable[str], *, salt: str) -> str:
    """The salted SHA-256 of normalised words."""
    return hashlib.sha256(f"{salt}\0words\0{' '.join(words)}".encode()).hexdigest()


def hash_body(sha256: str, *, salt: str) -> str:
    """The salted SHA-256 of a body, from its plain SHA-256: evidence names bodies by that."""
    return hashlib.sha256(f"{salt}\0body\0{sha256}".encode()).hexdigest()


def make_rule(kind: str, number: int, text: str) -> Rule:
    """Read one entry: a term, "hash <words> <64 hex digits>" or "body <64 hex digits>". ValueError in words."""
    name = f"{kind} {number}"
    if kind == "term":
        if len(text) > MAX_TERM:
            raise ValueError(f"is longer than {MAX_TERM} characters")
        words = split_words(text)
        if len(words) > MAX_WORDS:
            raise ValueError(f"has more than {MAX_WORDS} words")
        if len("".join(words)) < 2:
            raise ValueError("has fewer than two letters: it would stand on every page")
        return Rule(name, kind, " ".join(words), len(words))
    match = re.fullmatch(r"(?:words-([1-9])|(body)):([0-9a-f]{64})", text)
    if match is None or int(match[1] or 1) > MAX_WORDS:
        raise ValueError('is not what "tuskwatch deny hash" prints (words-1:… or body:…, then 64 digits)')
    return Rule(name, "body" if match[2] else "hash", match[3], int(match[1] or 1))


class DenyList:
    """Rules ready to be held against pages. `version` names the file's content."""

    def __init__(self, rules: Iterable[Rule], *, salt: str, version: str = "") -> None:
        self.rules = tuple(rules)
        self.salt = salt
        self.version = version
        self._single: dict[str, str] = {}
        self._phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._pieces: dict[str, list[tuple[str, str]]] = {}
        self._hashed: dict[int, dict[str, str]] = {}
        self._bodies: dict[str, str] = {}
        self._folded: dict[str, tuple[str, ...]] = {}
        self._bad: dict[str, str] = {}
        self._starts: set[str] = set()
        self._longest = max((rule.words for rule in self.rules), default=1)
        self._clean: dict[int, set[tuple[str, ...]]] = {}
        for rule in self.rules:
            self._add(rule)

    def __len__(self) -> int:
        return len(self.rules)

    def match_body(self, *bodies: bytes) -> str | None:
        """The rule that names one of these bodies as a whole."""
        if not self._bodies:
            return None
        for body in bodies:
            found = self._bodies.get(hash_body(hashlib.sha256(body).hexdigest(), salt=self.salt))
            if found is not None:
                return found
        return None

    def match_text(self, text: str) -> str | None:
        """The first rule whose words stand in the text; None for a text that may be kept."""
        if not (self._single or self._phrases or self._pieces or self._hashed):
            return None
        if len(text) > MAX_TEXT:
            return "length (too long to be looked at)"
        chunks = _join_letters(text.lower().split())
        unique = set(chunks)
        self._learn(unique)
        hits = self._bad.keys() & unique
        if hits:
            return self._bad[min(hits)]
        return self._match_phrases(chunks, unique) or self._match_hashed(chunks) or self._match_pieces(text)

    def match_url(self, url: str) -> str | None:
        """The rule whose words stand in an address (its path and query), escaped or not."""
        if not self.rules:
            return None
        plain = url
        for _ in range(3):
            plain, before = unquote(plain, errors="replace"), plain
            if plain == before:
                break
        # Leet and single letters need the signs between them, whole words need them gone.
        return self.match_text(_URL_SIGNS.sub(" ", plain)) or self.match_text(plain)

    def _add(self, rule: Rule) -> None:
        if rule.kind == "body":
            self._bodies.setdefault(rule.value, rule.name)
        elif rule.kind == "hash":
            self._hashed.setdefault(rule.words, {}).setdefault(rule.value, rule.name)
        elif _UNSPACED.search(rule.value):
            self._pieces.setdefault(rule.value[0], []).append((rule.value, rule.name))
        elif rule.words == 1:
            self._single.setdefault(rule.value, rule.name)
        else:
            words = tuple(rule.value.split(" "))
            self._phrases.setdefault(words[0], []).append((words, rule.name))

    def _learn(self, unique: set[str]) -> None:
        """Fold what was not seen before, and remember what of it is a match by itself or begins a phrase."""
        hashes = self._hashed.get(1, {})
        fresh = unique.difference(self._folded)
        if len(self._folded) + len(fresh) > _MAX_KNOWN:
            self._folded.clear()
            self._bad.clear()
            self._starts.clear()
            fresh = unique
        for chunk in fresh:
            words = self._folded[chunk] = self._fold_chunk(chunk)
            for word in words:
                if word in self._single:
                    self._bad[chunk] = self._single[word]
                elif hashes and (found := hashes.get(hash_words((word,), salt=self.salt))) is not None:
                    self._bad[chunk] = found
                elif word in self._phrases:
                    self._starts.add(chunk)

    @staticmethod
    def _fold_chunk(chunk: str) -> tuple[str, ...]:
        bare = chunk.strip(_EDGES)
        if _PLAIN.fullmatch(bare) and not _TRIPLE.search(bare):
            return tuple(_TOKEN.findall(bare))
        return split_words(chunk)

    def _match_phrases(self, chunks: list[str], unique: set[str]) -> str | None:
        if self._starts.isdisjoint(unique):
            return None
        for at, chunk in enumerate(chunks):
            if chunk in self._starts:
                # A chunk may fold to no word at all, so more are taken than the longest phrase has.
                words = self._words(chunks[at : at + 2 * self._longest])
                for start in range(len(self._folded[chunk])):
                    for phrase, name in self._phrases.get(words[start], ()):
                        if tuple(words[start : start + len(phrase)]) == phrase:
                            return name
        return None

    def _match_hashed(self, chunks: list[str]) -> str | None:
        """Phrases; single words were looked at when they were first seen."""
        if not self._hashed.keys() - {1}:
            return None
        words = self._words(chunks)
        for size, hashes in self._hashed.items():
            if size == 1:
                continue
            clean = self._clean.setdefault(size, set())
            salted = hashlib.sha256(f"{self.salt}\0words\0".encode())
            for run in _runs(words, size) - clean:
                digest = salted.copy()
                digest.update(" ".join(run).encode())
                found = hashes.get(digest.hexdigest())
                if found is not None:
                    return found
                if len(clean) >= _MAX_CLEAN:
                    clean.clear()
                clean.add(run)
        return None

    def _words(self, chunks: list[str]) -> list[str]:
        return [word for chunk in chunks for word in self._folded[chunk]]

    def _match_pieces(self, text: str) -> str | None:
        if not self._pieces or not _UNSPACED.search(text):
            return None
        plain = " ".join(_TOKEN.findall(normalise(text).text))
        for first in self._pieces.keys() & set(plain):
            for piece, name in self._pieces[first]:
                if piece in plain:
                    return name
        return None


def _join_letters(chunks: list[str]) -> list[str]:
    """ "i v o r y" as one word; fewer than four letters stay what they are."""
    single = [at for at, chunk in enumerate(chunks) if len(chunk) == 1 and chunk.isalnum()]
    if not any(
        last - first == _LETTERS - 1 for first, last in zip(single, single[_LETTERS - 1 :], strict=False)
    ):
        return chunks
    joined: list[str] = []
    for one, run in groupby(chunks, lambda chunk: len(chunk) == 1 and chunk.isalnum()):
        found = list(run)
        joined += ["".join(found)] if one and len(found) >= _LETTERS else found
    return joined


def _runs(words: list[str], size: int) -> set[tuple[str, ...]]:
    """All different runs of so many words."""
    slices: list[Iterator[str]] = [iter(words[start:]) for start in range(size)]
    return set(zip(*slices, strict=False))
