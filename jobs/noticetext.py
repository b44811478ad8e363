"""What leaves this machine about a need: its kind and numbers, and no more than the settings allow.

Public names: tell_need, tell_event, guard_text, name_subject, Allow.

Titles, messages and names may come from a site or name a person. They are left out unless the channel allows them; whatever is
sent is one line without control characters, and its addresses are hidden unless those are allowed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from jobs.need import KINDS, Need

MAX_TEXT = 500
_NUMBERED = re.compile(r"(?:run|site|session|schedule|report) \d+")
_OF_SITE = re.compile(r"(?:drift|mirrors|issue [\w-]{1,40}) of (site [1-9]\d*)")
_NAMELESS = {
    "worker": "a worker",
    "disk": "a machine",
    "clock": "a machine",
    "channel": "a channel",
    "site file": "a site",
}
_DOT = r"\s{0,3}[\[({<]{0,2}\s{0,3}(?:\.|dot|d0t|\u3002|\uff0e|\u2024)\s{0,3}[\])}>]{0,2}\s{0,3}"
_ONION = re.compile(rf"(?:\w+://)?(?:[\w-]+\.)*[a-z2-7]{{8,}}{_DOT}onion\b(?:[:/]\S*)?", re.IGNORECASE)
_LONG = re.compile(r"[a-z2-7]{40,}", re.IGNORECASE)
"""An onion without its ending."""
_URL = re.compile(r"\b(?:h[tx]{2}ps?|ftp|wss?)\b\s?\S{0,3}//\S+", re.IGNORECASE)
HIDDEN = "(address)"

Allow = Collection[str]


def tell_need(need: Need, *, allow: Allow) -> str:
    """One line about a need, for people outside of this machine."""
    text = f"{_say_subject(need, allow)} {KINDS[need.kind].told}"
    if need.kind == "review":
        text = (
            f"{need.count:,} flagged ads wait for a verdict"
            if need.count != 1
            else "a flagged ad waits for a verdict"
        )
    elif need.count > 1 and need.kind in ("mirror", "drift", "notice", "issue"):
        text += f" ({need.count:,})"
    if "addresses" in allow and need.onions:
        text += ": " + ", ".join(onion.replace(".", "[.]") for onion in need.onions)
    if "accounts" in allow and need.people:
        text += f" (by {need.people})"
    # What a site wrote may hold names as well as words: it goes out only where both may.
    if "accounts" in allow and "ad_text" in allow and need.message:
        text += f": {need.message}"
    return guard_text(text, allow=allow)


def tell_event(kind: str, subject: str, *, site: str, site_id: int | None, allow: Allow) -> str:
    """One line about something that came to be: a report that is ready, a run that is done."""
    return guard_text(f"{subject}{_of_site(subject, site, site_id, allow)} {KINDS[kind].told}", allow=allow)


def name_subject(subject: str) -> str:
    """The run, site, session, schedule or report that it is about, as a number that says nothing outside, else ""."""
    found = _OF_SITE.fullmatch(subject)
    return found[1] if found else subject if _NUMBERED.fullmatch(subject) else ""


def guard_text(text: str, *, allow: Allow) -> str:
    """One line that no mail header, terminal or table can be driven by; without addresses unless they are allowed."""
    shown = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    if "addresses" not in allow:
        # What is hidden by look-alike letters is looked for as what it looks like.
        plain = unicodedata.normalize("NFKC", shown)
        if plain != shown and (_ONION.search(plain) or _LONG.search(plain) or _URL.search(plain)):
            shown = plain
        for pattern in (_URL, _ONION, _LONG):
            shown = pattern.sub(HIDDEN, shown)
    shown = " ".join(shown.split())
    return shown if len(shown) <= MAX_TEXT else shown[: MAX_TEXT - 1].rstrip() + "…"


def _say_subject(need: Need, allow: Allow) -> str:
    if _NUMBERED.fullmatch(need.subject):
        return need.subject + _of_site(need.subject, need.site, need.site_id, allow)
    if need.site_id is not None or need.site:
        named = f" ({need.site})" if "site_names" in allow and need.site else ""
        return (f"site {need.site_id}" if need.site_id is not None else "a site") + named
    word = next((word for word in _NAMELESS if need.subject.startswith(word + " ")), "")
    if word in ("worker", "disk", "clock") and "machines" in allow:
        return need.subject
    return _NAMELESS.get(
        word, {"workers": "the fleet", "notices.yml": "the file of notices"}.get(need.subject, "Tuskwatch")
    )


def _of_site(subject: str, site: str, site_id: int | None, allow: Allow) -> str:
    named = f" ({site})" if "site_names" in allow and site else ""
    if site_id is None or subject.startswith("site "):
        return named
    return f" of site {site_id}{named}"
