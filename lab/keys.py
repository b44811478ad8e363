"""The authority's keys, made anew for each network: make_authority_keys."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from lab.errors import LabError
from lab.processes import start_child

_INSTALL = "Install it (Debian: apt-get install tor) and start the lab again."


def find_programs() -> tuple[str, str]:
    """Where tor and tor-gencert are; LabError in plain words when one is missing."""
    found = []
    for name in ("tor", "tor-gencert"):
        path = shutil.which(name) or shutil.which(
            name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
        )
        if path is None:
            raise LabError(f"The program {name} is not on this machine. {_INSTALL}")
        found.append(path)
    return found[0], found[1]


def make_authority_keys(data: Path, *, port: int, directory: int) -> tuple[str, str]:
    """Make the authority's keys in its data folder; its v3 identity and its relay fingerprint.

    The two programs run side by side: each takes about half a second of prime search.
    """
    tor, gencert = find_programs()
    keys = data / "keys"
    keys.mkdir(mode=0o700, exist_ok=True)
    log = data.parent / "keys.log"
    empty = data.parent / "empty-torrc"
    empty.touch()
    passphrase = data.parent / "passphrase"
    passphrase.write_text("lab\n", encoding="ascii")
    # tor-gencert asks the terminal for a passphrase unless it is given a descriptor: a shell opens the file as 3.
    certificate = [
        "/bin/sh", "-c", 'exec 3<"$1"; shift; exec "$@"', "sh", str(passphrase), gencert, "--create-identity-key",
        "--passphrase-fd", "3", "-m", "12", "-a", f"127.0.0.1:{directory}",
        "-i", str(keys / "authority_identity_key"), "-s", str(keys / "authority_signing_key"),
        "-c", str(keys / "authority_certificate"),
    ]  # fmt: skip
    fingerprint = [
        tor, "-f", str(empty), "--defaults-torrc", str(empty), "--quiet", "--list-fingerprint",
        "--DataDirectory", str(data), "--Nickname", "authority", "--ORPort", f"127.0.0.1:{port}",
        "--Address", "127.0.0.1", "--SocksPort", "0", "--ExitRelay", "0",
    ]  # fmt: skip
    children = [start_child(certificate, log=log), start_child(fingerprint, log=log)]
    try:
        codes = [child.wait(timeout=30) for child in children]
    except subprocess.TimeoutExpired as exc:
        raise LabError(
            "Making the authority's keys took over 30 s. Is the machine overloaded? Try again."
        ) from exc
    finally:
        for child in children:
            if child.poll() is None:
                child.kill()
                child.wait()
    try:
        text = (keys / "authority_certificate").read_text(encoding="ascii")
        identity = re.search(r"^fingerprint ([0-9A-F]{40})$", text, re.MULTILINE)
        print_ = re.search(r"([0-9A-F]{40})\s*$", (data / "fingerprint").read_text(encoding="ascii"))
    except OSError as exc:
        raise LabError(f"tor made no keys (exit codes {codes}): {_tail(log)}") from exc
    if identity is None or print_ is None:
        raise LabError(f"tor's keys could not be read (exit codes {codes}): {_tail(log)}")
    return identity[1], print_[1]


def _tail(log: Path) -> str:
    try:
        return log.read_text(encoding="utf-8", errors="replace")[-500:].strip() or "it printed nothing"
    except OSError:
        return "it printed nothing"
