"""nodemailer, from npm: submission as web applications do it."""

import json
from pathlib import Path

import pytest

from tests.interop.mail_host import ALICE, BOB, MailHost, run
from tests.support.needs import needs_program

ROOT = Path(__file__).resolve().parent.parent.parent
MODULES = ROOT / ".tools" / "node"

pytestmark = [
    needs_program("node", package="nodejs"),
    pytest.mark.skipif(
        not (MODULES / "node_modules" / "nodemailer").is_dir(),
        reason="nodemailer is not installed: npm install --no-save --no-package-lock --prefix .tools/node nodemailer",
    ),
]


def test_nodemailer(mail_host: MailHost, tmp_path: Path) -> None:
    host = mail_host.host
    host.manage("add_account", "käthe@example.test", "--password-stdin", given="correct horse\n")
    given = {
        "ports": host.ports,
        "ca": mail_host.ca,
        "login": ALICE,
        "password": host.password(ALICE),
        "to": BOB,
    }
    script = Path(__file__).with_name("nodemailer.mjs")
    seen = json.loads(run("node", str(script), str(MODULES), json.dumps(given), home=tmp_path))

    assert seen["verified"]
    for name in ("starttls", "implicit", "login", "dsn"):
        assert seen[name].startswith("250 2.0.0 Ok: accepted as"), name
        octets = mail_host.wait_for(BOB, f"nodemailer {name}")
        assert b"with ESMTPSA id" in octets
        assert octets.endswith(b"Hello\r\n.\r\n..\r\n")
    assert seen["attached"] == {"from": ALICE, "to": [BOB, ALICE]}
    attached = mail_host.wait_for(BOB, "nodemailer Anh")
    assert b"\r\nbcc:" not in attached.lower()
    assert len(attached) > 400_000
    assert seen["utf8"] == ["käthe@example.test"]
    assert seen["pooled"] == mail_host.count(BOB, "nodemailer pooled") == 40
    assert seen["some"] == [[BOB], ["nobody@example.test"], [550]]
    assert [seen[name] for name in ("unknown", "foreign", "wrong")] == [
        "EENVELOPE 550",
        "EENVELOPE 553",
        "EAUTH 535",
    ]
