"""Addresses as pages write them, taken apart without an error whatever they are.

Public names: split_url.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def split_url(url: str) -> SplitResult:
    """As urlsplit; what is no address at all ("http://[x") is all path."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", url, "", "")
