"""Whatever secret goes into a log line, in whatever place, does not come out."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.redact import redact, redact_text

ONION = "q2" * 28 + ".onion"
WORD = st.text("abcdefghkmnpqrstuvwxyzABCDEFGH23456789!$%+~", min_size=9, max_size=30).map(
    lambda word: f"zQ7{word}"
)
FORMS = (
    "postgresql://tuskwatch:{}@127.0.0.1/db",
    "postgresql+psycopg://tuskwatch:a/b@{}@127.0.0.1/db",
    "redis://:{}@127.0.0.1",
    "password={}",
    "PGPASSWORD={}",
    "TUSKWATCH_TOR_CONTROL_PASSWORD={} tor",
    "password='two words {}'",
    'password="it\'s {}"',
    r"{{\"password\": \"two words {}\"}}",
    "{{'api_key': '{}'}}",
    "Cookie: a=1; sid={}",
    "('Set-Cookie', 'sid={}')",
    "Authorization: Basic {}",
    "said Bearer {}",
    'AUTHENTICATE "{}"',
    "socks_user={}",
    "isolation: {}",
    "GET /p?token={}&x=1",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{}\n-----END PGP PRIVATE KEY BLOCK-----",
    "-----BEGIN PGP MESSAGE-----\\n\\n{}",
    "-----BEGIN PRIVATE KEY-----\n{}",
)
KEYS = (
    "cookie",
    "Set-Cookie",
    "password",
    "tor_control_password",
    "isolation",
    "secret",
    "token",
    "authorization",
)


@settings(max_examples=100, deadline=None)
@given(secret=WORD, form=st.sampled_from(FORMS), before=st.text(max_size=20), depth=st.integers(0, 8))
def test_a_secret_in_a_text_at_any_depth(secret: str, form: str, before: str, depth: int) -> None:
    value: Any = f"{before} {form.format(secret)}"
    for level in range(depth):
        value = ([value], {"why": value}, (1, value, 2), {str(value): 1})[level % 4]
    assert secret not in json.dumps(
        redact(None, "info", {"event": value, "other": value}), ensure_ascii=False
    )


@settings(max_examples=60, deadline=None)
@given(secret=WORD, key=st.sampled_from(KEYS), form=st.sampled_from(["text", "bytes", "list", "header"]))
def test_a_secret_under_its_name(secret: str, key: str, form: str) -> None:
    event: dict[str, Any] = {
        "text": {key: secret},
        "bytes": {"a": {key.encode(): secret.encode()}},
        "list": {key: [secret, {"x": secret}]},
        "header": {"headers": [[key.encode(), secret.encode()], ("x", "y")]},
    }[form]
    assert secret not in json.dumps(redact(None, "info", event), ensure_ascii=False)


@pytest.mark.parametrize(
    "secret",
    [
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "4" + "8AbcdefghJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789" + "A" * 36,
        "AGE-SECRET-KEY-1QQPSXY",
    ],
)
def test_wallets_and_keys(secret: str) -> None:
    assert secret not in redact_text(f"paid to {secret}, it says")


@pytest.mark.parametrize("onion", [ONION, ONION.upper(), "q2" * 8 + ".onion"])
def test_no_onion_is_a_link(onion: str) -> None:
    said = redact_text(f"GET http://www.{onion}/p/1")
    assert ".onion" not in said.lower()
    assert said.endswith("/p/1")


@pytest.mark.parametrize(
    "text",
    [
        "run 12: 40 pages, 12 listings",
        "page " + "0123456789abcdef" * 4,
        "compass: north",
        "the database did not answer",
        "2026-11-23T13:00:00Z",
        "/work/data/tuskwatch.db",
    ],
)
def test_the_rest_stays_as_it_is(text: str) -> None:
    assert redact_text(text) == text


@settings(max_examples=30, deadline=None)
@given(secret=WORD, form=st.sampled_from(FORMS), short=st.integers(0, 120))
def test_a_secret_across_the_bound_is_cut_off_whole(secret: str, form: str, short: int) -> None:
    said = redact_text("a b " * 4_990 + " " * (40 - min(short, 40)) + form.format(secret) + " end" * 100)
    assert secret[:9] not in said


HUGE: tuple[Any, ...] = (
    "x" * 10_000_000, "a-" * 5_000_000, "://" * 3_000_000, "pass" * 2_000_000, "'\\" * 5_000_000, "1A a" * 2_500_000,
    b"\xff" * 10_000_000, list(range(1_000_000)), 10**5_000, "1" * 10_000_000, "=:" * 5_000_000, "pass=' " * 1_000_000,
    "a ://" * 2_000_000, "AAAA aaaa1 " * 900_000,
)  # fmt: skip


@pytest.mark.parametrize("value", HUGE, ids=range(len(HUGE)))
def test_what_is_huge_costs_little(value: Any) -> None:
    begun = time.process_time()
    said = json.dumps(redact(None, "info", {"event": value}))
    assert time.process_time() - begun < 5
    assert len(said) < 150_000
