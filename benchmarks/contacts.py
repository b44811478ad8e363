"""How many false wallets the contact reader finds in random strings, and how long it takes for pages of several kinds.

Public names: main. Called as: python -m benchmarks.contacts [STRINGS]
"""

from __future__ import annotations

import random
import string
import sys
import time

from crawler.contacts import find_contacts

WALLETS = ("btc", "ltc", "bch", "eth", "xmr")
ALPHABETS = (
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
    "qpzry9x8gf2tvdw0s3jn54khce6mua7l",
    "0123456789abcdefABCDEF",
    string.ascii_letters + string.digits,
)
STARTS = ("", "1", "3", "L", "M", "4", "8", "bc1q", "bc1p", "ltc1q", "0x", "q", "p", "bitcoincash:q")
PROSE = "Old carved bangle from my late uncle's house, 62 g on the scale. Wickr only, no samples. Sent flat in a book. "
PAGES = {
    "an ad of 2 KB": PROSE * 18,
    "100 KB of ads": PROSE * 900,
    "100 KB of false Monero addresses": ("4" + "A" * 94 + " ") * 1_040,
    "100 KB of false Ethereum addresses": ("0x" + "aB" * 20 + " ") * 2_300,
    "100 KB of cues": "telegram: " * 10_000,
    "100 KB of beginnings of keys": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n" * 2_700,
}


def count_false(strings: int, *, seed: int = 1) -> int:
    """Valid wallets among random strings with the beginnings and lengths of real ones, the coins named before them."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    false = 0
    for number in range(strings):
        start = STARTS[number % len(STARTS)]
        length = chance.choice((26, 30, 34, 40, 42, 62, 76, 95, 106))
        word = start + "".join(chance.choices(ALPHABETS[number // len(STARTS) % len(ALPHABETS)], k=length))
        false += any(c.valid and c.kind in WALLETS for c in find_contacts(f"btc ltc xmr: {word}"))
    return false


def main() -> None:
    strings = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    sys.stdout.write(f"false wallets in {strings:,} random strings: {count_false(strings)}\n")
    for name, text in PAGES.items():
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            find_contacts(text)
            seconds.append(time.perf_counter() - start)
        sys.stdout.write(f"{name:40} {sorted(seconds)[2] * 1000:8.2f} ms\n")


if __name__ == "__main__":
    main()
