"""How much one client, its neighbourhood and one reverse-path may do on port 25 in a minute or an hour.

The limits are for floods. RFC 5321 section 4.5.4.1 has honest clients come back after a 4xx: they lose time only.
"""

import hashlib
from functools import lru_cache
from typing import Final

from django.conf import settings

from mailhost.bans.networks import customer, neighbourhood
from mailhost.net.allowances import Allowance

MINUTE: Final = 60
HOUR: Final = 3_600


@lru_cache(maxsize=8_192)  # a client comes again, and asks thrice in a session
def _customer(peer: str) -> str:
    return str(customer(peer))


@lru_cache(maxsize=8_192)
def _neighbourhood(peer: str) -> str:
    return str(neighbourhood(peer))


def connection_allowances(peer: str) -> list[Allowance]:
    """One more connection."""
    return [Allowance(f"smtp:connections:{_customer(peer)}", settings.SMTP_CONNECTIONS_PER_MINUTE, MINUTE)]


def message_allowances(peer: str, *, reverse_path: str) -> list[Allowance]:
    """One more message, with its first recipient. reverse_path: "" for the null one, which everybody uses."""
    wanted = [
        Allowance(f"smtp:messages:{_customer(peer)}", settings.SMTP_MESSAGES_PER_MINUTE, MINUTE),
        Allowance(
            f"smtp:messages-of:{_neighbourhood(peer)}", settings.SMTP_MESSAGES_PER_MINUTE_OF_NETWORK, MINUTE
        ),
        *recipient_allowances(peer),
    ]
    if reverse_path:
        digest = hashlib.sha256(reverse_path.lower().encode()).hexdigest()[:32]
        wanted.append(
            Allowance(f"smtp:messages-from:{digest}", settings.SMTP_MESSAGES_PER_MINUTE_FROM, MINUTE)
        )
    return wanted


def recipient_allowances(peer: str) -> list[Allowance]:
    """One more recipient."""
    return [Allowance(f"smtp:recipients:{_customer(peer)}", settings.SMTP_RECIPIENTS_PER_MINUTE, MINUTE)]


def refusal_allowance(peer: str) -> Allowance:
    """One more recipient that there is not."""
    return Allowance(f"smtp:refused:{_customer(peer)}", settings.SMTP_REFUSED_RECIPIENTS_PER_HOUR, HOUR)
