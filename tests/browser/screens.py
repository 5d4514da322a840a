"""The screens that pages are looked at on, and what must be true of each of them there.

MAILHOST_TEST_SHOTS=/tmp/shots keeps a picture of each page; docs/images/webmail.png is one of them.
"""

import os
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Page

SHOTS = os.environ.get("MAILHOST_TEST_SHOTS", "")
SCREENS: dict[str, Any] = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone-dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}


def look(page: Page, screen: str, place: str) -> None:
    """Nothing sticks out to the right; a picture, where they are wanted."""
    page.wait_for_load_state("load")
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(SHOTS) / f"{place}-{screen}.png"))
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0, f"{place} on {screen} is {wider} pixels too wide"


def complaints_of(page: Page) -> list[str]:
    """What the browser says of its pages from now on: content that their policy forbids, errors in scripts."""
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        # Chromium gives up what it loads when any interface of the machine comes or goes: no fault of the page.
        if message.type == "error" and "ERR_NETWORK_CHANGED" not in message.text:
            complaints.append(f"{page.url}: {message.text}")

    page.on("console", listen)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    return complaints
