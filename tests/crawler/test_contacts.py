"""Wallets, onions, keys and handles: a checksum is checked where there is one."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.contacts import Contact, find_contacts, is_bitcoin, is_monero, keccak256

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58(number: int, length: int) -> str:
    text = ""
    while number:
        number, rest = divmod(number, 58)
        text = BASE58[rest] + text
    return text.rjust(length, "1")


def make_btc(seed: str, version: int = 0) -> str:
    raw = bytes([version]) + hashlib.sha256(seed.encode()).digest()[:20]
    raw += hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4]
    zeros = len(raw) - len(raw.lstrip(b"\0"))
    return "1" * zeros + base58(int.from_bytes(raw, "big"), 0)


def make_xmr(seed: str, network: int = 18) -> str:
    raw = bytes([network]) + hashlib.sha512(seed.encode()).digest()
    raw += keccak256(raw)[:4]
    blocks = [raw[start : start + 8] for start in range(0, len(raw), 8)]
    return "".join(base58(int.from_bytes(block, "big"), {8: 11, 5: 7}[len(block)]) for block in blocks)


def make_onion(seed: str) -> str:
    import base64

    key = hashlib.sha256(seed.encode()).digest()
    checksum = hashlib.sha3_256(b".onion checksum" + key + b"\x03").digest()[:2]
    return base64.b32encode(key + checksum + b"\x03").decode().lower() + ".onion"


def change(text: str, place: int = 10) -> str:
    """One letter mistyped."""
    return text[:place] + ("2" if text[place] != "2" else "3") + text[place + 1 :]


@pytest.mark.parametrize(
    ("data", "digest"),
    [  # the test vectors of the Keccak team for the original padding
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
    ],
)
def test_keccak(data: bytes, digest: str) -> None:
    assert keccak256(data).hex() == digest


def test_keccak_takes_more_than_one_block() -> None:
    assert keccak256(b"a" * 136) != keccak256(b"a" * 137)
    assert len(keccak256(b"a" * 1000)) == 32


@pytest.mark.parametrize("version", [0, 5])
def test_base58_addresses(version: int) -> None:
    address = make_btc("pier nine", version)
    assert is_bitcoin(address)
    assert not is_bitcoin(change(address))


@pytest.mark.parametrize(
    ("address", "valid"),
    [  # the valid and invalid examples of BIP 173 and BIP 350
        ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", True),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", True),
        ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", True),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", False),
        ("BC13W508D6QEJXTDG4Y5R3ZARVARY0C5XW7KN40WF2", False),
        ("bc1rw5uspcuf", False),
        ("BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", False),
        ("bc1zw508d6qejxtdg4y5r3zarvaryvqyzf3du", False),
        ("bc1gmk9yu", False),
    ],
)
def test_bech32_addresses(address: str, valid: bool) -> None:
    assert is_bitcoin(address) is valid


@pytest.mark.parametrize("network", [18, 42])
def test_monero_addresses(network: int) -> None:
    address = make_xmr("pier nine", network)
    assert len(address) == 95
    assert is_monero(address)
    assert not is_monero(change(address, 40))
    assert not is_monero(address[:-1])


def test_contacts_of_a_text() -> None:
    btc, xmr, onion = make_btc("a"), make_xmr("b"), make_onion("c")
    text = f"Pay {btc} or {xmr}. Shop: http://{onion}/x Mail: Pier.Nine@Example.org, telegram: @pier_nine9"
    assert set(find_contacts(text)) == {
        Contact("btc", btc, True),
        Contact("xmr", xmr, True),
        Contact("onion", onion, True),
        Contact("email", "pier.nine@example.org", False),
        Contact("telegram", "pier_nine9", False),
    }


@pytest.mark.parametrize("address", [change(make_btc("a")), change(make_xmr("b"), 40)])
def test_a_wallet_with_a_wrong_checksum_is_none(address: str) -> None:
    assert find_contacts(f"pay to {address} now") == ()


def test_an_onion_with_a_wrong_checksum_only_looks_like_one() -> None:
    onion = change(make_onion("c"))
    assert find_contacts(onion) == (Contact("onion", onion, False),)


def test_a_pgp_block_is_found_and_not_searched() -> None:
    block = (
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"
        + "mQINBFabc@def.com" * 8
        + "\n-----END PGP PUBLIC KEY BLOCK-----"
    )
    found = find_contacts(f"My key: {block}")
    assert [(contact.kind, contact.valid) for contact in found] == [("pgp", False)]
    assert found == find_contacts(block.replace("\n", "\r\n  "))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Wickr: pierman7", [("wickr", "pierman7")]),
        ("session id: 05" + "ab" * 32, [("session", "05" + "ab" * 32)]),
        ("https://t.me/pier_nine", [("telegram", "pier_nine")]),
        ("jabber: pier@nine.example", [("email", "pier@nine.example"), ("jabber", "pier@nine.example")]),
        ("write me on signal please", []),
        ("telegram only, no wickr", []),
        ("a session of two hours", []),
        ("element of surprise", []),
        ("no contact here", []),
        ("", []),
    ],
)
def test_handles(text: str, found: list[tuple[str, str]]) -> None:
    assert sorted((contact.kind, contact.value) for contact in find_contacts(text)) == found


def test_no_more_than_fifty() -> None:
    assert len(find_contacts(" ".join(f"a{n}@example.org" for n in range(200)))) == 50


@given(st.text(max_size=300))
def test_never_raises(text: str) -> None:
    assert isinstance(find_contacts(text), tuple)
