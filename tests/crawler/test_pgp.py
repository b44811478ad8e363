"""OpenPGP keys as people paste them."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from pysequoia import ArmorKind, Cert, Tsk, armor

from crawler.contacts import find_contacts
from crawler.extract import read_page
from crawler.pgp import MAX_BLOCK, hide_armour, read_key_block


def make_key(*names: str) -> Cert:
    return Tsk.generate(user_ids=list(names)).extract_certificate()


KEY = make_key("Pier Nine <pier@nine.example>", "Пирс")
PLAIN = armor(bytes(KEY), ArmorKind.PublicKey)
BEGIN, END = "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----"
OLD = PLAIN.replace(BEGIN + "\n", f"{BEGIN}\nVersion: GnuPG v2.0.22 (GNU/Linux)\nComment: hello there\n", 1)
FINGERPRINT = KEY.fingerprint.upper()


def drop(start: int, count: int) -> Callable[[str], str]:
    return lambda text: text[:start] + text[start + count :]


WAYS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "carriage returns": lambda text: text.replace("\n", "\r\n"),
    "old line ends": lambda text: text.replace("\n", "\r"),
    "lines doubled": lambda text: text.replace("\n", "\n\n"),
    "one line": lambda text: text.replace("\n", " "),
    "indented": lambda text: "\n".join("    " + line + "  " for line in text.splitlines()),
    "quoted": lambda text: "\n".join("> " + line for line in text.splitlines()),
    "dashes escaped": lambda text: text.replace("-----BEGIN", "- -----BEGIN").replace(
        "-----END", "- -----END"
    ),
    "long dashes": lambda text: text.replace("-----", "—–"),
    "never closed": lambda text: text.replace(END, "") + "Thank you all for reading",
    "in a sentence": lambda text: f"My key: {text} and no other.",
    "zero width": lambda text: text.replace("\n", "\u200b\n"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("block", [PLAIN, OLD], ids=["plain", "with headers"])
def test_a_key_is_read_however_it_was_pasted(block: str, way: str) -> None:
    (contact,) = find_contacts(WAYS[way](block))
    assert (contact.kind, contact.value, contact.valid) == ("pgp", FINGERPRINT, True)
    assert contact.extra["key_id"] == FINGERPRINT[-16:]
    assert set(contact.extra["user_ids"]) == {"Pier Nine <pier@nine.example>", "Пирс"}
    assert contact.extra["proven"] is True


BREAKS: dict[str, Callable[[str], str]] = {
    "two letters lost": drop(400, 2),
    "a line lost": drop(300, 65),
    "cut in the middle": lambda text: text[:700],
    "other alphabet": lambda text: text.replace("x", "х", 3),
    "nothing but dashes": lambda _: BEGIN + "\n" + "QUJD" * 20 + "\n" + END,
}


@pytest.mark.parametrize("way", BREAKS)
def test_a_broken_block_is_named_by_its_hash_and_not_valid(way: str) -> None:
    found = [contact for contact in find_contacts(BREAKS[way](PLAIN)) if contact.kind == "pgp"]
    assert [(c.value.startswith("block:"), c.valid) for c in found] == [(True, False)]


def test_the_same_broken_block_has_the_same_name_with_other_spaces() -> None:
    broken = PLAIN[:400] + PLAIN[402:]
    assert find_contacts(broken) == find_contacts(broken.replace("\n", "\r\n  "))


def test_one_letter_changed_never_gives_another_key() -> None:
    chance = random.Random(5)
    body = PLAIN.index("\n\n") + 2
    for _ in range(80):
        place = chance.randrange(body, len(PLAIN) - len(END) - 8)
        letter = chance.choice("ABCDefgh0123+/")
        changed = PLAIN[:place] + letter + PLAIN[place + 1 :]
        for contact in find_contacts(changed):
            assert not contact.valid or contact.value == FINGERPRINT


def test_without_a_checksum_the_keys_own_signature_must_hold() -> None:
    lines = PLAIN.splitlines()
    without = "\n".join(line for line in lines if not line.startswith("="))
    assert [c.valid for c in find_contacts(without)] == [True]
    head = without.index("\n\n") + 20
    changed = without[:head] + ("A" if without[head] != "A" else "B") + without[head + 1 :]
    assert [c.valid for c in find_contacts(changed)] == [False]


def test_several_keys_in_one_block_and_in_several() -> None:
    other = make_key("Other")
    both = armor(bytes(KEY) + bytes(other), ArmorKind.PublicKey)
    names = {FINGERPRINT, other.fingerprint.upper()}
    assert {c.value for c in find_contacts(both)} == names
    assert {
        c.value for c in find_contacts(PLAIN + "\nor\n" + armor(bytes(other), ArmorKind.PublicKey))
    } == names


def test_a_block_is_not_searched_for_other_things() -> None:
    assert [
        c.kind for c in find_contacts(OLD.replace("hello there", "telegram: @pier_nine a@b.example"))
    ] == ["pgp"]


@pytest.mark.parametrize("name", ["MESSAGE", "SIGNATURE", "PRIVATE KEY BLOCK"])
def test_other_armour_is_not_searched(name: str) -> None:
    text = f"before -----BEGIN PGP {name}-----\n\nx telegram: @pier_nine\n-----END PGP {name}----- after"
    assert find_contacts(text) == ()
    assert hide_armour(text).split() == ["before", "after"]
    assert len(hide_armour(text)) == len(text)


def test_a_fingerprint_in_words_only_looks_like_one() -> None:
    groups = " ".join(FINGERPRINT[start : start + 4] for start in range(0, 40, 4))
    double = groups[:24] + " " + groups[24:]
    for text in (
        groups,
        double,
        f"PGP: {FINGERPRINT}",
        f"fingerprint 0x{FINGERPRINT.lower()}",
        f"отпечаток {FINGERPRINT}",
    ):
        assert [(c.value, c.valid) for c in find_contacts(text)] == [(FINGERPRINT, False)], text


def test_forty_figures_that_nobody_calls_a_fingerprint_are_none() -> None:
    assert find_contacts(f"transaction {FINGERPRINT}") == ()


def test_a_fingerprint_beside_its_block_is_proven_by_it() -> None:
    assert [(c.value, c.valid) for c in find_contacts(f"PGP {FINGERPRINT}\n{PLAIN}")] == [(FINGERPRINT, True)]


def test_hostile_sizes() -> None:
    assert read_key_block("A" * (10 * MAX_BLOCK)) == ()
    assert len(find_contacts(PLAIN * 100)) == 1
    many = "".join(f"{BEGIN}\n{str(n) * 60}\n{END}\n" for n in range(100))
    assert len(find_contacts(many)) <= 10


def test_random_bytes_in_armour_never_raise() -> None:
    chance = random.Random(7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(80):
            raw = bytearray(bytes(KEY))
            for _ in range(chance.randrange(1, 30)):
                raw[chance.randrange(len(raw))] = chance.randrange(256)
            block = armor(bytes(raw[: chance.randrange(1, len(raw))]), ArmorKind.PublicKey)
            assert all(c.kind == "pgp" for c in find_contacts(block))


@pytest.mark.parametrize(
    "place",
    [
        "<pre>{}</pre>",
        "<textarea readonly>{}</textarea>",
        "<h2>PGP</h2><p>{}</p>",
        "<div><code>{}</code></div>",
    ],
)
def test_a_key_on_a_sellers_page_is_read(place: str) -> None:
    page = f"<title>nk88</title><h1>Vendor nk88</h1><table><tr><td>Level</td><td>2</td></tr></table>{place.format(OLD)}"
    read = read_page(
        page.encode(),
        url="http://x/v/nk88",
        content_type="text/html",
        captured_at=datetime(2026, 11, 1, tzinfo=UTC),
        kind_hint="seller",
        site_title="Old Port",
    )
    assert [(c.value, c.valid) for c in find_contacts(read.text("pgp_key"))] == [(FINGERPRINT, True)]
