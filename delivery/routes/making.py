"""Making, changing and removing routes, each with its row in the audit trail and with what waits moved afterwards."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from delivery.models import OutboundRoute, RouteTls
from delivery.queue.notices import routes_changed
from delivery.queue.route_moves import note_change
from delivery.queue.route_rules import forget, pairs
from delivery.relay.departure import parse_source
from mailhost.audit.trail import record
from mailhost.net.database import cursor
from mailhost.net.secrets_at_rest import CannotDecrypt, decrypt, encrypt, is_current
from mailhost.protocols.addresses import AddressSyntaxError, parse_domain

MAX_NAME: Final = 100
MAX_LISTED: Final = 1_000  # domains of one route, and addresses
MAX_SECRET: Final = 500
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]")
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
LOCK: Final = (
    b"LOCK TABLE delivery_outboundroute IN SHARE ROW EXCLUSIVE MODE"  # one change at a time; reading goes on
)


class RouteInvalid(ValueError):
    """The route cannot be so; the text is a sentence. field: of which column it is about."""

    def __init__(self, text: str, *, field: str) -> None:
        super().__init__(text)
        self.field = field


class RouteNotFound(LookupError):
    """There is no such route."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePlan:
    """What a route is to be: as the columns of OutboundRoute. password: None leaves it as it is."""

    name: str
    smarthost: str = ""
    port: int = 587
    tls: str = RouteTls.OPPORTUNISTIC
    login: str = ""
    password: str | None = None
    allows_clear: bool = False
    sending_domains: tuple[str, ...] = ()
    recipient_domains: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    ehlo_name: str = ""


def put_route(*, plan: RoutePlan, route_id: int | None = None, by: str, now: datetime) -> OutboundRoute:
    """A new route, or the one of this id as the plan says. Raises RouteInvalid, RouteNotFound."""
    values = _checked(plan)
    with transaction.atomic():
        _lock()
        route = OutboundRoute() if route_id is None else _find(route_id)
        is_new = route_id is None
        _require_free(plan.name.strip(), values, route)
        is_elsewhere = route.smarthost != values["smarthost"]
        for name, value in values.items():
            setattr(route, name, value)
        route.save()
        _set_password(route, plan, is_elsewhere=is_elsewhere)
        told = {name: value for name, value in values.items() if value}
        told["password changed"] = bool(plan.password)
        record(by=by, verb="add route" if is_new else "change route", subject=route.name, **told)
        _changed(now)
    return route


def remove_route(*, route_id: int, by: str, now: datetime) -> None:
    """What waits for it goes another way. Raises RouteNotFound."""
    with transaction.atomic():
        _lock()
        route = _find(route_id)
        record(by=by, verb="remove route", subject=route.name)
        route.delete()
        _changed(now)


def encrypt_anew() -> int:
    """Passwords that an old secret encrypts, with the one of now; how many. What cannot be read stays as it is."""
    done = 0
    for route_id, kept in OutboundRoute.objects.exclude(password=b"").values_list("pk", "password"):
        if is_current(bytes(kept)):
            continue
        with transaction.atomic():
            route = OutboundRoute.objects.select_for_update().filter(pk=route_id).first()
            if route is None:
                continue
            try:
                password = decrypt(bytes(route.password), purpose=route.purpose)
            except CannotDecrypt:
                continue  # the route says so wherever it is used (ways.py)
            route.password = encrypt(password, purpose=route.purpose)
            route.save(update_fields=["password"])
            done += 1
    return done


def _lock() -> None:
    with cursor() as sql:
        sql.execute(LOCK)


def _find(route_id: int) -> OutboundRoute:
    route = OutboundRoute.objects.filter(pk=route_id).first()
    if route is None:
        raise RouteNotFound("There is no such route.")
    return route


def _changed(now: datetime) -> None:
    note_change(now=now)
    forget()
    transaction.on_commit(forget)
    transaction.on_commit(routes_changed)


def _set_password(route: OutboundRoute, plan: RoutePlan, *, is_elsewhere: bool) -> None:
    """After the row has its id, for which it is encrypted. is_elsewhere: the one that is kept is another host's."""
    if not route.login:
        password = b""
    elif plan.password:
        password = encrypt(plan.password.encode(), purpose=route.purpose)
    elif route.password and not is_elsewhere:
        return
    elif route.password:
        raise RouteInvalid("Another smarthost is not told the password of the one before.", field="password")
    else:
        raise RouteInvalid("A login needs a password.", field="password")
    route.password = password
    route.save(update_fields=["password"])


def _require_free(name: str, values: dict[str, object], route: OutboundRoute) -> None:
    """No other route has the name, nor says where the same mail goes."""
    own = set(pairs(_texts(values["recipient_domains"]), _texts(values["sending_domains"])))
    for other in OutboundRoute.objects.exclude(pk=route.pk):
        if other.name == name:
            raise RouteInvalid(f"There is a route {name} already.", field="name")
        if both := own & set(pairs(other.recipient_domains, other.sending_domains)):
            recipient, sender = sorted(both)[0]
            text = (
                f"The route {other.name} is for the same mail already: from {sender or 'any domain'} to "
                f"{recipient or 'any domain'}."
            )
            raise RouteInvalid(text, field="recipient_domains")


def _texts(value: object) -> Iterable[str]:
    assert isinstance(value, list)
    return value


def _checked(plan: RoutePlan) -> dict[str, object]:
    """The columns' values. Raises RouteInvalid."""
    name, smarthost = plan.name.strip(), _host(plan.smarthost, "smarthost")
    if not name or len(name) > MAX_NAME or _CONTROLS.search(name):
        raise RouteInvalid(f"A route has a name, of up to {MAX_NAME} characters.", field="name")
    if not 1 <= plan.port <= 65_535:
        raise RouteInvalid("A port is a number from 1 to 65535.", field="port")
    if plan.tls not in RouteTls.values:
        raise RouteInvalid(f"Encryption is one of {', '.join(RouteTls.values)}.", field="tls")
    _check_login(plan, smarthost)
    return {
        "name": name,
        "smarthost": smarthost,
        "port": plan.port,
        "tls": plan.tls,
        "login": plan.login,
        "allows_clear": plan.allows_clear,
        "sending_domains": _patterns(plan.sending_domains, "sending_domains"),
        "recipient_domains": _patterns(plan.recipient_domains, "recipient_domains"),
        "sources": _sources(plan.sources),
        "ehlo_name": _host(plan.ehlo_name, "ehlo_name", may_be_address=False),
    }


def _check_login(plan: RoutePlan, smarthost: str) -> None:
    if not smarthost and plan.login:
        raise RouteInvalid(
            "One signs in with a smarthost only: MX hosts know no accounts of ours.", field="login"
        )
    if not smarthost and plan.tls == RouteTls.IMPLICIT:
        raise RouteInvalid("MX hosts know no encryption from the first octet.", field="tls")
    for field, text in (("login", plan.login), ("password", plan.password or "")):
        if len(text) > MAX_SECRET or _CONTROLS.search(text):
            raise RouteInvalid("Logins and passwords are lines of text.", field=field)
    if plan.login and plan.tls not in (RouteTls.REQUIRED, RouteTls.IMPLICIT) and not plan.allows_clear:
        text = (
            "With a password, encryption is to be required, so that it is said to nobody else; or allow that it goes "
            "unprotected."
        )
        raise RouteInvalid(text, field="tls")


def _host(text: str, field: str, *, may_be_address: bool = True) -> str:
    """A-labels, an address, or ""."""
    host = text.strip().lower().rstrip(".").removeprefix("[").removesuffix("]")
    if not host:
        return ""
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        if may_be_address:
            return str(parsed)
        raise RouteInvalid(f"{text!r} is no name of a host.", field=field)
    try:
        host = host.encode("ascii").decode() if host.isascii() else parse_domain(host)
    except (AddressSyntaxError, UnicodeError):
        raise RouteInvalid(f"{text!r} is no name of a host.", field=field) from None
    if not _HOST.fullmatch(host) or len(host) > 253:
        raise RouteInvalid(f"{text!r} is no name of a host.", field=field)
    return host


def _patterns(texts: Iterable[str], field: str) -> list[str]:
    found: list[str] = []
    for text in texts:
        below = text.strip().startswith("*.")
        try:
            domain = parse_domain(text.strip().removeprefix("*."))
        except AddressSyntaxError as error:
            raise RouteInvalid(f"{text!r} is no domain: {error}", field=field) from error
        found.append(f"*.{domain}" if below else domain)
    if len(found) > MAX_LISTED:
        raise RouteInvalid(f"A route is for {MAX_LISTED} domains at most.", field=field)
    return sorted(set(found))


def _sources(texts: Iterable[str]) -> list[str]:
    found: dict[str, str] = {}
    for text in texts:
        try:
            source = parse_source(text)
        except ValueError as error:
            raise RouteInvalid(str(error), field="sources") from error
        found[source.address] = (
            f"{source.address} {_host(source.ehlo_name, 'sources', may_be_address=False)}".strip()
        )
    if len(found) > MAX_LISTED:
        raise RouteInvalid(f"A route has {MAX_LISTED} addresses at most.", field="sources")
    return list(found.values())
