"""Seals what a person entrusts to us (account names, cookies) with an age key that lies outside the data folder.

Public names: Vault, VaultError, make_key, MAX_NAME.

The key file is what `age-keygen` writes, so that the `age` command opens what is sealed here, with no help of ours.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import stat
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Any

from pyrage import (
    DecryptError,
    EncryptError,
    IdentityError,
    decrypt,
    encrypt,
    x25519,
)

from crawler.errors import VaultError

__all__ = ["MAX_NAME", "Vault", "VaultError", "make_key"]

MAX_KEY_FILE = 10_000
MAX_PLAIN = 256 * 1024
MAX_SEALED = 512 * 1024
MAX_NAME = 100
"""Characters of an account's name."""
_BEGIN = b"age-encryption.org/v1\n"
_PURPOSE = b"tuskwatch account keys 1"


def make_key(path: Path, *, data: Path, now: datetime) -> bool:
    """Make the key file (mode 600) when there is none; was it made? VaultError when it would lie in the data folder."""
    _check_place(path, data)
    if os.path.lexists(path):
        Vault(path, data=data).check()
        return False
    identity = x25519.Identity.generate()
    text = (
        f"# created: {now.isoformat(timespec='seconds')}\n# public key: {identity.to_public()}\n{identity}\n"
    )
    # Whole before it has its name: another command that comes at the same time finds no half key.
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        finally:
            draft.unlink()
    except OSError as exc:
        if path.is_file():
            # The other command was first.
            Vault(path, data=data).check()
            return False
        raise VaultError(
            f"The key file {path} cannot be made: {exc.strerror}. Name another place with TUSKWATCH_KEY_FILE."
        ) from exc
    return True


class Vault:
    """Seals and unseals with the key in `key_file`; the file is read when it is first needed.

    data: the data folder, when it is known: a key file inside it is refused, for it would travel with every backup.
    """

    def __init__(self, key_file: Path, *, data: Path | None = None) -> None:
        self._path = key_file
        self._data = data
        self._identity: x25519.Identity | None = None

    def check(self) -> None:
        """Raise VaultError, with the next step, unless the key file can be used."""
        self._open()

    def seal(self, data: dict[str, Any]) -> bytes:
        """An age file with these values, which must be what JSON knows."""
        plain = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        if len(plain) > MAX_PLAIN:
            raise VaultError(f"This is too much for one session: {len(plain):,} bytes of {MAX_PLAIN:,}.")
        try:
            sealed: bytes = encrypt(plain, [self._open().to_public()])
        except EncryptError as exc:
            raise VaultError(f"The session could not be sealed with {self._path}: {exc}.") from exc
        return sealed

    def unseal(self, blob: bytes) -> dict[str, Any]:
        """The values that were sealed. VaultError for anything that this key did not seal."""
        again = 'Open the session again: "tuskwatch session open SITE".'
        if not blob.startswith(_BEGIN) or len(blob) > MAX_SEALED:
            raise VaultError(f"What is stored is no sealed session. {again}")
        try:
            plain: bytes = decrypt(blob, [self._open()])
        except DecryptError as exc:
            raise VaultError(
                f"The stored session cannot be opened with the key file {self._path}: it is damaged, or was sealed "
                f"with another key. {again}"
            ) from exc
        try:
            values = json.loads(plain)
        except (ValueError, RecursionError) as exc:
            raise VaultError(f"The stored session cannot be read. {again}") from exc
        if not isinstance(values, dict):
            raise VaultError(f"The stored session cannot be read. {again}")
        return values

    def account_key(self, name: str) -> str:
        """What an account is called in the database: a keyed hash, 64 hex digits; "" for no account.

        Without the key nobody can even try a list of names on it.
        """
        if not name:
            return ""
        folded = unicodedata.normalize("NFC", name.strip())
        if not folded or len(folded) > MAX_NAME or not folded.isprintable():
            raise VaultError(f"An account's name has 1 to {MAX_NAME} characters, all of them printable.")
        secret = hmac.new(str(self._open()).encode(), _PURPOSE, hashlib.sha256).digest()
        return hmac.new(secret, folded.encode(), hashlib.sha256).hexdigest()

    def _open(self) -> x25519.Identity:
        if self._identity is None:
            if self._data is not None:
                _check_place(self._path, self._data)
            self._identity = _read_identity(self._path)
        return self._identity


def _check_place(path: Path, data: Path) -> None:
    if not path.is_absolute():
        raise VaultError(f"TUSKWATCH_KEY_FILE must be a whole path that begins with /, not {path}.")
    if path.resolve().is_relative_to(data.resolve()):
        raise VaultError(
            f"The key file {path} lies in the data folder {data}: who gets a backup of it could open the sessions. "
            "Move the file elsewhere and name the new place with TUSKWATCH_KEY_FILE."
        )


def _read_identity(path: Path) -> x25519.Identity:
    try:
        # O_NONBLOCK: a FIFO in its place must not hold the run for ever.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as exc:
        raise VaultError(
            f"There is no key file {path}. If there was one, put it back, or set TUSKWATCH_KEY_FILE to where it is. "
            'Else "tuskwatch session open SITE" makes a new one; sessions sealed before are then lost.'
        ) from exc
    except OSError as exc:
        if path.is_symlink():
            raise VaultError(
                f"The key file {path} is a link. Name the file itself with TUSKWATCH_KEY_FILE."
            ) from exc
        raise VaultError(
            f"The key file {path} cannot be read: {exc.strerror}. Check who may use it."
        ) from exc
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise VaultError(f"The key file {path} is no file. Remove what is there, or put the key back.")
    with os.fdopen(handle, "rb") as file:
        if status.st_uid not in (os.geteuid(), 0):
            raise VaultError(
                f"The key file {path} belongs to somebody else. Make it yours, or use one of your own."
            )
        if status.st_mode & 0o077:
            raise VaultError(
                f"The key file {path} can be read or written by others. Close it: chmod 600 {path}"
            )
        text = file.read(MAX_KEY_FILE + 1)
    lines = [line.strip() for line in text.splitlines()]
    secrets = [line for line in lines if line and not line.startswith(b"#")]
    wrong = VaultError(
        f"The key file {path} is not what age-keygen writes: one line AGE-SECRET-KEY-1... and comments. "
        "Put the right file back, or remove it: then a new one is made, and sessions sealed before are lost."
    )
    if len(text) > MAX_KEY_FILE or len(secrets) != 1:
        raise wrong
    try:
        return x25519.Identity.from_str(secrets[0].decode("ascii"))
    except (IdentityError, UnicodeDecodeError):
        # Not chained: the reason would show the line.
        raise wrong from None
