"""Something to try at once: a domain, two accounts and an operator, made the first time; var/demo.json names them."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from domains.models import Domain
from domains.registration import add_domain
from mailboxes.accounts import add_account
from mailboxes.models import Account
from mailhost.protocols.addresses import EmailAddress

DOMAIN = "example.test"  # RFC 6761 section 6.2: never a real one
OPERATOR = f"operator@{DOMAIN}"
ACCOUNTS = (f"alice@{DOMAIN}", f"bob@{DOMAIN}")
PASSWORD_OCTETS = 12
BY = "demo"


@dataclass(frozen=True, slots=True)
class Demo:
    """Passwords by address."""

    passwords: dict[str, str]


def read_or_make(path: Path) -> Demo:
    """The passwords that were made once, or new ones."""
    kept: dict[str, str] = {}
    try:
        written = json.loads(path.read_text())
        kept = {entry["address"]: entry["password"] for entry in (*written["accounts"], written["operator"])}
    except (OSError, ValueError, KeyError, TypeError):
        pass  # the first start, or a file that somebody broke
    return Demo(
        {name: kept.get(name) or secrets.token_urlsafe(PASSWORD_OCTETS) for name in (*ACCOUNTS, OPERATOR)}
    )


def write(demo: Demo, path: Path, *, ports: Mapping[str, int], ca: Path) -> None:
    """var/demo.json: mode 0600, whole or not at all. Others script against its form."""
    entries = {name: {"address": name, "password": password} for name, password in demo.passwords.items()}
    content = {
        "domain": DOMAIN,
        "accounts": [entries[name] for name in ACCOUNTS],
        "operator": entries[OPERATOR],
        "ports": dict(ports),
        "ca": str(ca),
    }
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(json.dumps(content, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def is_wanted() -> bool:
    """True on a database where nothing is hosted yet; what people removed later stays removed."""
    return not Domain.objects.exists() and not Account.objects.exists()


@transaction.atomic
def add(demo: Demo) -> None:
    add_domain(name=DOMAIN, by=BY)
    for name, password in demo.passwords.items():
        add_account(
            address=EmailAddress.parse(name),
            password=password,
            display_name=name.split("@")[0].capitalize(),
            is_operator=name == OPERATOR,
            by=BY,
        )


def welcome() -> None:
    """One message to alice, through the same door as all mail."""
    from delivery.acceptance import Acceptance, accept_now

    now = timezone.now()
    message = EmailMessage()
    message["From"] = f"Mail host <{OPERATOR}>"
    message["To"] = ACCOUNTS[0]
    message["Subject"] = "Welcome"
    message["Date"] = now
    message["Message-ID"] = f"<welcome.{secrets.token_hex(8)}@{DOMAIN}>"
    message.set_content(
        "This mailbox works: read it by IMAP, POP3 or in the browser, and answer it.\n\n"
        'Nothing leaves this machine while MAILHOST_RELAY is "capture".\n'
    )
    octets = b"Return-Path: <>\r\n" + message.as_bytes().replace(b"\n", b"\r\n")
    alice = Account.objects.get(login=ACCOUNTS[0])
    accept_now(
        Acceptance(octets=octets, account_ids=(alice.pk,), relay=(), reverse_path="", submitted_by=None),
        now=now,
    )
