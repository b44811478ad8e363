"""A site's signed page of mirrors: what counts on it, and all the ways in which nothing does."""

from __future__ import annotations

import html
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest
from pysequoia import ArmorKind, Cert, Profile, Sig, SignatureMode, Tsk, armor, sign

from crawler.errors import SiteError
from crawler.mirrorpage import MAX_ONIONS, MirrorKey, NotTrusted, SignedList, read_key, read_mirrors

NOW = datetime.now(UTC)
"""The clock of this machine: signatures are made by it."""

SITE = Tsk.generate("Old Port <port@example.org>")
OTHER = Tsk.generate("Somebody else")


def _save(path: Path, *certs: object) -> Path:
    path.write_text("\n".join(str(cert) for cert in certs))
    return path


@pytest.fixture
def key(tmp_path: Path) -> MirrorKey:
    return read_key(_save(tmp_path / "key.asc", SITE.extract_certificate()))


@pytest.fixture
def onions(stub: ModuleType) -> list[str]:
    return [stub.make_onion(f"mirror {number}") for number in range(4)]


def _text(onions: list[str]) -> str:
    return "Our mirrors & nothing else:\n\n- http://" + "\n- http://".join(onions) + "\n\nThe <staff>\n"


def _sign(text: str, tsk: Tsk = SITE) -> str:
    return sign(tsk.signer(), text.encode(), mode=SignatureMode.CLEAR).decode()


def _read(page: str, key: MirrorKey, *, kind: str = "text/html", **more: object) -> SignedList | NotTrusted:
    options: dict[str, object] = {"known": (), "now": NOW} | more
    return read_mirrors(page.encode(), key, content_type=kind, **options)  # type: ignore[arg-type]


def _page(block: str, *, head: str = "", foot: str = "") -> str:
    return (
        f"<html><head><title>x</title><script>var a = 1</script></head><body><h1>Mirrors</h1>{head}"
        f"<pre>{html.escape(block)}</pre>{foot}</body></html>"
    )


WRITTEN: dict[str, tuple[str, Callable[[str], str]]] = {
    "plain text": ("text/plain; charset=utf-8", lambda block: block),
    "plain text among other words": ("text/plain", lambda block: f"Hello\n\n{block}\nBye"),
    "in pre": ("text/html", _page),
    "in textarea": ("text/html", lambda block: f"<textarea readonly>{html.escape(block)}</textarea>"),
    "in pre, all entities": ("text/html", lambda block: f"<pre>{''.join(f'&#{ord(c)};' for c in block)}</pre>"),
    "in pre without entities": ("text/html", lambda block: f"<pre>{block}</pre>"),
    "with CRLF": ("text/html", lambda block: _page(block).replace("\n", "\r\n")),
    "lines ended by br": ("text/html", lambda block: f"<p>{html.escape(block).replace(chr(10), '<br>')}</p>"),
    "lines ended by br and newline": (
        "text/html", lambda block: f"<div>{html.escape(block).replace(chr(10), '<br />' + chr(10))}</div>",
    ),
    "no content type": ("", _page),
    "spaces at the ends of lines": ("text/plain", lambda block: block.replace("\n\n", " \n\n")),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "write"), WRITTEN.values(), ids=WRITTEN.keys())
def test_a_signed_text_is_found_as_sites_write_it(
    key: MirrorKey, onions: list[str], kind: str, write: Callable[[str], str]
) -> None:
    found = _read(write(_sign(_text(onions))), key, kind=kind)
    assert isinstance(found, SignedList), found
    assert list(found.onions) == onions
    assert found.fingerprint == SITE.extract_certificate().fingerprint
    assert abs(found.signed_at - NOW) < timedelta(hours=1)


def test_the_line_of_each_address_is_shown_to_the_person_and_cannot_be_clicked(
    key: MirrorKey, onions: list[str]
) -> None:
    found = _read(_page(_sign(f"fast\u202e one: {onions[0].upper()} (new)\n")), key)
    assert isinstance(found, SignedList)
    line = found.onions[onions[0]]
    assert line.lower() == f"fast  one: {onions[0].replace('.', '[.]')} (new)"


def test_an_address_with_a_wrong_checksum_is_left_out_and_counted(key: MirrorKey, onions: list[str]) -> None:
    bad = "a" * 55 + "d.onion"
    found = _read(_page(_sign(_text([*onions[:2], bad]))), key)
    assert isinstance(found, SignedList)
    assert (list(found.onions), found.wrong) == (onions[:2], 1)


def _revoked() -> Cert:
    cert = SITE.extract_certificate()
    return Cert.from_bytes(bytes(cert) + bytes(cert.revoke(SITE.certifier())))


def _two_signatures(block: str) -> str:
    text, mark, signature = block.partition("-----BEGIN PGP SIGNATURE-----")
    other = _sign("another text\n", OTHER).partition("-----BEGIN PGP SIGNATURE-----")[2]
    both = b"".join(bytes(Sig.from_bytes((mark + part).encode())) for part in (signature, other))
    return text + str(armor(both, ArmorKind.Signature))


BAD: dict[str, tuple[Callable[[str, list[str]], str], str]] = {
    "not signed": (lambda block, onions: f"<p>{onions[0]}</p>", "no signed text"),
    "empty": (lambda block, onions: "", "no signed text"),
    "another key": (lambda block, onions: _page(_sign(_text(onions), OTHER)), "by another key"),
    "an address changed": (
        lambda block, onions: _page(block.replace(onions[1], onions[3])), "changed after it was signed",
    ),
    "a word changed": (lambda block, onions: _page(block.replace("mirrors", "mirror")), "changed after"),
    "two texts": (lambda block, onions: _page(block, foot=_page(block)), "more than one signed text"),
    "a second one by another key": (
        lambda block, onions: _page(block, foot=f"<pre>{_sign(_text(onions), OTHER)}</pre>"), "more than one",
    ),
    "one within the other": (lambda block, onions: _page(_sign(block)), "more than one signed text"),
    "two signatures": (lambda block, onions: _page(_two_signatures(block)), "more than one signature"),
    "an address beside the text": (
        lambda block, onions: _page(block, foot=f"<p>new: {onions[3]}</p>"), "outside of the signed text",
    ),
    "an address before the text": (
        lambda block, onions: _page(block, head=f"<p>new: {onions[3]}</p>"), "outside of the signed text",
    ),
    "an address between the head of the text and the text": (
        lambda block, onions: _page(block.replace("\n\n", f"\nComment: {onions[3]}\n\n", 1)), "outside of the signed text",
    ),
    "no signature": (lambda block, onions: _page(block.partition("-----BEGIN PGP SIGNATURE")[0]), "broken"),
    "no end": (lambda block, onions: _page(block.partition("-----END PGP SIG")[0]), "no end"),
    "a signature of rubbish": (
        lambda block, onions: _page(
            block.partition("-----BEGIN PGP SIGNATURE")[0]
            + "-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n"
        ),
        "cannot be read",
    ),
    "something else in the signature's place": (
        lambda block, onions: _page(
            block.partition("-----BEGIN PGP SIGNATURE")[0]
            + str(SITE.extract_certificate()).replace("PUBLIC KEY BLOCK", "SIGNATURE")
        ),
        "something else",
    ),
    "far too long": (lambda block, onions: _page(_sign("x" * 70_000 + onions[0])), "larger than 64 KiB"),
    "a page far too long": (lambda block, onions: _page(block) + " " * 600_000, "larger than 512 KiB"),
    "no address in it": (lambda block, onions: _page(_sign("hello\n")), "no v3 onion"),
    "a whole message instead": (
        lambda block, onions: _page(sign(SITE.signer(), _text(onions).encode()).decode()), "no signed text",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("write", "why"), BAD.values(), ids=BAD.keys())
def test_nothing_counts_on_a_page_that_is_not_wholly_right(
    key: MirrorKey, onions: list[str], write: Callable[[str, list[str]], str], why: str
) -> None:
    found = _read(write(_sign(_text(onions[:3])), onions), key)
    assert isinstance(found, NotTrusted), found
    assert why in found.why
    assert ".onion" not in found.why


def test_addresses_that_we_know_may_stand_beside_the_text(key: MirrorKey, onions: list[str]) -> None:
    page = _page(_sign(_text(onions[:3])), head=f"You are on {onions[3]}")
    assert isinstance(_read(page, key), NotTrusted)
    found = _read(page, key, known=[onions[3]])
    assert isinstance(found, SignedList)
    assert list(found.onions) == onions[:3]


def test_links_beside_the_text_are_no_claim_of_the_site(key: MirrorKey, onions: list[str]) -> None:
    page = _page(_sign(_text(onions[:3])), foot=f'<a href="http://{onions[3]}/">a forum</a>')
    found = _read(page, key)
    assert isinstance(found, SignedList)
    assert list(found.onions) == onions[:3]


@pytest.mark.parametrize(("count", "fine"), [(MAX_ONIONS, True), (MAX_ONIONS + 1, False)])
def test_a_text_that_names_very_many_is_not_taken(
    key: MirrorKey, stub: ModuleType, count: int, fine: bool
) -> None:
    many = [stub.make_onion(f"many {number}") for number in range(count)]
    assert isinstance(_read(_page(_sign(_text(many))), key), SignedList) is fine


def test_a_revoked_key_signs_nothing(tmp_path: Path, onions: list[str]) -> None:
    found = _read(_page(_sign(_text(onions))), read_key(_save(tmp_path / "k", _revoked())))
    assert isinstance(found, NotTrusted)
    assert "revoked" in found.why


def test_an_expired_key_signs_nothing(tmp_path: Path, onions: list[str]) -> None:
    until = NOW + timedelta(days=2)
    cert = SITE.extract_certificate().set_expiration(until, SITE.certifier())
    key = read_key(_save(tmp_path / "k", cert))
    page = _page(_sign(_text(onions)))
    assert isinstance(_read(page, key), SignedList)
    found = _read(page, key, now=until + timedelta(days=1))
    assert isinstance(found, NotTrusted)
    assert "expired" in found.why


def test_a_signature_from_the_future_is_not_taken(key: MirrorKey, onions: list[str]) -> None:
    found = _read(_page(_sign(_text(onions))), key, now=NOW - timedelta(days=3))
    assert isinstance(found, NotTrusted)
    assert "future" in found.why


def test_newer_keys_work_too(tmp_path: Path, onions: list[str]) -> None:
    tsk = Tsk.generate("New", profile=Profile.RFC9580)
    key = read_key(_save(tmp_path / "k", tsk.extract_certificate()))
    assert isinstance(_read(_page(_sign(_text(onions), tsk)), key), SignedList)


def test_a_key_may_be_binary(tmp_path: Path) -> None:
    path = tmp_path / "key.pgp"
    path.write_bytes(bytes(SITE.extract_certificate()))
    assert read_key(path).fingerprint == SITE.extract_certificate().fingerprint


def test_damaged_pages_prove_nothing_and_never_raise(key: MirrorKey, onions: list[str]) -> None:
    """Whatever bytes arrive: either what was signed or nothing."""
    dice = random.Random(7)
    page = bytearray(_page(_sign(_text(onions))).encode())
    trusted = 0
    for _ in range(400):
        copy = bytearray(page)
        for _ in range(dice.randint(1, 6)):
            copy[dice.randrange(len(copy))] = dice.randrange(256)
        found = read_mirrors(bytes(copy), key, content_type="text/html", known=(), now=NOW)
        if isinstance(found, SignedList):
            assert list(found.onions) == onions
            trusted += 1
    assert 0 < trusted < 400


@pytest.mark.parametrize(
    ("write", "why"),
    [
        (lambda path: None, "cannot be read"),
        (lambda path: path.write_text("hello"), "no OpenPGP public key"),
        (lambda path: path.write_text(""), "holds 0 keys"),
        (lambda path: path.write_bytes(b"\x99" * 300_000), "larger than"),
        (lambda path: _save(path, SITE.extract_certificate(), OTHER.extract_certificate()), "holds 2 keys"),
    ],
)
def test_a_key_file_that_cannot_be_used_is_named_with_the_reason(
    tmp_path: Path, write: Callable[[Path], object], why: str
) -> None:
    path = tmp_path / "key.asc"
    write(path)
    with pytest.raises(SiteError, match=why) as caught:
        read_key(path)
    assert str(path) in str(caught.value)
