"""Debian's Chromium against the web pages, served by threads of this process on the shared test database.

Not pytest-django's live_server: it empties the database after each test, which other tests with listeners share.
"""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.screens import SCREENS
from tests.support.needs import find_program

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from mailboxes.models import Account

CHROMIUM = find_program("chromium")
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright keeps an event loop running in the tests' thread until the end."""
    ours = [item for item in items if item.path.is_relative_to(Path(__file__).parent)]
    chosen = set(map(id, ours))
    items[:] = [item for item in items if id(item) not in chosen] + ours
    if CHROMIUM is None:
        for item in ours:
            item.add_marker(pytest.mark.skip(reason="chromium is not installed: apt-get install chromium"))


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Chromium has no sandbox of its own for root."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Django takes Playwright's event loop for a mistake
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {"executable_path": CHROMIUM, "args": [*ARGUMENTS, *sandbox]}


@pytest.fixture(scope="session")
def web(shared_db: None) -> Iterator[str]:
    """Where the pages are: `http://127.0.0.1:PORT`."""
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet, connections_override={})
    server.set_app(get_wsgi_application())
    thread = threading.Thread(target=server.serve_forever, name="web", daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def alice(web: str) -> "Account":
    from tests.support.hosting import new_account

    return new_account("alice")


@pytest.fixture(params=SCREENS)
def screen(request: pytest.FixtureRequest, browser: "Browser", web: str) -> Iterator[tuple[str, "Page"]]:
    """A page on each kind of screen, and what that is called."""
    context = browser.new_context(base_url=web, **SCREENS[request.param])
    yield request.param, context.new_page()
    context.close()
