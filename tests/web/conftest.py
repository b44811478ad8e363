"""A seeded data folder and a browser of our own that calls the application without a network."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette

from web.app import WebSettings, make_app


def load_seed() -> ModuleType:
    name = "tuskwatch_web_seed"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / "seed.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def location(self) -> str:
        return self.headers.get("location", "")


@dataclass
class Browser:
    """Sends what a browser would send; keeps cookies. A failure inside the application is raised, not hidden."""

    app: Starlette
    cookies: dict[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1:8000"

    def get(
        self,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        query: bytes | None = None,
        may_fail: bool = False,
    ) -> Answer:
        return self.send("GET", path, headers=headers, query=query, may_fail=may_fail)

    def post(
        self, path: str, form: Any = (), *, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        base = {
            "content-type": "application/x-www-form-urlencoded",
            "sec-fetch-site": "same-origin",
            "origin": "null",
        }
        content = urlencode(form, doseq=True).encode() if body is None else body
        return self.send("POST", path, headers=base | (headers or {}), body=content)

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        query: bytes | None = None,
        may_fail: bool = False,
    ) -> Answer:
        bare, _, inline = path.partition("?")
        sent = {"host": self.host} | (headers or {})
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": bare, "raw_path": bare.encode(), "root_path": "",
            "query_string": inline.encode() if query is None else query,
            "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in sent.items() if v is not None],
            "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", 8000),
        }  # fmt: skip
        messages: list[dict[str, Any]] = []

        parts = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not parts:
                await asyncio.Event().wait()  # a browser that stays until it has its answer
            return parts.pop()

        async def send(message: Any) -> None:
            messages.append(message)

        try:
            asyncio.run(self.app(scope, receive, send))
        except ZeroDivisionError:
            # Starlette answers a failure and then raises it, for the server's own log.
            assert may_fail
        pairs = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in messages[0]["headers"]]
        cookies = [value for name, value in pairs if name == "set-cookie"]
        for text in cookies:
            for name, morsel in SimpleCookie(text).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return Answer(
            messages[0]["status"], dict(pairs), cookies, b"".join(m.get("body", b"") for m in messages[1:])
        )

    def sign_in(self, name: str) -> Browser:
        answer = self.post("/signin", {"name": name, "password": load_seed().PASSWORD})
        assert answer.status == 303, answer.text
        return self


@pytest.fixture(scope="session")
def seed() -> ModuleType:
    return load_seed()


@pytest.fixture(scope="session")
def _filled(tmp_path_factory: pytest.TempPathFactory, seed: ModuleType) -> Any:
    return seed.fill(tmp_path_factory.mktemp("data"))


@pytest.fixture
def seeded(_filled: Any, tmp_path: Path, seed: ModuleType) -> Any:
    """A data folder of its own for each test, copied from one that was filled once."""
    folder = tmp_path / "data"
    shutil.copytree(_filled.places.data, folder)
    return seed.Seeded(seed.make_places(folder), _filled.listings, _filled.runs, _filled.report)


@pytest.fixture
def app(seeded: Any, seed: ModuleType) -> Iterator[Starlette]:
    made = make_app(WebSettings(places=seeded.places), clock=lambda: seed.NOW)
    yield made
    made.state.web.engine.dispose()


@pytest.fixture
def make_browser() -> Callable[[Starlette], Browser]:
    return Browser


@pytest.fixture
def stranger(app: Starlette) -> Browser:
    return Browser(app)


@pytest.fixture
def browse(app: Starlette) -> Callable[[str], Browser]:
    """A browser signed in as that person; their name is their role."""
    return lambda name: Browser(app).sign_in(name)
