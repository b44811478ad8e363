"""What `<data>/notices.yml` says: who is told what, by mail, webhook or feed, and from when on something needs a person.

Public names: NoticeSettings, Mail, Webhook, Feed, Limits, Quiet, NoticeError, CHANNELS, ALLOW, read_settings, find_limits,
read_secret, read_token.
"""

from __future__ import annotations

import re
import stat
from datetime import time
from email.errors import HeaderParseError, MessageError
from email.headerregistry import Address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from crawler.errors import SiteError
from crawler.yamlfile import read_model, read_node
from jobs.errors import UsageError
from jobs.need import KINDS
from jobs.places import Places

FILE = "notices.yml"
CHANNELS = ("mail", "webhook", "feed")
ALLOW = ("site_names", "machines", "ad_text", "addresses", "accounts")
LOOPBACK = re.compile(r"127(?:\.\d{1,3}){3}|localhost|::1|\[::1\]")
TOKEN = re.compile(r"[A-Za-z0-9_-]{24,200}")
_GUESSED = "is 24 to 200 letters, digits, - and _ that nobody guesses (openssl rand -hex 24)"
_MAX_FILE = 64 * 1024
_MAX_SECRET = 4_096


class NoticeError(UsageError):
    """notices.yml is wrong; the text names file, line and field."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(_Part):
    """From when on something needs a person."""

    review_days: Annotated[int, Field(ge=1, le=365)] = 7
    silent_days: Annotated[int, Field(ge=1, le=365)] = 7
    session_hours: Annotated[int, Field(ge=1, le=720)] = 24
    disk_gb: Annotated[int, Field(ge=1, le=10_000)] = 5


class Quiet(_Part):
    """Hours in which only what is urgent is sent, or nothing (urgent: wait)."""

    begin: Annotated[str, Field(alias="from")]
    end: Annotated[str, Field(alias="to")]
    tz: str = "UTC"
    urgent: Literal["send", "wait"] = "send"

    @field_validator("begin", "end")
    @classmethod
    def _is_time(cls, value: str) -> str:
        if not re.fullmatch(r"(?:[01]\d|2[0-3]):[0-5]\d", value):
            raise ValueError(f'{value!r} is no time of a day: write it in quotes, as "22:00"')
        return value

    @field_validator("tz")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise ValueError(
                f"{value!r} is not the name of a time zone. Asia/Singapore and UTC are such names"
            ) from exc

    @property
    def hours(self) -> tuple[time, time]:
        return time.fromisoformat(self.begin), time.fromisoformat(self.end)


class _Channel(_Part):
    kinds: dict[str, bool | Literal["on", "off"]] = {}
    allow: tuple[Literal["site_names", "machines", "ad_text", "addresses", "accounts"], ...] = ()

    @field_validator("kinds")
    @classmethod
    def _are_kinds(
        cls, value: dict[str, bool | Literal["on", "off"]]
    ) -> dict[str, bool | Literal["on", "off"]]:
        unknown = sorted(value.keys() - KINDS.keys())
        if unknown:
            raise ValueError(f"there is no kind {unknown[0]!r}. Known: {', '.join(KINDS)}")
        return value

    def tells(self, kind: str) -> bool:
        """Is this kind told by this channel?"""
        return self.kinds.get(kind, KINDS[kind].on) in (True, "on")


class _Sent(_Channel):
    every: Annotated[int, Field(ge=1, le=10_080)] = 30
    quiet: Quiet | None = None
    proxy: str = ""

    @field_validator("proxy")
    @classmethod
    def _is_proxy(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if value in ("", "tor") or (LOOPBACK.fullmatch(host) and port.isdigit() and 0 < int(port) < 65536):
            return value
        raise ValueError('is "tor", or the SOCKS port of a Tor on this machine, as 127.0.0.1:9150')


class Mail(_Sent):
    """Mail by SMTP. pgp_keys: files with the public keys of all who get it; then nothing is sent in clear."""

    server: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:\[\]-]{1,253}$")]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: Path | None = None
    user: str = ""
    password: Annotated[str, Field(repr=False)] = ""
    password_file: Path | None = None
    sender: Annotated[str, Field(alias="from")]
    to: Annotated[tuple[str, ...], Field(min_length=1, max_length=50)]
    pgp_keys: tuple[Path, ...] = ()

    @field_validator("sender", "to")
    @classmethod
    def _are_addresses(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for each in (value,) if isinstance(value, str) else value:
            try:
                right = (
                    bool(Address(addr_spec=each).domain)
                    and each.isascii()
                    and each.isprintable()
                    and " " not in each
                )
            except (MessageError, HeaderParseError, IndexError, ValueError):
                right = False
            if not right:
                raise ValueError(
                    f"{each!r} is no mail address. Write it as name@example.org, without a name before it"
                )
        return value

    def find_fault(self) -> str:
        """What does not fit together, with the field it is about; "" when all does."""
        if self.security == "none" and not LOOPBACK.fullmatch(self.server):
            return "security: none is for a mail server on this machine only. Use starttls or tls"
        if bool(self.user) != bool(self.password or self.password_file):
            return "user: a user and a password (or password_file) belong together"
        return (
            "password: name it here or in password_file, not both"
            if self.password and self.password_file
            else ""
        )


class Webhook(_Sent):
    """A POST of JSON. With a secret the header X-Tuskwatch-Signature proves who sent it."""

    url: Annotated[str, Field(max_length=2_000)]
    secret: Annotated[str, Field(repr=False)] = ""
    secret_file: Path | None = None
    ca_file: Path | None = None
    every: Annotated[int, Field(ge=1, le=10_080)] = 1

    @field_validator("url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            host, port = parts.hostname or "", parts.port
        except ValueError as exc:
            raise ValueError(f"is no address of the web ({exc})") from exc
        if (
            not value.isascii()
            or not value.isprintable()
            or " " in value
            or not host
            or port == 0
            or parts.username is not None
        ):
            raise ValueError(
                "is no address of the web that can be asked: https://host/path, without user and password"
            )
        if parts.scheme != "https" and not (parts.scheme == "http" and LOOPBACK.fullmatch(host)):
            raise ValueError("must begin with https:// (http:// is for this machine, 127.0.0.1, only)")
        return value

    def find_fault(self) -> str:
        """What does not fit together, with the field it is about; "" when all does."""
        return "secret: name it here or in secret_file, not both" if self.secret and self.secret_file else ""


class Feed(_Channel):
    """An Atom feed at /needs.atom, for people who are signed in, and for readers that know the token."""

    token: Annotated[str, Field(repr=False)] = ""
    token_file: Path | None = None

    def find_fault(self) -> str:
        """What does not fit together, with the field it is about; "" when all does."""
        if self.token and not TOKEN.fullmatch(self.token):
            return f"token: {_GUESSED}"
        return "token: name it here or in token_file, not both" if self.token and self.token_file else ""


class NoticeSettings(_Part):
    """The whole file."""

    needs: Limits = Limits()
    mail: Mail | None = None
    webhook: Webhook | None = None
    feed: Feed | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> NoticeSettings:
        for name, channel in self.channels.items():
            if fault := channel.find_fault():
                raise ValueError(f"{name}.{fault}")
        return self

    @property
    def channels(self) -> dict[str, Mail | Webhook | Feed]:
        """Those that are set up, by name."""
        found = {"mail": self.mail, "webhook": self.webhook, "feed": self.feed}
        return {name: channel for name, channel in found.items() if channel is not None}


def read_settings(places: Places) -> NoticeSettings | None:
    """What the file says; None without a file: then nobody is told anything. NoticeError when it is wrong."""
    path = places.data / FILE
    try:
        mode = path.stat().st_mode
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise NoticeError(f"{path}: cannot be read ({exc.strerror})") from exc
    if stat.S_IMODE(mode) & 0o077:
        raise NoticeError(
            f"{path}: others on this machine can open it (mode {stat.S_IMODE(mode):o}), and it may hold a password. Type: chmod 600 {path}"
        )
    try:
        node, values = read_node(path, text, max_size=_MAX_FILE)
        return read_model(path, node, values if values is not None else {}, NoticeSettings)
    except SiteError as exc:
        raise NoticeError(str(exc)) from exc  # says which field is wrong, never what stands there


def find_limits(places: Places) -> tuple[Limits, str]:
    """(from when on something needs a person, what is wrong with the file); the usual limits when it is wrong."""
    try:
        settings = read_settings(places)
    except NoticeError as exc:
        return Limits(), str(exc)
    return (settings.needs if settings is not None else Limits()), ""


def read_secret(value: str, file: Path | None) -> str:
    """A password, secret or token: as it stands, or the first line of its file. NoticeError when that cannot be read."""
    if file is None:
        return value
    path = file.expanduser()
    try:
        mode, text = path.stat().st_mode, path.read_bytes()
    except OSError as exc:
        raise NoticeError(f"{path}: cannot be read ({exc.strerror}); {FILE} names it") from exc
    if stat.S_IMODE(mode) & 0o077:
        raise NoticeError(f"{path}: others on this machine can open it. Type: chmod 600 {path}")
    lines = text[:_MAX_SECRET].decode("utf-8", "replace").splitlines()
    if not lines or not lines[0].strip():
        raise NoticeError(f"{path}: is empty, and {FILE} takes a password, secret or token from it")
    return lines[0].strip()


def read_token(feed: Feed) -> str:
    """The token of the feed; "" where only people who are signed in may read it."""
    token = read_secret(feed.token, feed.token_file)
    if token and not TOKEN.fullmatch(token):
        raise NoticeError(f"{feed.token_file}: {_GUESSED}")
    return token
