"""Cookies that a person takes over: every usual form is read, other sites' are left out, values are never repeated."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.jars import MAX_COOKIES, MAX_TEXT, BrowserCookie, Jar, JarError, read_cookies

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
LATER = int((NOW + timedelta(hours=1)).timestamp())
EARLIER = int((NOW - timedelta(hours=1)).timestamp())
ONION = "x" * 56 + ".onion"
OTHER = "y" * 56 + ".onion"


def read(text: str | bytes) -> Jar:
    return read_cookies(text, onions=[ONION], now=NOW)


def names(jar: Jar) -> list[str]:
    return [f"{each.name}={each.value}" for each in jar.cookies]


def line(
    *, host: str = ONION, name: str = "sid", value: str = "abc", expires: object = LATER, first: str = ""
) -> str:
    return f"{first}{host}\tFALSE\t/\tFALSE\t{expires}\t{name}\t{value}"


def netscape(*lines: str, end: str = "\n") -> str:
    return end.join(
        ["# Netscape HTTP Cookie File", "# https://curl.se/docs/http-cookies.html", "", *lines, ""]
    )


EDITOR = [
    {"name": "sid", "value": "abc", "domain": ONION, "path": "/", "secure": False, "httpOnly": True, "session": False,
     "sameSite": "lax", "storeId": "0", "hostOnly": True, "expirationDate": LATER + 0.5},
    {"name": "lang", "value": "en", "domain": f".{ONION}", "path": "/", "session": True},
]  # fmt: skip
PLAYWRIGHT = {
    "cookies": [
        {"name": "sid", "value": "abc", "domain": ONION, "path": "/", "expires": -1, "httpOnly": True, "secure": True,
         "sameSite": "Lax"},
        {"name": "lang", "value": "en", "domain": ONION, "path": "/", "expires": LATER},
    ],
    "origins": [{"origin": f"http://{ONION}", "localStorage": []}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (netscape(line(), line(name="lang", value="en")), ["sid=abc", "lang=en"]),
        (netscape(line(first="#HttpOnly_")), ["sid=abc"]),
        (netscape(line(host="." + ONION)), ["sid=abc"]),
        (netscape(line(host=ONION.upper())), ["sid=abc"]),
        (netscape(line(), end="\r\n"), ["sid=abc"]),
        ("\ufeff" + netscape(line()), ["sid=abc"]),
        (netscape(line()).encode("utf-8-sig"), ["sid=abc"]),
        (netscape(line()).encode("utf-16"), ["sid=abc"]),
        (line(), ["sid=abc"]),
        (netscape(line(expires=0)), ["sid=abc"]),
        (netscape(line(value="")), ["sid="]),
        (netscape(line(value="").rstrip("\t")), ["sid="]),
        (netscape(line(value="a=b==")), ["sid=a=b=="]),
        (json.dumps(EDITOR), ["sid=abc", "lang=en"]),
        (json.dumps(PLAYWRIGHT), ["sid=abc", "lang=en"]),
        (json.dumps({"sid": "abc", "lang": "en"}), ["sid=abc", "lang=en"]),
        ("\n  " + json.dumps(EDITOR), ["sid=abc", "lang=en"]),
        ("sid=abc; lang=en", ["sid=abc", "lang=en"]),
        ("sid=abc", ["sid=abc"]),
        ("  sid = abc ;", ["sid=abc"]),
        ("Cookie: sid=abc; lang=en\r\n", ["sid=abc", "lang=en"]),
        ("cookie:sid=abc", ["sid=abc"]),
        ("sid=abc\nlang=en\n", ["sid=abc", "lang=en"]),
        ("Set-Cookie: sid=abc; Path=/; HttpOnly\nSet-Cookie: lang=en", ["sid=abc", "lang=en"]),
        ('sid="abc def"', ['sid="abc def"']),
        ("sid=old; sid=abc", ["sid=abc"]),
    ],
)
def test_every_usual_form_is_read(text: str | bytes, found: list[str]) -> None:
    assert names(read(text)) == found


def test_path_secure_and_time_are_kept() -> None:
    (cookie,) = read(f"{ONION}\tTRUE\t/shop\tTRUE\t{LATER}\tsid\tabc").cookies
    assert cookie.plain() == {
        "name": "sid",
        "value": "abc",
        "path": "/shop",
        "secure": True,
        "expires": float(LATER),
    }


@pytest.mark.parametrize("path", ["", "shop", "/a;b", "/a\x07b", "/" + "x" * 2000])
def test_a_path_that_cannot_be_is_the_whole_site(path: str) -> None:
    assert read(json.dumps([{"name": "a", "value": "b", "path": path}])).cookies[0].path == "/"


@pytest.mark.parametrize(
    ("expires", "seconds"),
    [
        (-1, None),
        (0, None),
        (None, None),
        ("", None),
        (LATER, LATER),
        (str(LATER), LATER),
        (LATER * 1000, LATER),
        ("2026-11-22T21:00:00Z", LATER),
        ("2026-11-22T21:00:00", LATER),
        ("2026-11-22T23:00:00+02:00", LATER),
        (10**30, datetime(9999, 1, 1, tzinfo=UTC).timestamp()),
    ],
)
def test_times_are_read_as_the_tools_write_them(expires: object, seconds: float | None) -> None:
    assert read(json.dumps([{"name": "a", "value": "b", "expires": expires}])).cookies[0].expires == seconds


def test_the_jar_ends_with_the_first_cookie_that_ends() -> None:
    assert read(netscape(line(expires=0))).expires is None
    assert read(netscape(line(expires=LATER + 60), line(name="b", expires=LATER))).expires == LATER


def test_other_sites_cookies_are_left_out_and_counted() -> None:
    text = netscape(
        line(host=OTHER), line(), line(host="bank.example", name="login"), line(host=f"shop.{ONION}"),
        line(host=f"evil{ONION}"), line(host=f"{ONION}.example"),
    )  # fmt: skip
    jar = read(text)
    assert (names(jar), jar.foreign) == (["sid=abc"], 5)


def test_every_mirror_of_the_site_counts() -> None:
    jar = read_cookies(netscape(line(host=OTHER), line(name="b")), onions=[ONION, OTHER], now=NOW)
    assert (len(jar.cookies), jar.foreign) == (2, 0)


def test_cookies_whose_time_is_over_are_left_out_and_counted() -> None:
    jar = read(netscape(line(), line(name="old", expires=EARLIER)))
    assert (names(jar), jar.expired) == (["sid=abc"], 1)


SECRET = "topsecret"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "nothing in it"),
        (" \r\n\t", "nothing in it"),
        ("# Netscape HTTP Cookie File\n", "No cookie was found"),
        ("{}", "No cookie was found"),
        ("[]", "No cookie was found"),
        (";;;", "No cookie was found"),
        (SECRET, "Cookie 1 is not of the form name=value"),
        (f"a=b; {SECRET}", "Cookie 2 is not of the form"),
        (f"={SECRET}", "Cookie 1 has a name that no cookie may have"),
        (f"a b={SECRET}", "has a name"),
        (f"ключ={SECRET}", "has a name"),
        (f"a={SECRET}\x00", "a character in its value"),
        (f"a={SECRET}é", "a character in its value"),
        ("a=" + SECRET * 500, "longer than 4096 bytes"),
        (json.dumps({"a": f"{SECRET}\r\nX-Other: 1"}), "a character in its value"),
        (json.dumps({"a": f"{SECRET}; b=c"}), "a character in its value"),
        (json.dumps({f"a\r\n{SECRET}": "x"}), "has a name"),
        (json.dumps({"a": f"{SECRET}\ud800"}), "a character in its value"),
        (json.dumps({"a": [SECRET]}), "must be a text"),
        (json.dumps([SECRET]), "is no cookie"),
        (json.dumps([{"name": "a"}]), "no name or no value"),
        (json.dumps([{"name": "a", "value": 7}]), "no name or no value"),
        (json.dumps([{"name": "a", "value": SECRET, "domain": 7}]), "domain and path must be texts"),
        (json.dumps([{"name": "a", "value": SECRET, "expires": SECRET}]), "time of expiry"),
        (json.dumps([{"name": "a", "value": SECRET, "expires": [1]}]), "time of expiry"),
        (json.dumps([{"name": "a", "value": SECRET, "expires": True}]), "time of expiry"),
        ('[{"name": "a", "value": "b", "expires": NaN}]', "time of expiry"),
        (f'{{"a": "{SECRET}"', "begins like JSON and is none"),
        ("[" * 100_000, "begins like JSON and is none"),
        ('{"a": ' + "9" * 5000 + "}", "begins like JSON and is none"),
        (b"\x00\xff\x01SQLite", "no text"),
        (netscape(line() + f"\t{SECRET}"), "Line 4 is no line of a cookies.txt"),
        (netscape(line(), f"{SECRET} and more"), "Line 5 is no line"),
        (netscape(line(expires=SECRET)), "Line 4: its time of expiry"),
        (netscape(line(value=f"{SECRET}\x1b[0m")), "a character in its value"),
        (
            netscape(line(host=OTHER, value=SECRET)),
            "None of the 1 cookies in it is for an address of this site",
        ),
        (netscape(line(expires=EARLIER, value=SECRET)), "The time of all 1 cookies of this site is over"),
        (
            "; ".join(f"c{number}={SECRET}" for number in range(MAX_COOKIES + 1)),
            "more than 100 no session needs",
        ),
        ("; ".join(f"c{number}={'x' * 900}" for number in range(10)), "together longer than 8192 bytes"),
        ("a=b\n" * 60_000 + line(), "more than 50,000 lines"),
        ("x" * (MAX_TEXT + 1), "larger than 5,000,000 bytes"),
    ],
)
def test_what_cannot_be_used_is_said_by_its_place_and_never_repeated(
    text: str | bytes, sentence: str
) -> None:
    with pytest.raises(JarError, match=sentence) as caught:
        read(text)
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in str(error)
        error = error.__cause__


def test_a_traceback_shows_no_value() -> None:
    assert SECRET not in repr(read(f"a={SECRET}"))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=400), st.binary(max_size=400)))
def test_whatever_is_pasted_gives_sound_cookies_or_a_sentence(text: str | bytes) -> None:
    check_sound(text)


_JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["name", "value", "domain", "path", "expires", "expirationDate", "cookies", "secure"]
            ),
            inner,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(_JSON)
def test_whatever_json_is_pasted_gives_sound_cookies_or_a_sentence(value: Any) -> None:
    check_sound(json.dumps(value))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.text(max_size=12), min_size=6, max_size=8), max_size=4))
def test_whatever_lines_are_pasted_give_sound_cookies_or_a_sentence(lines: list[list[str]]) -> None:
    check_sound("\n".join("\t".join(fields) for fields in lines))


def check_sound(text: str | bytes) -> None:
    try:
        jar = read(text)
    except JarError:
        return
    assert 0 < len(jar.cookies) <= MAX_COOKIES
    for each in jar.cookies:
        header = f"{each.name}={each.value}"
        assert header.isascii()
        assert header.isprintable()
        assert ";" not in header
        assert each.host in ("", ONION)
        assert each.expires is None or each.expires > NOW.timestamp()
        json.dumps(each.plain(), allow_nan=False)


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z0-9_.-]{1,20}", fullmatch=True),
        st.from_regex(r"[!-:<-~]{0,60}", fullmatch=True),
        min_size=1,
        max_size=20,
    )
)
def test_all_forms_say_the_same(pairs: dict[str, str]) -> None:
    forms = [
        json.dumps(pairs),
        json.dumps([{"name": name, "value": value, "domain": ONION} for name, value in pairs.items()]),
        netscape(*(line(name=name, value=value, expires=0) for name, value in pairs.items())),
        "Cookie: " + "; ".join(f"{name}={value}" for name, value in pairs.items()),
    ]
    for form in forms:
        assert {each.name: each.value for each in read(form).cookies} == pairs


def test_a_real_onion_is_matched_by_its_whole_name(stub: ModuleType) -> None:
    mine, other = stub.make_onion("oldport"), stub.make_onion("reedmarket")
    jar = read_cookies(netscape(line(host=mine), line(host=other, name="b")), onions=[mine], now=NOW)
    assert jar == Jar((BrowserCookie("sid", "abc", "/", False, float(LATER), mine),), foreign=1)
