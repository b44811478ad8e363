"""Handles and mail addresses: found where the text says what they are, left alone in running text."""

from __future__ import annotations

import random

import pytest

from crawler.contacts import find_contacts
from crawler.cues import CUES


def kinds(text: str) -> list[tuple[str, str]]:
    return sorted((contact.kind, contact.value) for contact in find_contacts(text))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Wickr: pierman7", "wickr", "pierman7"),
        ("wickr me: piernine", "wickr", "piernine"),
        ("session id: 05" + "ab" * 32, "session", "05" + "ab" * 32),
        ("https://t.me/pier_nine", "telegram", "pier_nine"),
        ("t.me/s/pier_nine", "telegram", "pier_nine"),
        ("telegram.me/pier_nine?start=1", "telegram", "pier_nine"),
        ("tg://resolve?domain=pier_nine", "telegram", "pier_nine"),
        ("t.me/+AbCdEfGh12345678", "telegram", "joinchat/AbCdEfGh12345678"),
        ("Telegram: @pier_nine", "telegram", "pier_nine"),
        ("TELEGRAM @Pier_Nine", "telegram", "pier_nine"),
        ("telegram (pier_nine)", "telegram", "pier_nine"),
        ("my tg is pier_nine9", "telegram", "pier_nine9"),
        ("telegram channel: pier_news", "telegram", "pier_news"),
        ("telegram: piermann or mail", "telegram", "piermann"),
        ("telegram: +49 151 2345 678", "telegram", "+491512345678"),
        ("телеграм: pier_nine", "telegram", "pier_nine"),
        ("пишите в телегу @pier_nine", "telegram", "pier_nine"),
        ("тг pierman", "telegram", "pierman"),
        ("电报：piernine88", "telegram", "piernine88"),
        ("飞机@pier_nine", "telegram", "pier_nine"),
        ("テレグラム：pier_nine", "telegram", "pier_nine"),
        ("텔레그램 piernine", "telegram", "piernine"),
        ("تلگرام: pier_nine", "telegram", "pier_nine"),
        ("تيليجرام @pier_nine", "telegram", "pier_nine"),
        ("טלגרם: pier_nine", "telegram", "pier_nine"),
        ("टेलीग्राम: pier_nine", "telegram", "pier_nine"),
        ("টেলিগ্রাম: pier_nine", "telegram", "pier_nine"),
        ("เทเลแกรม @pier_nine", "telegram", "pier_nine"),
        ("តេឡេក្រាម pier_nine", "telegram", "pier_nine"),
        ("τέλεγκραμ: pier_nine", "telegram", "pier_nine"),
        ("liên hệ telegram: pier_nine", "telegram", "pier_nine"),
        ("escribe por Telegram a @pier_nine", "telegram", "pier_nine"),
        ("微信：abc_def123", "wechat", "abc_def123"),
        ("微信号 piernine8", "wechat", "piernine8"),
        ("加微信piernine8", "wechat", "piernine8"),
        ("VX: piernine8", "wechat", "piernine8"),
        ("Ｖ信：piernine8", "wechat", "piernine8"),
        ("薇信 piernine8", "wechat", "piernine8"),
        ("wechat id: wxid_abc123def", "wechat", "wxid_abc123def"),
        ("微信同号 13800001234", "wechat", "13800001234"),
        ("zalo: 0912 345 678", "zalo", "0912345678"),
        ("Zalo 0912.345.678", "zalo", "0912345678"),
        ("zalo.me/0912345678", "zalo", "0912345678"),
        ("whatsapp +49 151 2345 6789", "whatsapp", "+4915123456789"),
        ("https://wa.me/4915123456789", "whatsapp", "+4915123456789"),
        ("ватсап: +7 (900) 000-00-00", "whatsapp", "+79000000000"),
        ("واتساب: +971 50 000 0000", "whatsapp", "+971500000000"),
        ("signal: pier.42", "signal", "pier.42"),
        ("Signal +1 (555) 010-2345", "signal", "+15550102345"),
        ("signal.me/#p/+15550102345", "signal", "+15550102345"),
        ("Threema: ABCD1234", "threema", "ABCD1234"),
        ("Threema ID: *PIERNIN", "threema", "*PIERNIN"),
        ("https://threema.id/ABCD1234", "threema", "ABCD1234"),
        ("ICQ 123-456-789", "icq", "123456789"),
        ("аська: 12345678", "icq", "12345678"),
        ("QQ：12345678", "qq", "12345678"),
        ("viber +380 50 000 0000", "viber", "+380500000000"),
        ("@pier:nine.example", "element", "@pier:nine.example"),
        ("xmpp:pier@nine.example", "jabber", "pier@nine.example"),
        ("jabber: pier@nine.example", "jabber", "pier@nine.example"),
        ("жаба: pier@nine.example", "jabber", "pier@nine.example"),
        ("Pier.Nine@Example.org", "email", "pier.nine@example.org"),
        ("name [at] mail [dot] com", "email", "name@mail.com"),
        ("name(at)mail(dot)com", "email", "name@mail.com"),
        ("name {at} mail {dot} co {dot} uk", "email", "name@mail.co.uk"),
        ("name@mail[.]com", "email", "name@mail.com"),
        ("name<at>mail.com", "email", "name@mail.com"),
        ("mail: name at mail dot com", "email", "name@mail.com"),
        ("e-mail: name @ mail . com", "email", "name@mail.com"),
        ("почта: name собака mail точка ru", "email", "name@mail.ru"),
        ("ｎａｍｅ＠ｍａｉｌ．ｃｏｍ", "email", "name@mail.com"),
        ("na\u200bme@ma\u00adil.com", "email", "name@mail.com"),
        ("邮箱name@mail.com", "email", "name@mail.com"),
        ("kik: pier_nine", "kik", "pier_nine"),
        ("Wickr.......pier25", "wickr", "pier25"),
        ("WICKR ID>>>>> pier25", "wickr", "pier25"),
        ("Mail.......pier@gmail.com", "email", "pier@gmail.com"),
        ("pier@gmail.comOrder now", "email", "pier@gmail.com"),
        ("pier@gmail.comshipping is free", "email", "pier@gmail.com"),
        ("pier@nine.orgFast", "email", "pier@nine.org"),
        ("wickr: pier25Snapchat", "wickr", "pier25"),
        ("wickr: pier25or mail", "wickr", "pier25"),
        ("wickr: pier25whatsapp +49 30", "wickr", "pier25"),
        ("wickr: pier25Nine", "wickr", "pier25nine"),
    ],
)  # fmt: skip
def test_a_handle_with_its_cue(text: str, kind: str, value: str) -> None:
    assert kinds(text) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "write me on signal please",
        "telegram only, no wickr",
        "Telegram: please write first",
        "telegram: message me first",
        "telegram: ask for the list",
        "telegram 24h support available",
        "Telegram only, price 100usd",
        "Telegram https://example.com",
        "a session of two hours",
        "element of surprise",
        "signal: available",
        "the signal: strong one today",
        "zalo: write me",
        "wa me later",
        "wa 100 200 300",
        "zap 123456789",
        "threema abcdefgh",
        "contact us at example dot com",
        "we meet at ten dot twenty",
        "@pier_nine",
        "length 12345678, icqs, mytg pier_nine",
        "price @ 20",
        "t.me/joinchat and t.me/share/url",
        "qq",
        "wickr: pier25Hello dear customers",
        "wickr: pier25call us",
        "pier@nine.comshipping is free",
        "Telegram MESSENGER APPW1ckr ID",
        "no contact here",
        "",
    ],
)
def test_running_text_holds_no_handle(text: str) -> None:
    assert kinds(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Telegram: @pier_one or @pier_two", [("telegram", "pier_one"), ("telegram", "pier_two")]),
        ("telegram = pierman, wickr = pierman2", [("telegram", "pierman"), ("wickr", "pierman2")]),
        ("vx piernine88 电报 @pier99x", [("telegram", "pier99x"), ("wechat", "piernine88")]),
        (
            "whatsapp/telegram: +49 151 2345 678",
            [("telegram", "+491512345678"), ("whatsapp", "+491512345678")],
        ),
        (
            "jabber: a@one.example mail: b@two.example",
            [("email", "b@two.example"), ("jabber", "a@one.example")],
        ),
    ],
)
def test_several_in_one_line(text: str, found: list[tuple[str, str]]) -> None:
    assert kinds(text) == found


def test_a_tox_id_has_a_checksum() -> None:
    raw = random.Random(1).randbytes(36)
    even = odd = 0
    for place, byte in enumerate(raw):
        even, odd = (even ^ byte, odd) if place % 2 == 0 else (even, odd ^ byte)
    tox = (raw + bytes([even, odd])).hex().upper()
    assert [(c.kind, c.value, c.valid) for c in find_contacts(f"tox: {tox}")] == [("tox", tox, True)]
    wrong = ("0" if tox[0] != "0" else "1") + tox[1:]
    assert [(c.kind, c.valid) for c in find_contacts(wrong)] == [("tox", False)]


def test_every_cue_is_in_lower_case_and_of_one_kind() -> None:
    words = [word for group in CUES.values() for word in group]
    assert [word for word in words if word != word.lower()] == []
    owners = {word: {kind for kind, group in CUES.items() if word in group} for word in words}
    assert [word for word, kinds_of in owners.items() if len(kinds_of) > 1] == []


@pytest.mark.parametrize("word", CUES["telegram"])
def test_every_cue_of_telegram_announces_a_handle(word: str) -> None:
    assert ("telegram", "pier_nine") in kinds(f"{word}: @pier_nine")


def test_cues_are_in_twenty_scripts_and_languages() -> None:
    scripts = {
        next(iter(__import__("unicodedata").name(c).split()))
        for word in CUES["telegram"]
        for c in word
        if c.isalpha()
    }
    assert len(scripts) >= 14
