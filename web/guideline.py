"""Guideline: what a reviewer is asked, in plain words; its version stands in every verdict.

Public names: VERSION, GROUPS, KINDS, OFFERS, FORMS, POLICY, say_kind.

Change a word of the policy, and VERSION changes with it: verdicts given under different rules must stay tellable apart.
"""

from __future__ import annotations

VERSION = "2026-11"

GROUPS: tuple[tuple[str, str], ...] = (
    ("ivory", "Elephant ivory: tusk, carving, jewellery, piece, powder"),
    ("rhino_horn", "Rhino horn: whole, piece, powder, cup, medicine"),
    ("tiger", "Tiger: skin, bone, tooth, claw, wine, glue"),
)

KINDS: tuple[tuple[str, str], ...] = (
    ("offer", "offer"),
    ("wanted", "wanted: looks to buy"),
    ("discussion", "discussion or question"),
    ("news", "news"),
    ("feedback", "feedback on a past sale"),
    ("scam_report", "scam report"),
    ("replica", "replica: declared fake, resin, bone"),
    ("substitute", "substitute: mammoth, tagua, hippo …"),
    ("legal_antique", "legal antique: date and paper stated"),
    ("other_wildlife", "other wildlife"),
    ("decoy", "decoy: only the word"),
    ("everyday", "everyday goods"),
)
"""(as stored, as said): the same kinds as those of the training texts, so that verdicts can become training texts."""

OFFERS = ("", "offer")
"""Kinds that may carry a group: a group in a verdict counts as an ad that offers it."""

FORMS: tuple[str, ...] = (
    "raw or whole",
    "piece or slice",
    "carving",
    "jewellery or beads",
    "household object",
    "cup or vessel",
    "powder or shavings",
    "medicine",
    "skin or rug",
    "bone or skull",
    "tooth or claw",
    "wine",
    "glue or paste",
    "trophy or mount",
    "other",
)

POLICY: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "What is asked",
        (
            "Which of the three groups does this ad offer, as real animal material? Mark each one; it may be several.",
            "Mark a group only for what this ad offers, not for what the seller may also have.",
            "“None of them” means that you read it and it offers no group. It is an answer, not a skip.",
        ),
    ),
    (
        "Mark it",
        (
            "A declared “antique”, “pre-ban” or “estate” piece without paper: an offer, mark the group.",
            "A probable scam is still an offer; say so in the note.",
            "Ivory sold as “ox bone”, “resin” or “mammoth” where the price or the description gives it away: mark ivory.",
        ),
    ),
    (
        "None of them, and choose the kind",
        (
            "Someone looking to buy: “wanted”. Talk, news, feedback, warnings: their own kinds.",
            "The word is only a colour, brand, strain, place or name (Ivory Wave, White Rhino, Tiger Balm): “decoy”.",
            "A declared replica: “replica”. Mammoth, hippo, walrus, tagua: “substitute”. Date and paper stated: “legal antique”.",
            "Pangolin, bear, leopard, hornbill, lion, a live tiger, elephant hair or skin, rhino hide: “other wildlife”; "
            "name it in the note.",
        ),
    ),
    (
        "Mind",
        (
            "The score is a lead, never an answer: read the text before you look at the number.",
            "A flag or a verdict is not a finding of guilt. It says what an ad says.",
        ),
    ),
)


def say_kind(kind: str) -> str:
    """A stored kind as said on the screen, without its explanation."""
    return dict(KINDS).get(kind, kind).split(":")[0]
