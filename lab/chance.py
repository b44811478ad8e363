"""Seeded chance without state: mix, pick_rng.

Every choice about listing n is a hash of (seed, site, n, purpose): it can be made alone, in any order, for any n.
"""

from __future__ import annotations

import random
import zlib

_MASK = (1 << 64) - 1


def mix(seed: int, site: str, number: int, purpose: str) -> int:
    """A well spread number of 64 bits (splitmix64 over the four values)."""
    z = (
        seed * 0x9E3779B97F4A7C15 + zlib.crc32(f"{site}/{purpose}".encode()) * 0xD1B54A32D192ED03 + number
    ) & _MASK
    for _ in range(2):
        z = (z + 0x9E3779B97F4A7C15) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        z ^= z >> 31
    return z


def pick_rng(seed: int, site: str, number: int, purpose: str) -> random.Random:
    """A generator for one purpose of one listing."""
    return random.Random(mix(seed, site, number, purpose))
