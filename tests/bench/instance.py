"""A mail host of our own for the benchmarks, with 100 accounts."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.clients import LOGIN, PASSWORD, USERS
from tests.support.host import Host

ADD_ACCOUNTS = f"""
from django.db import transaction
from domains.registration import add_domain
from mailboxes.accounts import add_account
from mailhost.protocols.addresses import EmailAddress
with transaction.atomic():
    add_domain(name="bench.test", by="bench")
    for number in range(1, {USERS} + 1):
        address = EmailAddress.parse("{LOGIN}" % number)
        add_account(address=address, password="{PASSWORD}", quota_octets=0, by="bench")
"""


@contextmanager
def instance(**variables: str) -> Iterator[Host]:
    """Runs as `./run` starts it: connection limits spare loopback, plaintext logins are allowed there."""
    with Host(**variables) as host:
        host.manage("shell", "--no-imports", "-c", ADD_ACCOUNTS)
        yield host
