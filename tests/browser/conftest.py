"""A real server on loopback and Debian's chromium, started for these tests."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from web.app import WebSettings, make_app

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def load_seed() -> ModuleType:
    name = "tuskwatch_web_seed"
    if name not in sys.modules:
        path = Path(__file__).parent.parent / "web" / "seed.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def seed() -> ModuleType:
    return load_seed()


# For a module, not the session: while playwright lives, no other test in this process may run an event loop.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    binary = shutil.which("chromium")
    assert binary is not None, "The browser tests need chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def server(tmp_path: Path, seed: ModuleType) -> Iterator[Any]:
    """(address, seeded): a server with a data folder of its own."""
    seeded = seed.fill(tmp_path)
    app = make_app(WebSettings(places=seeded.places), clock=lambda: seed.NOW)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    sockets = [config.bind_socket()]
    sockets[0].listen()  # from here on a browser may knock; it is answered once the server runs
    thread = threading.Thread(target=server.run, kwargs={"sockets": sockets})
    thread.start()
    try:
        yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}", seeded
    finally:
        server.should_exit = True
        thread.join()
        sockets[0].close()


class Visitor:
    """One browser window, which notes every request that leaves for elsewhere and every complaint of the browser."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address = address
        self.page: Page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.elsewhere: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", self._note_request)
        self.page.on("console", self._note_complaint)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note_request(self, request: Any) -> None:
        if not request.url.startswith(self.address + "/"):
            self.elsewhere.append(request.url)

    def _note_complaint(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def go(self, path: str) -> None:
        self.page.goto(self.address + path)

    def sign_in(self, name: str) -> None:
        self.go("/signin")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(load_seed().PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(self.address + "/")


@pytest.fixture
def visit(chromium: Browser, server: Any) -> Iterator[Callable[..., Visitor]]:
    """Opens a window: visit(javascript=False, width=390). At the end nothing may have gone elsewhere."""
    address, _ = server
    contexts, visitors = [], []

    def open_window(*, javascript: bool = True, width: int = 1280, dark: bool = False) -> Visitor:
        context = chromium.new_context(
            java_script_enabled=javascript,
            viewport={"width": width, "height": 844},
            color_scheme="dark" if dark else "light",
        )
        contexts.append(context)
        visitors.append(Visitor(context, address))
        return visitors[-1]

    yield open_window
    for context in contexts:
        context.close()
    assert [url for visitor in visitors for url in visitor.elsewhere] == []
