"""Hostile text: charsets that lie, bytes that are no text, and strings that make regular expressions despair.

Public names: CASES.
"""

from __future__ import annotations

import codecs

from hostile.case import Case, fill, n, page, zipped

MB = 1024 * 1024
PAGE = (
    "<html><head><title>Brass lamp</title></head><body><h1>Brass lamp</h1><p>Price: $ 20</p>"
    "<p>An old lamp of brass, cleaned and in working order, with a new wick. It stands 30 cm high.</p>{}</body></html>"
)
WORLD = PAGE.format("<p>Lámpara de latón, лампа, 灯</p>")
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 40
ELF = b"\x7fELF\x02\x01\x01" + b"\0" * 9 + bytes(range(256)) * 40
ZIP = b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(range(256)) * 40


def _charset(name: str) -> str:
    return f"text/html; charset={name}"


def _in(text: str) -> str:
    return PAGE.format(f"<p>{text}</p>")


def _as_value(label: str, text: str) -> str:
    return PAGE.format(f"<table><tr><th>{label}</th><td>{text}</td></tr></table>")


CHARSETS = (
    Case("charset-utf16", "UTF-16 with its mark", page(codecs.BOM_UTF16_LE + WORLD.encode("utf-16-le"), kind="text/html")),
    Case("charset-utf16-markless", "UTF-16 without its mark", page(WORLD.encode("utf-16-be"), kind="text/html")),
    Case("charset-utf16-odd", "UTF-16 with a byte too many and lone surrogates", page(codecs.BOM_UTF16_LE + WORLD.encode("utf-16-le") + b"\0\xd8\0\xdc\0\xdcx", kind="text/html")),
    Case("charset-utf16-tags", "500,000 tags in UTF-16", zipped(lambda: codecs.BOM_UTF16_LE + ("<a>" * n(500_000)).encode("utf-16-le"), kind="text/html"), "gate:unknown"),
    Case("charset-utf32", "UTF-32 with its mark", page(codecs.BOM_UTF32_LE + WORLD.encode("utf-32-le"), kind="text/html")),
    Case("charset-utf7", "UTF-7, that hides tags from filters", page("+ADw-script+AD4-alert(1)+ADw-/script+AD4-" + WORLD, kind=_charset("utf-7"))),
    Case("charset-utf7-flood", "4 MB that say UTF-7", page(b"+ADw-b+AD4-" * n(300_000), kind=_charset("utf-7"))),
    Case("charset-lie-utf8", "says UTF-8, is windows-1251", page("<h1>Лампа</h1><p>Цена: $ 20</p>".encode("cp1251"))),
    Case("charset-lie-latin", "says Latin-1, is UTF-8", page(WORLD.encode(), kind=_charset("iso-8859-1"))),
    Case("charset-three", "header, meta and mark each say something else", page(codecs.BOM_UTF8 + b"<meta charset=koi8-r>" + WORLD.encode(), kind=_charset("shift_jis"))),
    Case("charset-unknown", "a charset of no name known", page(WORLD.encode() + b"\xff", kind=_charset("klingon-8"))),
    Case("charset-codec", "charsets that are Python codecs: zip, hex, idna", page(b"<meta charset=zip_codec><meta charset=idna><meta charset=unicode_escape>\xff\\u0041" + WORLD.encode(), kind=_charset("hex"))),
    Case("charset-punycode", "4 MB that say punycode", page(b"a-" * 1_500_000 + b"\xff", kind=_charset("punycode"))),
    Case("charset-iso2022", "ISO-2022 with escapes and no end", page(b"\x1b$B" + b"\x30\x6c" * n(400_000) + b"\xff", kind=_charset("iso-2022-jp"))),
    Case("charset-gb18030", "GB18030, cut in the middle of a character", page(WORLD.encode("gb18030")[:-20] + b"\x81\x30\x81", kind=_charset("gb18030"))),
    Case("charset-metas", "9,000 declarations of charsets", page("".join(f"<meta charset=x{i}>" for i in range(9000)).encode() + b"\xff"), "gate:unknown"),
    Case("utf8-overlong", "overlong UTF-8", page(b"\xc0\xbcscript\xc0\xbe\xe0\x80\xbc" * 999 + WORLD.encode())),
    Case("utf8-surrogates", "lone surrogates in UTF-8", page(WORLD + "\ud800\udc00\udfff" * 999)),
    Case("utf8-cut", "ends in the middle of a character", page(WORLD.encode() + b"\xf0\x9f\x92")),
    Case("utf8-invalid", "3 MB of bytes that are no UTF-8", page(b"\xfe\xff\x80\xbf" * n(800_000))),
    Case("utf8-noncharacters", "noncharacters and private ones", page(WORLD + "\ufffe\uffff\U0010ffff\ue000" * 999)),
    Case("nul-between", "a NUL after every letter", page("\0".join(WORLD))),
    Case("nul-flood", "3 MB of NULs", page(b"\0" * 3 * MB), "gate:unknown"),
    Case("controls", "all control characters and escape codes", page(_in("".join(map(chr, range(1, 32))) + "\x7f\x1b[2J\x1b]0;x\x07" + "".join(map(chr, range(128, 160)))))),
    Case("bidi", "text turned around", page(PAGE.format("<p>\u202egp.exe\u202c \u2066\u2067\u2068 Price: \u202e02 $\u202c</p>") + "\u202e" * 9999)),
    Case("zero-width", "a zero-width blank after every letter", page(PAGE.format(f"<p>{'​'.join('ivory tusk for sale ' * 900)}</p>"))),
    Case("zero-width-flood", "a million zero-width characters", page(_in("\u200b\u200c\u200d\ufeff\u2060" * n(200_000)))),
    Case("combining", "a letter under 200,000 accents", page(f"<title>a{'́' * n(200_000)}</title><h1>a{'̀' * n(200_000)}</h1>")),
    Case("combining-zalgo", "40,000 letters, each under 20 accents", page(_in(("a" + "\u0301\u0300\u0323\u0327" * 5) * n(40_000)))),
    Case("combining-unordered", "accents that must be put in order", page(_in("a" + "\u0315\u0300\u05ae\u0300\u0315" * n(100_000)))),
    Case("composed", "characters that unfold to 18 each", page(_in("\ufdfa" * n(300_000)))),
    Case("hangul", "half a million jamo to be joined", page(_in("\u1100\u1161\u11a8" * n(300_000)))),
    Case("homoglyphs", "words in letters that look like others", page(_in("іvоrу tusк " * 9000))),
    Case("tag-characters", "text in invisible tag characters", page(_in("".join(chr(0xE0000 + ord(c)) for c in "ivory for sale") * 9000))),
    Case("emoji", "100,000 families of emoji", page(_in("👨\u200d👩\u200d👧\u200d👦🏽" * n(50_000)))),
    Case("scripts-mixed", "thirty scripts, one letter each", page(_in("aбγאبกកကກあ漢한ሀԱაދॐ" * n(20_000)))),
)  # fmt: skip
BINARY = (
    Case("png-as-html", "a picture labelled text/html", page(PNG)),
    Case("elf-as-html", "a program labelled text/html", page(ELF)),
    Case("zip-as-html", "an archive labelled text/html", page(ZIP)),
    Case("pdf-as-html", "a PDF labelled text/html", page(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(range(256)) * 99)),
    Case("random-as-html", "2 MB of noise labelled text/html", page(bytes((i * i * 31 + i * 7) % 251 for i in range(MB)) * 2)),
    Case("html-as-png", "a page labelled image/png", page(WORLD, kind="image/png"), "cut-off", "image/png"),
    Case("html-as-octets", "a page labelled application/octet-stream", page(WORLD, kind="application/octet-stream"), "cut-off", "octet-stream"),
    Case("html-as-plain", "a page labelled text/plain", page(WORLD, kind="text/plain")),
    Case("html-as-multipart", "multipart/x-mixed-replace", page("--x\r\nContent-Type: text/html\r\n\r\n" + WORLD + "\r\n--x--", kind="multipart/x-mixed-replace; boundary=x"), "cut-off", "multipart"),
    Case("html-untyped", "a page without a type", page(WORLD, kind="")),
    Case("png-untyped", "a picture without a type", page(PNG, kind=""), "cut-off", "not text"),
    Case("script-as-html", "a script labelled application/javascript", page("alert(1)", kind="application/javascript"), "cut-off", "javascript"),
    Case("json-as-html", "JSON nested a million deep, labelled text/html", page("[" * 1_000_000)),
    Case("empty", "an empty page", page(""), "gate:unknown"),
    Case("blank", "a page of one blank", page(" "), "gate:unknown"),
)  # fmt: skip
TRAPS = (
    Case("trap-price", "price price price ... 100,000 times", page(_in(fill("price ", 600_000)))),
    Case("trap-labels", "a: a: a: ...", page(_in(fill("a: ", MB)))),
    Case("trap-label-long", "a label of 1 MB", page(_in(fill("Ships from ", MB) + ": x"))),
    Case("trap-parens", "((((((", page(_in("(" * MB) + "(" * MB)),
    Case("trap-brackets", "[{(<[{(", page(_in(fill("[{(&lt;", MB)))),
    Case("trap-dotted", "1.1.1.1...", page(_as_value("Price", fill("1.", MB)))),
    Case("trap-dotted-text", "1.1.1.1... in the text", page(_in(fill("1.", MB)))),
    Case("trap-digits", "1 MB of digits", page(_as_value("Price", "$ " + fill("1234567890", MB)))),
    Case("trap-digits-text", "1 MB of digits in the text", page(_in(fill("1234567890", MB)))),
    Case("trap-commas", "1,1,1,1,...", page(_as_value("Price", "$ " + fill("1,", MB)))),
    Case("trap-spaced-digits", "1 1 1 1 ...", page(_as_value("Price", fill("1 ", MB)))),
    Case("trap-exponent", "a price of 1e999999999", page(_as_value("Price", "1e999999999 USD") + _as_value("Quantity", "9" * 5000))),
    Case("trap-currencies", "$ € £ ... without end", page(_as_value("Price", fill("$ € £ BTC ", MB)))),
    Case("trap-prices", "0.01 BTC ($ 430) 60,000 times", page(_as_value("Price", fill("0.01 BTC ($ 430) ", MB)))),
    Case("trap-at", "a@a@a@...", page(_in(fill("a@", MB)))),
    Case("trap-mail", "a.a.a.a@", page(_in(fill("a.", MB) + "@"))),
    Case("trap-handles", "@a @a @a ...", page(_in(fill("@abcdef ", MB)))),
    Case("trap-handle-words", "telegram: wickr: session: ...", page(_in(fill("telegram: wickr: session: jabber: ", MB)))),
    Case("trap-base58", "1 MB of base58", page(_in(fill("123ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", MB)))),
    Case("trap-wallets", "30,000 wallets that are none", page(_in(fill("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa ", MB)))),
    Case("trap-bech32", "bc1qbc1q...", page(_in(fill("bc1q", MB)))),
    Case("trap-hex", "0x0x0x and 1 MB of hex", page(_in(fill("0x", MB // 2) + " 0x" + fill("abcdef0123", MB // 2)))),
    Case("trap-monero", "4AAAA... of 1 MB", page(_in("4" + fill("A8bC", MB)))),
    Case("trap-onions", "letters that could be onions", page(_in(fill("a2b3", MB)))),
    Case("trap-onions-flood", "15,000 onions that are none", page(_in(("a" * 56 + ".onion ") * n(15_000)))),
    Case("trap-pgp-begun", "30,000 PGP blocks begun", page(f"<pre>{fill('-----BEGIN PGP PUBLIC KEY BLOCK-----' + chr(10), MB)}</pre>")),
    Case("trap-pgp-half", "half a PGP header, again and again", page(f"<pre>{fill('-----BEGIN PGP ', MB)}</pre>")),
    Case("trap-pgp-endless", "a PGP block without an end", page(f"<pre>-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{fill('mQINBFx' * 9 + chr(10), 2 * MB)}</pre>")),
    Case("trap-dashes", "1 MB of dashes", page(_in("-" * MB) + _in(fill("- ", MB)))),
    Case("trap-dates", "12 Oct 2026, 80,000 times", page(_as_value("Posted", fill("12 Oct 2026 ", MB)))),
    Case("trap-dates-text", "dates in lines, 20,000 of them", page(_in(fill("Posted: 12.10.2026 23:59<br>", MB // 2)))),
    Case("trap-date-words", "yesterday ago last next ...", page(_as_value("Posted", fill("yesterday ago last week next ", MB)))),
    Case("trap-date-odd", "dates of no calendar", page("".join(_as_value("Posted", d) for d in ("99.99.9999", "31 Feb 2026", "0000-00-00", "9" * 400, "12/13/14/15/16", "-1 days ago", "999999999999 years ago", "in 10000000000000 minutes")))),
    Case("trap-seized", "site has been site has been ...", page(_in(fill("site has been ", 2900)))),
    Case("trap-queue", "please wait, a queue without a clock", page("<title>queue</title>" + "please wait estimated time " * 9), "gate:queue"),
    Case("trap-queue-wordy", "the same with so many words that it could be any page", page("<title>queue</title>" + "please wait estimated time " * 50)),
    Case("trap-queue-clock", "a queue of 99999999 seconds, 20,000 metas", page('<meta http-equiv=refresh content="x">' * n(20_000) + "<h1>queue</h1>"), "gate:queue"),
    Case("trap-captcha-words", "captcha in a form of 1 MB", page("<form>" + fill("ca p ", MB) + "</form>" + "<p>Brass lamp. " * 200)),
    Case("trap-addresses", "http://http://http://", page(_in(fill("http://", MB)))),
    Case("trap-word", "one word of 2 MB", page(_in("a" * 2 * MB))),
    Case("trap-thai", "1 MB of Thai without a blank", page(_in(fill("ราคา", MB // 3)))),
    Case("trap-cjk", "labels in Chinese without end", page(_in(fill("价格：", MB // 3)))),
    Case("trap-pipes", "a title of 300,000 parts", page(f"<title>{fill('a | ', MB)}</title><h1>a</h1>")),
    Case("trap-crumbs", "a path of 100,000 steps", page(_in(fill("Home &gt; ", MB)))),
    Case("trap-slashes", "a/b/c/... of 1 MB", page(_as_value("Category", fill("a/", MB)))),
    Case("trap-ships", "a country list of 1 MB", page(_as_value("Ships to", fill("Germany, ", MB)))),
    Case("trap-lines", "300,000 lines", page(f"<pre>{fill('Price: 1' + chr(10), 2 * MB)}</pre>")),
    Case("trap-ticks", "quotes and backslashes", page(_in(fill("'\"\\`", MB)))),
    Case("trap-underscores", "1 MB of underscores", page(_in("_" * MB))),
    Case("trap-sql", "text that is SQL, templates and formulas", page(_in("'; DROP TABLE page; -- {{7*7}} ${7*7} =cmd|' /C calc'!A0 %s %n {0} " * 99))),
)  # fmt: skip
CASES = CHARSETS + BINARY + TRAPS
