"""Which route a message takes to a recipient: by the recipient's domain first, then by the sender's.

A whole name tells more than `*.` and what is above it, and that more than any domain. Each process keeps the table of
rules for some seconds, so that no message costs a statement; a worker that is to send by a route which is not the right
one (any more) moves what waits (route_moves.py).
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from mailhost.net.database import cursor

KEPT_SECONDS: Final = 5.0
SETTINGS: Final = 0  # the route that is no row: as MAILHOST_RELAY says
ANY: Final = ""

READ: Final = b"SELECT id, recipient_domains, sending_domains FROM delivery_outboundroute ORDER BY id"


@dataclass(frozen=True, slots=True)
class Rules:
    """routes: the id by the recipient's and the sender's pattern, "" for any."""

    routes: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def choose(self, recipient_domain: str, sending_domain: str) -> int:
        """The route's id; SETTINGS where no rule fits. sending_domain: "" for the null reverse-path."""
        if not self.routes:
            return SETTINGS
        senders = patterns(sending_domain)
        for recipient in patterns(recipient_domain):
            for sender in senders:
                if (route := self.routes.get((recipient, sender))) is not None:
                    return route
        return SETTINGS


def patterns(domain: str) -> list[str]:
    """Those that fit the domain, the most telling one first."""
    if not domain or domain.startswith("["):
        return [domain, ANY] if domain else [ANY]
    labels = domain.split(".")
    return [domain, *("*." + ".".join(labels[start:]) for start in range(1, len(labels))), ANY]


def pairs(recipient_domains: Iterable[str], sending_domains: Iterable[str]) -> list[tuple[str, str]]:
    """The patterns of one route."""
    return [
        (recipient, sender)
        for recipient in recipient_domains or (ANY,)
        for sender in sending_domains or (ANY,)
    ]


def sending_domain(*, reverse_path: str, forwarded_by: str) -> str:
    """Whose mail it is: the domain here that passes it on, or the reverse-path's."""
    return forwarded_by or reverse_path.rpartition("@")[2].lower()


@dataclass(slots=True)
class _Kept:
    rules: Rules = field(default_factory=Rules)
    until: float = 0.0


_kept = _Kept()


def rules(*, fresh: bool = False) -> Rules:
    """Those of now, or of a few seconds ago."""
    if fresh or kept_rules() is None:
        with cursor() as sql:
            rows = sql.execute(READ).fetchall()
        # The first one made keeps what two have: verbs let no second one be made, under a lock (making.py).
        found: dict[tuple[str, str], int] = {}
        for route_id, recipients, senders in rows:
            for pair in pairs(recipients, senders):
                found.setdefault(pair, route_id)
        _kept.rules = Rules(found)
        _kept.until = time.monotonic() + KEPT_SECONDS
    return _kept.rules


def kept_rules() -> Rules | None:
    """Those of a few seconds ago, without asking the database; None where that has to be asked."""
    return _kept.rules if time.monotonic() < _kept.until else None


def forget() -> None:
    """The next one who asks reads them anew."""
    _kept.until = 0.0
