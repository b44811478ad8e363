"""Looks at the file of notices without sending anything: are its secrets and keys there, and who is told what?

Public names: ChannelView, check_channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from jobs.need import KINDS
from jobs.noticemail import encrypt_text, read_keys
from jobs.noticesettings import Feed, Mail, NoticeError, Webhook, read_secret, read_settings, read_token
from jobs.noticewire import WireError, make_context
from jobs.places import Places


@dataclass(frozen=True)
class ChannelView:
    """One channel as it is set up; problem: why it could not send, "" when all is there."""

    name: str
    to: str
    told: tuple[str, ...]
    not_told: tuple[str, ...]
    allow: tuple[str, ...]
    problem: str = ""


def check_channels(places: Places, *, now: datetime) -> list[ChannelView]:
    """The channels by name; none when there is no file. A file that is wrong is one line that says so."""
    try:
        settings = read_settings(places)
    except NoticeError as exc:
        return [ChannelView("notices.yml", "", (), (), (), str(exc))]
    return [
        _view(name, channel, now=now)
        for name, channel in (settings.channels if settings is not None else {}).items()
    ]


def _view(name: str, channel: Mail | Webhook | Feed, *, now: datetime) -> ChannelView:
    told = tuple(kind for kind in KINDS if channel.tells(kind))
    try:
        to, problem = _look(channel, now=now), ""
    except (NoticeError, WireError) as exc:
        to, problem = "", str(exc)
    return ChannelView(
        name, to, told, tuple(kind for kind in KINDS if kind not in told), channel.allow, problem
    )


def _look(channel: Mail | Webhook | Feed, *, now: datetime) -> str:
    if isinstance(channel, Feed):
        return "/needs.atom, " + ("with a token" if read_token(channel) else "signed in")
    make_context(channel.ca_file)
    if isinstance(channel, Webhook):
        read_secret(channel.secret, channel.secret_file)
        # Not the whole address: its path is often the secret.
        return urlsplit(channel.url).hostname or ""
    read_secret(channel.password, channel.password_file)
    keys = read_keys(channel.pgp_keys, now=now)
    if keys:
        encrypt_text(b"trial", keys)
    return ", ".join(channel.to) + (f" (encrypted, {len(keys)} keys)" if keys else "")
