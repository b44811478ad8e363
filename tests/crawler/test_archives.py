"""Archives of pages, good and hostile: what is in them comes out, and nothing else happens."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.archivefiles import ArchiveBroken, ArchiveError, open_source
from crawler.archiveforms import choose_form, read_archive
from crawler.archivepages import find_saved
from crawler.archives import TEXT_TYPES, Record
from crawler.archivestreams import Stream
from crawler.archivewarc import read_warc, undo_chunks

PAGE = b"<html><title>Carved box</title><h1>Carved box</h1><p>Price: 40 USD</p></html>"


def make_record(
    number: int = 1,
    *,
    body: bytes = PAGE,
    kind: str = "response",
    http: bytes | None = None,
    length: int | None = None,
    more: str = "",
) -> bytes:
    if http is None:
        http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nServer: x\r\n\r\n"
    block = http + body if kind == "response" else body
    size = len(block) if length is None else length
    head = (
        f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Target-URI: http://invented.onion/p/{number}\r\n"
        f"WARC-Date: 2026-03-0{number}T10:20:30.5Z\r\n{more}Content-Type: application/http\r\nContent-Length: {size}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def collect(data: bytes) -> tuple[list[Record], str]:
    """(records, why it ended early)."""
    found: list[Record] = []
    try:
        for record in read_warc(Stream(io.BytesIO(data))):
            found.append(record)
    except ArchiveBroken as exc:
        return found, str(exc)
    return found, ""


def bodies(records: list[Record]) -> list[bytes]:
    return [record.body for record in records if record.body is not None]


def read_path(path: Path, form: str = "") -> tuple[dict[str, Record], str]:
    source = open_source(path)
    found: dict[str, Record] = {}
    try:
        for record in read_archive(source, choose_form(source, form), None):
            assert record.place not in found
            found[record.place] = record
    except ArchiveBroken as exc:
        return found, str(exc)
    return found, ""


THREE = [make_record(1), make_record(2), make_record(3)]


@pytest.mark.parametrize(
    "data",
    [
        b"".join(THREE),
        gzip.compress(b"".join(THREE)),
        b"".join(gzip.compress(each) for each in THREE),
        b"".join(zstandard.compress(each) for each in THREE),
        b"".join(THREE).replace(b"WARC/1.1", b"WARC/1.0"),
    ],
    ids=["plain", "gzip whole", "gzip each", "zstd each", "version 1.0"],
)
def test_a_warc_gives_its_responses(data: bytes) -> None:
    found, broken = collect(data)
    assert (bodies(found), broken) == ([PAGE] * 3, "")
    first = found[0]
    assert first.url == "http://invented.onion/p/1"
    assert first.received_at == datetime(2026, 3, 1, 10, 20, 30, 500000, UTC)
    assert (first.status, first.reason, first.headers[0]) == (
        200,
        "OK",
        ("Content-Type", "text/html; charset=utf-8"),
    )
    assert len({record.place for record in found}) == 3


FIRST = "WARC-Record-ID: <urn:uuid:one>\r\nWARC-Payload-Digest: sha1:ABC\r\n"


@pytest.mark.parametrize("named", ["WARC-Refers-To: <urn:uuid:one>\r\n", "WARC-Payload-Digest: sha1:ABC\r\n"])
def test_a_revisit_is_the_same_page_at_another_time(named: str) -> None:
    data = (
        make_record(1, more=FIRST)
        + make_record(2, body=b"<p>other")
        + make_record(3, kind="revisit", body=b"", more=named)
    )
    records, trouble = collect(data)
    assert not trouble
    assert bodies(records) == [PAGE, b"<p>other", PAGE]
    first, _, again = records
    assert (again.sha256, again.status) == (first.sha256, 200)
    assert (again.url, again.received_at) == (
        "http://invented.onion/p/3",
        datetime(2026, 3, 3, 10, 20, 30, 500_000, UTC),
    )
    assert "body is that of offset 0" in again.note


def test_a_revisit_of_what_is_not_there_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    again = make_record(3, kind="revisit", body=b"", more="WARC-Refers-To: <urn:uuid:one>\r\n")
    assert [record.body for record in collect(again)[0]] == [None]
    monkeypatch.setattr(
        "crawler.archivewarc.MAX_KEPT", len(PAGE)
    )  # only the last page is remembered, under one name
    records, _ = collect(make_record(1, more=FIRST) + make_record(2, more="WARC-Record-ID: <x>\r\n") + again)
    assert [record.body for record in records] == [PAGE, PAGE, None]


def test_what_is_no_page_is_passed_over() -> None:
    picture = make_record(2, http=b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n", body=b"\x89PNG")
    found, _ = collect(make_record(1, kind="request") + make_record(1, kind="metadata") + picture + THREE[2])
    assert [(record.trouble, record.body) for record in found] == [("not a page of text", None), ("", PAGE)]


@pytest.mark.parametrize(
    ("bad", "troubles"),
    [
        (make_record(2, length=5000), ["its length is wrong: the next record begins within it"]),
        (make_record(2, length=10), ["its length is wrong: it goes on behind its end"]),
        (make_record(2).replace(b"Content-Length: ", b"Content-Length: x"), ["its WARC header cannot be read"]),
        (make_record(2, http=b"no head at all "), ["its HTTP header cannot be read"]),
        (b"some bytes of nothing\r\n", ["its WARC header cannot be read"]),
        (b"WARC/1.1\r\n" + b"X-Flood: y\r\n" * 100_000 + b"\r\n\r\n", ["its WARC header cannot be read"]),
        (b"WARC/1.1\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n", ["its WARC header cannot be read"]),
        (make_record(2, length=99_999_999_999_999_999), ["its WARC header cannot be read"]),
        (make_record(2, http=b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 600 + b"\r\n"), ["its HTTP header cannot be read"]),
    ],
)  # fmt: skip
def test_a_broken_record_is_skipped_and_the_rest_goes_in(bad: bytes, troubles: list[str]) -> None:
    found, _ = collect(THREE[0] + bad + THREE[2])
    urls = [record.url for record in found if record.body is not None]
    assert urls == ["http://invented.onion/p/1", "http://invented.onion/p/3"]
    assert {record.trouble for record in found if record.trouble} >= set(troubles)


@pytest.mark.parametrize("size", [30, 60, 90])
def test_everything_before_a_cut_goes_in(size: int) -> None:
    packed = b"".join(gzip.compress(each) for each in THREE)
    found, broken = collect(packed[: len(packed) - size])
    assert bodies(found) == [PAGE, PAGE]
    assert "its end is missing" in broken


def test_a_cut_plain_warc_is_broken() -> None:
    found, broken = collect(b"".join(THREE)[:-40])
    assert (bodies(found), "its end is missing" in broken) == ([PAGE, PAGE], True)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_damage_within_is_stepped_over(pack: object) -> None:
    parts = [pack(each) for each in THREE]  # type: ignore[operator]
    bent = bytearray(parts[1])
    bent[30:60] = bytes(30)
    found, broken = collect(parts[0] + bytes(bent) + parts[2])
    urls = [record.url for record in found if record.body is not None]
    assert (urls[0], urls[-1]) == ("http://invented.onion/p/1", "http://invented.onion/p/3")
    assert "damaged in 1 place" in broken


def test_of_a_giant_only_the_hash_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.archivewarc.MAX_BODY", 1000)
    monkeypatch.setattr("crawler.archivewarc.MAX_HEADER", 1000)
    found, _ = collect(make_record(1, body=b"x" * 5000) + THREE[1])
    assert [(record.body, bool(record.sha256)) for record in found] == [(None, True), (PAGE, True)]
    assert "only its hash was kept" in found[0].trouble


def test_a_bomb_is_left_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.archivestreams.FREE", 100_000)
    bomb = gzip.compress(THREE[0]) + gzip.compress(make_record(2, body=bytes(30_000_000)))
    found, broken = collect(bomb)
    assert bodies(found) == [PAGE]
    assert "unpacks to more than" in broken


@pytest.mark.parametrize(
    ("body", "plain"),
    [
        (b"4\r\nabcd\r\n2;x=y\r\nef\r\n0\r\n\r\n", b"abcdef"),
        (b"<html>never chunked</html>", None),
        (b"4\r\nabcd\r\nff\r\nef\r\n0\r\n\r\n", None),
        (b"", None),
    ],
)
def test_chunks(body: bytes, plain: bytes | None) -> None:
    assert undo_chunks(body) == plain


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_bent_archive_raises(data: st.DataObject) -> None:
    raw = bytearray(
        b"".join(gzip.compress(each) for each in THREE) if data.draw(st.booleans()) else b"".join(THREE)
    )
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    for record in collect(bytes(raw))[0]:
        assert (record.body is None) == bool(record.trouble)


def test_the_types_are_those_of_the_crawl() -> None:
    from crawler import transport

    assert transport.TEXT_TYPES == TEXT_TYPES


# --- saved pages ---

SINGLEFILE = (
    b"<!DOCTYPE html> <html><!--\n Page saved with SingleFile \n url: http://invented.onion/p/9 \n"
    b" saved date: Thu Jun 18 2026 17:24:07 GMT+0200 (Central European Summer Time)\n--><title>x</title></html>"
)


@pytest.mark.parametrize(
    ("body", "url", "at"),
    [
        (SINGLEFILE, "http://invented.onion/p/9", datetime(2026, 6, 18, 15, 24, 7, tzinfo=UTC)),
        (b"<!-- saved from url=(0020)http://invented.test/a -->", "http://invented.test/a", None),
        (
            b"<!-- Mirrored from invented.test/b.html by HTTrack Website Copier/3.x [XR&CO'2014], Sat, 12 Jul 2025 10:20:30 GMT -->",
            "http://invented.test/b.html", datetime(2025, 7, 12, 10, 20, 30, tzinfo=UTC),
        ),
        (b"<!-- saved from url=(0020)javascript:x -->", "", None),
        (SINGLEFILE.replace(b"Jun 18 2026", b"Foo 18 2026"), "http://invented.onion/p/9", None),
        (SINGLEFILE.replace(b"Jun 18 2026", b"Jun 31 2026"), "http://invented.onion/p/9", None),
        (PAGE, "", None),
    ],
)  # fmt: skip
def test_the_mark_of_the_tool_that_saved_a_page(body: bytes, url: str, at: datetime | None) -> None:
    saved = find_saved(body)
    assert (saved.url, saved.at) == (url, at)


def test_a_folder_gives_its_pages_and_no_link_is_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.html"
    secret.write_bytes(b"<html>not part of it</html>")
    folder = tmp_path / "seized"
    (folder / "a" / "deep").mkdir(parents=True)
    (folder / "a" / "deep" / "one.html").write_bytes(PAGE)
    (folder / "two").write_bytes(PAGE)
    (folder / "style.css").write_bytes(b"body {}")
    (folder / "picture.html").write_bytes(b"\x89PNG\0\0")
    (folder / "out.html").symlink_to(secret)
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.html")
    odd = folder / os.fsdecode(b"\xff\xfe")
    odd.mkdir()
    (odd / "x.html").write_bytes(PAGE)
    found, broken = read_path(folder)
    assert broken == ""
    assert {place for place, record in found.items() if record.body} == {
        "a/deep/one.html",
        "two",
        "\\xff\\xfe/x.html",
    }
    assert found["out.html"].trouble == found["loop"].trouble == "a symbolic link: links are not followed"
    assert "no regular file" in found["pipe.html"].trouble
    assert found["style.css"].trouble == found["picture.html"].trouble == "not a page of text"
    one = found["a/deep/one.html"]
    assert (one.url, one.status) == ("file:///a/deep/one.html", 200)
    assert "the file's name stands for it" in one.note


def test_a_mirror_of_wget_gives_addresses(tmp_path: Path, stub: object) -> None:
    onion = stub.make_onion("mirrored")  # type: ignore[attr-defined]
    folder = tmp_path / "mirror" / onion
    (folder / "p").mkdir(parents=True)
    (folder / "index.html").write_bytes(PAGE)
    (folder / "p" / "7?tab=1").write_bytes(PAGE)
    found, _ = read_path(tmp_path / "mirror")
    assert sorted(record.url for record in found.values()) == [
        f"http://{onion}/",
        f"http://{onion}/p/7?tab=1",
    ]


def test_the_hash_of_a_folder_is_that_of_names_and_contents(tmp_path: Path) -> None:
    hashes = []
    for name, names in (("x", ["b", "a"]), ("y", ["a", "b"]), ("z", ["a", "c"])):
        (tmp_path / name).mkdir()
        for each in names:
            (tmp_path / name / each).write_bytes(PAGE)
        hashes.append(open_source(tmp_path / name).sha256)
    assert hashes[0] == hashes[1] != hashes[2]


def test_what_is_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "riddle").write_bytes(b"\0\1\2")
    for name, words in (("empty", "is empty"), ("pipe", "neither a file nor"), ("missing", "cannot be read")):
        with pytest.raises(ArchiveError, match=words):
            open_source(tmp_path / name)
    with pytest.raises(ArchiveError, match="--format"):
        choose_form(open_source(tmp_path / "riddle"))


MHTML = (
    b"From: <Saved by Blink>\r\nSnapshot-Content-Location: http://invented.onion/p/4\r\nSubject: x\r\n"
    b"Date: Thu, 5 Mar 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/related; type="text/html"; boundary="--b--"\r\n\r\n'
    b"----b--\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"<html><h1>Old =E2=82=AC box</h1></html>\r\n----b--\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
    b"Content-Location: http://invented.onion/x.png\r\n\r\niVBORw0K\r\n----b----\r\n"
)


def test_mhtml_gives_its_page(tmp_path: Path) -> None:
    (tmp_path / "page.mhtml").write_bytes(MHTML)
    found, _ = read_path(tmp_path / "page.mhtml")
    (record,) = found.values()
    assert record.body == "<html><h1>Old € box</h1></html>".encode()
    assert (record.url, record.received_at) == (
        "http://invented.onion/p/4",
        datetime(2026, 3, 5, 9, tzinfo=UTC),
    )


@settings(max_examples=100, deadline=None)
@given(cut=st.integers(0, len(MHTML)), junk=st.binary(max_size=40))
def test_no_bent_mhtml_raises(cut: int, junk: bytes) -> None:
    from crawler.archivepages import read_mhtml

    for record in read_mhtml("x.mhtml", MHTML[:cut] + junk + MHTML[cut + 5 :], changed_at=None):
        assert (record.body is None) == bool(record.trouble)


def test_deeply_nested_mhtml_is_no_error() -> None:
    from crawler.archivepages import read_mhtml

    raw = b"".join(
        b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n)
        for n in range(3000)
    )
    assert [record.body for record in read_mhtml("x.mhtml", raw, changed_at=None)] == [None]


# --- packs ---


def make_zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("a/one.html", PAGE)
        pack.writestr("../../evil.html", PAGE)
        pack.writestr("/root.html", PAGE)
        pack.writestr("inner.zip", b"PK\x03\x04")
        pack.writestr("bomb.html", b"<html>" + bytes(12_000_000))
        link = zipfile.ZipInfo("link.html")
        link.external_attr = 0o120777 << 16
        pack.writestr(link, "/etc/passwd")
    return path


def make_tar(path: Path) -> Path:
    with tarfile.open(path, "w:gz") as pack:
        for name in ("a/one.html", "../../evil.html", "/root.html", "inner.zip"):
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(PAGE), 1_700_000_000
            pack.addfile(info, io.BytesIO(PAGE))
        link = tarfile.TarInfo("link.html")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        pack.addfile(link)
        device = tarfile.TarInfo("device.html")
        device.type = tarfile.CHRTYPE
        pack.addfile(device)
    return path


@pytest.mark.parametrize(("make", "name"), [(make_zip, "x.zip"), (make_tar, "x.tar.gz")])
def test_packs_give_pages_and_nothing_leaves_them(make: object, name: str, tmp_path: Path) -> None:
    found, broken = read_path(make(tmp_path / name))  # type: ignore[operator]
    assert broken == ""
    assert [place for place, record in found.items() if record.body] == ["a/one.html"]
    assert (
        found["../../evil.html"].trouble == found["/root.html"].trouble == "its name leads out of the archive"
    )
    assert "an archive within" in found["inner.zip"].trouble
    assert "symbolic link" in found["link.html"].trouble
    if "bomb.html" in found:
        assert "unpacks to far more" in found["bomb.html"].trouble
    assert sorted(each.name for each in tmp_path.iterdir()) == [name]


@pytest.mark.parametrize(("make", "name"), [(make_zip, "x.zip"), (make_tar, "x.tar.gz")])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_cut_packs_are_broken_and_no_error(make: object, name: str, share: float, tmp_path: Path) -> None:
    path = make(tmp_path / name)  # type: ignore[operator]
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    _, broken = read_path(path)
    assert broken
