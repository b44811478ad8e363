"""Words around prices in many languages: powers of ten, from, up to, about, by arrangement, per unit.

Public names: POWER, read_power, FROM_BEFORE, FROM_AFTER, UP_TO_BEFORE, UP_TO_AFTER, FROM_ANYWHERE, NEGOTIABLE, UNSURE, RANGE, AND, BETWEEN, TIMES,
TIMES_AFTER, PER_AFTER, PER_BEFORE, LOT_BEFORE, AT_EACH.
"""

from __future__ import annotations

import re

from crawler.numerals import NUMBER
from crawler.units import UNIT

# A word that is another one elsewhere counts only in the languages named.
_POWERS: dict[str, tuple[int, tuple[str, ...]]] = {
    "tr": (6, ()), "triệu": (6, ()), "trieu": (6, ()), "củ": (6, ("vi",)), "tỷ": (9, ()), "tỉ": (9, ()), "nghìn": (3, ()), "ngàn": (3, ()),
    "k": (3, ()), "thousand": (3, ()), "million": (6, ()), "millions": (6, ()), "mn": (6, ()), "mio": (6, ()), "mio.": (6, ()),
    "tsd": (3, ()), "tsd.": (3, ()), "тыс": (3, ()), "тыс.": (3, ()), "тысяч": (3, ()), "тысячи": (3, ()), "тис.": (3, ()), "тис": (3, ()),
    "млн": (6, ()), "млн.": (6, ()), "миллион": (6, ()), "миллиона": (6, ()), "миллионов": (6, ()), "млрд": (9, ()), "mln": (6, ()),
    "tys": (3, ()), "tys.": (3, ()), "tis.": (3, ("cs",)), "mil": (3, ("es", "pt")), "millones": (6, ()), "milhões": (6, ()), "milhão": (6, ()),
    "millón": (6, ()), "milioni": (6, ()), "millionen": (6, ()), "miljoen": (6, ()), "bin": (3, ("tr",)), "milyon": (6, ()), "juta": (6, ()),
    "jt": (6, ()), "ribu": (3, ()), "rb": (3, ("id",)), "lakh": (5, ()), "lakhs": (5, ()), "lac": (5, ("hi",)), "crore": (7, ()), "crores": (7, ()),
    "लाख": (5, ()), "करोड़": (7, ()), "हज़ार": (3, ()), "हजार": (3, ()), "هزار": (3, ()), "ألف": (3, ()), "میلیون": (6, ()), "مليون": (6, ()),
    "elfu": (3, ()), "laki": (5, ("sw",)), "milioni ": (6, ("sw",)),
    "百万": (6, ()), "万": (4, ()), "萬": (4, ()), "億": (8, ()), "亿": (8, ()), "千": (3, ()), "만": (4, ()), "억": (8, ()), "천": (3, ()),
    "ล้าน": (6, ()), "แสน": (5, ()), "หมื่น": (4, ()), "พัน": (3, ()), "ລ້ານ": (6, ()), "ພັນ": (3, ()), "លាន": (6, ()),
}  # fmt: skip
_SPACED = [
    word for word in _POWERS if not re.match("[\u0e00-\u0eff\u1780-\u17ff\u3400-\u9fff\uac00-\ud7af]", word)
]
_CLOSE = [word for word in _POWERS if word not in _SPACED]


def _join(words: list[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


POWER = re.compile(
    rf"[ \u00a0\u202f]?(?P<word>(?:{_join(_SPACED)})(?:(?![^\W\d_])|(?=đ|vn[dđ]|usd|eur))|{_join(_CLOSE)})",
    re.IGNORECASE,
)


def read_power(word: str, language: str) -> int | None:
    """The factor that a word stands for; None where it is another word in this language."""
    power, languages = _POWERS[word.lower()]
    return 10**power if not languages or language in languages else None


def _words(text: str) -> str:
    return rf"(?<![^\W\d_])(?:{text})(?![^\W\d_])"


_GAP = r"[ :.~]{0,3}$"
# These are looked for right before or right after a price only.
FROM_BEFORE = re.compile(
    rf"(?:{_words('from|starting(?: at| from)?|starts? (?:at|from)|as low as|min|minimum|ab|von|desde|a partir de|à partir de|dès|da|a partire da|vanaf|od|от|від|từ|från|fra|mulai|dari|de la|начиная с|alkaen|mulai dari|dal|از|من|ابتداء من|kuanzia')}|最低|เริ่มต้น|เริ่ม){_GAP}",
    re.IGNORECASE,
)
FROM_AFTER = re.compile(
    rf" ?(?:\+(?=\s*(?:$|[)/|,;]))|(?:{_words('and up|and more|upwards|alkaen|başlayan|dan başlayan|den başlayan|aufwärts|und mehr|y más|et plus|trở lên|से')})|起|から|부터|ขึ้นไป)",
    re.IGNORECASE,
)
UP_TO_BEFORE = re.compile(
    rf"(?:{_words('up to|max|maximum|bis(?: zu)?|hasta|até|fino a|tot|do|до|đến|tối đa|hingga|sampai|upp till|opp til|op til|not more than|au plus|hadi')}|(?<![^\W\d_])jusqu'à|最高|最多|ไม่เกิน){_GAP}",
    re.IGNORECASE,
)
UP_TO_AFTER = re.compile(r" ?(?:まで|以下|까지|以内)")
FROM_ANYWHERE = re.compile(
    _words(
        "from|starting|starts at|up to|desde|hasta|à partir|a partire|vanaf|începând|mulai|начиная|başlayan|from|kuanzia"
    ),
    re.IGNORECASE,
)
NEGOTIABLE = re.compile(
    rf"{_words('negotiable|nego|neg|obo|or best offer|best offer|make (?:me )?an offer|vb|vhb|verhandlungsbasis|verhandelbar|preis auf anfrage|auf anfrage|negociable|a convenir|a negociar|à débattre|négociable|à négocier|prix à discuter|negociável|a combinar|sob consulta|trattabile|trattabili|da concordare|in overleg|bieden|n.o.t.k|договорная|договорной|договорно|по договоренности|по договорённости|торг|торг уместен|договірна|за домовленістю|do negocjacji|do uzgodnienia|dohodou|na dohodu|pazarlık|pazarlıklı|görüşülür|thỏa thuận|thoả thuận|thương lượng|liên hệ|prutbart|prisförslag|etter avtale|efter aftale|sopimuksen mukaan|megegyezés szerint|negociabil|συζητήσιμη|nego|bisa nego|harga nego|boleh nego|hubungi|قابل للتفاوض|توافقی|بات چیت|मोलभाव|maelewano|price on request|poa|on request|call for price|ask for price|contact for price|dm for price|pm for price')}"
    r"|面议|面議|面谈|可议价|价格面议|議價|议价|詳談|私聊|私信|要相談|応相談|협의|ต่อรอง|ตกลงราคา|สอบถามราคา|ຕໍ່ລອງ|ចរចា|ညှိနှိုင်း",
    re.IGNORECASE,
)
UNSURE = re.compile(
    rf"{_words('about|approx|approximately|around|ca|circa|etwa|ungefähr|rund|environ|aprox|aproximadamente|cerca de|ongeveer|около|примерно|приблизно|khoảng|około|yaklaşık|roughly|kira-kira|sekitar|kama|unter|under|below|over|above|more than|less than|über|plus de|moins de|más de|menos de|свыше|более|менее|trên|dưới')}|大约|约|左右|ประมาณ|約|くらい",
    re.IGNORECASE,
)
RANGE = re.compile(
    rf"\s*(?:-|–|—|~|〜|‐|‑|\.\.\.?|…|至|到|から|đến|tới|{_words('to|bis|до|à|a|al|hasta|até|do|tot|til|till|and|und|y|et|e|и|và|sampai|hingga|إلى|تا|ila')})\s*",
    re.IGNORECASE,
)
AND = re.compile(r"\s*(?:and|und|y|et|e|и|và|a|al|à)\s*", re.IGNORECASE)
"""These join the ends of a range only behind "between", "from"."""
TIMES = re.compile(r"\s*[0-9]?\s?[x×*]\s*$")
TIMES_AFTER = re.compile(r"\s*[x×*]\s*[0-9]")
BETWEEN = re.compile(
    _words("between|from|von|da|de|dal|zwischen|entre|tra|fra|tussen|между|między"), re.IGNORECASE
)

_PER = rf"/|{_words('per|pro|por|par|al|allo|alla|à la|à|a|an|the|le|la|el|il|lo|o|um|uma|je|das|die|der|pour|chaque|cada|ogni|za|na|za 1|за|за 1|на|por cada|mỗi|một|cho|cho mỗi|trên|pr|tiap|setiap|untuk|kwa|kila|ανά|το|هر|لكل|ل|प्रति|every|for each|for one|for 1|voor|het|st|của')}|每一?|一|单|๑|ต่อ|ละ|ຕໍ່|ក្នុងមួយ"
_LOT = rf"(?P<lot>{NUMBER})?"
PER_AFTER = re.compile(
    rf"[\s)(]{{0,3}}(?:(?:{_PER})\s?{_LOT}\s?(?P<unit>{UNIT}|st(?![^\W\d_]))|\(?(?P<each>{_words('each|ea|apiece|a piece|per piece|stück|das stück|chacun|chacune|la pièce|cada uno|cada una|c/u|cadauno|l.uno|cad|ciascuno|cada um|per stuk|p/st|za sztukę|za kus|tanesi|adedi|styck|stycket|stykket|kappale|bucata|satu biji|kila moja|штука|шт|each one|mỗi cái|một cái')}|/ ?ea|/ ?each|一个|一個|一只|一件|一根|一支|每个|每個|每件|每根|ชิ้นละ|อันละ))",
    re.IGNORECASE,
)
PER_BEFORE = re.compile(
    rf"(?:(?:(?:{_PER})\s?{_LOT}\s?(?P<unit>{UNIT})|(?P<suffix>{UNIT})ละ)|(?P<each>{_words('each|je|apiece|cada uno|chacun|jeweils|je stück|pro stück')}))[\s:=\-–—]{{0,4}}$",
    re.IGNORECASE,
)
LOT_BEFORE = re.compile(
    r"^[\s:=\-–—→>|(/]{0,4}(?:(?:for|für|за|por|pour|per|cho|voor|price|preis|цена|giá|价格|售价)[\s:=]{0,3})?$",
    re.IGNORECASE,
)
AT_EACH = re.compile(r"\s*(?:@|à|zu je|je|each at|at each|zu|по|a)\s*", re.IGNORECASE)
"""Between a quantity and a price: "5 pcs @ $10" asks ten for each."""
