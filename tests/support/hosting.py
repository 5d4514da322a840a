"""Domains and accounts for tests that share one database: every name is new, so nothing needs to be flushed."""

import itertools
import os

from domains.registration import add_domain
from mailboxes.accounts import add_account
from mailboxes.models import Account
from mailhost.protocols.addresses import EmailAddress

_numbers = itertools.count(1)

PASSWORD = "correct horse"


def new_domain() -> str:
    """Hosts a domain that no other test has; its name."""
    return add_domain(name=f"d{next(_numbers)}-{os.getpid()}.example.test", by="test").name


def new_account(
    local: str = "alice", *, domain: str | None = None, password: str = PASSWORD, quota_octets: int = 0
) -> Account:
    """An account in the domain, or in a new one."""
    address = EmailAddress.parse(f"{local}@{domain or new_domain()}")
    return add_account(address=address, password=password, quota_octets=quota_octets, by="test")
