"""The envelope of one SMTP transaction (RFC 5321 section 2.3.1): what MAIL and RCPT said, and where it leads."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from delivery.filters.policies import Policy
from delivery.routing import Route
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.smtp.commands import Body
from mailhost.protocols.smtp.dsn_parameters import NOTHING_ASKED, DsnRequest
from mailhost.protocols.smtp.paths import ForwardPath, ReversePath
from mailhost.protocols.srs import is_rewritten
from mailhost.protocols.verp import is_bounce_address

NOTHING_TOLD: Final = DsnRequest(notify="NEVER")


@dataclass(slots=True)
class Envelope:
    """Recipients are kept by where they end: an account or a foreign address named twice gets one copy.

    ret and envid are "" where MAIL had none. dsn_requests: by EmailAddress.key of those in relay, where something was
    asked; confirmed: of forward-paths that end here, and expanded: of aliases that lead to several, some of them
    elsewhere, where NOTIFY=SUCCESS asked. An alias that leads elsewhere hands on what was asked for it, and of success
    only where it leads to one (RFC 3461 section 5.2.7). release_at and future_release: what was
    asked with HOLDFOR or HOLDUNTIL (RFC 4865); deliver_by and deliver_by_mode: with BY (RFC 2852).
    """

    reverse_path: ReversePath
    size_octets: int = 0
    body: Body = "7BIT"
    is_smtputf8: bool = False
    ret: str = ""
    envid: str = ""
    requires_tls: bool = False
    release_at: datetime | None = None
    future_release: str = ""
    deliver_by: datetime | None = None
    deliver_by_mode: str = ""
    forward_paths: list[ForwardPath] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)  # of each forward-path
    account_ids: dict[int, None] = field(default_factory=dict)
    relay: dict[tuple[str, str], EmailAddress] = field(default_factory=dict)
    asks_accounts: bool = False
    policies: dict[int, Policy] = field(default_factory=dict)  # of the accounts
    suppressed: tuple[str, ...] = ()  # recipients elsewhere that are not tried

    @property
    def domains(self) -> frozenset[str]:
        """Those of the forward-paths."""
        return frozenset(path.address.domain for path in self.forward_paths if path.address is not None)

    dsn_requests: dict[tuple[str, str], DsnRequest] = field(default_factory=dict)
    confirmed: dict[ForwardPath, DsnRequest] = field(default_factory=dict)
    expanded: dict[ForwardPath, DsnRequest] = field(default_factory=dict)
    asked: list[DsnRequest] = field(default_factory=list)  # of each forward-path

    @property
    def leading_here(self) -> tuple[tuple[str, DsnRequest], ...]:
        """The forward-paths that lead to accounts (and perhaps elsewhere as well), as they are looked up again later;
        and aliases of whose expansion somebody is to be told then.

        An address literal of ours is this host's postmaster, as at RCPT.
        """
        found = zip(self.forward_paths, self.asked, self.routes, strict=True)
        return tuple((_lasting(path), dsn) for path, dsn, route in found if _is_looked_up_later(route, dsn))

    @property
    def coming_back(self) -> tuple[tuple[str, DsnRequest], ...]:
        """The forward-paths that are bounce addresses of ours. Nobody is told what became of a report: whoever names
        itself MAILER-DAEMON of a host has not proven to be it."""
        return tuple((str(path), NOTHING_TOLD) for path in self.bounce_addresses)

    @property
    def bounce_addresses(self) -> tuple[ForwardPath, ...]:
        """The forward-paths that are bounce addresses of ours, where what came there is to be settled by the worker."""
        found = zip(self.forward_paths, self.routes, strict=True)
        return tuple(path for path, route in found if route.comes_back)

    @property
    def leading_elsewhere(self) -> tuple[EmailAddress, ...]:
        """Where the other forward-paths lead, each address once."""
        found = zip(self.routes, self.asked, strict=True)
        routes = [route for route, dsn in found if not _is_looked_up_later(route, dsn)]
        return tuple({address.key: address for route in routes for address in route.relay}.values())

    @property
    def led_from(self) -> dict[tuple[str, str], str]:
        """As in Acceptance."""
        return led_from(zip(self.forward_paths, self.routes, strict=True)) if self.relay else {}

    @property
    def forwarding_domain(self) -> str:
        """That of the first forward-path which leads elsewhere; "" where none does."""
        found = zip(self.forward_paths, self.routes, strict=True)
        return next((path.address.domain for path, route in found if route.relay and path.address), "")

    def add(self, forward_path: ForwardPath, route: Route, dsn: DsnRequest = NOTHING_ASKED) -> None:
        """One more recipient that was accepted."""
        self.forward_paths.append(forward_path)
        self.routes.append(route)
        self.asked.append(dsn)
        self._lead(forward_path, route, dsn)

    def lead_back(self, found: Iterable[Route]) -> None:
        """The forward-paths that are bounce addresses lead there, as it turned out: to the senders of what came back.
        Nobody is told what became of it, as with reports."""
        numbers = [number for number, route in enumerate(self.routes) if route.comes_back]
        for number, route in zip(numbers, found, strict=True):
            self.routes[number], self.asked[number] = route, NOTHING_TOLD
            self._lead(self.forward_paths[number], route, NOTHING_TOLD)

    def _lead(self, forward_path: ForwardPath, route: Route, dsn: DsnRequest) -> None:
        self.account_ids.update(dict.fromkeys(route.account_ids))
        self.asks_accounts |= route.asks_accounts
        self.policies.update(route.policies)
        if dsn.wants_success and forward_path.address is not None:
            if route.is_expanded:
                self.expanded.setdefault(forward_path, dsn)
            elif route.account_ids:
                self.confirmed.setdefault(forward_path, dsn)
        onward = dsn.without_success if route.is_expanded else dsn
        for address in route.relay:
            if self.relay.setdefault(address.key, address) is address and onward != NOTHING_ASKED:
                self.dsn_requests[address.key] = onward


def led_from(found: Iterable[tuple[ForwardPath, Route]]) -> dict[tuple[str, str], str]:
    """The first alias, as it was named, of each address elsewhere that no forward-path names, by EmailAddress.key.

    What this host has made for mail to come back by is no name that anybody gave it.
    """
    aliases: dict[tuple[str, str], str] = {}
    named = set()
    for path, route in found:
        own = path.address
        if own is None or is_rewritten(own.local_part) or is_bounce_address(own.local_part):
            continue
        for address in route.relay:
            if own.key == address.key:
                named.add(address.key)
            aliases.setdefault(address.key, str(path))
    return {key: path for key, path in aliases.items() if key not in named}


def _is_looked_up_later(route: Route, dsn: DsnRequest) -> bool:
    return bool(route.account_ids) or (route.is_expanded and dsn.wants_success)


def _lasting(path: ForwardPath) -> str:
    is_literal = path.address is not None and path.address.domain.startswith("[")
    return str(ForwardPath(None) if is_literal else path)
