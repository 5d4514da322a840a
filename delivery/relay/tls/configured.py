"""The finder of TLS policies as the settings have it."""

from collections.abc import Callable
from datetime import datetime

from django.conf import settings

from delivery.relay.tls.fetching import PolicyFetcher
from delivery.relay.tls.finding import TlsPolicies
from delivery.relay.tls.mta_sts import StsPolicies
from delivery.relay.tls.shelf import PostgresShelf, RunInStore
from mailhost.net.resolver import Resolver


def configured_policies(*, resolver: Resolver, run: RunInStore, clock: Callable[[], datetime]) -> TlsPolicies:
    """For one event loop. run: StoreThreads.run, or in_store."""
    sts = StsPolicies(resolver, configured_fetcher(resolver).fetch, PostgresShelf(run, clock), clock)
    return TlsPolicies(resolver, sts if settings.MTA_STS else None, clock)


def configured_fetcher(resolver: Resolver) -> PolicyFetcher:
    """To be used in one event loop."""
    return PolicyFetcher(resolver, to_private=settings.RELAY_TO_PRIVATE)
