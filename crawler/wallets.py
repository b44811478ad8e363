"""Wallets in a text: Bitcoin, Litecoin, Bitcoin Cash, Ethereum and Monero, each held against its checksum.

Public names: find_wallets, read_wallet, is_bitcoin, is_monero, standard_monero.

A wallet whose checksum is right is valid. One that has none to check (Ethereum in one case) only looks like one. One
whose checksum is wrong is left out, unless the text names its coin just before it: then somebody mistyped an address,
and it looks like one. Bitcoin Cash and Litecoin also write addresses exactly like Bitcoin's (1... and 3...): those are
called btc unless the text names the other coin just before; `extra["also"]` says what else they can be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crawler.checksums import (
    check_eip55,
    read_base58check,
    read_bech32,
    read_cashaddr,
    read_monero58,
    write_monero58,
)
from crawler.contact import Contact
from crawler.wordtrie import fold_case, make_pattern

_58 = "1-9A-HJ-NP-Za-km-z"
_32 = "02-9ac-hj-np-z"
_32_UPPER = "02-9AC-HJ-NP-Z"
_SHAPES = re.compile(
    rf"""(?<![A-Za-z0-9])(?:
      (?P<eth>0[xX][0-9a-fA-F]{{40}})
    | (?P<xmr>[48][{_58}]{{94}}(?:[{_58}]{{11}})?)
    | (?P<base58>[13LM][{_58}]{{25,34}})
    | (?P<bech32>(?:bc|ltc)1[{_32}]{{11,83}}|(?:BC|LTC)1[{_32_UPPER}]{{11,83}})
    | (?:(?P<prefix>bitcoincash:|BITCOINCASH:)\s?)?(?P<cash>[qpr-z][{_32}]{{41,111}}|[QPR-Z][{_32_UPPER}]{{41,111}})
    )(?![A-Za-z0-9])""",
    re.VERBOSE,
)
_COINS = {
    "btc": "btc", "bitcoin": "btc", "xbt": "btc", "биткоин": "btc", "биткойн": "btc", "比特币": "btc", "比特幣": "btc",
    "ビットコイン": "btc", "비트코인": "btc", "بيتكوين": "btc", "بیت‌کوین": "btc", "บิตคอยน์": "btc", "बिटकॉइन": "btc",
    "ltc": "ltc", "litecoin": "ltc", "лайткоин": "ltc", "莱特币": "ltc", "萊特幣": "ltc", "라이트코인": "ltc",
    "bch": "bch", "bitcoin cash": "bch", "bitcoincash": "bch", "比特币现金": "bch", "比特現金": "bch", "bcash": "bch",
    "eth": "eth", "ethereum": "eth", "ether": "eth", "usdt": "eth", "usdc": "eth", "erc20": "eth", "erc-20": "eth",
    "эфир": "eth", "эфириум": "eth", "以太坊": "eth", "以太币": "eth", "이더리움": "eth", "イーサリアム": "eth",
    "xmr": "xmr", "monero": "xmr", "монеро": "xmr", "门罗币": "xmr", "門羅幣": "xmr", "门罗": "xmr", "모네로": "xmr",
    "モネロ": "xmr", "مونيرو": "xmr",
}  # fmt: skip
_CUE = make_pattern(_COINS)
_BEFORE = 40
"""How many characters before an address may name its coin."""
_SIGNS = re.compile(r"[\s:=\-–—>()\[\]]{0,8}")
_SPREAD = re.compile(r"[A-Za-z0-9:]{1,120}(?:\s{1,6}[A-Za-z0-9]{1,120}){1,40}")
_MOST_HASHED = 300
"""Checksums worked out for one text; each takes up to a millisecond."""
_MOST_CUES = 100
_LONG = re.compile(r"[A-Za-z0-9]{26}")
"""The shortest address has 26 letters and figures in a row."""


def find_wallets(text: str) -> Iterator[Contact]:
    """Wallets by their place in the text, then those that are written in groups after the name of their coin."""
    places: list[tuple[int, int]] = []
    folded = fold_case(text)
    for count, match in enumerate(_SHAPES.finditer(text) if _LONG.search(text) else ()):
        if count >= _MOST_HASHED:
            break
        said = _said_before(folded, match.start())
        wallet = _judge(match, said)
        if wallet is not None:
            places.append(match.span())
            yield wallet
    yield from _find_spread(text, folded, places)


def read_wallet(text: str) -> Contact | None:
    """The wallet that a text is, when it is one and nothing else and its checksum does not say otherwise."""
    match = _SHAPES.fullmatch(text.strip())
    return None if match is None else _judge(match, "")


def is_bitcoin(address: str) -> bool:
    """Base58Check (P2PKH, P2SH), bech32 (BIP 173) or bech32m (BIP 350), each with its checksum, main net."""
    if address[:3].lower() == "bc1":
        return read_bech32(address, "bc") is not None
    found = read_base58check(address)
    return found is not None and found[0] in (0, 5)


def is_monero(address: str) -> bool:
    """A main-net Monero address (standard, integrated or subaddress) with the right checksum."""
    return _monero_form(address) != ""


def standard_monero(address: str) -> str:
    """The standard address inside an integrated one (which is that and a payment id); "" for any other text."""
    if len(address) != 106:
        return ""
    raw = read_monero58(address)
    return "" if raw is None or raw[0] != 19 else write_monero58(bytes([18]) + raw[1:65])


def _monero_form(address: str) -> str:
    if len(address) not in (95, 106):
        return ""
    raw = read_monero58(address)
    if raw is None:
        return ""
    forms = {(18, 65): "standard", (42, 65): "subaddress", (19, 73): "integrated"}
    return forms.get((raw[0], len(raw)), "")


def _find_cues(folded: str, start: int, end: int) -> Iterator[tuple[str, int]]:
    """(coin, end of its name) for each name of a coin that stands as a word of its own."""
    for match in _CUE.finditer(folded, start, end):
        word = match[0]
        if word.isascii():
            before, after = folded[match.start() - 1 : match.start()], folded[match.end() : match.end() + 1]
            if (before.isascii() and before.isalpha()) or (after.isascii() and after.isalpha()):
                continue
        yield _COINS[word], match.end()


def _said_before(folded: str, start: int) -> str:
    """The coin that the text names last in the characters before an address."""
    coin = ""
    for coin, _ in _find_cues(folded, max(0, start - _BEFORE), start):  # noqa: B007 - the last is wanted
        pass
    return coin


def _judge(match: re.Match[str], said: str) -> Contact | None:
    start, end = match.span()
    form = match.lastgroup or ""
    value = match[form]
    if form == "base58":
        return _judge_base58(value, said, start, end)
    if form == "bech32":
        value = value.lower()
        kind = "ltc" if value.startswith("ltc") else "btc"
        found = read_bech32(value, value[: value.index("1")])
        extra = {} if found is None else {"form": f"witness version {found[0]}"}
        return _keep(kind, value, found is not None, said, start, end, extra)
    if form == "cash":
        value = value.lower()
        good = read_cashaddr(value) is not None
        kind_said = "bch" if match["prefix"] else said
        return _keep("bch", f"bitcoincash:{value}", good, kind_said, start, end, {"form": "cashaddr"})
    if form == "eth":
        value = "0x" + value[2:]
        proof = check_eip55(value)
        if proof is None:
            return Contact("eth", value, False, start, end, {"form": "no checksum"})
        return _keep("eth", value, proof, said, start, end, {"form": "EIP-55"})
    found_form = _monero_form(value)
    about = {"form": found_form}
    if found_form == "integrated":
        about["standard"] = standard_monero(value)
    return _keep("xmr", value, bool(found_form), said, start, end, about)


def _judge_base58(value: str, said: str, start: int, end: int) -> Contact | None:
    found = read_base58check(value)
    version = -1 if found is None else found[0]
    if version in (0x30, 0x32):
        return Contact("ltc", value, True, start, end, {"form": "P2PKH" if version == 0x30 else "P2SH"})
    if version in (0, 5):
        others = ["bch"] if version == 0 else ["ltc", "bch"]
        kind = said if said in others else "btc"
        also = [coin for coin in ("btc", *others) if coin != kind]
        form = "P2PKH" if version == 0 else "P2SH"
        return Contact(kind, value, True, start, end, {"form": form, "also": also})
    kinds = {"1": ("btc", "bch"), "3": ("btc", "ltc", "bch"), "L": ("ltc",), "M": ("ltc",)}[value[0]]
    if said in kinds and found is None and 26 <= len(value) <= 35:
        return Contact(said, value, False, start, end, {"form": "wrong checksum"})
    return None


def _keep(
    kind: str, value: str, valid: bool, said: str, start: int, end: int, extra: dict[str, str]
) -> Contact | None:
    if valid:
        return Contact(kind, value, True, start, end, extra)
    return Contact(kind, value, False, start, end, {"form": "wrong checksum"}) if said == kind else None


def _find_spread(text: str, folded: str, places: list[tuple[int, int]]) -> Iterator[Contact]:
    """Addresses in groups ("bc1q w508 d6qe ...") or broken over lines, after the name of their coin; valid ones only."""
    for count, (coin, place) in enumerate(_find_cues(folded, 0, len(folded))):
        if count >= _MOST_CUES:
            return
        sign = _SIGNS.match(text, place)
        begin = place if sign is None else sign.end()
        run = _SPREAD.match(text, begin, begin + 260)
        if run is None or any(start <= begin < end for start, end in places):
            continue
        joined = ""
        for piece in re.finditer(r"\S+", run[0]):
            joined += piece[0]
            if len(joined) < 26 or joined == piece[0]:
                continue
            wallet = read_wallet(joined)
            if wallet is not None and wallet.valid:
                end = begin + piece.end()
                kind = coin if coin in wallet.extra.get("also", ()) else wallet.kind
                places.append((begin, end))
                yield Contact(kind, wallet.value, True, begin, end, wallet.extra)
                break
