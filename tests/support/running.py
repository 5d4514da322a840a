"""Runs a test's coroutine in the loop that production uses."""

from collections.abc import Coroutine
from typing import Any

import uvloop


def run(scenario: Coroutine[Any, Any, None]) -> None:
    """On uvloop, until it is over."""
    uvloop.run(scenario)
