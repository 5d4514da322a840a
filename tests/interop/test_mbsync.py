"""mbsync (isync) keeps a Maildir and an account in step, both ways."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.needs import find_program, needs_program

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

pytestmark = needs_program("mbsync", package="isync")

CONFIGURATION = """
IMAPAccount ours
Host 127.0.0.1
Port {port}
User {login}
Pass "correct horse"
SSLType None
AuthMechs LOGIN

IMAPStore far
Account ours

MaildirStore near
Path {folder}/
Inbox {folder}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
Sync All
SyncState *
"""


@pytest.fixture
def synchronise(imap_doors: "Doors", tmp_path: Path) -> Callable[[str], Path]:
    """Runs mbsync for a login; the Maildir's folder."""
    program = find_program("mbsync") or ""

    def run(login: str) -> Path:
        folder = tmp_path / "mail"
        folder.mkdir(exist_ok=True)
        configuration = tmp_path / "mbsyncrc"
        configuration.write_text(CONFIGURATION.format(port=imap_doors.plain, login=login, folder=folder))
        done = subprocess.run(
            [program, "-c", str(configuration), "-a"], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return folder

    return run


def messages(folder: Path) -> list[Path]:
    return sorted([*(folder / "cur").iterdir(), *(folder / "new").iterdir()])


def test_both_sides_end_up_the_same(synchronise: Callable[[str], Path]) -> None:
    from mailboxes.models import Account
    from mailboxes.store.hierarchy import list_mailboxes
    from mailboxes.store.values import Flag
    from tests.conversations.imap.messages import put_message, simple
    from tests.support.hosting import new_account

    account = new_account()
    put_message(account.login, "one")
    put_message(account.login, "two", flags=Flag.SEEN | Flag.FLAGGED)
    folder = synchronise(account.login)
    found = messages(folder / "INBOX")
    assert len(found) == 2
    assert {path.name.partition(":2,")[2] for path in found} == {"", "FS"}
    assert any(b"Subject: one\n" in path.read_bytes() for path in found)

    # Now the Maildir changes: one message is new, one is flagged, one is trashed, a folder is made.
    (folder / "INBOX" / "cur" / "1.new:2,S").write_bytes(simple("three").replace(b"\r\n", b"\n"))
    one = next(path for path in found if b"Subject: one\n" in path.read_bytes())
    one.rename(folder / "INBOX" / "cur" / (one.name.partition(":2,")[0] + ":2,R"))
    two = next(path for path in found if path != one)
    two.rename(two.with_name(two.name + "T"))
    for name in ("cur", "new", "tmp"):
        (folder / "Reisen" / name).mkdir(parents=True)
    synchronise(account.login)
    entries = {
        entry.name: entry for entry in list_mailboxes(account_id=Account.objects.get(pk=account.pk).pk)
    }
    assert entries["INBOX"].message_count == 2
    assert entries["INBOX"].unseen_count == 1
    assert "Reisen" in entries
    assert len(messages(folder / "INBOX")) == 2
