"""Postfix as the server that sends: an instance of its own, in a folder of its own, that listens nowhere."""

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.needs import find_program

WAIT_SECONDS: Final = 30.0
MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = mx.sender.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
relayhost = [127.0.0.1]:{port}
smtp_tls_security_level = {tls}
smtp_tls_CAfile = {ca}
smtp_tls_secure_cert_match = localhost
smtp_tls_loglevel = 1
smtputf8_enable = yes
message_size_limit = 60000000
default_destination_recipient_limit = 500
disable_dns_lookups = yes
"""
# What sends, and nothing that listens: no chroot, few processes.
MASTER = """
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n -  0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n -  - trivial-rewrite
bounce    unix  - - n -  0 bounce
defer     unix  - - n -  0 bounce
trace     unix  - - n -  0 bounce
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n -  - proxymap
smtp      unix  - - n -  - smtp -v
error     unix  - - n -  - error
retry     unix  - - n -  - error
showq     unix  n - n -  - showq
tlsmgr    unix  - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """Runs from started() to its end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._etc = folder / "etc"

    def send(
        self, octets: bytes, *to: str, sender: str = "carol@sender.test", words: Sequence[str] = ()
    ) -> None:
        """Into its queue."""
        program = find_program("sendmail") or "sendmail"
        command = [program, "-C", str(self._etc), "-i", "-f", sender, *words, "--", *to]
        subprocess.run(command, input=octets, check=True, timeout=60)

    def flush(self) -> None:
        """Has it try again what was deferred."""
        subprocess.run([find_program("postqueue") or "", "-c", str(self._etc), "-f"], check=True, timeout=60)

    def log(self) -> str:
        """All that it has written, with every command and reply."""
        return (self._folder / "log").read_text(errors="replace")

    def said(self) -> str:
        """Commands (`>`), replies (`<`) and what became of each recipient, alone."""
        return "\n".join(re.findall(r": ((?:[<>] |[0-9A-F]+: to=).*)", self.log()))

    def wait_for(
        self, pattern: str, *, count: int = 1, between: Callable[[], None] | None = None
    ) -> list[str]:
        """So many lines of the log that have this, once they are there. `between`: done after each look."""
        deadline = time.monotonic() + WAIT_SECONDS
        while len(found := [line for line in self.log().splitlines() if re.search(pattern, line)]) < count:
            assert time.monotonic() < deadline, f"no {pattern!r}:\n{self.said()[-2_000:]}"
            if between is not None:
                between()
            time.sleep(0.1)
        return found


@contextmanager
def started(*, port: int, ca: str, tls: str = "secure") -> Iterator[Postfix]:
    """It relays all mail to that port. tls: as smtp_tls_security_level has it."""
    folder = Path(tempfile.mkdtemp(prefix="mailhost-postfix-"))
    folder.chmod(0o755)
    for name in ("etc", "queue", "data"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    (folder / "etc" / "main.cf").write_text(MAIN.format(folder=folder, port=port, ca=ca, tls=tls))
    (folder / "etc" / "master.cf").write_text(MASTER)
    program = [find_program("postfix") or "", "-c", str(folder / "etc")]
    try:
        subprocess.run([*program, "start"], check=True, capture_output=True, timeout=60)
        try:
            yield Postfix(folder)
        finally:
            subprocess.run([*program, "stop"], check=True, capture_output=True, timeout=60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
