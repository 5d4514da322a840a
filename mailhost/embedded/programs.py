"""What the supervisor starts: one entry for each process of the mail host (docs/architecture.md)."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mailhost.embedded.ports import reachable

# Requests under way when the host stops: shorter than the supervisor's patience, so that answers go out whole.
WEB_GRACE_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Program:
    """A process: its name (also its log's), its command line, and the ports (names in settings.PORTS) it opens."""

    name: str
    words: tuple[str, ...]
    ports: tuple[str, ...] = ()


def doors(*, base: Path, host: str, ports: Mapping[str, int]) -> list[Program]:
    """What clients connect to."""
    manage = (sys.executable, str(base / "manage.py"))
    web = ("uvicorn", "mailhost.asgi:application", "--host", host, "--port", str(ports["web"]))
    return [
        Program("smtp", (*manage, "serve_smtp"), ("smtp", "submission", "submissions")),
        Program("imap", (*manage, "serve_imap"), ("imap", "imaps")),
        Program("pop3", (*manage, "serve_pop3"), ("pop3", "pop3s")),
        Program(
            "web",
            (
                sys.executable,
                "-m",
                *web,
                "--timeout-graceful-shutdown",
                str(WEB_GRACE_SECONDS),
                "--no-access-log",
            ),
            ("web",),
        ),
    ]


def workers(*, var: Path) -> list[Program]:
    """What works behind the doors. Mingle and gossip are for many workers that know each other."""
    celery = (sys.executable, "-m", "celery", "-A", "mailhost.celery")
    schedule = str(var / "run" / "beat-schedule")
    return [
        Program("worker", (*celery, "worker", "--without-mingle", "--without-gossip", "--loglevel", "INFO")),
        Program("beat", (*celery, "beat", "--schedule", schedule, "--pidfile", "", "--loglevel", "WARNING")),
    ]


def web_address(*, host: str, ports: Mapping[str, int]) -> str:
    return f"http://{reachable(host)}:{ports['web']}/"
