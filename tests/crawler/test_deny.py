"""The deny list: what it matches, what it does not, what of the file is refused, and that its words are never said."""

from __future__ import annotations

import gzip
import hashlib
import stat
from pathlib import Path
from typing import Any

import pytest

from crawler.deny import MAX_TEXT, DenyList, hash_body, hash_words, make_rule, split_words
from crawler.denyfile import DenyError, add_entry, open_deny_list, read_deny_list, write_empty
from crawler.denytext import judge_response

SALT = "0123456789abcdef"


def make(*terms: str, hashes: tuple[str, ...] = ()) -> DenyList:
    rules = [make_rule("term", number, term) for number, term in enumerate(terms, 1)]
    rules += [make_rule("hash", number, text) for number, text in enumerate(hashes, 1)]
    return DenyList(rules, salt=SALT)


def hashed(words: str) -> str:
    parts = split_words(words)
    return f"words-{len(parts)}:{hash_words(parts, salt=SALT)}"


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("gravel", "A load of gravel, cheap"),
        ("gravel", "GRAVEL!"),
        ("gravel", "“Gravel”"),
        ("gravel", "g r a v e l for sale"),
        ("gravel", "G.R.A.V.E.L"),
        ("gravel", "gr\u200bavel"),
        ("gravel", "grаvel"),  # a Cyrillic a
        ("gravel", "ｇｒａｖｅｌ"),
        ("gravel", "grav3l"),
        ("grável", "gravel"),
        ("gravel", "a_gravel_b"),
        ("wet gravel", "the wet\n gravel"),
        ("wet gravel", "wet-gravel"),
        ("Kies & Sand", "kies, sand"),
        ("ab cd ab ce", "ab cd ab cd ab ce"),
        ("碎石", "出售碎石一吨"),
        ("碎石", "出售碎 石一吨"),
        ("หินกรวด", "ขายหินกรวดราคาถูก"),
        ("щебень", "Продам ЩЕБЕНЬ."),
        ("ابجد", "كلمة ابجد هنا"),
        ("कंकड़", "यह कंकड़ है"),
    ],
)
def test_a_term_is_found_however_it_is_dressed(term: str, text: str) -> None:
    assert make(term).match_text(text) == "term 1"


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("gravel", "gravels and gravelly"),
        ("gravel", "engravel"),
        ("wet gravel", "wet sand, dry gravel"),
        ("wet gravel", "gravel wet"),
        ("碎石", "碎花 石头"),
        ("gravel", ""),
    ],
)
def test_parts_of_words_and_scattered_words_are_no_match(term: str, text: str) -> None:
    assert make(term).match_text(text) is None


@pytest.mark.parametrize("words", ["gravel", "wet gravel", "WET  Grávél"])
def test_a_hashed_word_is_found_like_a_plain_one(words: str) -> None:
    deny = make(hashes=(hashed(words),))
    assert deny.match_text("some wet gravel here") == "hash 1"
    assert deny.match_text("some wet sand here") is None
    assert deny.match_text("some wet sand here") is None  # remembered as clean


def test_a_hash_depends_on_the_salt() -> None:
    deny = DenyList([make_rule("hash", 1, hashed("gravel"))], salt="another salt")
    assert deny.match_text("gravel") is None


@pytest.mark.parametrize(
    "url",
    ["p/wet-gravel", "p/wet_gravel/7", "s?q=wet+gravel", "s?q=%77et%20gr%61vel", "s?q=%2577et%2520gravel"],
)
def test_an_address_is_read_through_its_escapes(url: str) -> None:
    assert make("wet gravel").match_url(url) == "term 1"


def test_an_address_of_other_words_may_be_fetched() -> None:
    assert make("wet gravel").match_url("p/dry-gravel?wet=1") is None


def test_a_text_too_long_to_be_looked_at_is_not_kept() -> None:
    assert "length" in (make("gravel").match_text("x " * MAX_TEXT) or "")
    assert make().match_text("x " * MAX_TEXT) is None


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("term", "", "fewer than two letters"),
        ("term", "-", "fewer than two letters"),
        ("term", "a", "fewer than two letters"),
        ("term", "x" * 201, "longer than 200"),
        ("term", "ab cd ef gh ij kl mn op qr", "more than 8 words"),
        ("hash", "words-9:" + "0" * 64, "deny hash"),
        ("hash", "0" * 64, "deny hash"),
        ("hash", "body:" + "0" * 63, "deny hash"),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused(kind: str, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make_rule(kind, 1, text)


def judge(deny: DenyList, body: bytes | None, **more: Any) -> Any:
    values = {"url": "http://x.onion/p/1", "headers": (), "content_type": "text/html", "content_encoding": "",
              "max_size": 1 << 20} | more  # fmt: skip
    return judge_response(deny, body=body, **values)


@pytest.mark.parametrize(
    "page",
    [
        "<p>some gravel</p>",
        "<title>Gravel</title>",
        "<table><tr><td>x</td><td>gravel</td><td>y</td></tr></table>",
        "<p>gr<b>av</b>el</p>",
        '<p>gr<span class="x">a</span><i>v</i>el</p>',
        "<p>&#103;ravel</p>",
        '<img alt="gravel">',
        '<meta name="description" content="cheap gravel">',
        '<input placeholder="gravel">',
        "<p hidden>gravel</p>",
        '<a href="/p/2">gravel</a>',
    ],
)
def test_all_that_a_person_could_read_is_looked_at(page: str) -> None:
    assert judge(make("gravel"), page.encode()).rule == "term 1"


@pytest.mark.parametrize(
    "page", ["<p>gra vel</p>", '<a href="/gravel">stones</a>', "<!-- gravel -->", "<p>gra</p><p>vel</p>"]
)
def test_what_is_no_text_of_the_page_is_no_match(page: str) -> None:
    assert judge(make("gravel"), page.encode()).rule == ""


def test_packed_bodies_and_other_charsets_are_read() -> None:
    body = gzip.compress("<p>щебень</p>".encode("koi8-r"))
    told = judge(make("щебень"), body, content_type="text/html; charset=koi8-r", content_encoding="gzip")
    assert (told.rule, told.sha256) == ("term 1", hashlib.sha256(body).hexdigest())


def test_a_body_that_cannot_be_unpacked_is_held_against_whole_hashes_only() -> None:
    body = b"not gzip at all: gravel"
    told = judge(make("gravel"), body, content_encoding="gzip")
    assert (told.rule, told.unread) == ("", True)
    entry = f"body:{hash_body(hashlib.sha256(body).hexdigest(), salt=SALT)}"
    assert judge(make(hashes=(entry,)), body, content_encoding="gzip").rule == "hash 1"


@pytest.mark.parametrize("packed", [False, True])
def test_a_whole_body_is_known_packed_or_not(packed: bool) -> None:
    plain = b"<p>stones</p>"
    body = gzip.compress(plain) if packed else plain
    entry = f"body:{hash_body(hashlib.sha256(plain).hexdigest(), salt=SALT)}"
    encoding = "gzip" if packed else ""
    assert judge(make(hashes=(entry,)), body, content_encoding=encoding).rule == "hash 1"


def test_a_header_counts_too() -> None:
    assert judge(make("gravel"), None, headers=(("Location", "/p/wet-gravel"),)).rule == "term 1"
    assert judge(make("gravel"), b"", headers=(("X-Title", "Gravel"),)).rule == "term 1"


def test_an_empty_list_looks_at_nothing() -> None:
    assert judge(make(), b"\xff" * 100, content_encoding="gzip") == judge(make(), None)


# --- the file -----------------------------------------------------------------------------------------------------------


def test_a_fresh_list_is_empty_private_and_written_once(tmp_path: Path) -> None:
    assert write_empty(tmp_path)
    path = tmp_path / "deny.yml"
    first = path.read_text()
    assert not write_empty(tmp_path)
    assert path.read_text() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(read_deny_list(path)) == 0
    assert len(read_deny_list(path).salt) == 32


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not lines of"),
        ("- gravel", "is not lines of"),
        ("terms: []\nhashes: ['words-1:" + "0" * 64 + "']", "has hashes and no salt"),
        ("salt: 0123456789\nterms: [gravel\nhashes: []", "not valid YAML at line"),
        ("salt: 0123456789\nhashes: []\n", "does not have the line terms"),
        ("salt: 0123456789\nterms: []\nhashes: []\nterm: []", "unknown line (4)"),
        ("salt: 0123456789\nterms: [gravel]\nterms: []\nhashes: []", "says terms twice"),
        ("salt: 0123456789\nterms: gravel\nhashes: []", "has no list at terms"),
        ("salt: 0123456789\nterms:\nhashes: []", "has no list at terms"),
        ("salt: 0123456789\nterms:\n- [gravel]\nhashes: []", "line 3: an entry of terms is not a text"),
        ("salt: 0123456789\nterms:\n- gravel\n- g\nhashes: []", "line 4: entry 2 of terms has fewer"),
        ("salt: short\nterms: []\nhashes: []", "has no salt"),
        ("salt: 0123456789\nterms: []\nhashes: [gravel]", "entry 1 of hashes is not what"),
        ("salt: 0123456789\nterms: []\nhashes: []\n" + "#" * (2 << 20), "is larger than 2048 KB"),
    ],
)
def test_a_wrong_file_is_refused_and_its_words_are_not_said(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "deny.yml"
    path.write_text(text)
    with pytest.raises(DenyError) as caught:
        read_deny_list(path)
    assert words in str(caught.value)
    assert "nothing is fetched" in str(caught.value)
    assert "gravel" not in str(caught.value)


def test_the_shortest_list_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "deny.yml"
    path.write_text("terms: []\n")
    assert len(read_deny_list(path)) == 0
    assert len(add_entry(path, section="terms", text="gravel")) == 1


@pytest.mark.parametrize("kind", ["missing", "folder", "bytes"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "deny.yml"
    if kind == "folder":
        path.mkdir()
    elif kind == "bytes":
        path.write_bytes(b"salt: \xff\xfe")
    with pytest.raises(DenyError, match="nothing is fetched"):
        read_deny_list(path)


def test_a_missing_file_names_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(DenyError, match="tuskwatch init"):
        open_deny_list(tmp_path)


def test_a_change_is_seen_at_the_next_look(tmp_path: Path) -> None:
    write_empty(tmp_path)
    path = tmp_path / "deny.yml"
    watch = open_deny_list(tmp_path)
    assert watch.match_url("/p/gravel") is None
    add_entry(path, section="terms", text="gravel")
    assert watch.match_url("/p/gravel") == "term 1"
    path.write_text("terms: [")
    with pytest.raises(DenyError):
        watch.current()
    with pytest.raises(DenyError):
        watch.current()
    path.unlink()
    with pytest.raises(DenyError, match="missing"):
        watch.current()


def test_entries_are_added_and_all_else_stays(tmp_path: Path) -> None:
    write_empty(tmp_path)
    path = tmp_path / "deny.yml"
    before = [line for line in path.read_text().splitlines() if line.startswith(("#", "salt"))]
    add_entry(path, section="terms", text="it's: gravel # 1")
    found = add_entry(path, section="terms", text="sand")
    found = add_entry(path, section="hashes", text=f"words-1:{hash_words(('clay',), salt=found.salt)}")
    assert [rule.name for rule in found.rules] == ["term 1", "term 2", "hash 1"]
    assert found.match_text("its gravel 1") is None
    assert found.match_text("it's gravel 1") == "term 1"
    assert found.match_text("sand") == "term 2"
    assert found.match_text("clay") == "hash 1"
    assert [line for line in path.read_text().splitlines() if line.startswith(("#", "salt"))] == before
    assert [left.name for left in tmp_path.iterdir()] == ["deny.yml"]


def test_an_entry_that_would_break_the_list_is_not_added(tmp_path: Path) -> None:
    write_empty(tmp_path)
    path = tmp_path / "deny.yml"
    before = path.read_text()
    with pytest.raises(DenyError, match="fewer than two letters"):
        add_entry(path, section="terms", text="-")
    assert path.read_text() == before
    path.write_text("{salt: 0123456789, terms: [], hashes: []}")
    with pytest.raises(DenyError, match="one entry a line"):
        add_entry(path, section="terms", text="sand")
