"""The whole mail host in the foreground: brings it up, tells where it listens, waits, takes it down."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from mailhost.embedded import demo, places, programs
from mailhost.embedded.ports import reachable
from mailhost.embedded.postgres import Postgres
from mailhost.embedded.supervisor import Supervisor
from mailhost.embedded.valkey import Valkey
from mailhost.net.tls import LocalCertificate, ensure_local_ca

PORTS_TO_COME = {"managesieve"}  # named in demo.json, opened when its door exists
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


def say(text: str) -> None:
    """To whoever watches; nobody watching is no reason to stop."""
    try:
        print(text, flush=True)
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 — the terminal is gone for good


def open_ports() -> dict[str, int]:
    return {name: port for name, port in settings.PORTS.items() if name not in PORTS_TO_COME}


async def run() -> None:
    """Until SIGINT or SIGTERM; a second one stops hard. Raises ServerFailed."""
    stopping = asyncio.Event()
    supervisor = Supervisor(
        folder=settings.BASE, logs=settings.VAR / "log", report=say, modules=["mailhost.embedded.preloaded"]
    )

    def stop() -> None:
        if stopping.is_set():
            supervisor.kill()
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP
            asyncio.get_running_loop().add_signal_handler(number, stop)
    told = asyncio.create_task(stopping.wait())
    start = asyncio.create_task(bring_up(supervisor))
    try:
        await asyncio.wait({told, start}, return_when=asyncio.FIRST_COMPLETED)
        if start.done():
            start.result()
            await told
    finally:
        start.cancel()
        await asyncio.wait({start})
        say("Stopping")
        await supervisor.stop()


async def bring_up(supervisor: Supervisor) -> None:
    """From nothing to `ready`. Raises ServerFailed."""
    var: Path = settings.VAR
    await supervisor.start_databases(*own_databases(var))
    # In a thread: Django refuses to work in a thread that runs an event loop. It starts no children.
    demonstration, certificate = await asyncio.to_thread(prepare_data, var)
    ports = open_ports()
    await supervisor.start_programs(
        doors=programs.doors(host=settings.BIND, ports=ports),
        workers=programs.workers(var=var),
        host=settings.BIND,
        ports=ports,
    )
    say(table(demonstration, ca=certificate.ca))
    say("ready")


def own_databases(var: Path) -> list[Postgres | Valkey]:
    """Those that no URL of the user's replaces."""
    own: list[Postgres | Valkey] = []
    if places.database_url(var) == settings.DATABASE_URL:
        own.append(
            Postgres(
                data=var / "postgres", sockets=places.socket_folder(var), log=var / "log" / "postgres.log"
            )
        )
    if places.redis_url(var) == settings.REDIS_URL:
        own.append(
            Valkey(data=var / "valkey", socket=places.valkey_socket(var), log=var / "log" / "valkey.log")
        )
    return own


def prepare_data(var: Path) -> tuple[demo.Demo, LocalCertificate]:
    try:
        migrate()
        certificate = ensure_certificate(var)
        return ensure_demo(var / "demo.json", ca=certificate.ca), certificate
    finally:
        connections.close_all()


def migrate() -> None:
    """Only where there is something to apply: the command itself takes a second for nothing."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        say(f"Applying {len(plan)} migrations")
        call_command("migrate", interactive=False, verbosity=0)


def ensure_certificate(var: Path) -> LocalCertificate:
    """The small CA's certificate: for this machine, and for the name it was given."""
    names = [*LOCAL_NAMES, *([settings.HOSTNAME] if settings.HOSTNAME not in LOCAL_NAMES else [])]
    return ensure_local_ca(var / "tls", hostnames=names, now=timezone.now())


def ensure_demo(path: Path, *, ca: Path) -> demo.Demo:
    """demo.json is written before the accounts are: a start that is killed in between is made good by the next."""
    demonstration = demo.read_or_make(path)
    demo.write(demonstration, path, ports=settings.PORTS, ca=ca)
    if demo.is_wanted():
        say(f"Adding the domain {demo.DOMAIN} with demo accounts")
        demo.add(demonstration)
        demo.welcome()
    return demonstration


def table(demonstration: demo.Demo, *, ca: Path) -> str:
    """What people want to know at the start."""
    ports, host = settings.PORTS, reachable(settings.BIND)
    rows = [
        (
            "Web",
            programs.web_address(host=host, ports=ports),
            f"admin: {programs.web_address(host=host, ports=ports)}admin/",
        ),
        ("SMTP", f"{host}:{ports['smtp']}", "inbound, STARTTLS"),
        ("Submission", f"{host}:{ports['submission']}", "STARTTLS"),
        ("", f"{host}:{ports['submissions']}", "TLS"),
        ("IMAP", f"{host}:{ports['imap']}", "STARTTLS"),
        ("", f"{host}:{ports['imaps']}", "TLS"),
        ("POP3", f"{host}:{ports['pop3']}", "STLS"),
        ("", f"{host}:{ports['pop3s']}", "TLS"),
    ]
    lines = ["", *(f"  {what:<12}{where:<26}{how}" for what, where, how in rows), ""]
    for name, password in demonstration.passwords.items():
        lines.append(f"  {name:<38}{password}{'   (operator)' if name == demo.OPERATOR else ''}")
    lines += [
        "",
        f"  Data and logs: {settings.VAR}",
        f"  CA to trust:   {ca}",
        f"  Relay:         {relay_text()}",
    ]
    if settings.ALLOW_PLAINTEXT_LOGIN:
        lines.append("  Login without TLS is allowed on loopback (MAILHOST_ALLOW_PLAINTEXT_LOGIN=1).")
    return "\n".join(lines) + "\n"


def relay_text() -> str:
    if settings.RELAY == "capture":
        return "capture: nothing leaves this machine; the admin shows what would have left"
    return str(settings.RELAY)
