"""Debian's clamd, Rspamd and milters, each in a folder of its own, with a configuration of ours."""

import base64
import getpass
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from mailhost.net.endpoints import Endpoint
from tests.support.needs import find_program

START_SECONDS = 90.0  # Rspamd compiles its patterns the first time
STOP_SECONDS = 15.0

MARKER = b"mailhost-marks-this-as-a-virus"
SIGNATURE = "Mailhost.Test.Marker.UNOFFICIAL"  # clamd says so of what is in no database of ClamAV's own
STREAM_MAX = 2 << 20
SELECTOR = "interop"


class NotStarted(AssertionError):
    """The text has what the program printed."""


@dataclass(frozen=True, slots=True)
class Running:
    """Where it listens, and in which folder it works."""

    endpoint: Endpoint
    folder: Path


def free_port() -> int:
    """One that nobody has now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def program(words: list[str], endpoint: Endpoint, folder: Path) -> Iterator[Running]:
    """Runs in the foreground from here to the end of the block, once it accepts connections. Raises NotStarted."""
    path = find_program(words[0])
    assert path is not None
    log = folder / f"{words[0]}.out"
    with log.open("wb") as out:
        process = subprocess.Popen([path, *words[1:]], cwd=folder, stdout=out, stderr=subprocess.STDOUT)
        try:
            _wait_for(process, endpoint, log)
            yield Running(endpoint, folder)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(process: "subprocess.Popen[bytes]", endpoint: Endpoint, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _is_accepting(endpoint):
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotStarted(log.read_text(errors="replace")[-4_000:])
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue


def _is_accepting(endpoint: Endpoint) -> bool:
    family = socket.AF_UNIX if endpoint.path else socket.AF_INET
    with socket.socket(family) as probe:
        return probe.connect_ex(endpoint.path or (endpoint.host, endpoint.port)) == 0


@contextmanager
def folder() -> Iterator[Path]:
    """With a path that is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="checkers-") as name:
        yield Path(name)


@contextmanager
def clamd() -> Iterator[Running]:
    """Knows one signature, that of MARKER: a database of ClamAV's own is not needed."""
    with folder() as place:
        endpoint = Endpoint("127.0.0.1", free_port())
        database = place / "db"
        database.mkdir()
        # Name:TargetType:Offset:HexSignature, as ClamAV's manual has it: in files of any kind, anywhere.
        (database / "own.ndb").write_text(f"Mailhost.Test.Marker:0:*:{MARKER.hex()}\n")
        configuration = place / "clamd.conf"
        configuration.write_text(
            f"DatabaseDirectory {database}\nTemporaryDirectory {place}\nForeground yes\nUser {getpass.getuser()}\n"
            f"TCPAddr 127.0.0.1\nTCPSocket {endpoint.port}\nLocalSocket {place}/clamd.sock\n"
            f"StreamMaxLength {STREAM_MAX}\n"
        )
        with program(["clamd", "-c", str(configuration)], endpoint, place) as running:
            yield running


@contextmanager
def rspamd() -> Iterator[Running]:
    """As Debian configures it, with a worker of ours alone and no DNS."""
    with folder() as place:
        endpoint = Endpoint("127.0.0.1", free_port())
        configuration = place / "rspamd.conf"
        configuration.write_text(
            f"""
            .include "$CONFDIR/common.conf"
            options {{
                pidfile = "{place}/rspamd.pid";
                .include "$CONFDIR/options.inc"
                dns {{ nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; }}
            }}
            logging {{ type = "console"; level = "warning"; }}
            worker "normal" {{ bind_socket = "127.0.0.1:{endpoint.port}"; count = 1; }}
            """
        )
        variables = [f"--var={name}={place}" for name in ("DBDIR", "RUNDIR", "LOGDIR")]
        as_root = ["-i", "-u", "root", "-g", "root"] if os.geteuid() == 0 else []
        words = ["rspamd", "-f", *as_root, "-c", str(configuration), *variables]
        with program(words, endpoint, place) as running:
            yield running


@contextmanager
def opendkim(domain: str) -> Iterator[tuple[Running, bytes]]:
    """Signs what loopback brings from the domain. Gives the key's record in DNS as well."""
    with folder() as place:
        endpoint = Endpoint(path=str(place / "sock"))
        key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        (place / "key.pem").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )
        (place / "key.pem").chmod(0o600)
        (place / "hosts").write_text("127.0.0.1\n")
        configuration = place / "opendkim.conf"
        configuration.write_text(
            f"Mode s\nDomain {domain}\nSelector {SELECTOR}\nKeyFile {place}/key.pem\nRequireSafeKeys no\n"
            f"Canonicalization simple/simple\nSocket local:{place}/sock\nInternalHosts {place}/hosts\nSyslog no\n"
            f"PidFile {place}/pid\n{f'UserID {getpass.getuser()}' if os.geteuid() == 0 else ''}\n"
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
        with program(["opendkim", "-f", "-x", str(configuration)], endpoint, place) as running:
            yield running, record


@contextmanager
def clamav_milter(scanner: Running) -> Iterator[Running]:
    """Asks that clamd, and refuses with words of its own."""
    with folder() as place:
        endpoint = Endpoint("127.0.0.1", free_port())
        configuration = place / "milter.conf"
        user = f"User {getpass.getuser()}\n" if os.geteuid() == 0 else ""
        configuration.write_text(
            f"MilterSocket inet:{endpoint.port}@127.0.0.1\nClamdSocket unix:{scanner.folder}/clamd.sock\n{user}"
            f"Foreground yes\nTemporaryDirectory {place}\nOnInfected Reject\nRejectMsg Not with %v\nAddHeader Replace\n"
        )
        with program(["clamav-milter", "-c", str(configuration)], endpoint, place) as running:
            yield running


@contextmanager
def spamass_milter() -> Iterator[Running]:
    """As it is: it would change texts."""
    with folder() as place:
        endpoint = Endpoint(path=str(place / "sock"))
        with program(["spamass-milter", "-p", endpoint.path], endpoint, place) as running:
            yield running
