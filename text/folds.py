"""Tables of letters that stand for other letters, and the words that disguise is aimed at.

Public names: CONFUSABLES, LOOKALIKES, SIMPLIFIED, LEET_DIGITS, LEET_SIGNS, WATCH_WORDS, REVERSED_WORDS, PICTURES.
"""

from __future__ import annotations

from importlib import resources

CONFUSABLES = str.maketrans(
    # Cyrillic, Greek and Armenian letters (already in lower case) that pass for Latin ones; after Unicode's
    # confusables, and letters whose capital looks Latin. Used only inside words that also hold Latin letters.
    "авгекмнопрстухѕіїјԁԛԝһҽѵӏьёя" + "αβεηικνορτυχωγζϲμδ" + "օսոհցգ",
    "abrekmhonpctyxsiijdqwhevlber" + "abenikvoptyxwyzcud" + "ounhgq",
)
LOOKALIKES = str.maketrans(
    # Letters of phonetic and decorative alphabets that NFKC leaves alone; always folded.
    "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘǫʀꜱᴛᴜᴠᴡʏᴢɑɡɩʋıđłøħŧɛɔ",
    "abcdefghijklmnopqrstuvwyzagiviDloht".lower() + "eo",
)
LOOKALIKES.update({0x1F150 + i: 97 + i for i in range(26)})  # white letters in black circles
LOOKALIKES.update({0x1F170 + i: 97 + i for i in range(26)})  # white letters in black squares


def _read_simplified() -> dict[int, str]:
    lines = resources.files("text").joinpath("simplified.txt").read_text(encoding="utf-8").splitlines()
    return {ord(pair[0]): pair[1] for line in lines if not line.startswith("#") for pair in line.split()}


SIMPLIFIED = _read_simplified()
"""Traditional Chinese characters to simplified ones."""

LEET_DIGITS = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b"}
LEET_SIGNS = {"!": "i", "@": "a", "$": "s", "€": "e", "|": "i"}

# Words worth unmasking when a sign, a leading digit or a star hides a letter (1vory, t!ger, iv*ry).
_WATCHED = """
    ivory ivories tusk tusks rhino rhinos rhinoceros horn horns tiger tigers tigre tigres elephant elephants
    bone bones skin skins pelt pelts tooth teeth fang fangs claw claws paw paws netsuke okimono scrimshaw powder carved
    carving ivoire defense corne elfenbein nashorn nashornhorn stosszahn tigerfell tigerknochen marfil colmillo
    cuerno rinoceronte marfim chifre presa avorio corno zanna gading gajah badak cula harimau taring tulang kulit
    ndovu pembe faru kifaru xiangya xijiao hugu
"""
WATCH_WORDS = frozenset(_WATCHED.split())

# Words that spell something else backwards ("niks" is Dutch for nothing) are left out.
REVERSED_WORDS = {
    word[::-1]: word
    for word in sorted(WATCH_WORDS)
    if len(word) >= 4 and word[::-1] not in {*WATCH_WORDS, "niks", "alit"}
}
"""Watched words written backwards -> the word."""

# Pictures that sellers put in place of the word.
PICTURES = {
    "🐘": "elephant", "🦣": "mammoth", "🦏": "rhino", "🐅": "tiger", "🐯": "tiger", "🦷": "tooth", "🦴": "bone", "🍶": "wine",
}  # fmt: skip
