"""The torrc of a real run: pure text, so that a test can read it.

Public names: real_torrc.
"""

from __future__ import annotations

from pathlib import Path


def real_torrc(folder: Path, *, socks_port: int | None, owner: int) -> str:
    """The settings of a Tor that Tuskwatch starts in `folder` for the process `owner`.

    SocksPort: on loopback; streams with different names and passwords never share a circuit (IsolateSOCKSAuth); a
    circuit lives as long as its session uses it, not ten minutes (KeepAliveIsolateSOCKSAuth, as Tor Browser has it): sites
    tie cookies to circuits; replies tell why an onion could not be reached (ExtendedErrors); nothing but onions is ever connected to (OnionTrafficOnly),
    so that even a fault of ours reaches no exit. Tor ends when its owner ends.
    No option here makes Tor weaker than its defaults: guards, padding and vanguards stay as Tor sets them.
    """
    port = "auto" if socks_port is None else str(socks_port)
    lines = [
        "# Written by Tuskwatch at each start; changes are lost.",
        f"DataDirectory {_quote(folder / 'data')}",
        f"SocksPort 127.0.0.1:{port} IsolateSOCKSAuth KeepAliveIsolateSOCKSAuth ExtendedErrors OnionTrafficOnly",
        "ControlPort 127.0.0.1:auto",
        f"ControlPortWriteToFile {_quote(folder / 'control_port')}",
        "CookieAuthentication 1",
        f"CookieAuthFile {_quote(folder / 'control_cookie')}",
        "ClientOnly 1",
        "AvoidDiskWrites 1",
        "SafeLogging 1",
        f"Log notice file {(folder / 'tor.log').resolve()}",  # the one option whose file is not quoted
        "Log notice stdout",
        f"__OwningControllerProcess {owner}",
    ]
    return "\n".join(lines) + "\n"


def _quote(path: Path) -> str:
    text = str(path.resolve()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
