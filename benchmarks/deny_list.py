"""What the deny list costs a crawl: a list of 2,000 terms held against pages of 25 KB, beside parsing the same pages.

    python benchmarks/deny_list.py [--terms N] [--pages N]

Prints processor milliseconds a page: parsing alone (selectolax, as a crawl does), holding the list against the page (its own parse
for the text included), and of that the matching alone; then the same for a list of hashes, and for the empty list. The pages
are invented and share most of their words, as the pages of one market do.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crawler.deny import DenyList, hash_words, make_rule, split_words
from crawler.denytext import judge_response, read_text
from crawler.markup import parse_bounded

SALT = "0123456789abcdef"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def make_words(rng: random.Random, count: int) -> list[str]:
    return ["".join(rng.choices(LETTERS, k=rng.randint(3, 10))) for _ in range(count)]


def make_page(rng: random.Random, words: Sequence[str]) -> bytes:
    """About 25 KB: cards of a category page, a third of it text."""
    cards = [
        f'<div class="card listing-card col-md-4"><a href="/p/{rng.randrange(99999)}" class="btn btn-link"><h4>'
        f"{' '.join(rng.choices(words, k=4)).title()}</h4></a><p>{' '.join(rng.choices(words, k=14))}, é 1kg.</p>"
        f'<span class="price badge">USD {rng.randrange(900)}.00</span><em>{rng.choice(words)}</em></div>'
        for _ in range(90)
    ]
    return (
        f"<html><head><title>{rng.choice(words)}</title></head><body>{''.join(cards)}</body></html>".encode()
    )


def measure(work: Callable[[bytes], object], pages: Sequence[bytes]) -> float:
    """Processor milliseconds a page: the median of single pages, so that a neighbour's burst does not count."""
    times = []
    for page in pages:
        began = time.process_time()
        work(page)
        times.append(time.process_time() - began)
    return statistics.median(times) * 1000


def judge(deny: DenyList) -> Callable[[bytes], object]:
    def work(page: bytes) -> object:
        judged = judge_response(
            deny, url="http://x.onion/p/1", headers=(("Content-Type", "text/html"),), body=page,
            content_type="text/html", content_encoding="", max_size=1 << 24,
        )  # fmt: skip
        assert judged.rule == ""
        return judged

    return work


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what the deny list costs a page.")
    parser.add_argument("--terms", type=int, default=2000)
    parser.add_argument("--pages", type=int, default=200)
    options = parser.parse_args()
    rng = random.Random(21)  # noqa: S311 - invented pages
    words = make_words(rng, 6000)
    pages = [make_page(rng, words) for _ in range(options.pages)]
    # One in four a phrase of two words that stand on the pages, but not side by side in this order.
    absent = [f"zz{word}" for word in make_words(rng, options.terms)]
    phrases = [f"{rng.choice(words)} {absent[number]}" for number in range(options.terms // 4)]
    terms = [*phrases, *absent[len(phrases) :]]
    plain = DenyList([make_rule("term", n, term) for n, term in enumerate(terms)], salt=SALT)
    hashes = [f"words-{len(split_words(t))}:{hash_words(split_words(t), salt=SALT)}" for t in terms]
    hashed = DenyList([make_rule("hash", n, text) for n, text in enumerate(hashes)], salt=SALT)
    print(f"{len(pages)} pages of {statistics.mean(map(len, pages)) / 1000:.0f} KB, {len(terms)} rules")
    parse = measure(parse_bounded, pages)
    texts = {page: read_text(page, "text/html") for page in pages}
    rows = (
        ("parsing the page (for comparison)", parse),
        ("empty list", measure(judge(DenyList((), salt=SALT)), pages)),
        ("terms, all in all", measure(judge(plain), pages)),
        ("  of that the matching", measure(lambda page: plain.match_text(texts[page]), pages)),
        ("hashes, all in all", measure(judge(hashed), pages)),
        ("  of that the matching", measure(lambda page: hashed.match_text(texts[page]), pages)),
    )
    for name, milliseconds in rows:
        print(f"{name:<36}{milliseconds:>8.3f} ms a page{milliseconds / parse:>7.2f} x parsing")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
