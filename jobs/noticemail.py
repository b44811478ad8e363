"""Notices by mail: one letter for all that is due, in clear or encrypted, handed to an SMTP server.

Public names: write_mail, send_mail, read_keys, encrypt_text.

Where a PGP key is set, nothing is ever sent in clear: what cannot be encrypted is not sent.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from pysequoia import Cert, encrypt
from pysequoia.packet import PacketPile, Tag

from jobs.noticesettings import Mail, read_secret
from jobs.noticewire import Route, WireError, deadline, make_context, open_socket

POLICY = SMTP.clone(cte_type="7bit")
"""Not every server takes more than ASCII."""
_MAX_ANSWER = 256 * 1024
_MAX_KEY = 1_000_000


def write_mail(mail: Mail, *, subject: str, text: str, message_id: str, now: datetime) -> EmailMessage:
    """The letter as it goes out; encrypted as RFC 3156 says where keys are set. WireError when that cannot be."""
    letter = EmailMessage(policy=POLICY)
    letter["From"] = mail.sender
    letter["To"] = ", ".join(mail.to)
    letter["Date"] = format_datetime(now)
    letter["Message-ID"] = f"<{message_id}@{mail.sender.rpartition('@')[2]}>"
    letter["Auto-Submitted"] = "auto-generated"
    if not mail.pgp_keys:
        letter["Subject"] = subject
        letter.set_content(text)
        return letter
    letter["Subject"] = "Tuskwatch"  # the subject is not encrypted, so it says nothing
    inner = EmailMessage(policy=POLICY)
    inner.set_content(f"{subject}\n\n{text}")
    del inner["MIME-Version"]
    sealed = encrypt_text(inner.as_bytes(), read_keys(mail.pgp_keys, now=now))
    letter["Content-Type"] = 'multipart/encrypted; protocol="application/pgp-encrypted"'
    letter["MIME-Version"] = "1.0"
    letter.attach(_make_part("application/pgp-encrypted", b"Version: 1\r\n"))
    letter.attach(_make_part('application/octet-stream; name="encrypted.asc"', sealed))
    return letter


def _make_part(kind: str, content: bytes) -> EmailMessage:
    part = EmailMessage(policy=POLICY)
    part["Content-Type"] = kind
    part["Content-Transfer-Encoding"] = "7bit"
    part.set_payload(content.decode("ascii"))
    return part


def read_keys(paths: Sequence[Path], *, now: datetime) -> list[Cert]:
    """The public keys that mail is encrypted to. WireError names the file that is wrong."""
    keys: list[Cert] = []
    for path in paths:
        try:
            content = path.expanduser().read_bytes()[:_MAX_KEY]
        except OSError as exc:
            raise WireError(f"the key {path} cannot be read ({exc.strerror})") from exc
        if content.count(b"-----BEGIN PGP PUBLIC KEY BLOCK-----") > 1:
            raise WireError(
                f"{path} holds several keys one after the other: write each into a file of its own"
            )
        try:
            found = Cert.split_bytes(content)
            secret = any(
                packet.tag in (Tag.SecretKey, Tag.SecretSubkey) for packet in PacketPile.from_bytes(content)
            )
        except (RuntimeError, ValueError) as exc:
            raise WireError(f"{path} holds no OpenPGP key that can be read") from exc
        if secret:
            raise WireError(
                f"{path} holds a secret key. Export the public one, and keep the secret one elsewhere"
            )
        if not found:
            raise WireError(f"{path} holds no OpenPGP key")
        if any(cert.is_revoked for cert in found):
            raise WireError(f"the key in {path} was revoked by its owner")
        # The library would encrypt to a key that is over.
        if any(cert.expiration is not None and cert.expiration <= now for cert in found):
            raise WireError(f"the key in {path} has expired. Ask its owner for the new one")
        keys += found
    return keys


def encrypt_text(content: bytes, keys: Sequence[Cert]) -> bytes:
    """The content as an armoured PGP message that each of the keys opens. WireError when it cannot be encrypted to all."""
    try:
        sealed = bytes(encrypt(recipients=list(keys), bytes=content)) if keys else b""
    except (RuntimeError, ValueError) as exc:
        raise WireError(f"the mail could not be encrypted, so it was not sent ({str(exc)[:200]})") from exc
    if not sealed.startswith(b"-----BEGIN PGP MESSAGE-----") or not sealed.isascii():
        raise WireError("the mail could not be encrypted, so it was not sent")
    return sealed


def send_mail(mail: Mail, letter: EmailMessage, route: Route) -> str:
    """Hand the letter over; "" or who of several was refused. WireError in words when nobody gets it."""
    password = read_secret(mail.password, mail.password_file)
    context = make_context(mail.ca_file) if mail.security != "none" else None
    client = _Client(mail, route, context)
    try:
        with deadline(route.deadline, lambda: client.sock):
            code, words = client.connect(mail.server.strip("[]"), mail.port)
            if code != 220:
                raise WireError(f"the mail server said {code}: {_say(words)}")
            if mail.security == "starttls":
                client.starttls(context=context)
            if mail.user:
                client.login(mail.user, password)
            refused = client.send_message(letter, mail.sender, list(mail.to))
            # It is delivered by now: what goes wrong with the goodbye is no failure.
            _end(client)
    except smtplib.SMTPRecipientsRefused as exc:
        raise WireError(f"the mail server refused all recipients: {_say_refusals(exc.recipients)}") from exc
    except smtplib.SMTPResponseException as exc:
        raise WireError(f"the mail server said {exc.smtp_code}: {_say(exc.smtp_error)}") from exc
    except ssl.SSLError as exc:
        raise WireError(f"no safe connection to the mail server ({exc.reason or exc})") from exc
    except smtplib.SMTPException as exc:
        raise WireError(f"the mail server could not be used ({str(exc)[:200]})") from exc
    except OSError as exc:
        raise WireError(f"the connection to the mail server broke ({exc.strerror or exc})") from exc
    finally:
        client.close()
    if refused:
        return f"{len(refused)} of {len(mail.to)} recipients were refused: {_say_refusals(refused)}"
    return ""


def _end(client: smtplib.SMTP) -> None:
    try:
        client.quit()
    except (smtplib.SMTPException, OSError):
        return


class _Client(smtplib.SMTP):
    """Says nothing of this machine's name, goes the way it is told, and reads no endless answer."""

    def __init__(self, mail: Mail, route: Route, context: ssl.SSLContext | None) -> None:
        super().__init__(local_hostname="[127.0.0.1]", timeout=route.timeout)
        self._wrap = context if mail.security == "tls" else None
        self._route = route
        self._host = mail.server.strip(
            "[]"
        )  # whose certificate is wanted; smtplib has it only when told in __init__

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        found = open_socket(host, port, self._route)
        return self._wrap.wrap_socket(found, server_hostname=self._host) if self._wrap is not None else found

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Bounded(self.sock.makefile("rb"))
        return super().getreply()


class _Bounded:
    """A file whose lines end after a while."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._left = _MAX_ANSWER

    def readline(self, size: int = -1) -> bytes:
        line: bytes = self._file.readline(size)
        self._left -= len(line)
        if self._left < 0:
            raise OSError("it sent too much")
        return line

    def close(self) -> None:
        self._file.close()


def _say(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]


def _say_refusals(refused: dict[str, tuple[int, bytes]]) -> str:
    code, words = next(iter(refused.values()))
    return f"{code} {_say(words)}"
