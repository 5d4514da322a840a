"""What an instance needs between its databases and its doors: tables, a certificate, something to try."""

from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from mailhost.embedded import demo
from mailhost.net.tls import LocalCertificate, ensure_local_ca

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


def prepare() -> None:
    """Everything that is not there yet; a second time does nothing."""
    migrate()
    certificate = ensure_certificate(settings.VAR)
    ensure_demo(settings.VAR / "demo.json", ca=certificate.ca)


def migrate() -> None:
    """Only where there is something to apply: the command itself takes a second for nothing."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=1)


def ensure_certificate(var: Path) -> LocalCertificate:
    """The small CA's certificate: for this machine, and for the name it was given."""
    names = [*LOCAL_NAMES, *([settings.HOSTNAME] if settings.HOSTNAME not in LOCAL_NAMES else [])]
    return ensure_local_ca(var / "tls", hostnames=names, now=timezone.now())


def ensure_demo(path: Path, *, ca: Path) -> None:
    """demo.json is written before the accounts are: a start that is killed in between is made good by the next."""
    demonstration = demo.read_or_make(path)
    demo.write(demonstration, path, ports=settings.PORTS, ca=ca)
    if demo.is_wanted():
        demo.add(demonstration)
        demo.welcome()
