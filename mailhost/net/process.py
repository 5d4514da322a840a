"""What every protocol process does around its work: event loop, log, signals, a clean end."""

import asyncio
import gc
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable, Coroutine, MutableMapping
from typing import Any, Final

import structlog
import uvloop

log = structlog.get_logger(__name__)

OPEN_FILES: Final = 65_536
# Sessions end without cycles; Python's default of 700 makes the collector look every few messages.
GC_THRESHOLDS = (20_000, 20, 20)

_name = "mailhost"


def _render(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    """One line: time, level, process, event, key=value. Line ends in values are escaped: nobody forges lines."""
    head = f"{event.pop('timestamp')} {event.pop('level'):<7} {_name}: {event.pop('event')}"
    trace = event.pop("exception", None)
    event.pop("logger", None)
    words = [
        f"{key}={value}" if isinstance(value, int | float) else f"{key}={value!r}"
        for key, value in event.items()
    ]
    if trace:
        words.append("trace=" + repr(trace))
    line = " ".join([head, *words])
    return line.replace("\r", "\\r").replace("\n", "\\n")


def set_up_log(name: str) -> None:
    """Send structlog and the standard library's logging to stderr, one line each."""
    global _name
    _name = name
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, _render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=_render, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def ready() -> None:
    """Log `NAME: ready`, which the supervisor waits for. Called when every listener stands."""
    # What was imported lives as long as the process; the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    log.info("ready")


def raise_open_files() -> None:
    """A connection is an open file: as many as the system lets us have, where it begins with fewer.

    Systems begin with 1,024, for programs that wait with select(2).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def run_process(main: Callable[[asyncio.Event], Coroutine[Any, Any, None]], *, name: str) -> None:
    """Run `main` on uvloop until it returns; SIGTERM and SIGINT set its event, a second one exits at once."""
    set_up_log(name)
    raise_open_files()

    async def run() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()

        def stop() -> None:
            if stopping.is_set():
                log.warning("stopped hard")
                os._exit(1)
            log.info("stopping")
            stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        await main(stopping)

    uvloop.run(run())
    log.info("stopped")
