"""A stored route as connections are made by it."""

from dataclasses import replace

from delivery.models import OutboundRoute, RouteTls
from delivery.relay.demands import Demand, InClear, Named
from delivery.relay.departure import Credentials, Departure, parse_source
from delivery.relay.next_hops import Route
from mailhost.net.secrets_at_rest import CannotDecrypt, decrypt

IS_GONE = "The route that it waited for is gone; it is moved to another one soon."


def way_out(route_id: int, *, base: Route) -> Route:
    """The route of this id over what the settings say; one with a fault where it cannot be used."""
    route = OutboundRoute.objects.filter(pk=route_id).first()
    return replace(base, fault=IS_GONE) if route is None else as_way(route, base=base)


def as_way(route: OutboundRoute, *, base: Route) -> Route:
    """Port and host of a smarthost, or the settings' port; what else the route says."""
    try:
        credentials = _credentials(route)
    except CannotDecrypt as fact:
        return replace(
            base, name=route.name, fault=f"The password of the route {route.name} cannot be read. {fact}"
        )
    departure = Departure(ehlo_name=route.ehlo_name, demand=_demand(route), credentials=credentials)
    return replace(
        base,
        name=route.name,
        smarthost=(route.smarthost, route.port) if route.smarthost else None,
        sources=tuple(parse_source(text) for text in route.sources),
        departure=departure,
    )


def _demand(route: OutboundRoute) -> Demand | None:
    match route.tls:
        case RouteTls.REQUIRED:
            return Named(route.name)
        case RouteTls.IMPLICIT:
            return Named(route.name, is_implicit=True)
        case RouteTls.NONE:
            return InClear()
    return None


def _credentials(route: OutboundRoute) -> Credentials | None:
    if not route.login:
        return None
    password = decrypt(bytes(route.password), purpose=route.purpose).decode()
    return Credentials(route.login, password, route.allows_clear)
