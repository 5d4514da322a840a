"""fetchmail, getmail and mpop empty a maildrop, and come back for what is new."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pytest_django import Settings

from tests.support.needs import find_program, needs_program

if TYPE_CHECKING:
    from mailboxes.models import Account

PASSWORD = "correct horse"

FETCHMAIL = """
set no syslog
poll 127.0.0.1 protocol {protocol} port {port} {options}
  user "{login}" password "{password}" {keep} no rewrite
  sslproto ''
  mda "tee -a {folder}/mbox"
"""
GETMAIL = """
[retriever]
type = SimplePOP3Retriever
server = 127.0.0.1
port = {port}
username = {login}
password = {password}
[destination]
type = MDA_external
path = /usr/bin/tee
arguments = ("-a", "{folder}/mbox")
allow_root_commands = true
[options]
delete = {delete}
read_all = false
"""
MPOP = """
account ours
host 127.0.0.1
port {port}
user {login}
password "{password}"
auth user
tls off
keep {keep}
delivery maildir {folder}/maildir
uidls_file {folder}/uidls
"""


@pytest.fixture(autouse=True)
def without_tls(settings: Settings) -> None:
    """As under `./run`, on loopback."""
    settings.ALLOW_PLAINTEXT_LOGIN = True


@pytest.fixture
def maildrop() -> "Account":
    """An account with three messages, the second with lines that begin with dots."""
    from tests.conversations.imap.messages import put_message, simple
    from tests.support.hosting import new_account

    account = new_account()
    put_message(account.login, "one")
    put_message(account.login, simple("two", text=".\r\n..two dots\r\n.\r\nend\r\n"))
    put_message(account.login, "three")
    return account


def run(command: list[str], folder: Path, *, returns: tuple[int, ...] = (0,)) -> str:
    """What it printed. Its home is the test's folder."""
    environment = {**os.environ, "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert done.returncode in returns, done.stdout + done.stderr
    return done.stdout + done.stderr


def write_private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def count(account: "Account") -> int:
    from mailboxes.store.hierarchy import find_mailbox

    return find_mailbox(account_id=account.pk, name="INBOX").message_count


@pytest.fixture
def fetchmail(tmp_path: Path) -> Callable[..., str]:
    def call(protocol: str, port: int, login: str, *, keep: str) -> str:
        text = FETCHMAIL.format(
            protocol=protocol,
            options="uidl" if protocol == "POP3" else "",
            port=port,
            login=login,
            password=PASSWORD,
            keep=keep,
            folder=tmp_path,
        )
        configuration = write_private(tmp_path / "fetchmailrc", text)
        words = [find_program("fetchmail") or "", "-f", str(configuration), "--nodetach", "-v"]
        return run([*words, "--idfile", str(tmp_path / "ids")], tmp_path, returns=(0, 1))

    return call


@needs_program("fetchmail", package="fetchmail")
def test_fetchmail_by_pop3(
    pop3_doors: dict[str, int], maildrop: "Account", fetchmail: Callable[..., str], tmp_path: Path
) -> None:
    from tests.conversations.imap.messages import put_message

    fetchmail("POP3", pop3_doors["pop3"], maildrop.login, keep="keep")
    fetchmail("POP3", pop3_doors["pop3"], maildrop.login, keep="keep")  # nothing is new
    octets = (tmp_path / "mbox").read_bytes()
    assert octets.count(b"Subject: ") == 3
    assert b"\n.\n..two dots\n.\nend\n" in octets
    put_message(maildrop.login, "four")
    fetchmail("POP3", pop3_doors["pop3"], maildrop.login, keep="keep")
    assert (tmp_path / "mbox").read_bytes().count(b"Subject: ") == 4
    assert count(maildrop) == 4
    fetchmail("POP3", pop3_doors["pop3"], maildrop.login, keep="fetchall no keep")
    assert count(maildrop) == 0


@needs_program("fetchmail", package="fetchmail")
def test_fetchmail_by_imap(
    imap_plain_port: int, maildrop: "Account", fetchmail: Callable[..., str], tmp_path: Path
) -> None:
    fetchmail("IMAP", imap_plain_port, maildrop.login, keep="no keep")
    assert (tmp_path / "mbox").read_bytes().count(b"Subject: ") == 3
    assert count(maildrop) == 0


@needs_program("getmail", package="getmail6")
def test_getmail(pop3_doors: dict[str, int], maildrop: "Account", tmp_path: Path) -> None:
    program = find_program("getmail") or ""
    (tmp_path / "mbox").touch()

    def fetch(*, delete: str) -> bytes:
        text = GETMAIL.format(
            port=pop3_doors["pop3"], login=maildrop.login, password=PASSWORD, folder=tmp_path, delete=delete
        )
        write_private(tmp_path / "getmailrc", text)
        run([program, "--getmaildir", str(tmp_path), "--rcfile", "getmailrc"], tmp_path)
        return (tmp_path / "mbox").read_bytes()

    assert fetch(delete="false").count(b"Subject: ") == 3
    octets = fetch(delete="true")
    assert octets.count(b"Subject: ") == 3
    assert b"\n.\n..two dots\n.\nend\n" in octets
    assert count(maildrop) == 0


@needs_program("mpop", package="mpop")
def test_mpop(pop3_doors: dict[str, int], maildrop: "Account", tmp_path: Path) -> None:
    program = find_program("mpop") or ""
    for name in ("cur", "new", "tmp"):
        (tmp_path / "maildir" / name).mkdir(parents=True)

    def fetch(*, keep: str) -> list[bytes]:
        text = MPOP.format(
            port=pop3_doors["pop3"], login=maildrop.login, password=PASSWORD, folder=tmp_path, keep=keep
        )
        configuration = write_private(tmp_path / "mpoprc", text)
        run([program, "-C", str(configuration), "-a"], tmp_path)
        return [path.read_bytes() for path in (tmp_path / "maildir" / "new").iterdir()]

    fetch(keep="on")
    found = fetch(keep="off")
    assert len(found) == 3
    assert any(b"\n.\n..two dots\n.\nend\n" in octets.replace(b"\r\n", b"\n") for octets in found)
    assert count(maildrop) == 0
