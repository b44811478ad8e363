"""Taming: markup that is harmless to a parser and says the same."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.charsets import decode_body
from crawler.html import parse_html, text_of
from crawler.markup import MAX_DEPTH, parse_bounded, tame


@pytest.mark.parametrize(
    ("text", "tamed"),
    [
        ("<p class='a'>x</p>", "<p class='a'>x</p>"),
        ("a < b <c>d</c>", "a &lt; b <c>d</c>"),
        ("a<!-- <b> -->b", "ab"),
        ("a<!-->b-->c", "ab-->c"),
        ("a<script>'</p>'</script>b", "ab"),
        ("a<script>never closed", "a"),
        ("<title>a<b></title>", "<title>a&lt;b></title>"),
        ("<textarea>a<p>", "<textarea></textarea>a<p>"),
        ("<iframe src=/f width='1'>a<p></iframe>", '<iframe src="/f" width="1">a&lt;p></iframe>'),
        ("</b>x", "x"),
        ("<!doctype html><p>", "<p>"),
        ("<a title='>' href=/x>y</a>", "<a title='>' href=/x>y</a>"),
        ("x<a href", "x"),
        ("<plaintext>x", "x"),
    ],
)
def test_tame(text: str, tamed: str) -> None:
    assert tame(text)[0] == tamed


def test_depth_is_bounded() -> None:
    text, notes = tame("<table>" * 5000)
    assert text.count("<table>") == MAX_DEPTH
    assert notes == ["flattened: nested too deep"]


def test_attributes_are_bounded_and_keep_their_values() -> None:
    many = " ".join(f"a{n}={n}" for n in range(5000))
    text, _ = tame(f'<a href="/x?a=&quot;1" title=\'say "x"\' {many}>y</a>')
    assert text.startswith('<a href="/x?a=&quot;1" title="say &quot;x&quot;" a0="0"')
    assert text.count("=") < 50


def test_closing_something_else_hides_no_depth() -> None:
    assert tame("<div><!--</div>-->" * 5000)[0].count("<div>") < MAX_DEPTH
    assert tame("<div></span>" * 5000)[0].count("<div>") < MAX_DEPTH


MARKUP = st.lists(
    st.sampled_from(["<p>", "</p>", "<b>", "</b>", "<div class=x>", "</div>", "<!-- c -->", "word ", "<br>", "&amp;", "ä ", "<li>"]),
    max_size=40,
).map("".join)  # fmt: skip


@given(MARKUP)
def test_tamed_markup_has_the_same_text(text: str) -> None:
    assert text_of(parse_html(tame(text)[0]).root).split() == text_of(parse_html(text).root).split()


@given(st.text(max_size=300))
def test_taming_twice_is_taming_once(text: str) -> None:
    once = tame(text)[0]
    assert tame(once)[0] == once


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        ("Größe".encode(), "utf-8"),
        ("Größe".encode("cp1252"), "cp1252"),
        ("Größe".encode("utf-16"), "utf-16-le"),
        ("Größe und mehr Text".encode("utf-16-be"), "utf-16-be"),
        (b"<meta charset=windows-1251>" + "Цена".encode("cp1251"), "cp1251"),
        (b"<meta charset=gbk>" + "价格价格".encode("gbk"), "gbk"),
        (b"<meta charset=zip>" + "Größe".encode("cp1252"), "cp1252"),
        (b"", "utf-8"),
    ],
)
def test_encoding(body: bytes, encoding: str) -> None:
    assert decode_body(body)[1] == encoding


@given(st.binary(max_size=400), st.text(max_size=20))
def test_decoding_never_raises(body: bytes, content_type: str) -> None:
    assert isinstance(decode_body(body, f"text/html; charset={content_type}")[0], str)


def test_a_tree_can_be_copied_whatever_document_type_the_page_names() -> None:
    tree = parse_bounded(b'<!DOCTYPE x SYSTEM "http://clear.example/x.dtd"><x>lamp</x>')
    assert "lamp" in (tree.clone().html or "")


def test_boxes_that_are_never_closed_are_looked_for_once() -> None:
    began = time.process_time()
    tame("<textarea>" * 50_000 + "</textare>" * 50_000)
    assert time.process_time() - began < 20  # it took minutes
