"""App: puts the pages together and serves them on 127.0.0.1.

Public names: WebSettings, make_app, serve.
"""

from __future__ import annotations

import secrets
import signal
import socket
import threading
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from jobs.places import Places
from storage.engine import check_schema, open_engine
from web import (
    auth,
    board,
    holds,
    home,
    listings,
    metrics,
    needs,
    pages,
    reports,
    review,
    runs,
    schedules,
    sellers,
    sites,
)
from web.auth import Doorkeeper
from web.screen import FOLDER, Screen
from web.security import Guard, add_headers
from web.visit import Web

log = structlog.get_logger("web")

TITLES = {
    400: "That cannot be read",
    401: "You are signed out",
    403: "Not allowed",
    404: "Nothing here",
    405: "Not that way",
    409: "Not now",
    410: "Removed",
    413: "Too large",
    414: "Too long",
    415: "Not a form",
    500: "Something broke here",
    503: "Not reachable now",
}
SENTENCES = {
    404: "There is no such page. Check the address, or start from the menu.",
    405: "This address does not take that kind of request. Open the page and use its buttons.",
    500: "It is not your fault. The log says more: look for the id below, or give it to whoever runs Tuskwatch.",
}


@dataclass(frozen=True)
class WebSettings:
    """What the web part needs to know. Holds no secret of its own. metrics: give numbers at /metrics."""

    places: Places
    metrics: bool = False


def utc_now() -> datetime:
    return datetime.now(UTC)


def make_app(settings: WebSettings, *, clock: Callable[[], datetime] = utc_now) -> Starlette:
    """The application. Raises storage.engine.SchemaError when the database is not made for this version."""
    engine = open_engine(settings.places.database_url)
    check_schema(engine)
    screen = Screen()

    def show_error(request: Request, status: int, sentence: str) -> Response:
        error_id = secrets.token_hex(4)
        log.info("refused", error_id=error_id, status=status, path=request.scope["path"][:200], why=sentence)
        title = TITLES.get(status, "That did not work")
        return screen.render_error(
            status=status, title=title, sentence=sentence, error_id=error_id, now=clock().astimezone(UTC)
        )

    def show_refusal(request: Request, exc: Exception) -> Response:
        assert isinstance(exc, HTTPException)
        # Starlette's own refusals carry only the name of the status; ours carry a sentence.
        named = type(exc) is HTTPException
        sentence = SENTENCES.get(exc.status_code, exc.detail) if named else exc.detail
        return show_error(request, exc.status_code, sentence)

    def show_failure(request: Request, exc: Exception) -> Response:
        error_id = secrets.token_hex(4)
        # As text: a traceback that shows variables would write passwords into the log.
        trace = "".join(traceback.format_exception(exc))
        log.error("failed", error_id=error_id, path=request.scope["path"][:200], traceback=trace)
        response = screen.render_error(
            status=500,
            title=TITLES[500],
            sentence=SENTENCES[500],
            error_id=error_id,
            now=clock().astimezone(UTC),
        )
        # Starlette makes this answer outside of all middleware.
        add_headers(response.headers, request.scope["path"])
        return response

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        engine.dispose()

    modules = (
        auth,
        home,
        needs,
        board,
        metrics,
        review,
        listings,
        holds,
        sellers,
        pages,
        runs,
        schedules,
        reports,
        sites,
    )
    app = Starlette(
        routes=[
            *(each for module in modules for each in module.routes),
            Route("/health", lambda request: PlainTextResponse("ok")),
            Mount("/static", StaticFiles(directory=FOLDER / "static")),
        ],
        exception_handlers={HTTPException: show_refusal, Exception: show_failure},
        middleware=[Middleware(Guard, refuse=show_error)],
        lifespan=lifespan,
    )
    app.state.web = Web(engine, settings.places, screen, Doorkeeper(engine), clock, settings.metrics)
    return app


def serve(settings: WebSettings, *, port: int = 8000, ready: Callable[[str], None] | None = None) -> None:
    """Serves on 127.0.0.1, and nowhere else, until interrupted; `ready` gets the address once it listens.

    Raises OSError when the port is taken. Port 0 takes a free one.
    """
    app = make_app(settings)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
        if ready is not None:
            ready(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        # No proxy stands before us, so no header may say who is asking or by which scheme.
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=200,
            timeout_graceful_shutdown=5,
        )
        # Ctrl-C is how one stops it: uvicorn ends in order and then raises what it caught.
        if threading.current_thread() is threading.main_thread():
            # The same for being told to end: whoever called us still has a worker to stop.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])
