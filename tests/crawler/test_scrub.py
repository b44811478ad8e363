"""Scrubbing a page: what must not stand in a sample, and what must stay as it was."""

from __future__ import annotations

import re

import pytest

from crawler.scrub import Mask, invent_onion, scrub_page
from crawler.siteconfig import is_onion

SALT = b"a salt of the tests"
OLD = "expyuzz4wqqyqhjn.onion"


def scrub(html: str, **how: object) -> str:
    return scrub_page(html, Mask(salt=SALT, **how)).html  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("html", "secret"),
    [
        ('<input type="hidden" name="_token" value="Zk3r9QwLx8">', "Zk3r9QwLx8"),
        ('<input name="user" value="ourname77">', "ourname77"),
        ('<meta name="csrf-token" content="Zk3r9QwLx8">', "Zk3r9QwLx8"),
        ('<a href="/p/7?csrf=Zk3r9QwLx8&tab=1">x</a>', "Zk3r9QwLx8"),
        ('<a href="/p/7?tab=1&PHPSESSID=Zk3r9QwLx8">x</a>', "Zk3r9QwLx8"),
        ('<div data-session-token="Zk3r9QwLx8">x</div>', "Zk3r9QwLx8"),
        ('<script>var user = "ourname77"</script><p>x</p>', "ourname77"),
        ("<style>.ourname77 {}</style><p>x</p>", "ourname77"),
        ("<!-- served to ourname77 --><p>x</p>", "ourname77"),
        ('<p onclick="hello(ourname77)">x</p>', "ourname77"),
        ('<img src="/captcha/Zk3r9QwLx8.png" alt="x">', "Zk3r9QwLx8"),
        ('<svg><text>ourname77</text></svg>', "ourname77"),
        ('<noscript><img src="/track?u=Zk3r9QwLx8"></noscript>', "Zk3r9QwLx8"),
        (f"<p>http://{OLD}/</p>", OLD),
    ],
)  # fmt: skip
def test_what_tells_on_us_is_gone(html: str, secret: str) -> None:
    assert secret in html
    assert secret not in scrub(f"<html><body>{html}</body></html>")


@pytest.mark.parametrize(
    "person",
    [
        "seller88@mail.example", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        "@nk_trader", "t.me/nk_trader", "05" + "ab" * 32, "0x52908400098527886E0F7030069857D2E4169EE7",
        "A1B2 C3D4 E5F6 0718 293A  4B5C 6D7E 8F90 A1B2 C3D4",
    ],
)  # fmt: skip
def test_people_are_masked_unless_it_is_switched_off(person: str) -> None:
    html = f"<p>write to {person} please</p>"
    assert person.rpartition("/")[2] not in scrub(html)
    assert scrub(html, contacts=False) == html


def test_a_key_block_keeps_its_make() -> None:
    body = "mQENBF" + "Ab3+/" * 20
    html = f"<pre>-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{body}\n-----END PGP PUBLIC KEY BLOCK-----</pre>"
    made = scrub(html)
    assert body not in made
    assert len(made) == len(html)


def test_a_name_is_replaced_by_one_of_the_same_make_each_time() -> None:
    made = scrub('<a href="/v/Nk_88">Nk_88</a> sold by nk_88, not by Nk_889', sellers=("Nk_88",))
    found = re.fullmatch(r'<a href="/v/(\w+)">(\w+)</a> sold by (\w+), not by Nk_889', made)
    assert found is not None
    assert found[1] == found[2] != "Nk_88"
    assert re.fullmatch("[A-Z][a-z]_[0-9]{2}", found[1])
    assert found[3] == found[1].lower()


def test_another_salt_gives_another_name() -> None:
    masks = [Mask(salt=salt, sellers=("nk88",))("nk88") for salt in (b"1", b"2", b"1")]
    assert masks[0] == masks[2] != masks[1]


def test_words_of_ours_are_taken_out_everywhere() -> None:
    made = scrub('<p title="Hi ourname">ourname <a href="/u/ourname">me</a> yourname</p>', hide=("ourname",))
    assert re.findall(r"\bourname\b", made) == []
    assert "yourname" in made


def test_cookies_are_taken_out_wherever_they_stand() -> None:
    assert "Zk3r9QwLx8" not in scrub('<a href="/x/Zk3r9QwLx8/y">x</a>', cookies=("Zk3r9QwLx8",))


def test_an_invented_onion_is_well_formed_and_nobodys() -> None:
    onion = invent_onion("a" * 56, SALT)
    assert is_onion(f"{onion}.onion")
    assert invent_onion("a" * 56, SALT) == onion != invent_onion("b" * 56, SALT)


@pytest.mark.parametrize(
    "html",
    [
        '<p class="price">USD 410.00 / 0.0093 BTC</p>',
        '<a href="/p/8831?tab=feedback#top">Old white bangle 62g</a>',
        "<pre>Line one.\n  Line two &amp; three.</pre>",
        '<div style="display:none">hidden</div>',
        "<td>Ships from</td><td>Côte d’Ivoire → 中国</td>",
        '<input type="submit" value="Buy now">',
        "<p>Monkey, keyword, 12:30, 2026-11-22, 62g @ 5 USD</p>",
    ],
)
def test_what_is_read_stays(html: str) -> None:
    assert scrub(html).replace("/>", ">") == html


def test_what_may_be_our_name_is_pointed_out() -> None:
    html = "<p>Logged in as <b>grey_heron</b></p><a>Log out</a><b>Browse</b><p>Welcome back, otter9</p>"
    assert scrub_page(html, Mask(salt=SALT)).suspects == ("grey_heron", "otter9")


def test_a_page_made_to_hurt_is_scrubbed_in_bounded_time_and_depth() -> None:
    html = "<div>" * 50_000 + "x" + "<a b=c>" * 20_000
    assert len(scrub(html)) < 2_000_000
