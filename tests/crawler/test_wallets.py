"""Wallets: encoders written here from the specifications, against the decoders of the product."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.contacts import Contact, find_contacts
from crawler.keccak import keccak256
from crawler.wallets import is_bitcoin, is_monero, read_wallet, standard_monero

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def write_number58(number: int, length: int = 0) -> str:
    text = ""
    while number:
        number, rest = divmod(number, 58)
        text = BASE58[rest] + text
    return text.rjust(length, "1")


def write_base58(version: int, payload: bytes) -> str:
    raw = bytes([version]) + payload
    raw += hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4]
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + write_number58(int.from_bytes(raw, "big"))


def five_bits(data: bytes) -> list[int]:
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return [int(bits[start : start + 5], 2) for start in range(0, len(bits), 5)]


def write_bech32(prefix: str, version: int, program: bytes) -> str:
    generators = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
    values = [version, *five_bits(program)]
    check = 1
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    for value in [*expanded, *values, 0, 0, 0, 0, 0, 0]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(generators):
            check ^= generator if top >> bit & 1 else 0
    check ^= 1 if version == 0 else 0x2BC830A3
    tail = [check >> 5 * (5 - place) & 31 for place in range(6)]
    return prefix + "1" + "".join(BECH32[value] for value in values + tail)


def write_cashaddr(version: int, payload: bytes) -> str:
    generators = (0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)
    values = five_bits(bytes([version]) + payload)
    check = 1
    for value in [*(ord(c) & 31 for c in "bitcoincash"), 0, *values, 0, 0, 0, 0, 0, 0, 0, 0]:
        top = check >> 35
        check = (check & 0x07FFFFFFFF) << 5 ^ value
        for bit, generator in enumerate(generators):
            check ^= generator if top >> bit & 1 else 0
    check ^= 1
    tail = [check >> 5 * (7 - place) & 31 for place in range(8)]
    return "bitcoincash:" + "".join(BECH32[value] for value in values + tail)


def write_xmr(network: int, payload: bytes) -> str:
    raw = bytes([network]) + payload
    raw += keccak256(raw)[:4]
    blocks = [raw[start : start + 8] for start in range(0, len(raw), 8)]
    return "".join(
        write_number58(int.from_bytes(block, "big"), {8: 11, 5: 7}[len(block)]) for block in blocks
    )


def write_eth(payload: bytes) -> str:
    figures = payload.hex()
    digest = keccak256(figures.encode()).hex()
    return "0x" + "".join(c.upper() if int(d, 16) > 7 else c for c, d in zip(figures, digest, strict=False))


def seeded(seed: str, size: int) -> bytes:
    return hashlib.shake_256(seed.encode()).digest(size)


MAKERS = {
    "P2PKH": lambda data: ("btc", write_base58(0, data[:20])),
    "P2SH": lambda data: ("btc", write_base58(5, data[:20])),
    "P2WPKH": lambda data: ("btc", write_bech32("bc", 0, data[:20])),
    "P2WSH": lambda data: ("btc", write_bech32("bc", 0, data[:32])),
    "taproot": lambda data: ("btc", write_bech32("bc", 1, data[:32])),
    "litecoin L": lambda data: ("ltc", write_base58(0x30, data[:20])),
    "litecoin M": lambda data: ("ltc", write_base58(0x32, data[:20])),
    "litecoin segwit": lambda data: ("ltc", write_bech32("ltc", 0, data[:20])),
    "litecoin taproot": lambda data: ("ltc", write_bech32("ltc", 1, data[:32])),
    "cash to a key": lambda data: ("bch", write_cashaddr(0, data[:20])),
    "cash to a script": lambda data: ("bch", write_cashaddr(8, data[:20])),
    "monero": lambda data: ("xmr", write_xmr(18, data[:64])),
    "monero sub": lambda data: ("xmr", write_xmr(42, data[:64])),
    "monero integrated": lambda data: ("xmr", write_xmr(19, data[:72])),
}


@pytest.mark.parametrize(
    ("data", "digest"),
    [  # the test vectors of the Keccak team for the original padding
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
    ],
)
def test_keccak(data: bytes, digest: str) -> None:
    assert keccak256(data).hex() == digest


@pytest.mark.parametrize("size", [135, 136, 137, 271, 272, 1000])
def test_keccak_takes_more_than_one_block(size: int) -> None:
    assert keccak256(b"a" * size) != keccak256(b"a" * (size + 1))


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
        ("bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4", False),
    ],
)
def test_bech32_addresses(address: str, valid: bool) -> None:
    assert is_bitcoin(address) is valid


@pytest.mark.parametrize(
    ("address", "valid"),
    [  # the examples of EIP-55
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", True),
        ("0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359", True),
        ("0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", True),
        ("0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb", True),
        ("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", False),
        ("0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED", False),
        ("0x1234567890123456789012345678901234567890", False),
    ],
)
def test_ethereum_addresses(address: str, valid: bool) -> None:
    assert find_contacts(f"send to {address}") == (Contact("eth", address, valid),)


def test_an_ethereum_address_in_the_wrong_case_is_none() -> None:
    assert find_contacts("send to 0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed") == ()


@pytest.mark.parametrize(
    "address",
    [  # the examples of the CashAddr specification
        "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
        "bitcoincash:ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq",
        "bitcoincash:qr6m7j9njldwwzlg9v7v53unlr4jkmx6eylep8ekg2",
    ],
)
def test_cash_addresses_with_and_without_their_prefix(address: str) -> None:
    bare = address.partition(":")[2]
    for written in (address, bare, address.upper(), bare.upper()):
        assert find_contacts(f"pay {written}, friend") == (Contact("bch", address, True),), written


@pytest.mark.parametrize("name", MAKERS)
@given(st.binary(min_size=72, max_size=72))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_an_address_with_its_checksum_is_found_and_valid(name: str, data: bytes) -> None:
    kind, address = MAKERS[name](data)
    assert find_contacts(f"pay to {address} now") == (Contact(kind, address, True),)


@pytest.mark.parametrize("name", MAKERS)
@given(
    data=st.binary(min_size=72, max_size=72), where=st.floats(0, 1), letter=st.sampled_from(BASE58 + "0lIO")
)
@settings(max_examples=12, deadline=None, derandomize=True)
def test_an_address_with_one_letter_changed_is_never_valid(
    name: str, data: bytes, where: float, letter: str
) -> None:
    _, address = MAKERS[name](data)
    prefix = len("bitcoincash:") if address.startswith("bitcoincash:") else 0
    place = prefix + min(int(where * (len(address) - prefix)), len(address) - prefix - 1)
    changed = address[:place] + letter + address[place + 1 :]
    found = find_contacts(f"btc ltc bch xmr: {changed} now")
    assert changed == address or not any(contact.valid for contact in found)


@given(
    data=st.binary(min_size=20, max_size=20),
    place=st.integers(2, 41),
    figure=st.sampled_from("0123456789abcdefABCDEF"),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_an_ethereum_address_with_one_figure_changed_is_not_valid(
    data: bytes, place: int, figure: str
) -> None:
    address = write_eth(data)
    changed = address[:place] + figure + address[place + 1 :]
    assert changed == address or not any(contact.valid for contact in find_contacts(changed))


@given(data=st.binary(min_size=20, max_size=20))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_an_ethereum_address_with_its_case_is_valid_when_it_has_letters_enough(data: bytes) -> None:
    address = write_eth(data)
    (contact,) = find_contacts(address)
    assert contact.value == address
    mixed = address[2:] not in (address[2:].lower(), address[2:].upper())
    assert contact.valid == (sum(map(str.isalpha, address[2:])) >= 10 and mixed)


@pytest.mark.parametrize("network", [18, 42])
def test_monero_addresses(network: int) -> None:
    address = write_xmr(network, seeded("pier nine", 64))
    assert len(address) == 95
    assert is_monero(address)
    assert not is_monero(address[:-1])


@pytest.mark.parametrize("network", [53, 24, 63, 0])
def test_monero_of_another_network_is_none(network: int) -> None:
    assert not is_monero(write_xmr(network, seeded("pier nine", 64)))


def test_an_integrated_monero_address_names_the_standard_one_in_it() -> None:
    keys = seeded("pier nine", 64)
    integrated = write_xmr(19, keys + b"\x01" * 8)
    assert standard_monero(integrated) == write_xmr(18, keys)
    assert standard_monero(write_xmr(18, keys)) == ""


@pytest.mark.parametrize(
    ("version", "before", "kind", "also"),
    [
        (0, "", "btc", ["bch"]),
        (0, "BCH: ", "bch", ["btc"]),
        (5, "", "btc", ["ltc", "bch"]),
        (5, "Litecoin ", "ltc", ["btc", "bch"]),
        (5, "莱特币：", "ltc", ["btc", "bch"]),
        (5, "monero or ", "btc", ["ltc", "bch"]),
    ],
)
def test_what_an_address_of_several_coins_is(version: int, before: str, kind: str, also: list[str]) -> None:
    (contact,) = find_contacts(before + write_base58(version, seeded("a", 20)))
    assert (contact.kind, contact.extra["also"]) == (kind, also)


@pytest.mark.parametrize("name", ["P2PKH", "litecoin M", "monero", "P2WPKH", "cash to a key"])
def test_a_wrong_checksum_is_none_unless_the_coin_is_named(name: str) -> None:
    kind, address = MAKERS[name](seeded("a", 72))
    wrong = address[:20] + ("2" if address[20] != "2" else "3") + address[21:]
    assert find_contacts(f"order {wrong.removeprefix('bitcoincash:')} shipped") == ()
    (contact,) = find_contacts(f"{kind.upper()}: {wrong}")
    assert (contact.kind, contact.value, contact.valid) == (kind, wrong, False)


@pytest.mark.parametrize("between", [" ", "  ", "\n", " \r\n "])
@pytest.mark.parametrize("name", ["P2PKH", "taproot", "monero", "litecoin segwit"])
def test_an_address_in_groups_after_its_coin(name: str, between: str) -> None:
    kind, address = MAKERS[name](seeded("b", 72))
    size = 4 if kind != "xmr" else 19
    grouped = between.join(address[start : start + size] for start in range(0, len(address), size))
    text = f"my {kind}: {grouped} thanks"
    (contact,) = find_contacts(text)
    assert (contact.kind, contact.value, contact.valid) == (kind, address, True)
    assert text[contact.start : contact.end] == grouped


@pytest.mark.parametrize(
    "text", ["", "hello", "1", "bc1", "bc1q" + "q" * 60, "4" * 95, "0x" + "zz" * 20, "1" * 34, "ſ" * 40]
)
def test_what_is_no_wallet(text: str) -> None:
    found = read_wallet(text)
    assert found is None or not found.valid
