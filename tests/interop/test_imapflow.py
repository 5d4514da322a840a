"""imapflow, from npm: what a web mail client of today does."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.needs import find_program, needs_program

ROOT = Path(__file__).resolve().parent.parent.parent
MODULES = ROOT / ".tools" / "node"

pytestmark = [
    needs_program("node", package="nodejs"),
    pytest.mark.skipif(
        not (MODULES / "node_modules" / "imapflow").is_dir(),
        reason="imapflow is not installed: npm install --no-save --no-package-lock --prefix .tools/node imapflow",
    ),
]


def test_imapflow(imap_plain_port: int) -> None:
    from tests.conversations.imap.messages import put_message
    from tests.support.hosting import new_account

    login = new_account().login
    put_message(login, "one")
    put_message(login, "two")
    script = Path(__file__).with_name("imapflow.mjs")
    words = [
        find_program("node") or "",
        str(script),
        str(imap_plain_port),
        login,
        "correct horse",
        str(MODULES),
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["folders"] == [
        "Archive \\Archive",
        "Drafts \\Drafts",
        "INBOX \\Inbox",
        "Junk \\Junk",
        "Sent \\Sent",
        "Trash \\Trash",
    ]
    assert (seen["exists"], seen["subjects"], seen["flagged"]) == (2, ["one", "two"], [1])
    assert (seen["source"], seen["draft"], seen["news"]) == ("Date:", "Drafts", 1)
    assert seen["status"]["messages"] == 1
