"""The delivery test as this host runs it: with its own resolver, its own way out, and its own addresses."""

from typing import Final

from django.conf import settings
from django.utils import timezone

from delivery.look import own_names
from delivery.probe import Probe
from delivery.queue.route_rules import rules, sending_domain
from delivery.queue.rows import domain_of
from delivery.relay.next_hops import Route, configured_route
from delivery.relay.tls.configured import configured_policies
from delivery.routes.ways import way_out
from delivery.routing import AccountDisabled, route
from delivery.suppression import key_of, suppressed_for
from domains.exceptions import AddressNotFound, DomainNotFound, TooManyTargets
from mailboxes.exceptions import MailboxFact
from mailhost.net import counters
from mailhost.net.resolver import configured_resolver
from mailhost.net.store_threads import in_store
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.smtp.paths import ForwardPath

# Whoever asks other servers for addresses all day is taken for somebody who collects them, and this host with him.
MOST_PER_HOUR: Final = 30
HOUR_SECONDS: Final = 3_600


class TooManyTests(Exception):
    """The account has had its tests of this hour. The text is a sentence for people."""

    def __init__(self) -> None:
        super().__init__(
            f"{MOST_PER_HOUR} tests an hour are enough: other servers take more for a search for addresses. "
            "Try again in an hour."
        )


def count_test(*, account_id: int) -> None:
    """Raises TooManyTests."""
    if counters.increment(f"delivery-tests:{account_id}", window_seconds=HOUR_SECONDS) > MOST_PER_HOUR:
        raise TooManyTests


def configured_probe() -> Probe:
    """To be run in one event loop."""
    resolver = configured_resolver()
    return Probe(
        resolver=resolver,
        route=configured_route(),
        own_name=settings.HOSTNAME,
        which_are_ours=lambda hosts: in_store(own_names, hosts),
        find_recipient=lambda address: in_store(_what_is_said_here, address),
        find_suppression=lambda address, reverse_path: in_store(_why_suppressed, address, reverse_path),
        find_route=lambda forward_path, reverse_path: in_store(route_of, forward_path, reverse_path),
        tls=configured_policies(resolver=resolver, run=in_store, clock=timezone.now),
        is_capturing=settings.RELAY == "capture",
    )


def route_of(forward_path: str, reverse_path: str) -> Route:
    """The one that the queue would choose now."""
    sender = sending_domain(reverse_path=reverse_path, forwarded_by="")
    route_id = rules(fresh=True).choose(domain_of(forward_path), sender)
    return way_out(route_id, base=configured_route()) if route_id else configured_route()


def _why_suppressed(address: EmailAddress, reverse_path: str) -> str:
    """As probe.FindSuppression: by the domain's list, which holds for all its accounts."""
    domain = reverse_path.rpartition("@")[2]
    found = suppressed_for(domain=domain, address=key_of(address), now=timezone.now())
    return (
        f"{found.why}. The suppression list of {domain} has it; an administrator can lift it."
        if found
        else ""
    )


def _what_is_said_here(address: EmailAddress) -> str | None:
    """As probe.FindRecipient."""
    try:
        route(forward_path=ForwardPath(address))
    except DomainNotFound:
        return None
    except (AddressNotFound, AccountDisabled, TooManyTargets, MailboxFact) as fact:
        return str(fact)
    return ""
