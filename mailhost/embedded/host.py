"""The whole mail host in the foreground: brings it up, tells where it listens, waits, takes it down.

Imports no Django: the supervisor is small and quick, and what needs Django is done by the nursery's forks.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from mailhost import settings
from mailhost.embedded import places, programs
from mailhost.embedded.child import ServerFailed
from mailhost.embedded.instance import AlreadyRunning, known_to_commands, only_one
from mailhost.embedded.ports import PortTaken, reachable, require_free
from mailhost.embedded.postgres import Postgres
from mailhost.embedded.supervisor import Supervisor
from mailhost.embedded.valkey import Valkey

PORTS_TO_COME = {"managesieve"}  # named in demo.json, opened when its door exists


def main() -> None:
    """Until SIGINT or SIGTERM. Exits with a sentence where it cannot."""
    var = settings.VAR
    try:
        (var / "log").mkdir(mode=0o700, parents=True, exist_ok=True)
        with only_one(var):
            require_free(open_ports(), host=settings.BIND)
            with known_to_commands(var, database_url=settings.DATABASE_URL, redis_url=settings.REDIS_URL):
                asyncio.run(run())
    except (ServerFailed, AlreadyRunning, PortTaken) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename or var}: {error.strerror or error}")


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
    logs = settings.VAR / "log"
    supervisor = Supervisor(
        folder=settings.BASE, logs=logs, report=say, modules=["mailhost.embedded.preloaded"]
    )

    def stop() -> None:
        if stopping.is_set():
            supervisor.kill()
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # also where a shell started us with SIGINT ignored, by `&`
        loop.add_signal_handler(number, stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        loop.add_signal_handler(signal.SIGHUP, stop)
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
    if not (var / "demo.json").exists():
        say("Making a database, a certificate and demo accounts")
    await supervisor.start_databases(*own_databases(var))
    await supervisor.run_once(programs.preparation())
    ports = open_ports()
    await supervisor.start_programs(
        doors=programs.doors(
            host=settings.BIND,
            ports=ports,
            smtp_processes=settings.SMTP_PROCESSES,
            submission_processes=settings.SUBMISSION_PROCESSES,
            imap_processes=settings.IMAP_PROCESSES,
        ),
        workers=programs.workers(var=var),
        host=settings.BIND,
        ports=ports,
    )
    say(table(json.loads((var / "demo.json").read_text())))
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
            Valkey(data=var / "valkey", socket_path=places.valkey_socket(var), log=var / "log" / "valkey.log")
        )
    return own


def table(demo: dict[str, Any]) -> str:
    """What people want to know at the start; `demo` is what demo.json holds."""
    ports, host = settings.PORTS, reachable(settings.BIND)
    web = f"http://{host}:{ports['web']}/"
    rows = [
        ("Web", web, f"admin: {web}admin/"),
        ("SMTP", f"{host}:{ports['smtp']}", "inbound, STARTTLS"),
        ("Submission", f"{host}:{ports['submission']}", "STARTTLS"),
        ("", f"{host}:{ports['submissions']}", "TLS"),
        ("IMAP", f"{host}:{ports['imap']}", "STARTTLS"),
        ("", f"{host}:{ports['imaps']}", "TLS"),
        ("POP3", f"{host}:{ports['pop3']}", "STLS"),
        ("", f"{host}:{ports['pop3s']}", "TLS"),
    ]
    lines = ["", *(f"  {what:<12}{where:<26}{how}" for what, where, how in rows), ""]
    lines += [f"  {account['address']:<38}{account['password']}" for account in demo["accounts"]]
    lines.append(f"  {demo['operator']['address']:<38}{demo['operator']['password']}   (operator)")
    lines += [
        "",
        f"  Data and logs: {settings.VAR}",
        f"  CA to trust:   {demo['ca']}",
        f"  Relay:         {relay_text()}",
    ]
    if settings.ALLOW_PLAINTEXT_LOGIN:
        lines.append("  Login without TLS is allowed on loopback (MAILHOST_ALLOW_PLAINTEXT_LOGIN=1).")
    return "\n".join(lines) + "\n"


def relay_text() -> str:
    if settings.RELAY == "capture":
        return "capture: nothing leaves this machine; the admin shows what would have left"
    return settings.RELAY
