"""offlineimap and neomutt read an account and change it."""

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.needs import find_program, needs_program

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

OFFLINEIMAP = """
[general]
accounts = ours
metadata = {folder}/metadata
[Account ours]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {folder}/mail
[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = {port}
remoteuser = {login}
remotepass = correct horse
auth_mechanisms = PLAIN
ssl = no
starttls = no
"""
NEOMUTT = """
set folder="imap://{login}@127.0.0.1:{port}/"
set imap_user="{login}"
set imap_pass="correct horse"
set spoolfile="+INBOX"
set ssl_starttls=no ssl_force_tls=no header_cache="" quit=yes delete=yes mark_old=no confirmappend=no wait_key=no
"""
# Copies everything to Archive, flags the first message, deletes the last, and leaves.
KEYS = (
    "<tag-pattern>~A<enter><tag-prefix><copy-message>=Archive<enter><first-entry><flag-message>"
    "<last-entry><delete-message><sync-mailbox><quit>"
)


@needs_program("offlineimap", package="offlineimap3")
def test_offlineimap(imap_doors: "Doors", tmp_path: Path) -> None:
    from mailboxes.store.values import Flag
    from tests.conversations.imap.messages import put_message
    from tests.support.hosting import new_account

    login = new_account().login
    put_message(login, "one", flags=Flag.SEEN)
    put_message(login, "two")
    configuration = tmp_path / "offlineimaprc"
    configuration.write_text(OFFLINEIMAP.format(folder=tmp_path, port=imap_doors.plain, login=login))
    command = [find_program("offlineimap") or "", "-c", str(configuration), "-o", "-u", "quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    inbox = tmp_path / "mail" / "INBOX"
    found = [path for folder in ("cur", "new") for path in (inbox / folder).iterdir()]
    assert len(found) == 2
    assert sum(path.name.endswith("S") for path in found) == 1
    assert (tmp_path / "mail" / "Archive").is_dir()


@needs_program("neomutt", package="neomutt")
@needs_program("script", package="bsdutils")
def test_neomutt(imap_doors: "Doors", tmp_path: Path) -> None:
    from mailboxes.models import Account
    from mailboxes.store.hierarchy import find_mailbox
    from mailboxes.store.select import load_view
    from mailboxes.store.values import Flag
    from tests.conversations.imap.messages import put_message
    from tests.support.hosting import new_account

    account = new_account()
    for subject in ("one", "two", "three"):
        put_message(account.login, subject)
    configuration = tmp_path / "neomuttrc"
    configuration.write_text(NEOMUTT.format(port=imap_doors.plain, login=account.login))
    command = f"{find_program('neomutt')} -n -F {configuration} -e 'push \"{KEYS}\"'"
    subprocess.run(
        [find_program("script") or "", "-qec", command, str(tmp_path / "screen")],
        env={**os.environ, "TERM": "xterm", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=True,
    )
    account_id = Account.objects.get(pk=account.pk).pk
    assert find_mailbox(account_id=account_id, name="Archive").message_count == 3
    view = load_view(mailbox_id=find_mailbox(account_id=account_id, name="INBOX").mailbox_id)
    assert list(view.uids) == [1, 2]
    assert view.flags[0] & Flag.FLAGGED
