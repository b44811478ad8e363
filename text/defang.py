"""Addresses as nobody's program turns them into a link.

Public names: defang, defang_text.
"""

from __future__ import annotations

import re

_SCHEME = re.compile(r"http(?=s?://)", re.IGNORECASE)
_ONION = re.compile(r"\.(?=onion(?![a-z0-9-]))", re.IGNORECASE)


def defang_text(text: str) -> str:
    """A line with the addresses in it defanged, those without a scheme too: Host: abc[.]onion."""
    return _ONION.sub("[.]", _SCHEME.sub(lambda found: found[0][0] + "xx" + found[0][3], text))


def defang(url: str) -> str:
    """An address that no program turns into a link: hxxp://abc[.]onion/p/1, or abc[.]onion without a scheme."""
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    if not mark:
        return defang_text(url)
    return f"{scheme.replace('tt', 'xx')}://{host.replace('.', '[.]')}{slash}{defang_text(path)}"
