"""What the supervisor starts: one entry for each process of the mail host (docs/architecture.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Requests under way when the host stops: shorter than the supervisor's patience, so that answers go out whole.
WEB_GRACE_SECONDS = "2"


@dataclass(frozen=True, slots=True)
class Program:
    """A process `python -m module words…`; its name is also its log's, `ports` are names in settings.PORTS."""

    name: str
    module: str
    words: tuple[str, ...]
    ports: tuple[str, ...] = ()


def preparation() -> Program:
    """Runs once between the databases and the doors."""
    return Program("preparation", "manage", ("prepare_instance",))


def doors(
    *,
    host: str,
    ports: Mapping[str, int],
    smtp_processes: int = 1,
    submission_processes: int = 1,
    imap_processes: int = 1,
) -> list[Program]:
    """What clients connect to. The kernel spreads connections over the processes that share a port.

    submission_processes: so many of smtp_processes take submissions too.
    """
    web = ("mailhost.asgi:application", "--host", host, "--port", str(ports["web"]), "--no-access-log")
    smtp, imap = _numbered("smtp", smtp_processes), _numbered("imap", imap_processes)
    return [
        *(
            Program(name, "manage", ("serve_smtp",), ("smtp", "submission", "submissions"))
            for name in smtp[:submission_processes]
        ),
        *(
            Program(name, "manage", ("serve_smtp", "--inbound-only"), ("smtp",))
            for name in smtp[submission_processes:]
        ),
        *(Program(name, "manage", ("serve_imap",), ("imap", "imaps")) for name in imap),
        Program("pop3", "manage", ("serve_pop3",), ("pop3", "pop3s")),
        Program("web", "uvicorn", (*web, "--timeout-graceful-shutdown", WEB_GRACE_SECONDS), ("web",)),
    ]


def _numbered(name: str, count: int) -> list[str]:
    return [name, *(f"{name}-{number}" for number in range(2, count + 1))]


def workers(*, var: Path) -> list[Program]:
    """What works behind the doors. Mingle and gossip are for many workers that know each other."""
    app, schedule = ("-A", "mailhost.celery"), str(var / "run" / "beat-schedule")
    return [
        Program("worker", "celery", (*app, "worker", "--without-mingle", "--without-gossip", "-l", "INFO")),
        Program("beat", "celery", (*app, "beat", "-s", schedule, "--pidfile", "", "-l", "WARNING")),
    ]
