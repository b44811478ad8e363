"""Notices by webhook: one POST of JSON, signed where a secret is set; no redirect is followed and no answer is read.

Public names: write_body, sign_body, send_hook, SIGNATURE.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from jobs.noticesettings import Webhook, read_secret
from jobs.noticewire import Route, WireError, deadline, make_context, open_socket

SIGNATURE = "X-Tuskwatch-Signature"


def write_body(values: Mapping[str, Any]) -> bytes:
    """The JSON as it is signed and sent."""
    return json.dumps(values, ensure_ascii=True, separators=(",", ":"), sort_keys=True).encode()


def sign_body(body: bytes, secret: str) -> str:
    """HMAC-SHA256 of the body as it is sent, as "sha256=" and hex digits."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def send_hook(hook: Webhook, body: bytes, *, message_id: str, route: Route) -> None:
    """POST it. WireError in words unless the answer is 2xx."""
    secret = read_secret(hook.secret, hook.secret_file)
    parts = urlsplit(hook.url)
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Tuskwatch",
        "Idempotency-Key": message_id,
        "Connection": "close",
    }
    if secret:
        headers[SIGNATURE] = sign_body(body, secret)
    client = http.client.HTTPConnection(host, parts.port or (443 if secure else 80), timeout=route.timeout)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    live: list[socket.socket] = []
    try:
        with deadline(route.deadline, lambda: live[-1] if live else None):
            context = make_context(hook.ca_file) if secure else None
            live.append(open_socket(host, client.port, route))
            if context is not None:
                live.append(context.wrap_socket(live[0], server_hostname=host))
            client.sock = live[-1]
            client.request("POST", path, body=body, headers=headers)
            status = client.getresponse().status
    except http.client.HTTPException as exc:
        raise WireError(f"the webhook gave no answer that is HTTP ({type(exc).__name__})") from exc
    except OSError as exc:
        raise WireError(f"the connection to the webhook broke ({exc.strerror or exc})") from exc
    finally:
        client.close()
        for each in live:
            each.close()
    if 300 <= status < 400:
        raise WireError(
            f"the webhook answered {status}, a redirect, which is not followed: write its last address into the file"
        )
    if not 200 <= status < 300:
        raise WireError(f"the webhook answered {status}")
