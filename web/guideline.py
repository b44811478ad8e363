"""Guideline: what a reviewer is asked, in plain words; its version stands in every verdict.

Public names: VERSION, GROUPS, KINDS, FORMS, POLICY.

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
    ("wanted", "wanted"),
    ("discussion", "discussion, news or question"),
    ("feedback", "feedback on a past sale"),
    ("scam report", "scam report"),
    ("replica", "replica: declared fake, resin, bone"),
    ("substitute", "substitute: mammoth, tagua, hippo …"),
    ("legal antique", "legal antique: date and paper stated"),
    ("decoy", "decoy: only the word"),
)

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
            "Which of the three groups does this ad concern as real animal material? Mark each one; an ad may have several.",
            "Mark a group only for what the ad says it offers, seeks or speaks of, not for what the seller may also have.",
            "“None of them” means that you read it and no group applies. It is an answer, not a skip.",
        ),
    ),
    (
        "Mark it",
        (
            "A declared “antique”, “pre-ban” or “estate” piece without paper: offer, mark the group.",
            "A probable scam is still an offer; say so in the note.",
            "Ivory sold as “ox bone”, “resin” or “mammoth” where the price or the description gives it away: mark ivory.",
            "Someone looking to buy: mark the group, kind “wanted”.",
        ),
    ),
    (
        "None of them",
        (
            "The word is only a colour, brand, strain, place or name (Ivory Wave, White Rhino, Tiger Balm): kind “decoy”.",
            "A declared replica, or mammoth, hippo, walrus, tagua: kind “replica” or “substitute”.",
            "Other wildlife (pangolin, bear, leopard, hornbill, lion): none of them, and name it in the note.",
            "A live tiger, elephant hair or skin, rhino hide: other wildlife.",
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
