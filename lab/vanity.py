"""Keys of onion services made here, among them two that look alike: ServiceKey, make_lookalikes, onion_of.

Ed25519 in plain integers (RFC 8032), for the lab only: it is slow and leaks timing, which does not matter for invented
services on this machine. A phisher searches for a key whose address begins like a given one. We may choose both, so that
the first two keys that meet will do (the birthday paradox): 40,000 in place of a thousand million.
"""

from __future__ import annotations

import base64
import hashlib
import random
from dataclasses import dataclass

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P

_Point = tuple[int, int, int, int]
"""x, y, z and t, where the point is (x/z, y/z) and t = xy/z."""

SAME_LETTERS = 6
"""About 40,000 keys, or half a second."""


@dataclass(frozen=True)
class ServiceKey:
    """One service's key: the expanded secret as Tor stores it, and the public key."""

    secret: bytes
    public: bytes

    @property
    def onion(self) -> str:
        return onion_of(self.public)

    @property
    def file(self) -> bytes:
        """The bytes of hs_ed25519_secret_key."""
        return b"== ed25519v1-secret: type0 ==".ljust(32, b"\0") + self.secret


def onion_of(public: bytes) -> str:
    """The address of a service (rend-spec-v3, "Encoding onion addresses")."""
    checksum = hashlib.sha3_256(b".onion checksum" + public + b"\x03").digest()[:2]
    return base64.b32encode(public + checksum + b"\x03").decode().lower() + ".onion"


def make_lookalikes(rng: random.Random, *, letters: int = SAME_LETTERS) -> tuple[ServiceKey, ServiceKey]:
    """Two keys whose addresses begin with the same letters."""
    scalar = _draw_scalar(rng)
    point, step = _times(scalar, _BASE), _times(8, _BASE)
    seen: dict[int, tuple[int, bytes]] = {}
    while True:
        points = []
        for _ in range(1024):  # secrets that are 8 apart: one addition a key, and still a multiple of 8
            points.append(point)
            point = _add(point, step)
        for public in _encode(points):
            start = int.from_bytes(public[:8], "big") >> (64 - 5 * letters)
            if start in seen:
                earlier, other = seen[start]
                return ServiceKey(_secret(earlier, rng), other), ServiceKey(_secret(scalar, rng), public)
            seen[start] = (scalar, public)
            scalar += 8


def _draw_scalar(rng: random.Random) -> int:
    """A clamped secret with room above it for steps of 8."""
    return (1 << 254) | (rng.getrandbits(253) & ~7)


def _secret(scalar: int, rng: random.Random) -> bytes:
    return scalar.to_bytes(32, "little") + rng.randbytes(32)


def _add(one: _Point, two: _Point) -> _Point:
    a = (one[1] - one[0]) * (two[1] - two[0]) % _P
    b = (one[1] + one[0]) * (two[1] + two[0]) % _P
    c = 2 * one[3] * two[3] * _D % _P
    d = 2 * one[2] * two[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: _Point) -> _Point:
    scalar %= _L
    found: _Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            found = _add(found, point)
        point = _add(point, point)
        scalar >>= 1
    return found


def _encode(points: list[_Point]) -> list[bytes]:
    """Public keys, with one inversion for all (Montgomery's trick)."""
    products = [1]
    for point in points:
        products.append(products[-1] * point[2] % _P)
    inverse = pow(products[-1], -1, _P)
    found = []
    for place in range(len(points) - 1, -1, -1):
        x, y, z, _ = points[place]
        own = inverse * products[place] % _P
        inverse = inverse * z % _P
        whole = (y * own % _P) | ((x * own % _P & 1) << 255)
        found.append(whole.to_bytes(32, "little"))
    return found[::-1]


def _find_base() -> _Point:
    y = 4 * pow(5, -1, _P) % _P
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if x & 1:
        x = _P - x
    return x, y, 1, x * y % _P


_BASE = _find_base()
