"""TorBot's own crawler (its LinkTree, with its classifier, as `torbot -u URL --depth 2` runs it): `torbot_tree.py URL SOCKS _`.

It is ended after a while by the caller, which counts the pages that the site served.
"""

from __future__ import annotations

import sys

import httpx
from torbot.modules.linktree import LinkTree

URL, SOCKS = sys.argv[1], sys.argv[2]
with httpx.Client(timeout=60, proxy=f"socks5://{SOCKS}", follow_redirects=True, trust_env=False) as client:
    LinkTree(url=URL, depth=2, client=client).load()
