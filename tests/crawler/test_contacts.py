"""Contacts of a text: what is found, what is left alone, where it stood, and how long it takes."""

from __future__ import annotations

import base64
import hashlib
import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.checksums import write_monero58
from crawler.contacts import Contact, find_contacts

WALLETS = {"btc", "ltc", "bch", "eth", "xmr"}


def make_onion(seed: str) -> str:
    key = hashlib.sha256(seed.encode()).digest()
    checksum = hashlib.sha3_256(b".onion checksum" + key + b"\x03").digest()[:2]
    return base64.b32encode(key + checksum + b"\x03").decode().lower() + ".onion"


def make_xmr(seed: str) -> str:
    return write_monero58(bytes([18]) + hashlib.sha512(seed.encode()).digest())


def change(text: str, place: int = 10) -> str:
    """One letter mistyped."""
    return text[:place] + ("2" if text[place] != "2" else "3") + text[place + 1 :]


def test_contacts_of_a_text() -> None:
    xmr, onion = make_xmr("b"), make_onion("c")
    text = f"Pay {xmr}. Shop: http://{onion}/x Mail: Pier.Nine@Example.org, telegram: @pier_nine9"
    assert set(find_contacts(text)) == {
        Contact("xmr", xmr, True),
        Contact("onion", onion, True),
        Contact("email", "pier.nine@example.org", False),
        Contact("telegram", "pier_nine9", False),
    }


def test_each_says_where_it_stood() -> None:
    text = f"天 te\u200bleg\u200bram： @pier\u200b_nine, ｐｉｅｒ＠ｎｉｎｅ.example, {make_onion('a')}"
    places = {contact.kind: text[contact.start : contact.end] for contact in find_contacts(text)}
    assert places == {
        "telegram": "pier\u200b_nine",
        "email": "ｐｉｅｒ＠ｎｉｎｅ.example",
        "onion": make_onion("a"),
    }


@pytest.mark.parametrize(
    "written",
    ["{}", "http://{}/shop?x=1", "{}.", "<{}>", "站：{}", "sub.{}", "{}:8080"],
)
def test_an_onion_in_its_surroundings(written: str) -> None:
    onion = make_onion("c")
    assert find_contacts(written.format(onion)) == (Contact("onion", onion, True),)


@pytest.mark.parametrize("dot", ["[.]", " . ", " dot ", " [dot] ", "(.)"])
def test_an_onion_written_for_people(dot: str) -> None:
    onion = make_onion("c")
    assert find_contacts(onion.replace(".", dot)) == (Contact("onion", onion, True),)


def test_an_onion_without_its_ending_needs_its_checksum() -> None:
    bare = make_onion("c")[:56]
    assert find_contacts(f"we moved to {bare} friends") == (Contact("onion", bare + ".onion", True),)
    assert find_contacts(f"we moved to {change(bare)} friends") == ()


def test_an_onion_with_a_wrong_checksum_only_looks_like_one() -> None:
    onion = change(make_onion("c"))
    assert find_contacts(onion) == (Contact("onion", onion, False),)


def test_an_onion_of_version_two_only_looks_like_one() -> None:
    assert find_contacts("pierninepierpier.onion") == (Contact("onion", "pierninepierpier.onion", False),)


def test_no_more_than_thirty_of_a_kind_and_fifty_in_all() -> None:
    mails = " ".join(f"a{n}@example.org" for n in range(200))
    onions = " ".join(make_onion(str(n)) for n in range(200))
    assert len(find_contacts(mails)) == 30
    assert [c.kind for c in find_contacts(mails + onions)] == ["onion"] * 30 + ["email"] * 20


def test_each_once() -> None:
    assert len(find_contacts("telegram: @pier_nine " * 20)) == 1


@given(st.text(max_size=300))
@settings(deadline=None)
def test_never_raises(text: str) -> None:
    assert isinstance(find_contacts(text), tuple)


PIECES = st.sampled_from(
    ["telegram", "wickr", ":", "@", " ", "\n", "btc", "1", "bc1q", "0x", "-----BEGIN PGP PUBLIC KEY BLOCK-----", "=", "mQ", "Zalo", "[at]",
     "dot", "微信", "\u200b", "Ｔ", "ſ", "İ", "K", "+49 30", ".onion", "a" * 56, "05" + "a" * 64, "id", "/", "t.me/", "\ud800", "𝐚"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40).map("".join))
@settings(deadline=None)
def test_places_are_in_the_text(text: str) -> None:
    for contact in find_contacts(text):
        assert 0 <= contact.start < contact.end <= len(text)


ALPHABETS = {
    "base58": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
    "bech32": "qpzry9x8gf2tvdw0s3jn54khce6mua7l",
    "base32": "abcdefghijklmnopqrstuvwxyz234567",
    "hex": "0123456789abcdef",
    "mixed hex": "0123456789abcdefABCDEF",
    "letters and figures": string.ascii_letters + string.digits,
}
STARTS = ("", "1", "3", "L", "M", "4", "8", "bc1q", "bc1p", "ltc1q", "0x", "q", "p", "bitcoincash:q")
LENGTHS = (26, 34, 40, 42, 56, 62, 66, 76, 95, 106)


def test_never_a_false_wallet_in_ten_thousand_random_strings() -> None:
    chance = random.Random(20261122)
    tried = 0
    for alphabet in ALPHABETS.values():
        for start in STARTS:
            for length in LENGTHS:
                for _ in range(12):
                    word = start + "".join(chance.choices(alphabet, k=max(1, length - len(start))))
                    found = [
                        c for c in find_contacts(f"btc ltc xmr: {word}") if c.kind in WALLETS and c.valid
                    ]
                    assert found == [], word
                    tried += 1
    assert tried >= 10_000


HOSTILE = {
    "one letter": "a" * 100_000,
    "figures": "1" * 100_000,
    "spaces": " " * 100_000,
    "at": "a@" * 50_000,
    "dots": "x@" + "y." * 50_000,
    "brackets": "a [ " * 25_000,
    "cues": "telegram " * 11_000,
    "cue and filler": "telegram" + " id" * 30_000,
    "coins": "btc 1a " * 14_000,
    "chinese": "微信：abc " * 14_000,
    "monero": ("4" + "A" * 94 + " ") * 1_040,
    "ethereum": ("0x" + "aB" * 20 + " ") * 2_300,
    "begin": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n" * 2_700,
    "begin others": "-----BEGIN PGP MESSAGE-----\n" * 3_500,
    "armour": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n" + "=ABC\n" * 19_000,
    "invisible": "a\u200b" * 50_000,
    "full width": "ａ" * 100_000,
    "phones": "zalo 1 1 1 1 1 1 1 1 " * 4_700,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_of_100_kb_ends(name: str) -> None:
    """Each takes well under a second on an idle core; one that backtracks would take hours."""
    assert len(find_contacts(HOSTILE[name])) <= 50
